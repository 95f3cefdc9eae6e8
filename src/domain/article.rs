//! An article on its way in ([`Entry`]) and as Courant keeps it ([`Article`], [`Revision`]).

use super::{ArticleId, Direction, IdentityKey, UnixMillis, direction_of, words};

/// A picture with its description for people who do not see it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Image {
    /// Absolute `http` or `https` address.
    pub url: String,
    /// Alternative text; empty when the source gave none.
    pub alt: String,
}

/// What a source adapter read: uniform, but as untrusted as the source itself.
///
/// Markup has not been cleaned and addresses may still be hostile; `pipeline::ingest` makes a
/// [`Revision`] of it.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Entry {
    /// What identifies the article, strongest key first; see [`super::keys_of`].
    pub keys: Vec<IdentityKey>,
    /// The article's page, absolute where the source allowed it.
    pub url: Option<String>,
    /// Title, may contain markup and entities.
    pub title: String,
    /// The title is made from the address, for want of a better one.
    pub title_is_guessed: bool,
    /// Summary as HTML.
    pub summary_html: Option<String>,
    /// Body as HTML.
    pub content_html: Option<String>,
    /// Names of the people who wrote it.
    pub authors: Vec<String>,
    /// Categories and tags.
    pub topics: Vec<String>,
    /// The lead picture.
    pub image: Option<Image>,
    /// BCP 47 tag.
    pub language: Option<String>,
    /// When the source says it was published.
    pub published: Option<UnixMillis>,
    /// When the source says it was last changed.
    pub updated: Option<UnixMillis>,
}

words! {
    /// Where an article stands on its way into the ledgers.
    ArticleState {
        /// It was there at the first poll of its source: known, never news.
        Baseline = "baseline",
        /// In its hold, so that a quick correction is swallowed; released by time.
        Waiting = "waiting",
        /// Held back by the flood brake, by a suspicion that it is another article once more, or
        /// by an operator; released by an operator, and a suspicion also by time.
        Held = "held",
        /// Released: every channel whose selection matches has it in its ledger.
        Released = "released",
        /// An operator said it never goes out.
        Ignored = "ignored",
        /// Withdrawn by its source.
        Retracted = "retracted",
    }
}

words! {
    /// How far a revision is from the one before it.
    RevisionClass {
        /// A typing error: at most 3 in 100 words, under the same title.
        Minor = "minor",
        /// Another title, or more than a few words.
        Substantive = "substantive",
        /// The source itself calls it a correction.
        Correction = "correction",
    }
}

/// One state of an article's text. A correction is a new revision.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Revision {
    /// 1 for the first, one more for each change.
    pub number: i64,
    /// When this revision was first seen.
    pub seen_at: UnixMillis,
    /// Absolute address of the article's page.
    pub url: String,
    /// Plain text, one line.
    pub title: String,
    /// Plain text, the source's summary or the first sentences of the body.
    pub summary: String,
    /// Cleaned HTML with absolute links: safe to put on a page or in a mail.
    pub content_html: String,
    /// Names of the people who wrote it.
    pub authors: Vec<String>,
    /// Categories and tags, as written, without repetitions.
    pub topics: Vec<String>,
    /// The lead picture.
    pub image: Option<Image>,
    /// BCP 47 tag; the source's or the site's where the article has none.
    pub language: String,
    /// When it was published: the source's word. Later than first sight only where the source
    /// dates the article ahead, which then waits until that time.
    pub published: UnixMillis,
    /// When it was last changed, by the source's word or by the time of this revision.
    pub updated: UnixMillis,
    /// Words in the body.
    pub words: i64,
    /// SHA-256 in hex over what its source shows readers, with `+page` behind it where the text
    /// is from the article's page; a different hash is a new revision.
    pub hash: String,
}

impl Revision {
    /// The direction its language is written in.
    #[must_use]
    pub fn direction(&self) -> Direction {
        direction_of(&self.language)
    }
}

/// An article the store knows, with one of its revisions (the newest unless said otherwise).
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct Article {
    /// Its key.
    pub id: ArticleId,
    /// The source's name in the configuration.
    pub source: String,
    /// Where it stands.
    pub state: ArticleState,
    /// When Courant first saw it.
    pub first_seen: UnixMillis,
    /// When its hold ends (or ended).
    pub eligible_at: UnixMillis,
    /// The text.
    pub revision: Revision,
}
