//! A month of twelve outlets that do to their feeds what outlets do: edit, rename, back-date, break
//! down, move to https and to another content system. Every article goes out once on every
//! channel, and nothing twice.

#![allow(clippy::unwrap_used, reason = "a story may stop at the first surprise")]

mod support;

#[path = "month/outlet.rs"]
mod outlet;
#[path = "month/press.rs"]
mod press;
#[path = "month/rendering.rs"]
mod rendering;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use courant::pipeline::{dispatch, ingest, plan, release};
use courant::store::Db;
use outlet::Due;
use press::Press;
use support::newsroom::{BRIEF, DAY, DAY_ONE, HOUR, Newsroom};
use support::postgres::Cluster;

const DAYS: i64 = 30;
/// How far the clock moves between two looks.
const STEP: i64 = HOUR;
const READERS: [(&str, &str); 3] = [
    ("instant@readers.example", "instant"),
    ("daily@readers.example", "daily"),
    ("weekly@readers.example", "weekly"),
];

/// The channels of the story, and its sources; what is exported goes to `dir`.
fn configuration(press: &Press, dir: &Path) -> String {
    let dir = dir.display();
    let mut text = format!(
        r#"{BRIEF}
max_articles = 500
[channels.feed]
kind = "feed"
items = 60
export = "{dir}/feeds"
[channels.toots]
kind = "mastodon"
server = "https://social.example"
payloads = "{dir}/posts"
"#
    );
    for (name, url) in press.feeds() {
        text.push_str(&format!(
            "[sources.{name}]\nkind = \"feed\"\nurl = \"{url}\"\nevery = \"1h\"\n"
        ));
    }
    text
}

/// One look of the daemon at the world.
async fn live(room: &Newsroom, now: courant::domain::UnixMillis) {
    room.app.clock.set(now);
    ingest::poll(&room.app, None, now).await.unwrap();
    release::release_due(&room.app, now).await.unwrap();
    plan::plan(&room.app, now).await.unwrap();
    dispatch::drain(&room.app, |_| {}).await.unwrap();
}

async fn a_month(db: Db) {
    let dir = tempfile::tempdir().unwrap();
    let press = Press::start(DAY_ONE).await;
    let room = Newsroom::open_unpolled(db, &configuration(&press, dir.path())).await;
    // By name: by the machine's clock nothing is due in the story's year.
    room.look(DAY_ONE.plus_ms(-STEP)).await;
    for (address, schedule) in READERS {
        room.reader(address, schedule).await;
    }
    let mut now = DAY_ONE;
    let mut shown = Shown::default();
    // What appears last goes out with the weekly mail of the Monday after.
    while now < DAY_ONE.plus_ms((DAYS + 6) * DAY) {
        if now < DAY_ONE.plus_ms(DAYS * DAY) {
            press.goes_on(now);
        }
        live(&room, now).await;
        shown.look(&dir.path().join("feeds/feed.json"));
        for Due { token, not_before } in press.embargoed(now) {
            assert!(
                not_before <= now || !has_gone_out(&room, &token).await,
                "{token} went out at {now}, and its date is {not_before}"
            );
        }
        now = now.plus_ms(STEP);
    }
    let articles = press.articles();
    eprintln!("{} articles; {}", articles.len(), press.record());
    assert!(articles.len() > 600, "a month has more to tell");
    for (address, _) in READERS {
        let texts = room.mails_of(address);
        holds(address, &articles, texts.iter().map(String::as_str));
    }
    holds("the feed", &articles, shown.0.values().map(String::as_str));
    let posts: Vec<String> = posts(&dir.path().join("posts/toots"));
    holds("the posts", &articles, posts.iter().map(String::as_str));
}

/// What our own feed has shown in the course of time: items by their ids.
#[derive(Default)]
struct Shown(BTreeMap<String, String>);

impl Shown {
    fn look(&mut self, file: &Path) {
        let Ok(text) = std::fs::read_to_string(file) else {
            return;
        };
        let feed: serde_json::Value = serde_json::from_str(&text).unwrap();
        for item in feed["items"].as_array().unwrap() {
            let text = |key: &str| item[key].as_str().unwrap().to_owned();
            self.0.insert(text("id"), text("title"));
        }
    }
}

/// Whether an article has left its hold.
async fn has_gone_out(room: &Newsroom, token: &str) -> bool {
    let filter = courant::store::ArticleFilter {
        state: Some(courant::domain::ArticleState::Released),
        ..courant::store::ArticleFilter::default()
    };
    let newest = room.app.db.articles(&filter, 100).await.unwrap();
    newest.iter().any(|a| a.revision.title.contains(token))
}

fn posts(dir: &Path) -> Vec<String> {
    let files = std::fs::read_dir(dir).unwrap();
    files
        .map(|file| {
            let text = std::fs::read_to_string(file.unwrap().path()).unwrap();
            let post: serde_json::Value = serde_json::from_str(&text).unwrap();
            post["text"].as_str().unwrap().to_owned()
        })
        .collect()
}

/// Every article is in these texts once: each has its token in its title and nowhere else.
fn holds<'a>(place: &str, articles: &BTreeSet<String>, texts: impl Iterator<Item = &'a str>) {
    let mut found: BTreeMap<&str, usize> = BTreeMap::new();
    for text in texts {
        for token in outlet::tokens_in(text) {
            *found.entry(token).or_default() += 1;
        }
    }
    let missing: Vec<_> = articles
        .iter()
        .filter(|a| !found.contains_key(a.as_str()))
        .collect();
    let twice: Vec<_> = found.iter().filter(|(_, n)| **n > 1).collect();
    let strange: Vec<_> = found.keys().filter(|t| !articles.contains(**t)).collect();
    assert!(
        missing.is_empty() && twice.is_empty() && strange.is_empty(),
        "{place}: missing {missing:?}\ntwice {twice:?}\nfrom the baseline {strange:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_twelve_outlets_goes_out_once_on_sqlite() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", dir.path().join("courant.db").display());
    Box::pin(a_month(Db::open(&url).await.unwrap())).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_month_of_twelve_outlets_goes_out_once_on_postgresql() {
    let url = Cluster::shared().fresh_database().await;
    Box::pin(a_month(Db::open(&url).await.unwrap())).await;
}
