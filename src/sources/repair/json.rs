//! JSON Feed passes as it is, but for the names that would break feed-rs.

use serde_json::Value;

use super::people::pad;
use super::{Facts, Repaired, Root};

/// Hubs that a feed may name.
const MOST_HUBS: usize = 8;
/// Bytes of `"name"` with all its letters escaped.
const LONGEST_NAME: usize = 26;

/// The document, with room around the e-mail addresses in names, and its hubs.
pub(super) fn pass(text: &str) -> Repaired {
    let mut facts = Facts {
        root: Root::Json,
        ..Facts::default()
    };
    if text.contains("\"hubs\"")
        && let Ok(document) = serde_json::from_str::<Value>(text)
    {
        let hubs = document["hubs"].as_array().map_or(&[][..], Vec::as_slice);
        let addresses = hubs.iter().filter_map(|hub| hub["url"].as_str());
        facts.hubs = addresses.take(MOST_HUBS).map(str::to_owned).collect();
        facts.topic = document["feed_url"].as_str().map(str::to_owned);
    }
    let text = if text.contains('@') || text.contains("\\u0040") {
        padded(text)
    } else {
        text.to_owned()
    };
    Repaired {
        text,
        facts,
        ..Repaired::default()
    }
}

/// The text with room in every value of a `name`. It is not read as JSON for that: feed-rs
/// passes over what a reader of values refuses, as `1e999` or a thousand brackets, in fields
/// that it does not know.
fn padded(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 64);
    let mut rest = text;
    let mut is_name = false;
    while let Some(start) = rest.find('"') {
        let Some(length) = string(&rest[start..]) else {
            break;
        };
        // Only a colon stands between a name and its value.
        is_name &= rest[..start].trim() == ":";
        let (written, after) = rest[start..].split_at(length);
        out.push_str(&rest[..start]);
        let value = if is_name || length <= LONGEST_NAME {
            serde_json::from_str::<String>(written).unwrap_or_default()
        } else {
            String::new()
        };
        match pad(&value) {
            room if is_name && room != value => out.push_str(&Value::from(room).to_string()),
            _ => out.push_str(written),
        }
        is_name = value == "name" && after.trim_start().starts_with(':');
        rest = after;
    }
    out.push_str(rest);
    out
}

/// The bytes of the string that a text begins with, its quotes included.
fn string(text: &str) -> Option<usize> {
    let mut escaped = false;
    let quote = |byte: u8| {
        let ends = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        ends
    };
    let inside = text.bytes().skip(1).position(quote)?;
    Some(inside + 2)
}
