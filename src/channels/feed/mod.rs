//! Feeds: one [`FeedDoc`] written as RSS 2.0, Atom 1.0 and JSON Feed 1.1.
//!
//! Readers forgive nothing: a single control character makes a feed no XML at all, and an item
//! whose id changes is news to everybody once more. So the three writers share one door
//! ([`text`]) through which only legal characters and percent-encoded addresses pass, and an
//! item's id is made once of what never changes. The writers are pure and their output depends
//! on the document alone: the same articles give the same bytes, which is what keeps
//! conditional requests working. Storage, HTTP and the clock are left to others.

mod atom;
mod export;
mod json;
mod rss;
mod settings;
pub mod text;
mod xml;

#[cfg(test)]
mod strict;
#[cfg(test)]
mod tests;

pub use atom::atom;
pub use export::{ExportError, export};
pub use json::json;
pub use rss::rss;
pub use settings::{FeedSettings, fresh_for};

use std::time::Duration;

use crate::config::{ChannelConfig, Server, Site};
use crate::domain::{Article, Image, UnixMillis};

/// The word for this kind in the configuration.
pub const KIND: &str = "feed";

/// What a feed channel is, for listings.
pub const SUMMARY: &str = "RSS, Atom and JSON Feed, served and written as files";

/// The three formats, in the order people know them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// RSS 2.0 (rssboard.org/rss-specification).
    Rss,
    /// Atom 1.0 (RFC 4287).
    Atom,
    /// JSON Feed 1.1 (jsonfeed.org/version/1.1).
    Json,
}

impl Format {
    /// Every format.
    pub const ALL: [Self; 3] = [Self::Rss, Self::Atom, Self::Json];

    /// The ending of a feed's address and file.
    #[must_use]
    pub fn extension(self) -> &'static str {
        match self {
            Self::Rss => "rss",
            Self::Atom => "atom",
            Self::Json => "json",
        }
    }

    /// The media type, with its charset where the format is XML (RFC 7303 §8.1).
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Rss => "application/rss+xml; charset=utf-8",
            Self::Atom => "application/atom+xml; charset=utf-8",
            Self::Json => "application/feed+json",
        }
    }

    /// Writes `doc` in this format.
    #[must_use]
    pub fn write(self, doc: &FeedDoc) -> Vec<u8> {
        match self {
            Self::Rss => rss(doc),
            Self::Atom => atom(doc),
            Self::Json => json(doc),
        }
    }
}

/// Where the three forms of a feed are served: the addresses they name as their own.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SelfUrls {
    /// The RSS form.
    pub rss: String,
    /// The Atom form; also the feed's `id` there (RFC 4287 §4.2.6).
    pub atom: String,
    /// The JSON form.
    pub json: String,
}

impl SelfUrls {
    /// The addresses of `channel`'s feeds under `base_url`, whose path may or may not end in a
    /// slash.
    #[must_use]
    pub fn of(base_url: &str, channel: &str) -> Self {
        let base = base_url.trim_end_matches('/');
        let url = |f: Format| format!("{base}/feeds/{channel}.{}", f.extension());
        Self {
            rss: url(Format::Rss),
            atom: url(Format::Atom),
            json: url(Format::Json),
        }
    }

    /// The address of one form.
    #[must_use]
    pub fn get(&self, format: Format) -> &str {
        match format {
            Format::Rss => &self.rss,
            Format::Atom => &self.atom,
            Format::Json => &self.json,
        }
    }
}

/// A feed before it has a format.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedDoc {
    /// The feed's name, plain text.
    pub title: String,
    /// The page it belongs to.
    pub home_url: String,
    /// Its own addresses.
    pub self_urls: SelfUrls,
    /// What it is about, plain text.
    pub description: String,
    /// BCP 47 tag of the feed.
    pub language: String,
    /// How long a reader may keep it before asking again; `ttl` in RSS, and the same in
    /// `Cache-Control` where it is served.
    pub fresh_for: Duration,
    /// The articles, newest first.
    pub items: Vec<FeedItem>,
    /// Articles that it had and that were withdrawn, the last first.
    pub withdrawn: Vec<Tombstone>,
}

/// What is left of an article that was withdrawn (RFC 6721).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tombstone {
    /// The id it had.
    pub id: String,
    /// When it was withdrawn.
    pub at: UnixMillis,
}

impl FeedDoc {
    /// The feed of a configured channel with these articles, newest first.
    #[must_use]
    pub fn of(channel: &ChannelConfig, site: &Site, server: &Server, articles: &[Article]) -> Self {
        Self {
            title: channel.title.clone(),
            home_url: site.url.to_string(),
            self_urls: SelfUrls::of(server.base_url.as_str(), &channel.id),
            description: channel.description.clone(),
            language: site.language.clone(),
            fresh_for: fresh_for(channel),
            items: articles.iter().map(FeedItem::of).collect(),
            withdrawn: Vec::new(),
        }
    }

    /// When the newest change in it happened; 1970 when it is empty.
    #[must_use]
    pub fn updated(&self) -> UnixMillis {
        self.items
            .iter()
            .map(FeedItem::last_change)
            .max()
            .unwrap_or_default()
    }
}

/// One article in a feed.
#[derive(Debug, Clone, PartialEq)]
pub struct FeedItem {
    /// Its name for ever; see [`item_id`].
    pub id: String,
    /// The article's page.
    pub url: String,
    /// Plain text, one line.
    pub title: String,
    /// Plain text.
    pub summary: String,
    /// Cleaned HTML with absolute links.
    pub content_html: String,
    /// Names of the people who wrote it.
    pub authors: Vec<String>,
    /// Topics.
    pub topics: Vec<String>,
    /// The lead picture.
    pub image: Option<Image>,
    /// BCP 47 tag.
    pub language: String,
    /// When it was published.
    pub published: UnixMillis,
    /// When it was last changed.
    pub updated: UnixMillis,
}

impl FeedItem {
    /// An article as a feed shows it.
    #[must_use]
    pub fn of(article: &Article) -> Self {
        let r = &article.revision;
        Self {
            id: item_id(article),
            url: r.url.clone(),
            title: r.title.clone(),
            summary: r.summary.clone(),
            content_html: r.content_html.clone(),
            authors: r.authors.clone(),
            topics: r.topics.clone(),
            image: r.image.clone(),
            language: r.language.clone(),
            published: r.published,
            updated: r.updated,
        }
    }

    /// `updated`, never before `published`: sources mix them up.
    fn last_change(&self) -> UnixMillis {
        self.updated.max(self.published)
    }
}

/// The id of an article in every feed: a `urn:uuid` (RFC 9562 §5.8, version 8) over its source,
/// its number and the millisecond it was first seen.
///
/// None of these changes with a correction, a new address of the article or a move of the
/// server to another host, and a `tag:` or `https:` id would carry the host. Two installations
/// do not meet in the same millisecond of the same source and number.
#[must_use]
pub fn item_id(article: &Article) -> String {
    let seed = format!(
        "courant article\n{}\n{}\n{}",
        article.source, article.id, article.first_seen.0
    );
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, seed.as_bytes());
    let mut uuid = [0; 16];
    uuid.copy_from_slice(&digest.as_ref()[..16]);
    uuid[6] = (uuid[6] & 0x0f) | 0x80; // version 8: made by a rule of one's own
    uuid[8] = (uuid[8] & 0x3f) | 0x80; // variant of RFC 9562
    let hex = data_encoding::HEXLOWER.encode(&uuid);
    format!(
        "urn:uuid:{}-{}-{}-{}-{}",
        &hex[..8],
        &hex[8..12],
        &hex[12..16],
        &hex[16..20],
        &hex[20..]
    )
}
