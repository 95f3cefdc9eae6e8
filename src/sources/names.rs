//! Names of authors and topics as sources write them.

use std::collections::HashSet;

/// The texts that are something, each once whatever its case, 200 characters of each, at most
/// `most`.
pub(super) fn distinct(texts: impl Iterator<Item = String>, most: usize) -> Vec<String> {
    let mut seen = HashSet::new();
    texts
        .map(|text| text.chars().take(200).collect::<String>())
        .filter(|text| !text.is_empty() && seen.insert(text.to_lowercase()))
        .take(most)
        .collect()
}
