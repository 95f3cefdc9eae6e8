//! Making text from outside fit to be counted and shown: normalised, without controls, with
//! balanced direction marks.

use unicode_normalization::UnicodeNormalization;

/// Text as every counter and cutter here wants it, on several lines at most.
///
/// NFC (X counts that form); line ends become `\n` and tabs spaces; other controls,
/// non-characters and the embedding and override marks U+202A–202E go (they can make one thing
/// look like another, CVE-2021-42574); isolates U+2066–2069 stay where they are paired.
#[must_use]
pub fn clean(text: &str) -> String {
    let mut kept = String::with_capacity(text.len());
    let mut after_return = false;
    for c in text.chars() {
        match c {
            '\n' if after_return => {}
            '\r' | '\n' | '\u{b}' | '\u{c}' | '\u{85}' | '\u{2028}' | '\u{2029}' => kept.push('\n'),
            '\t' => kept.push(' '),
            c if is_unwanted(c) => {}
            c => kept.push(c),
        }
        after_return = c == '\r';
    }
    without_lone_isolates(&kept).nfc().collect()
}

/// [`clean`] text on one line: white space of every kind and length becomes one space.
#[must_use]
pub fn one_line(text: &str) -> String {
    let text = clean(text);
    let mut words = text.split_whitespace();
    let mut line = words.next().unwrap_or_default().to_owned();
    for word in words {
        line.push(' ');
        line.push_str(word);
    }
    line
}

/// Whether a paragraph of this text is laid out from right to left (UAX #9, rule P2: by its
/// first letter with a direction).
#[must_use]
pub fn starts_right_to_left(text: &str) -> bool {
    text.chars()
        .find(|c| c.is_alphabetic())
        .is_some_and(is_right_to_left)
}

pub(super) fn is_right_to_left(c: char) -> bool {
    matches!(c,
        '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefe}'
        | '\u{10800}'..='\u{10fff}' | '\u{1e800}'..='\u{1efff}')
}

fn is_unwanted(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{202a}'..='\u{202e}' | '\u{feff}' | '\u{fff9}'..='\u{fffb}')
        || matches!(c, '\u{fdd0}'..='\u{fdef}')
        || u32::from(c) & 0xfffe == 0xfffe
}

/// How many isolates a text opens and does not close.
pub(super) fn open_isolates(text: &str) -> usize {
    text.chars().fold(0, |open, c| match c {
        '\u{2066}'..='\u{2068}' => open + 1,
        '\u{2069}' => open.saturating_sub(1),
        _ => open,
    })
}

fn without_lone_isolates(text: &str) -> String {
    let mut open = Vec::new();
    let mut lone = Vec::new();
    for (at, c) in text.char_indices() {
        match c {
            '\u{2066}'..='\u{2068}' => open.push(at),
            '\u{2069}' if open.pop().is_none() => lone.push(at),
            _ => {}
        }
    }
    lone.append(&mut open);
    if lone.is_empty() {
        return text.to_owned();
    }
    lone.sort_unstable();
    text.char_indices()
        .filter(|(at, _)| lone.binary_search(at).is_err())
        .map(|(_, c)| c)
        .collect()
}
