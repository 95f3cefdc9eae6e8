//! What is remembered of a folder between two looks: its files, and where each stands.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// What is kept in `Polled::state`. Names are short: a folder has up to 10,000 files.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct State {
    /// The form of this document.
    #[serde(rename = "v")]
    pub(super) version: u32,
    /// By path.
    #[serde(rename = "f")]
    pub(super) files: BTreeMap<String, Known>,
}

/// A file that was read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Known {
    /// When it was changed, in milliseconds since 1970.
    #[serde(rename = "m")]
    pub(super) changed: i64,
    #[serde(rename = "s")]
    pub(super) size: u64,
    /// The beginning of its SHA-256.
    #[serde(rename = "h")]
    pub(super) hash: String,
    /// The name its article is known by.
    #[serde(rename = "i")]
    pub(super) identity: String,
    /// When it ends to be an article, in milliseconds since 1970.
    #[serde(rename = "x", default, skip_serializing_if = "Option::is_none")]
    pub(super) expires: Option<i64>,
    #[serde(rename = "t", default, skip_serializing_if = "Stand::is_article")]
    pub(super) stand: Stand,
}

/// Where a file stands.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Stand {
    /// It is an article.
    #[default]
    #[serde(rename = "a")]
    Article,
    /// It never was one, or has ended to be one for good.
    #[serde(rename = "k")]
    KeptBack,
    /// It was an article; since when it says that it is none.
    #[serde(rename = "w")]
    TakenBack(i64),
    /// It was an article; since when it is not there.
    #[serde(rename = "v")]
    Vanished(i64),
    /// The same, and it has been said that it is gone; since when that is.
    #[serde(rename = "g")]
    Gone(i64),
}

impl Stand {
    fn is_article(&self) -> bool {
        matches!(self, Self::Article)
    }

    /// Whether it was not there at the last look.
    pub(super) fn is_missing(self) -> bool {
        matches!(self, Self::Vanished(_) | Self::Gone(_))
    }

    /// Whether its readers may know it.
    pub(super) fn was_article(self) -> bool {
        !matches!(self, Self::KeptBack)
    }
}

const VERSION: u32 = 1;

impl State {
    /// What was remembered; `None` when nothing was, or by a version that meant something else.
    pub(super) fn read(text: Option<&str>) -> Option<Self> {
        let state: Self = serde_json::from_str(text?).ok()?;
        (state.version == VERSION).then_some(state)
    }

    /// The same as text.
    pub(super) fn written(&self) -> String {
        let state = Self {
            version: VERSION,
            files: self.files.clone(),
        };
        // Strings and numbers have a form in JSON.
        serde_json::to_string(&state).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_reads_as_it_was_written_and_nonsense_is_none() {
        let known = |stand| Known {
            changed: 1,
            size: 2,
            hash: "ab".to_owned(),
            identity: "path:a".to_owned(),
            expires: None,
            stand,
        };
        let files = [
            Stand::Article,
            Stand::KeptBack,
            Stand::TakenBack(5),
            Stand::Vanished(6),
            Stand::Gone(7),
        ];
        let files = files
            .into_iter()
            .map(|stand| (format!("{stand:?}"), known(stand)));
        let state = State {
            version: VERSION,
            files: files.collect(),
        };
        assert_eq!(State::read(Some(&state.written())), Some(state));
        for text in [
            "",
            "{}",
            "[]",
            "{\"v\":99,\"f\":{}}",
            "{\"v\":1,\"f\":{\"a\":{}}}",
        ] {
            assert_eq!(State::read(Some(text)), None, "{text}");
        }
    }
}
