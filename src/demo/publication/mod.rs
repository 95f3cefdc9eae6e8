//! The sample publication as a web site: what a small newspaper's WordPress serves, on a
//! local port.
//!
//! One feed a language (`/feed/`, `/ur/feed/`), article pages and pictures. A few articles
//! are there from the beginning; the others arrive when [`Publication::publish_next`] is
//! called, so that whoever watches sees news happen. Links and dates are made for the
//! address and the time it was started at.

mod feed;
mod pages;
#[cfg(test)]
mod tests;

use super::content::{self, ArticleText, Version};
use crate::domain::UnixMillis;
use std::sync::{Arc, PoisonError, RwLock};

/// Its name.
pub const NAME: &str = "Ravi Dispatch";
/// What it says of itself.
pub const TAGLINE: &str = "News from the river and the city, in English and Urdu";

/// A running sample publication; clones are the same one.
#[derive(Debug, Clone)]
pub struct Publication {
    site: Arc<Site>,
}

#[derive(Debug)]
struct Site {
    /// Address without a slash at the end.
    base: String,
    articles: Vec<ArticleText>,
    shelf: RwLock<Shelf>,
}

/// What has been published, in order.
#[derive(Debug)]
struct Shelf {
    published: Vec<Standing>,
    changed: UnixMillis,
}

/// A published article's place and times.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Standing {
    index: usize,
    dated: UnixMillis,
    modified: UnixMillis,
    version: Version,
}

/// An article that has just appeared or changed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Published {
    /// The title, as typed.
    pub title: String,
    /// The address of its page.
    pub url: String,
    /// BCP 47 tag.
    pub language: String,
}

impl Publication {
    /// A publication reached at `base` (`http://127.0.0.1:4080`), with the articles that were
    /// published before `now`.
    #[must_use]
    pub fn new(base: &str, now: UnixMillis) -> Self {
        let articles = content::articles();
        let published = articles
            .iter()
            .enumerate()
            .filter(|(_, article)| !article.age.is_zero())
            .map(|(index, article)| {
                let age = i64::try_from(article.age.as_millis()).unwrap_or(i64::MAX);
                let dated = now.plus_ms(-age);
                Standing {
                    index,
                    dated,
                    modified: dated,
                    version: Version::First,
                }
            })
            .collect();
        Self {
            site: Arc::new(Site {
                base: base.trim_end_matches('/').to_owned(),
                articles,
                shelf: RwLock::new(Shelf {
                    published,
                    changed: now,
                }),
            }),
        }
    }

    /// The address of the feed in English.
    #[must_use]
    pub fn feed_url(&self) -> String {
        format!("{}/feed/", self.site.base)
    }

    /// The address of the feed in Urdu.
    #[must_use]
    pub fn urdu_feed_url(&self) -> String {
        format!("{}/ur/feed/", self.site.base)
    }

    /// Publishes the next article; `None` when all are out.
    pub fn publish_next(&self, now: UnixMillis) -> Option<Published> {
        let mut shelf = self.site.write();
        let next = |index: &usize| !shelf.published.iter().any(|s| s.index == *index);
        let index = (0..self.site.articles.len()).find(next)?;
        let article = &self.site.articles[index];
        let older = i64::try_from(article.back_dated.as_millis()).unwrap_or(0);
        let standing = Standing {
            index,
            dated: now.plus_ms(-older),
            modified: now,
            version: Version::First,
        };
        shelf.published.push(standing);
        shelf.changed = now;
        Some(self.site.announce(standing))
    }

    /// How many articles are still to be published.
    #[must_use]
    pub fn remaining(&self) -> usize {
        self.site.articles.len() - self.site.read().published.len()
    }

    /// Corrects the published article that has a correction; `None` when it is not out yet
    /// or corrected already.
    pub fn correct(&self, now: UnixMillis) -> Option<Published> {
        let mut shelf = self.site.write();
        let standing = shelf.published.iter_mut().find(|standing| {
            standing.version == Version::First
                && self.site.articles[standing.index].has_correction()
        })?;
        standing.version = Version::Corrected;
        standing.modified = now;
        let standing = *standing;
        shelf.changed = now;
        Some(self.site.announce(standing))
    }

    /// The site's pages, feeds and pictures.
    pub fn router(&self) -> axum::Router {
        pages::router(Arc::clone(&self.site))
    }

    /// Serves the site on `listener` until the task is dropped.
    ///
    /// # Errors
    /// When the listener fails.
    pub async fn serve(self, listener: tokio::net::TcpListener) -> std::io::Result<()> {
        axum::serve(listener, self.router()).await
    }
}

impl Site {
    // A writer that panicked left a whole shelf behind: each change is one assignment.
    fn read(&self) -> std::sync::RwLockReadGuard<'_, Shelf> {
        self.shelf.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Shelf> {
        self.shelf.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn announce(&self, standing: Standing) -> Published {
        let article = &self.articles[standing.index];
        Published {
            title: article.title.to_owned(),
            url: self.url_of(standing),
            language: article.language.to_owned(),
        }
    }

    /// The page of an article, by WordPress's usual pattern of year, month and name.
    fn url_of(&self, standing: Standing) -> String {
        let month = standing.dated.timestamp().strftime("%Y/%m").to_string();
        let slug = self.articles[standing.index].slug;
        format!("{}/{month}/{slug}/", self.base)
    }

    /// What is published in `language`, newest date first, and when that last changed.
    fn newest(&self, language: Option<&str>) -> (Vec<Standing>, UnixMillis) {
        let shelf = self.read();
        let mut newest: Vec<_> = shelf
            .published
            .iter()
            .copied()
            .filter(|s| language.is_none_or(|l| self.articles[s.index].language == l))
            .collect();
        newest.sort_by_key(|s| std::cmp::Reverse((s.dated, s.index)));
        (newest, shelf.changed)
    }

    /// The article's body with its picture before it, as the feed and the page show it.
    fn body_of(&self, standing: Standing) -> String {
        let article = &self.articles[standing.index];
        let picture = article.picture.map_or_else(String::new, |picture| {
            let (width, height) = content::PICTURE_SIZE;
            format!(
                "<figure class=\"wp-block-image size-large\"><img decoding=\"async\" \
                 width=\"{width}\" height=\"{height}\" src=\"{}/pictures/{}.png\" alt=\"{}\" />\
                 </figure>\n",
                self.base,
                picture.name,
                escape(picture.alt)
            )
        });
        picture + &article.body(standing.version)
    }
}

/// Text made safe for XML and HTML.
fn escape(text: &str) -> std::borrow::Cow<'_, str> {
    quick_xml::escape::escape(text)
}
