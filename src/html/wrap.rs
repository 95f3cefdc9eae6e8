//! Lines of text with a prefix, broken at spaces.

use unicode_segmentation::UnicodeSegmentation;

/// Columns of a line, prefix included (RFC 5322 §2.1.1 recommends at most 78).
pub(super) const WIDTH: usize = 72;

/// What a text takes on a screen, near enough: its graphemes, so that the vowel signs and
/// joiners of Urdu count nothing.
pub(super) fn width(text: &str) -> usize {
    text.graphemes(true).count()
}

/// Breaks `text` at white space into lines of at most `columns`; a longer word, mostly an
/// address, keeps a line of its own and stays whole.
pub(super) fn wrap(text: &str, columns: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    for word in text.split_whitespace() {
        let word_width = width(word);
        if used > 0 && used + 1 + word_width > columns {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += word_width;
    }
    if used > 0 {
        lines.push(line);
    }
    lines
}
