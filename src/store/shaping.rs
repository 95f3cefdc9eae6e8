//! What daemons share about the pace of sending: slots of rates, day quotas, and what a relay's
//! replies asked for.

use std::collections::HashMap;
use std::time::Duration;

use super::rows::row;
use super::sql::{Tx, args, both, dialects, json, statements};
use super::{Db, StoreError};
use crate::domain::UnixMillis;

/// What a relay's replies asked for, or an operator.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RelayRule {
    /// The relay.
    pub relay: String,
    /// `pause`, or the name of what is overridden.
    pub kind: String,
    /// The value it has meanwhile; of a pause, the probes that failed before it.
    pub value: String,
    /// Until when.
    pub until: UnixMillis,
    /// Why, for people.
    pub why: String,
}

const PAUSE: &str = "pause";

row! {
    struct RuleRow { relay: String, kind: String, value: String, until: i64, why: String, }
}

impl From<RuleRow> for RelayRule {
    fn from(row: RuleRow) -> Self {
        Self {
            relay: row.relay,
            kind: row.kind,
            value: row.value,
            until: UnixMillis(row.until),
            why: row.why,
        }
    }
}

/// `$clock` is the instant, in microseconds, of whoever keeps the rows: with many daemons that
/// is the database's clock. When it was set back since the last loan, what was lent ahead is
/// moved along. Rows are taken in the order of the list, by name, so that daemons wait for each
/// other in no circle.
macro_rules! reserve {
    ($list:expr, $clock:expr) => {
        concat!(
            "INSERT INTO rate_slot (name, next_at, span, lent_at)
             SELECT r.value ->> 0, ",
            $clock,
            " + CAST(r.value ->> 1 AS BIGINT),
                CAST(r.value ->> 1 AS BIGINT), ",
            $clock,
            " FROM ",
            $list,
            " WHERE TRUE ON CONFLICT (name) DO UPDATE SET span = excluded.span, lent_at = ",
            $clock,
            ", next_at = excluded.span + CASE
                WHEN rate_slot.lent_at > ",
            $clock,
            "
                    THEN rate_slot.next_at - rate_slot.lent_at + ",
            $clock,
            "
                WHEN rate_slot.next_at > ",
            $clock,
            " THEN rate_slot.next_at
                ELSE ",
            $clock,
            " END
             RETURNING name, next_at - span - ",
            $clock
        )
    };
}

statements! {
    RESERVE = dialects(
        reserve!("jsonb_each($1) AS r", "$2"),
        reserve!(
            "json_array_elements(CAST($1 AS json)) AS r(value)",
            "CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000000 AS BIGINT)"
        )
    );
    OPEN_QUOTA = both(
        "INSERT INTO day_quota (name, day, used) VALUES ($1, $2, 0)
         ON CONFLICT (name, day) DO NOTHING"
    );
    QUOTA = both("SELECT used FROM day_quota WHERE name = $1 AND day = $2");
    LOCKED_QUOTA = dialects(
        "SELECT used FROM day_quota WHERE name = $1 AND day = $2",
        "SELECT used FROM day_quota WHERE name = $1 AND day = $2 FOR UPDATE"
    );
    USE_QUOTA = both("UPDATE day_quota SET used = used + $3 WHERE name = $1 AND day = $2");
    /// A week of them, because the clocks of two daemons may disagree about today.
    TRIM_QUOTAS = both(
        "DELETE FROM day_quota WHERE name = $1 AND day < (SELECT MIN(day) FROM
            (SELECT day FROM day_quota WHERE name = $1 ORDER BY day DESC LIMIT 7) AS q)"
    );
    SET_RULE = both(
        "INSERT INTO relay_rule (relay, kind, value, until, why) VALUES ($1, $2, $3, $4, $5)
         ON CONFLICT (relay, kind) DO UPDATE SET value = excluded.value, until = excluded.until,
            why = excluded.why"
    );
    CLEAR_RULE = both("DELETE FROM relay_rule WHERE relay = $1 AND kind = $2 AND until <= $3");
    RULES = both(
        "SELECT relay, kind, value, until, why FROM relay_rule
         WHERE until > $1 AND (kind = 'pause') = $2 ORDER BY relay, kind"
    );
}

impl Db {
    /// Takes slots of rates: of each name (once each) so many, so many microseconds apart.
    /// Answers how long from now the first of each is; the others follow at that distance.
    /// Slots that were given to different daemons never overlap.
    pub async fn reserve(
        &self,
        wanted: &[(&str, i64, i64)],
        now: UnixMillis,
    ) -> Result<Vec<Duration>, StoreError> {
        let mut rows: Vec<(&str, i64)> = wanted
            .iter()
            .map(|(name, count, gap)| (*name, count.saturating_mul(*gap)))
            .collect();
        rows.sort_unstable();
        let rows = json(&rows);
        let clock = now.0.saturating_mul(1000);
        let mut tx = self.begin().await?;
        let values: &[_] = match tx {
            Tx::Sqlite(_) => args![&rows, clock],
            Tx::Postgres(_) => args![&rows],
        };
        let lent: Vec<(String, i64)> = tx.all(&RESERVE, values).await?;
        tx.commit().await?;
        let waits: HashMap<String, i64> = lent.into_iter().collect();
        let wait = |(name, ..): &(&str, i64, i64)| {
            let wait = waits.get(*name).copied().unwrap_or_default();
            Duration::from_micros(u64::try_from(wait).unwrap_or_default())
        };
        Ok(wanted.iter().map(wait).collect())
    }

    /// Takes up to `wanted` of what `cap` leaves of a day's quota; answers how many.
    pub async fn take_quota(
        &self,
        name: &str,
        day: &str,
        wanted: i64,
        cap: i64,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        if tx.run(&OPEN_QUOTA, args![name, day]).await? > 0 {
            tx.run(&TRIM_QUOTAS, args![name]).await?;
        }
        let used: Option<(i64,)> = tx.one(&LOCKED_QUOTA, args![name, day]).await?;
        let granted = (cap - used.map_or(0, |(used,)| used)).clamp(0, wanted.max(0));
        tx.run(&USE_QUOTA, args![name, day, granted]).await?;
        tx.commit().await?;
        Ok(granted)
    }

    /// Gives back what was taken of a day's quota and not used.
    pub async fn return_quota(&self, name: &str, day: &str, n: i64) -> Result<(), StoreError> {
        self.run(&USE_QUOTA, args![name, day, -n]).await.map(drop)
    }

    /// How much of a day's quota is taken.
    pub async fn quota_used(&self, name: &str, day: &str) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.one(&QUOTA, args![name, day]).await?;
        Ok(row.map_or(0, |(used,)| used))
    }

    /// Lets no daemon send through a relay until then, after so many probes that failed. When
    /// that is over the relay must be probed: the pause stays until it is cleared.
    pub async fn set_relay_pause(
        &self,
        relay: &str,
        until: UnixMillis,
        failed_probes: u32,
        why: &str,
    ) -> Result<(), StoreError> {
        let probes = failed_probes.to_string();
        self.set_relay_override(relay, PAUSE, &probes, until, why)
            .await
    }

    /// Lets the daemons send through a relay again, unless it has a pause that ends after
    /// `known`: whoever clears has not heard of that one.
    pub async fn clear_relay_pause(
        &self,
        relay: &str,
        known: UnixMillis,
    ) -> Result<(), StoreError> {
        let pause = args![relay, PAUSE, known];
        self.run(&CLEAR_RULE, pause).await.map(drop)
    }

    /// The pauses of relays that end after `now`.
    pub async fn relay_pauses(&self, now: UnixMillis) -> Result<Vec<RelayRule>, StoreError> {
        self.rules(now, true).await
    }

    /// Gives a relay another `kind` of limit until then.
    pub async fn set_relay_override(
        &self,
        relay: &str,
        kind: &str,
        value: &str,
        until: UnixMillis,
        why: &str,
    ) -> Result<(), StoreError> {
        self.run(&SET_RULE, args![relay, kind, value, until, why])
            .await
            .map(drop)
    }

    /// The limits of relays that are others for a while.
    pub async fn relay_overrides(&self, now: UnixMillis) -> Result<Vec<RelayRule>, StoreError> {
        self.rules(now, false).await
    }

    async fn rules(&self, now: UnixMillis, pauses: bool) -> Result<Vec<RelayRule>, StoreError> {
        let rows: Vec<RuleRow> = self.all(&RULES, args![now, pauses]).await?;
        Ok(rows.into_iter().map(Into::into).collect())
    }
}
