//! What counts as news.

use courant::domain::{ArticleState, UnixMillis};
use courant::pipeline::ingest;
use courant::store::ArticleFilter;

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY_ONE, HOUR, MINUTE, Newsroom};
use crate::support::site::Item;

/// A newsroom with one instant reader.
async fn with_reader(db: courant::store::Db) -> Newsroom {
    let room = Newsroom::open(db, BRIEF).await;
    room.reader("ada@readers.example", "instant").await;
    room
}

async fn publish_and_wait(room: &Newsroom, item: Item, now: UnixMillis) {
    room.site.publish(item);
    room.look(now).await;
    room.tick(now).await;
}

fn got(room: &Newsroom) -> Vec<usize> {
    room.stories_of("ada@readers.example")
}

#[tokio::test]
async fn a_first_poll_mails_nobody() {
    both_databases(async |db| {
        let room = Newsroom::open_unpolled(db, BRIEF).await;
        room.reader("ada@readers.example", "instant").await;
        room.site.set((1..=30).map(Item::new).collect());
        let reports = room.look(DAY_ONE).await;
        room.tick(DAY_ONE).await;
        assert_eq!((reports[0].baseline, reports[0].new), (30, 0));
        assert_eq!(got(&room), Vec::<usize>::new());
        publish_and_wait(&room, Item::new(31), DAY_ONE.plus_ms(MINUTE)).await;
        assert_eq!(got(&room), [31]);
    })
    .await;
}

#[tokio::test]
async fn a_back_dated_article_is_not_missed_and_a_future_dated_one_not_repeated() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        let old = Item::new(1).dated("Mon, 01 Jan 2024 00:00:00 GMT");
        publish_and_wait(&room, old, DAY_ONE).await;
        let future = Item::new(2).dated("Fri, 01 Jan 2038 00:00:00 GMT");
        publish_and_wait(&room, future, DAY_ONE.plus_ms(MINUTE)).await;
        publish_and_wait(
            &room,
            Item::new(3).dated("yesterday, I think"),
            DAY_ONE.plus_ms(2 * MINUTE),
        )
        .await;
        room.live(DAY_ONE, DAY_ONE.plus_ms(HOUR), 10 * MINUTE).await;
        assert_eq!(got(&room), [1, 2, 3]);
    })
    .await;
}

#[tokio::test]
async fn a_move_to_https_with_tracking_and_new_guids_sends_nothing_again() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        publish_and_wait(&room, Item::new(1), DAY_ONE).await;
        room.site.edit("https://news.example/?p=1", |item| {
            item.guid = "http://www.news.example/?p=1".into();
        });
        room.look(DAY_ONE.plus_ms(MINUTE)).await;
        room.site.edit("http://www.news.example/?p=1", |item| {
            item.guid = "urn:uuid:new-system-1".into();
            item.link = "/story-1/?utm_source=rss".into();
        });
        let reports = room.look(DAY_ONE.plus_ms(2 * MINUTE)).await;
        room.tick(DAY_ONE.plus_ms(2 * MINUTE)).await;
        assert_eq!(reports[0].new, 0);
        assert_eq!(got(&room), [1]);
    })
    .await;
}

#[tokio::test]
async fn an_edit_is_a_revision_and_no_second_mail() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        publish_and_wait(&room, Item::new(1), DAY_ONE).await;
        room.site.edit("https://news.example/?p=1", |item| {
            item.title = "Story 1, corrected".into();
        });
        let reports = room.look(DAY_ONE.plus_ms(MINUTE)).await;
        room.tick(DAY_ONE.plus_ms(MINUTE)).await;
        assert_eq!((reports[0].new, reports[0].changed), (0, 1));
        assert_eq!(got(&room), [1]);
        let filter = ArticleFilter::default();
        let article = room.app.db.articles(&filter, 10).await.unwrap().remove(0);
        assert_eq!(
            (article.revision.number, article.revision.title.as_str()),
            (2, "Story 1, corrected")
        );
    })
    .await;
}

#[tokio::test]
async fn an_edit_within_the_hold_goes_out_corrected() {
    const HELD: &str = r#"
[sources.held]
kind = "feed"
url = "{SITE}/feed/?held"
hold = "10m"
[channels.brief]
kind = "email"
sources = ["held"]
from = "News <brief@news.example>"
schedules = { instant = "each" }
"#;
    both_databases(async |db| {
        let room = Newsroom::open(db, HELD).await;
        room.reader("ada@readers.example", "instant").await;
        publish_and_wait(&room, Item::new(1).titled("Floods in Sidh"), DAY_ONE).await;
        room.tick(DAY_ONE.plus_ms(4 * MINUTE)).await;
        room.site.edit("https://news.example/?p=1", |item| {
            item.title = "Floods in Sindh".into();
        });
        room.look(DAY_ONE.plus_ms(5 * MINUTE)).await;
        // The correction began the hold anew: its first end passes without a mail.
        room.tick(DAY_ONE.plus_ms(12 * MINUTE)).await;
        assert_eq!(room.mails_of("ada@readers.example").len(), 0);
        room.tick(DAY_ONE.plus_ms(16 * MINUTE)).await;
        let mails = room.mails_of("ada@readers.example");
        assert_eq!(mails.len(), 1);
        assert!(mails[0].contains("Floods in Sindh") && !mails[0].contains("Sidh"));
    })
    .await;
}

#[tokio::test]
async fn an_edit_before_the_digest_goes_out_corrected() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        room.reader("ada@readers.example", "daily").await;
        publish_and_wait(&room, Item::new(1).titled("Floods in Sidh"), DAY_ONE).await;
        room.site.edit("https://news.example/?p=1", |item| {
            item.title = "Floods in Sindh".into();
        });
        room.look(DAY_ONE.plus_ms(MINUTE)).await;
        room.tick(DAY_ONE.plus_ms(HOUR)).await;
        let mails = room.mails_of("ada@readers.example");
        assert_eq!(mails.len(), 1);
        assert!(mails[0].contains("Floods in Sindh") && !mails[0].contains("Sidh"));
    })
    .await;
}

#[tokio::test]
async fn an_entry_twice_in_a_feed_is_one_article() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        room.site.set(vec![
            Item::new(1),
            Item::new(1),
            Item::new(1).titled("Story 1 again"),
        ]);
        room.look(DAY_ONE).await;
        room.tick(DAY_ONE).await;
        assert_eq!(got(&room), [1]);
    })
    .await;
}

#[tokio::test]
async fn a_withdrawn_article_leaves_the_feeds_and_is_not_mailed() {
    both_databases(async |db| {
        let feed = "[channels.feed]\nkind = \"feed\"\n";
        let room = Newsroom::open(db, &format!("{BRIEF}{feed}")).await;
        room.reader("ada@readers.example", "daily").await;
        publish_and_wait(&room, Item::new(1), DAY_ONE).await;
        publish_and_wait(&room, Item::new(2), DAY_ONE.plus_ms(MINUTE)).await;
        let articles = room
            .app
            .db
            .articles(&ArticleFilter::default(), 10)
            .await
            .unwrap();
        let first = articles
            .iter()
            .find(|a| a.revision.title == "Story 1")
            .unwrap();
        assert!(
            room.app
                .db
                .retract_article(first.id, "withdrawn")
                .await
                .unwrap()
        );
        room.tick(DAY_ONE.plus_ms(HOUR)).await;
        assert_eq!(got(&room), [2]);
        let served = room.app.db.feed_articles("feed", 50).await.unwrap();
        let titles: Vec<_> = served.iter().map(|a| a.revision.title.as_str()).collect();
        assert_eq!(titles, ["Story 2"]);
    })
    .await;
}

#[tokio::test]
async fn a_flood_is_held_until_an_operator_releases_it() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        room.site.set((1..=40).map(Item::new).collect());
        let reports = room.look(DAY_ONE).await;
        room.tick(DAY_ONE).await;
        assert_eq!((reports[0].held, reports[0].new), (40, 0));
        assert_eq!(got(&room), Vec::<usize>::new());
        let held = ArticleFilter {
            state: Some(ArticleState::Held),
            ..ArticleFilter::default()
        };
        assert_eq!(room.app.db.articles(&held, 100).await.unwrap().len(), 40);
    })
    .await;
}

#[tokio::test]
async fn a_feed_of_ten_thousand_items_is_taken_as_it_is() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        let mut items: Vec<Item> = (1..=10_000).map(Item::new).collect();
        room.site.set(items.clone());
        let reports = room.look(DAY_ONE).await;
        assert_eq!(reports[0].error, None);
        assert_eq!((reports[0].entries, reports[0].held), (10_000, 10_000));
        items.insert(0, Item::new(10_001));
        room.site.set(items);
        let reports = room.look(DAY_ONE.plus_ms(MINUTE)).await;
        assert_eq!(reports[0].new, 1);
        // The document took seconds to read, and its articles were seen as much later.
        room.tick(DAY_ONE.plus_ms(2 * MINUTE)).await;
        assert_eq!(got(&room), [10_001]);
    })
    .await;
}

#[tokio::test]
async fn one_bad_answer_stops_nothing_and_loses_nothing() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        publish_and_wait(&room, Item::new(1), DAY_ONE).await;
        for (status, body) in [
            (500, ""),
            (200, "<html>down for maintenance</html>"),
            (200, ""),
            (404, "gone?"),
        ] {
            room.site.answer_instead(status, body);
            let reports = room.look(DAY_ONE.plus_ms(MINUTE)).await;
            assert!(
                reports[0].error.is_some(),
                "{status} {body:?} was taken for a feed"
            );
        }
        room.site.answer_again();
        publish_and_wait(&room, Item::new(2), DAY_ONE.plus_ms(HOUR)).await;
        assert_eq!(got(&room), [1, 2]);
        room.look(DAY_ONE.plus_ms(HOUR + MINUTE)).await;
        assert_eq!(
            room.site.answers().last(),
            Some(&304),
            "the validators were not kept"
        );
    })
    .await;
}

#[tokio::test]
async fn a_host_that_asks_for_quiet_gets_it_from_all_its_sources() {
    let second =
        "[sources.second]\nkind = \"feed\"\nurl = \"{SITE}/feed/?second\"\nevery = \"1s\"\n";
    both_databases(async |db| {
        let room = Newsroom::open(db, &format!("{BRIEF}{second}")).await;
        let asked = room.site.answers().len();
        room.site.answer_instead(429, "");
        let reports = room.look(DAY_ONE).await;
        assert_eq!(reports.iter().filter(|r| r.error.is_some()).count(), 2);
        assert_eq!(room.site.answers().len(), asked + 1, "it was asked again");
        let due = async |ms| {
            ingest::poll(&room.app, None, DAY_ONE.plus_ms(ms))
                .await
                .unwrap()
        };
        assert!(due(299_000).await.is_empty());
        room.site.answer_again();
        // Five minutes, and up to a tenth more.
        let reports = due(331_000).await;
        assert_eq!(reports.iter().filter(|r| r.error.is_none()).count(), 2);
    })
    .await;
}
