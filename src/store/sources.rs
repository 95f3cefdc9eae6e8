//! What we remember about each source.

use std::collections::BTreeMap;

use super::rows::row;
use super::sql::{args, both, json, list, statements};
use super::{Db, StoreError};
use crate::domain::UnixMillis;

macro_rules! source_columns {
    () => {
        "name, etag, last_modified, moved_to, baselined, last_fetch_at, last_ok_at, \
         next_fetch_at, fails, error, gone, state, hints, move_heard, move_heard_at, full_at, \
         by_links, rest_until, gap_ms, newest_at, answers, unmodified, \
         status"
    };
}
pub(super) use source_columns;

/// The memory of one source.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
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
    /// Until when it or its host asked to be left alone.
    pub rest_until: Option<UnixMillis>,
    /// The median gap between its recent articles, in milliseconds.
    pub gap_ms: Option<i64>,
    /// When its newest article appeared.
    pub newest_at: Option<UnixMillis>,
    /// Good answers lately; halved when they become many, with the next.
    pub answers: i64,
    /// Those among them that said that nothing had changed.
    pub unmodified: i64,
    /// The HTTP status of its last answer, good or bad, where there was one.
    pub status: Option<i64>,
}

row! {
    pub(super) struct SourceRow {
        name: String, etag: Option<String>, last_modified: Option<String>,
        moved_to: Option<String>, baselined: bool, last_fetch_at: Option<i64>,
        last_ok_at: Option<i64>, next_fetch_at: Option<i64>, fails: i64, error: Option<String>,
        gone: bool, state: Option<String>, hints: String, move_heard: Option<String>,
        move_heard_at: Option<i64>, full_at: Option<i64>, by_links: bool,
        rest_until: Option<i64>, gap_ms: Option<i64>, newest_at: Option<i64>, answers: i64,
        unmodified: i64, status: Option<i64>,
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
            rest_until: row.rest_until.map(UnixMillis),
            gap_ms: row.gap_ms,
            newest_at: row.newest_at.map(UnixMillis),
            answers: row.answers,
            unmodified: row.unmodified,
            status: row.status,
        }
    }
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
    /// A pause that was planned under a longer `every`; a back-off after errors stays, and so
    /// does what the source or its host asked for.
    HASTEN_SOURCES = list!(
        "WITH given AS (SELECT r.value ->> 0 AS given_name,
            CAST(r.value ->> 2 AS BIGINT) AS given_every FROM",
        ") UPDATE source SET next_fetch_at = $2 + given_every
         FROM given WHERE name = given_name AND fails = 0 AND hints IN ('{}', '')
           AND (rest_until IS NULL OR rest_until <= $2) AND next_fetch_at > $2 + given_every"
    );
    PLACE_SOURCES = list!(
        "WITH given AS (SELECT r.value ->> 0 AS given_name, r.value ->> 1 AS given_address FROM",
        ") UPDATE source SET address = given_address, etag = NULL, last_modified = NULL,
            moved_to = NULL, gone = FALSE, fails = 0, error = NULL, next_fetch_at = $2,
            state = NULL, hints = '{}', move_heard = NULL, move_heard_at = NULL, full_at = NULL,
            rest_until = NULL, answers = 0, unmodified = 0
         FROM given WHERE name = given_name AND address <> given_address"
    );
    SOURCES = both(concat!("SELECT ", source_columns!(), " FROM source ORDER BY name"));
    MOVED = both("SELECT name, moved_to FROM source WHERE moved_to IS NOT NULL");
    NEXT_FETCH = both("SELECT MIN(next_fetch_at) FROM source WHERE NOT gone");
    ARTICLES_PER_SOURCE = both("SELECT source, COUNT(*) FROM article GROUP BY source");
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

    /// Every source there is a memory of, by name.
    pub async fn sources(&self) -> Result<Vec<SourceMemory>, StoreError> {
        let rows: Vec<SourceRow> = self.all(&SOURCES, args![]).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }

    /// Where sources have moved for good, by their names.
    pub async fn moved_sources(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let rows: Vec<(String, String)> = self.all(&MOVED, args![]).await?;
        Ok(rows.into_iter().collect())
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
}
