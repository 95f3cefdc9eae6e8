//! Hashtags: made of topics, and found in text.

use std::ops::Range;

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;
use unicode_segmentation::UnicodeSegmentation;

use super::clean::one_line;

/// The longest tag Bluesky takes, in graphemes; the strictest of all.
const LONGEST: usize = 64;

/// A hashtag as it stands in a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tag {
    /// Where, in bytes, with the `#`.
    pub range: Range<usize>,
    /// The tag without the `#`.
    pub tag: String,
}

/// The hashtag of a topic: its words joined as `#ClimatePolicy`, letters and digits of any
/// script. None where nothing but digits would be left, which no network takes.
#[must_use]
pub fn hashtag(label: &str) -> Option<String> {
    let label: String = one_line(label)
        .chars()
        // Apostrophes and joiners stand inside words.
        .filter(|c| !matches!(c, '\'' | '’' | '\u{200c}' | '\u{200d}' | '\u{ad}'))
        .collect();
    let words: Vec<&str> = label
        .split(|c| !is_tag_letter(c))
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .collect();
    let tag: String = match words.as_slice() {
        [word] => (*word).to_owned(),
        // A capital may take its accent apart.
        words => words
            .iter()
            .flat_map(|word| capitalised(word))
            .nfc()
            .collect(),
    };
    is_tag(&tag).then(|| format!("#{tag}"))
}

/// The hashtags of several topics, each once (whatever its case), with a space between.
#[must_use]
pub fn hashtags<S: AsRef<str>>(topics: &[S]) -> String {
    let mut tags: Vec<String> = Vec::new();
    for tag in topics.iter().filter_map(|topic| hashtag(topic.as_ref())) {
        if !tags.iter().any(|t| t.to_lowercase() == tag.to_lowercase()) {
            tags.push(tag);
        }
    }
    tags.join(" ")
}

/// The hashtags in a text: a `#` at its start or after white space, then letters, digits, `_`.
#[must_use]
pub fn find_hashtags(text: &str) -> Vec<Tag> {
    let mut found = Vec::new();
    let mut at_word_start = true;
    let mut skip_to = 0;
    for (at, c) in text.char_indices() {
        if at < skip_to {
            continue;
        }
        if c == '#' && at_word_start {
            let rest = &text[at + 1..];
            let end = rest
                .find(|c| !is_tag_letter(c) && c != '_')
                .unwrap_or(rest.len());
            if is_tag(&rest[..end]) {
                skip_to = at + 1 + end;
                found.push(Tag {
                    range: at..skip_to,
                    tag: rest[..end].to_owned(),
                });
            }
        }
        at_word_start = c.is_whitespace();
    }
    found
}

pub(super) fn is_tag_letter(c: char) -> bool {
    // U+FE0F and the keycap are marks too, and make an emoji of a `#`.
    c.is_alphanumeric()
        || is_combining_mark(c) && !matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{20d0}'..='\u{20ff}')
}

fn is_tag(tag: &str) -> bool {
    let graphemes = tag.graphemes(true).count();
    (1..=LONGEST).contains(&graphemes)
        && tag.len() <= LONGEST * 10
        && tag.chars().any(char::is_alphabetic)
        && !tag.starts_with(is_combining_mark)
}

fn capitalised(word: &str) -> impl Iterator<Item = char> {
    let mut letters = word.chars();
    let first = letters.next();
    first
        .into_iter()
        .flat_map(char::to_uppercase)
        .chain(letters)
}
