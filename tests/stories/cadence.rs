//! Readers at their own pace: every article exactly once, whatever they change to and whenever.

use courant::domain::UnixMillis;

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY, DAY_ONE, HOUR, MINUTE, Newsroom};
use crate::support::site::Item;

const ADA: &str = "ada@readers.example";
const BEN: &str = "ben@readers.example";
const CYD: &str = "cyd@readers.example";

/// Some time after the story begins.
fn at(days: i64, hours: i64) -> UnixMillis {
    DAY_ONE.plus_ms(days * DAY + hours * HOUR)
}

/// The site publishes these, and we look.
async fn publish(room: &Newsroom, numbers: impl IntoIterator<Item = usize>, now: UnixMillis) {
    for number in numbers {
        room.site.publish(Item::new(number));
    }
    room.look(now).await;
}

/// What a reader got, repetitions included, sorted.
fn got(room: &Newsroom, who: &str) -> Vec<usize> {
    let mut stories = room.stories_of(who);
    stories.sort_unstable();
    stories
}

fn all(upto: usize) -> Vec<usize> {
    (1..=upto).collect()
}

#[tokio::test]
async fn daily_weekly_and_instant_readers_get_everything_once_for_three_weeks() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        for (who, schedule) in [(ADA, "instant"), (BEN, "daily"), (CYD, "weekly")] {
            room.reader(who, schedule).await;
        }
        let (mut stories, mut mornings, mut mondays) = (0, 0, 0);
        let (mut told_daily, mut told_weekly) = (0, 0);
        for day in 0..21 {
            for hour in (0..24).step_by(3) {
                let now = at(day, hour);
                // Nothing on Saturdays, else two or three, at changing hours.
                if day % 7 != 5 && hour % 9 == day % 3 * 3 {
                    stories += 1;
                    publish(&room, [stories], now).await;
                }
                room.tick(now).await;
                // The first look after seven o'clock.
                if hour == 3 && told_daily < stories {
                    (mornings, told_daily) = (mornings + 1, stories);
                }
                if hour == 3 && day % 7 == 0 && told_weekly < stories {
                    (mondays, told_weekly) = (mondays + 1, stories);
                }
            }
        }
        room.live(at(21, 0), at(22, 0), 3 * HOUR).await;
        assert!(stories > 40);
        for who in [ADA, BEN, CYD] {
            assert_eq!(got(&room, who), all(stories), "{who}");
        }
        let counts = room.counts();
        assert_eq!(counts[ADA], stories);
        assert_eq!(
            (counts[BEN], counts[CYD]),
            (mornings + 1, mondays + 1),
            "one digest for each morning, and for each Monday, with news"
        );
    })
    .await;
}

#[tokio::test]
async fn readers_who_change_their_schedule_neither_miss_nor_repeat() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        room.reader(ADA, "daily").await;
        room.reader(BEN, "weekly").await;
        room.reader(CYD, "instant").await;
        let wishes = ["daily", "instant", "weekly"];
        let mut stories = 0;
        for day in 0..14 {
            for hour in (0..24).step_by(4) {
                let now = at(day, hour);
                let turn = (day * 6 + hour / 4) as usize;
                if hour % 8 == 0 {
                    stories += 1;
                    publish(&room, [stories], now).await;
                }
                // Ada changes every four hours, Ben once a day, both before and after a look.
                room.reader(ADA, wishes[turn % 3]).await;
                room.tick(now).await;
                if hour == 8 {
                    room.reader(BEN, wishes[day as usize % 3]).await;
                }
            }
        }
        for who in [ADA, BEN] {
            room.reader(who, "daily").await;
        }
        room.live(at(14, 0), at(15, 0), HOUR).await;
        for who in [ADA, BEN, CYD] {
            assert_eq!(got(&room, who), all(stories), "{who}");
        }
    })
    .await;
}

#[tokio::test]
async fn what_a_reader_who_changes_to_instant_waited_for_comes_with_the_next_article() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        room.reader(ADA, "weekly").await;
        room.reader(BEN, "instant").await;
        room.tick(at(0, 1)).await;
        for number in 1..=4 {
            publish(&room, [number], at(1, number as i64)).await;
            room.tick(at(1, number as i64)).await;
        }
        room.reader(ADA, "instant").await;
        room.tick(at(2, 0)).await;
        publish(&room, [5], at(2, 1)).await;
        room.tick(at(2, 1)).await;
        assert_eq!(room.mails_of(ADA).len(), 1);
        assert_eq!(got(&room, ADA), all(5));
        assert_eq!(room.mails_of(BEN).len(), 5);
    })
    .await;
}

/// Three readers at work for a day, then nothing runs for `days`, with two articles a day;
/// then we are back at noon.
async fn downtime(db: courant::store::Db, more: &str, days: i64) -> (Newsroom, usize) {
    let room = Newsroom::open(db, &format!("{BRIEF}{more}")).await;
    for (who, schedule) in [(ADA, "instant"), (BEN, "daily"), (CYD, "weekly")] {
        room.reader(who, schedule).await;
    }
    room.tick(at(0, 1)).await;
    publish(&room, [1], at(0, 2)).await;
    room.live(at(0, 2), at(1, 2), HOUR).await;
    let stories = 1 + 2 * usize::try_from(days).unwrap();
    publish(&room, 2..=stories, at(1 + days, 6)).await;
    room.tick(at(1 + days, 6)).await;
    (room, stories)
}

#[tokio::test]
async fn a_day_of_downtime_is_made_up_for_with_one_digest() {
    both_databases(async |db| {
        let (room, stories) = downtime(db, "", 1).await;
        assert_eq!((got(&room, BEN), stories), (all(3), 3));
        assert_eq!(room.mails_of(BEN).len(), 2);
        room.live(at(2, 7), at(8, 7), 6 * HOUR).await;
        assert_eq!(room.mails_of(BEN).len(), 2, "nothing new, no digest");
        for who in [ADA, CYD] {
            assert_eq!(got(&room, who), all(3), "{who}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_week_of_downtime_is_made_up_for_with_one_digest() {
    both_databases(async |db| {
        let (room, stories) = downtime(db, "", 8).await;
        for (who, mails) in [(ADA, stories), (BEN, 2), (CYD, 1)] {
            assert_eq!(got(&room, who), all(stories), "{who}");
            assert_eq!(room.mails_of(who).len(), mails, "{who}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_digest_that_is_not_made_up_for_loses_nothing() {
    both_databases(async |db| {
        let (room, stories) = downtime(db, "missed = \"skip\"\n", 1).await;
        assert_eq!(got(&room, BEN), [1], "the late digest was sent");
        assert_eq!(
            got(&room, ADA),
            all(stories),
            "an alert has no time to miss"
        );
        room.live(at(2, 7), at(3, 1), HOUR).await;
        assert_eq!(got(&room, BEN), all(stories));
        assert_eq!(room.mails_of(BEN).len(), 2);
        let runs = room.app.db.runs("brief", 50).await.unwrap();
        assert!(runs.iter().any(|run| run.2 == "missed"), "{runs:?}");
    })
    .await;
}

#[tokio::test]
async fn a_new_reader_gets_what_comes_after() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        room.reader(ADA, "daily").await;
        publish(&room, [1, 2], at(0, 0)).await;
        room.reader(BEN, "daily").await;
        room.tick(at(0, 2)).await;
        publish(&room, [3], at(0, 3)).await;
        room.reader(CYD, "instant").await;
        room.live(at(0, 3), at(1, 2), HOUR).await;
        publish(&room, [4], at(1, 3)).await;
        room.live(at(1, 3), at(2, 2), HOUR).await;
        assert_eq!(got(&room, ADA), all(4));
        assert_eq!(got(&room, BEN), [3, 4]);
        assert_eq!(got(&room, CYD), [4]);
    })
    .await;
}

#[tokio::test]
async fn readers_of_a_topic_get_only_that_and_all_of_it_when_they_widen_their_wishes() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        room.subscribe(ADA, "daily", None, &["water"]).await;
        room.subscribe(BEN, "instant", None, &["Trees"]).await;
        let topics = ["Water", "Trees", "Roads"];
        let write = |number: usize| Item::new(number).about(topics[number % 3]);
        for number in 1..=6 {
            room.site.publish(write(number));
            room.look(at(0, number as i64)).await;
            room.tick(at(0, number as i64)).await;
        }
        room.tick(at(1, 1)).await;
        assert_eq!(got(&room, ADA), [3, 6]);
        assert_eq!(got(&room, BEN), [1, 4]);
        // Seven and eight come between two digests; the wish changes in between.
        room.site.publish(write(7));
        room.look(at(1, 2)).await;
        room.tick(at(1, 2)).await;
        room.subscribe(ADA, "daily", None, &["water", "trees", "roads"])
            .await;
        room.site.publish(write(8));
        room.look(at(1, 3)).await;
        room.live(at(1, 3), at(2, 1), HOUR).await;
        assert_eq!(got(&room, ADA), [3, 6, 7, 8]);
        assert_eq!(got(&room, BEN), [1, 4, 7]);
    })
    .await;
}

#[tokio::test]
async fn what_does_not_fit_in_full_is_a_headline() {
    both_databases(async |db| {
        let room = Newsroom::open(db, &format!("{BRIEF}max_articles = 3\n")).await;
        room.reader(ADA, "daily").await;
        publish(&room, 1..=20, at(0, 0)).await;
        room.tick(at(0, 1)).await;
        let mails = room.mails_of(ADA);
        assert_eq!(mails.len(), 1);
        assert_eq!(got(&room, ADA), all(20));
        let (full, headlines) = mails[0].split_once("More headlines").unwrap();
        assert_eq!(full.matches("What happened in story").count(), 3);
        assert_eq!(headlines.matches("What happened in story").count(), 0);
        assert_eq!(headlines.matches("news.example/story-").count(), 17);
    })
    .await;
}

#[tokio::test]
async fn two_daemons_on_one_database_make_no_issue_and_no_mail_twice() {
    use courant::pipeline::{dispatch, ingest, plan, release};
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        let other = room.beside(BRIEF).await;
        let mut readers = Vec::new();
        for number in 0..30 {
            let address = format!("reader{number}@readers.example");
            room.reader(&address, ["instant", "daily", "weekly"][number % 3])
                .await;
            readers.push(address);
        }
        let names = ["news".to_owned()];
        let mut stories = 0;
        for round in 0..24 {
            let now = at(0, round * 8);
            if round < 20 {
                stories += 2;
                room.site.publish(Item::new(stories - 1));
                room.site.publish(Item::new(stories));
            }
            room.app.clock.set(now);
            let life = async |app: &courant::pipeline::App| {
                ingest::poll(app, Some(&names), now).await.unwrap();
                release::release_due(app, now).await.unwrap();
                plan::plan(app, now).await.unwrap();
                dispatch::drain(app, |_| {}).await.unwrap();
            };
            tokio::join!(Box::pin(life(&room.app)), Box::pin(life(&other)));
        }
        for address in &readers {
            assert_eq!(got(&room, address), all(stories), "{address}");
        }
        let issues = room.app.db.issues(None, None, 1000).await.unwrap();
        let slots: std::collections::HashSet<_> =
            issues.iter().map(|i| (&i.schedule, &i.slot)).collect();
        assert_eq!(slots.len(), issues.len());
        let numbers: Vec<i64> = issues.iter().rev().map(|issue| issue.number).collect();
        assert_eq!(numbers, (1..=issues.len() as i64).collect::<Vec<_>>());
    })
    .await;
}

#[tokio::test]
async fn an_operator_publishes_at_once_and_the_schedule_does_not_repeat_it() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        room.reader(ADA, "daily").await;
        room.reader(CYD, "weekly").await;
        publish(&room, [1, 2], at(0, 2)).await;
        let channel = &room.app.channels["brief"];
        let now = at(0, 3);
        let issue = courant::pipeline::plan::publish_now(&room.app, channel, now).await;
        assert!(issue.unwrap().is_ok());
        let again = courant::pipeline::plan::publish_now(&room.app, channel, now.plus_ms(MINUTE));
        assert!(again.await.unwrap().is_err());
        publish(&room, [3], at(0, 4)).await;
        room.live(at(0, 4), at(7, 2), 3 * HOUR).await;
        for who in [ADA, CYD] {
            assert_eq!(got(&room, who), all(3), "{who}");
            assert_eq!(room.mails_of(who).len(), 2, "{who}");
        }
    })
    .await;
}
