//! serde's error messages, turned into sentences for operators.

use super::Settings;
use crate::config::problem::{alternatives, nearest};
use crate::config::text::is_secret_key;

/// A message and its help for an error at `path` in `table`.
pub(super) fn for_people(
    message: &str,
    table: &Settings,
    path: &[String],
) -> (String, Option<String>) {
    let is_item = table.is_list(path)
        && !message.starts_with("invalid type: sequence")
        && !message.ends_with("expected a sequence");
    let key = if is_item {
        format!("an item of `{}`", spelled(path))
    } else {
        format!("`{}`", spelled(path))
    };
    if let Some(name) = quoted_after(message, "unknown field ") {
        return unknown_key(name, message, table, path);
    }
    if let Some(word) = quoted_after(message, "unknown variant ") {
        let words = expected_words(message);
        let one_of = alternatives(words.iter().map(String::as_str));
        let help = match nearest(word, words.iter().map(String::as_str)) {
            Some(word) => format!("did you mean `{word}`? It is {one_of}"),
            None => format!("it is {one_of}"),
        };
        return (format!("{key} cannot be `{word}`"), Some(help));
    }
    if let Some(name) = missing_field(message) {
        let help = Some(format!("add `{name} = …`"));
        return (format!("{} has no `{name}`", within(table, path)), help);
    }
    let mistaken = message
        .strip_prefix("invalid type: ")
        .or_else(|| message.strip_prefix("invalid value: "));
    if let Some((found, expected)) = mistaken.and_then(|m| m.split_once(", expected ")) {
        let expected = in_words(expected);
        let secret = path.last().is_some_and(|key| is_secret_key(key));
        return if secret {
            (format!("{key} must be {expected}"), None)
        } else {
            (
                format!("{key} must be {expected}, not {}", in_words(found)),
                None,
            )
        };
    }
    if message == "wanted string or table" {
        return (format!("{key} must be a string"), None);
    }
    (format!("{key}: {message}"), None)
}

fn unknown_key(
    name: &str,
    message: &str,
    table: &Settings,
    path: &[String],
) -> (String, Option<String>) {
    let known = known_words(message, table, path);
    let help = match nearest(name, known.iter().map(String::as_str)) {
        Some(word) => format!("did you mean `{word}`?"),
        None => format!("the keys it knows are {}", known.join(", ")),
    };
    let parents = path.split_last().map_or(path, |(_, parents)| parents);
    let place = within(table, parents);
    (format!("unknown key `{name}` in {place}"), Some(help))
}

/// The key that an unknown one was meant to be.
pub(super) fn meant(message: &str, table: &Settings, path: &[String]) -> Option<String> {
    let name = quoted_after(message, "unknown field ")?;
    let known = known_words(message, table, path);
    nearest(name, known.iter().map(String::as_str)).map(str::to_owned)
}

/// The keys that may stand where an unknown one does.
fn known_words(message: &str, table: &Settings, path: &[String]) -> Vec<String> {
    let mut known = expected_words(message);
    if path.len() <= 1 {
        known.extend(table.common.iter().cloned());
    }
    known
}

/// `[site]`, or `` `topics` of [channels.brief] ``.
fn within(table: &Settings, path: &[String]) -> String {
    match path {
        [] => table.name.clone(),
        _ => format!("`{}` of {}", spelled(path), table.name),
    }
}

/// A path of keys as TOML writes it: `domains."gmail.com".rate`.
fn spelled(path: &[String]) -> String {
    let keys = path.iter().map(|key| {
        let is_bare = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '_';
        if !key.is_empty() && key.chars().all(is_bare) {
            key.clone()
        } else {
            format!("{key:?}")
        }
    });
    keys.collect::<Vec<_>>().join(".")
}

/// serde's names of types, in words.
fn in_words(phrase: &str) -> String {
    match phrase {
        "a string" | "string" => "a string".to_owned(),
        "a boolean" => "true or false".to_owned(),
        "a sequence" => "a list".to_owned(),
        "sequence" => "a list".to_owned(),
        "map" | "a map" => "a table".to_owned(),
        "a TOML datetime" => "a day without quotes, as 2026-12-01".to_owned(),
        "u8" | "u16" | "u32" | "u64" | "usize" => "a whole number, 0 or more".to_owned(),
        "i32" | "i64" => "a whole number".to_owned(),
        _ if phrase.starts_with("struct ") => "a table".to_owned(),
        _ => match phrase.split_once(' ') {
            Some(("string", value)) => format!("the text {}", value.replace('"', "`")),
            Some(("integer" | "floating", value)) => {
                format!("the number {}", value.trim_start_matches("point "))
            }
            Some(("boolean", value)) => value.to_owned(),
            _ => phrase.to_owned(),
        },
    }
}

/// The key that serde misses.
pub(super) fn missing_field(message: &str) -> Option<&str> {
    quoted_after(message, "missing field ")
}

fn quoted_after<'m>(message: &'m str, start: &str) -> Option<&'m str> {
    let rest = message.strip_prefix(start)?.strip_prefix('`')?;
    rest.split_once('`').map(|(word, _)| word)
}

/// The words that serde would have taken: `` expected one of `a`, `b` ``.
pub(super) fn expected_words(message: &str) -> Vec<String> {
    let Some((_, expected)) = message.rsplit_once(", expected ") else {
        return Vec::new();
    };
    let parts = expected.split('`').skip(1).step_by(2);
    parts.map(str::to_owned).collect()
}
