//! From what a source sent to a revision that everything downstream may trust.
//!
//! Cleaning happens here, once per revision: markup through [`crate::html::clean`], titles and
//! names to one plain line, addresses to absolute `http(s)` ones, dates to what can be meant
//! (`decide::publication`).

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use url::Url;

use crate::config::{Config, SourceConfig};
use crate::domain::{
    Entry, HeaderText, Image, Revision, UnixMillis, canonical_language, likeness_of,
};
use crate::html;
use crate::text::language_of;

use super::decide::{Prepared, publication};

/// Characters a summary has at most.
const SUMMARY_CHARS: usize = 300;
/// Longest list of topics or authors kept of one article.
const MOST_NAMES: usize = 30;

/// What could not be made of an entry, for the poll's report.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unusable {
    /// Neither title nor text.
    #[error("an entry has neither title nor text")]
    Empty,
    /// No address of its own, and the source's is none either.
    #[error("`{title}` has no http(s) address, only `{url}`")]
    Address {
        /// Its title.
        title: String,
        /// What stood there.
        url: String,
    },
}

/// Makes an entry ready: its text, and with that its weak names.
///
/// # Errors
/// As [`revision`].
pub fn prepared(
    entry: Entry,
    source: &SourceConfig,
    config: &Config,
    feed_language: Option<&str>,
    now: UnixMillis,
) -> Result<(Prepared, Option<String>), Unusable> {
    let (revision, note) = revision(&entry, source, config, feed_language, now)?;
    let day = revision.published.to_string();
    let text = html::plain(&revision.content_html);
    let mut keys = entry.keys;
    keys.extend(likeness_of(
        &revision.title,
        &text,
        day.get(..10).unwrap_or(&day),
    ));
    let is_dated = said(entry.published, entry.updated, source, now).is_some();
    let prepared = Prepared {
        keys,
        revision,
        is_dated,
    };
    Ok((prepared, note))
}

/// When the source says that it was published.
fn said(
    published: Option<UnixMillis>,
    updated: Option<UnixMillis>,
    source: &SourceConfig,
    now: UnixMillis,
) -> Option<UnixMillis> {
    publication(published.or(updated), source.embargo, now)
}

/// Makes revision 1 of `entry`; the store numbers later ones. With it comes what had to be
/// mended, for the poll's report.
///
/// # Errors
/// [`Unusable`], in words for the poll's report; the other entries go on.
pub fn revision(
    entry: &Entry,
    source: &SourceConfig,
    config: &Config,
    feed_language: Option<&str>,
    now: UnixMillis,
) -> Result<(Revision, Option<String>), Unusable> {
    let title = HeaderText::clean(&html::plain(&entry.title)).to_string();
    let url = address(entry, config, &title)?;
    let markup = entry
        .content_html
        .as_deref()
        .or(entry.summary_html.as_deref());
    let (content, refused) = html::clean_or_text(markup.unwrap_or_default(), Some(&url));
    let content_html = content.into_string();
    let text = html::plain(&content_html);
    if title.is_empty() && text.is_empty() {
        return Err(Unusable::Empty);
    }
    let title = if title.is_empty() {
        html::first_sentences(&text, 90)
    } else {
        title
    };
    let summary = html::lead(entry.summary_html.as_deref(), &content_html, SUMMARY_CHARS);
    let image = entry
        .image
        .clone()
        .filter(|i| is_web(&i.url))
        .or_else(|| html::first_image(&content_html, Some(&url)));
    let published = said(entry.published, entry.updated, source, now).unwrap_or(now);
    let whole = format!("{title} {text}");
    let language = language(entry, source, config, feed_language, &whole);
    let hash = hash(&title, &text, &summary, image.as_ref());
    let note = refused.map(|e| format!("`{title}` is kept as plain text: {e}"));
    let revision = Revision {
        number: 1,
        seen_at: now,
        url: url.to_string(),
        summary,
        words: i64::try_from(html::word_count(&content_html)).unwrap_or(i64::MAX),
        content_html,
        authors: names(entry.authors.iter()),
        topics: names(entry.topics.iter().chain(&source.topics)),
        image,
        language,
        published,
        updated: entry
            .updated
            .and_then(|updated| publication(Some(updated), false, now))
            .map_or(published, |updated| updated.max(published)),
        title,
        hash,
    };
    Ok((revision, note))
}

/// The article's address: its own, or the publication's where it has none.
fn address(entry: &Entry, config: &Config, title: &str) -> Result<Url, Unusable> {
    let Some(text) = entry.url.as_deref().filter(|u| !u.trim().is_empty()) else {
        return Ok(config.site.url.clone());
    };
    config
        .site
        .url
        .join(text.trim())
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 2000)
        .ok_or_else(|| Unusable::Address {
            title: title.to_owned(),
            url: text.chars().take(100).collect(),
        })
}

/// The entry's language, else the source's, the feed's, the site's: the first in which `text`
/// can be written.
fn language(
    entry: &Entry,
    source: &SourceConfig,
    config: &Config,
    feed_language: Option<&str>,
    text: &str,
) -> String {
    // Readers of feeds give each entry the feed's language, which is not its own word for it.
    let own = entry.language.as_deref();
    let own = own.filter(|own| feed_language.is_none_or(|feed| !own.eq_ignore_ascii_case(feed)));
    let named = [own, source.language.as_deref(), feed_language];
    let tags = named.into_iter().flatten().map(str::trim);
    let tags = tags.filter(|tag| is_language(tag));
    let tags: Vec<&str> = tags.chain([config.site.language.as_str()]).collect();
    canonical_language(&language_of(text, &tags))
}

/// Distinct one-line names, in order.
fn names<'a>(raw: impl Iterator<Item = &'a String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in raw {
        let name = HeaderText::clean(&html::plain(name)).to_string();
        let name: String = name.chars().take(200).collect();
        if !name.is_empty() && !out.contains(&name) && out.len() < MOST_NAMES {
            out.push(name);
        }
    }
    out
}

fn is_web(url: &str) -> bool {
    Url::parse(url).is_ok_and(|u| matches!(u.scheme(), "http" | "https"))
}

/// The shape of a BCP 47 tag: letters first, then alphanumeric subtags.
fn is_language(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    subtags
        .next()
        .is_some_and(|s| (2..=3).contains(&s.len()) && s.chars().all(|c| c.is_ascii_alphabetic()))
        && subtags
            .all(|s| (1..=8).contains(&s.len()) && s.chars().all(|c| c.is_ascii_alphanumeric()))
}

/// What readers see, hashed as text: nonces, lazy-load attributes and share counters in the
/// markup change at every request and are no correction.
fn hash(title: &str, text: &str, summary: &str, image: Option<&Image>) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    let image = image.map_or("", |i| i.url.as_str());
    for part in [title, text, summary, image] {
        context.update(part.as_bytes());
        context.update(&[0]);
    }
    HEXLOWER.encode(context.finish().as_ref())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    const URDU: &str = "شہر کی انتظامیہ نے نکاسی آب کا نیا منصوبہ پیش کیا";

    /// The language of an entry that says `own`, of a source that says `configured`, in a feed
    /// that says `en`.
    fn decided(own: Option<&str>, configured: &str, text: &str) -> String {
        let table = format!(
            "[site]\nname = \"N\"\nurl = \"https://n.example\"\npostal_address = \"P\"\n\
             language = \"en\"\n[sources.s]\nkind = \"feed\"\n{configured}\n"
        );
        let config = config::from_text(Path::new("t.toml"), &table, |_| Vec::new()).unwrap();
        let entry = Entry {
            language: own.map(str::to_owned),
            ..Entry::default()
        };
        language(&entry, &config.sources["s"], &config, Some("en"), text)
    }

    #[test]
    fn a_written_language_of_the_source_wins_over_the_feeds_and_not_over_the_articles() {
        let configured = "language = \"fr\"";
        assert_eq!(decided(Some("en"), configured, "Bonjour"), "fr");
        assert_eq!(decided(None, configured, "Bonjour"), "fr");
        assert_eq!(decided(Some("de-at"), configured, "Servus"), "de-AT");
        assert_eq!(decided(None, "", "Hello"), "en");
    }

    #[test]
    fn an_urdu_article_of_an_english_feed_is_urdu() {
        assert_eq!(decided(Some("en"), "", URDU), "ur");
        assert_eq!(decided(Some("en-GB"), "language = \"sd\"", URDU), "sd");
    }
}
