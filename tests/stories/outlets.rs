//! What goes out without a reader: feeds as files and posts on networks; and which articles a
//! channel takes at all.

use std::path::Path;

use courant::domain::UnixMillis;
use serde_json::Value;

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY, DAY_ONE, HOUR, Newsroom};
use crate::support::site::Item;

fn at(days: i64, hours: i64) -> UnixMillis {
    DAY_ONE.plus_ms(days * DAY + hours * HOUR)
}

async fn publish(room: &Newsroom, items: impl IntoIterator<Item = Item>, now: UnixMillis) {
    for item in items {
        room.site.publish(item);
    }
    room.look(now).await;
    room.tick(now).await;
}

/// A feed and a social channel that write into `dir`, and a second account with a schedule.
fn outlets(dir: &Path) -> String {
    let dir = dir.display();
    format!(
        r#"{BRIEF}
[channels.feed]
kind = "feed"
export = "{dir}/feeds"
[channels.toots]
kind = "mastodon"
server = "https://social.example"
payloads = "{dir}/posts"
[channels.evening]
kind = "mastodon"
server = "https://social.example"
schedule = "0 18 * * *"
payloads = "{dir}/posts"
"#
    )
}

fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap()
}

/// The files of a directory, by name.
fn files(dir: &Path) -> Vec<std::path::PathBuf> {
    let entries = std::fs::read_dir(dir).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

#[tokio::test]
async fn a_feed_holds_each_article_once_and_its_files_are_current() {
    both_databases(async |db| {
        let dir = tempfile::tempdir().unwrap();
        let room = Newsroom::open(db, &outlets(dir.path())).await;
        for number in 1..=5 {
            publish(&room, [Item::new(number)], at(0, number as i64)).await;
            let feed = json(&dir.path().join("feeds/feed.json"));
            assert_eq!(feed["items"].as_array().unwrap().len(), number);
            assert_eq!(feed["items"][0]["title"], format!("Story {number}"));
        }
        publish(&room, [Item::new(6), Item::new(7)], at(1, 0)).await;
        room.live(at(1, 1), at(2, 0), HOUR).await;
        let text = std::fs::read_to_string(dir.path().join("feeds/feed.rss")).unwrap();
        for number in 1..=7 {
            let title = format!("<title>Story {number}</title>");
            assert_eq!(text.matches(&title).count(), 1, "{title}");
        }
        assert_eq!(files(&dir.path().join("feeds")).len(), 3);
    })
    .await;
}

#[tokio::test]
async fn an_account_posts_each_article_once_and_a_schedule_makes_one_post_of_several() {
    both_databases(async |db| {
        let dir = tempfile::tempdir().unwrap();
        let room = Newsroom::open(db, &outlets(dir.path())).await;
        for number in 1..=4 {
            publish(&room, [Item::new(number)], at(0, number as i64)).await;
        }
        room.live(at(0, 5), at(1, 13), HOUR).await;
        let posts = room.app.db.payloads(Some("toots"), None, 99).await.unwrap();
        let texts: Vec<&str> = posts.iter().map(|p| p.payload.text.as_str()).collect();
        assert_eq!(texts.len(), 4);
        for number in 1..=4 {
            let link = format!("https://news.example/story-{number}/");
            let with_link = texts.iter().filter(|text| text.contains(&link));
            assert_eq!(with_link.count(), 1, "{texts:?}");
        }
        let written = files(&dir.path().join("posts/toots"));
        assert_eq!(written.len(), 4);
        let document = json(&written[0]);
        assert_eq!(
            (&document["channel"], &document["kind"]),
            (&"toots".into(), &"mastodon".into())
        );
        assert_eq!(
            document["requests"][0]["url"],
            "https://social.example/api/v1/statuses"
        );
        let evening = room
            .app
            .db
            .payloads(Some("evening"), None, 9)
            .await
            .unwrap();
        assert_eq!(
            evening.len(),
            1,
            "one post for the day, none for a day without news"
        );
        let post = &evening[0].payload;
        assert_eq!(post.article, None);
        assert!(
            post.text
                .contains("http://letters.example/archive/evening/1"),
            "{}",
            post.text
        );
    })
    .await;
}

/// Channels that each select in one way.
const SELECTIONS: &str = r#"
[sources.other]
kind = "feed"
url = "http://127.0.0.1:1/"
[channels.everything]
kind = "feed"
[channels.any]
kind = "feed"
topics = { any = ["water", "Trees"] }
[channels.all]
kind = "feed"
topics = { all = ["Water", "Trees"] }
[channels.none]
kind = "feed"
topics = { none = ["water"] }
[channels.english]
kind = "feed"
languages = ["en"]
[channels.urdu]
kind = "feed"
languages = ["ur"]
[channels.elsewhere]
kind = "feed"
sources = ["other"]
[channels.said]
kind = "feed"
where = "'flood' in article.title"
"#;

#[tokio::test]
async fn a_channel_takes_what_its_selection_names() {
    both_databases(async |db| {
        let room = Newsroom::open(db, SELECTIONS).await;
        let tagged = |number, topics: &[&str]| Item {
            topics: topics.iter().map(|t| (*t).to_owned()).collect(),
            ..Item::new(number)
        };
        let items = [
            tagged(1, &["Water"]),
            tagged(2, &["trees"]),
            tagged(3, &["WATER", "Trees", "Roads"]),
            tagged(4, &["Roads"]).titled("The flood of 4"),
        ];
        publish(&room, items, at(0, 0)).await;
        for (channel, expected) in [
            ("everything", &[1, 2, 3, 4][..]),
            ("any", &[1, 2, 3]),
            ("all", &[3]),
            ("none", &[2, 4]),
            ("english", &[1, 2, 3, 4]),
            ("urdu", &[]),
            ("elsewhere", &[]),
            ("said", &[4]),
        ] {
            let articles = room.app.db.feed_articles(channel, 99).await.unwrap();
            let mut found: Vec<usize> = articles
                .iter()
                .map(|article| {
                    let url = article.revision.url.trim_end_matches('/');
                    url.rsplit('-').next().unwrap().parse().unwrap()
                })
                .collect();
            found.sort_unstable();
            assert_eq!(found, expected, "{channel}");
        }
    })
    .await;
}

#[tokio::test]
async fn an_article_that_a_condition_fails_on_is_held_with_the_reason() {
    use courant::domain::ArticleState;
    const ODD: &str = r#"
[channels.odd]
kind = "feed"
where = "article.title[0] + 1 > 5"
"#;
    both_databases(async |db| {
        let room = Newsroom::open(db, ODD).await;
        publish(&room, [Item::new(1)], at(0, 0)).await;
        let filter = courant::store::ArticleFilter::default();
        let article = room.app.db.articles(&filter, 9).await.unwrap().remove(0);
        assert_eq!(article.state, ArticleState::Held);
        let reason = room.app.db.article_reason(article.id).await.unwrap();
        assert!(reason.contains("`where` of channel `odd`"), "{reason}");
    })
    .await;
}
