//! How long a text is, for each network that counts.

use unicode_segmentation::UnicodeSegmentation;

use super::emoji::has_emoji;
use super::urls::{Rule, find};

/// Extended grapheme clusters (UAX #29), what people call characters.
#[must_use]
pub fn graphemes(text: &str) -> usize {
    text.graphemes(true).count()
}

/// Unicode code points, as Discord and GoToSocial count.
#[must_use]
pub fn code_points(text: &str) -> usize {
    text.chars().count()
}

/// UTF-16 code units, as Telegram counts its entity offsets and LinkedIn its text.
#[must_use]
pub fn utf16_units(text: &str) -> usize {
    text.encode_utf16().count()
}

/// UTF-8 bytes.
#[must_use]
pub fn utf8_bytes(text: &str) -> usize {
    text.len()
}

/// Mastodon's length: graphemes, where a link with scheme is 23 and `@user@host` is `@user`.
///
/// A link whose top-level domain Mastodon does not know counts by its letters.
#[must_use]
pub fn mastodon_length(text: &str) -> usize {
    const LINK: &str = "xxxxxxxxxxxxxxxxxxxxxxx";
    let mut counted = String::with_capacity(text.len());
    let mut at = 0;
    for link in find(text, Rule::Mastodon) {
        push_with_short_mentions(&mut counted, &text[at..link.start]);
        counted.push_str(LINK);
        at = link.end;
    }
    push_with_short_mentions(&mut counted, &text[at..]);
    graphemes(&counted)
}

/// Bluesky's length on its scale of 300: graphemes, or bytes where 3000 bytes bite first.
#[must_use]
pub fn bluesky_length(text: &str) -> usize {
    graphemes(text).max(text.len().div_ceil(10))
}

/// Threads' length: code points, but a grapheme with an emoji counts its UTF-8 bytes.
#[must_use]
pub fn threads_length(text: &str) -> usize {
    text.graphemes(true)
        .map(|grapheme| {
            if has_emoji(grapheme) {
                grapheme.len()
            } else {
                grapheme.chars().count()
            }
        })
        .sum()
}

/// Copies a text without links, leaving out the host of every `@user@host`.
fn push_with_short_mentions(out: &mut String, text: &str) {
    let mut rest = text;
    while let Some(at) = rest.find('@') {
        let before = rest[..at].chars().next_back();
        let user = &rest[at + 1..];
        let name = run_of(user, |c| c.is_ascii_alphanumeric() || "_.-".contains(c));
        let name = name.trim_end_matches(['.', '-']);
        let host = user[name.len()..].strip_prefix('@').map(|host| {
            run_of(host, |c| c.is_alphanumeric() || "_.-".contains(c)).trim_end_matches(['.', '-'])
        });
        let starts = before.is_none_or(|c| !c.is_alphanumeric() && !matches!(c, '_' | '/' | '='));
        out.push_str(&rest[..at + 1 + name.len()]);
        rest = &user[name.len()..];
        if let Some(host) = host.filter(|host| starts && !name.is_empty() && host.contains('.')) {
            rest = &rest[1 + host.len()..];
        }
    }
    out.push_str(rest);
}

fn run_of(text: &str, in_run: impl Fn(char) -> bool) -> &str {
    let end = text.find(|c| !in_run(c)).unwrap_or(text.len());
    &text[..end]
}
