//! RSS, Atom and JSON Feed, as they are and as they should be.
//!
//! Every document goes through [`repair`](super::repair) first; feed-rs reads what comes out,
//! off the async threads and inside a panic guard; `entry` makes articles of what it read and
//! `hints` what the server and the feed say about asking again. Identity is ours: feed-rs
//! invents ids for entries without one, and the invented id changes with a corrected title.

mod dates;
mod entry;
mod hints;
mod home;
mod parse;
mod pushed;
#[cfg(test)]
mod tests;

use serde::Deserialize;
use url::Url;

pub(super) use entry::language_tag;
pub(super) use hints::of_answer as hints_of;

use super::{BoxFuture, Document, Kind, Memory, PollError, Polled, Source};
use crate::config::{Problem, SourceConfig};
use crate::domain::{Entry, UnixMillis};
use crate::net::{Client, Conditions, Fetched, Limits};

/// The kind `feed`.
pub const KIND: Kind = Kind {
    name: "feed",
    summary: "an RSS, Atom or JSON feed, polled with conditional requests",
    open,
};

const ACCEPT: &str = "application/rss+xml, application/atom+xml, application/feed+json, \
    application/xml;q=0.9, text/xml;q=0.9, application/json;q=0.8, */*;q=0.5";

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FeedSettings {
    url: String,
}

/// A feed at an address.
#[derive(Debug)]
pub struct Feed {
    url: Url,
}

fn open(config: &SourceConfig) -> Result<Box<dyn Source>, Vec<Problem>> {
    let settings: FeedSettings = config.settings.parse()?;
    let help = "give the feed's full address, like https://news.example.org/feed/";
    let url = configured(config, &settings.url, help)?;
    Ok(Box::new(Feed { url }))
}

/// The address that a source's table names as its `url`.
pub(super) fn configured(
    config: &SourceConfig,
    url: &str,
    help: &str,
) -> Result<Url, Vec<Problem>> {
    let problem = |message| {
        config
            .settings
            .problem("url", message, Some(help.to_owned()))
    };
    web_url(url).map_err(|message| vec![problem(message)])
}

/// A web address that is fetched without a login in it, as people copy it: `feed:` and `feed://`
/// are links for feed readers and mean the web address behind them.
pub(super) fn web_url(text: &str) -> Result<Url, String> {
    let text = text.trim();
    if text.contains('\\') {
        return Err(format!(
            "`{text}` has a backslash in it; addresses have `/`"
        ));
    }
    let web = match text.strip_prefix("feed:") {
        Some(rest) if rest.starts_with("//") => format!("https:{rest}"),
        Some(rest) => rest.to_owned(),
        None => text.to_owned(),
    };
    let mut url = Url::parse(&web).map_err(|e| format!("`{text}` is no address: {e}"))?;
    if !matches!(url.scheme(), "http" | "https") {
        return Err(format!("`{text}` is no web address"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("a user name or password in the address is not supported".to_owned());
    }
    url.set_fragment(None);
    Ok(url)
}

impl Feed {
    /// A feed at `url`.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self { url }
    }

    /// The feed's document; with the feed's own address when it was found behind a page.
    async fn fetch(
        &self,
        memory: &Memory,
        client: &Client,
    ) -> Result<(Fetched, Option<Url>), PollError> {
        let moved = memory.url_override.as_deref().and_then(|u| web_url(u).ok());
        let found = home::remembered(memory, &self.url);
        let url = moved.as_ref().or(found.as_ref()).unwrap_or(&self.url);
        let conditions = Conditions {
            etag: memory.etag.clone(),
            last_modified: memory.last_modified.clone(),
            accept: Some(ACCEPT),
        };
        let fetched = match client.get(url, &conditions, &Limits::default()).await {
            // A feed that was found behind a home page may be elsewhere by now.
            Err(error) if found.is_some() && matches!(error.status(), Some(404 | 410)) => {
                let anew = Conditions {
                    accept: Some(ACCEPT),
                    ..Conditions::default()
                };
                client.get(&self.url, &anew, &Limits::default()).await?
            }
            fetched => fetched?,
        };
        home::feed_behind(fetched, client).await
    }

    async fn read(&self, memory: &Memory, client: &Client) -> Result<Polled, PollError> {
        let (fetched, behind) = self.fetch(memory, client).await?;
        let mut polled = Polled {
            not_modified: fetched.not_modified,
            etag: fetched.etag.clone(),
            last_modified: fetched.last_modified.clone(),
            bytes: fetched.body.len(),
            status: fetched.status,
            retry_after: fetched.retry_after,
            hints: hints::of_answer(&fetched),
            // Where a home page has moved is not where its feed is.
            moved_to: fetched
                .permanent_redirect
                .as_ref()
                .filter(|_| behind.is_none())
                .map(Url::to_string),
            state: behind
                .as_ref()
                .and_then(|feed| home::to_remember(feed, &self.url)),
            ..Polled::default()
        };
        if fetched.not_modified {
            // RFC 9111 §4.3.4: a 304 renews what it names and leaves the rest.
            polled.etag = polled.etag.or_else(|| memory.etag.clone());
            polled.last_modified = polled
                .last_modified
                .or_else(|| memory.last_modified.clone());
            return Ok(polled);
        }
        let at = fetched.final_url.clone();
        let headers = fetched.headers.clone();
        // A parser of strangers' input may panic; the task is its guard beside catch_unwind.
        let parsed = tokio::task::spawn_blocking(move || parse_fetched(&fetched))
            .await
            .map_err(|_| PollError::new(format!("{at}: the feed's parser broke down on it")))?
            .map_err(|why| PollError::new(format!("{at}: {why}")))?;
        if parsed.is_wordpress {
            polled.etag = polled.etag.map(strong);
        }
        polled.hints = hints::with_feeds(polled.hints, &parsed.facts);
        polled.hubs = hints::hubs(&headers, &parsed.facts, &at);
        polled.withdrawn = hints::withdrawn(&parsed.facts);
        polled.entries = parsed.entries;
        polled.feed_language = parsed.language;
        polled.notes = parsed.notes;
        polled.shared_guids = parsed.shared_guids;
        if let Some(feed) = behind {
            polled.notes.push(format!(
                "`url` is a web page; its feed is at {feed}, and that is read: write that address \
                 into the configuration"
            ));
        }
        Ok(polled)
    }
}

/// The articles of a document, if it is a feed, and their language.
pub(super) fn examine(fetched: &Fetched) -> Result<(Vec<Entry>, Option<String>), String> {
    let parsed = parse_fetched(fetched)?;
    Ok((parsed.entries, parsed.language))
}

fn parse_fetched(fetched: &Fetched) -> Result<parse::Parsed, String> {
    parse::parse(
        &fetched.body,
        fetched.content_type.as_deref(),
        &fetched.final_url,
    )
}

/// The instant that a date in a feed means, if it can be told; a date that can be read in two
/// ways is none.
#[must_use]
pub fn instant(text: &str) -> Option<UnixMillis> {
    dates::parse(text)
}

/// WordPress compares validators letter by letter (class-wp.php, `send_headers`), so the weak
/// form that a proxy on the way makes of its own would never match again.
fn strong(etag: String) -> String {
    match etag.strip_prefix("W/") {
        Some(strong) => strong.to_owned(),
        None => etag,
    }
}

impl Source for Feed {
    fn poll<'a>(
        &'a self,
        memory: &'a Memory,
        client: &'a Client,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        Box::pin(self.read(memory, client))
    }

    fn url(&self) -> Option<&Url> {
        Some(&self.url)
    }

    fn read_pushed(&self, document: Document) -> BoxFuture<'_, Result<Option<Polled>, PollError>> {
        Box::pin(async { pushed::read(document, self.url.clone()).await.map(Some) })
    }
}
