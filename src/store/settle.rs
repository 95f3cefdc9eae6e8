//! What became of deliveries, in batches.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::counts::Moves;
use super::rows::parsed;
use super::sql::{Tx, args, dialects, json, list, statements, text};
use super::{Db, StoreError};
use crate::domain::DeliveryState::{Deferred, Leased, Pending, Suppressed, Uncertain};
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
    /// Those (with their generations) that were not the owner's any more, whose messages a relay
    /// has or may have, and of which the database does not know it.
    pub lost: Vec<(DeliveryId, i64)>,
}

/// The end of one try.
#[derive(Debug)]
pub(super) struct End<'a> {
    /// The delivery.
    pub id: i64,
    /// The generation of its lease.
    pub generation: i64,
    /// Its new state.
    pub state: DeliveryState,
    /// When it is due again.
    pub due_at: i64,
    /// Whether the try counts.
    pub counted: bool,
    /// Why.
    pub reason: &'a str,
    /// The relay that was used.
    pub relay: Option<&'a str>,
}

/// A row of [`GIVE_BACK`]: id, generation, due where it changes.
pub(super) type ReturnedRow = (i64, i64, Option<i64>);

macro_rules! fence {
    ($list:expr, $gather:expr, $lock:expr) => {
        concat!(
            "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id,
                CAST(r.value ->> 1 AS BIGINT) AS asked_gen FROM ",
            $list,
            ")
             SELECT ",
            $gather,
            " FROM (SELECT d.id, d.lease_gen, d.issue_id, d.state, d.lease_owner,
                    CASE WHEN d.attempts = 0 AND d.reason = '' THEN 1 ELSE 0 END AS untried
                FROM asked CROSS JOIN delivery d
                WHERE d.id = asked_id AND d.lease_gen = asked_gen
                ORDER BY d.id ",
            $lock,
            ") AS q WHERE q.state = 'leased' AND q.lease_owner = $2"
        )
    };
}

macro_rules! late {
    ($list:expr, $lock:expr) => {
        concat!(
            "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
                CAST(r.value ->> 1 AS BIGINT) AS given_gen, r.value ->> 2 AS given_reason FROM ",
            $list,
            "), late AS (SELECT d.id AS late_id, given_reason FROM given CROSS JOIN delivery d
                WHERE d.id = given_id AND d.lease_gen = given_gen AND d.state = $3 ",
            $lock,
            ") UPDATE delivery SET state = 'sent', reason = given_reason, finished_at = $2
             FROM late WHERE id = late_id RETURNING id, lease_gen, issue_id"
        )
    };
}

statements! {
    /// Those of the rows that are still the owner's, which stay so until the end of the
    /// transaction. All who write batches take rows so, in the order of ids: in no circle. Those
    /// that are its no more are held as well: a row that changed while it was waited for would be
    /// held without having been in the order.
    FENCE = dialects(
        fence!(
            "jsonb_each($1) AS r",
            "json_group_array(json_array(id, lease_gen, issue_id, untried))",
            ""
        ),
        fence!(
            "json_array_elements(CAST($1 AS json)) AS r(value)",
            "CAST(COALESCE(json_agg(json_build_array(id, lease_gen, issue_id, untried)), '[]') AS TEXT)",
            "FOR UPDATE OF d"
        )
    );
    SETTLE = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
            CAST(r.value ->> 1 AS BIGINT) AS given_due, r.value ->> 2 AS given_reason FROM",
        ") UPDATE delivery SET state = $2, due_at = given_due, attempts = attempts + $3,
            reason = given_reason, relay = COALESCE($4, relay), finished_at = $5,
            lease_owner = NULL, lease_until = NULL
         FROM given WHERE id = given_id"
    );
    /// A row that was never tried has no reason and no attempts: it was pending. Until it is due
    /// again it waits for its turn, which is not its patience's time.
    GIVE_BACK = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
            CAST(r.value ->> 1 AS BIGINT) AS given_due FROM",
        ") UPDATE delivery SET lease_owner = NULL, lease_until = NULL,
            due_at = COALESCE(given_due, due_at),
            since = CASE WHEN given_due > $2 THEN since + given_due - $2 ELSE since END,
            state = CASE WHEN attempts = 0 AND reason = '' THEN 'pending' ELSE 'deferred' END
         FROM given WHERE id = given_id"
    );
    SUPPRESS = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id, r.value ->> 1 AS why FROM",
        ") UPDATE delivery SET state = 'suppressed', reason = why, finished_at = $2,
            lease_owner = NULL, lease_until = NULL
         FROM given WHERE id = given_id"
    );
    /// A word that came after others had given up on its sender, and before anyone took the
    /// message again (the generation is still that of the word): the relay has it. It waits for
    /// nobody who has the row at the moment: rows are held already, and that were a circle.
    LATE = dialects(
        late!("jsonb_each($1) AS r", ""),
        late!("json_array_elements(CAST($1 AS json)) AS r(value)", "FOR UPDATE OF d SKIP LOCKED")
    );
    /// Of these rows (with generations), those that are in the given state: written down by an
    /// earlier call whose answer was lost.
    TOLD = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
            CAST(r.value ->> 1 AS BIGINT) AS given_gen, r.value ->> 2 AS given_state FROM",
        ") SELECT d.id, d.lease_gen FROM given CROSS JOIN delivery d
         WHERE d.id = given_id AND d.lease_gen = given_gen AND d.state = given_state"
    );
    /// Only for rows that were settled: the list holds their ids and reasons.
    SUPPRESS_ADDRESSES = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
            r.value ->> 1 AS given_reason FROM",
        ") INSERT INTO suppression (address_key, reason, at, detail)
         SELECT s.address_key, 'bounce', $2, MIN(given_reason) FROM given
         JOIN delivery d ON d.id = given_id JOIN subscriber s ON s.id = d.subscriber_id
         WHERE TRUE GROUP BY s.address_key ORDER BY s.address_key
         ON CONFLICT (address_key) DO NOTHING"
    );
}

impl Db {
    /// Writes down what became of deliveries, and suppresses the addresses that do not exist.
    /// Rows that are not `owner`'s under that generation any more are left alone, and named where
    /// somebody may get the message twice; but those that a relay took and nobody has taken
    /// again, which were uncertain or returned, are sent.
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
                    tried.push(end_of(one, to));
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
        let mut written = tell(&mut tx, &tried, owner, now, &mut moves).await?;
        written.extend(give_back(&mut tx, &returned, owner, now, &mut moves).await?);
        if written.len() < settled.len() {
            written.extend(late(&mut tx, &tried, now, &mut moves).await?);
        }
        let mut lost = Vec::new();
        if written.len() < settled.len() {
            let written: HashSet<(i64, i64)> = written.iter().copied().collect();
            bad.retain(|(id, generation, _)| written.contains(&(*id, *generation)));
            tried.retain(|end| !written.contains(&(end.id, end.generation)));
            lost = lost_among(&mut tx, &tried).await?;
        }
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
    ends: &[End<'_>],
    owner: &str,
    now: UnixMillis,
    moves: &mut Moves,
) -> Result<Vec<(i64, i64)>, StoreError> {
    if ends.is_empty() {
        return Ok(Vec::new());
    }
    let ours = fence(tx, ends.iter().map(|end| (end.id, end.generation)), owner).await?;
    // Most rows of a batch differ in little: what they share is said once.
    let mut alike: BTreeMap<_, Vec<(i64, i64, &str)>> = BTreeMap::new();
    for end in ends {
        if let Some(row) = ours.get(&(end.id, end.generation)) {
            moves.moved(row.issue, Leased, end.state, 1);
            let rows = alike
                .entry((end.state, end.counted, end.relay))
                .or_default();
            rows.push((end.id, end.due_at, end.reason));
        }
    }
    for ((state, counted, relay), rows) in alike {
        let (rows, ended) = (json(&rows), state.is_final().then_some(now));
        let values = args![&rows, state.as_str(), i64::from(counted), relay, ended];
        tx.run(&SETTLE, values).await?;
    }
    Ok(ours.into_keys().collect())
}

/// Resolves doubts about messages that were taken after all; which rows (and generations).
async fn late(
    tx: &mut Tx,
    ends: &[End<'_>],
    now: UnixMillis,
    moves: &mut Moves,
) -> Result<Vec<(i64, i64)>, StoreError> {
    let taken = ends.iter().filter(|end| end.state == DeliveryState::Sent);
    let rows: Vec<(i64, i64, &str)> = taken
        .map(|end| (end.id, end.generation, end.reason))
        .collect();
    let rows = json(&rows);
    let mut resolved = Vec::new();
    for before in [Uncertain, Deferred, Pending] {
        let values = args![&rows, now, before.as_str()];
        let written: Vec<(i64, i64, i64)> = tx.all(&LATE, values).await?;
        for (id, generation, issue) in written {
            moves.moved(issue, before, DeliveryState::Sent, 1);
            resolved.push((id, generation));
        }
    }
    Ok(resolved)
}

/// Those of ends that were not written whose messages may come a second time. A try that came to
/// nothing, and one that the database has (the answer to its commit was lost), do no harm.
async fn lost_among(tx: &mut Tx, ends: &[End<'_>]) -> Result<Vec<(DeliveryId, i64)>, StoreError> {
    let out = ends
        .iter()
        .filter(|end| matches!(end.state, DeliveryState::Sent | Uncertain));
    let rows: Vec<(i64, i64, &str)> = out
        .map(|end| (end.id, end.generation, end.state.as_str()))
        .collect();
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let told: Vec<(i64, i64)> = tx.all(&TOLD, args![&json(&rows)]).await?;
    let told: HashSet<(i64, i64)> = told.into_iter().collect();
    let keys = rows.iter().map(|(id, generation, _)| (*id, *generation));
    let lost = keys.filter(|key| !told.contains(key));
    Ok(lost.map(|(id, held)| (DeliveryId(id), held)).collect())
}

/// Gives rows back as they were before they were taken; which (and generations) were.
pub(super) async fn give_back(
    tx: &mut Tx,
    rows: &[ReturnedRow],
    owner: &str,
    now: UnixMillis,
    moves: &mut Moves,
) -> Result<Vec<(i64, i64)>, StoreError> {
    if rows.is_empty() {
        return Ok(Vec::new());
    }
    let ours = fence(tx, rows.iter().map(|row| (row.0, row.1)), owner).await?;
    let mut given: Vec<(i64, Option<i64>)> = Vec::with_capacity(rows.len());
    for (id, generation, due_at) in rows {
        if let Some(row) = ours.get(&(*id, *generation)) {
            let before = if row.is_untried { Pending } else { Deferred };
            moves.moved(row.issue, Leased, before, 1);
            given.push((*id, *due_at));
        }
    }
    tx.run(&GIVE_BACK, args![&json(&given), now]).await?;
    Ok(ours.into_keys().collect())
}

/// Settles leased rows (with generations and reasons) whose readers may not be mailed any more.
pub(super) async fn suppress(
    tx: &mut Tx,
    rows: &[(i64, i64, String)],
    owner: &str,
    now: UnixMillis,
    moves: &mut Moves,
) -> Result<(), StoreError> {
    if rows.is_empty() {
        return Ok(());
    }
    let ours = fence(tx, rows.iter().map(|row| (row.0, row.1)), owner).await?;
    let mut given: Vec<(i64, &str)> = Vec::with_capacity(rows.len());
    for (id, generation, why) in rows {
        if let Some(row) = ours.get(&(*id, *generation)) {
            moves.moved(row.issue, Leased, Suppressed, 1);
            given.push((*id, why));
        }
    }
    tx.run(&SUPPRESS, args![&json(&given), now]).await.map(drop)
}

/// A row that is still its owner's.
pub(super) struct Ours {
    issue: i64,
    is_untried: bool,
}

/// Those of the rows (and generations) that are still the owner's, held until the end of the
/// transaction.
pub(super) async fn fence(
    tx: &mut Tx,
    rows: impl Iterator<Item = (i64, i64)>,
    owner: &str,
) -> Result<HashMap<(i64, i64), Ours>, StoreError> {
    let asked = json(&rows.collect::<Vec<_>>());
    let ours = text(tx, &FENCE, args![&asked, owner]).await?;
    let ours: Vec<(i64, i64, i64, i64)> = parsed("a batch of deliveries", &ours)?;
    let row = |(id, generation, issue, untried)| {
        let row = Ours {
            issue,
            is_untried: untried == 1,
        };
        ((id, generation), row)
    };
    Ok(ours.into_iter().map(row).collect())
}

fn end_of<'a>(settled: &'a Settled, to: &'a Transition) -> End<'a> {
    // Without a word a row would look as if it had never been tried.
    let reason = match to.reason.as_str() {
        "" if !to.state.is_final() => "put off",
        reason => reason,
    };
    End {
        id: settled.id.0,
        generation: settled.generation,
        state: to.state,
        due_at: to.due_at.0,
        counted: to.counted,
        reason,
        relay: settled.relay.as_deref(),
    }
}
