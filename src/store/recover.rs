//! Leases kept, given back and picked up after a crash, and uncertain deliveries tried again.

use super::sql::{args, both, json, list, statements};
use super::{Db, StoreError};
use crate::domain::{DeliveryId, UnixMillis};

/// What was picked up.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Recovered {
    /// Never handed over: due again.
    pub returned: i64,
    /// Handed over without an answer.
    pub uncertain: i64,
}

statements! {
    RENEW = list!(
        "WITH held AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS held_id,
            CAST(r.value ->> 1 AS BIGINT) AS held_gen FROM",
        ") UPDATE delivery SET lease_until = $3 FROM held
         WHERE id = held_id AND lease_gen = held_gen AND state = 'leased'
            AND lease_owner = $2 AND lease_until < $3"
    );
    RELEASE = both(
        "UPDATE delivery SET lease_owner = NULL, lease_until = NULL,
            state = CASE WHEN attempts = 0 AND reason = '' THEN 'pending' ELSE 'deferred' END
         WHERE state = 'leased' AND lease_owner = $1 AND NOT handed_over"
    );
    FREE_SOURCES = both(
        "UPDATE source SET lease_owner = NULL, lease_until = NULL
         WHERE lease_owner IS NOT NULL AND SUBSTR(lease_owner, 1, LENGTH($1)) = $1"
    );
    RETURN_LOST = both(
        "UPDATE delivery SET lease_owner = NULL, lease_until = NULL,
            state = CASE WHEN attempts = 0 AND reason = '' THEN 'pending' ELSE 'deferred' END
         WHERE state = 'leased' AND NOT handed_over
           AND (lease_until <= $1 OR SUBSTR(lease_owner, 1, LENGTH($2)) = $2)"
    );
    DOUBT_LOST = both(
        "UPDATE delivery SET lease_owner = NULL, lease_until = NULL, state = 'uncertain',
            attempts = attempts + 1, finished_at = $1, handed_over = FALSE,
            reason = 'handed over, then the daemon stopped before the answer'
         WHERE state = 'leased' AND handed_over
           AND (lease_until <= $1 OR SUBSTR(lease_owner, 1, LENGTH($2)) = $2)"
    );
    RESEND = list!(
        "WITH allowed AS (SELECT r.value ->> 0 AS channel FROM",
        ") UPDATE delivery SET state = 'deferred', due_at = $2, finished_at = NULL,
            resent = TRUE
         WHERE state = 'uncertain' AND NOT resent AND finished_at <= $3
           AND issue_id IN (SELECT i.id FROM issue i JOIN allowed ON allowed.channel = i.channel
                WHERE i.state IN ('sending', 'paused', 'done'))"
    );
    REOPEN = both(
        "UPDATE issue SET state = 'sending', finished_at = NULL WHERE state = 'done'
         AND EXISTS (SELECT 1 FROM delivery d WHERE d.issue_id = issue.id
            AND d.state IN ('pending', 'deferred'))"
    );
}

impl Db {
    /// Extends the leases (delivery and generation) that a worker still has in hand. Those it
    /// took and lost track of run out. Returns how many.
    pub async fn renew_leases(
        &self,
        owner: &str,
        held: &[(DeliveryId, i64)],
        until: UnixMillis,
    ) -> Result<i64, StoreError> {
        let held: Vec<(i64, i64)> = held
            .iter()
            .map(|(id, generation)| (id.0, *generation))
            .collect();
        self.run(&RENEW, args![&json(&held), owner, until]).await
    }

    /// Gives back what a worker took and has not handed over, to be taken by another at once.
    /// Returns how many.
    pub async fn release_leases(&self, owner: &str) -> Result<i64, StoreError> {
        self.run(&RELEASE, args![owner]).await
    }

    /// Picks up leases that ended, and those of owners that begin with `owner_prefix` (a
    /// process known to be dead; `Some("")` is everyone). What was never handed over is due
    /// again; what was is uncertain. Sources of that owner can be polled again.
    pub async fn recover_leases(
        &self,
        now: UnixMillis,
        owner_prefix: Option<&str>,
    ) -> Result<Recovered, StoreError> {
        // No prefix: a text that no owner begins with, because owners hold no control characters.
        let prefix = owner_prefix.unwrap_or("\u{1}");
        let mut tx = self.begin().await?;
        let recovered = Recovered {
            returned: tx.run(&RETURN_LOST, args![now, prefix]).await?,
            uncertain: tx.run(&DOUBT_LOST, args![now, prefix]).await?,
        };
        tx.run(&FREE_SOURCES, args![prefix]).await?;
        tx.commit().await?;
        Ok(recovered)
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
        let channels = json(&channels);
        let grace = i64::try_from(grace.as_millis()).unwrap_or(i64::MAX);
        let mut tx = self.begin().await?;
        let values = args![&channels, now, now.plus_ms(-grace)];
        let retried = tx.run(&RESEND, values).await?;
        if retried > 0 {
            tx.run(&REOPEN, args![]).await?;
        }
        tx.commit().await?;
        Ok(retried)
    }
}
