//! Full text: the pages of articles of which the source has only a summary.
//!
//! A page is read once, when its article is new or its source's own text changes. A revision's
//! hash goes by what the *source* shows of the article, with [`MARK`] behind it where the text
//! is the page's: so a page is not fetched again for an article that has it, and a new theme,
//! a share counter or a box of related articles is no correction.
//!
//! A page that cannot be read leaves the article with what the source has, and a note. While
//! the article waits in its hold, the next polls try again.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use unicode_segmentation::UnicodeSegmentation;
use url::Url;

use crate::config::{Config, FullText, SourceConfig};
use crate::domain::{ArticleState, Entry, Revision, UnixMillis};
use crate::html;
use crate::html::extract::PageRules;
use crate::net::Client;
use crate::pipeline::decide::Prepared;
use crate::pipeline::{App, prepare};
use crate::sources::page::{Read, complete};
use crate::sources::{PollError, Polled};
use crate::store::{KnownArticle, PollResult, SourceMemory, StoreError};

use super::PollReport;

pub use crate::sources::page::{entry as read, rules};

/// Pages of one poll at most.
const MOST_PAGES: usize = 20;
/// No page is begun when this much of a poll has gone by: the source's lease goes on.
const BEGIN_WITHIN: Duration = Duration::from_secs(20);
/// Polls in which a page is tried.
const TRIES: u32 = 3;
/// Stands behind the hash of a revision whose text is from the page.
const MARK: &str = "+page";
/// The share of the summary's words that a page's text must have.
const WORDS_IN_COMMON: f32 = 0.6;

/// What the source itself said, kept until it is known which pages to read.
pub(super) struct Own {
    name: String,
    entries: Vec<Entry>,
    feed_language: Option<String>,
    /// How many of the newest unknown articles are worth a page.
    most_new: usize,
    only_changes: bool,
}

impl Own {
    /// `None` where no page is to be read.
    pub(super) fn of(app: &App, memory: &SourceMemory, polled: &Polled) -> Option<Self> {
        let config = &app.sources.get(&memory.name)?.config;
        let when = full_text(config);
        let wants = |entry: &&Entry| match when {
            FullText::Never => false,
            FullText::Always => entry.url.is_some(),
            FullText::Auto => entry.url.is_some() && is_summary(own_text(entry)),
        };
        let entries: Vec<Entry> = polled.entries.iter().filter(wants).cloned().collect();
        // Of a baseline only what counts as news goes anywhere.
        let most_new = if memory.baselined {
            usize::MAX
        } else {
            config.backfill as usize
        };
        (!entries.is_empty()).then(|| Self {
            name: memory.name.clone(),
            entries,
            feed_language: polled.feed_language.clone(),
            most_new,
            only_changes: polled.only_changes,
        })
    }
}

/// When a source's pages are read; a news sitemap has nothing but their addresses.
#[must_use]
pub fn full_text(config: &SourceConfig) -> FullText {
    config.full_text.unwrap_or(if config.kind == "sitemap" {
        FullText::Auto
    } else {
        FullText::Never
    })
}

/// What the source has of an article: RSS knows no difference between text and summary.
fn own_text(entry: &Entry) -> Option<&str> {
    let content = entry.content_html.as_deref();
    content.or(entry.summary_html.as_deref())
}

/// Whether a feed's text is less than the article: few blocks, or an ending that says so.
fn is_summary(content: Option<&str>) -> bool {
    let Some(content) = content else { return true };
    const ENDINGS: [&str; 12] = [
        "[…]",
        "[...]",
        "[&hellip;]",
        "…",
        "...",
        "Read more",
        "Read More",
        "Continue reading",
        "Read the full story",
        "مزید پڑھیں",
        "مکمل خبر پڑھیں",
        "Read full article",
    ];
    let whole = html::plain(content);
    let own = match whole.rfind("The post ") {
        Some(at) if whole[at..].contains(" appeared first on ") => &whole[..at],
        _ => &whole,
    };
    let text = own.trim_end_matches(|c: char| c.is_whitespace() || "→»›".contains(c));
    let lower = content.to_ascii_lowercase();
    let blocks: usize = [
        "<p",
        "<li",
        "<h2",
        "<h3",
        "<blockquote",
        "<br><br",
        "<br /><br",
    ]
    .iter()
    .map(|tag| lower.matches(tag).count())
    .sum();
    blocks <= 3 || ENDINGS.iter().any(|ending| text.ends_with(ending))
}

/// Reads the pages of the entries that are new or changed, and puts their text in, with the names
/// that the pages tell.
pub(super) async fn fill(
    app: &App,
    own: Own,
    prepared: &mut [Prepared],
    result: &mut PollResult,
    report: &mut PollReport,
    now: UnixMillis,
) -> Result<(), StoreError> {
    let Some(source) = app.sources.get(&own.name) else {
        return Ok(());
    };
    let keys: Vec<_> = prepared.iter().map(|p| p.keys.clone()).collect();
    let known = app.db.find_articles(&own.name, &keys).await?;
    let mut turn = Turn {
        app,
        config: &source.config,
        rules: &source.rules,
        host: source.adapter.url().and_then(Url::host_str),
        own: &own,
        began: Instant::now(),
        read: 0,
        stopped: false,
        missing: false,
        now,
    };
    // The strongest name of an entry is no other entry's.
    let by_name: HashMap<_, _> = own.entries.iter().map(|e| (e.keys.first(), e)).collect();
    for (at, known) in turn.order(prepared, &known) {
        if let Some(entry) = by_name.get(&prepared[at].keys.first()) {
            turn.one(entry, &mut prepared[at], known, report).await?;
        }
    }
    if turn.missing {
        // An answer without entries would leave nothing to try again.
        result.memory.etag = None;
        result.memory.last_modified = None;
        if own.only_changes {
            result.memory.state = None;
        }
    }
    Ok(())
}

/// The pages of one poll of one source.
struct Turn<'t> {
    app: &'t App,
    config: &'t SourceConfig,
    rules: &'t PageRules,
    host: Option<&'t str>,
    own: &'t Own,
    began: Instant,
    read: usize,
    /// The site asked us to stay away.
    stopped: bool,
    /// A page is to be tried again in the next poll.
    missing: bool,
    now: UnixMillis,
}

impl Turn<'_> {
    /// The entries in the order of their claim: known ones first, then the newest.
    fn order<'k>(
        &self,
        prepared: &[Prepared],
        known: &'k [Option<KnownArticle>],
    ) -> Vec<(usize, Option<&'k KnownArticle>)> {
        let mut order: Vec<_> = known.iter().map(Option::as_ref).enumerate().collect();
        order.sort_by_key(|(at, known)| {
            let published = prepared[*at].revision.published;
            (known.is_none(), std::cmp::Reverse(published))
        });
        let mut new = 0;
        order.retain(|(_, known)| {
            new += usize::from(known.is_none());
            known.is_some() || new <= self.own.most_new
        });
        order
    }

    async fn one(
        &mut self,
        entry: &Entry,
        prepared: &mut Prepared,
        known: Option<&KnownArticle>,
        report: &mut PollReport,
    ) -> Result<(), StoreError> {
        let with_page = format!("{}{MARK}", prepared.revision.hash);
        if known.is_some_and(|known| known.hash == with_page) {
            prepared.revision.hash = with_page;
            return Ok(());
        }
        if !self.is_worth(known, &prepared.revision.hash) {
            return Ok(());
        }
        let had_page = known.filter(|known| known.hash.ends_with(MARK));
        let note = match self.page(entry).await {
            Some(Ok(read)) => match self.joined(entry, &read, prepared) {
                Ok(note) => {
                    report.notes.extend(note);
                    return Ok(());
                }
                Err(why) => why,
            },
            Some(Err(error)) => error.message,
            // Left for the next poll.
            None => String::new(),
        };
        self.missing |= known.is_none_or(|known| self.waits(known));
        if let Some(known) = had_page {
            // A correction of the summary does not cost the text.
            if let Some(article) = self.app.db.article(known.id).await? {
                keep_text(&mut prepared.revision, article.revision);
                prepared.revision.hash = with_page;
            }
        }
        if !note.is_empty() {
            let title = &prepared.revision.title;
            let kept = if had_page.is_some() {
                "its earlier text is kept"
            } else {
                "the source's own text is used"
            };
            report.notes.push(format!("`{title}`: {kept}: {note}"));
        }
        Ok(())
    }

    /// Whether a page is worth reading: the article is new, or changed, or the page could not
    /// be read before and the article still waits.
    fn is_worth(&self, known: Option<&KnownArticle>, hash: &str) -> bool {
        use ArticleState::{Held, Released, Waiting};
        let Some(known) = known else { return true };
        if known.hash != hash {
            return matches!(known.state, Held | Released | Waiting);
        }
        self.waits(known)
    }

    /// Whether an article is in its hold, and its page has not been tried often enough.
    fn waits(&self, known: &KnownArticle) -> bool {
        let tries = self.config.every.saturating_mul(TRIES);
        matches!(known.state, ArticleState::Held | ArticleState::Waiting)
            && self.now < known.first_seen_at.plus(tries)
    }

    /// `None`: not in this poll.
    async fn page(&mut self, entry: &Entry) -> Option<Result<Read, PollError>> {
        let over = self.read >= MOST_PAGES || self.began.elapsed() >= BEGIN_WITHIN;
        if self.stopped || over {
            return None;
        }
        self.read += 1;
        let text = entry.url.as_deref().unwrap_or_default();
        let Ok(url) = Url::parse(text) else {
            let text: String = text.chars().take(100).collect();
            return Some(Err(PollError::new(format!("`{text}` is no address"))));
        };
        let read = crate::sources::page::read(self.client(&url), &url, self.rules).await;
        if let Err(error) = &read {
            self.stopped = matches!(error.status, Some(429 | 503));
        }
        Some(read)
    }

    /// The operator's exceptions are for the source; a page of another host is a stranger's.
    fn client(&self, url: &Url) -> &Client {
        if url.host_str() == self.host {
            &self.app.client
        } else {
            &self.app.outside
        }
    }

    /// Puts the page's text in, and the names it tells. The error says why it is not taken.
    fn joined(
        &self,
        entry: &Entry,
        read: &Read,
        prepared: &mut Prepared,
    ) -> Result<Option<String>, String> {
        let mut entry = entry.clone();
        guard(&entry, read)?;
        // Where the feed's text is the summary, it stays one.
        if entry.summary_html.is_none() && is_summary(entry.content_html.as_deref()) {
            entry.summary_html = entry.content_html.take();
        }
        complete(&mut entry, read);
        let config: &Config = &self.app.config;
        let language = self.own.feed_language.as_deref();
        let made = prepare::prepared(entry, self.config, config, language, self.now);
        let (made, note) = made.map_err(|unusable| unusable.to_string())?;
        let hash = format!("{}{MARK}", prepared.revision.hash);
        *prepared = made;
        prepared.revision.hash = hash;
        let title = &prepared.revision.title;
        let odd = read
            .page
            .notes
            .iter()
            .map(|odd| format!("`{title}`: {odd}"));
        Ok(odd.chain(note).reduce(|all, one| all + "; " + &one))
    }
}

/// Marks the entries that say what their source said when their pages were read, also where no
/// pages are read any more: who turns `full_text` off has corrected nothing.
pub(super) fn keep_read(prepared: &mut [Prepared], known: &[Option<KnownArticle>]) {
    for (entry, known) in prepared.iter_mut().zip(known) {
        let hash = known.as_ref().map_or("", |known| known.hash.as_str());
        if hash.strip_suffix(MARK) == Some(entry.revision.hash.as_str()) {
            hash.clone_into(&mut entry.revision.hash);
        }
    }
}

/// The text of an earlier revision under the source's new words.
fn keep_text(revision: &mut Revision, earlier: Revision) {
    revision.content_html = earlier.content_html;
    revision.words = earlier.words;
    if revision.image.is_none() {
        revision.image = earlier.image;
    }
}

/// A page whose text has few of the summary's words is a log-in, a notice, another article.
fn guard(entry: &Entry, read: &Read) -> Result<(), String> {
    let summary = entry
        .summary_html
        .as_deref()
        .or(entry.content_html.as_deref());
    let summary = html::plain(summary.unwrap_or_default());
    let lower = |text: &str| text.to_lowercase();
    let summary = lower(html::without_feed_tail(&summary));
    let words: Vec<&str> = summary.unicode_words().collect();
    if words.len() < 5 {
        return Ok(());
    }
    let text = lower(&html::plain(&read.page.content_html));
    let text: HashSet<&str> = text.unicode_words().collect();
    let common = words.iter().filter(|word| text.contains(*word)).count();
    let share = common as f32 / words.len() as f32;
    if share >= WORDS_IN_COMMON {
        return Ok(());
    }
    Err(format!(
        "the text found at {} has only {:.0} % of the words of the source's text; if it is the \
         wrong element, name the right one with `select`",
        read.url,
        share * 100.0
    ))
}

#[cfg(test)]
mod tests;
