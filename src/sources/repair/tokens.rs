//! A document cut into tags and text, whatever it looks like.
//!
//! What is no tag is text; comments, instructions and the document type are passed over, but
//! for the simple entities the last declares. Each search for an end that was not found is
//! remembered, so that a document full of beginnings is still read once.

use super::tally::Tally;
use super::{LONGEST_ENTITY, MOST_ENTITIES, MOST_JUNK};

/// A piece of a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Token<'a> {
    /// `<name attributes>`; `closed` for `<name/>`.
    Start {
        name: &'a str,
        attributes: &'a str,
        closed: bool,
    },
    /// `</name>`.
    End(&'a str),
    /// Text with its references; a `<` in it stands alone.
    Text(&'a str),
    /// The inside of a CDATA section.
    Cdata(&'a str),
}

/// Entities a document type declares, by name; their text is literal.
pub(super) type Entities = Vec<(String, String)>;

/// Where the next of something is, as of some place; nothing looks for it twice.
#[derive(Debug, Clone, Copy, Default)]
struct Next {
    from: usize,
    at: Option<usize>,
    is_known: bool,
}

impl Next {
    fn after(&mut self, from: usize, find: impl FnOnce() -> Option<usize>) -> Option<usize> {
        let holds = self.is_known && self.from <= from && self.at.is_none_or(|at| from <= at);
        if !holds {
            *self = Self {
                from,
                at: find(),
                is_known: true,
            };
        }
        self.at
    }
}

/// The pieces of a document, one after the other.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    entities: Entities,
    /// Whether the document type was seen; a second one is not looked into.
    has_type: bool,
    single: Next,
    double: Next,
    comment: Next,
    instruction: Next,
    section: Next,
}

/// Tags that are believed although another begins before they end.
const CERTAIN: [&str; 11] = [
    "item",
    "entry",
    "title",
    "link",
    "description",
    "channel",
    "guid",
    "pubDate",
    "summary",
    "content:encoded",
    "rss",
];

fn starts_name(byte: u8) -> bool {
    byte.is_ascii_alphabetic() || byte == b'_' || byte >= 0x80
}

fn is_name(byte: u8) -> bool {
    starts_name(byte) || byte.is_ascii_digit() || matches!(byte, b'-' | b'.' | b':')
}

fn name_at(text: &str) -> &str {
    let bytes = text.as_bytes();
    let end = bytes
        .iter()
        .position(|b| !is_name(*b))
        .unwrap_or(bytes.len());
    &text[..end]
}

impl<'a> Tokens<'a> {
    /// The pieces of `text` from its feed on; what stands before it is counted as junk.
    pub(super) fn new(text: &'a str, tally: &mut Tally) -> Self {
        let start = beginning(text);
        if !text[..start]
            .trim()
            .trim_start_matches('\u{feff}')
            .is_empty()
        {
            tally.junk = text[..start].trim().len();
        }
        Self {
            text,
            at: start,
            entities: Entities::new(),
            has_type: false,
            single: Next::default(),
            double: Next::default(),
            comment: Next::default(),
            instruction: Next::default(),
            section: Next::default(),
        }
    }

    /// The entities that the document type declared.
    pub(super) fn take_entities(&mut self) -> Entities {
        std::mem::take(&mut self.entities)
    }

    fn find(&mut self, what: fn(&mut Self) -> &mut Next, end: &str, from: usize) -> Option<usize> {
        let text = self.text;
        what(self).after(from, || text[from..].find(end).map(|n| from + n))
    }

    /// The next piece. `open` is the element we are in: an endless CDATA section ends with it.
    pub(super) fn next(&mut self, open: &str, tally: &mut Tally) -> Option<Token<'a>> {
        loop {
            let rest = &self.text[self.at..];
            let bytes = rest.as_bytes();
            if bytes.first()? != &b'<' {
                let end = rest.find('<').unwrap_or(rest.len());
                self.at += end;
                return Some(Token::Text(&rest[..end]));
            }
            match bytes.get(1) {
                Some(b'/') => {
                    if let Some(name) = self.end_tag(rest) {
                        return Some(Token::End(name));
                    }
                }
                Some(b'!') if rest.starts_with("<![CDATA[") => {
                    return Some(self.cdata(open, tally));
                }
                Some(b'!') => self.declaration(rest),
                Some(b'?') => {
                    let end = self
                        .find(|t| &mut t.instruction, "?>", self.at + 2)
                        .map(|at| at + 2);
                    self.at = end.or_else(|| self.tag_end()).unwrap_or(self.text.len());
                }
                Some(b) if starts_name(*b) => {
                    if let Some(start) = self.start_tag(rest) {
                        return Some(start);
                    }
                    return Some(self.less(rest, tally));
                }
                _ => return Some(self.less(rest, tally)),
            }
        }
    }

    /// A `<` that is only that.
    fn less(&mut self, rest: &'a str, tally: &mut Tally) -> Token<'a> {
        tally.less += 1;
        self.at += 1;
        Token::Text(&rest[..1])
    }

    fn tag_end(&self) -> Option<usize> {
        self.text[self.at..].find('>').map(|n| self.at + n + 1)
    }

    /// `</name>`; its end is the next `>`, or the `<` that comes before it.
    fn end_tag(&mut self, rest: &'a str) -> Option<&'a str> {
        let name = name_at(&rest[2..]);
        let after = 2 + name.len();
        let end = rest[after..]
            .find(['>', '<'])
            .map_or(rest.len(), |n| after + n);
        let is_ended = rest.as_bytes().get(end) == Some(&b'>');
        self.at += end + usize::from(is_ended);
        (!name.is_empty()).then_some(name)
    }

    fn cdata(&mut self, open: &str, tally: &mut Tally) -> Token<'a> {
        let from = self.at + "<![CDATA[".len();
        if let Some(end) = self.find(|t| &mut t.section, "]]>", from) {
            self.at = end + 3;
            return Token::Cdata(&self.text[from..end]);
        }
        tally.cdata = true;
        let rest = &self.text[from..];
        let mut at = 0;
        let end = loop {
            let Some(tag) = rest[at..].find("</").map(|n| at + n) else {
                break rest.len();
            };
            if name_at(&rest[tag + 2..]) == open {
                break tag;
            }
            at = tag + 2;
        };
        self.at = from + end;
        Token::Cdata(&rest[..end])
    }

    /// A comment, the document type or something else with `<!`.
    fn declaration(&mut self, rest: &'a str) {
        if rest.starts_with("<!--") {
            let end = self
                .find(|t| &mut t.comment, "-->", self.at + 2)
                .map(|at| at + 3);
            self.at = end.or_else(|| self.tag_end()).unwrap_or(self.text.len());
            return;
        }
        let is_type = rest
            .get(..9)
            .is_some_and(|s| s.eq_ignore_ascii_case("<!DOCTYPE"));
        let is_first = is_type && !self.has_type;
        self.has_type |= is_type;
        let subset = rest.find(['[', '>']).filter(|_| is_first);
        let Some(open) = subset.filter(|n| rest.as_bytes()[*n] == b'[') else {
            self.at = self.tag_end().unwrap_or(self.text.len());
            return;
        };
        let inside = &rest[open + 1..];
        let end = inside.find("]>").or_else(|| inside.find(']')).unwrap_or(0);
        self.entities = declared(&inside[..end]);
        self.at += open + 1 + end;
        self.at = self.tag_end().unwrap_or(self.text.len());
    }

    fn start_tag(&mut self, rest: &'a str) -> Option<Token<'a>> {
        let name = name_at(&rest[1..]);
        let from = self.at + 1 + name.len();
        let bytes = self.text.as_bytes();
        let mut at = from;
        let mut after_equals = false;
        let end = loop {
            let byte = bytes.get(at).copied();
            match byte {
                Some(b'>') => break at,
                Some(b'<') | None if CERTAIN.contains(&name) => break at,
                Some(b'<') | None => return None,
                Some(quote @ (b'"' | b'\'')) if after_equals => {
                    at = self.closing(quote, at + 1).map_or(at + 1, |end| end + 1);
                    after_equals = false;
                }
                Some(byte) => {
                    after_equals = byte == b'=' || (after_equals && byte.is_ascii_whitespace());
                    at += 1;
                }
            }
        };
        let inside = &self.text[from..end];
        let is_ended = bytes.get(end) == Some(&b'>');
        self.at = end + usize::from(is_ended);
        let closed = inside.ends_with('/');
        let attributes = inside.strip_suffix('/').unwrap_or(inside);
        Some(Token::Start {
            name,
            attributes,
            closed,
        })
    }

    /// Where a value that starts at `from` ends, if what follows shows that it does.
    fn closing(&mut self, quote: u8, from: usize) -> Option<usize> {
        let text = self.text;
        let find = || text[from..].find(char::from(quote)).map(|n| from + n);
        let next = if quote == b'"' {
            &mut self.double
        } else {
            &mut self.single
        };
        let end = next.after(from, find)?;
        let is_end = match text.as_bytes().get(end + 1) {
            None => true,
            Some(b) if b.is_ascii_whitespace() => true,
            Some(b'>' | b'/' | b'?') => true,
            Some(b) => starts_name(*b) && !text[from..end].contains(['<', '>']),
        };
        is_end.then_some(end)
    }
}

/// Where the document begins: at the first thing a feed may begin with, if that comes soon.
fn beginning(text: &str) -> usize {
    const STARTS: [&str; 10] = [
        "<?xml",
        "<!doctype",
        "<!--",
        "<rss",
        "<feed",
        "<rdf",
        "<urlset",
        "<sitemapindex",
        "<entry",
        "<atom:",
    ];
    for (at, _) in text
        .match_indices('<')
        .take_while(|(at, _)| *at < MOST_JUNK)
    {
        let rest = &text.as_bytes()[at..];
        let starts = |s: &str| {
            rest.get(..s.len())
                .is_some_and(|r| r.eq_ignore_ascii_case(s.as_bytes()))
        };
        if STARTS.iter().any(|s| starts(s)) {
            return at;
        }
    }
    text.find('<').unwrap_or(text.len())
}

/// The entities that a document type declares as plain text.
fn declared(subset: &str) -> Entities {
    let mut entities = Entities::new();
    for declaration in subset.split("<!ENTITY").skip(1).take(4 * MOST_ENTITIES) {
        let mut words = declaration.trim_start().splitn(2, char::is_whitespace);
        let (Some(name), Some(rest)) = (words.next(), words.next()) else {
            continue;
        };
        let rest = rest.trim_start();
        let Some(quote) = rest.chars().next().filter(|c| matches!(c, '"' | '\'')) else {
            continue;
        };
        let Some(value) = rest[1..].split(quote).next() else {
            continue;
        };
        let simple = literal(value)
            .filter(|v| v.len() <= LONGEST_ENTITY && !name.is_empty() && name.len() <= 32);
        if let Some(value) = simple.filter(|_| entities.len() < MOST_ENTITIES) {
            entities.push((name.to_owned(), value));
        }
    }
    entities
}

/// An entity's value when it is nothing but text and numeric references.
fn literal(value: &str) -> Option<String> {
    if value.len() > 8 * LONGEST_ENTITY || value.contains('<') {
        return None;
    }
    let mut out = String::new();
    let mut rest = value;
    while let Some(at) = rest.find('&') {
        out.push_str(&rest[..at]);
        let (number, after) = rest[at..].strip_prefix("&#")?.split_once(';')?;
        let code = match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16).ok()?,
            None => number.parse().ok()?,
        };
        out.push(char::from_u32(code).filter(|c| *c >= ' ')?);
        rest = after;
    }
    out.push_str(rest);
    Some(out)
}
