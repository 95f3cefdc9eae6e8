//! News sitemaps: the newest articles of a site by title, address, date and language, without
//! their text, which is on their pages.
//!
//! A plain sitemap is the weaker form: addresses with the day of their last change. An index
//! leads to other sitemaps, the newest first; which of them have not changed since the last
//! poll is remembered, and they are not fetched again.

mod index;
mod read;

use std::collections::HashSet;

use serde::Deserialize;
use url::Url;

use self::index::{ACCEPT, Collected, Remembered, collect, limits, newest_first, text, with_base};
use self::read::Page;
use super::feed::{configured, hints_of, instant, language_tag, web_url};
use super::{BoxFuture, Kind, Memory, PollError, Polled, Source};
use crate::config::{Problem, SourceConfig};
use crate::domain::{Entry, Image, UnixMillis, keys_of};
use crate::html;
use crate::net::{Client, Conditions};

/// The kind `sitemap`.
pub const KIND: Kind = Kind {
    name: "sitemap",
    summary: "a news sitemap: titles, links and dates, whose text is read from the pages",
    open,
};

/// Articles of one poll, the newest.
const MOST_ENTRIES: usize = 10_000;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SitemapSettings {
    url: String,
}

/// A sitemap at an address.
#[derive(Debug)]
pub struct NewsSitemap {
    url: Url,
}

fn open(config: &SourceConfig) -> Result<Box<dyn Source>, Vec<Problem>> {
    let settings: SitemapSettings = config.settings.parse()?;
    let help = "give the sitemap's full address, like https://news.example.org/news-sitemap.xml";
    let url = configured(config, &settings.url, help)?;
    Ok(Box::new(NewsSitemap { url }))
}

impl NewsSitemap {
    /// A sitemap at `url`.
    #[must_use]
    pub fn new(url: Url) -> Self {
        Self { url }
    }

    async fn read(&self, memory: &Memory, client: &Client) -> Result<Polled, PollError> {
        let moved = memory.url_override.as_deref().and_then(|u| web_url(u).ok());
        let url = moved.as_ref().unwrap_or(&self.url);
        let before: Remembered = memory
            .state
            .as_deref()
            .filter(|_| !memory.full)
            .and_then(|state| serde_json::from_str(state).ok())
            .unwrap_or_default();
        let mut conditions = Conditions {
            accept: Some(ACCEPT),
            ..Conditions::default()
        };
        if !before.is_index {
            conditions.etag.clone_from(&memory.etag);
            conditions.last_modified.clone_from(&memory.last_modified);
        }
        let fetched = client.get(url, &conditions, &limits()).await?;
        let mut polled = Polled {
            not_modified: fetched.not_modified,
            etag: fetched
                .etag
                .clone()
                .or_else(|| memory.etag.clone().filter(|_| fetched.not_modified)),
            last_modified: fetched.last_modified.clone().or_else(|| {
                memory
                    .last_modified
                    .clone()
                    .filter(|_| fetched.not_modified)
            }),
            status: fetched.status,
            moved_to: fetched.permanent_redirect.as_ref().map(Url::to_string),
            hints: hints_of(&fetched),
            retry_after: fetched.retry_after,
            ..Polled::default()
        };
        if fetched.not_modified {
            return Ok(polled);
        }
        let collected = collect(fetched, &before, client).await?;
        polled.bytes = collected.bytes;
        polled.notes = collected.notes;
        polled.retry_after = polled.retry_after.max(collected.retry_after);
        polled.only_changes = collected.remembered.is_index;
        let state = serde_json::to_string(&collected.remembered);
        polled.state = state.ok().filter(|_| collected.remembered != before);
        polled.entries = entries(collected.pages, &mut polled.notes);
        Ok(polled)
    }
}

/// Reads one document as far as discovery wants to know: its newest pages as entries, and
/// whether it is a news sitemap; for an index the addresses it names, news first.
pub(super) fn examine(body: Vec<u8>, at: &Url) -> Result<Examined, String> {
    let sitemap = read::read(&text(body, None, at)?)?;
    let is_news = sitemap.urls.iter().any(|page| page.news.is_some());
    let mut collected = Collected::default();
    let children = newest_first(with_base(at, sitemap, &mut collected));
    Ok(Examined {
        entries: entries(collected.pages, &mut collected.notes),
        is_news,
        children: children.into_iter().map(|(_, url)| url).collect(),
    })
}

/// What one document holds.
#[derive(Debug)]
pub(super) struct Examined {
    pub(super) entries: Vec<Entry>,
    pub(super) is_news: bool,
    pub(super) children: Vec<Url>,
}

/// The pages as articles, newest first, each once. Where some are news, only those are.
fn entries(mut pages: Vec<(Page, Url)>, notes: &mut Vec<String>) -> Vec<Entry> {
    if pages.iter().any(|(page, _)| page.news.is_some()) {
        pages.retain(|(page, _)| page.news.is_some());
    }
    let mut entries: Vec<Entry> = pages.iter().map(|(page, url)| entry(page, url)).collect();
    entries.sort_by_key(|entry| std::cmp::Reverse(entry.published.or(entry.updated)));
    let mut seen = HashSet::new();
    entries.retain(|entry| {
        entry
            .keys
            .first()
            .is_some_and(|key| seen.insert(key.clone()))
    });
    if entries.len() > MOST_ENTRIES {
        notes.push(format!(
            "the sitemap names more than {MOST_ENTRIES} pages; the newest are read"
        ));
        entries.truncate(MOST_ENTRIES);
    }
    entries
}

fn entry(page: &Page, url: &Url) -> Entry {
    let news = page.news.clone().unwrap_or_default();
    let updated = instant(&page.lastmod);
    let published = instant(&news.date);
    let title_is_guessed = news.title.is_empty();
    let title = if title_is_guessed {
        named_by_address(url)
    } else {
        news.title
    };
    let day = published
        .or(updated)
        .map(|at: UnixMillis| at.to_string()[..10].to_owned());
    let image = url
        .join(&page.image)
        .ok()
        .filter(|_| !page.image.is_empty());
    let topics = news.keywords.split([',', '،']).map(str::trim);
    Entry {
        keys: keys_of(None, Some(url.as_str()), &title, &day.unwrap_or_default()),
        url: Some(url.to_string()),
        // The reader has decoded its entities: it is text.
        title: html::escape_text(&title),
        title_is_guessed,
        topics: topics
            .filter(|t| !t.is_empty())
            .take(50)
            .map(str::to_owned)
            .collect(),
        image: image.map(|url| Image {
            url: url.into(),
            alt: String::new(),
        }),
        language: language_tag(&news.language),
        published: published.or(updated),
        updated,
        ..Entry::default()
    }
}

/// What a page is called until it has been read: the last words of its address.
fn named_by_address(url: &Url) -> String {
    let mut segments = url.path_segments().into_iter().flatten();
    let last = segments.rfind(|part| !part.is_empty());
    let last = last.unwrap_or_else(|| url.host_str().unwrap_or_default());
    let stem = last.rsplit_once('.').map_or(last, |(stem, _)| stem);
    let words = percent_decoded(stem).replace(['-', '_', '+'], " ");
    let mut chars = words.trim().chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars).collect())
        .unwrap_or_default()
}

fn percent_decoded(text: &str) -> String {
    // A form's value is decoded as an address's part is, save that `+` is a space.
    let pair = format!("x={}", text.replace('+', "%2B").replace('&', "%26"));
    let decoded = url::form_urlencoded::parse(pair.as_bytes()).next();
    decoded
        .map(|(_, value)| value.into_owned())
        .unwrap_or_default()
}

impl Source for NewsSitemap {
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
}
