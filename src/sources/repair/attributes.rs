//! The attributes of a tag, as far as they can be told.

use super::MOST_ATTRIBUTES;

/// An attribute as it is written; the value still has its references.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Attribute<'a> {
    pub(super) name: &'a str,
    pub(super) value: &'a str,
}

/// Reads attributes into `into`: each name once, at most 256. Answers how many were mended.
pub(super) fn read<'a>(text: &'a str, into: &mut Vec<Attribute<'a>>) -> usize {
    into.clear();
    let mut mended = 0;
    let mut rest = text.trim_start();
    while !rest.is_empty() {
        let end = rest
            .find(|c: char| c.is_whitespace() || matches!(c, '=' | '"' | '\'' | '/'))
            .unwrap_or(rest.len());
        let name = &rest[..end];
        if name.is_empty() {
            // A stray sign.
            let mut chars = rest.chars();
            chars.next();
            rest = chars.as_str().trim_start();
            mended += 1;
            continue;
        }
        let after = rest[end..].trim_start();
        let (value, next) = match after.strip_prefix('=') {
            Some(after) => value(after.trim_start(), &mut mended),
            None => {
                mended += 1;
                ("", after)
            }
        };
        let is_new = into.iter().all(|a| a.name != name);
        if is_new && is_name(name) && into.len() < MOST_ATTRIBUTES {
            into.push(Attribute { name, value });
        } else {
            mended += 1;
        }
        rest = next.trim_start();
    }
    mended
}

fn value<'a>(after: &'a str, mended: &mut usize) -> (&'a str, &'a str) {
    let quote = after.chars().next().filter(|c| matches!(c, '"' | '\''));
    if let Some(quote) = quote {
        return after[1..].split_once(quote).unwrap_or_else(|| {
            *mended += 1;
            (&after[1..], "")
        });
    }
    *mended += 1;
    let end = after.find(char::is_whitespace).unwrap_or(after.len());
    after.split_at(end)
}

/// Whether XML allows the name, of the names that anyone uses.
fn is_name(name: &str) -> bool {
    let starts = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_');
    starts
        && name.len() <= 128
        && name
            .bytes()
            .all(|b| b.is_ascii_alphanumeric() || b"-_.:".contains(&b))
}
