//! News sitemaps: the newest articles of a site by title, address, date and language, without
//! their text, which is on their pages.
//!
//! A plain sitemap is the weaker form: addresses with the day of their last change. An index
//! leads to other sitemaps, the newest first; which of them have not changed since the last
//! poll is remembered, and they are not fetched again.

mod read;

use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use url::Url;

use self::read::{Child, Page, Sitemap};
use super::feed::{instant, language_tag, web_url};
use super::repair::repair;
use super::{BoxFuture, Kind, Memory, PollError, Polled, Source};
use crate::config::{Problem, SourceConfig};
use crate::domain::{Entry, Image, UnixMillis, keys_of};
use crate::html;
use crate::net::{Client, Conditions, Fetched, Limits};

/// The kind `sitemap`.
pub const KIND: Kind = Kind {
    name: "sitemap",
    summary: "a news sitemap: titles, links and dates, whose text is read from the pages",
    open,
};

const ACCEPT: &str = "application/xml, text/xml;q=0.9, application/gzip;q=0.8, */*;q=0.5";
/// Bytes of one document, unpacked.
const LARGEST: usize = 32 * 1024 * 1024;
/// Sitemaps of an index that are read.
const MOST_CHILDREN: usize = 50;
/// Levels of indexes.
const DEEPEST: usize = 2;
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
    match web_url(&settings.url) {
        Ok(url) => Ok(Box::new(NewsSitemap { url })),
        Err(message) => {
            let help =
                "give the sitemap's full address, like https://news.example.org/news-sitemap.xml";
            Err(vec![config.settings.problem(
                "url",
                message,
                Some(help.to_owned()),
            )])
        }
    }
}

/// What is remembered between two polls.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Remembered {
    /// Whether the document is an index: then its own validators say nothing of what it leads to.
    #[serde(default)]
    is_index: bool,
    /// The `lastmod` of each sitemap that was read.
    #[serde(default)]
    children: BTreeMap<String, String>,
}

/// What a set of sitemaps held.
#[derive(Debug, Default)]
struct Collected {
    pages: Vec<(Page, Url)>,
    notes: Vec<String>,
    bytes: usize,
    remembered: Remembered,
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
            ..Polled::default()
        };
        if fetched.not_modified {
            return Ok(polled);
        }
        let collected = collect(fetched, &before, client).await?;
        polled.bytes = collected.bytes;
        polled.notes = collected.notes;
        let state = serde_json::to_string(&collected.remembered);
        polled.state = state.ok().filter(|_| collected.remembered != before);
        polled.entries = entries(collected.pages, &mut polled.notes);
        Ok(polled)
    }
}

fn limits() -> Limits {
    Limits {
        bytes: LARGEST,
        ..Limits::default()
    }
}

/// Reads the document that was fetched, and what it leads to.
async fn collect(
    fetched: Fetched,
    before: &Remembered,
    client: &Client,
) -> Result<Collected, PollError> {
    let mut collected = Collected::default();
    let at = fetched.final_url.clone();
    let top = parsed(fetched, &mut collected).await?;
    collected.remembered.is_index = !top.sitemaps.is_empty();
    let mut left = MOST_CHILDREN;
    let mut level: Vec<(Child, Url)> = with_base(&at, top, &mut collected);
    for _ in 0..DEEPEST {
        let mut below = Vec::new();
        for (child, url) in newest_first(std::mem::take(&mut level)) {
            if left == 0 {
                collected.notes.push(format!(
                    "the index names more than {MOST_CHILDREN} sitemaps; the newest were read"
                ));
                return Ok(collected);
            }
            let is_known = !child.lastmod.is_empty()
                && before.children.get(url.as_str()) == Some(&child.lastmod);
            left -= 1;
            if is_known {
                collected
                    .remembered
                    .children
                    .insert(url.into(), child.lastmod);
                continue;
            }
            let conditions = Conditions {
                accept: Some(ACCEPT),
                ..Conditions::default()
            };
            // One sitemap's trouble is its own; it is read again next time.
            let read = match client.get(&url, &conditions, &limits()).await {
                Ok(fetched) => parsed(fetched, &mut collected).await,
                Err(error) => Err(error.into()),
            };
            match read {
                Ok(sitemap) => {
                    below.extend(with_base(&url, sitemap, &mut collected));
                    collected
                        .remembered
                        .children
                        .insert(url.into(), child.lastmod);
                }
                Err(error) => collected.notes.push(error.message),
            }
        }
        level = below;
    }
    if !level.is_empty() {
        let note = format!("indexes below more than {DEEPEST} indexes were not read");
        collected.notes.push(note);
    }
    Ok(collected)
}

/// Keeps a document's pages and answers the sitemaps it leads to.
fn with_base(at: &Url, sitemap: Sitemap, collected: &mut Collected) -> Vec<(Child, Url)> {
    if sitemap.is_cut {
        let note = format!("{at} breaks off or names more pages than a sitemap may");
        collected.notes.push(note);
    }
    let pages = sitemap.urls.into_iter().filter_map(|page| {
        let url = at.join(&page.loc).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 2000;
        is_web.then_some((page, url))
    });
    collected.pages.extend(pages);
    let children = sitemap.sitemaps.into_iter();
    children
        .filter_map(|child| {
            let url = at.join(&child.loc).ok()?;
            Some((child, url))
        })
        .collect()
}

/// The sitemaps of an index that are worth reading first: news, then the last changed.
fn newest_first(mut children: Vec<(Child, Url)>) -> Vec<(Child, Url)> {
    children.sort_by_key(|(child, url)| {
        let is_news = url.path().contains("news");
        std::cmp::Reverse((is_news, instant(&child.lastmod)))
    });
    let mut seen = HashSet::new();
    children.retain(|(_, url)| seen.insert(url.clone()));
    children
}

/// Unpacks and reads a document, off the async threads.
async fn parsed(fetched: Fetched, collected: &mut Collected) -> Result<Sitemap, PollError> {
    let at = fetched.final_url.clone();
    let work = move || {
        let text = text(
            fetched.body,
            fetched.content_type.as_deref(),
            &fetched.final_url,
        )?;
        Ok::<_, String>((text.len(), read::read(&text)?))
    };
    let (bytes, sitemap) = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| PollError::new(format!("{at}: the sitemap's reader broke down on it")))?
        .map_err(|why| PollError::new(format!("{at}: {why}")))?;
    collected.bytes += bytes;
    Ok(sitemap)
}

/// A document as well-formed text; a `.gz` file is unpacked as far as its bound.
fn text(body: Vec<u8>, content_type: Option<&str>, at: &Url) -> Result<String, String> {
    let bytes = if body.starts_with(&[0x1f, 0x8b]) {
        let mut unpacked = Vec::new();
        let most = LARGEST as u64 + 1;
        MultiGzDecoder::new(body.as_slice())
            .take(most)
            .read_to_end(&mut unpacked)
            .map_err(|error| format!("the packed file is broken: {error}"))?;
        if unpacked.len() > LARGEST {
            return Err(format!("the packed file holds more than {LARGEST} bytes"));
        }
        unpacked
    } else {
        body
    };
    Ok(repair(&bytes, content_type, at).text)
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
        let all = entries.len();
        notes.push(format!(
            "the sitemap names {all} pages; the {MOST_ENTRIES} newest are read"
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
