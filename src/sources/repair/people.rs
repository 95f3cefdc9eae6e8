//! Room around the e-mail addresses in people's names.
//!
//! feed-rs cuts an address out of an author's text one byte beside it, and panics when the
//! character there is longer: `editor@example.org، ایڈیٹر`.

use std::borrow::Cow;

/// The text with a space between an address and a letter beside it that is not ASCII.
pub(super) fn pad(text: &str) -> Cow<'_, str> {
    if text.is_ascii() || !text.contains('@') {
        return Cow::Borrowed(text);
    }
    let is_run = |c: char| c.is_ascii() && !c.is_ascii_whitespace();
    let mut out = String::with_capacity(text.len() + 2);
    let mut rest = text;
    while let Some(start) = rest.find(is_run) {
        let end = rest[start..]
            .find(|c| !is_run(c))
            .map_or(rest.len(), |n| start + n);
        let is_address = rest[start..end].contains('@');
        out.push_str(&rest[..start]);
        if is_address && out.chars().next_back().is_some_and(|c| !c.is_ascii()) {
            out.push(' ');
        }
        out.push_str(&rest[start..end]);
        rest = &rest[end..];
        if is_address && rest.chars().next().is_some_and(|c| !c.is_ascii()) {
            out.push(' ');
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}
