//! A sitemap and, where it is an index, those that it leads to.

use std::collections::{BTreeMap, HashSet};
use std::io::Read as _;
use std::time::{Duration, Instant};

use flate2::read::MultiGzDecoder;
use serde::{Deserialize, Serialize};
use url::Url;

use super::MOST_ENTRIES;
use super::read::{self, Child, Page, Sitemap};
use crate::net::{Client, Conditions, Fetched, Limits};
use crate::sources::PollError;
use crate::sources::feed::instant;
use crate::sources::repair::repair;

pub(super) const ACCEPT: &str =
    "application/xml, text/xml;q=0.9, application/gzip;q=0.8, */*;q=0.5";
/// Bytes of one document, unpacked.
const LARGEST: usize = 32 * 1024 * 1024;
/// Sitemaps of an index that are read.
const MOST_CHILDREN: usize = 50;
/// After so long no further sitemap is read in a poll.
const LONGEST: Duration = Duration::from_secs(90);
/// Levels of indexes.
const DEEPEST: usize = 2;
/// Pages kept while the sitemaps of an index are read.
const MOST_PAGES: usize = 60_000;

/// What is remembered between two polls.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Remembered {
    /// Whether the document is an index: then its own validators say nothing of what it leads to.
    #[serde(default)]
    pub(super) is_index: bool,
    /// The `lastmod` of each sitemap that was read.
    #[serde(default)]
    pub(super) children: BTreeMap<String, String>,
}

/// What a set of sitemaps held.
#[derive(Debug, Default)]
pub(super) struct Collected {
    pub(super) pages: Vec<(Page, Url)>,
    pub(super) notes: Vec<String>,
    pub(super) bytes: usize,
    pub(super) remembered: Remembered,
    /// How long the host wants to be left alone.
    pub(super) retry_after: Option<Duration>,
    /// Whether it is not to be asked further in this poll.
    is_stopped: bool,
}

impl Collected {
    /// Forgets the oldest of very many pages, so that an index of millions takes no more memory
    /// than one document.
    fn trim(&mut self) {
        if self.pages.len() > MOST_PAGES {
            self.pages.sort_by_cached_key(|(page, _)| {
                let date = page.news.as_ref().map(|news| instant(&news.date));
                std::cmp::Reverse((date.is_some(), date.flatten().or(instant(&page.lastmod))))
            });
            self.pages.truncate(MOST_ENTRIES + 1);
        }
    }
}

pub(super) fn limits() -> Limits {
    Limits {
        bytes: LARGEST,
        ..Limits::default()
    }
}

/// Reads the document that was fetched, and what it leads to.
pub(super) async fn collect(
    fetched: Fetched,
    before: &Remembered,
    client: &Client,
) -> Result<Collected, PollError> {
    let mut collected = Collected::default();
    let at = fetched.final_url.clone();
    let top = parsed(fetched, &mut collected).await?;
    collected.remembered.is_index = !top.sitemaps.is_empty();
    let (began, mut waiting) = (Instant::now(), 0);
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
            left -= 1;
            let is_known = !child.lastmod.is_empty()
                && before.children.get(url.as_str()) == Some(&child.lastmod);
            let children = &mut collected.remembered.children;
            if is_known {
                children.insert(url.into(), child.lastmod);
                continue;
            }
            if collected.is_stopped || began.elapsed() > LONGEST {
                waiting += 1;
                continue;
            }
            if let Some(sitemap) = below_index(&url, &mut collected, client).await {
                below.extend(with_base(&url, sitemap, &mut collected));
                let children = &mut collected.remembered.children;
                children.insert(url.into(), child.lastmod);
            }
        }
        level = below;
    }
    if waiting > 0 {
        let note = format!("{waiting} sitemaps of the index are read in the next poll");
        collected.notes.push(note);
    }
    if !level.is_empty() {
        let note = format!("indexes below more than {DEEPEST} indexes were not read");
        collected.notes.push(note);
    }
    Ok(collected)
}

/// A sitemap that an index names. Its trouble is its own; it is read again next time.
async fn below_index(url: &Url, collected: &mut Collected, client: &Client) -> Option<Sitemap> {
    let conditions = Conditions {
        accept: Some(ACCEPT),
        ..Conditions::default()
    };
    let read = match client.get(url, &conditions, &limits()).await {
        Ok(fetched) => parsed(fetched, collected).await,
        Err(error) => Err(error.into()),
    };
    match read {
        Ok(sitemap) => Some(sitemap),
        Err(error) => {
            collected.is_stopped |= matches!(error.status, Some(429 | 503));
            collected.retry_after = collected.retry_after.max(error.retry_after);
            collected.notes.push(error.message);
            None
        }
    }
}

/// Keeps a document's pages and answers the sitemaps it leads to.
pub(super) fn with_base(
    at: &Url,
    sitemap: Sitemap,
    collected: &mut Collected,
) -> Vec<(Child, Url)> {
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
    collected.trim();
    let children = sitemap.sitemaps.into_iter();
    children
        .filter_map(|child| {
            let url = at.join(&child.loc).ok()?;
            Some((child, url))
        })
        .collect()
}

/// The sitemaps of an index that are worth reading first: news, then the last changed.
pub(super) fn newest_first(mut children: Vec<(Child, Url)>) -> Vec<(Child, Url)> {
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
pub(super) fn text(body: Vec<u8>, content_type: Option<&str>, at: &Url) -> Result<String, String> {
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
