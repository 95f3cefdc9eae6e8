//! One table of the configuration, read so that every problem in it comes to light at once.
//!
//! serde stops at the first error. Here the key that an error points at is noted and taken out,
//! and the table is read again, until nothing is left to complain about.

mod wording;

use std::collections::BTreeSet;
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::de::DeserializeOwned;
use toml::Spanned;
use toml::de::ValueDeserializer;
use toml::value::Datetime;

use super::Problem;
use super::node::{Entries, Node, lent, path_to, place_of, sub_table};
use super::text::Text;

/// The keys of one `[sources.ID]`, `[channels.ID]` … table, with their places.
///
/// A kind reads its own keys with [`Settings::parse`], into a struct with
/// `#[serde(deny_unknown_fields)]` and without `#[serde(flatten)]` (which hides unknown keys).
#[derive(Clone)]
pub struct Settings {
    /// `[channels.brief]`, as messages name it.
    name: String,
    head: Range<usize>,
    entries: Entries,
    /// The keys that every kind has; they are read already.
    common: Arc<[String]>,
    text: Arc<Text>,
    base_dir: Arc<Path>,
}

impl Settings {
    pub(super) fn new(
        name: String,
        head: Range<usize>,
        entries: Entries,
        text: Arc<Text>,
        base_dir: Arc<Path>,
    ) -> Self {
        Self {
            name,
            head,
            entries,
            common: Arc::default(),
            text,
            base_dir,
        }
    }

    /// The same table, whose `common` keys somebody else has read.
    pub(super) fn without(mut self, common: Arc<[String]>) -> Self {
        self.common = common;
        self
    }

    /// The table as messages name it: `[channels.brief]`.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whether the table has this key.
    #[must_use]
    pub fn has(&self, key: &str) -> bool {
        self.entries.contains_key(key)
    }

    /// A path in the configuration as a path of this machine: relative ones are relative to
    /// the configuration's directory. (Paths inside secrets are so already.)
    #[must_use]
    pub fn path(&self, path: impl AsRef<Path>) -> PathBuf {
        self.base_dir.join(path)
    }

    /// The kind's own keys as a struct.
    ///
    /// # Errors
    /// All problems: unknown keys (with the nearest known one), wrong types, refused values,
    /// missing keys.
    pub fn parse<T: DeserializeOwned>(&self) -> Result<T, Vec<Problem>> {
        let mut entries = self.entries.clone();
        entries.retain(|key, _| !self.common.contains(key.get_ref()));
        match self.read(entries) {
            (Some(value), problems) if problems.is_empty() => Ok(value),
            (_, problems) => Err(problems),
        }
    }

    /// The keys that `T` knows, as far as they can be read, and the problems of the others.
    pub(super) fn parse_known<T: DeserializeOwned>(
        &self,
        known: &[String],
    ) -> (Option<T>, Vec<Problem>) {
        let mut entries = self.entries.clone();
        entries.retain(|key, _| known.contains(key.get_ref()));
        self.read(entries)
    }

    /// All keys as far as they can be read, and the problems of the others.
    pub(super) fn parse_all<T: DeserializeOwned>(&self) -> (Option<T>, Vec<Problem>) {
        self.read(self.entries.clone())
    }

    /// A problem with one of the table's keys (at its value), or with the table itself (at its
    /// head) when it has no such key.
    #[must_use]
    pub fn problem(&self, key: &str, message: impl Into<String>, help: Option<String>) -> Problem {
        let place = self.entries.get(key).map(Spanned::span);
        self.text
            .problem(place.unwrap_or(self.head.clone()), message, help)
    }

    /// A problem with one item of a list, or one key or value of a sub-table, that reads
    /// `word`; with the whole value when there is none.
    #[must_use]
    pub fn problem_at(
        &self,
        key: &str,
        word: &str,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        let place = self.entries.get(key).and_then(|v| place_of(v, word));
        match place {
            Some(place) => self.text.problem(place, message, help),
            None => self.problem(key, message, help),
        }
    }

    /// Whether a list or a sub-table has an item or a key that reads `word`.
    pub(super) fn mentions(&self, key: &str, word: &str) -> bool {
        let value = self.entries.get(key);
        value.and_then(|v| place_of(v, word)).is_some()
    }

    /// Whether there is a list at the end of a path of keys.
    fn is_list(&self, path: &[String]) -> bool {
        let Some((key, parents)) = path.split_last() else {
            return false;
        };
        let table = parents.iter().try_fold(&self.entries, |table, key| {
            table.get(key.as_str())?.get_ref().as_table()
        });
        let value = table.and_then(|table| table.get(key.as_str()));
        matches!(value.map(Spanned::get_ref), Some(Node::List(_)))
    }

    /// The string at a key, if it is one.
    pub(super) fn text(&self, key: &str) -> Option<&str> {
        self.entries.get(key)?.get_ref().as_text()
    }

    /// The strings of a list, as far as it is one.
    pub(super) fn strings(&self, key: &str) -> Vec<String> {
        match self.entries.get(key).map(Spanned::get_ref) {
            Some(Node::List(items)) => items
                .iter()
                .filter_map(|item| item.get_ref().as_text().map(str::to_owned))
                .collect(),
            _ => Vec::new(),
        }
    }

    fn read<T: DeserializeOwned>(&self, entries: Entries) -> (Option<T>, Vec<Problem>) {
        let mut reading = Reading {
            table: self,
            entries,
            problems: Vec::new(),
            taken_out: BTreeSet::new(),
            stand_in: None,
        };
        loop {
            let whole = Spanned::new(self.head.clone(), lent(&reading.entries));
            let read = T::deserialize(ValueDeserializer::from(whole));
            match read {
                Ok(value) => return (Some(value), reading.problems),
                Err(error) if reading.can_go_on_after(&error) => {}
                Err(_) => return (None, reading.problems),
            }
        }
    }
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The values may be secrets; the keys are not.
        let keys: Vec<&str> = self.entries.keys().map(|k| k.get_ref().as_str()).collect();
        write!(f, "Settings({} {keys:?})", self.name)
    }
}

/// The keys that a struct with `deny_unknown_fields` knows.
pub(super) fn known_keys<T: DeserializeOwned>() -> Arc<[String]> {
    let probe = Spanned::new(0..0, "\0".to_owned());
    let mut entries = Entries::new();
    entries.insert(probe, Spanned::new(0..0, Node::Bool(true)));
    let table = Spanned::new(0..0, lent(&entries));
    match T::deserialize(ValueDeserializer::from(table)) {
        Ok(_) => Arc::default(),
        Err(error) => wording::expected_words(error.message()).into(),
    }
}

/// The span that marks a value of ours that stands in for a missing one.
const STAND_IN: Range<usize> = usize::MAX - 1..usize::MAX;

const SOME_DAY: Datetime = Datetime {
    date: Some(toml::value::Date {
        year: 2000,
        month: 1,
        day: 1,
    }),
    time: None,
    offset: None,
};

/// A table in the course of being read again and again.
struct Reading<'a> {
    table: &'a Settings,
    entries: Entries,
    problems: Vec<Problem>,
    /// Keys noted and taken out: they are not missing.
    taken_out: BTreeSet<Vec<String>>,
    /// Which missing key a value of ours stands in for, and which value it is.
    stand_in: Option<(Vec<String>, usize)>,
}

impl Reading<'_> {
    /// Notes an error and changes the table so that the next reading gets past it; `false`
    /// when that cannot be done.
    fn can_go_on_after(&mut self, error: &toml::de::Error) -> bool {
        let Some(span) = error.span() else {
            self.note(self.table.head.clone(), &[], error.message());
            return false;
        };
        if span == STAND_IN {
            return match self.stand_in.take() {
                Some((path, tried)) => self.put_stand_in(path, tried + 1),
                None => false,
            };
        }
        let place = path_to(&self.entries, &span).unwrap_or_default();
        if let Some(missing) = wording::missing_field(error.message()) {
            let mut path = place.clone();
            path.push(missing.to_owned());
            if !self.taken_out.contains(&path) {
                self.note(span, &place, error.message());
            }
            return self.put_stand_in(path, 0);
        }
        // A table from which something was taken out may be wrong for that reason alone.
        let is_news = !self.taken_out.iter().any(|out| out.starts_with(&place));
        if is_news || place.is_empty() {
            self.note(span, &place, error.message());
        }
        let Some((key, parents)) = place.split_last() else {
            return false;
        };
        if let Some(meant) = wording::meant(error.message(), self.table, &place) {
            // Nor is a mistyped key missing besides.
            self.taken_out.insert([parents, &[meant]].concat());
        }
        let taken = sub_table(&mut self.entries, parents).and_then(|t| t.remove(key.as_str()));
        self.taken_out.insert(place.clone());
        taken.is_some()
    }

    fn note(&mut self, span: Range<usize>, path: &[String], message: &str) {
        let (message, help) = wording::for_people(message, self.table, path);
        self.problems
            .push(self.table.text.problem(span, message, help));
    }

    /// Puts some value where one is missing, so that what else is wrong shows too.
    fn put_stand_in(&mut self, path: Vec<String>, candidate: usize) -> bool {
        let value = match candidate {
            0 => Node::Text("https://example.org/".to_owned()),
            1 => Node::Number("1".to_owned()),
            2 => Node::Bool(false),
            3 => Node::List(Vec::new()),
            4 => Node::Table(Entries::new()),
            5 => Node::Text("a@example.org".to_owned()),
            6 => Node::Datetime(SOME_DAY),
            _ => return false,
        };
        let Some((key, parents)) = path.split_last() else {
            return false;
        };
        let Some(table) = sub_table(&mut self.entries, parents) else {
            return false;
        };
        let key = Spanned::new(STAND_IN, key.clone());
        table.insert(key, Spanned::new(STAND_IN, value));
        self.stand_in = Some((path, candidate));
        true
    }
}
