//! Where articles come from: one file or folder per kind.
//!
//! A source is asked with what it said last time ([`Memory`]) and answers with uniform
//! [`Entry`]s ([`Polled`]) or with why it could not ([`PollError`]). It keeps nothing and
//! knows no database; `pipeline::ingest` decides what is new. Adding a kind is one file and
//! one line in [`KINDS`].

pub mod discover;
pub mod feed;
pub mod folder;
mod links;
mod names;
pub mod page;
pub mod push;
pub mod repair;
pub mod sitemap;
pub mod wordpress;

use std::future::Future;
use std::pin::Pin;
use std::time::Duration;

use url::Url;

use crate::config::{Problem, Secret, SourceConfig, alternatives, nearest};
use crate::domain::{Entry, IdentityKey};
use crate::net;

/// The version of our reading. A change makes every source be read anew once, whether it has
/// changed or not: raise it when a reader finds more, or other, articles in the same document.
pub const READING: &str = "2";

/// A future that can be kept in a trait object.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Makes a source of its table, or says all that is wrong with the table.
pub type Open = fn(&SourceConfig) -> Result<Box<dyn Source>, Vec<Problem>>;

/// A kind of source.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// Its name in the configuration.
    pub name: &'static str,
    /// One line for help texts and documentation.
    pub summary: &'static str,
    /// Makes one of its table.
    pub open: Open,
}

/// Every kind of source there is.
pub const KINDS: &[Kind] = &[
    feed::KIND,
    wordpress::KIND,
    sitemap::KIND,
    folder::KIND,
    push::KIND,
];

/// Makes the source that a `[sources.ID]` table describes.
///
/// # Errors
/// All problems of the table's own keys, or that there is no such kind.
pub fn open(config: &SourceConfig) -> Result<Box<dyn Source>, Vec<Problem>> {
    if let Some(kind) = KINDS.iter().find(|kind| kind.name == config.kind) {
        let keys = [
            ("push_token", &config.push_token),
            ("push_secret", &config.push_secret),
        ];
        let guessable = push::guessable(config, &keys);
        let opened = (kind.open)(config);
        return match opened {
            Ok(_) if !guessable.is_empty() => Err(guessable),
            opened => opened,
        };
    }
    let names = || KINDS.iter().map(|kind| kind.name);
    let help = match nearest(&config.kind, names()) {
        _ if ["rss", "atom", "json", "jsonfeed", "rdf"].contains(&config.kind.as_str()) => {
            format!(
                "write `{}`, which reads RSS, Atom and JSON feeds",
                feed::KIND.name
            )
        }
        Some(name) => format!("did you mean `{name}`?"),
        None => format!("use {}", alternatives(names())),
    };
    let message = format!("there is no kind of source named `{}`", config.kind);
    Err(vec![config.settings.problem("kind", message, Some(help))])
}

/// Something that articles come from.
pub trait Source: Send + Sync {
    /// Asks once.
    fn poll<'a>(
        &'a self,
        memory: &'a Memory,
        client: &'a net::Client,
    ) -> BoxFuture<'a, Result<Polled, PollError>>;

    /// Where it is fetched from; sources of one host are asked one after the other. `None` for
    /// what is not fetched.
    fn url(&self) -> Option<&Url>;

    /// Whether there is anything to poll; if not, what is new is pushed to us.
    fn is_polled(&self) -> bool {
        true
    }

    /// What a push must prove to know, where the kind has keys for that.
    fn push_keys(&self) -> Option<PushKeys<'_>> {
        None
    }

    /// Reads a document of this source that a hub sent us, as if it had been fetched; `None` for
    /// kinds whose documents say nothing without a question.
    fn read_pushed(&self, _document: Document) -> BoxFuture<'_, Result<Option<Polled>, PollError>> {
        Box::pin(async { Ok(None) })
    }
}

/// A document that was not fetched but sent to us.
#[derive(Debug, Clone)]
pub struct Document {
    /// Its bytes.
    pub body: Vec<u8>,
    /// `Content-Type`.
    pub content_type: Option<String>,
}

/// What a push may prove itself with: either is enough.
#[derive(Debug, Clone, Copy)]
pub struct PushKeys<'a> {
    /// Said in `Authorization: Bearer`.
    pub token: Option<&'a Secret>,
    /// Signs the body, in `X-Courant-Signature`.
    pub secret: Option<&'a Secret>,
}

impl<'a> PushKeys<'a> {
    /// Keys, where there is at least one.
    #[must_use]
    pub fn of(token: Option<&'a Secret>, secret: Option<&'a Secret>) -> Option<Self> {
        (token.is_some() || secret.is_some()).then_some(Self { token, secret })
    }
}

/// What a source said last time.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Memory {
    /// [`Polled::etag`] of the last answer.
    pub etag: Option<String>,
    /// [`Polled::last_modified`] of the last answer.
    pub last_modified: Option<String>,
    /// Where the source has moved for good; asked instead of the configured address.
    pub url_override: Option<String>,
    /// [`Polled::state`] of the last answer.
    pub state: Option<String>,
    /// Everything is to be looked at again: there are no validators, and a source that asks for
    /// what changed since last time looks further back.
    pub full: bool,
}

/// What a source answered.
#[derive(Debug, Clone, Default)]
pub struct Polled {
    /// Its articles in the order of the document, without repetitions. Empty for
    /// `not_modified`. An article that is not among them has not been withdrawn.
    pub entries: Vec<Entry>,
    /// Whether it said that nothing has changed since the last answer.
    pub not_modified: bool,
    /// The validator to send next time.
    pub etag: Option<String>,
    /// The date to send next time.
    pub last_modified: Option<String>,
    /// The size of the document, decompressed.
    pub bytes: usize,
    /// The HTTP status, 0 for sources that are not fetched.
    pub status: u16,
    /// The language of the whole, BCP 47; entries have it already where they named none.
    pub feed_language: Option<String>,
    /// Where it has moved for good (301 or 308), if it has.
    pub moved_to: Option<String>,
    /// What was odd and had to be mended, in sentences for the people who own the source.
    pub notes: Vec<String>,
    /// What the adapter wants to know next time, in words of its own; kept as it is. `None`
    /// keeps what was kept before.
    pub state: Option<String>,
    /// Whether `state` keeps these articles out of the next answer: only with the state that was
    /// before do they come again.
    pub only_changes: bool,
    /// How often the server wants to be asked.
    pub hints: Hints,
    /// How long this answer asked us to stay away; holds once, whatever else is said.
    pub retry_after: Option<Duration>,
    /// Articles that the source says have been withdrawn.
    pub withdrawn: Vec<Withdrawal>,
    /// WebSub hubs that tell of changes (W3C WebSub §4), and what they call the source.
    pub hubs: Hubs,
    /// Whether several articles had one and the same guid, which was taken from them.
    pub shared_guids: bool,
}

/// When a source wants to be asked again; kept over answers that say nothing of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Hints {
    /// The longest of what it names: RSS `ttl`, `sy:updatePeriod`, `max-age`, `Expires`.
    pub pause: Option<Duration>,
    /// Hours of the day in UTC in which it has nothing new, bit 0 for midnight (RSS `skipHours`).
    pub skip_hours: u32,
    /// Days on which it has nothing new, bit 0 for Monday (RSS `skipDays`).
    pub skip_days: u8,
}

/// An article that its source took back. It may come twice or by mistake; it is confirmed
/// before anything is done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Withdrawal {
    /// Its names.
    pub keys: Vec<IdentityKey>,
    /// How we know, in words for an operator.
    pub why: String,
}

/// Where a source can be subscribed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Hubs {
    /// Addresses of hubs, as the source orders them.
    pub hubs: Vec<String>,
    /// `rel=self`: what the hubs know it as.
    pub topic: Option<String>,
}

/// Why a source could not be read.
#[derive(Debug, Clone, thiserror::Error)]
#[error("{message}")]
pub struct PollError {
    /// What happened, where, and what can be done.
    pub message: String,
    /// How long the server asked us to stay away.
    pub retry_after: Option<Duration>,
    /// Whether it said that it is gone for good (410): stop asking, tell the operator.
    pub gone: bool,
    /// The HTTP status, where there was one.
    pub status: Option<u16>,
}

impl PollError {
    /// An error that is neither a wait nor a farewell.
    #[must_use]
    pub fn new(message: impl Into<String>) -> Self {
        Self {
            message: message.into(),
            retry_after: None,
            gone: false,
            status: None,
        }
    }
}

impl From<net::FetchError> for PollError {
    fn from(error: net::FetchError) -> Self {
        Self {
            message: error.to_string(),
            retry_after: error.retry_after(),
            gone: error.status() == Some(410),
            status: error.status(),
        }
    }
}
