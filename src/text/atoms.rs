//! What must be kept whole or dropped whole: links, hashtags, mentions, `:emoji:`.

use std::ops::Range;

use super::hashtag::is_tag_letter;
use super::links::find_links;
use super::urls::{Rule, find};

/// The parts of a text that may not be cut, as sorted byte ranges that do not overlap.
pub(super) fn atoms(text: &str) -> Vec<Range<usize>> {
    let mut all = find_links(text);
    all.extend(find(text, Rule::X));
    all.extend(names(text));
    all.sort_unstable_by_key(|atom| atom.start);
    let mut merged: Vec<Range<usize>> = Vec::with_capacity(all.len());
    for atom in all {
        match merged.last_mut() {
            Some(last) if atom.start < last.end => last.end = last.end.max(atom.end),
            _ => merged.push(atom),
        }
    }
    merged
}

/// Hashtags, `@user`, `@user@host`, `ada@example.org` and `:custom_emoji:`.
fn names(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for (at, c) in text.char_indices() {
        let rest = &text[at + c.len_utf8()..];
        let length = |in_name: &dyn Fn(char) -> bool| {
            c.len_utf8() + rest.find(|c| !in_name(c)).unwrap_or(rest.len())
        };
        match c {
            '#' => found.push(at..at + length(&|c| is_tag_letter(c) || c == '_')),
            '@' => {
                let start = text[..at]
                    .rfind(|c: char| !is_address_letter(c))
                    .map_or(0, |n| {
                        n + text[n..].chars().next().map_or(1, char::len_utf8)
                    });
                found.push(start..at + length(&|c| is_address_letter(c) || c == '@'));
            }
            ':' => {
                let end = at + length(&|c| c.is_ascii_alphanumeric() || c == '_');
                if end > at + 1 && text[end..].starts_with(':') {
                    found.push(at..end + 1);
                }
            }
            _ => {}
        }
    }
    found
}

fn is_address_letter(c: char) -> bool {
    c.is_alphanumeric() || matches!(c, '_' | '.' | '-' | '+')
}
