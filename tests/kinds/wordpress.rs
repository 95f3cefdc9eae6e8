//! A WordPress site in the course of time.

use std::time::Duration;

use courant::domain::{KeyKind, UnixMillis};

use super::kit::{Asker, Shelf, document, key, titles};
use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY, DAY_ONE, HOUR, MINUTE, Newsroom};
use crate::support::wordpress::{Door, LOGIN, WpSite};

pub(super) fn ago(ms: i64) -> UnixMillis {
    UnixMillis::now().plus_ms(-ms)
}

pub(super) fn asker(site: &WpSite) -> Asker {
    Asker::new(&format!("kind = \"wordpress\"\nurl = \"{}\"\n", site.url))
}

fn editor(site: &WpSite, password: &str) -> Asker {
    Asker::new(&format!(
        "kind = \"wordpress\"\nurl = \"{}\"\nuser = \"ada\"\napplication_password = \"{password}\"\n",
        site.url
    ))
}

/// Ten posts of the last ten hours, read once.
pub(super) async fn settled() -> (WpSite, Asker) {
    let site = WpSite::start().await;
    for id in 1..=10 {
        site.publish(id, ago((20 - id as i64) * HOUR));
    }
    let mut asker = asker(&site);
    assert_eq!(asker.poll().await.entries.len(), 10);
    site.asked();
    (site, asker)
}

#[tokio::test]
async fn posts_come_whole_and_corrected_ones_again() {
    let (site, mut asker) = settled().await;
    site.publish(11, ago(MINUTE));
    site.edit(3, |p| {
        p.title = "Story 3, corrected".to_owned();
        p.modified = ago(MINUTE / 2);
    });
    let polled = asker.poll().await;
    let entry = polled
        .entries
        .iter()
        .find(|e| e.title == "Story 11")
        .unwrap();
    assert_eq!(entry.url.as_deref(), Some("https://news.example/story-11/"));
    assert_eq!(entry.authors, ["Ayesha Khan"]);
    assert_eq!(entry.topics, ["News & Views"]);
    let home = site.url.trim_start_matches("http://").trim_end_matches('/');
    assert_eq!(
        key(&entry.keys, KeyKind::Wordpress),
        Some(format!("{home}#11").as_str())
    );
    assert!(titles(&polled).contains(&"Story 3, corrected".to_owned()));
    assert_eq!(polled.withdrawn, []);
    // The interface was found once; then two lists are all that is asked.
    assert_eq!(site.asked().len(), 2);
}

#[tokio::test]
async fn every_post_comes_however_many_there_are() {
    let (site, mut asker) = settled().await;
    for id in 100..165 {
        site.publish(id, ago(MINUTE));
    }
    let polled = asker.poll().await;
    for id in 100..165 {
        assert!(titles(&polled).contains(&format!("Story {id}")), "{id}");
    }
}

#[tokio::test]
async fn a_post_that_was_written_long_ago_and_is_published_by_the_clock_is_not_missed() {
    let (site, mut asker) = settled().await;
    site.publish(11, ago(MINUTE));
    site.edit(11, |p| p.modified = ago(10 * DAY));
    assert!(titles(&asker.poll().await).contains(&"Story 11".to_owned()));
}

#[tokio::test]
async fn an_edit_of_a_post_from_before_is_no_news_and_a_draft_from_before_is() {
    let site = WpSite::start().await;
    for id in 1..=300 {
        site.publish(id, ago((400 - id as i64) * DAY));
    }
    site.edit(7, |p| p.status = "draft");
    let mut asker = asker(&site);
    assert_eq!(asker.poll().await.entries.len(), 100);
    site.edit(5, |p| p.modified = ago(MINUTE));
    site.edit(7, |p| {
        p.status = "publish";
        (p.date, p.modified) = (UnixMillis::now(), UnixMillis::now());
    });
    let shown = titles(&asker.poll().await);
    assert!(shown.contains(&"Story 7".to_owned()));
    assert!(!shown.contains(&"Story 5".to_owned()));
}

#[tokio::test]
async fn what_everybody_could_read_and_cannot_any_more_is_withdrawn_until_it_is_back() {
    let (site, mut asker) = settled().await;
    // They are on no list that would be read for other reasons.
    for id in 1..=10 {
        site.edit(id, |p| {
            p.modified = ago(100 * DAY);
            p.date = ago(100 * DAY);
        });
    }
    for id in 50..80 {
        site.publish(id, ago(MINUTE));
    }
    site.edit(2, |p| p.status = "trash");
    site.delete(4);
    let polled = asker.poll().await;
    let mut lost: Vec<&str> = polled
        .withdrawn
        .iter()
        .filter_map(|w| key(&w.keys, KeyKind::Wordpress))
        .collect();
    lost.sort_unstable();
    assert_eq!(lost.len(), 2, "{:?}", polled.withdrawn);
    assert!(lost[0].ends_with("#2") && lost[1].ends_with("#4"));
    assert_eq!(asker.poll().await.withdrawn.len(), 2, "it is said again");
    site.edit(2, |p| p.status = "publish");
    assert_eq!(asker.poll().await.withdrawn.len(), 1);
}

#[tokio::test]
async fn a_post_behind_a_password_is_skipped_and_one_that_goes_there_is_withdrawn() {
    let (site, mut asker) = settled().await;
    site.edit(3, |p| {
        p.is_protected = true;
        p.modified = ago(MINUTE);
    });
    site.publish(11, ago(MINUTE));
    site.edit(11, |p| p.is_protected = true);
    let polled = asker.poll().await;
    assert!(!titles(&polled).contains(&"Story 11".to_owned()));
    assert_eq!(polled.withdrawn.len(), 1);
    assert!(
        polled.withdrawn[0].why.contains("password"),
        "{:?}",
        polled.withdrawn
    );
}

#[tokio::test]
async fn with_a_login_every_way_of_taking_a_post_back_is_seen() {
    let site = WpSite::start().await;
    for id in 1..=6 {
        site.publish(id, ago(HOUR));
    }
    let mut asker = editor(&site, "s3cret word");
    assert_eq!(asker.poll().await.entries.len(), 6);
    assert!(
        site.asked()
            .iter()
            .any(|a| a.authorization.as_deref() == Some(LOGIN))
    );
    for (id, status) in [(1, "trash"), (2, "private"), (3, "draft"), (4, "future")] {
        site.edit(id, |p| {
            p.status = status;
            p.modified = ago(MINUTE);
        });
    }
    site.publish(9, UnixMillis::now().plus_ms(DAY));
    site.edit(9, |p| {
        p.status = "future";
        p.modified = ago(MINUTE);
    });
    let polled = asker.poll().await;
    let why: Vec<&str> = polled.withdrawn.iter().map(|w| w.why.as_str()).collect();
    assert_eq!(why.len(), 4, "{why:?}");
    for words in ["trash", "private", "draft", "later date"] {
        assert!(why.iter().any(|w| w.contains(words)), "{words}: {why:?}");
    }
    assert!(
        !titles(&polled).contains(&"Story 9".to_owned()),
        "it is not public yet"
    );
}

#[tokio::test]
async fn the_login_goes_to_no_other_host_and_a_wrong_one_is_told_and_left_out() {
    let (site, other) = (WpSite::start().await, WpSite::start().await);
    other.publish(1, ago(HOUR));
    site.publish(1, ago(HOUR));
    site.redirect(Some(format!("{}wp-json/wp/v2/posts", other.url)));
    let mut asker = editor(&site, "s3cret word");
    asker.poll().await;
    let asked = other.asked();
    assert!(
        !asked.is_empty() && asked.iter().all(|a| a.authorization.is_none()),
        "{asked:?}"
    );
    site.redirect(None);
    let mut wrong = editor(&site, "wrong");
    let polled = wrong.poll().await;
    assert_eq!(titles(&polled), ["Story 1"]);
    assert!(
        polled.notes[0].contains("the login is refused"),
        "{:?}",
        polled.notes
    );
}

#[tokio::test]
async fn posts_that_went_all_at_once_are_withdrawn_a_few_at_a_time_and_each_twice() {
    let site = WpSite::start().await;
    for id in 1..=40 {
        site.publish(id, ago(60 * DAY));
    }
    let mut asker = asker(&site);
    asker.poll().await;
    for id in 1..=12 {
        site.delete(id);
    }
    let mut said = Vec::new();
    for _ in 0..4 {
        said.push(asker.poll().await.withdrawn.len());
    }
    assert_eq!(said, [5, 10, 12, 12]);
}

#[tokio::test]
async fn what_the_interface_says_of_asking_again_is_heard() {
    let (site, mut asker) = settled().await;
    site.ask_again("3600", "max-age=1800");
    let polled = asker.poll().await;
    assert_eq!(polled.retry_after, Some(Duration::from_secs(3600)));
    assert_eq!(polled.hints.pause, Some(Duration::from_secs(1800)));
}

#[tokio::test]
async fn a_site_in_trouble_is_an_error_and_neither_withdrawn_nor_replaced() {
    let (site, mut asker) = settled().await;
    site.door(Door::Closed(503));
    let error = asker.try_poll().await.unwrap_err();
    assert_eq!(error.status, Some(503), "{error}");
}

#[tokio::test]
async fn a_change_of_hundreds_of_posts_is_read_on_in_later_polls() {
    let site = WpSite::start().await;
    for id in 1..=500 {
        site.publish(id, ago((600 - id as i64) * MINUTE + HOUR));
    }
    let mut asker = asker(&site);
    asker.poll().await;
    // All that are known, and so can be corrected.
    let known: Vec<u64> = (401..=500).collect();
    for id in 1..=500 {
        site.edit(id, |p| {
            p.modified = ago((id as i64) * 1000);
            p.title = format!("New {id}");
        });
    }
    let mut seen = std::collections::BTreeSet::new();
    let first = asker.poll().await;
    assert!(
        first.notes.iter().any(|n| n.contains("posts have changed")),
        "{:?}",
        first.notes
    );
    seen.extend(titles(&first));
    for id in 600..603 {
        site.publish(id, UnixMillis::now());
    }
    for _ in 0..3 {
        seen.extend(titles(&asker.poll().await));
    }
    for id in known {
        assert!(seen.contains(&format!("New {id}")), "{id}");
    }
    assert!((600..603).all(|id| seen.contains(&format!("Story {id}"))));
    assert!(!asker.memory.state.unwrap().contains("walk"));
}

#[tokio::test]
async fn hostile_answers_of_an_interface_break_nothing() {
    let shelf = Shelf::start().await;
    shelf.put("/", document("text/html", "<!doctype html><p>x"));
    let path = "/wp-json/wp/v2/posts";
    let keys = format!("kind = \"wordpress\"\nurl = \"{}/\"\n", shelf.url);
    let deep = "[".repeat(100_000);
    for body in [
        "[]",
        "[1, null, {}, {\"id\": -1}]",
        "{}",
        "null",
        "[{\"id\": 1, \"content\": 5}]",
        &deep,
        "",
    ] {
        shelf.put(path, document("application/json", body));
        // Without posts there is the feed, which is not there either.
        let _ = Asker::new(&keys).try_poll().await;
    }
    shelf.put(path, document("application/json", "[{\"id\": 1, \"title\": {\"rendered\": \"<script>x</script>Hi\"}, \"link\": \"javascript:alert(1)\"}]"));
    let polled = Asker::new(&keys).poll().await;
    assert_eq!(polled.entries.len(), 1);
}

#[tokio::test]
async fn a_reader_gets_each_post_once_whichever_way_the_site_is_read() {
    both_databases(async |db| {
        let site = WpSite::start().await;
        site.publish(1, DAY_ONE.plus_ms(-DAY));
        let more = format!(
            "{BRIEF}\n[sources.wp]\nkind = \"wordpress\"\nurl = \"{}\"\nevery = \"1s\"\nembargo = false\n",
            site.url
        );
        let room = Newsroom::open(db, &more).await;
        room.reader("ada@example.org", "instant").await;
        site.publish(2, UnixMillis::now());
        room.look(DAY_ONE).await;
        room.tick(DAY_ONE).await;
        assert_eq!(room.stories_of("ada@example.org"), [2]);
        site.door(Door::Closed(401));
        site.publish(3, UnixMillis::now());
        room.look(DAY_ONE.plus_ms(HOUR)).await;
        room.tick(DAY_ONE.plus_ms(HOUR)).await;
        assert_eq!(room.stories_of("ada@example.org"), [2, 3]);
    })
    .await;
}
