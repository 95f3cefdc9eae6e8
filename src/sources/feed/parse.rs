//! A document to entries: which parser, which repairs, and what to say when neither helps.

use std::borrow::Cow;
use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::parser::{Builder, ParseErrorKind, ParseFeedError};
use url::Url;

use super::entry::{Context, to_entry};
use super::{dates, decode};
use crate::domain::{Entry, IdentityKey, KeyKind};
use crate::html;

/// Entries of one document that are kept, newest first as feeds have them.
const MOST_ENTRIES: usize = 10_000;
/// A document that claims more is not parsed: each empty `<item>` takes 900 bytes of memory.
const ABSURD_ENTRIES: usize = 50_000;

/// What a document held.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) entries: Vec<Entry>,
    pub(super) language: Option<String>,
    pub(super) is_wordpress: bool,
    pub(super) notes: Vec<String>,
    pub(super) shared_guids: bool,
}

/// Reads a feed of any of the three formats. `base` is where it came from.
pub(super) fn parse(
    bytes: &[u8],
    content_type: Option<&str>,
    base: &Url,
) -> Result<Parsed, String> {
    let text = decode::decode(bytes, content_type);
    refuse_what_is_no_feed(&text, base)?;
    let is_json = text.starts_with('{');
    let mut notes = Vec::new();
    let feed = read_or_repair(&text, is_json, base, &mut notes)?;
    let language = feed
        .language
        .as_deref()
        .and_then(super::entry::language_tag);
    let context = Context {
        base,
        feed: &feed,
        language: language.as_deref(),
        not_links: not_permalinks(&text),
        extras: if is_json {
            super::entry::json_extras(&text)
        } else {
            Vec::new()
        },
    };
    let mut entries: Vec<Entry> = feed
        .entries
        .iter()
        .take(MOST_ENTRIES)
        .enumerate()
        .map(|(at, entry)| to_entry(entry, at, &context))
        .collect();
    if feed.entries.len() > MOST_ENTRIES {
        notes.push(format!(
            "the feed has {} entries; the first {MOST_ENTRIES} were read",
            feed.entries.len()
        ));
    }
    let shared_guids = tell_apart(&mut entries, &mut notes);
    let generator = feed.generator.as_ref();
    let is_wordpress = generator.is_some_and(|g| {
        let words = format!("{} {}", g.content, g.uri.as_deref().unwrap_or(""));
        words.to_ascii_lowercase().contains("wordpress")
    });
    Ok(Parsed {
        entries,
        language,
        is_wordpress,
        notes,
        shared_guids,
    })
}

/// Reads the document as it is, and when that fails once more after repairs.
fn read_or_repair(
    text: &str,
    is_json: bool,
    base: &Url,
    notes: &mut Vec<String>,
) -> Result<feed_rs::model::Feed, String> {
    let padded = if is_json {
        Cow::Borrowed(text)
    } else {
        decode::pad_addresses(text)
    };
    let why = match read(&padded, base) {
        Ok(feed) => return Ok(feed),
        Err(why) => why,
    };
    let mended = if is_json {
        pad_json(text)
    } else {
        Some(decode::repair(&padded))
    };
    let feed = mended.and_then(|mended| read(&mended, base).ok());
    let feed = feed.ok_or_else(|| explain(&why, text, is_json))?;
    notes.push(format!(
        "the feed had to be repaired before it could be read: {why}"
    ));
    Ok(feed)
}

/// feed-rs in its panic guard; the error is its own words.
pub(super) fn read(text: &str, base: &Url) -> Result<feed_rs::model::Feed, String> {
    let parser = Builder::new()
        .base_uri(Some(base.as_str()))
        .sanitize_content(false)
        // The marker of an entry that has no id of its own.
        .id_generator(|_, _, _| String::new())
        .timestamp_parser(|text| {
            let instant = dates::parse(text)?;
            chrono::DateTime::from_timestamp_millis(instant.0)
        })
        .build();
    match catch_unwind(AssertUnwindSafe(|| parser.parse(text.as_bytes()))) {
        Ok(Ok(feed)) => Ok(feed),
        Ok(Err(ParseFeedError::ParseError(ParseErrorKind::NoFeedRoot))) => {
            Err("it is neither RSS nor Atom nor JSON Feed".to_owned())
        }
        Ok(Err(error)) => Err(error.to_string()),
        Err(_) => Err("its parser broke down on it".to_owned()),
    }
}

fn refuse_what_is_no_feed(text: &str, base: &Url) -> Result<(), String> {
    if text.trim().is_empty() {
        return Err("the answer is empty; is this the feed's address?".to_owned());
    }
    let head: String = text.chars().take(100_000).collect();
    let start = head.get(..14).unwrap_or(&head).to_ascii_lowercase();
    let is_page = start.starts_with("<!doctype html") || start.starts_with("<html");
    if is_page {
        return Err(match html::feed_links(&head, base).first() {
            Some(feed) => format!("this is a web page, not a feed; its feed is at {feed}"),
            None => "this is a web page, not a feed; look for the address of its feed".to_owned(),
        });
    }
    let count = text.matches("<item").count() + text.matches("<entry").count();
    if count > ABSURD_ENTRIES {
        return Err(format!(
            "the feed has {count} entries; more than {ABSURD_ENTRIES} are not read"
        ));
    }
    Ok(())
}

fn explain(why: &str, text: &str, is_json: bool) -> String {
    let end = text.trim_end();
    let is_cut = if is_json {
        !end.ends_with('}')
    } else {
        let roots = ["</rss>", "</feed>", "</rdf:RDF>", "</RDF>"];
        let is_feed = ["<rss", "<feed", "<rdf:RDF"]
            .iter()
            .any(|r| text.contains(r));
        is_feed && !roots.iter().any(|root| end.ends_with(root))
    };
    if is_cut {
        return format!(
            "the feed breaks off after {} bytes, before its end; the download was cut or the \
             site writes it incompletely",
            text.len()
        );
    }
    format!("the feed cannot be read: {why}")
}

/// JSON Feed with room around the e-mail addresses in its authors' names.
fn pad_json(text: &str) -> Option<String> {
    fn pad_names(value: &mut serde_json::Value) {
        match value {
            serde_json::Value::Object(fields) => {
                for (key, value) in fields.iter_mut() {
                    match value {
                        serde_json::Value::String(name) if key == "name" => {
                            *name = decode::pad(name);
                        }
                        value => pad_names(value),
                    }
                }
            }
            serde_json::Value::Array(values) => values.iter_mut().for_each(pad_names),
            _ => {}
        }
    }
    let mut document = serde_json::from_str(text).ok()?;
    pad_names(&mut document);
    Some(document.to_string())
}

/// The guids that say of themselves that they are no addresses; feed-rs drops the attribute.
fn not_permalinks(xml: &str) -> HashSet<String> {
    let mut found = HashSet::new();
    for (at, _) in xml.match_indices("<guid") {
        // Neither part is long; looking further would cost the square of a hostile feed.
        let Some((attributes, rest)) = before(&xml[at..], ">", 300) else {
            continue;
        };
        let Some((guid, _)) = before(rest, "</guid", 2048) else {
            continue;
        };
        let attributes = attributes.to_ascii_lowercase();
        if attributes.contains("ispermalink") && attributes.contains("false") {
            found.insert(html::plain(guid));
        }
    }
    found
}

/// What stands before and after the first `end`, if that is within `most` bytes.
fn before<'a>(text: &'a str, end: &str, most: usize) -> Option<(&'a str, &'a str)> {
    let mut window = text.len().min(most);
    while !text.is_char_boundary(window) {
        window -= 1;
    }
    let at = text[..window].find(end)?;
    Some((&text[..at], &text[at + end.len()..]))
}

/// Keeps one of each article, and takes guids away that several articles share: a broken
/// plug-in gives one guid to all, and then only their addresses tell them apart. Whether there
/// were any.
fn tell_apart(entries: &mut Vec<Entry>, notes: &mut Vec<String>) -> bool {
    let key_of = |entry: &Entry, kind: KeyKind| -> Option<IdentityKey> {
        entry.keys.iter().find(|k| k.kind == kind).cloned()
    };
    let mut links: HashMap<IdentityKey, HashSet<Option<IdentityKey>>> = HashMap::new();
    for entry in entries.iter() {
        if let Some(guid) = key_of(entry, KeyKind::Guid) {
            links
                .entry(guid)
                .or_default()
                .insert(key_of(entry, KeyKind::Link));
        }
    }
    let mut shared = 0;
    for entry in entries.iter_mut() {
        let guid = key_of(entry, KeyKind::Guid);
        let is_shared = guid
            .and_then(|g| links.get(&g))
            .is_some_and(|l| l.len() > 1);
        if is_shared && key_of(entry, KeyKind::Link).is_some() {
            entry.keys.retain(|k| k.kind.is_address());
            shared += 1;
        }
    }
    if shared > 0 {
        notes.push(format!(
            "{shared} entries share a guid with another article; their addresses tell them apart"
        ));
    }
    let before = entries.len();
    let mut seen = HashSet::new();
    entries.retain(|entry| match entry.keys.first() {
        Some(key) => seen.insert(key.clone()),
        None => false,
    });
    if entries.len() < before {
        notes.push(format!(
            "{} entries stand in the feed twice or have neither id, address nor text",
            before - entries.len()
        ));
    }
    shared > 0
}
