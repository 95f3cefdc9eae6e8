//! TOML values that own their text and know their place in the whole [`Text`].
//!
//! The parser's own values borrow from the file. These outlive it (a kind reads its settings
//! long after loading), are merged over files, and are lent to serde again as parser's values.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::ops::Range;
use std::path::Path;

use toml::Spanned;
use toml::de::{DeArray, DeTable, DeValue};

use super::Problem;
use super::text::Text;

/// A value.
#[derive(Clone)]
pub(super) enum Node {
    /// A string.
    Text(String),
    /// An integer or a float, as TOML writes it.
    Number(String),
    Bool(bool),
    Datetime(toml::value::Datetime),
    List(Vec<Spanned<Node>>),
    Table(Entries),
}

/// A table: keys and values with their places.
pub(super) type Entries = BTreeMap<Spanned<String>, Spanned<Node>>;

impl Node {
    pub fn as_text(&self) -> Option<&str> {
        match self {
            Self::Text(text) => Some(text),
            _ => None,
        }
    }

    pub fn as_table(&self) -> Option<&Entries> {
        match self {
            Self::Table(table) => Some(table),
            _ => None,
        }
    }

    /// The value for serde.
    fn lent(&self) -> DeValue<'_> {
        match self {
            Self::Text(text) => DeValue::String(Cow::Borrowed(text)),
            // It was a number to the same parser when it was read.
            Self::Number(digits) => DeValue::parse(digits)
                .map_or(DeValue::String(Cow::Borrowed(digits)), Spanned::into_inner),
            Self::Bool(answer) => DeValue::Boolean(*answer),
            Self::Datetime(time) => DeValue::Datetime(*time),
            Self::List(items) => {
                let mut list = DeArray::new();
                for item in items {
                    list.push(Spanned::new(item.span(), item.get_ref().lent()));
                }
                DeValue::Array(list)
            }
            Self::Table(entries) => lent(entries),
        }
    }
}

/// A table for serde.
pub(super) fn lent(entries: &Entries) -> DeValue<'_> {
    let lent = entries.iter().map(|(key, value)| {
        (
            Spanned::new(key.span(), Cow::Borrowed(key.get_ref().as_str())),
            Spanned::new(value.span(), value.get_ref().lent()),
        )
    });
    DeValue::Table(lent.collect::<DeTable<'_>>())
}

/// Takes over what the parser read from a file that begins at `begins` in the whole text. The
/// path in a `{ file = "PATH" }`, which is how secrets and keys are given, becomes absolute.
pub(super) fn taken_over(table: DeTable<'_>, begins: usize, base_dir: &Path) -> Entries {
    let shifted = |span: Range<usize>| span.start + begins..span.end + begins;
    let taken = table.into_iter().map(|(key, value)| {
        let name = key.get_ref().clone().into_owned();
        (
            Spanned::new(shifted(key.span()), name),
            value_taken_over(value, begins, base_dir),
        )
    });
    let mut entries: Entries = taken.collect();
    if entries.len() == 1
        && let Some(file) = entries.get_mut("file")
        && let Node::Text(path) = file.get_mut()
        && !path.is_empty()
    {
        *path = base_dir.join(&*path).to_string_lossy().into_owned();
    }
    entries
}

fn value_taken_over(value: Spanned<DeValue<'_>>, begins: usize, base_dir: &Path) -> Spanned<Node> {
    let span = value.span().start + begins..value.span().end + begins;
    let node = match value.into_inner() {
        DeValue::String(text) => Node::Text(text.into_owned()),
        DeValue::Integer(number) => Node::Number(number.to_string()),
        DeValue::Float(number) => Node::Number(number.to_string()),
        DeValue::Boolean(answer) => Node::Bool(answer),
        DeValue::Datetime(time) => Node::Datetime(time),
        DeValue::Array(items) => Node::List(
            items
                .into_iter()
                .map(|item| value_taken_over(item, begins, base_dir))
                .collect(),
        ),
        DeValue::Table(table) => Node::Table(taken_over(table, begins, base_dir)),
    };
    Spanned::new(span, node)
}

/// Adds the keys of a further file; one that is there already is a problem, tables are joined.
pub(super) fn merge(into: &mut Entries, more: Entries, text: &Text, problems: &mut Vec<Problem>) {
    for (key, value) in more {
        let Some((first, _)) = into.get_key_value(key.get_ref().as_str()) else {
            into.insert(key, value);
            continue;
        };
        let first = text.line_of(first.span().start);
        let there = into.get_mut(key.get_ref().as_str()).map(Spanned::get_mut);
        let span = value.span();
        match (there, value.into_inner()) {
            (Some(Node::Table(there)), Node::Table(more)) => merge(there, more, text, problems),
            _ => problems.push(text.problem(
                if key.span().is_empty() {
                    span
                } else {
                    key.span()
                },
                format!("`{}` is set already in {first}", key.get_ref()),
                Some("keep one of the two".to_owned()),
            )),
        }
    }
}

/// The table at the end of a path of keys.
pub(super) fn sub_table<'t>(
    mut table: &'t mut Entries,
    path: &[String],
) -> Option<&'t mut Entries> {
    for key in path {
        table = match table.get_mut(key.as_str())?.get_mut() {
            Node::Table(inner) => inner,
            _ => return None,
        };
    }
    Some(table)
}

/// The innermost key whose name or value a place lies in; of a table in a list, the list's.
pub(super) fn path_to(table: &Entries, place: &Range<usize>) -> Option<Vec<String>> {
    let lies_in = |whole: Range<usize>| whole.start <= place.start && place.end <= whole.end;
    let inner = table.iter().find_map(|(key, value)| {
        let inner = match value.get_ref() {
            Node::Table(table) => path_to(table, place)?,
            // The tables of `[[list]]` do not lie in the list's own span.
            Node::List(items) => {
                let mut tables = items.iter().filter_map(|item| item.get_ref().as_table());
                tables.find_map(|table| path_to(table, place))?;
                Vec::new()
            }
            _ => return None,
        };
        Some([vec![key.get_ref().clone()], inner].concat())
    });
    inner.or_else(|| {
        let mut own = table.iter();
        let found = own.find(|(key, value)| lies_in(key.span()) || lies_in(value.span()));
        found.map(|(key, _)| vec![key.get_ref().clone()])
    })
}

/// Where a list or a table says `word`.
pub(super) fn place_of(value: &Spanned<Node>, word: &str) -> Option<Range<usize>> {
    match value.get_ref() {
        Node::Text(text) if text == word => Some(value.span()),
        Node::List(items) => items.iter().find_map(|item| place_of(item, word)),
        Node::Table(table) => table.iter().find_map(|(key, value)| {
            if key.get_ref() == word {
                Some(key.span())
            } else {
                place_of(value, word)
            }
        }),
        _ => None,
    }
}
