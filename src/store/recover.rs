//! Leases kept, given back and picked up after a crash, and uncertain deliveries tried again.

use std::collections::HashSet;

use super::counts::Moves;
use super::operate::{hold, reopen};
use super::rows::word;
use super::settle::{End, ReturnedRow, fence, give_back, tell};
use super::sql::{Tx, args, both, dialects, json, list, statements};
use super::{Db, StoreError};
use crate::domain::DeliveryState::{Deferred, Leased, Sent, Uncertain};
use crate::domain::{DeliveryId, DeliveryState, IssueId, UnixMillis};

/// What is known of the messages that a daemon had in hand when it ended.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Flight {
    /// On the wire, with no answer seen: deliveries and generations.
    pub in_flight: Vec<(DeliveryId, i64)>,
    /// Accepted with this reply, which had not been settled.
    pub accepted: Vec<(DeliveryId, i64, String)>,
    /// Whether this is all of it: what is not named here was not sent.
    pub trusted: bool,
}

/// What was picked up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Not sent: due again.
    pub returned: i64,
    /// Perhaps sent, without an answer.
    pub uncertain: i64,
    /// Sent, by the journal's word.
    pub sent: i64,
}

/// On the wire when the daemon ended.
const UNANSWERED: &str = "handed over, then the daemon stopped before the answer";
/// Nothing is known.
const UNTOLD: &str = "the daemon that had it stopped, and nothing tells what it had sent";

statements! {
    RENEW = list!(
        "WITH held AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS held_id FROM",
        ") UPDATE delivery SET lease_until = $2 FROM held WHERE id = held_id AND lease_until < $2"
    );
    LOST_OWNERS = both(
        "SELECT lease_owner FROM delivery WHERE state = 'leased' AND lease_until <= $1
         UNION SELECT lease_owner FROM source WHERE lease_owner IS NOT NULL AND lease_until <= $1"
    );
    FREE_SOURCES = both(
        "UPDATE source SET lease_owner = NULL, lease_until = NULL
         WHERE lease_owner = $1 AND lease_until <= $2"
    );
    FREE_TASKS = both("UPDATE lease SET lease_until = 0 WHERE owner = $1 AND lease_until <= $2");
    /// In the order in which batches are settled, so that the daemon may wake up meanwhile.
    LOCK_LOST = dialects("SELECT 'nobody else writes' WHERE FALSE", "SELECT 'locked' FROM delivery
         WHERE state = 'leased' AND lease_owner = $1 AND lease_until <= $2 ORDER BY id FOR UPDATE");
    OURS = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id FROM",
        ") SELECT d.id FROM given CROSS JOIN delivery d WHERE d.id = given_id
            AND d.state = 'leased' AND d.lease_owner = $2 AND d.lease_until <= $3
            AND d.subscriber_id IS NOT NULL"
    );
    LEASE_TIME = dialects(
        "SELECT CAST($1 AS BIGINT)",
        "SELECT LEAST($1, CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT))"
    );
    CLOCK = dialects(
        "SELECT CAST(unixepoch() * 1000 AS BIGINT)",
        "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT)"
    );
    RETURN_LOST = both(
        "UPDATE delivery SET lease_owner = NULL, lease_until = NULL,
            state = CASE WHEN attempts = 0 AND reason = '' THEN 'pending' ELSE 'deferred' END
         WHERE state = 'leased' AND lease_owner = $1 AND lease_until <= $2
            AND ($3 OR subscriber_id IS NULL)
         RETURNING issue_id, state"
    );
    DOUBT_LOST = both(
        "UPDATE delivery SET lease_owner = NULL, lease_until = NULL, state = 'uncertain',
            attempts = attempts + 1, finished_at = $3, reason = $4
         WHERE state = 'leased' AND lease_owner = $1 AND lease_until <= $2
         RETURNING issue_id, state"
    );
    IN_DOUBT = list!(
        "WITH allowed AS (SELECT r.value ->> 0 AS channel FROM",
        ") SELECT DISTINCT d.issue_id FROM delivery d JOIN issue i ON i.id = d.issue_id
         JOIN allowed ON allowed.channel = i.channel
         WHERE d.state = 'uncertain' AND NOT d.resent AND d.finished_at <= $2
            AND i.state IN ('sending', 'paused', 'done') ORDER BY d.issue_id"
    );
    RESEND = both(
        "UPDATE delivery SET state = 'deferred', due_at = $2, finished_at = NULL, resent = TRUE
         WHERE issue_id = $1 AND state = 'uncertain' AND NOT resent AND finished_at <= $3"
    );
    HELD = both(
        "SELECT id, lease_gen FROM delivery WHERE state = 'leased' AND lease_owner = $1"
    );
}

impl Db {
    /// The time by which leases are judged to be over: `now`, but where daemons share the
    /// database never later than its own clock, so that one whose clock runs ahead takes
    /// nothing from the others.
    pub async fn lease_time(&self, now: UnixMillis) -> Result<UnixMillis, StoreError> {
        let row: Option<(i64,)> = self.one(&LEASE_TIME, args![now]).await?;
        Ok(row.map_or(now, |(at,)| UnixMillis(at)))
    }

    /// The clock that daemons which share the database agree upon: its own, and where there is
    /// one daemon, that one's.
    pub async fn clock(&self, now: UnixMillis) -> Result<UnixMillis, StoreError> {
        if self.kind() == "sqlite" {
            return Ok(now);
        }
        let row: Option<(i64,)> = self.one(&CLOCK, args![]).await?;
        Ok(row.map_or(now, |(at,)| UnixMillis(at)))
    }

    /// Extends the leases (delivery and generation) that a worker still has in hand. Those it
    /// took and lost track of run out. Returns those that are still its own.
    pub async fn renew_leases(
        &self,
        owner: &str,
        held: &[(DeliveryId, i64)],
        until: UnixMillis,
    ) -> Result<Vec<DeliveryId>, StoreError> {
        let mut tx = self.begin().await?;
        let held = held.iter().map(|(id, generation)| (id.0, *generation));
        let ours = fence(&mut tx, held, owner).await?;
        let mut ours: Vec<i64> = ours.into_keys().map(|(id, _)| id).collect();
        ours.sort_unstable();
        let rows: Vec<[i64; 1]> = ours.iter().map(|id| [*id]).collect();
        tx.run(&RENEW, args![&json(&rows), until]).await?;
        tx.commit().await?;
        Ok(ours.into_iter().map(DeliveryId).collect())
    }

    /// Gives back all that a worker took and has not settled, to be taken by another at once.
    /// It must have nothing on the wire. Returns how many.
    pub async fn release_leases(&self, owner: &str) -> Result<i64, StoreError> {
        let (mut tx, mut moves) = (self.begin().await?, Moves::default());
        let _locked: Vec<(String,)> = tx.all(&LOCK_LOST, args![owner, i64::MAX]).await?;
        let values = args![owner, i64::MAX, true];
        let released = note(&tx.all(&RETURN_LOST, values).await?, &mut moves)?;
        moves.write(&mut tx).await?;
        tx.commit().await?;
        Ok(released)
    }

    /// Gives back what is `owner`'s by the database and not among what it has in `hand`: taken
    /// by a call whose answer was lost. Nothing may be taken meanwhile. Returns how many.
    pub async fn release_unheard(
        &self,
        owner: &str,
        hand: &[(DeliveryId, i64)],
        now: UnixMillis,
    ) -> Result<usize, StoreError> {
        let hand: HashSet<(i64, i64)> = hand.iter().map(|(id, held)| (id.0, *held)).collect();
        let (mut tx, mut moves) = (self.begin().await?, Moves::default());
        let held: Vec<(i64, i64)> = tx.all(&HELD, args![owner]).await?;
        let unheard = held.into_iter().filter(|row| !hand.contains(row));
        let unheard: Vec<ReturnedRow> = unheard.map(|(id, held)| (id, held, None)).collect();
        let released = give_back(&mut tx, &unheard, owner, now, &mut moves).await?;
        moves.write(&mut tx).await?;
        tx.commit().await?;
        Ok(released.len())
    }

    /// Owners with leases, on deliveries or sources, that ended.
    pub async fn lost_owners(&self, now: UnixMillis) -> Result<Vec<String>, StoreError> {
        let rows: Vec<(String,)> = self.all(&LOST_OWNERS, args![now]).await?;
        let mut owners: Vec<String> = rows.into_iter().map(|(owner,)| owner).collect();
        owners.sort();
        Ok(owners)
    }

    /// Picks up what a daemon had in hand when it ended, or with `only_expired` those of its
    /// leases that ended. What `flight` says was accepted is sent, what it says was on the
    /// wire is uncertain, and the rest is due again, or uncertain too when the flight is not
    /// to be trusted. Endpoints are always due again: their files are written once more. The
    /// daemon's sources can be polled again, and the tasks it had leased are free.
    pub async fn recover_owner(
        &self,
        owner: &str,
        flight: &Flight,
        only_expired: bool,
        now: UnixMillis,
    ) -> Result<Recovered, StoreError> {
        let ended = if only_expired { now.0 } else { i64::MAX };
        let (mut tx, mut moves) = (self.begin().await?, Moves::default());
        let _locked: Vec<(String,)> = tx.all(&LOCK_LOST, args![owner, ended]).await?;
        let accepted = flight.accepted.iter();
        let accepted: Vec<_> = accepted
            .map(|(id, held, reply)| (id.0, *held, Sent, &**reply))
            .collect();
        let sent = take_word(&mut tx, &accepted, owner, ended, now, &mut moves).await?;
        let unanswered = flight.in_flight.iter();
        let unanswered: Vec<_> = unanswered
            .map(|(id, held)| (id.0, *held, Uncertain, UNANSWERED))
            .collect();
        let doubted = take_word(&mut tx, &unanswered, owner, ended, now, &mut moves).await?;
        let values = args![owner, ended, flight.trusted];
        let returned = note(&tx.all(&RETURN_LOST, values).await?, &mut moves)?;
        let values = args![owner, ended, now, UNTOLD];
        let untold = note(&tx.all(&DOUBT_LOST, values).await?, &mut moves)?;
        tx.run(&FREE_SOURCES, args![owner, ended]).await?;
        tx.run(&FREE_TASKS, args![owner, ended]).await?;
        moves.write(&mut tx).await?;
        tx.commit().await?;
        Ok(Recovered {
            returned,
            uncertain: doubted + untold,
            sent,
        })
    }

    /// Makes deliveries due again that have been uncertain for `grace`, on channels whose
    /// policy is to retry: once each, under the same Message-ID. Reopens their issues.
    /// Returns how many.
    pub async fn retry_uncertain(
        &self,
        channels: &[String],
        now: UnixMillis,
        grace: std::time::Duration,
    ) -> Result<i64, StoreError> {
        let channels: Vec<[&String; 1]> = channels.iter().map(|name| [name]).collect();
        let before = now.plus_ms(-i64::try_from(grace.as_millis()).unwrap_or(i64::MAX));
        let channels = json(&channels);
        let issues: Vec<(i64,)> = self.all(&IN_DOUBT, args![&channels, before]).await?;
        let mut retried = 0;
        for (issue,) in issues {
            let (mut tx, mut moves) = (self.begin().await?, Moves::default());
            if hold(&mut tx, IssueId(issue)).await? {
                let n = tx.run(&RESEND, args![issue, now, before]).await?;
                reopen(&mut tx, IssueId(issue), n).await?;
                moves.moved(issue, Uncertain, Deferred, n);
                moves.write(&mut tx).await?;
                tx.commit().await?;
                retried += n;
            }
        }
        Ok(retried)
    }
}

/// Settles those of a lost owner's rows that its journal names; how many.
async fn take_word(
    tx: &mut Tx,
    named: &[(i64, i64, DeliveryState, &str)],
    owner: &str,
    ended: i64,
    now: UnixMillis,
    moves: &mut Moves,
) -> Result<i64, StoreError> {
    if named.is_empty() {
        return Ok(0);
    }
    let ids: Vec<[i64; 1]> = named.iter().map(|(id, ..)| [*id]).collect();
    let lost: Vec<(i64,)> = tx.all(&OURS, args![&json(&ids), owner, ended]).await?;
    let lost: HashSet<i64> = lost.into_iter().map(|(id,)| id).collect();
    let ends: Vec<End<'_>> = named
        .iter()
        .filter(|(id, ..)| lost.contains(id))
        .map(|(id, generation, state, reason)| End {
            id: *id,
            generation: *generation,
            state: *state,
            due_at: now.0,
            counted: true,
            reason,
            relay: None,
        })
        .collect();
    let told = tell(tx, &ends, owner, now, moves).await?;
    Ok(super::sql::most(told.len()))
}

/// Counts rows (issue, new state) that were leased; how many.
fn note(rows: &[(i64, String)], moves: &mut Moves) -> Result<i64, StoreError> {
    for (issue, state) in rows {
        moves.moved(*issue, Leased, word("a delivery's state", state)?, 1);
    }
    Ok(super::sql::most(rows.len()))
}
