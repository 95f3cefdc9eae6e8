//! The values a template of a mail, a post or an issue's page sees: a list of what may be
//! shown, so that neither configuration nor secrets can be.

use serde::Serialize;

use crate::domain::{self, Direction, UnixMillis};

pub use super::reader::{Marks, Reader};

/// Everything a rendering of an issue sees; its fields are the names at the top level.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Context {
    /// The publication.
    pub site: Site,
    /// BCP 47 tag of this rendering: dates and fixed words are in it.
    pub language: String,
    /// The direction of that language.
    pub dir: Direction,
    /// IANA zone of this rendering's dates.
    pub timezone: String,
    /// The channel.
    pub channel: Channel,
    /// The issue.
    pub issue: Issue,
    /// The first article, for templates about one.
    pub article: Option<Article>,
    /// Where the reader can go.
    pub links: Links,
    /// The person a mail is for; none on pages, in feeds and in posts.
    pub reader: Option<Reader>,
}

/// The publication, from `[site]`.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Site {
    /// Its name.
    pub name: String,
    /// Its home page.
    pub url: String,
    /// BCP 47 tag.
    pub language: String,
    /// IANA zone.
    pub timezone: String,
    /// What the law wants in every newsletter's footer.
    pub postal_address: String,
}

/// The channel an issue belongs to.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Channel {
    /// Its name in the configuration.
    pub id: String,
    /// Its title for readers.
    pub title: String,
    /// A sentence about it, may be empty.
    pub description: String,
    /// `email`, `feed`, `mastodon` …
    pub kind: String,
    /// Its archive's address.
    pub url: String,
}

/// The issue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Issue {
    /// Its key.
    pub id: i64,
    /// 1, 2, 3 … within the channel.
    pub number: i64,
    /// The subject it is composed under; empty while the subject itself is rendered.
    pub title: String,
    /// Its page in the archive.
    pub url: String,
    /// When it was frozen.
    pub date: UnixMillis,
    /// The articles shown, first the lead.
    pub articles: Vec<Article>,
    /// Those beyond the channel's `max_articles`, to be listed by title.
    pub headlines: Vec<Article>,
}

/// One article at the revision of the issue.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Article {
    /// Its key.
    pub id: i64,
    /// Plain text, one line.
    pub title: String,
    /// Its page.
    pub url: String,
    /// Plain text.
    pub summary: String,
    /// Cleaned HTML: write it with `|safe` in an HTML template, `|text` in a plain one.
    pub content: String,
    /// Names.
    pub authors: Vec<String>,
    /// Categories and tags as written.
    pub topics: Vec<String>,
    /// The lead picture.
    pub image: Option<domain::Image>,
    /// BCP 47 tag.
    pub language: String,
    /// The direction of that language.
    pub dir: Direction,
    /// When it was published.
    pub published: UnixMillis,
    /// When it was last changed.
    pub updated: UnixMillis,
    /// Words in the body.
    pub words: i64,
    /// The source's name in the configuration.
    pub source: String,
    /// 1 for the first, one more for each change.
    pub revision: i64,
}

impl From<&domain::Article> for Article {
    fn from(article: &domain::Article) -> Self {
        let revision = &article.revision;
        Self {
            id: article.id.0,
            title: revision.title.clone(),
            url: revision.url.clone(),
            summary: revision.summary.clone(),
            content: revision.content_html.clone(),
            authors: revision.authors.clone(),
            topics: revision.topics.clone(),
            image: revision.image.clone(),
            language: revision.language.clone(),
            dir: revision.direction(),
            published: revision.published,
            updated: revision.updated,
            words: revision.words,
            source: article.source.clone(),
            revision: revision.number,
        }
    }
}

/// Where the reader can go; `none` where a link makes no sense.
#[derive(Debug, Clone, PartialEq, Default, Serialize)]
pub struct Links {
    /// This issue on the web.
    pub web: Option<String>,
    /// Ends the subscription.
    pub unsubscribe: Option<String>,
    /// Schedule, topics and zone of the subscription.
    pub preferences: Option<String>,
    /// A feed of the channel.
    pub feed: Option<String>,
    /// Confirms that the reader signed up: in the mail that asks for it, and there alone.
    pub confirm: Option<String>,
}
