//! What a poll means, case by case.

use std::path::Path;

use super::*;
use crate::config::{self, Config};
use crate::domain::{Revision, UnixMillis, keys_of};

const NOW: UnixMillis = UnixMillis(1_767_592_800_000);

fn config() -> Config {
    let text = r#"
        [site]
        name = "News"
        url = "https://news.example"
        postal_address = "1 Canal Road, Lahore"
        [sources.news]
        kind = "feed"
        url = "https://news.example/feed/"
        hold = "10m"
    "#;
    config::from_text(Path::new("t.toml"), text, |_| Vec::new()).unwrap()
}

fn entry(guid: &str, text: &str) -> Prepared {
    Prepared {
        keys: keys_of(Some(guid), None, text, ""),
        revision: Revision {
            number: 1,
            seen_at: NOW,
            url: "https://news.example/1".into(),
            title: text.into(),
            summary: String::new(),
            content_html: String::new(),
            authors: Vec::new(),
            topics: Vec::new(),
            image: None,
            language: "en".into(),
            published: NOW,
            updated: NOW,
            words: 1,
            hash: text.into(),
        },
    }
}

fn waiting(hash: &str, first_seen_at: UnixMillis) -> KnownArticle {
    KnownArticle {
        id: ArticleId(7),
        state: ArticleState::Waiting,
        revision: 1,
        hash: hash.into(),
        first_seen_at,
        eligible_at: NOW,
        keys_known: 99,
    }
}

fn decided(entries: Vec<Prepared>, known: &[Option<KnownArticle>]) -> Decision {
    decide(entries, known, &config().sources["news"], false, NOW)
}

#[test]
fn an_article_that_stands_twice_in_a_document_is_no_correction_of_itself() {
    let known = Some(waiting("first", NOW));
    let both = vec![entry("g", "first"), entry("g", "second")];
    let decision = decided(both, &[known.clone(), known]);
    assert_eq!(decision, Decision::default());
}

#[test]
fn a_text_that_changes_at_every_poll_is_delayed_and_not_kept() {
    let new_end = |seen: UnixMillis| {
        let known = Some(waiting("before", seen));
        match decided(vec![entry("g", "after")], &[known])
            .changes
            .as_slice()
        {
            [Change::Revise { eligible_at, .. }] => *eligible_at,
            other => panic!("{other:?}"),
        }
    };
    let minutes = |n: i64| NOW.plus_ms(n * 60_000);
    assert_eq!(new_end(minutes(-1)), Some(minutes(10)));
    assert_eq!(new_end(minutes(-35)), Some(minutes(5)));
    assert_eq!(new_end(minutes(-50)), Some(minutes(-10)));
}
