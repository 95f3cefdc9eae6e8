//! Recognising one emoji, of however many code points, at the start of a text.
//!
//! Follows the grammar of UTS #51 §1.4.9 (not the list of recommended sequences): a flag, a
//! keycap, or elements joined by ZWJ.

use unicode_properties::{EmojiStatus, UnicodeEmoji};

const ZWJ: char = '\u{200d}';
const VS16: char = '\u{fe0f}';
const KEYCAP: char = '\u{20e3}';

/// The length in bytes of the emoji that `text` begins with, if it begins with one.
///
/// A character that is text by default (`©`, `⚠`) is an emoji only with U+FE0F or a skin tone.
pub(super) fn emoji_prefix(text: &str) -> Option<usize> {
    let first = text.chars().next()?;
    if is_regional_indicator(first) {
        let second = text[first.len_utf8()..].chars().next()?;
        return is_regional_indicator(second).then_some(first.len_utf8() + second.len_utf8());
    }
    if first.is_ascii_digit() || matches!(first, '#' | '*') {
        let rest = &text[1..];
        let after = rest.strip_prefix(VS16).unwrap_or(rest);
        return after.strip_prefix(KEYCAP).map(|end| text.len() - end.len());
    }
    let mut length = element(text)?;
    while let Some(joined) = text[length..].strip_prefix(ZWJ) {
        let Some(next) = element(joined) else { break };
        length += ZWJ.len_utf8() + next;
    }
    Some(length)
}

/// One element of a ZWJ sequence: a base with its selector, skin tone or tags.
fn element(text: &str) -> Option<usize> {
    let base = text.chars().next()?;
    let mut rest = &text[base.len_utf8()..];
    match presentation(base) {
        Presentation::None => return None,
        Presentation::Text => match rest.chars().next() {
            Some(VS16) => rest = &rest[VS16.len_utf8()..],
            Some(tone) if is_skin_tone(tone) => {}
            _ => return None,
        },
        // U+FE0F adds nothing here, and X charges for it.
        Presentation::Emoji => {}
    }
    if let Some(tone) = rest.chars().next().filter(|c| is_skin_tone(*c)) {
        rest = &rest[tone.len_utf8()..];
    }
    let tags = rest.trim_start_matches(|c| matches!(c, '\u{e0020}'..='\u{e007e}'));
    if tags.len() < rest.len()
        && let Some(end) = tags.strip_prefix('\u{e007f}')
    {
        rest = end;
    }
    Some(text.len() - rest.len())
}

/// Whether a user sees an emoji in this grapheme, or might: also `©` and `⚠`, which networks
/// may draw as one.
pub(super) fn has_emoji(grapheme: &str) -> bool {
    grapheme
        .chars()
        .any(|c| c == KEYCAP || !c.is_ascii() && c.is_emoji_char())
}

enum Presentation {
    None,
    Text,
    Emoji,
}

fn presentation(c: char) -> Presentation {
    use EmojiStatus as S;
    match c.emoji_status() {
        S::EmojiOther | S::EmojiModifierBase => Presentation::Text,
        S::EmojiPresentation
        | S::EmojiPresentationAndModifierBase
        | S::EmojiPresentationAndEmojiComponent
        | S::EmojiPresentationAndModifierAndEmojiComponent => Presentation::Emoji,
        _ => Presentation::None,
    }
}

fn is_regional_indicator(c: char) -> bool {
    matches!(c, '\u{1f1e6}'..='\u{1f1ff}')
}

fn is_skin_tone(c: char) -> bool {
    matches!(c, '\u{1f3fb}'..='\u{1f3ff}')
}
