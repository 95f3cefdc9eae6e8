//! What one poll of a source changed, as one transaction.

use super::amend;
use super::enter::enter;
use super::sql::{Tx, args, both, json, list, statements};
use super::{Db, StoreError};
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

statements! {
    /// Counted answers are halved together now and then, so that their share is a recent one.
    REMEMBER = both(
        "UPDATE source SET etag = $3, last_modified = $4, moved_to = $5,
            next_fetch_at = CASE WHEN next_fetch_at IS NULL THEN NULL
                ELSE CAST($6 AS BIGINT) END,
            fails = $7, error = $8, gone = $9, baselined = $10, last_fetch_at = $11,
            last_ok_at = COALESCE($12, last_ok_at), state = COALESCE($13, state), hints = $14,
            move_heard = $15, move_heard_at = $16, full_at = $17, by_links = $18,
            rest_until = $19, gap_ms = COALESCE($20, gap_ms),
            newest_at = COALESCE($21, newest_at),
            answers = CASE WHEN answers >= 1000 THEN answers / 2 ELSE answers END + $22,
            unmodified = CASE WHEN answers >= 1000 THEN unmodified / 2 ELSE unmodified END + $23,
            status = $24, lease_owner = NULL, lease_until = NULL
         WHERE name = $1 AND lease_owner = $2"
    );
    LOG_FETCH = both(
        "INSERT INTO poll (source, at, status, outcome, bytes, entries, new_articles,
            changed_articles, duration_ms, note)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)"
    );
    ADD_KEYS = list!(
        "INSERT INTO article_key (source, kind, value, article_id)
         SELECT $2, r.value ->> 0, r.value ->> 1, $3 FROM",
        "WHERE TRUE ON CONFLICT (source, kind, value) DO NOTHING"
    );
    NEXT_REVISION = both(
        "UPDATE article SET revision = revision + 1, eligible_at = COALESCE($3, eligible_at)
         WHERE id = $1 AND NOT EXISTS (SELECT 1 FROM article_revision v
            WHERE v.article_id = article.id AND v.revision = article.revision AND v.hash = $2)
         RETURNING revision"
    );
    ADD_REVISION = both(
        "INSERT INTO article_revision (article_id, revision, seen_at, hash, url, title, summary,
            content_html, authors, topics, image_url, image_alt, language, published_at,
            updated_at, words, class)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)"
    );
}

impl Db {
    /// Writes down what a poll found: articles, revisions, names, the source's memory and the
    /// log line, all or nothing.
    ///
    /// # Errors
    /// [`StoreError::LeaseLost`] when the source is not `owner`'s any more; nothing is written.
    pub async fn apply_poll(
        &self,
        poll: PollResult,
        now: UnixMillis,
    ) -> Result<Applied, StoreError> {
        let mut tx = self.begin().await?;
        // First, so that the source's row is locked while its articles change.
        remember(&mut tx, &poll, now).await?;
        let mut applied = Applied::default();
        for change in &poll.changes {
            apply(&mut tx, &poll.source, change, &mut applied, now).await?;
        }
        // After the known articles have taken their new names, which are no longer free then.
        applied.new = enter(&mut tx, &poll.source, &poll.changes, now).await?;
        log(&mut tx, &poll, &applied, now).await?;
        tx.commit().await?;
        Ok(applied)
    }
}

impl Db {
    /// Writes down many polls that found no articles in one transaction, as
    /// [`Db::apply_poll`] does. Those whose source is not theirs any more are left out; answers
    /// which, by their place.
    ///
    /// # Errors
    /// The database's; nothing is written.
    pub async fn apply_quiet_polls(
        &self,
        polls: &[(PollResult, UnixMillis)],
    ) -> Result<Vec<usize>, StoreError> {
        let mut tx = self.begin().await?;
        let mut lost = Vec::new();
        for (place, (poll, now)) in polls.iter().enumerate() {
            debug_assert!(poll.changes.is_empty(), "a quiet poll has no changes");
            match remember(&mut tx, poll, *now).await {
                Ok(()) => log(&mut tx, poll, &Applied::default(), *now).await?,
                Err(StoreError::LeaseLost(_)) => lost.push(place),
                Err(error) => return Err(error),
            }
        }
        tx.commit().await?;
        Ok(lost)
    }
}

async fn remember(tx: &mut Tx, poll: &PollResult, now: UnixMillis) -> Result<(), StoreError> {
    let memory = &poll.memory;
    let last_ok = memory.error.is_none().then_some(now);
    let values = args![
        &poll.source,
        &poll.owner,
        &memory.etag,
        &memory.last_modified,
        &memory.moved_to,
        memory.next_fetch_at,
        memory.fails,
        &memory.error,
        memory.gone,
        memory.baselined,
        now,
        last_ok,
        &memory.state,
        &memory.hints,
        &memory.move_heard,
        memory.move_heard_at,
        memory.full_at,
        memory.by_links,
        memory.rest_until,
        memory.gap_ms,
        memory.newest_at,
        i64::from(memory.error.is_none()),
        i64::from(poll.fetch.outcome == FetchOutcome::NotModified),
        poll.fetch.status.map(i64::from),
    ];
    match tx.run(&REMEMBER, values).await? {
        0 => Err(StoreError::LeaseLost(poll.source.clone())),
        _ => Ok(()),
    }
}

async fn apply(
    tx: &mut Tx,
    source: &str,
    change: &Change,
    applied: &mut Applied,
    now: UnixMillis,
) -> Result<(), StoreError> {
    match change {
        // Entered together, see `enter`.
        Change::New { .. } => {}
        Change::Revise {
            article,
            keys,
            revision,
            class,
            eligible_at,
        } => {
            tx.run(&ADD_KEYS, args![&pairs(keys), source, *article])
                .await?;
            if revise(tx, *article, revision, *class, *eligible_at).await? {
                applied.revised.push(*article);
            }
        }
        Change::Alias { article, keys } => {
            tx.run(&ADD_KEYS, args![&pairs(keys), source, *article])
                .await?;
        }
        Change::Redate {
            article,
            published,
            eligible_at,
            reason,
        } => amend::redate(tx, *article, *published, *eligible_at, reason).await?,
        Change::Withdraw {
            article,
            why,
            confirmed,
        } => amend::withdraw(tx, source, *article, why, *confirmed, now).await?,
        Change::Restore {
            article,
            eligible_at,
        } => amend::restore(tx, *article, *eligible_at).await?,
    }
    Ok(())
}

/// Adds a revision under the next number; `false` when the newest one says the same.
async fn revise(
    tx: &mut Tx,
    article: ArticleId,
    revision: &Revision,
    class: RevisionClass,
    eligible_at: Option<UnixMillis>,
) -> Result<bool, StoreError> {
    let values = args![article, &revision.hash, eligible_at];
    let Some((number,)) = tx.one::<(i64,)>(&NEXT_REVISION, values).await? else {
        return Ok(false);
    };
    add_revision(tx, article, number, revision, class.as_str()).await?;
    amend::forget_revisions(tx, article, number).await?;
    Ok(true)
}

/// Adds the text of an article under a number; `class` is empty for the first.
pub(super) async fn add_revision(
    tx: &mut Tx,
    article: ArticleId,
    number: i64,
    revision: &Revision,
    class: &str,
) -> Result<(), StoreError> {
    let (authors, topics) = (json(&revision.authors), json(&revision.topics));
    let values = args![
        article,
        number,
        revision.seen_at,
        &revision.hash,
        &revision.url,
        &revision.title,
        &revision.summary,
        &revision.content_html,
        &authors,
        &topics,
        revision.image.as_ref().map(|image| image.url.as_str()),
        revision.image.as_ref().map(|image| image.alt.as_str()),
        &revision.language,
        revision.published,
        revision.updated,
        revision.words,
        class,
    ];
    tx.run(&ADD_REVISION, values).await.map(drop)
}

async fn log(
    tx: &mut Tx,
    poll: &PollResult,
    applied: &Applied,
    now: UnixMillis,
) -> Result<(), StoreError> {
    // Thousands of sources say so every few minutes; their rows count it.
    if poll.fetch.outcome == FetchOutcome::NotModified {
        return Ok(());
    }
    let count = super::sql::most;
    let values = args![
        &poll.source,
        now,
        poll.fetch.status.map(i64::from),
        poll.fetch.outcome.as_str(),
        count(poll.fetch.bytes),
        count(poll.fetch.entries),
        count(applied.new.len()),
        count(applied.revised.len()),
        poll.fetch.duration_ms,
        &poll.fetch.note,
    ];
    tx.run(&LOG_FETCH, values).await.map(drop)
}

fn pairs(keys: &[IdentityKey]) -> String {
    let pairs: Vec<(&str, &str)> = keys.iter().map(|k| (k.kind.as_str(), &*k.value)).collect();
    json(&pairs)
}
