//! What became of deliveries, in batches.

use super::sql::{args, json, list, statements};
use super::{Db, StoreError};
use crate::domain::{DeliveryId, Transition, UnixMillis};

/// What became of one delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settled {
    /// The delivery.
    pub id: DeliveryId,
    /// The generation of the lease it was tried under.
    pub generation: i64,
    /// Where it goes.
    pub transition: Transition,
    /// The relay that was used.
    pub relay: Option<String>,
}

/// One row of the statements' `$1`: id, generation, state, due, counted, reason, relay, final.
type SettledRow<'a> = (
    i64,
    i64,
    &'static str,
    i64,
    i64,
    &'a str,
    Option<&'a str>,
    i64,
);

statements! {
    SETTLE = list!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_id,
            CAST(r.value ->> 1 AS BIGINT) AS given_gen, r.value ->> 2 AS given_state,
            CAST(r.value ->> 3 AS BIGINT) AS given_due, CAST(r.value ->> 4 AS BIGINT) AS counted,
            r.value ->> 5 AS given_reason, r.value ->> 6 AS given_relay,
            CAST(r.value ->> 7 AS BIGINT) AS ended FROM",
        ") UPDATE delivery SET state = given_state, due_at = given_due,
            attempts = attempts + counted, reason = given_reason,
            relay = COALESCE(given_relay, relay), handed_over = FALSE,
            lease_owner = NULL, lease_until = NULL,
            finished_at = CASE WHEN ended = 1 THEN CAST($3 AS BIGINT) ELSE NULL END
         FROM given WHERE id = given_id AND lease_gen = given_gen AND lease_owner = $2
            AND state = 'leased'
         RETURNING id, lease_gen"
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
    /// Rows that are not `owner`'s under that generation any more are left alone. Returns how
    /// many were written.
    pub async fn settle(
        &self,
        settled: &[Settled],
        owner: &str,
        now: UnixMillis,
    ) -> Result<i64, StoreError> {
        if settled.is_empty() {
            return Ok(0);
        }
        let rows: Vec<SettledRow<'_>> = settled.iter().map(row_of).collect();
        let mut tx = self.begin().await?;
        let written: Vec<(i64, i64)> = tx.all(&SETTLE, args![&json(&rows), owner, now]).await?;
        let bad: Vec<(i64, &str)> = settled
            .iter()
            .filter(|s| s.transition.suppress && written.contains(&(s.id.0, s.generation)))
            .map(|s| (s.id.0, &*s.transition.reason))
            .collect();
        if !bad.is_empty() {
            tx.run(&SUPPRESS_ADDRESSES, args![&json(&bad), now]).await?;
        }
        tx.commit().await?;
        Ok(super::sql::most(written.len()))
    }
}

fn row_of(settled: &Settled) -> SettledRow<'_> {
    let to = &settled.transition;
    (
        settled.id.0,
        settled.generation,
        to.state.as_str(),
        to.due_at.0,
        i64::from(to.counted),
        &to.reason,
        settled.relay.as_deref(),
        i64::from(to.state.is_final()),
    )
}
