//! What one poll of a source changed, as one transaction.

use super::amend;
use super::change::{Applied, Change, FetchOutcome, PollResult};
use super::enter::enter;
use super::sql::{Tx, args, both, json, list, statements};
use super::{Db, StoreError};
use crate::domain::{ArticleId, IdentityKey, Revision, RevisionClass, UnixMillis};

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
