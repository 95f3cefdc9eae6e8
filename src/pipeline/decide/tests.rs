//! What a poll means, case by case.

use std::path::Path;

use super::sorting::known;
use super::*;
use crate::config::{self, Config};
use crate::domain::{Revision, UnixMillis, keys_of, likeness_of};

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

pub(super) fn revision(title: &str) -> Revision {
    Revision {
        number: 1,
        seen_at: NOW,
        url: "https://news.example/1".into(),
        title: title.into(),
        summary: String::new(),
        content_html: String::new(),
        authors: Vec::new(),
        topics: Vec::new(),
        image: None,
        language: "en".into(),
        published: NOW.plus_ms(-3_600_000),
        updated: NOW.plus_ms(-3_600_000),
        words: 1,
        hash: title.into(),
    }
}

pub(super) fn entry(guid: &str, text: &str) -> Prepared {
    Prepared {
        keys: keys_of(Some(guid), None, text, ""),
        revision: revision(text),
        is_dated: true,
    }
}

pub(super) fn article(id: i64) -> Article {
    Article {
        id: ArticleId(id),
        source: "news".into(),
        state: ArticleState::Released,
        first_seen: NOW,
        eligible_at: NOW,
        revision: revision("Floods"),
    }
}

fn waiting(hash: &str, first_seen_at: UnixMillis) -> KnownArticle {
    KnownArticle {
        state: ArticleState::Waiting,
        hash: hash.into(),
        first_seen_at,
        keys_known: 99,
        ..known(&article(7))
    }
}

/// What is decided about entries of which these are known, and whatever else `more` says.
fn decided_with(
    entries: Vec<Prepared>,
    known: &[Option<KnownArticle>],
    more: impl FnOnce(&mut Background<'_>),
) -> Decision {
    let config = config();
    let mut background = Background {
        source: &config.sources["news"],
        is_first: false,
        known: known.to_vec(),
        alike: vec![Vec::new(); entries.len()],
        twins: vec![false; entries.len()],
        articles: HashMap::new(),
        history: History::default(),
        withdrawn: Vec::new(),
        doubted: HashMap::new(),
    };
    more(&mut background);
    decide(entries, &background, NOW)
}

fn decided(entries: Vec<Prepared>, known: &[Option<KnownArticle>]) -> Decision {
    decided_with(entries, known, |_| {})
}

fn minutes(n: i64) -> UnixMillis {
    NOW.plus_ms(n * 60_000)
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
    assert_eq!(new_end(minutes(-1)), Some(minutes(10)));
    assert_eq!(new_end(minutes(-35)), Some(minutes(5)));
    assert_eq!(new_end(minutes(-50)), Some(minutes(-10)));
}

#[test]
fn a_new_text_never_moves_the_date_and_tells_when_it_changed() {
    let mut known = waiting("before", NOW);
    known.published = minutes(-300);
    let decision = decided(vec![entry("g", "after")], &[Some(known)]);
    let [Change::Revise { revision, .. }] = decision.changes.as_slice() else {
        panic!("{decision:?}");
    };
    assert_eq!((revision.published, revision.updated), (minutes(-300), NOW));
}

/// An entry under new names that has title and text of [`article`] 12.
fn lookalike(guid: &str) -> Prepared {
    let mut entry = entry(guid, "Floods");
    let text = "The river rose. ".repeat(20);
    entry
        .keys
        .extend(likeness_of("Floods", &text, "2026-01-05"));
    entry
}

fn of_twelve(background: &mut Background<'_>) {
    background.articles.insert(ArticleId(12), article(12));
    for alike in &mut background.alike {
        let id = ArticleId(12);
        *alike = vec![(KeyKind::Content, id), (KeyKind::Headline, id)];
    }
}

#[test]
fn the_same_title_and_text_under_new_names_is_the_same_article() {
    let decision = decided_with(vec![lookalike("new")], &[None], of_twelve);
    let [Change::Alias { article, keys }] = decision.changes.as_slice() else {
        panic!("{decision:?}");
    };
    assert_eq!((*article, keys.len()), (ArticleId(12), 3));
}

#[test]
fn beside_the_article_itself_it_is_held_and_says_why() {
    let listed = known(&article(12));
    let entries = vec![entry("old", "Floods"), lookalike("new")];
    let decision = decided_with(entries, &[Some(listed), None], of_twelve);
    let [
        ..,
        Change::New {
            state,
            held_until,
            reason,
            ..
        },
    ] = decision.changes.as_slice()
    else {
        panic!("{decision:?}");
    };
    assert_eq!(
        (*state, *held_until),
        (ArticleState::Held, Some(minutes(360)))
    );
    assert_eq!(
        reason,
        "it looks like article 12, which has the same title and text: “Floods”"
    );
    assert_eq!((decision.held, decision.new), (1, 0));
}

#[test]
fn two_new_entries_that_are_one_article_take_its_place_once() {
    let entries = vec![lookalike("a"), lookalike("b")];
    let decision = decided_with(entries, &[None, None], of_twelve);
    let [Change::Alias { .. }, Change::New { state, .. }] = decision.changes.as_slice() else {
        panic!("{decision:?}");
    };
    assert_eq!(*state, ArticleState::Held);
}

#[test]
fn an_article_dated_ahead_waits_until_then_and_no_correction_shortens_that() {
    let mut ahead = entry("g", "Budget");
    ahead.revision.published = minutes(600);
    let decision = decided(vec![ahead.clone()], &[None]);
    let [
        Change::New {
            eligible_at,
            reason,
            ..
        },
    ] = decision.changes.as_slice()
    else {
        panic!("{decision:?}");
    };
    assert_eq!(*eligible_at, minutes(600));
    assert!(reason.contains("2026-01-05T16:00:00Z"), "{reason}");

    let mut known = waiting("before", NOW);
    known.published = minutes(600);
    let decision = decided(vec![ahead], &[Some(known)]);
    let [Change::Revise { eligible_at, .. }] = decision.changes.as_slice() else {
        panic!("{decision:?}");
    };
    assert_eq!(*eligible_at, Some(minutes(600)));
}

#[test]
fn an_embargo_follows_its_date_until_it_is_over() {
    let moved = |state, from: i64, to: i64, is_dated| {
        let mut known = waiting("Budget", minutes(-60));
        (known.state, known.published) = (state, minutes(from));
        let mut entry = entry("g", "Budget");
        (entry.revision.published, entry.is_dated) = (minutes(to), is_dated);
        match decided(vec![entry], &[Some(known)]).changes.as_slice() {
            [] => None,
            [
                Change::Redate {
                    published,
                    eligible_at,
                    reason,
                    ..
                },
            ] => {
                assert_eq!(*published, minutes(to));
                assert_eq!(reason.is_empty(), to <= 0);
                Some(*eligible_at)
            }
            other => panic!("{other:?}"),
        }
    };
    let waiting = ArticleState::Waiting;
    assert_eq!(moved(waiting, 600, 300, true), Some(minutes(300)));
    assert_eq!(moved(waiting, 600, 900, true), Some(minutes(900)));
    assert_eq!(moved(waiting, 600, -5, true), Some(minutes(-5)));
    assert_eq!(moved(waiting, -5, 600, true), Some(minutes(600)));
    assert_eq!(
        moved(waiting, -5, -9, true),
        None,
        "dates that are past stay"
    );
    assert_eq!(
        moved(waiting, 600, 0, false),
        None,
        "no date is no new date"
    );
    assert_eq!(moved(ArticleState::Released, 600, 900, true), None);
    assert_eq!(
        moved(ArticleState::Held, 600, 900, true),
        Some(minutes(900))
    );
}

#[test]
fn articles_without_dates_enter_in_the_order_of_the_feed() {
    let undated = |title: &str| {
        let mut entry = entry(title, title);
        entry.revision.published = NOW;
        entry
    };
    let entries = vec![undated("c"), undated("b"), undated("a")];
    let decision = decided(entries, &[None, None, None]);
    let titles: Vec<_> = decision
        .changes
        .iter()
        .map(|change| match change {
            Change::New { revision, .. } => revision.title.as_str(),
            other => panic!("{other:?}"),
        })
        .collect();
    assert_eq!(titles, ["a", "b", "c"]);
}

#[test]
fn a_withdrawal_is_believed_when_it_is_heard_again_after_ten_minutes() {
    let withdrawn = |since: Option<i64>, met: bool| {
        let article = known(&article(7));
        let entries = if met {
            vec![entry("g", "Floods")]
        } else {
            vec![]
        };
        let known = if met { vec![Some(article)] } else { vec![] };
        let decision = decided_with(entries, &known, |b| {
            b.withdrawn = vec![(ArticleId(7), "its page is gone (404)".into())];
            b.doubted
                .extend(since.map(|at| (ArticleId(7), minutes(at))));
        });
        decision.changes
    };
    let heard = |confirmed| {
        vec![Change::Withdraw {
            article: ArticleId(7),
            why: "its page is gone (404)".into(),
            confirmed,
        }]
    };
    assert_eq!(withdrawn(None, false), heard(false));
    assert_eq!(withdrawn(Some(-9), false), heard(false));
    assert_eq!(withdrawn(Some(-10), false), heard(true));
    let back = withdrawn(Some(-10), true);
    assert!(matches!(
        back[0],
        Change::Restore {
            article: ArticleId(7),
            ..
        }
    ));
    assert!(!back.iter().any(|c| matches!(c, Change::Withdraw { .. })));
}

#[test]
fn a_guid_or_an_address_used_again_for_another_article_is_held_and_not_swallowed() {
    let decide = |by_id: bool, change: fn(&mut Revision)| {
        let mut old = article(12);
        old.revision.content_html = "<p>The river rose by three metres in a night.</p>".into();
        let found = KnownArticle {
            by_id,
            at_address: (!by_id).then_some(old.id),
            ..known(&old)
        };
        let mut entry = entry("guid", "Floods");
        entry.keys = keys_of(Some("guid"), Some("https://news.example/2"), "", "");
        entry.revision.published = minutes(-5);
        entry.revision.title = "Cricket".into();
        entry.revision.content_html = "<p>Lahore wins at home after all.</p>".into();
        entry.revision.hash = "another".into();
        change(&mut entry.revision);
        decided_with(vec![entry], &[Some(found)], |b| {
            b.articles.insert(old.id, old);
        })
    };
    for (by_id, what, kept) in [
        (true, "guid", KeyKind::Link),
        (false, "address", KeyKind::Guid),
    ] {
        let decision = decide(by_id, |_| {});
        let [
            Change::New {
                keys,
                state,
                reason,
                ..
            },
        ] = decision.changes.as_slice()
        else {
            panic!("{decision:?}");
        };
        assert_eq!((keys.len(), keys[0].kind), (1, kept));
        assert_eq!(*state, ArticleState::Held);
        let expected =
            format!("it has the {what} of article 12, but another title, date and text: “Floods”");
        assert_eq!(*reason, expected);
        // With any of the three it is the article, revised.
        let alike: [fn(&mut Revision); 3] = [
            |r| r.title = "Floods".into(),
            |r| r.published = revision("").published,
            |r| r.content_html = "<p>The river rose by two metres in a night.</p>".into(),
        ];
        for change in alike {
            let decision = decide(by_id, change);
            assert!(
                matches!(decision.changes[0], Change::Revise { .. }),
                "{decision:?}"
            );
        }
    }
}
