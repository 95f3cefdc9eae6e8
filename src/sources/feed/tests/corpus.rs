//! The corpus: small files, one failure each, and what must come out of them.
//!
//! `tests/corpus/feeds/manifest.toml` says for each file what a reader of the feed would find.

use std::path::PathBuf;

use serde::Deserialize;

use super::base;
use crate::domain::Entry;
use crate::html;
use crate::sources::feed::parse::{Parsed, parse};

#[derive(Deserialize)]
struct Manifest {
    feed: Vec<Case>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Case {
    file: String,
    /// Why it cannot be read.
    why: Option<String>,
    #[serde(default)]
    titles: Vec<String>,
    #[serde(default)]
    links: Vec<String>,
    #[serde(default)]
    dates: Vec<String>,
    #[serde(default)]
    words: Vec<String>,
    #[serde(default)]
    absent: Vec<String>,
    #[serde(default)]
    notes: Vec<String>,
    authors: Option<Vec<String>>,
    topics: Option<Vec<String>>,
    language: Option<String>,
    r#type: Option<String>,
    /// Nothing is to be told to its owners.
    #[serde(default)]
    quiet: bool,
}

fn folder() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/corpus/feeds")
}

fn cases() -> Vec<Case> {
    let text = std::fs::read_to_string(folder().join("manifest.toml")).unwrap();
    toml::from_str::<Manifest>(&text).unwrap().feed
}

/// What is wrong with how a file was read.
fn problems(case: &Case) -> Vec<String> {
    let bytes = std::fs::read(folder().join(&case.file)).unwrap();
    let read = parse(&bytes, case.r#type.as_deref(), &base());
    match (&case.why, read) {
        (Some(why), Err(said)) if said.contains(why) => Vec::new(),
        (Some(why), Err(said)) => vec![format!("says `{said}` instead of `{why}`")],
        (Some(why), Ok(_)) => vec![format!("was read, instead of `{why}`")],
        (None, Err(said)) => vec![said],
        (None, Ok(parsed)) => differences(case, &parsed),
    }
}

fn differences(case: &Case, parsed: &Parsed) -> Vec<String> {
    let of = |entry: fn(&Entry) -> String| parsed.entries.iter().map(entry).collect::<Vec<_>>();
    let mut wrong = Vec::new();
    let mut same = |what: &str, is: Vec<String>, should: &[String]| {
        if is != should {
            wrong.push(format!("{what}: {is:?} instead of {should:?}"));
        }
    };
    let date = |e: &Entry| e.published.map(|p| p.to_string()).unwrap_or_default();
    same("titles", of(|e| html::plain(&e.title)), &case.titles);
    same(
        "links",
        of(|e| e.url.clone().unwrap_or_default()),
        &case.links,
    );
    same("dates", of(date), &case.dates);
    let first = parsed.entries.first().cloned().unwrap_or_default();
    if let Some(authors) = &case.authors {
        same("authors", first.authors.clone(), authors);
    }
    if let Some(topics) = &case.topics {
        same("topics", first.topics.clone(), topics);
    }
    if let Some(language) = &case.language {
        let is = first.language.clone().into_iter().collect();
        same("language", is, std::slice::from_ref(language));
    }
    wrong.extend(texts(case, parsed, &first));
    wrong
}

/// What is wrong with the text of the first entry and with what is told.
fn texts(case: &Case, parsed: &Parsed, first: &Entry) -> Vec<String> {
    let body = first
        .content_html
        .as_deref()
        .or(first.summary_html.as_deref());
    let text = html::plain(body.unwrap_or(""));
    let all = format!("{text} {:?}", parsed.entries);
    let notes = parsed.notes.join("; ");
    let missing = case.words.iter().filter(|w| !text.contains(*w));
    let unwanted = case.absent.iter().filter(|w| all.contains(*w));
    let untold = case.notes.iter().filter(|n| !notes.contains(*n));
    let mut wrong: Vec<String> = missing
        .map(|w| format!("`{w}` is not in `{text}`"))
        .collect();
    wrong.extend(unwanted.map(|w| format!("`{w}` is in it")));
    wrong.extend(untold.map(|n| format!("`{n}` is not told: {notes}")));
    if case.quiet && !notes.is_empty() {
        wrong.push(format!("tells of what is right: {notes}"));
    }
    wrong
}

#[test]
fn every_broken_feed_gives_the_articles_its_readers_see() {
    let cases = cases();
    assert!(cases.len() >= 150, "the corpus has {} files", cases.len());
    let wrong: Vec<String> = cases
        .iter()
        .flat_map(|case| {
            problems(case)
                .into_iter()
                .map(|p| format!("{}: {p}", case.file))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} problems:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[test]
fn every_file_of_the_corpus_is_in_its_manifest() {
    let mut files = 0;
    let mut folders = vec![folder()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if !path.ends_with("manifest.toml") {
                files += 1;
            }
        }
    }
    assert_eq!(files, cases().len());
}
