//! What we remember about each source, and which of its articles we know.

use std::collections::BTreeMap;

use super::rows::{all, row, word};
use super::sql::{args, both, dialects, json, list, most, statements};
use super::{Db, StoreError};
use crate::domain::{ArticleId, ArticleState, IdentityKey, UnixMillis};

/// The memory of one source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceMemory {
    /// Its name in the configuration.
    pub name: String,
    /// The validator of the last answer (RFC 9110 §8.8.3).
    pub etag: Option<String>,
    /// The other validator (RFC 9110 §8.8.2).
    pub last_modified: Option<String>,
    /// Where a permanent redirect led; asked there from then on.
    pub moved_to: Option<String>,
    /// Whether the first poll, whose articles are no news, has happened.
    pub baselined: bool,
    /// When it was last asked.
    pub last_fetch_at: Option<UnixMillis>,
    /// When it last answered well.
    pub last_ok_at: Option<UnixMillis>,
    /// When it is asked next; `None` when it is not in the configuration.
    pub next_fetch_at: Option<UnixMillis>,
    /// Failures since the last good answer.
    pub fails: i64,
    /// What went wrong last; `None` after a good answer.
    pub error: Option<String>,
    /// It said that it is gone for good (410) and is not asked any more.
    pub gone: bool,
    /// What its adapter wants to know next time, in its own words.
    pub state: Option<String>,
    /// When it wants to be asked, as JSON of its hints.
    pub hints: String,
    /// Where the last answer said that it has moved for good; believed when another one says so
    /// later.
    pub move_heard: Option<String>,
    /// When that was first heard.
    pub move_heard_at: Option<UnixMillis>,
    /// When everything of it was last looked at, without validators.
    pub full_at: Option<UnixMillis>,
    /// Its guids changed once for articles that did not; its addresses identify them since.
    pub by_links: bool,
}

row! {
    struct SourceRow {
        name: String, etag: Option<String>, last_modified: Option<String>,
        moved_to: Option<String>, baselined: bool, last_fetch_at: Option<i64>,
        last_ok_at: Option<i64>, next_fetch_at: Option<i64>, fails: i64, error: Option<String>,
        gone: bool, state: Option<String>, hints: String, move_heard: Option<String>,
        move_heard_at: Option<i64>, full_at: Option<i64>, by_links: bool,
    }
}

impl From<SourceRow> for SourceMemory {
    fn from(row: SourceRow) -> Self {
        Self {
            name: row.name,
            etag: row.etag,
            last_modified: row.last_modified,
            moved_to: row.moved_to,
            baselined: row.baselined,
            last_fetch_at: row.last_fetch_at.map(UnixMillis),
            last_ok_at: row.last_ok_at.map(UnixMillis),
            next_fetch_at: row.next_fetch_at.map(UnixMillis),
            fails: row.fails,
            error: row.error,
            gone: row.gone,
            state: row.state,
            hints: row.hints,
            move_heard: row.move_heard,
            move_heard_at: row.move_heard_at.map(UnixMillis),
            full_at: row.full_at.map(UnixMillis),
            by_links: row.by_links,
        }
    }
}

/// An article that an entry's keys lead to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KnownArticle {
    /// Its key.
    pub id: ArticleId,
    /// Where it stands.
    pub state: ArticleState,
    /// The number of its newest revision.
    pub revision: i64,
    /// The hash of its newest revision.
    pub hash: String,
    /// When it was first seen.
    pub first_seen_at: UnixMillis,
    /// When its hold ends or ended.
    pub eligible_at: UnixMillis,
    /// How many of the asked keys lead to it; fewer than asked means that some are new.
    pub keys_known: usize,
}

row! {
    struct KnownRow {
        entry: i64, article_id: i64, state: String, revision: i64, hash: String,
        first_seen_at: i64, eligible_at: i64,
    }
}

impl TryFrom<KnownRow> for KnownArticle {
    type Error = StoreError;
    fn try_from(row: KnownRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: ArticleId(row.article_id),
            state: word("an article's state", &row.state)?,
            revision: row.revision,
            hash: row.hash,
            first_seen_at: UnixMillis(row.first_seen_at),
            eligible_at: UnixMillis(row.eligible_at),
            keys_known: 1,
        })
    }
}

macro_rules! source_columns {
    () => {
        "name, etag, last_modified, moved_to, baselined, last_fetch_at, last_ok_at, \
         next_fetch_at, fails, error, gone, state, hints, move_heard, move_heard_at, full_at, \
         by_links"
    };
}

statements! {
    SHELVE_SOURCES = list!(
        "UPDATE source SET next_fetch_at = NULL
         WHERE next_fetch_at IS NOT NULL AND name NOT IN (SELECT r.value ->> 0 FROM",
        ")"
    );
    ADD_SOURCES = list!(
        "INSERT INTO source (name, next_fetch_at) SELECT r.value ->> 0, $2 FROM",
        "WHERE TRUE ON CONFLICT (name) DO UPDATE SET next_fetch_at = excluded.next_fetch_at
         WHERE source.next_fetch_at IS NULL"
    );
    /// A pause that was planned under a longer `every`; a back-off after errors stays.
    HASTEN_SOURCES = list!(
        "WITH given AS (SELECT r.value ->> 0 AS given_name,
            CAST(r.value ->> 2 AS BIGINT) AS given_every FROM",
        ") UPDATE source SET next_fetch_at = $2 + given_every
         FROM given WHERE name = given_name AND fails = 0 AND next_fetch_at > $2 + given_every"
    );
    REST_SOURCES = list!(
        "UPDATE source SET next_fetch_at = $3,
            lease_until = CASE WHEN lease_owner = $2 THEN NULL ELSE lease_until END,
            lease_owner = CASE WHEN lease_owner = $2 THEN NULL ELSE lease_owner END
         WHERE next_fetch_at < $3 AND name IN (SELECT r.value ->> 0 FROM",
        ")"
    );
    PLACE_SOURCES = list!(
        "WITH given AS (SELECT r.value ->> 0 AS given_name, r.value ->> 1 AS given_address FROM",
        ") UPDATE source SET address = given_address, etag = NULL, last_modified = NULL,
            moved_to = NULL, gone = FALSE, fails = 0, error = NULL, next_fetch_at = $2,
            state = NULL, hints = '{}', move_heard = NULL, move_heard_at = NULL, full_at = NULL
         FROM given WHERE name = given_name AND address <> given_address"
    );
    SOURCES = both(concat!("SELECT ", source_columns!(), " FROM source ORDER BY name"));
    CLAIM_DUE = dialects(
        concat!(
            "WITH due AS (SELECT name AS due_name FROM source
                WHERE next_fetch_at <= $1 AND NOT gone
                  AND (lease_until IS NULL OR lease_until <= $1)
                ORDER BY next_fetch_at, name LIMIT $4)
             UPDATE source SET lease_owner = $2, lease_until = $3 FROM due WHERE name = due_name
             RETURNING ", source_columns!()
        ),
        concat!(
            "WITH due AS (SELECT name AS due_name FROM source
                WHERE next_fetch_at <= $1 AND NOT gone
                  AND (lease_until IS NULL OR lease_until <= $1)
                ORDER BY next_fetch_at, name LIMIT $4 FOR UPDATE SKIP LOCKED)
             UPDATE source SET lease_owner = $2, lease_until = $3 FROM due WHERE name = due_name
             RETURNING ", source_columns!()
        ),
    );
    CLAIM_NAMED = list!(
        "WITH asked AS (SELECT r.value ->> 0 AS asked_name FROM",
        concat!(
            ") UPDATE source SET lease_owner = $3, lease_until = $4 FROM asked
             WHERE name = asked_name AND (lease_until IS NULL OR lease_until <= $2)
             RETURNING ", source_columns!()
        )
    );
    NEXT_FETCH = both("SELECT MIN(next_fetch_at) FROM source WHERE NOT gone");
    ARTICLES_PER_SOURCE = both("SELECT source, COUNT(*) FROM article GROUP BY source");
    FIND_ARTICLES = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS entry,
             CAST(r.value ->> 1 AS BIGINT) AS strength, r.value ->> 2 AS kind,
             r.value ->> 3 AS value FROM",
        ") SELECT q.entry, a.id AS article_id, a.state, a.revision, v.hash, a.first_seen_at,
            a.eligible_at
         FROM asked q CROSS JOIN article_key k
         JOIN article a ON a.id = k.article_id
         JOIN article_revision v ON v.article_id = a.id AND v.revision = a.revision
         WHERE k.source = $2 AND k.kind = q.kind AND k.value = q.value
         ORDER BY q.entry, q.strength"
    );
}

impl Db {
    /// Makes the memory match the configuration: new sources are due at once, those no longer
    /// configured are kept but never due.
    pub async fn sync_sources(&self, names: &[String], now: UnixMillis) -> Result<(), StoreError> {
        let names: Vec<[&String; 1]> = names.iter().map(|name| [name]).collect();
        let names = json(&names);
        let mut tx = self.begin().await?;
        tx.run(&SHELVE_SOURCES, args![&names]).await?;
        tx.run(&ADD_SOURCES, args![&names, now]).await?;
        tx.commit().await
    }

    /// Puts sources off until `until`, and gives back those that `owner` has taken. Returns how
    /// many were put off.
    pub async fn rest_sources(
        &self,
        names: &[String],
        owner: &str,
        until: UnixMillis,
    ) -> Result<i64, StoreError> {
        let names: Vec<[&String; 1]> = names.iter().map(|name| [name]).collect();
        let mut tx = self.begin().await?;
        let put_off = tx
            .run(&REST_SOURCES, args![&json(&names), owner, until])
            .await?;
        tx.commit().await?;
        Ok(put_off)
    }

    /// Notes where each named source is asked, and every how many milliseconds. What is known
    /// of another address (validators, errors, that it is gone for good) is forgotten, and the
    /// new one is asked at once; a shorter pause counts from now. Returns how many moved.
    pub async fn place_sources(
        &self,
        places: &[(String, String, i64)],
        now: UnixMillis,
    ) -> Result<i64, StoreError> {
        let places = json(&places);
        let mut tx = self.begin().await?;
        let moved = tx.run(&PLACE_SOURCES, args![&places, now]).await?;
        tx.run(&HASTEN_SOURCES, args![&places, now]).await?;
        tx.commit().await?;
        Ok(moved)
    }

    /// Takes sources to poll, for `owner` until `lease_until`: those that are due, the longest
    /// overdue first; or, of the names in `only`, all that no other worker has, due or not.
    pub async fn claim_sources(
        &self,
        owner: &str,
        now: UnixMillis,
        lease_until: UnixMillis,
        limit: usize,
        only: Option<&[String]>,
    ) -> Result<Vec<SourceMemory>, StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<SourceRow> = match only {
            None => {
                super::wishes::grant(&mut tx, now).await?;
                let values = args![now, owner, lease_until, most(limit)];
                tx.all(&CLAIM_DUE, values).await?
            }
            Some(names) => {
                let names: Vec<[&String; 1]> = names.iter().take(limit).map(|n| [n]).collect();
                let names = json(&names);
                tx.all(&CLAIM_NAMED, args![&names, now, owner, lease_until])
                    .await?
            }
        };
        tx.commit().await?;
        let mut sources: Vec<SourceMemory> = rows.into_iter().map(Into::into).collect();
        sources.sort_by(|a, b| (a.next_fetch_at, &a.name).cmp(&(b.next_fetch_at, &b.name)));
        Ok(sources)
    }

    /// Every source there is a memory of, by name.
    pub async fn sources(&self) -> Result<Vec<SourceMemory>, StoreError> {
        let rows: Vec<SourceRow> = self.all(&SOURCES, args![]).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// When the next source is due.
    pub async fn next_fetch(&self) -> Result<Option<UnixMillis>, StoreError> {
        let row: Option<(Option<i64>,)> = self.one(&NEXT_FETCH, args![]).await?;
        Ok(row.and_then(|(at,)| at).map(UnixMillis))
    }

    /// How many articles each source has brought.
    pub async fn article_counts(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        let rows: Vec<(String, i64)> = self.all(&ARTICLES_PER_SOURCE, args![]).await?;
        Ok(rows.into_iter().collect())
    }

    /// For each entry, by its keys (strongest first), the article of `source` it is.
    pub async fn find_articles(
        &self,
        source: &str,
        entries: &[Vec<IdentityKey>],
    ) -> Result<Vec<Option<KnownArticle>>, StoreError> {
        let asked: Vec<(usize, usize, &str, &str)> = entries
            .iter()
            .enumerate()
            .flat_map(|(entry, keys)| {
                keys.iter()
                    .enumerate()
                    .map(move |(strength, key)| (entry, strength, key.kind.as_str(), &*key.value))
            })
            .collect();
        let rows: Vec<KnownRow> = self
            .all(&FIND_ARTICLES, args![&json(&asked), source])
            .await?;
        let places: Vec<i64> = rows.iter().map(|row| row.entry).collect();
        let mut found: Vec<Option<KnownArticle>> = vec![None; entries.len()];
        for (entry, known) in places.into_iter().zip(all::<_, KnownArticle>(rows)?) {
            let Some(place) = usize::try_from(entry).ok().and_then(|i| found.get_mut(i)) else {
                continue;
            };
            match place {
                None => *place = Some(known),
                Some(strongest) if strongest.id == known.id => strongest.keys_known += 1,
                Some(_) => {}
            }
        }
        Ok(found)
    }
}
