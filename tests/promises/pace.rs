//! A host's peace: pauses within a poll, long rests, and sources that move in with others.

use std::collections::BTreeSet;
use std::time::Duration;

use courant::pipeline::ingest;
use courant::store::Db;

use super::polling::{memory, paused, poll, sources};
use crate::support::databases::both_databases;
use crate::support::host::{Answer, Host, feed, only};
use crate::support::newsroom::{DAY, DAY_ONE, HOUR, MINUTE, Newsroom};

const PAUSE: Duration = Duration::from_millis(300);

fn gaps(host: &Host, from: usize) -> Vec<Duration> {
    let asked = host.asked();
    let times = asked[from..].windows(2);
    times
        .map(|two| two[1].at.duration_since(two[0].at))
        .collect()
}

fn page(path: &str) -> Answer {
    let body = format!(
        "<html><body><article><h1>Story {path}</h1><p>What happened in story {path}, as it was told \
         by those who saw it with their own eyes that night.</p><p>It ends with a second paragraph \
         that no summary has.</p></article></body></html>"
    );
    (200, vec![("content-type", "text/html".to_owned())], body)
}

#[tokio::test]
async fn whoever_asks_for_a_week_of_rest_is_asked_after_a_day_and_only_then() {
    both_databases(async |db: Db| {
        let host = Host::start(2, |_| {
            (200, vec![("retry-after", "604800".into())], feed(0..2).2)
        })
        .await;
        let more = sources("h", &host, 1, "every = \"10m\"");
        let room = Newsroom::open_unpolled(db, &more).await;
        poll(&room, "h0", DAY_ONE).await;
        let known = memory(&room, "h0").await;
        assert_eq!(known.next_fetch_at, Some(DAY_ONE.plus_ms(DAY)));
        // Due and resting at once, it would be claimed and given back without end.
        assert_eq!(known.rest_until, known.next_fetch_at);
        for (after, times) in [(DAY - MINUTE, 1), (DAY, 2)] {
            ingest::poll(&room.app, None, DAY_ONE.plus_ms(after))
                .await
                .unwrap();
            assert_eq!(host.asked().len(), times);
        }
    })
    .await;
}

#[tokio::test]
async fn the_pages_of_one_poll_are_read_with_the_hosts_pause_in_between() {
    both_databases(async |db: Db| {
        let host = Host::start(2, page).await;
        let url = host.url.clone();
        host.answer(move |path| match path {
            "/0" => {
                let (status, headers, body) = feed(0..3);
                (status, headers, body.replace("https://host.example", &url))
            }
            _ => page(path),
        });
        let more = "full_text = \"always\"\nbackfill = 3";
        let mut room = Newsroom::open_unpolled(db, &sources("h", &host, 1, more)).await;
        paused(&mut room, PAUSE);
        poll(&room, "h0", DAY_ONE).await;
        assert_eq!(host.asked().len(), 4);
        assert!(
            gaps(&host, 0).iter().all(|gap| *gap >= PAUSE),
            "{:?}",
            gaps(&host, 0)
        );
    })
    .await;
}

#[tokio::test]
async fn pages_that_one_poll_of_an_index_has_no_time_for_are_read_in_the_next() {
    both_databases(async |db: Db| {
        let host = Host::start(2, page).await;
        let url = host.url.clone();
        host.answer(move |path| {
            let body = match path {
                "/0" => format!(
                    "<sitemapindex xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"><sitemap>\
                     <loc>{url}/news.xml</loc><lastmod>2026-01-05</lastmod></sitemap></sitemapindex>"
                ),
                "/news.xml" => {
                    let urls = (0..25).map(|n| {
                        format!(
                            "<url><loc>{url}/page-{n}</loc><lastmod>2026-01-05T05:{n:02}:00Z</lastmod></url>"
                        )
                    });
                    format!(
                        "<urlset xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\">{}</urlset>",
                        urls.collect::<String>()
                    )
                }
                _ => return page(path),
            };
            (200, Vec::new(), body)
        });
        let more = format!(
            "[sources.s]\nkind = \"sitemap\"\nurl = \"{}/0\"\nbackfill = 25\nflood = 99\n\
             hold = \"2h\"\nevery = \"1h\"\n",
            host.url
        );
        let room = Newsroom::open_unpolled(db, &more).await;
        let pages = || -> BTreeSet<String> {
            let asked = host.asked().into_iter().map(|asked| asked.path);
            asked.filter(|path| path.starts_with("/page-")).collect()
        };
        poll(&room, "s", DAY_ONE).await;
        assert_eq!(pages().len(), 20);
        poll(&room, "s", DAY_ONE.plus_ms(HOUR)).await;
        assert_eq!(pages().len(), 25);
        // Then nothing is missing, and what is known is not read again.
        let asked = host.asked().len();
        poll(&room, "s", DAY_ONE.plus_ms(2 * HOUR)).await;
        poll(&room, "s", DAY_ONE.plus_ms(3 * HOUR)).await;
        let after: Vec<String> = host.asked()[asked..].iter().map(|a| a.path.clone()).collect();
        assert_eq!(after.iter().filter(|path| *path != "/0").count(), 0, "{after:?}");
    })
    .await;
}

#[tokio::test]
async fn sources_that_have_moved_to_one_host_are_asked_one_after_the_other() {
    both_databases(async |db: Db| {
        let new = Host::start(4, |_| feed(0..3)).await;
        let mut more = String::new();
        let mut olds = Vec::new();
        for (number, name) in [(2, "a"), (3, "b")] {
            let to = format!("{}/{name}", new.url);
            let old = Host::start(number, move |_| only(301, &[("location", &to)])).await;
            more.push_str(&sources(name, &old, 1, ""));
            olds.push(old);
        }
        let mut room = Newsroom::open_unpolled(db, &more).await;
        let both = ["a0".to_owned(), "b0".to_owned()];
        for day in 0..2 {
            let now = DAY_ONE.plus_ms(day * DAY);
            ingest::poll(&room.app, Some(&both), now).await.unwrap();
        }
        assert!(memory(&room, "a0").await.moved_to.is_some());
        for restarted in [false, true] {
            if restarted {
                room.app = room.beside(&more).await;
            }
            paused(&mut room, PAUSE);
            new.take(PAUSE);
            let before = new.asked().len();
            let now = DAY_ONE.plus_ms(if restarted { 9 } else { 5 } * DAY);
            ingest::poll(&room.app, None, now).await.unwrap();
            assert_eq!(new.asked().len(), before + 2);
            assert!(
                gaps(&new, before)[0] >= PAUSE * 2,
                "{:?}",
                gaps(&new, before)
            );
        }
    })
    .await;
}
