//! A feed channel's own keys.

use std::path::PathBuf;

/// `items` and `export` of a `[channels.…]` table whose kind is `feed`.
#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FeedSettings {
    /// How many articles the feed holds, newest first.
    pub items: u32,
    /// The directory the three files are written into as well, relative to the configuration.
    pub export: Option<PathBuf>,
}

impl Default for FeedSettings {
    fn default() -> Self {
        Self {
            items: 50,
            export: None,
        }
    }
}
