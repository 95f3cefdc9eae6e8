//! A WordPress site whose interface is closed for a while.

use courant::domain::KeyKind;

use super::kit::{key, titles};
use super::wordpress::{ago, asker, settled};
use crate::support::newsroom::{DAY, HOUR, MINUTE};
use crate::support::wordpress::{Door, WpSite};

#[tokio::test]
async fn a_closed_interface_is_replaced_by_the_feed_and_tried_again_after_a_day() {
    for door in [
        Door::Closed(401),
        Door::Closed(403),
        Door::Closed(404),
        Door::Page,
    ] {
        let (site, mut asker) = settled().await;
        site.door(door);
        site.publish(11, ago(MINUTE));
        let polled = asker.poll().await;
        assert_eq!(titles(&polled)[0], "Story 11", "{door:?}");
        assert!(
            polled
                .notes
                .iter()
                .any(|n| n.contains("the REST interface is closed")),
            "{door:?}: {:?}",
            polled.notes
        );
        assert_eq!(polled.withdrawn, [], "{door:?}");
        let keys = &polled.entries[0].keys;
        assert!(
            key(keys, KeyKind::Wordpress).is_some_and(|k| k.ends_with("#11")),
            "{door:?}: {keys:?}"
        );
        site.door(Door::Open);
        site.asked();
        asker.poll().await;
        assert!(site.asked().iter().all(|a| a.path == "/feed/"), "{door:?}");
        // A day later, by the only clock there is in it.
        let mut state: serde_json::Value =
            serde_json::from_str(asker.memory.state.as_deref().unwrap()).unwrap();
        state["blocked"] = (ago(25 * HOUR).0).into();
        asker.memory.state = Some(state.to_string());
        site.publish(12, ago(MINUTE));
        let polled = asker.poll().await;
        assert!(titles(&polled).contains(&"Story 12".to_owned()), "{door:?}");
        assert!(
            site.asked().iter().any(|a| a.path.starts_with("/wp-json/")),
            "{door:?}"
        );
        assert!(
            titles(&polled).len() > 10,
            "the whole list again: {:?}",
            titles(&polled)
        );
    }
}

#[tokio::test]
async fn a_feed_that_reaches_further_back_than_was_read_brings_no_news() {
    let site = WpSite::start().await;
    for id in 1..=110 {
        site.publish(id, ago((200 - id as i64) * DAY));
    }
    let mut asker = asker(&site);
    assert_eq!(asker.poll().await.entries.len(), 100);
    (11..=110).for_each(|id| site.delete(id));
    site.door(Door::Closed(401));
    assert_eq!(titles(&asker.poll().await), [""; 0]);
}

#[tokio::test]
async fn a_post_that_the_interface_has_shown_is_not_cut_short_by_the_feed() {
    let (site, mut asker) = settled().await;
    site.door(Door::Closed(401));
    site.publish(11, ago(MINUTE));
    site.edit(3, |p| p.body = "<p>Only a summary […]</p>".to_owned());
    assert_eq!(titles(&asker.poll().await), ["Story 11"]);
    assert_eq!(
        titles(&asker.poll().await),
        ["Story 11"],
        "edits of it are read"
    );
}
