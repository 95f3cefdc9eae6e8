//! A document to entries: what it says of itself, and what to say when it cannot be read.

use std::collections::{HashMap, HashSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use feed_rs::parser::{Builder, ParseErrorKind, ParseFeedError};
use url::Url;

use super::dates;
use super::entry::{Context, language_tag, to_entry};
use crate::domain::{Entry, IdentityKey, KeyKind};
use crate::html;
use crate::sources::repair::{self, Facts, Repaired, Root};

/// Entries of one document that are kept, newest first as feeds have them.
const MOST_ENTRIES: usize = 10_000;
/// A document that claims more is not parsed: each empty `<item>` takes 900 bytes of memory.
const ABSURD_ENTRIES: usize = 50_000;
/// Repairs that are told.
const MOST_NOTES: usize = 20;

/// What a document held.
#[derive(Debug, Default)]
pub(super) struct Parsed {
    pub(super) entries: Vec<Entry>,
    pub(super) language: Option<String>,
    pub(super) is_wordpress: bool,
    pub(super) notes: Vec<String>,
    /// What it says beside its articles.
    pub(super) facts: Facts,
    pub(super) shared_guids: bool,
}

/// Reads a feed of any of the three formats. `base` is where it came from.
pub(super) fn parse(
    bytes: &[u8],
    content_type: Option<&str>,
    base: &Url,
) -> Result<Parsed, String> {
    let decoded = repair::decode(bytes, content_type, base);
    refuse_what_is_no_feed(&decoded.text, base)?;
    let repaired = repair::mend(&decoded.text);
    refuse_a_flood(&repaired)?;
    let feed = read(&repaired.text, base).map_err(|why| explain(&why, &decoded.text, &repaired))?;
    if feed.entries.is_empty() && repaired.facts.truncated {
        return Err(broken_off(&decoded.text));
    }
    let all = decoded.repairs.iter().chain(&repaired.repairs);
    let mut notes: Vec<String> = all.take(MOST_NOTES).map(ToString::to_string).collect();
    let facts = repaired.facts;
    let said = [
        &feed.language,
        &facts.language,
        &facts.dc_language,
        &facts.xml_lang,
    ];
    let language = said.into_iter().flatten().find_map(|tag| language_tag(tag));
    let mut entries = entries(&feed, &facts, &repaired.text, language.as_deref(), base);
    if feed.entries.len() > MOST_ENTRIES {
        notes.push(format!(
            "the feed has {} entries; the first {MOST_ENTRIES} were read",
            feed.entries.len()
        ));
    }
    let shared_guids = tell_apart(&mut entries, &mut notes);
    let is_wordpress = feed.generator.as_ref().is_some_and(|g| {
        let words = format!("{} {}", g.content, g.uri.as_deref().unwrap_or(""));
        words.to_ascii_lowercase().contains("wordpress")
    });
    Ok(Parsed {
        entries,
        language,
        is_wordpress,
        notes,
        facts,
        shared_guids,
    })
}

/// The articles of what feed-rs read, with the facts that it left out.
fn entries(
    feed: &feed_rs::model::Feed,
    facts: &Facts,
    text: &str,
    language: Option<&str>,
    base: &Url,
) -> Vec<Entry> {
    let context = Context {
        base,
        feed,
        language,
        // feed-rs reads each item or none; where it did not, nothing is known of any.
        items: if facts.items.len() == feed.entries.len() {
            &facts.items
        } else {
            &[]
        },
        extras: if facts.root == Root::Json {
            super::entry::json_extras(text)
        } else {
            Vec::new()
        },
    };
    let all = feed.entries.iter().take(MOST_ENTRIES).enumerate();
    all.map(|(at, entry)| to_entry(entry, at, &context))
        .collect()
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
    Ok(())
}

fn refuse_a_flood(repaired: &Repaired) -> Result<(), String> {
    let count = repaired.facts.item_count;
    if count > ABSURD_ENTRIES {
        return Err(format!(
            "the feed has {count} entries; more than {ABSURD_ENTRIES} are not read"
        ));
    }
    Ok(())
}

fn explain(why: &str, text: &str, repaired: &Repaired) -> String {
    let is_json = repaired.facts.root == Root::Json;
    if repaired.facts.truncated || (is_json && !text.trim_end().ends_with('}')) {
        return broken_off(text);
    }
    format!("the feed cannot be read: {why}")
}

fn broken_off(text: &str) -> String {
    format!(
        "the feed breaks off after {} bytes, before its end; the download was cut or the \
         site writes it incompletely",
        text.len()
    )
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
