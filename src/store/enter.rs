//! New articles of a poll: looked up and entered together, however many they are.
//!
//! The source's row is locked by the transaction, so nobody else enters articles of it between
//! the look and the insert. One statement for all also keeps PostgreSQL from planning a
//! look-up while the table is empty and using that plan for ten thousand articles.

use std::collections::HashSet;

use super::change::Change;
use super::sql::{Tx, args, json, list, most, statements};
use super::{StoreError, poll};
use crate::domain::{ArticleId, ArticleState, IdentityKey, Revision, UnixMillis};

statements! {
    /// CROSS JOIN, so that SQLite looks up each key rather than read all keys of the source.
    TAKEN = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS entry, r.value ->> 1 AS kind,
            r.value ->> 2 AS value FROM",
        ") SELECT DISTINCT q.entry FROM asked q CROSS JOIN article_key k
         WHERE k.source = $2 AND k.kind = q.kind AND k.value = q.value"
    );
    /// In order, so that the ids rise with it.
    ADD_ARTICLES = list!(
        "INSERT INTO article (source, state, first_seen_at, eligible_at, revision, reason,
            held_until)
         SELECT $2, r.value ->> 1, $3, CAST(r.value ->> 2 AS BIGINT), 1, r.value ->> 3,
            CAST(r.value ->> 4 AS BIGINT) FROM",
        "WHERE TRUE ORDER BY CAST(r.value ->> 0 AS BIGINT) RETURNING id"
    );
    ADD_KEYS = list!(
        "INSERT INTO article_key (source, kind, value, article_id)
         SELECT $2, r.value ->> 0, r.value ->> 1, CAST(r.value ->> 2 AS BIGINT) FROM",
        "WHERE TRUE ON CONFLICT (source, kind, value) DO NOTHING"
    );
}

/// The fields of a [`Change::New`].
struct New<'a> {
    keys: &'a [IdentityKey],
    revision: &'a Revision,
    state: ArticleState,
    eligible_at: UnixMillis,
    reason: &'a str,
    held_until: Option<UnixMillis>,
}

impl<'a> New<'a> {
    /// The names that identify it.
    fn names(&self) -> impl Iterator<Item = &'a IdentityKey> {
        self.keys.iter().filter(|key| !key.kind.is_weak())
    }
}

/// Enters the new articles among `changes` and answers their ids, in order. Those that a key
/// leads to by now, or that share a key with one before them, are left out.
pub(super) async fn enter(
    tx: &mut Tx,
    source: &str,
    changes: &[Change],
    now: UnixMillis,
) -> Result<Vec<ArticleId>, StoreError> {
    let fresh = untaken(tx, source, changes.iter().filter_map(new).collect()).await?;
    if fresh.is_empty() {
        return Ok(Vec::new());
    }
    let row = |(place, new): (usize, &New<'_>)| {
        let until = new.held_until.map(|at| at.0);
        let state = new.state.as_str();
        (
            place,
            state,
            new.eligible_at.0,
            new.reason.to_owned(),
            until,
        )
    };
    let rows: Vec<_> = fresh.iter().enumerate().map(row).collect();
    let mut ids: Vec<(i64,)> = tx
        .all(&ADD_ARTICLES, args![&json(&rows), source, now])
        .await?;
    ids.sort_unstable();
    let keys: Vec<(&str, &str, i64)> = fresh
        .iter()
        .zip(&ids)
        .flat_map(|(new, (id,))| new.keys.iter().map(|k| (k.kind.as_str(), &*k.value, *id)))
        .collect();
    tx.run(&ADD_KEYS, args![&json(&keys), source]).await?;
    for (new, (id,)) in fresh.iter().zip(&ids) {
        poll::add_revision(tx, ArticleId(*id), 1, new.revision, "").await?;
    }
    Ok(ids.into_iter().map(|(id,)| ArticleId(id)).collect())
}

fn new(change: &Change) -> Option<New<'_>> {
    match change {
        Change::New {
            keys,
            revision,
            state,
            eligible_at,
            reason,
            held_until,
        } => Some(New {
            keys,
            revision,
            state: *state,
            eligible_at: *eligible_at,
            reason,
            held_until: *held_until,
        }),
        _ => None,
    }
}

/// Those that no key leads to, neither in the store nor of one before them.
async fn untaken<'a>(
    tx: &mut Tx,
    source: &str,
    news: Vec<New<'a>>,
) -> Result<Vec<New<'a>>, StoreError> {
    if news.is_empty() {
        return Ok(news);
    }
    let asked: Vec<(usize, &str, &str)> = news
        .iter()
        .enumerate()
        .flat_map(|(entry, new)| {
            let row = move |k: &'a IdentityKey| (entry, k.kind.as_str(), &*k.value);
            new.names().map(row)
        })
        .collect();
    let taken: Vec<(i64,)> = tx.all(&TAKEN, args![&json(&asked), source]).await?;
    let taken: HashSet<i64> = taken.into_iter().map(|(entry,)| entry).collect();
    let mut names = HashSet::new();
    let mut fresh = Vec::with_capacity(news.len());
    for (entry, new) in news.into_iter().enumerate() {
        let is_repeated = new.names().any(|key| names.contains(key));
        if taken.contains(&most(entry)) || is_repeated {
            continue;
        }
        names.extend(new.names());
        fresh.push(new);
    }
    Ok(fresh)
}
