//! Finding what a reader takes for a link: `http://` or `https://` and everything up to the
//! punctuation after it, on any host.
//!
//! The networks' own counters are stricter; this decides what is kept whole when a text is cut
//! and what is made clickable.

use std::ops::Range;

/// The links with a scheme in a text, as byte ranges without the punctuation after them.
#[must_use]
pub fn find_links(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    let mut at = 0;
    while let Some(scheme) = next_scheme(text, at) {
        let start = scheme.start;
        let run = text[scheme.end..]
            .find(|c: char| c.is_whitespace() || ends_any_link(c))
            .map_or(text.len(), |n| scheme.end + n);
        let end = start + without_trailing_punctuation(&text[start..run]).len();
        if end > scheme.end {
            found.push(start..end);
        }
        at = run.max(scheme.end);
    }
    found
}

/// The next `http://` or `https://` in any case, as a byte range.
fn next_scheme(text: &str, from: usize) -> Option<Range<usize>> {
    let mut at = from;
    while let Some(n) = text[at..].find("://") {
        let colon = at + n;
        let end = colon + 3;
        let before = &text.as_bytes()[from..colon];
        for name in [&b"https"[..], b"http"] {
            if before.len() >= name.len()
                && before[before.len() - name.len()..].eq_ignore_ascii_case(name)
            {
                return Some(colon - name.len()..end);
            }
        }
        at = end;
    }
    None
}

fn ends_any_link(c: char) -> bool {
    c.is_control()
        || matches!(
            c,
            '<' | '>' | '"' | '。' | '、' | '」' | '』' | '（' | '）' | '“' | '”' | '«' | '»'
                | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
        )
}

/// `https://foo.com,` and `(https://foo.com)` end before the last character; brackets that
/// were opened inside (`/thing_(cool)`) stay.
fn without_trailing_punctuation(mut link: &str) -> &str {
    while let Some(last) = link.chars().next_back() {
        let opened = link.matches('(').count() >= link.matches(')').count();
        let stray = matches!(
            last,
            '.' | ',' | ';' | ':' | '!' | '?' | '\'' | '*' | '…' | '’'
        ) || matches!(last, '۔' | '،' | '؟' | '؛' | '।' | ']' | '}')
            || last == ')' && !opened;
        if !stray {
            break;
        }
        link = &link[..link.len() - last.len_utf8()];
    }
    link
}
