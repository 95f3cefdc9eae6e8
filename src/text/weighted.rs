//! X's weighted length: configuration v3 of twitter-text.
//!
//! The official rule, not the `twitter-text` crate, which counts links without a scheme by
//! their letters and two flags side by side as four characters.

use unicode_normalization::UnicodeNormalization;

use super::emoji::emoji_prefix;
use super::urls::{Rule, find};

/// What any link costs, whatever its length (`transformedURLLength`).
const LINK: usize = 23;

/// The weighted length of a text on X, whose limit is 280: after NFC, a link 23 (with or
/// without scheme), an emoji 2, a character of most alphabets 1, any other 2.
#[must_use]
pub fn weighted_x(text: &str) -> usize {
    let text: String = text.nfc().collect();
    let mut links = find(&text, Rule::X).into_iter().peekable();
    let mut length = 0;
    let mut at = 0;
    while at < text.len() {
        if let Some(link) = links.next_if(|link| link.start == at) {
            length += LINK;
            at = link.end;
            continue;
        }
        let rest = &text[at..];
        if let Some(bytes) = emoji_prefix(rest) {
            length += 2;
            at += bytes;
        } else if let Some(c) = rest.chars().next() {
            length += weight(c);
            at += c.len_utf8();
        }
    }
    length
}

/// `ranges` of the configuration: weight 100 of 200 for these, the default weight otherwise.
fn weight(c: char) -> usize {
    match c {
        '\u{0}'..='\u{10ff}'
        | '\u{2000}'..='\u{200d}'
        | '\u{2010}'..='\u{201f}'
        | '\u{2032}'..='\u{2037}' => 1,
        _ => 2,
    }
}
