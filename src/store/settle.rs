//! What became of deliveries, in batches.

use std::collections::HashSet;

use super::counts::Moves;
use super::rows::word;
use super::sql::{Tx, args, json, list, statements};
use super::{Db, StoreError};
use crate::domain::DeliveryState::{Leased, Suppressed};
use crate::domain::{DeliveryId, DeliveryState, Transition, UnixMillis};

/// What became of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The delivery.
    pub id: DeliveryId,
    /// The generation of the lease it was taken under.
    pub generation: i64,
    /// What became of it.
    pub fate: Fate,
    /// The relay that was used.
    pub relay: Option<String>,
}

/// What became of a delivery that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It was tried, and this is where it goes.
    Tried(Transition),
    /// It was not tried: it goes back as it was, to be taken again from then on.
    Returned {
        /// Not before this.
        due_at: UnixMillis,
    },
}

/// What was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Settlement {
    /// How many rows were.
    pub written: usize,
    /// Those (with their generations) that were not the owner's any more.
    pub lost: Vec<(DeliveryId, i64)>,
}

/// A row of [`SETTLE`]: id, generation, state, due, counted, reason, relay, final.
type TriedRow<'a> = (i64, i64, &'a str, i64, i64, &'a str, Option<&'a str>, i64);
/// A row of [`GIVE_BACK`]: id, generation, due where it changes.
pub(super) type ReturnedRow = (i64, i64, Option<i64>);

statements! {
    SETTLE = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
            CAST(r.value ->> 1 AS BIGINT) AS given_gen, r.value ->> 2 AS given_state,
            CAST(r.value ->> 3 AS BIGINT) AS given_due, CAST(r.value ->> 4 AS BIGINT) AS counted,
            r.value ->> 5 AS given_reason, r.value ->> 6 AS given_relay,
            CAST(r.value ->> 7 AS BIGINT) AS ended FROM",
        ") UPDATE delivery SET state = given_state, due_at = given_due,
            attempts = attempts + counted, reason = given_reason,
            relay = COALESCE(given_relay, relay), lease_owner = NULL, lease_until = NULL,
            finished_at = CASE WHEN ended = 1 THEN CAST($3 AS BIGINT) ELSE NULL END
         FROM given WHERE id = given_id AND lease_gen = given_gen AND lease_owner = $2
            AND state = 'leased'
         RETURNING id, lease_gen, issue_id, state"
    );
    /// As they were before they were taken: see `outbox::LEASED`.
    GIVE_BACK = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
            CAST(r.value ->> 1 AS BIGINT) AS given_gen,
            CAST(r.value ->> 2 AS BIGINT) AS given_due FROM",
        ") UPDATE delivery SET lease_owner = NULL, lease_until = NULL,
            due_at = COALESCE(given_due, due_at),
            state = CASE WHEN attempts = 0 AND reason = '' THEN 'pending' ELSE 'deferred' END
         FROM given WHERE id = given_id AND lease_gen = given_gen AND lease_owner = $2
            AND state = 'leased'
         RETURNING id, lease_gen, issue_id, state"
    );
    SUPPRESS = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
            CAST(r.value ->> 1 AS BIGINT) AS given_gen, r.value ->> 2 AS why FROM",
        ") UPDATE delivery SET state = 'suppressed', reason = why, finished_at = $3,
            lease_owner = NULL, lease_until = NULL
         FROM given WHERE id = given_id AND lease_gen = given_gen AND lease_owner = $2
            AND state = 'leased'
         RETURNING issue_id"
    );
    /// Only for rows that were settled: the list holds their ids and reasons.
    SUPPRESS_ADDRESSES = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
            r.value ->> 1 AS given_reason FROM",
        ") INSERT INTO suppression (address_key, reason, at, detail)
         SELECT s.address_key, 'bounce', $2, MIN(given_reason) FROM given
         JOIN delivery d ON d.id = given_id JOIN subscriber s ON s.id = d.subscriber_id
         WHERE TRUE GROUP BY s.address_key ON CONFLICT (address_key) DO NOTHING"
    );
}

impl Db {
    /// Writes down what became of deliveries, and suppresses the addresses that do not exist.
    /// Rows that are not `owner`'s under that generation any more are left alone and named.
    pub async fn settle(
        &self,
        settled: &[Settled],
        owner: &str,
        now: UnixMillis,
    ) -> Result<Settlement, StoreError> {
        if settled.is_empty() {
            return Ok(Settlement::default());
        }
        let (mut tried, mut returned, mut bad) = (Vec::new(), Vec::new(), Vec::new());
        for one in settled {
            match &one.fate {
                Fate::Tried(to) => {
                    tried.push(row_of(one, to));
                    if to.suppress {
                        bad.push((one.id.0, one.generation, &*to.reason));
                    }
                }
                Fate::Returned { due_at } => {
                    returned.push((one.id.0, one.generation, Some(due_at.0)));
                }
            }
        }
        let (mut tx, mut moves) = (self.begin().await?, Moves::default());
        let mut written = tell(&mut tx, tried, owner, now, &mut moves).await?;
        written.extend(give_back(&mut tx, returned, owner, &mut moves).await?);
        let lost: Vec<(DeliveryId, i64)> = match written.len() == settled.len() {
            true => Vec::new(),
            false => {
                let written: HashSet<(i64, i64)> = written.iter().copied().collect();
                bad.retain(|(id, generation, _)| written.contains(&(*id, *generation)));
                let keys = settled.iter().map(|one| (one.id, one.generation));
                keys.filter(|(id, generation)| !written.contains(&(id.0, *generation)))
                    .collect()
            }
        };
        if !bad.is_empty() {
            let bad: Vec<(i64, &str)> = bad.into_iter().map(|(id, _, why)| (id, why)).collect();
            tx.run(&SUPPRESS_ADDRESSES, args![&json(&bad), now]).await?;
        }
        moves.write(&mut tx).await?;
        tx.commit().await?;
        Ok(Settlement {
            written: written.len(),
            lost,
        })
    }
}

/// Writes the ends of tries; which rows (and generations) were written.
pub(super) async fn tell(
    tx: &mut Tx,
    mut rows: Vec<TriedRow<'_>>,
    owner: &str,
    now: UnixMillis,
    moves: &mut Moves,
) -> Result<Vec<(i64, i64)>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    rows.sort_unstable();
    let written: Vec<(i64, i64, i64, String)> =
        tx.all(&SETTLE, args![&json(&rows), owner, now]).await?;
    note(written, moves)
}

/// Gives rows back as they were before they were taken; which (and generations) were.
pub(super) async fn give_back(
    tx: &mut Tx,
    mut rows: Vec<ReturnedRow>,
    owner: &str,
    moves: &mut Moves,
) -> Result<Vec<(i64, i64)>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    rows.sort_unstable();
    let written: Vec<(i64, i64, i64, String)> =
        tx.all(&GIVE_BACK, args![&json(&rows), owner]).await?;
    note(written, moves)
}

/// Settles leased rows (with generations and reasons) whose readers may not be mailed any more.
pub(super) async fn suppress(
    tx: &mut Tx,
    mut rows: Vec<(i64, i64, String)>,
    owner: &str,
    now: UnixMillis,
    moves: &mut Moves,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    rows.sort_unstable();
    let written: Vec<(i64,)> = tx.all(&SUPPRESS, args![&json(&rows), owner, now]).await?;
    for (issue,) in written {
        moves.moved(issue, Leased, Suppressed, 1);
    }
    Ok(())
}

/// Counts rows (id, generation, issue, new state) that were leased.
fn note(
    rows: Vec<(i64, i64, i64, String)>,
    moves: &mut Moves,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let one = |(id, generation, issue, state): (i64, i64, i64, String)| {
        let state: DeliveryState = word("a delivery's state", &state)?;
        moves.moved(issue, Leased, state, 1);
        Ok((id, generation))
    };
    rows.into_iter().map(one).collect()
}

fn row_of<'a>(settled: &'a Settled, to: &'a Transition) -> TriedRow<'a> {
    // Without a word a row would look as if it had never been tried.
    let reason = match to.reason.as_str() {
        "" if !to.state.is_final() => "put off",
        reason => reason,
    };
    (
        settled.id.0,
        settled.generation,
        to.state.as_str(),
        to.due_at.0,
        i64::from(to.counted),
        reason,
        settled.relay.as_deref(),
        i64::from(to.state.is_final()),
    )
}
