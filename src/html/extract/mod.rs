//! An article's text out of its web page: what the page says of itself, and the text without
//! the furniture that a site puts around and into it.
//!
//! A page goes four ways in order. `tame` writes it anew, so that no parser sees a stranger's
//! markup; `facts` and `json_ld` collect what its head says; `furniture` and `labels` take away
//! menus, share bars, advertisements, boxes of related articles, never more than a quarter of
//! the page's text at once; `body` finds what is left of the article. The result is markup as
//! untrusted as a feed's: it goes through [`crate::html::clean`] like all other.

mod body;
mod decode;
mod facts;
mod furniture;
mod json_ld;
mod labels;
mod order;
mod pictures;
mod rules;
mod tame;
#[cfg(test)]
mod tests;
mod weight;
mod words;

use dom_query::Document;
use url::Url;

use crate::domain::{Image, UnixMillis};
use crate::html::text::plain;
use crate::html::word_count;

pub use decode::decode;
pub use rules::{PageRules, RuleError};

/// A larger page is not read.
pub const MAX_PAGE_BYTES: usize = 3 * 1024 * 1024;

/// What a page holds.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page {
    /// The text as HTML with absolute addresses; not cleaned.
    pub content_html: String,
    /// The title without the site's name.
    pub title: Option<String>,
    /// Names of the people who wrote it.
    pub authors: Vec<String>,
    /// Section first, then tags.
    pub topics: Vec<String>,
    /// When it was published.
    pub published: Option<UnixMillis>,
    /// When it was last changed.
    pub updated: Option<UnixMillis>,
    /// BCP 47, as the page writes it.
    pub language: Option<String>,
    /// `ltr` or `rtl`, where the page says so.
    pub direction: Option<String>,
    /// The lead picture. It is not the text's first picture as well.
    pub image: Option<Image>,
    /// What the page calls its right address.
    pub canonical: Option<Url>,
    /// One or two sentences, plain text.
    pub summary: Option<String>,
    /// The site's name.
    pub site: Option<String>,
    /// What was odd, in sentences for whoever looks after the source.
    pub notes: Vec<String>,
}

/// Why there is no article in a page.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ExtractError {
    /// More than any article.
    #[error("the page has {bytes} bytes, more than the {MAX_PAGE_BYTES} that are read")]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
    /// A page of scripts, a log-in, a list.
    #[error(
        "the page has no text that could be an article; if it has one for readers, name its \
         element with `select`"
    )]
    NoText,
}

/// Reads the article of `page`, fetched from `url`. The work is linear in the size of the page.
///
/// # Errors
/// [`ExtractError`], in words for whoever looks after the source.
pub fn extract(page: &str, url: &Url, rules: &PageRules) -> Result<Page, ExtractError> {
    if page.len() > MAX_PAGE_BYTES {
        return Err(ExtractError::TooLarge { bytes: page.len() });
    }
    let tamed = tame::tame(page, url);
    let told = tamed.facts.told();
    let document = Document::from(tamed.html);
    let mut notes = Vec::new();
    let heading = body::heading(&document);
    let authors = if told.authors.is_empty() {
        furniture::authors(&document)
    } else {
        told.authors.clone()
    };
    let title = title(
        told.title.as_deref(),
        heading.as_deref(),
        told.site.as_deref(),
    );
    let content_html = body::find(&document, rules, title.as_deref(), &mut notes);
    let content_html = match (content_html, &told.body) {
        // What the page says of itself has less in it than the text, but more than nothing.
        (None, Some(text)) if word_count(text) >= 20 => paragraphs(text),
        (None, _) => return Err(ExtractError::NoText),
        (Some(html), _) => html,
    };
    let direction = tamed.facts.direction.map(|dir| dir.to_ascii_lowercase());
    let direction = direction.filter(|dir| matches!(dir.as_str(), "ltr" | "rtl"));
    let (content_html, image) = order::lead_picture(content_html, told.image, &tamed.pictures, url);
    Ok(Page {
        content_html: directed(content_html, direction.as_deref()),
        title,
        authors,
        topics: told.topics,
        published: told.published,
        updated: told.updated,
        language: told.language.map(|tag| tag.replace('_', "-")),
        direction,
        image,
        canonical: told.canonical,
        summary: told.summary.map(|text| plain(&text)),
        site: told.site.map(|name| plain(&name)),
        notes,
    })
}

/// The text with the page's direction, which readers of a mail have not.
fn directed(html: String, direction: Option<&str>) -> String {
    match direction {
        Some("rtl") => format!("<div dir=\"rtl\">{html}</div>"),
        _ => html,
    }
}

fn paragraphs(text: &str) -> String {
    let escaped = crate::html::escape_text(text);
    let lines = escaped.lines().map(str::trim).filter(|l| !l.is_empty());
    lines.map(|line| format!("<p>{line}</p>")).collect()
}

/// The title: what the page says, or its heading, without the site's name at either end.
fn title(told: Option<&str>, heading: Option<&str>, site: Option<&str>) -> Option<String> {
    let told = told.map(plain).filter(|t| !t.is_empty());
    let heading = heading.map(plain).filter(|t| !t.is_empty());
    let Some(told) = told else { return heading };
    // "Heading – Site" says that the heading is the title.
    if let Some(heading) = &heading
        && (told.starts_with(heading.as_str()) || told.ends_with(heading.as_str()))
    {
        return Some(heading.clone());
    }
    let site = site.map(plain).unwrap_or_default();
    for separator in [" | ", " - ", " – ", " — ", " « ", " » ", " :: "] {
        if let Some((title, end)) = told.rsplit_once(separator)
            && !site.is_empty()
            && end.trim() == site
        {
            return Some(title.trim().to_owned());
        }
    }
    Some(told)
}
