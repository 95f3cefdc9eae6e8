//! The one door for text and addresses into a feed.

use std::fmt::Write as _;

use url::{Position, Url};

use crate::domain::UnixMillis;

/// Whether `c` may stand in a feed: XML 1.0 §2.2 without what validators and readers choke on
/// (C1 controls, U+FFFD, the noncharacters of every plane).
fn is_legal(c: char) -> bool {
    match c {
        '\t' | '\n' | ' '..='~' | '\u{a0}'..='\u{d7ff}' | '\u{e000}'..='\u{fdcf}' => true,
        '\u{fdf0}'..='\u{fffc}' => true,
        '\u{10000}'.. => (c as u32) & 0xfffe != 0xfffe,
        _ => false,
    }
}

/// `text` without the characters no feed may hold; every kind of line end becomes `\n`, which
/// is what an XML parser would make of it (XML 1.0 §2.11).
#[must_use]
pub fn legal(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        if c == '\r' {
            if chars.peek() != Some(&'\n') {
                out.push('\n');
            }
        } else if is_legal(c) {
            out.push(c);
        }
    }
    out
}

/// Legal text on one line, without white space around it.
#[must_use]
pub fn line(text: &str) -> String {
    let legal = legal(text);
    let mut out = String::with_capacity(legal.len());
    for word in legal.split_ascii_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    out
}

/// Plain text as HTML.
#[must_use]
pub fn to_html(text: &str) -> String {
    text.replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
}

/// An `http` or `https` address as a URI (RFC 3986): ASCII host, everything else
/// percent-encoded. `None` for anything a reader should not be led to.
///
/// WHATWG serialisation alone leaves `[ ] | ^` and lone `%` in place, which feed validators
/// refuse.
#[must_use]
pub fn uri(address: &str) -> Option<String> {
    let url = Url::parse(address.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") || url.host_str()?.is_empty() {
        return None;
    }
    let mut out = url[..Position::BeforePath].to_owned();
    percent_encode(&mut out, &url[Position::BeforePath..Position::AfterPath]);
    for (mark, part) in [('?', url.query()), ('#', url.fragment())] {
        if let Some(part) = part {
            out.push(mark);
            percent_encode(&mut out, part);
        }
    }
    Some(out)
}

/// Appends `part`, escaping what is neither unreserved, sub-delims, `: @ / ?` nor an escape.
fn percent_encode(out: &mut String, part: &str) {
    let bytes = part.as_bytes();
    for (i, &b) in bytes.iter().enumerate() {
        let is_plain = b.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?".contains(&b);
        let is_escape = b == b'%'
            && bytes.get(i + 1).is_some_and(u8::is_ascii_hexdigit)
            && bytes.get(i + 2).is_some_and(u8::is_ascii_hexdigit);
        if is_plain || is_escape {
            out.push(char::from(b));
        } else {
            let _ = write!(out, "%{b:02X}"); // a String takes everything
        }
    }
}

/// A media type for a picture, by the ending of its address; JPEG where it does not tell.
#[must_use]
pub fn image_type(url: &str) -> &'static str {
    let path = url.split(['?', '#']).next().unwrap_or_default();
    let ending = path.rsplit('.').next().unwrap_or_default();
    match ending.to_ascii_lowercase().as_str() {
        "png" => "image/png",
        "gif" => "image/gif",
        "webp" => "image/webp",
        "avif" => "image/avif",
        "svg" => "image/svg+xml",
        _ => "image/jpeg",
    }
}

/// RFC 2822's date, in GMT: other zones trip validators. `None` before 1990, which no feed
/// means.
#[must_use]
pub fn mail_date(at: UnixMillis) -> Option<String> {
    is_plausible(at).then(|| {
        at.timestamp()
            .strftime("%a, %d %b %Y %H:%M:%S GMT")
            .to_string()
    })
}

/// Whether a date can be meant: 1990 and later.
pub(super) fn is_plausible(at: UnixMillis) -> bool {
    const YEAR_1990: i64 = 631_152_000_000;
    at.0 >= YEAR_1990
}

/// An item's HTML in a wrapper that carries its language and direction, where they are not what
/// a reader would take for granted in this feed.
#[must_use]
pub fn wrapped(html: &str, language: &str, feed_language: &str) -> String {
    let dir = crate::domain::direction_of(language);
    let is_usual = language == feed_language && dir == crate::domain::Direction::Ltr;
    let legal = legal(html);
    if is_usual || legal.is_empty() || language.is_empty() {
        return legal;
    }
    let lang = to_html(&line(language)).replace('"', "&quot;");
    format!(
        "<div lang=\"{lang}\" dir=\"{}\">{legal}</div>",
        dir.as_str()
    )
}
