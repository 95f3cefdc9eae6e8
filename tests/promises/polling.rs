//! Sources are asked politely, hosts one thing at a time, and nobody waits for somebody else's
//! trouble.
#![allow(clippy::unwrap_used, reason = "a story may stop at the first surprise")]

use std::sync::Arc;
use std::time::Duration;

use courant::domain::UnixMillis;
use courant::pipeline::ingest::{self, Poller};
use courant::pipeline::status::{SourceStatus, status};
use courant::store::{Db, SourceMemory};

use crate::support::databases::both_databases;
use crate::support::host::{Host, feed, only};
use crate::support::newsroom::{DAY, DAY_ONE, HOUR, MINUTE, Newsroom};

/// Sources `NAME0`, `NAME1` … at `/0`, `/1` … of a host.
pub(super) fn sources(name: &str, host: &Host, count: usize, more: &str) -> String {
    let one = |n| {
        format!(
            "[sources.{name}{n}]\nkind = \"feed\"\nurl = \"{}/{n}\"\n{more}\n",
            host.url
        )
    };
    (0..count).map(one).collect()
}

pub(super) async fn memory(room: &Newsroom, name: &str) -> SourceMemory {
    let all = room.app.db.sources().await.unwrap();
    all.into_iter().find(|m| m.name == name).unwrap()
}

async fn standing(room: &Newsroom, name: &str, now: UnixMillis) -> SourceStatus {
    let status = status(&room.app.db, &room.app.config, None, now, now).await;
    let all = status.unwrap().sources;
    all.into_iter().find(|s| s.id == name).unwrap()
}

pub(super) async fn poll(room: &Newsroom, name: &str, now: UnixMillis) -> ingest::PollReport {
    let names = [name.to_owned()];
    let reports = ingest::poll(&room.app, Some(&names), now).await.unwrap();
    reports.into_iter().next().expect("a report")
}

/// Minutes from `now` to the source's next poll.
async fn pause(room: &Newsroom, name: &str, now: UnixMillis) -> i64 {
    let next = memory(room, name).await.next_fetch_at.unwrap();
    (next.0 - now.0) / MINUTE
}

pub(super) fn paused(room: &mut Newsroom, pause: Duration) {
    let mut config = (*room.app.config).clone();
    config.network.host_pause = Some(pause);
    room.app.config = Arc::new(config);
}

#[tokio::test]
async fn a_source_is_asked_as_often_as_it_publishes() {
    both_databases(async |db: Db| {
        // A story every two hours: a quarter of that.
        let host = Host::start(2, |_| feed(0..20)).await;
        let more = sources("h", &host, 1, "every = \"3h\"");
        let room = Newsroom::open_unpolled(db, &more).await;
        poll(&room, "h0", DAY_ONE).await;
        assert!((27..=30).contains(&pause(&room, "h0", DAY_ONE).await));
        // Its habit is known from its row: a 304 changes nothing.
        host.answer(|_| only(304, &[]));
        let report = poll(&room, "h0", DAY_ONE.plus_ms(HOUR)).await;
        assert!(report.not_modified, "{report:?}");
        let again = pause(&room, "h0", DAY_ONE.plus_ms(HOUR)).await;
        assert!((27..=30).contains(&again), "{again}");
        // Then one every minute: as often as anybody is asked.
        host.answer(|_| feed(0..1));
        let minutes = (0..20).map(|n| {
            format!(
                "<item><title>New {n}</title><guid>new {n}</guid><link>https://h.example/n{n}</link>\
                 <pubDate>05 Jan 2026 08:{n:02}:00 GMT</pubDate></item>"
            )
        });
        let body = format!(
            "<rss version=\"2.0\"><channel><title>H</title>{}</channel></rss>",
            minutes.collect::<String>()
        );
        host.answer(move |_| (200, Vec::new(), body.clone()));
        let now = DAY_ONE.plus_ms(3 * HOUR);
        poll(&room, "h0", now).await;
        assert!((4..=5).contains(&pause(&room, "h0", now).await));
        let said = standing(&room, "h0", now).await.explanation;
        assert!(said.starts_with("read every ~5 min; unchanged in 33 % of polls"), "{said}");
    })
    .await;
}

#[tokio::test]
async fn retry_after_holds_on_a_good_answer_and_on_not_modified() {
    both_databases(async |db: Db| {
        let host = Host::start(2, |path| match path {
            "/0" => (200, vec![("retry-after", "7200".into())], feed(0..2).2),
            _ => only(304, &[("retry-after", "7200")]),
        })
        .await;
        let more = sources("h", &host, 2, "every = \"10m\"\nown = true");
        let room = Newsroom::open_unpolled(db, &more).await;
        for name in ["h0", "h1"] {
            let report = poll(&room, name, DAY_ONE).await;
            assert_eq!(report.error, None);
            let until = DAY_ONE.plus_ms(2 * HOUR);
            let memory = memory(&room, name).await;
            assert_eq!(
                (memory.next_fetch_at, memory.rest_until),
                (Some(until), Some(until))
            );
            let standing = standing(&room, name, DAY_ONE).await;
            assert_eq!(standing.state, "ok");
            assert!(standing.explanation.starts_with("waits: "), "{standing:?}");
            // Not by a push, nor by an operator, nor by a restart.
            let asked = host.asked().len();
            room.app.db.wish_poll(name, DAY_ONE).await.unwrap();
            poll(&room, name, DAY_ONE.plus_ms(HOUR)).await;
            room.beside(&more).await;
            ingest::poll(&room.app, None, DAY_ONE.plus_ms(2 * HOUR - 1000))
                .await
                .unwrap();
            let of_us = host.asked().len() - asked;
            assert_eq!(of_us, 0, "{name}");
        }
        poll(&room, "h0", DAY_ONE.plus_ms(2 * HOUR)).await;
        assert_eq!(host.asked().len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_host_that_names_a_time_is_left_alone_by_all_its_sources_and_by_no_other() {
    both_databases(async |db: Db| {
        let host = Host::start(2, |_| feed(0..2)).await;
        let other = Host::start(3, |_| feed(0..2)).await;
        let more = sources("h", &host, 40, "") + &sources("o", &other, 1, "");
        let room = Newsroom::open(db, &more).await;
        let asked = host.asked().len();
        host.answer(|_| only(503, &[("retry-after", "3600")]));
        let now = DAY_ONE.plus_ms(HOUR);
        ingest::poll(&room.app, None, now).await.unwrap();
        assert_eq!(host.asked().len(), asked + 1, "it was asked again");
        assert_eq!(other.asked().len(), 2, "the other host waits for this one");
        for n in 0..40 {
            let rest = memory(&room, &format!("h{n}")).await.rest_until;
            assert!(rest >= Some(now.plus_ms(HOUR)), "h{n} is not put off");
        }
        // An hour later everybody's turn comes, one after the other.
        host.answer(|_| feed(0..2));
        let later = now.plus_ms(HOUR + 10 * MINUTE);
        ingest::poll(&room.app, None, later).await.unwrap();
        assert_eq!(host.asked().len(), asked + 41);
        assert_eq!(host.most(), 1);
    })
    .await;
}

#[tokio::test]
async fn a_host_is_asked_one_thing_at_a_time_with_a_pause_and_others_meanwhile() {
    both_databases(async |db: Db| {
        const PAUSE: Duration = Duration::from_millis(150);
        let host = Host::start(2, |_| feed(0..2)).await;
        let other = Host::start(3, |_| feed(0..2)).await;
        host.take(Duration::from_millis(20));
        let more = sources("h", &host, 6, "") + &sources("o", &other, 1, "");
        let mut room = Newsroom::open_unpolled(db, &more).await;
        paused(&mut room, PAUSE);
        room.look(DAY_ONE).await;
        let asked = host.asked();
        assert_eq!((asked.len(), host.most()), (6, 1));
        for two in asked.windows(2) {
            assert!(
                two[1].at - two[0].at >= PAUSE,
                "{:?}",
                two[1].at - two[0].at
            );
        }
        assert!(
            other.asked()[0].at < asked[1].at,
            "it waited for the host's pause"
        );
    })
    .await;
}

#[tokio::test]
async fn a_host_with_hundreds_of_sources_keeps_no_other_waiting() {
    both_databases(async |db: Db| {
        let big = Host::start(2, |_| feed(0..2)).await;
        let small = Host::start(3, |_| feed(0..2)).await;
        // By name the small one comes last, and all have been due for the same time.
        let more = sources("big", &big, 500, "") + &sources("small", &small, 1, "");
        let mut room = Newsroom::open_unpolled(db, &more).await;
        paused(&mut room, Duration::from_millis(20));
        let mut poller = Poller::default();
        let now = UnixMillis::now();
        while small.asked().is_empty() {
            poller.step(&room.app, now).await.unwrap();
        }
        let first = big.asked().len();
        assert!(first <= 8, "{first} of the big host's went first");
        poller.finish(&room.app).await;
        // What was in hand and not asked is free at once.
        let left = room.app.db.sources().await.unwrap();
        let names: Vec<String> = left.iter().map(|m| m.name.clone()).collect();
        let until = now.plus_ms(MINUTE);
        let free = room
            .app
            .db
            .claim_sources("another", now, until, 999, Some(&names));
        assert_eq!(free.await.unwrap().len(), names.len());
    })
    .await;
}

#[tokio::test]
async fn a_permanent_redirect_is_believed_after_a_second_day_and_forgotten_when_it_dies() {
    both_databases(async |db: Db| {
        let new = Host::start(3, |_| feed(0..3)).await;
        let target = format!("{}/0", new.url);
        let old = Host::start(2, |_| feed(0..3)).await;
        let more = sources("h", &old, 1, "");
        let room = Newsroom::open(db, &more).await;
        let to = target.clone();
        old.answer(move |_| only(301, &[("location", &to)]));

        let report = poll(&room, "h0", DAY_ONE).await;
        assert!(report.notes[0].contains("has moved for good"), "{report:?}");
        assert_eq!(memory(&room, "h0").await.moved_to, None);
        // It is read there, and still asked here.
        poll(&room, "h0", DAY_ONE.plus_ms(DAY - MINUTE)).await;
        assert_eq!((old.asked().len(), new.asked().len()), (3, 2));
        poll(&room, "h0", DAY_ONE.plus_ms(DAY)).await;
        assert_eq!(memory(&room, "h0").await.moved_to.as_ref(), Some(&target));
        let said = standing(&room, "h0", DAY_ONE.plus_ms(DAY)).await;
        assert!(
            said.explanation.contains("believed after a second answer"),
            "{said:?}"
        );
        let before = old.asked().len();
        poll(&room, "h0", DAY_ONE.plus_ms(2 * DAY)).await;
        assert_eq!(old.asked().len(), before, "the old address was asked");

        // The new address dies, by a mistake of its own: it is not the end of the source.
        new.answer(|_| only(410, &[]));
        old.answer(|_| feed(0..4));
        let dead = DAY_ONE.plus_ms(3 * DAY);
        poll(&room, "h0", dead).await;
        assert!(!memory(&room, "h0").await.gone);
        poll(&room, "h0", dead.plus_ms(DAY)).await;
        assert_eq!(memory(&room, "h0").await.moved_to, None);
        let report = poll(&room, "h0", dead.plus_ms(2 * DAY)).await;
        assert_eq!((report.error, report.new), (None, 1));
    })
    .await;
}

#[tokio::test]
async fn a_redirect_to_another_feed_or_a_passing_one_is_never_believed() {
    both_databases(async |db: Db| {
        let elsewhere = Host::start(3, |_| feed(50..53)).await;
        let target = format!("{}/0", elsewhere.url);
        let old = Host::start(2, |_| feed(0..3)).await;
        let more = sources("h", &old, 2, "");
        let room = Newsroom::open(db, &more).await;
        let to = target.clone();
        old.answer(move |path| match path {
            "/0" => only(308, &[("location", &to)]),
            _ => only(302, &[("location", &to)]),
        });
        for day in 0..5 {
            for name in ["h0", "h1"] {
                poll(&room, name, DAY_ONE.plus_ms(day * DAY)).await;
                assert_eq!(memory(&room, name).await.moved_to, None);
            }
        }
        let said = standing(&room, "h0", DAY_ONE.plus_ms(5 * DAY))
            .await
            .explanation;
        assert!(said.contains("where none of its articles stood"), "{said}");
        let said = standing(&room, "h1", DAY_ONE.plus_ms(5 * DAY))
            .await
            .explanation;
        assert!(
            said.starts_with("read every") && !said.contains("redirects"),
            "{said}"
        );
    })
    .await;
}

#[tokio::test]
async fn everything_is_read_anew_each_eighth_day_and_after_an_update_of_our_reading() {
    both_databases(async |db: Db| {
        let host = Host::start(2, |_| {
            let (status, _, body) = feed(0..3);
            (status, vec![("etag", "\"1\"".into())], body)
        })
        .await;
        let room = Newsroom::open_unpolled(db, &sources("h", &host, 1, "")).await;
        let conditional = async |now: UnixMillis| {
            poll(&room, "h0", now).await;
            let asked = host.asked();
            asked.last().unwrap().headers.contains_key("if-none-match")
        };
        assert!(!conditional(DAY_ONE).await, "there was nothing to ask with");
        assert!(conditional(DAY_ONE.plus_ms(6 * DAY)).await);
        assert!(!conditional(DAY_ONE.plus_ms(8 * DAY)).await);
        assert!(conditional(DAY_ONE.plus_ms(9 * DAY)).await);
        room.app
            .db
            .read_anew(courant::sources::READING)
            .await
            .unwrap();
        assert!(conditional(DAY_ONE.plus_ms(9 * DAY + HOUR)).await);
        room.app.db.read_anew("another version").await.unwrap();
        assert!(!conditional(DAY_ONE.plus_ms(9 * DAY + 2 * HOUR)).await);
        assert!(conditional(DAY_ONE.plus_ms(9 * DAY + 3 * HOUR)).await);
    })
    .await;
}

#[tokio::test]
async fn a_source_that_is_gone_is_not_asked_again_until_somebody_does() {
    both_databases(async |db: Db| {
        let host = Host::start(2, |_| only(410, &[])).await;
        let room = Newsroom::open_unpolled(db, &sources("h", &host, 1, "")).await;
        poll(&room, "h0", DAY_ONE).await;
        let standing = standing(&room, "h0", DAY_ONE).await;
        assert_eq!((standing.state, standing.next_fetch), ("gone", None));
        assert!(standing.explanation.starts_with("gone for good (410)"));
        for days in [1, 100] {
            ingest::poll(&room.app, None, DAY_ONE.plus_ms(days * DAY))
                .await
                .unwrap();
        }
        room.app.db.wish_poll("h0", DAY_ONE).await.unwrap();
        ingest::poll(&room.app, None, DAY_ONE.plus_ms(100 * DAY + HOUR))
            .await
            .unwrap();
        assert_eq!(host.asked().len(), 1);
        host.answer(|_| feed(0..3));
        let report = poll(&room, "h0", DAY_ONE.plus_ms(101 * DAY)).await;
        assert_eq!(report.error, None);
        assert!(!memory(&room, "h0").await.gone);
    })
    .await;
}

#[tokio::test]
async fn a_source_that_fails_is_tried_less_often_and_says_so() {
    both_databases(async |db: Db| {
        let host = Host::start(2, |_| feed(0..3)).await;
        let room = Newsroom::open(db, &sources("h", &host, 1, "")).await;
        host.answer(|_| only(500, &[]));
        let mut now = DAY_ONE;
        let mut pauses = Vec::new();
        for _ in 0..10 {
            poll(&room, "h0", now).await;
            pauses.push(pause(&room, "h0", now).await);
            now = memory(&room, "h0").await.next_fetch_at.unwrap();
        }
        for (pause, plain) in pauses
            .iter()
            .zip([1, 5, 10, 20, 40, 80, 160, 320, 360, 360])
        {
            assert!((plain..=plain * 11 / 10).contains(pause), "{pauses:?}");
        }
        let said = standing(&room, "h0", now.plus_ms(-MINUTE)).await;
        assert_eq!(said.state, "failing");
        assert!(
            said.explanation.contains("(HTTP 500): next try"),
            "{said:?}"
        );
        host.answer(|_| feed(0..4));
        let report = poll(&room, "h0", now).await;
        assert_eq!((report.error, report.new), (None, 1));
        assert_eq!(memory(&room, "h0").await.fails, 0);
    })
    .await;
}
