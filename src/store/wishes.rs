//! Polls that somebody asked for, a hub or a publishing system, and sources that are never polled.
//!
//! A wish is a time in the source's row, granted when sources are claimed. So it is kept while
//! the source is being polled (the poll may have read the page before it changed), it works from
//! any process, and a flood of wishes is one poll every ten seconds.

use super::sql::{Tx, args, both, json, list, statements};
use super::{Db, StoreError};
use crate::domain::UnixMillis;

/// Between two polls that were asked for.
const BETWEEN: i64 = 10_000;
/// Between two polls that were asked for of a source that failed last time. Its own back-off may
/// be hours by then; who knocks is as a rule the publisher, whose site answers again.
const BETWEEN_FAILING: i64 = 5 * 60_000;

statements! {
    WISH = both(
        "UPDATE source SET wished_at = CASE
            WHEN hastened_at IS NULL OR hastened_at + $3 <= $2 THEN $2
            ELSE hastened_at + $3 END
         WHERE name = $1 AND (wished_at IS NULL OR wished_at > $2)"
    );
    WISH_LATER = both(
        "UPDATE source SET wished_at = $2
         WHERE name = $1 AND (wished_at IS NULL OR wished_at > $2)"
    );
    FULFIL = both("UPDATE source SET wished_at = NULL WHERE name = $1 AND wished_at = $2");
    GRANT = both(
        "UPDATE source SET next_fetch_at = $1, hastened_at = $1, wished_at = NULL
         WHERE wished_at <= $1 AND next_fetch_at IS NOT NULL AND NOT gone
            AND (lease_until IS NULL OR lease_until <= $1)
            AND (rest_until IS NULL OR rest_until <= $1)
            AND (fails = 0 OR last_fetch_at IS NULL OR last_fetch_at <= $1 - $2)"
    );
    ADD_UNPOLLED = list!(
        "INSERT INTO source (name, next_fetch_at) SELECT r.value ->> 0, NULL FROM",
        "WHERE TRUE ON CONFLICT (name) DO NOTHING"
    );
}

/// Makes due what was wished for and nobody is polling now.
pub(super) async fn grant(tx: &mut Tx, now: UnixMillis) -> Result<(), StoreError> {
    tx.run(&GRANT, args![now, BETWEEN_FAILING]).await.map(drop)
}

impl Db {
    /// Asks for a poll of a source as soon as may be: at once, or ten seconds after the last one
    /// that was asked for.
    pub async fn wish_poll(&self, source: &str, now: UnixMillis) -> Result<(), StoreError> {
        self.run(&WISH, args![source, now, BETWEEN]).await.map(drop)
    }

    /// Asks for a poll at `at`, unless one is wished for earlier.
    pub async fn wish_poll_at(&self, source: &str, at: UnixMillis) -> Result<(), StoreError> {
        self.run(&WISH_LATER, args![source, at]).await.map(drop)
    }

    /// Takes back a wish for a poll at `at`, and none that came since.
    pub async fn fulfil_wish(&self, source: &str, at: UnixMillis) -> Result<(), StoreError> {
        self.run(&FULFIL, args![source, at]).await.map(drop)
    }

    /// Makes rows of sources that are never polled, because what is new comes to us.
    pub async fn add_unpolled_sources(&self, names: &[String]) -> Result<(), StoreError> {
        let names: Vec<[&String; 1]> = names.iter().map(|name| [name]).collect();
        self.run(&ADD_UNPOLLED, args![&json(&names)])
            .await
            .map(drop)
    }
}
