//! JSON Feed passes as it is, but for the names that would break feed-rs.

use serde_json::Value;

use super::people::pad;
use super::{Facts, Repaired, Root};

/// Hubs that a feed may name.
const MOST_HUBS: usize = 8;

/// The document, with room around the e-mail addresses in names, and its hubs.
pub(super) fn pass(text: &str) -> Repaired {
    let mut repaired = Repaired {
        facts: Facts {
            root: Root::Json,
            ..Facts::default()
        },
        ..Repaired::default()
    };
    let mut changed = None;
    if text.contains('@') || text.contains("\"hubs\"") {
        let Ok(mut document) = serde_json::from_str::<Value>(text) else {
            text.clone_into(&mut repaired.text);
            return repaired;
        };
        let hubs = document["hubs"].as_array().map_or(&[][..], Vec::as_slice);
        let addresses = hubs.iter().filter_map(|hub| hub["url"].as_str());
        repaired.facts.hubs = addresses.take(MOST_HUBS).map(str::to_owned).collect();
        repaired.facts.topic = document["feed_url"].as_str().map(str::to_owned);
        if pad_names(&mut document) {
            changed = Some(document.to_string());
        }
    }
    repaired.text = changed.unwrap_or_else(|| text.to_owned());
    repaired
}

/// Whether any name had to be padded.
fn pad_names(document: &mut Value) -> bool {
    let mut changed = false;
    let mut open = vec![document];
    while let Some(value) = open.pop() {
        match value {
            Value::Object(fields) => {
                for (key, value) in fields.iter_mut() {
                    match value {
                        Value::String(name) if key == "name" => {
                            let padded = pad(name).into_owned();
                            changed |= padded != *name;
                            *name = padded;
                        }
                        value => open.push(value),
                    }
                }
            }
            Value::Array(values) => open.extend(values),
            _ => {}
        }
    }
    changed
}
