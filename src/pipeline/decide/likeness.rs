//! An entry that no name leads to, and an article that it shares its text or its title with.
//!
//! Of four facts (text, title, date, and that the article is not in the document any more) enough
//! must agree before the two are one: a new slug with a new guid must not be mailed again, and
//! another article must not be lost. Whatever agrees in less is held for a while.

use std::time::Duration;

use super::class::{differ, plain};
use crate::domain::{Article, KeyKind, Revision, words_of};

/// An article that gets new names keeps its date, or gets one of these days; the same text with
/// a later one is published once more.
const NEAR: Duration = Duration::from_secs(2 * 86_400);
/// A text of so many words is an article's own, even where title and article have nothing in
/// common; a shorter one may be what a site says of all its articles.
const OWN_WORDS: i64 = 100;
/// So many of a hundred words may be others in an edited text.
const EDITED: usize = 20;

/// What an entry is to an article that it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Likeness {
    /// The same, under new names.
    Same,
    /// Perhaps the same; in words, as in "looks like article 12, which …".
    Suspect(&'static str),
}

/// Compares an entry with an article that shares the weak keys `shared` with it. `is_listed`: the
/// article stands in the same document, so that the entry is none of its new names.
pub(super) fn likeness(
    entry: &Revision,
    article: &Article,
    shared: &[KeyKind],
    is_listed: bool,
) -> Likeness {
    let known = &article.revision;
    let same_text = shared.contains(&KeyKind::Content);
    let same_title = words_of(&entry.title) == words_of(&known.title);
    let same_date = entry.published == known.published;
    let apart = entry
        .published
        .since(known.published)
        .max(known.published.since(entry.published));
    let is_same = if same_text {
        let is_own = entry.words >= OWN_WORDS || share_words(&entry.title, &known.title);
        (same_date && is_own) || (same_title && apart <= NEAR)
    } else {
        same_title && same_date && differ(&plain(known), &plain(entry), EDITED)
    };
    if is_same && !is_listed {
        return Likeness::Same;
    }
    Likeness::Suspect(match (same_text, same_title) {
        (true, true) => "has the same title and text",
        (true, false) => "has the same text under another title",
        (false, _) => "has the same title and day",
    })
}

fn share_words(one: &str, other: &str) -> bool {
    let other = words_of(other);
    words_of(one).iter().any(|word| other.contains(word))
}

#[cfg(test)]
mod tests {
    use super::super::tests::{article, revision};
    use super::*;

    const TEXT: [KeyKind; 2] = [KeyKind::Content, KeyKind::Headline];
    const TITLE: [KeyKind; 1] = [KeyKind::Headline];

    fn against(change: impl Fn(&mut Revision), shared: &[KeyKind]) -> Likeness {
        let mut known = article(7);
        let body = "<p>The river rose by three metres in one night, and the town is dry.</p>";
        known.revision.content_html = body.into();
        let mut entry = Revision {
            content_html: body.into(),
            ..revision(&known.revision.title)
        };
        change(&mut entry);
        let listed = likeness(&entry, &known, shared, true);
        assert_ne!(listed, Likeness::Same, "both stand in the document");
        likeness(&entry, &known, shared, false)
    }

    #[test]
    fn the_same_text_with_another_fact_is_the_same_article() {
        assert_eq!(against(|_| {}, &TEXT), Likeness::Same);
        let retitled = |r: &mut Revision| r.title = "Floods in Sindh".into();
        assert_eq!(against(retitled, &TEXT[..1]), Likeness::Same);
        // With too few words the same text may stand under many articles.
        let other = |r: &mut Revision| r.title = "Cricket".into();
        assert!(matches!(against(other, &TEXT[..1]), Likeness::Suspect(_)));
        let long = |r: &mut Revision| {
            other(r);
            r.words = 100;
        };
        assert_eq!(against(long, &TEXT[..1]), Likeness::Same);
        let redated = |r: &mut Revision| r.published = r.published.plus_ms(3_600_000);
        assert_eq!(against(redated, &TEXT), Likeness::Same);
        let both = |r: &mut Revision| {
            retitled(r);
            redated(r);
        };
        assert!(matches!(against(both, &TEXT[..1]), Likeness::Suspect(_)));
        let month = |r: &mut Revision| r.published = r.published.plus_ms(30 * 86_400_000);
        assert!(matches!(against(month, &TEXT[..1]), Likeness::Suspect(_)));
    }

    #[test]
    fn the_same_title_needs_the_same_date_and_much_of_the_text() {
        let edited = |r: &mut Revision| r.content_html = r.content_html.replace("three", "two");
        assert_eq!(against(edited, &TITLE), Likeness::Same);
        let other = |r: &mut Revision| r.content_html = "<p>Letters to the editor.</p>".into();
        assert!(matches!(against(other, &TITLE), Likeness::Suspect(_)));
        let later = |r: &mut Revision| {
            edited(r);
            r.published = r.published.plus_ms(1);
        };
        assert!(matches!(against(later, &TITLE), Likeness::Suspect(_)));
    }
}
