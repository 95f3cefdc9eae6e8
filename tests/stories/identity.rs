//! What makes two entries one article, told by what readers get.

use courant::domain::{Article, ArticleState, UnixMillis};
use courant::pipeline::release;
use courant::store::{ArticleFilter, Db};

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY, DAY_ONE, HOUR, MINUTE, Newsroom};
use crate::support::site::Item;

const ADA: &str = "ada@readers.example";

/// What a newsroom does to an item.
type Edit = fn(&mut Item);

async fn with_reader(db: Db) -> Newsroom {
    let room = Newsroom::open(db, BRIEF).await;
    room.reader(ADA, "instant").await;
    room
}

/// An item with enough text to be known by it.
fn long(number: usize) -> Item {
    let mut item = Item::new(number);
    let told = format!("In story {number} the river rose by {number} metres in one night. ");
    item.body = format!("<p>{}</p>", told.repeat(8));
    item
}

/// Looks and sends, and answers how many articles were new and how many held.
async fn look(room: &Newsroom, now: UnixMillis) -> (usize, usize) {
    let reports = room.look(now).await;
    assert_eq!(reports[0].error, None);
    room.tick(now).await;
    (reports[0].new, reports[0].held)
}

async fn articles(room: &Newsroom) -> Vec<Article> {
    let filter = ArticleFilter::default();
    let mut articles = room.app.db.articles(&filter, 100).await.unwrap();
    articles.reverse();
    articles
}

/// The stories that were mailed, in their order; each as often as it was.
fn got(room: &Newsroom) -> Vec<usize> {
    let mut got = room.stories_of(ADA);
    got.sort_unstable();
    got
}

fn mails(room: &Newsroom) -> usize {
    room.mails_of(ADA).len()
}

#[tokio::test]
async fn no_change_of_slug_scheme_title_guid_or_tracking_is_mailed_again() {
    let changes: [(&str, Edit); 9] = [
        ("scheme and www", |i| {
            i.guid = "http://www.news.example/?p=1".into();
        }),
        ("tracking", |i| {
            i.link = "/story-1/?utm_source=rss&ref=news.example".into();
        }),
        ("slug", |i| i.link = "/story-1-the-river/".into()),
        ("title", |i| i.title = "The river rises".into()),
        ("guid", |i| i.guid = "urn:uuid:1".into()),
        ("guid and slug", |i| {
            (i.guid, i.link) = ("urn:uuid:2".into(), "/story-1-b/".into());
        }),
        ("guid, slug and title", |i| {
            (i.guid, i.link) = ("urn:uuid:3".into(), "/story-1-c/".into());
            i.title = "The river falls".into();
        }),
        ("guid, slug and some words", |i| {
            (i.guid, i.link) = ("urn:uuid:4".into(), "/story-1-d/".into());
            i.body = i.body.replacen("rose", "fell", 1);
        }),
        ("guid, slug and scheme of WordPress", |i| {
            (i.guid, i.link) = ("http://news.example/?p=1".into(), "/story-1-e/".into());
        }),
    ];
    both_databases(async |db| {
        let room = with_reader(db).await;
        room.site.set(vec![long(1), long(99)]);
        assert_eq!(look(&room, DAY_ONE).await, (2, 0));
        let (mut item, mut now) = (long(1), DAY_ONE);
        for (what, change) in &changes {
            change(&mut item);
            room.site.set(vec![item.clone(), long(99)]);
            now = now.plus_ms(HOUR);
            assert_eq!(look(&room, now).await, (0, 0), "{what}");
        }
        assert_eq!(look(&room, now.plus_ms(DAY)).await, (0, 0));
        assert_eq!((mails(&room), articles(&room).await.len()), (2, 2));
    })
    .await;
}

#[tokio::test]
async fn two_articles_with_one_title_a_month_apart_both_go() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        let first = long(1)
            .titled("Letters")
            .dated("Mon, 05 Jan 2026 05:00:00 GMT");
        room.site.publish(first);
        assert_eq!(look(&room, DAY_ONE).await, (1, 0));
        let second = long(2)
            .titled("Letters")
            .dated("Wed, 04 Feb 2026 05:00:00 GMT");
        room.site.set(vec![second]);
        assert_eq!(look(&room, DAY_ONE.plus_ms(30 * DAY)).await, (1, 0));
        assert_eq!(got(&room), [1, 2]);
    })
    .await;
}

/// The first article, and a second under other names that has its title and text.
async fn with_a_lookalike(db: Db) -> Newsroom {
    let room = with_reader(db).await;
    let mut twin = long(1);
    (twin.guid, twin.link) = ("urn:uuid:twin".into(), "/story-2/".into());
    room.site.publish(long(1));
    assert_eq!(look(&room, DAY_ONE).await, (1, 0));
    room.site.publish(twin);
    assert_eq!(look(&room, DAY_ONE.plus_ms(MINUTE)).await, (0, 1));
    room
}

#[tokio::test]
async fn an_article_that_looks_like_another_is_held_says_why_and_goes_in_the_end() {
    both_databases(async |db| {
        let room = with_a_lookalike(db).await;
        let held = articles(&room).await.remove(1);
        assert_eq!(held.state, ArticleState::Held);
        let reason = room.app.db.article_reason(held.id).await.unwrap();
        let expected = "it looks like article 1, which has the same title and text: “Story 1”";
        assert_eq!(reason, expected);
        assert_eq!(
            room.app.db.next_eligible().await.unwrap(),
            Some(DAY_ONE.plus_ms(6 * HOUR + MINUTE))
        );
        room.tick(DAY_ONE.plus_ms(6 * HOUR)).await;
        assert_eq!(got(&room), [1]);
        room.tick(DAY_ONE.plus_ms(6 * HOUR + MINUTE)).await;
        assert_eq!(got(&room), [1, 2]);
        assert_eq!(room.app.db.next_eligible().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn an_operator_who_decides_about_a_suspicion_is_not_overruled_by_time() {
    both_databases(async |db| {
        let room = with_a_lookalike(db).await;
        let held = articles(&room).await.remove(1);
        let (from, to) = ([ArticleState::Held], ArticleState::Ignored);
        let set = room
            .app
            .db
            .set_article_state(held.id, &from, to, "no", None);
        assert!(set.await.unwrap());
        room.tick(DAY_ONE.plus_ms(7 * HOUR)).await;
        assert_eq!(got(&room), [1]);
        // Released at once where the operator says so.
        let mut third = long(1);
        (third.guid, third.link) = ("urn:uuid:third".into(), "/story-3/".into());
        room.site.publish(third);
        assert_eq!(look(&room, DAY_ONE.plus_ms(8 * HOUR)).await, (0, 1));
        let third = articles(&room).await.remove(2);
        let now = DAY_ONE.plus_ms(8 * HOUR + MINUTE);
        release::release(&room.app, &third, now).await.unwrap();
        room.tick(now).await;
        assert_eq!(got(&room), [1, 3]);
    })
    .await;
}

#[tokio::test]
async fn articles_that_all_have_one_boilerplate_for_a_text_are_no_suspects() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        let locked = |number: usize| {
            let mut item = Item::new(number);
            item.body = format!("<p>{}</p>", "Subscribe to read all of it. ".repeat(20));
            item
        };
        room.site.set(vec![locked(2), locked(1)]);
        assert_eq!(look(&room, DAY_ONE).await, (2, 0));
        room.site.set(vec![locked(4), locked(3), locked(2)]);
        assert_eq!(look(&room, DAY_ONE.plus_ms(HOUR)).await, (2, 0));
        assert_eq!(got(&room), [1, 2, 3, 4]);
    })
    .await;
}

async fn by_links(room: &Newsroom) -> bool {
    room.app.db.sources().await.unwrap()[0].by_links
}

fn with_guid(number: usize, guid: &str) -> Item {
    let mut item = Item::new(number);
    item.guid = format!("{guid}-{number}");
    item
}

#[tokio::test]
async fn when_all_guids_change_nothing_is_mailed_again_now_or_at_the_next_change() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        let feed = |newest: usize, guid: &str| {
            let items = (1..=newest).rev().map(|n| with_guid(n, guid));
            items.collect::<Vec<_>>()
        };
        room.site.set(feed(6, "old"));
        assert_eq!(look(&room, DAY_ONE).await, (6, 0));
        assert!(!by_links(&room).await);
        // The new system numbers anew: its guids are those of other articles, and one is new.
        let mut storm = feed(7, "new");
        storm[1].guid = "old-2".into();
        room.site.set(storm);
        let reports = room.look(DAY_ONE.plus_ms(HOUR)).await;
        assert_eq!((reports[0].new, reports[0].changed), (1, 0));
        let notes = reports[0].notes.join("\n");
        assert!(
            notes.contains("6 of 6 known articles had other guids"),
            "{notes}"
        );
        assert!(by_links(&room).await);
        // And back, with one more.
        room.site.set(feed(8, "old"));
        assert_eq!(look(&room, DAY_ONE.plus_ms(2 * HOUR)).await, (1, 0));
        room.site.set(feed(8, "new"));
        assert_eq!(look(&room, DAY_ONE.plus_ms(3 * HOUR)).await, (0, 0));
        assert_eq!(got(&room), [1, 2, 3, 4, 5, 6, 7, 8]);
    })
    .await;
}

#[tokio::test]
async fn one_guid_for_many_articles_loses_none_and_repeats_none() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        let same = |number: usize| {
            let mut item = Item::new(number);
            item.guid = "https://news.example/".into();
            item
        };
        room.site.set(vec![same(2), same(1)]);
        assert_eq!(look(&room, DAY_ONE).await, (2, 0));
        assert!(by_links(&room).await);
        // Alone in the document its guid would name another article, or none.
        for (hour, items) in [
            (1, vec![same(3)]),
            (2, vec![same(4)]),
            (3, vec![same(4), same(3)]),
            (4, vec![same(3)]),
        ] {
            room.site.set(items);
            look(&room, DAY_ONE.plus_ms(hour * HOUR)).await;
        }
        assert_eq!(got(&room), [1, 2, 3, 4]);
        assert_eq!(articles(&room).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn an_operator_says_what_articles_are_known_by() {
    let of = |identity: &str| {
        let address = format!("{{SITE}}/feed/?{identity}");
        format!(
            "[sources.{identity}s]\nkind = \"feed\"\nurl = \"{address}\"\nidentity = \"{identity}\"\n"
        )
    };
    let more = of("guid") + &of("link");
    both_databases(async |db| {
        let room = Newsroom::open(db, &more).await;
        room.site.set((1..=6).map(Item::new).collect());
        room.look(DAY_ONE).await;
        // Other guids under the same addresses, and one guid under another address.
        let mut items: Vec<Item> = (1..=6).map(|n| with_guid(n, "new")).collect();
        items.push(Item::new(6));
        items[6].link = "/story-7/".into();
        room.site.set(items);
        let reports = room.look(DAY_ONE.plus_ms(HOUR)).await;
        let new = |name: &str| reports.iter().find(|r| r.source == name).unwrap().new;
        assert_eq!((new("guids"), new("links")), (0, 1));
        let sources = room.app.db.sources().await.unwrap();
        let marked: Vec<_> = sources.iter().filter(|s| s.by_links).collect();
        assert!(marked.iter().all(|s| s.name == "news"), "{marked:?}");
    })
    .await;
}

#[tokio::test]
async fn what_was_ignored_never_comes_back_however_long_it_was_away() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        room.site.set(vec![Item::new(1)]);
        let reports = room.look(DAY_ONE).await;
        assert_eq!(reports[0].new, 1);
        let first = articles(&room).await.remove(0);
        let any = [
            ArticleState::Waiting,
            ArticleState::Held,
            ArticleState::Released,
        ];
        let ignored = ArticleState::Ignored;
        let set = room
            .app
            .db
            .set_article_state(first.id, &any, ignored, "no", None);
        assert!(set.await.unwrap());
        room.site.set(vec![Item::new(2)]);
        look(&room, DAY_ONE.plus_ms(DAY)).await;
        room.app
            .db
            .trim_fetches(DAY_ONE.plus_ms(400 * DAY), DAY_ONE.plus_ms(400 * DAY))
            .await
            .unwrap();
        // By its guid, and then by its address alone.
        let mut again = Item::new(1).titled("Quite another title");
        room.site.set(vec![again.clone(), Item::new(2)]);
        assert_eq!(look(&room, DAY_ONE.plus_ms(400 * DAY)).await, (0, 0));
        again.guid = "urn:uuid:again".into();
        room.site.set(vec![again, Item::new(2)]);
        assert_eq!(look(&room, DAY_ONE.plus_ms(401 * DAY)).await, (0, 0));
        assert_eq!(articles(&room).await[0].state, ArticleState::Ignored);
        assert_eq!(got(&room), [2]);
    })
    .await;
}

#[tokio::test]
async fn articles_that_all_lead_to_one_page_are_known_by_their_guids() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        let home = |number: usize| {
            let mut item = Item::new(number);
            item.link = "/".into();
            item
        };
        room.site.set(vec![home(2), home(1)]);
        assert_eq!(look(&room, DAY_ONE).await, (2, 0));
        room.site.set(vec![home(3), home(2), home(1)]);
        assert_eq!(look(&room, DAY_ONE.plus_ms(HOUR)).await, (1, 0));
        room.site.set(vec![home(3)]);
        assert_eq!(look(&room, DAY_ONE.plus_ms(2 * HOUR)).await, (0, 0));
        assert_eq!(articles(&room).await.len(), 3);
    })
    .await;
}

#[tokio::test]
async fn a_guid_that_is_used_again_for_another_article_swallows_none() {
    both_databases(async |db| {
        let room = with_reader(db).await;
        let daily = |number: usize, body: &str| {
            let mut item = Item::new(number);
            (item.guid, item.body) = ("urn:today".into(), format!("<p>{body}</p>"));
            item
        };
        room.site
            .set(vec![daily(1, "The river rose in one night.")]);
        assert_eq!(look(&room, DAY_ONE).await, (1, 0));
        let second = daily(2, "Lahore wins at home after all.");
        room.site.set(vec![second.clone()]);
        let next = DAY_ONE.plus_ms(DAY);
        assert_eq!(look(&room, next).await, (0, 1));
        // It is an article of its own from then on, and edits of it are its own.
        room.site
            .set(vec![second.clone().titled("Story 2, at length")]);
        let reports = room.look(next.plus_ms(HOUR)).await;
        assert_eq!((reports[0].new, reports[0].changed), (0, 1));
        room.tick(next.plus_ms(6 * HOUR)).await;
        assert_eq!(got(&room), [1, 2]);
        let titles: Vec<String> = articles(&room)
            .await
            .into_iter()
            .map(|article| article.revision.title)
            .collect();
        assert_eq!(titles, ["Story 1", "Story 2, at length"]);
    })
    .await;
}
