//! Text written anew: every reference one that XML knows, every character one it allows.

use html5ever::data::NAMED_ENTITIES;

use super::tally::{Tally, count};
use super::tokens::Entities;

/// Bytes that a document's own entities may add to it.
const MOST_EXPANDED: usize = 1024 * 1024;

/// How a text is read when the new document is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Level {
    /// As the text of an element.
    Text,
    /// As the value of an attribute between `"`.
    Attribute,
    /// As text in HTML that is itself the text of an element.
    Markup,
    /// As an attribute's value in such HTML.
    MarkupAttribute,
}

impl Level {
    /// How `&` is written.
    fn amp(self) -> &'static str {
        match self {
            Self::Text | Self::Attribute => "&amp;",
            Self::Markup | Self::MarkupAttribute => "&amp;amp;",
        }
    }

    fn less(self) -> &'static str {
        match self {
            Self::Text | Self::Attribute => "&lt;",
            Self::Markup | Self::MarkupAttribute => "&amp;lt;",
        }
    }

    fn quote(self) -> &'static str {
        match self {
            Self::Text | Self::Markup => "\"",
            Self::Attribute => "&quot;",
            Self::MarkupAttribute => "&amp;quot;",
        }
    }

    fn is_markup(self) -> bool {
        matches!(self, Self::Markup | Self::MarkupAttribute)
    }
}

/// Bytes that `plain` has to look at.
fn is_special(byte: u8) -> bool {
    (byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r'))
        || matches!(byte, b'<' | b'>' | b'"' | 0xef)
}

/// Whether there is any; without branches, so that it is done many bytes at a time.
fn has_special(text: &str) -> bool {
    let chunks = text.as_bytes().chunks(256);
    chunks
        .into_iter()
        .any(|chunk| chunk.iter().fold(false, |any, b| any | is_special(*b)))
}

/// Whether `]]` stands at the end of what is written and `next`; what was left out between the
/// two brackets does not keep them apart.
fn is_after_brackets(out: &str, next: &str) -> bool {
    match next {
        "" => out.ends_with("]]"),
        "]" => out.ends_with(']'),
        next => next.ends_with("]]"),
    }
}

/// Writes text without references.
fn plain(out: &mut String, text: &str, level: Level, tally: &mut Tally) {
    if !has_special(text) {
        out.push_str(text);
        return;
    }
    let bytes = text.as_bytes();
    let mut kept = 0;
    for (at, byte) in bytes.iter().enumerate().filter(|(_, b)| is_special(**b)) {
        let (instead, length) = match byte {
            b'<' => (level.less(), 1),
            b'"' if level.quote() != "\"" => (level.quote(), 1),
            b'"' => continue,
            b'>' if is_after_brackets(out, &text[kept..at]) => ("&gt;", 1),
            b'>' => continue,
            0xef if !matches!(bytes[at + 1..at + 3], [0xbf, 0xbe | 0xbf]) => continue,
            0xef => ("", 3),
            _ => ("", 1),
        };
        tally.characters += usize::from(instead.is_empty());
        out.push_str(&text[kept..at]);
        out.push_str(instead);
        kept = at + length;
    }
    out.push_str(&text[kept..]);
}

/// Writes characters that are meant as they are.
pub(super) fn literal(out: &mut String, text: &str, level: Level, tally: &mut Tally) {
    let mut rest = text;
    while let Some(at) = rest.find('&') {
        plain(out, &rest[..at], level, tally);
        out.push_str(level.amp());
        rest = &rest[at + 1..];
    }
    plain(out, rest, level, tally);
}

/// Writes the inside of a CDATA section, as one.
pub(super) fn cdata(out: &mut String, text: &str, tally: &mut Tally) {
    let is_control = |b: u8| b < 0x20 && !matches!(b, b'\t' | b'\n' | b'\r');
    let chunks = text.as_bytes().chunks(256);
    let is_odd = chunks.into_iter().any(|chunk| {
        chunk
            .iter()
            .fold(false, |any, b| any | is_control(*b) | (*b == 0xef))
    });
    let start = out.len();
    out.push_str("<![CDATA[");
    let before = out.len();
    if is_odd {
        let is_legal = |c: &char| {
            (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}')) || matches!(c, '\t' | '\n' | '\r')
        };
        out.extend(text.chars().filter(is_legal));
        tally.characters += text.len() - (out.len() - before);
    } else {
        out.push_str(text);
    }
    if out.len() == before {
        out.truncate(start);
    } else {
        out.push_str("]]>");
    }
}

/// What stands at a `&`.
enum Reference<'a> {
    /// A reference that XML knows, so long.
    Known(usize),
    /// Characters, after so much.
    Characters(std::borrow::Cow<'a, str>, usize),
    /// Nothing that can be shown, after so much.
    Nothing(usize),
    /// Only a `&`.
    Bare,
}

/// Writes text with references.
pub(super) fn text(
    out: &mut String,
    raw: &str,
    level: Level,
    entities: &Entities,
    tally: &mut Tally,
) {
    let bytes = raw.as_bytes();
    let quick = level == Level::Text && !has_special(raw);
    let (mut kept, mut at) = (0, 0);
    while let Some(next) = bytes[at..].iter().position(|b| *b == b'&').map(|n| at + n) {
        let reference = reference(&raw[next..], entities, tally);
        if let (Reference::Known(length), Level::Text) = (&reference, level) {
            at = next + length;
            if !quick {
                plain(out, &raw[kept..next], level, tally);
                out.push_str(&raw[next..at]);
                kept = at;
            }
            continue;
        }
        if quick {
            out.push_str(&raw[kept..next]);
        } else {
            plain(out, &raw[kept..next], level, tally);
        }
        at = next + written(out, &raw[next..], reference, level, tally);
        kept = at;
    }
    if quick {
        out.push_str(&raw[kept..]);
    } else {
        plain(out, &raw[kept..], level, tally);
    }
}

/// Writes what a reference is, and answers how long it was.
fn written(
    out: &mut String,
    raw: &str,
    reference: Reference<'_>,
    level: Level,
    tally: &mut Tally,
) -> usize {
    match reference {
        Reference::Known(length) if level.is_markup() => {
            out.push_str("&amp;");
            out.push_str(&raw[1..length]);
            length
        }
        Reference::Known(length) => {
            out.push_str(&raw[..length]);
            length
        }
        Reference::Characters(text, length) => {
            literal(out, &text, level, tally);
            length
        }
        Reference::Nothing(length) => {
            tally.references += 1;
            length
        }
        Reference::Bare => {
            tally.ampersands += 1;
            out.push_str(level.amp());
            1
        }
    }
}

fn reference<'a>(raw: &str, entities: &'a Entities, tally: &mut Tally) -> Reference<'a> {
    let bytes = raw.as_bytes();
    let window = &bytes[1..bytes.len().min(40)];
    let is_part = |b: &&u8| b.is_ascii_alphanumeric() || matches!(b, b'#' | b'_' | b'-' | b'.');
    let length = window.iter().take_while(is_part).count();
    let name = &raw[1..1 + length];
    if let Some(number) = name.strip_prefix('#') {
        let is_ended = window.get(length) == Some(&b';');
        return numeric(
            number,
            raw,
            1 + length + usize::from(is_ended),
            is_ended,
            tally,
        );
    }
    if length == 0 || window.get(length) != Some(&b';') {
        return Reference::Bare;
    }
    if matches!(name, "amp" | "lt" | "gt" | "quot" | "apos") {
        return Reference::Known(length + 2);
    }
    if let Some((_, value)) = entities.iter().find(|(n, _)| n == name) {
        // Many uses of a long entity are an attack on memory.
        if tally.expanded + value.len() > MOST_EXPANDED {
            return Reference::Bare;
        }
        tally.expanded += value.len();
        return Reference::Characters(value.as_str().into(), length + 2);
    }
    // The table has each name with its semicolon.
    match NAMED_ENTITIES.get(&raw[1..length + 2]) {
        Some(&(first, second)) if first != 0 => {
            count(&mut tally.entities, name);
            let chars = [first, second]
                .into_iter()
                .filter(|c| *c != 0)
                .filter_map(char::from_u32);
            Reference::Characters(chars.collect::<String>().into(), length + 2)
        }
        _ => Reference::Bare,
    }
}

/// `&#8217;`, `&#x2019;`, what Windows means by `&#146;`, and characters written as two halves.
fn numeric<'a>(
    number: &str,
    raw: &str,
    length: usize,
    is_ended: bool,
    tally: &mut Tally,
) -> Reference<'a> {
    let Some(code) = code(number) else {
        return Reference::Bare;
    };
    let char_of = |c: u32| char::from_u32(c).filter(|c| is_legal(*c));
    match code {
        0x80..=0x9f => {
            tally.references += 1;
            let byte = [u8::try_from(code).unwrap_or(b'?')];
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(&byte);
            match text.chars().next().filter(|c| !c.is_control()) {
                Some(c) => Reference::Characters(String::from(c).into(), length),
                None => Reference::Nothing(length),
            }
        }
        0xd800..=0xdbff => {
            let low = raw[length..]
                .strip_prefix("&#")
                .and_then(|r| r.get(..r.find(';').filter(|n| *n < 10)?));
            let half = low
                .and_then(self::code)
                .filter(|c| (0xdc00..=0xdfff).contains(c));
            let whole =
                half.and_then(|h| char_of(0x10000 + ((code - 0xd800) << 10) + (h - 0xdc00)));
            match (whole, low) {
                (Some(c), Some(low)) => {
                    tally.references += 1;
                    Reference::Characters(String::from(c).into(), length + low.len() + 3)
                }
                _ => Reference::Nothing(length),
            }
        }
        code => match char_of(code) {
            Some(_) if is_ended => Reference::Known(length),
            Some(c) => {
                tally.references += 1;
                Reference::Characters(String::from(c).into(), length)
            }
            None => Reference::Nothing(length),
        },
    }
}

fn code(number: &str) -> Option<u32> {
    let is_short = (1..=10).contains(&number.len());
    match number.strip_prefix(['x', 'X']) {
        Some(hex) => u32::from_str_radix(hex, 16).ok(),
        None if is_short && number.bytes().all(|b| b.is_ascii_digit()) => number.parse().ok(),
        None => None,
    }
}

fn is_legal(c: char) -> bool {
    (c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}')) || matches!(c, '\t' | '\n' | '\r')
}

/// An element's written text as characters.
pub(super) fn unwritten(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<![CDATA[") {
        out.push_str(&unescape(before));
        let (inside, after) = after.split_once("]]>").unwrap_or((after, ""));
        out.push_str(inside);
        rest = after;
    }
    out.push_str(&unescape(rest));
    out
}

fn unescape(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::unescape(text).unwrap_or(text.into())
}
