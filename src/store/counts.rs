//! How many deliveries are in each state, kept in the transactions that move them: nobody counts
//! a million rows to show a number.
//!
//! A transaction collects its moves and writes them last and in one order, so that daemons on
//! one PostgreSQL wait for each other's counts only briefly and never in a circle.

use std::collections::BTreeMap;

use super::rows::word;
use super::sql::{Tx, args, both, json, list, statements};
use super::{Db, StoreError};
use crate::domain::{DeliveryState, IssueId};

statements! {
    MOVE = list!(
        "INSERT INTO issue_count (issue_id, state, n)
         SELECT CAST(r.value ->> 0 AS BIGINT), r.value ->> 1, CAST(r.value ->> 2 AS BIGINT) FROM",
        "WHERE TRUE ON CONFLICT (issue_id, state) DO UPDATE SET n = issue_count.n + excluded.n"
    );
    COUNTS = both("SELECT state, n FROM issue_count WHERE issue_id = $1 AND n <> 0");
    ALL_COUNTS = both("SELECT state, CAST(SUM(n) AS BIGINT) FROM issue_count GROUP BY state");
}

/// What a transaction has moved so far.
#[derive(Debug, Default)]
pub(super) struct Moves(BTreeMap<(i64, DeliveryState), i64>);

impl Moves {
    /// New deliveries of an issue.
    pub fn made(&mut self, issue: IssueId, state: DeliveryState, n: i64) {
        *self.0.entry((issue.0, state)).or_default() += n;
    }

    /// Deliveries of an issue that went from one state to another.
    pub fn moved(&mut self, issue: i64, from: DeliveryState, to: DeliveryState, n: i64) {
        *self.0.entry((issue, from)).or_default() -= n;
        *self.0.entry((issue, to)).or_default() += n;
    }

    /// Writes them down: the last thing a transaction does before its commit.
    pub async fn write(self, tx: &mut Tx) -> Result<(), StoreError> {
        let rows: Vec<(i64, &str, i64)> = self
            .0
            .iter()
            .filter(|(_, n)| **n != 0)
            .map(|((issue, state), n)| (*issue, state.as_str(), *n))
            .collect();
        if rows.is_empty() {
            return Ok(());
        }
        tx.run(&MOVE, args![&json(&rows)]).await.map(drop)
    }
}

impl Db {
    /// How many deliveries of an issue are in each state; states without any are left out.
    /// Those whose rows were pruned are still counted.
    pub async fn issue_counts(
        &self,
        id: IssueId,
    ) -> Result<BTreeMap<DeliveryState, i64>, StoreError> {
        counted(self.all(&COUNTS, args![id]).await?)
    }

    /// How many deliveries of all issues are in each state; all states are there.
    pub async fn queue_counts(&self) -> Result<BTreeMap<DeliveryState, i64>, StoreError> {
        let mut counts = counted(self.all(&ALL_COUNTS, args![]).await?)?;
        for state in DeliveryState::ALL {
            counts.entry(*state).or_default();
        }
        Ok(counts)
    }
}

fn counted(rows: Vec<(String, i64)>) -> Result<BTreeMap<DeliveryState, i64>, StoreError> {
    rows.into_iter()
        .map(|(state, n)| Ok((word("a delivery's state", &state)?, n)))
        .collect()
}
