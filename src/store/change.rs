//! What a poll found, as it is handed to the store.

use crate::domain::{
    ArticleId, ArticleState, IdentityKey, Revision, RevisionClass, UnixMillis, words,
};

words! {
    /// How a poll went.
    FetchOutcome {
        /// It brought something.
        New = "new",
        /// It was read and there was nothing new in it.
        Unchanged = "unchanged",
        /// The source said that nothing has changed (304).
        NotModified = "not_modified",
        /// It failed.
        Error = "error",
    }
}

/// One change that a poll found.
#[derive(Debug, Clone, PartialEq)]
pub enum Change {
    /// An article that no key leads to. Where one does by now, nothing happens.
    New {
        /// Its names.
        keys: Vec<IdentityKey>,
        /// Its text; the number is not looked at, it becomes 1.
        revision: Revision,
        /// Where it starts.
        state: ArticleState,
        /// When its hold ends.
        eligible_at: UnixMillis,
        /// Why it is held or waits longer than usual, empty where it does not.
        reason: String,
        /// When it leaves its hold by itself although it is held.
        held_until: Option<UnixMillis>,
    },
    /// A new text of a known article. Where its newest text has the same hash, nothing happens.
    Revise {
        /// The article.
        article: ArticleId,
        /// Its names, new ones among them.
        keys: Vec<IdentityKey>,
        /// Its text; the number is not looked at, it becomes the next one.
        revision: Revision,
        /// How far it is from the text before.
        class: RevisionClass,
        /// A new end of its hold, where it is still in it.
        eligible_at: Option<UnixMillis>,
    },
    /// Only new names of a known article.
    Alias {
        /// The article.
        article: ArticleId,
        /// Its names, new ones among them.
        keys: Vec<IdentityKey>,
    },
    /// Another date of an article that was not released yet; of one that was, nothing changes.
    Redate {
        /// The article.
        article: ArticleId,
        /// When it is published.
        published: UnixMillis,
        /// The new end of its hold.
        eligible_at: UnixMillis,
        /// Why it waits so long, empty where it does not.
        reason: String,
    },
    /// The source says that it has taken an article back.
    Withdraw {
        /// The article.
        article: ArticleId,
        /// How we know.
        why: String,
        /// Whether it is to be believed now: the article is retracted.
        confirmed: bool,
    },
    /// An article that the source had taken back is there again.
    Restore {
        /// The article.
        article: ArticleId,
        /// The end of its hold, where it was in it.
        eligible_at: UnixMillis,
    },
}

/// What to remember about the source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NextMemory {
    /// The validator of this answer.
    pub etag: Option<String>,
    /// The other validator of this answer.
    pub last_modified: Option<String>,
    /// Where a permanent redirect led.
    pub moved_to: Option<String>,
    /// When to ask again. A source that is asked no more (it has left the configuration, or it
    /// waits for pushes) stays so.
    pub next_fetch_at: UnixMillis,
    /// Failures since the last good answer.
    pub fails: i64,
    /// What went wrong; `None` for a good answer.
    pub error: Option<String>,
    /// Whether it said that it is gone for good.
    pub gone: bool,
    /// Whether the first poll has happened.
    pub baselined: bool,
    /// What the adapter wants to know next time; `None` keeps what it wanted before.
    pub state: Option<String>,
    /// When it wants to be asked, as JSON.
    pub hints: String,
    /// Where it says that it has moved for good, not yet believed.
    pub move_heard: Option<String>,
    /// When that was first heard.
    pub move_heard_at: Option<UnixMillis>,
    /// When everything of it was last looked at.
    pub full_at: Option<UnixMillis>,
    /// Whether its guids are not to be trusted.
    pub by_links: bool,
    /// Until when it asked to be left alone.
    pub rest_until: Option<UnixMillis>,
    /// The median gap between its recent articles; `None` keeps what was known.
    pub gap_ms: Option<i64>,
    /// When its newest article appeared; `None` keeps what was known.
    pub newest_at: Option<UnixMillis>,
}

/// The poll's line in the source's log. How many articles were new is counted by the store.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FetchRow {
    /// HTTP status, where there was one.
    pub status: Option<u16>,
    /// How it went.
    pub outcome: FetchOutcome,
    /// Bytes of the body.
    pub bytes: usize,
    /// Entries read.
    pub entries: usize,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
    /// What an operator should know: repairs, errors.
    pub note: String,
}

/// Everything one poll of one source found.
#[derive(Debug, Clone, PartialEq)]
pub struct PollResult {
    /// The source's name in the configuration.
    pub source: String,
    /// Who claimed it.
    pub owner: String,
    /// What changed, in the order of the source's publishing (oldest first).
    pub changes: Vec<Change>,
    /// What to remember.
    pub memory: NextMemory,
    /// The log line.
    pub fetch: FetchRow,
}

/// What came of a [`PollResult`].
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Applied {
    /// Articles that were new, in the order of the changes.
    pub new: Vec<ArticleId>,
    /// Articles that have a new revision.
    pub revised: Vec<ArticleId>,
}
