//! HTML as one line of text, and the feeds a page offers.

use url::Url;

use super::allow::{escape, resolve};
use super::tokens::{Piece, is_block, walk};

/// Text or HTML as one line of plain text: tags gone, entities decoded, white space single,
/// controls and bidirectional overrides out. A lone `<` or `&` of plain text stays.
#[must_use]
pub fn plain(html: &str) -> String {
    let mut line = Line::default();
    walk(html, |piece| match piece {
        Piece::Text(text) => line.push(text),
        Piece::Open(element) if is_block(element.name()) => line.gap = true,
        Piece::Close(name) if is_block(name) => line.gap = true,
        _ => {}
    });
    line.text
}

/// Plain text as HTML: what would mean something in HTML is escaped.
#[must_use]
pub fn escape_text(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    escape(text, &mut out);
    out
}

/// One line that collects text with its white space collapsed.
#[derive(Default)]
pub(super) struct Line {
    pub(super) text: String,
    /// Whether a space is due before the next word.
    pub(super) gap: bool,
}

impl Line {
    pub(super) fn push(&mut self, text: &str) {
        for c in text.chars() {
            if c.is_whitespace() {
                self.gap = true;
            } else if !is_unwanted(c) {
                if self.gap && !self.text.is_empty() {
                    self.text.push(' ');
                }
                self.gap = false;
                self.text.push(c);
            }
        }
    }
}

/// Controls, byte order marks, soft hyphens and the characters that turn the reading
/// direction of what follows (CVE-2021-42574). The joiners of Urdu and Persian stay.
pub(super) fn is_unwanted(c: char) -> bool {
    c.is_control()
        || matches!(c, '\u{feff}' | '\u{ad}' | '\u{200b}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// The feeds that a web page names in its head (`rel=alternate`), absolute, comment feeds last.
#[must_use]
pub fn feed_links(html: &str, base: &Url) -> Vec<Url> {
    const TYPES: [&str; 3] = [
        "application/rss+xml",
        "application/atom+xml",
        "application/feed+json",
    ];
    let mut found: Vec<Url> = Vec::new();
    walk(html, |piece| {
        if let Piece::Open(element) = piece
            && element.name() == "link"
            && element
                .attribute("type")
                .is_some_and(|t| TYPES.contains(&t.trim().to_ascii_lowercase().as_str()))
            && let Some(url) = element
                .attribute("href")
                .and_then(|h| resolve(h, Some(base)))
            && !found.contains(&url)
        {
            found.push(url);
        }
    });
    found.sort_by_key(|url| url.path().contains("comments"));
    found
}
