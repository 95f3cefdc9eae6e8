//! Whose turn it is: sources are claimed by hosts, put off and given back.
//!
//! A claim takes a few sources of each host, so that a host with thousands of them keeps nobody
//! else waiting, and none of a host that another daemon is asking at the moment.

use super::sources::{SourceRow, source_columns};
use super::sql::{args, both, dialects, json, list, most, statements};
use super::{Db, SourceMemory, StoreError};
use crate::domain::UnixMillis;

/// What the dialects share of a claim of what is due: `$1` hosts to leave out, `$2` now, `$3`
/// the owner. No more than 1024 due sources are looked at, and of each host the first four.
macro_rules! turns {
    () => {
        ") , due AS (SELECT s.name AS due_name, s.next_fetch_at AS due_at,
                CASE WHEN s.host = '' THEN s.name ELSE s.host END AS due_host
             FROM source s
             WHERE s.next_fetch_at <= $2 AND NOT s.gone
               AND (s.lease_until IS NULL OR s.lease_until <= $2)
               AND s.host NOT IN (SELECT busy_host FROM busy)
               AND NOT EXISTS (SELECT 1 FROM source o WHERE o.host = s.host AND o.host <> ''
                   AND o.lease_owner IS NOT NULL AND o.lease_owner <> $3 AND o.lease_until > $2)
             ORDER BY s.next_fetch_at, s.name LIMIT 1024),
         turns AS (SELECT due_name, due_at, ROW_NUMBER() OVER
                (PARTITION BY due_host ORDER BY due_at, due_name) AS turn FROM due),"
    };
}

macro_rules! claim {
    () => {
        "UPDATE source SET lease_owner = $3, lease_until = $4
         FROM picked WHERE name = picked_name RETURNING "
    };
}

statements! {
    CLAIM_DUE = dialects(
        concat!(
            "WITH busy AS (SELECT r.value ->> 0 AS busy_host FROM jsonb_each($1) AS r",
            turns!(),
            "picked AS (SELECT due_name AS picked_name FROM turns WHERE turn <= 4
                ORDER BY turn, due_at, due_name LIMIT $5) ",
            claim!(), source_columns!()
        ),
        concat!(
            "WITH busy AS (SELECT r.value ->> 0 AS busy_host
                FROM json_array_elements(CAST($1 AS json)) AS r(value)",
            turns!(),
            "picked AS (SELECT p.name AS picked_name FROM turns t JOIN source p
                ON p.name = t.due_name
                WHERE t.turn <= 4 AND (p.lease_until IS NULL OR p.lease_until <= $2)
                ORDER BY t.turn, t.due_at, t.due_name LIMIT $5 FOR UPDATE OF p SKIP LOCKED) ",
            claim!(), source_columns!()
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
    GIVE_BACK = list!(
        "UPDATE source SET lease_owner = NULL, lease_until = NULL
         WHERE lease_owner = $2 AND name IN (SELECT r.value ->> 0 FROM",
        ")"
    );
    REST_HOST = both(
        "UPDATE source SET rest_until = $3,
            next_fetch_at = CASE WHEN next_fetch_at < $3 THEN $3 ELSE next_fetch_at END,
            lease_until = CASE WHEN lease_owner = $2 THEN NULL ELSE lease_until END,
            lease_owner = CASE WHEN lease_owner = $2 THEN NULL ELSE lease_owner END
         WHERE host = $1 AND next_fetch_at IS NOT NULL AND NOT gone
           AND (rest_until IS NULL OR rest_until < $3)"
    );
    SETTLE_HOSTS = list!(
        "WITH given AS (SELECT r.value ->> 0 AS given_name, r.value ->> 1 AS given_host FROM",
        ") UPDATE source SET host = given_host FROM given
         WHERE name = given_name AND host <> given_host"
    );
    /// Hints that were believed before count no more.
    HASTEN_OWN = list!(
        "WITH given AS (SELECT r.value ->> 0 AS given_name,
            CAST(r.value ->> 2 AS BIGINT) AS given_every FROM",
        ") UPDATE source SET next_fetch_at = $2 + given_every FROM given
         WHERE name = given_name AND given_every > 0 AND fails = 0
           AND (rest_until IS NULL OR rest_until <= $2) AND next_fetch_at > $2 + given_every"
    );
    RECENT = both(
        "SELECT CASE WHEN v.published_at < a.first_seen_at THEN v.published_at
            ELSE a.first_seen_at END
         FROM article a JOIN article_revision v ON v.article_id = a.id AND v.revision = 1
         WHERE a.source = $1 ORDER BY a.id DESC LIMIT 20"
    );
    READER = both("SELECT value FROM setting WHERE name = 'reader'");
    SET_READER = both(
        "INSERT INTO setting (name, value) VALUES ('reader', $1)
         ON CONFLICT (name) DO UPDATE SET value = excluded.value"
    );
    READ_ANEW = both("UPDATE source SET full_at = NULL WHERE full_at IS NOT NULL");
}

impl Db {
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
        let Some(names) = only else {
            return self.claim_due(owner, now, lease_until, limit, &[]).await;
        };
        let names: Vec<[&String; 1]> = names.iter().take(limit).map(|n| [n]).collect();
        let names = json(&names);
        let mut tx = self.begin().await?;
        let rows = tx
            .all(&CLAIM_NAMED, args![&names, now, owner, lease_until])
            .await?;
        tx.commit().await?;
        Ok(in_order(rows))
    }

    /// Takes up to `limit` due sources: of each host the longest overdue, up to four; of the
    /// hosts in `busy`, and of those that another owner has sources of, none.
    pub async fn claim_due(
        &self,
        owner: &str,
        now: UnixMillis,
        lease_until: UnixMillis,
        limit: usize,
        busy: &[&str],
    ) -> Result<Vec<SourceMemory>, StoreError> {
        let busy: Vec<[&str; 1]> = busy.iter().map(|host| [*host]).collect();
        let busy = json(&busy);
        let values = args![&busy, now, owner, lease_until, most(limit)];
        let mut tx = self.begin().await?;
        super::wishes::grant(&mut tx, now).await?;
        let rows = tx.all(&CLAIM_DUE, values).await?;
        tx.commit().await?;
        Ok(in_order(rows))
    }

    /// Gives back sources that `owner` has taken and did not ask; they are as due as before.
    pub async fn give_back_sources(&self, names: &[String], owner: &str) -> Result<(), StoreError> {
        let names: Vec<[&String; 1]> = names.iter().map(|name| [name]).collect();
        self.run(&GIVE_BACK, args![&json(&names), owner])
            .await
            .map(drop)
    }

    /// Leaves a host alone until `until`: none of its sources is due before, and those that
    /// `owner` has taken are given back. Returns how many were put off.
    pub async fn rest_host(
        &self,
        host: &str,
        owner: &str,
        until: UnixMillis,
    ) -> Result<i64, StoreError> {
        self.run(&REST_HOST, args![host, owner, until]).await
    }

    /// Notes at which host each named source is asked. The number is the pause in milliseconds
    /// that the operator allows for a site of their own, whatever the site once said; 0 for
    /// others.
    pub async fn settle_hosts(
        &self,
        hosts: &[(String, String, i64)],
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let hosts = json(&hosts);
        let mut tx = self.begin().await?;
        tx.run(&SETTLE_HOSTS, args![&hosts]).await?;
        tx.run(&HASTEN_OWN, args![&hosts, now]).await?;
        tx.commit().await
    }

    /// When the last twenty articles of a source appeared, the last one first.
    pub async fn recent_articles(&self, source: &str) -> Result<Vec<UnixMillis>, StoreError> {
        let rows: Vec<(i64,)> = self.all(&RECENT, args![source]).await?;
        Ok(rows.into_iter().map(|(at,)| UnixMillis(at)).collect())
    }

    /// Has every source looked at anew once when it was last read by another version of our
    /// reading.
    pub async fn read_anew(&self, version: &str) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let known: Option<(String,)> = tx.one(&READER, args![]).await?;
        if known.is_none_or(|(known,)| known != version) {
            tx.run(&SET_READER, args![version]).await?;
            tx.run(&READ_ANEW, args![]).await?;
        }
        tx.commit().await
    }
}

/// The longest overdue first.
fn in_order(rows: Vec<SourceRow>) -> Vec<SourceMemory> {
    let mut sources: Vec<SourceMemory> = rows.into_iter().map(Into::into).collect();
    sources.sort_by(|a, b| (a.next_fetch_at, &a.name).cmp(&(b.next_fetch_at, &b.name)));
    sources
}
