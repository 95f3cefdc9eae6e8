//! How far a text is from the one before it.

use std::collections::HashMap;

use crate::domain::{Revision, RevisionClass, words_of};
use crate::html;

/// So many of a hundred words are a typing error.
const MINOR: usize = 3;
/// A first paragraph that is longer is no paragraph.
const LONGEST_PARAGRAPH: usize = 4000;

/// What `after` is to `before`. `markers` are the words by which the source calls a correction
/// one; they count when they are new.
pub(super) fn class(before: &Revision, after: &Revision, markers: &[String]) -> RevisionClass {
    if is_marked(after, markers) && !is_marked(before, markers) {
        return RevisionClass::Correction;
    }
    let texts = (plain(before), plain(after));
    if words_of(&before.title) == words_of(&after.title) && differ(&texts.0, &texts.1, MINOR) {
        return RevisionClass::Minor;
    }
    RevisionClass::Substantive
}

/// The words of an article's body.
pub(super) fn plain(revision: &Revision) -> String {
    html::plain(&revision.content_html)
}

/// Whether at most `percent` of a hundred words are others. Words are counted and their order is
/// not looked at: that is linear in the texts, and a paragraph that moved has not changed.
pub(super) fn differ(before: &str, after: &str, percent: usize) -> bool {
    let (before, after) = (words_of(before), words_of(after));
    let mut counts: HashMap<&str, i64> = HashMap::new();
    for word in &before {
        *counts.entry(word).or_default() += 1;
    }
    for word in &after {
        *counts.entry(word).or_default() -= 1;
    }
    let sum = |sign: i64| counts.values().map(|n| (n * sign).max(0)).sum::<i64>();
    let changed = usize::try_from(sum(1).max(sum(-1))).unwrap_or(usize::MAX);
    changed.saturating_mul(100) <= percent * before.len().max(after.len())
}

/// Whether title, first paragraph or topics call the text a correction.
fn is_marked(revision: &Revision, markers: &[String]) -> bool {
    let paragraph = revision.content_html.split("</p>").next();
    let paragraph: String = paragraph
        .unwrap_or_default()
        .chars()
        .take(LONGEST_PARAGRAPH)
        .collect();
    let spaced = |text: &str| format!(" {} ", words_of(text).join(" "));
    let (title, paragraph) = (spaced(&revision.title), spaced(&html::plain(&paragraph)));
    let topics: Vec<String> = revision.topics.iter().map(|topic| spaced(topic)).collect();
    let mut words = markers.iter().map(|marker| spaced(marker));
    topics.iter().any(|topic| topic == " correction ")
        || words.any(|word| {
            word.len() > 2
                && (title.contains(&word) || paragraph.contains(&word) || topics.contains(&word))
        })
}

#[cfg(test)]
mod tests {
    use super::super::tests::revision;
    use super::*;

    fn text(title: &str, body: &str) -> Revision {
        Revision {
            title: title.into(),
            content_html: format!("<p>{body}</p><p>The end.</p>"),
            ..revision(title)
        }
    }

    fn of(before: &Revision, after: &Revision) -> RevisionClass {
        class(before, after, &["Correction".into(), "تصحیح".into()])
    }

    #[test]
    fn three_words_of_a_hundred_are_a_typing_error_and_four_are_not() {
        let words: Vec<String> = (0..98).map(|n| format!("word{n}")).collect();
        let with = |changed: usize| {
            let mut words = words.clone();
            words[..changed].iter_mut().for_each(|word| word.push('x'));
            text("The river", &words.join(" "))
        };
        assert_eq!(of(&with(0), &with(3)), RevisionClass::Minor);
        assert_eq!(of(&with(0), &with(4)), RevisionClass::Substantive);
        let titled = text("The rivers", &words.join(" "));
        assert_eq!(of(&with(0), &titled), RevisionClass::Substantive);
    }

    #[test]
    fn a_correction_says_so_and_only_where_it_did_not_before() {
        let plain = text("The river", "It rose three metres.");
        let title = text("Correction: the river", "It rose two metres.");
        let first = text("The river", "CORRECTION: it rose two metres, not three.");
        let urdu = text("The river", "تصحیح: پانی دو میٹر بڑھا۔");
        let mut topic = plain.clone();
        topic.topics.push("Correction".into());
        for after in [&title, &first, &urdu, &topic] {
            assert_eq!(of(&plain, after), RevisionClass::Correction, "{after:?}");
        }
        assert_eq!(of(&first, &title), RevisionClass::Substantive);
        let corrections = text("The river", "Corrections officers were there.");
        assert_eq!(of(&plain, &corrections), RevisionClass::Substantive);
    }
}
