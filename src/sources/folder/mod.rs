//! A folder of Markdown files with front matter, as Hugo, Zola and Jekyll keep them.
//!
//! Each poll lists the folder and reads only what has changed since the last one
//! (`scan`, `state`), off the async threads. A file is read when it has settled, is an article
//! when its front matter does not say otherwise (`fields`), and is known by its id, else its
//! slug, else its path, so that renaming it makes no new article. A file that is gone for a
//! minute, expired or turned into a draft is withdrawn. One bad file is told with its line and
//! stops no other.

mod dates;
mod fields;
pub mod front_matter;
mod listing;
mod markdown;
mod page;
mod place;
mod scan;
mod shortcodes;
mod state;
#[cfg(test)]
mod tests;

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use self::page::Site;
use self::scan::{Look, SETTLES_MS, scan};
use self::state::State;
use super::{BoxFuture, Kind, Memory, PollError, Polled, Source};
use crate::config::{Problem, SourceConfig};
use crate::domain::UnixMillis;
use crate::net::Client;
use crate::schedule::time_zone;

/// The kind `folder`.
pub const KIND: Kind = Kind {
    name: "folder",
    summary: "a folder of Markdown files with front matter (Hugo, Zola, Jekyll)",
    open,
};

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct FolderSettings {
    path: PathBuf,
    base_url: Option<String>,
    permalink: Option<String>,
}

/// A folder of pages.
#[derive(Debug)]
pub struct Folder {
    path: PathBuf,
    site: Site,
}

fn open(config: &SourceConfig) -> Result<Box<dyn Source>, Vec<Problem>> {
    let settings: FolderSettings = config.settings.parse()?;
    let mut problems = Vec::new();
    let mut refuse = |key: &str, message: String, help: &str| {
        problems.push(config.settings.problem(key, message, Some(help.to_owned())));
    };
    if settings.path.as_os_str().is_empty() {
        let help = "name the folder with the articles, like \"content/posts\"";
        refuse("path", "`path` is empty".to_owned(), help);
    }
    let mut base = None;
    if let Some(text) = &settings.base_url {
        match Url::parse(text) {
            Ok(url) if matches!(url.scheme(), "http" | "https") => base = Some(url),
            _ => refuse(
                "base_url",
                format!("`{text}` is no web address"),
                "write the address of the site that is made of the folder, like https://news.example.org/",
            ),
        }
    }
    if let Some(pattern) = &settings.permalink {
        for word in place::unknown_words(pattern) {
            refuse(
                "permalink",
                format!("`:{word}` is no part of an address"),
                "use :year, :month, :day, :slug, :title, :section, :sections, :filename, :categories or :lang",
            );
        }
    }
    // The zone was checked with the site's table.
    let zone = time_zone(&config.timezone).unwrap_or(jiff::tz::TimeZone::UTC);
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(Box::new(Folder {
        path: config.settings.path(settings.path),
        site: Site {
            base,
            permalink: settings.permalink,
            language: config
                .language
                .clone()
                .unwrap_or_else(|| config.site_language.clone()),
            zone,
        },
    }))
}

impl Folder {
    /// One look, off the async threads.
    async fn look(&self, memory: &Memory, now: UnixMillis) -> Result<Look, PollError> {
        let (path, site) = (self.path.clone(), self.site.clone());
        let (state, full) = (memory.state.clone(), memory.full);
        let work = move || scan(&path, &site, State::read(state.as_deref()), full, now);
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|_| PollError::new("the folder could not be read: its reader broke down"))?
            .map_err(PollError::new)
    }

    async fn read(&self, memory: &Memory) -> Result<Polled, PollError> {
        let look = self.look(memory, UnixMillis::now()).await?;
        if !look.is_unsettled {
            return Ok(look.polled);
        }
        // What is being written now would wait for the next poll otherwise.
        tokio::time::sleep(Duration::from_millis(SETTLES_MS.unsigned_abs() + 50)).await;
        Ok(self.look(memory, UnixMillis::now()).await?.polled)
    }
}

impl Source for Folder {
    fn poll<'a>(
        &'a self,
        memory: &'a Memory,
        _client: &'a Client,
    ) -> BoxFuture<'a, Result<Polled, PollError>> {
        Box::pin(self.read(memory))
    }

    fn url(&self) -> Option<&Url> {
        None
    }
}
