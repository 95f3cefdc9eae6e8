//! When new articles go: floods, embargoes, and texts that do not rest.

use courant::domain::{ArticleState, RevisionClass, UnixMillis};
use courant::store::{ArticleFilter, Db};

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY, DAY_ONE, HOUR, MINUTE, Newsroom};
use crate::support::site::Item;

const ADA: &str = "ada@readers.example";

async fn with_reader(db: Db) -> Newsroom {
    let room = Newsroom::open(db, BRIEF).await;
    room.reader(ADA, "instant").await;
    room
}

async fn look(room: &Newsroom, now: UnixMillis) -> (usize, usize) {
    let reports = room.look(now).await;
    assert_eq!(reports[0].error, None);
    room.tick(now).await;
    (reports[0].new, reports[0].held)
}

/// A source that has brought one article an hour, eight times.
async fn with_a_habit(db: Db) -> (Newsroom, UnixMillis) {
    let room = with_reader(db).await;
    let mut now = DAY_ONE;
    for number in 1..=8 {
        room.site.publish(Item::new(number));
        assert_eq!(look(&room, now).await, (1, 0));
        now = now.plus_ms(HOUR);
    }
    (room, now)
}

async fn publish(room: &Newsroom, numbers: std::ops::RangeInclusive<usize>) {
    numbers.for_each(|number| room.site.publish(Item::new(number)));
}

#[tokio::test]
async fn more_than_a_source_usually_brings_is_held_and_the_reason_says_the_numbers() {
    both_databases(async |db| {
        let (room, now) = with_a_habit(db).await;
        publish(&room, 9..=13).await;
        assert_eq!(look(&room, now).await, (5, 0), "five at once are no flood");
        publish(&room, 14..=19).await;
        assert_eq!(look(&room, now.plus_ms(HOUR)).await, (0, 6));
        let held = ArticleFilter {
            state: Some(ArticleState::Held),
            ..ArticleFilter::default()
        };
        let held = room.app.db.articles(&held, 9).await.unwrap();
        let reason = room.app.db.article_reason(held[0].id).await.unwrap();
        assert_eq!(
            reason,
            "flood brake: 6 new articles in one poll, of a source that usually brings one at a \
             time; more than 5 are held"
        );
        room.tick(now.plus_ms(30 * DAY)).await;
        assert_eq!(room.stories_of(ADA).len(), 13, "no time ends this hold");
    })
    .await;
}

#[tokio::test]
async fn after_an_outage_a_source_may_bring_what_it_missed() {
    both_databases(async |db| {
        let (room, now) = with_a_habit(db).await;
        publish(&room, 9..=20).await;
        let back = now.plus_ms(11 * HOUR);
        assert_eq!(look(&room, back).await, (12, 0));
        publish(&room, 21..=32).await;
        assert_eq!(look(&room, back.plus_ms(HOUR)).await, (0, 12));
        assert_eq!(room.stories_of(ADA).len(), 20);
    })
    .await;
}

#[tokio::test]
async fn an_article_dated_ahead_waits_until_its_date_and_follows_it() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        room.site
            .publish(Item::new(1).dated("Mon, 05 Jan 2026 12:00:00 GMT"));
        room.site
            .publish(Item::new(2).dated("Mon, 05 Jan 2026 12:00:00 GMT"));
        room.site
            .publish(Item::new(3).dated("Mon, 05 Jan 2026 06:05:00 GMT"));
        assert_eq!(look(&room, DAY_ONE).await, (3, 0));
        assert_eq!(room.stories_of(ADA), [3], "five minutes are a fast clock");
        let second = "https://news.example/?p=2";
        room.site
            .edit(second, |i| i.date = "Mon, 05 Jan 2026 09:00:00 GMT".into());
        look(&room, DAY_ONE.plus_ms(HOUR)).await;
        room.tick(DAY_ONE.plus_ms(3 * HOUR - 1)).await;
        assert_eq!(room.stories_of(ADA), [3]);
        room.tick(DAY_ONE.plus_ms(3 * HOUR)).await;
        assert_eq!(room.stories_of(ADA), [3, 2], "moved earlier");
        // Once it is out, its date moves no more; the other moves to the next day.
        let tomorrow = "Tue, 06 Jan 2026 12:00:00 GMT";
        for guid in ["https://news.example/?p=1", second] {
            room.site.edit(guid, |i| i.date = tomorrow.into());
        }
        look(&room, DAY_ONE.plus_ms(4 * HOUR)).await;
        room.tick(DAY_ONE.plus_ms(29 * HOUR)).await;
        assert_eq!(room.stories_of(ADA), [3, 2]);
        room.tick(DAY_ONE.plus_ms(30 * HOUR)).await;
        assert_eq!(room.stories_of(ADA), [3, 2, 1]);
        let articles = room.app.db.articles(&ArticleFilter::default(), 9).await;
        let published = |title: &str| {
            let mut all = articles.as_ref().unwrap().iter();
            let article = all.find(|a| a.revision.title == title).unwrap();
            article.revision.published
        };
        assert_eq!(published("Story 1"), DAY_ONE.plus_ms(30 * HOUR));
        assert_eq!(published("Story 2"), DAY_ONE.plus_ms(3 * HOUR));
    })
    .await;
}

#[tokio::test]
async fn a_site_whose_clock_is_wrong_can_be_read_without_embargoes() {
    let more = BRIEF.to_owned()
        + "[sources.fast]\nkind = \"feed\"\nurl = \"{SITE}/feed/?fast\"\nembargo = false\n";
    both_databases(async |db| {
        let room = Newsroom::open(db, &more).await;
        room.site
            .publish(Item::new(1).dated("Mon, 05 Jan 2026 12:00:00 GMT"));
        room.look(DAY_ONE).await;
        let filter = ArticleFilter {
            source: Some("fast".into()),
            ..ArticleFilter::default()
        };
        let article = room.app.db.articles(&filter, 1).await.unwrap().remove(0);
        assert_eq!(article.state, ArticleState::Released);
        assert_eq!(article.revision.published, DAY_ONE);
    })
    .await;
}

#[tokio::test]
async fn articles_without_dates_go_in_the_order_of_the_feed() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        (1..=4).for_each(|number| room.site.publish(Item::new(number).dated("")));
        assert_eq!(look(&room, DAY_ONE).await, (4, 0));
        let rows = room.app.db.ledger_rows("brief", 0, 9, 9).await.unwrap();
        let titles: Vec<_> = rows
            .iter()
            .map(|row| &*row.article.revision.title)
            .collect();
        assert_eq!(titles, ["Story 1", "Story 2", "Story 3", "Story 4"]);
    })
    .await;
}

#[tokio::test]
async fn a_text_that_changes_at_every_look_keeps_its_first_and_its_newest_revisions() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        room.site.publish(Item::new(1));
        look(&room, DAY_ONE).await;
        for flip in 1..=50 {
            room.site.edit("https://news.example/?p=1", |item| {
                item.body = format!("<p>{flip} readers are here now.</p>");
            });
            look(&room, DAY_ONE.plus_ms(flip * MINUTE)).await;
        }
        let article = room.app.db.articles(&ArticleFilter::default(), 1).await;
        let article = article.unwrap().remove(0);
        assert_eq!(article.revision.number, 51);
        let kept = room.app.db.revisions_of(article.id).await.unwrap();
        let kept: Vec<i64> = kept.iter().map(|line| line.number).collect();
        let expected: Vec<i64> = std::iter::once(1).chain(33..=51).collect();
        assert_eq!(kept, expected);
        assert_eq!(room.stories_of(ADA), [1]);
    })
    .await;
}

#[tokio::test]
async fn a_revision_is_a_typing_error_a_new_text_or_a_correction() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        let words: Vec<String> = (0..60).map(|n| format!("word{n}")).collect();
        let mut item = Item::new(1);
        item.body = format!("<p>{}</p>", words.join(" "));
        let edits: [fn(&mut Item); 3] = [
            |i| i.body = i.body.replace("word7 ", "wort7 "),
            |i| i.title = "Story 1, and what came of it".into(),
            |i| i.body = i.body.replace("<p>", "<p>Correction: it was wrong. "),
        ];
        room.site.publish(item.clone());
        look(&room, DAY_ONE).await;
        for (minute, edit) in (1..).zip(edits) {
            edit(&mut item);
            room.site.set(vec![item.clone()]);
            look(&room, DAY_ONE.plus_ms(minute * MINUTE)).await;
        }
        let articles = room.app.db.articles(&ArticleFilter::default(), 1).await;
        let id = articles.unwrap()[0].id;
        let kept = room.app.db.revisions_of(id).await.unwrap();
        let classes: Vec<_> = kept.iter().map(|line| line.class).collect();
        use RevisionClass::{Correction, Minor, Substantive};
        assert_eq!(
            classes,
            [None, Some(Minor), Some(Substantive), Some(Correction)]
        );
    })
    .await;
}
