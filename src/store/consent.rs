//! Leaving: unsubscribing, suppression, erasure, and the record of who asked for what.

use super::counts::Moves;
use super::sql::{Tx, args, both, dialects, statements};
use super::{Db, StoreError};
use crate::domain::DeliveryState::{Deferred, Pending, Suppressed};
use crate::domain::{SubscriberId, SuppressionReason, UnixMillis};

statements! {
    NOTE = both(
        "INSERT INTO consent_event (address_key, channel, kind, at, detail)
         VALUES ($1, $2, $3, $4, $5)"
    );
    NOTE_BY_ID = both(
        "INSERT INTO consent_event (address_key, channel, kind, at, detail)
         SELECT s.address_key, $2, $3, $4, $5 FROM subscriber s WHERE s.id = $1"
    );
    EVENTS = both(
        "SELECT channel, kind, at, detail FROM consent_event WHERE address_key = $1 ORDER BY id"
    );
    UNSUBSCRIBE = both(
        "UPDATE subscription SET state = 'unsubscribed', ended_at = $3
         WHERE subscriber_id = $1 AND channel = $2 AND state <> 'unsubscribed'"
    );
    UNSUBSCRIBE_ALL = both(
        "UPDATE subscription SET state = 'unsubscribed', ended_at = $2
         WHERE subscriber_id = $1 AND state <> 'unsubscribed'"
    );
    SUPPRESS = both(
        "INSERT INTO suppression (address_key, reason, at, detail) VALUES ($1, $2, $3, $4)
         ON CONFLICT (address_key) DO NOTHING"
    );
    SUPPRESSION = both("SELECT reason, at, detail FROM suppression WHERE address_key = $1");
    PERSON = both(
        "SELECT s.id, (SELECT COUNT(*) FROM subscription p
                WHERE p.subscriber_id = s.id AND p.state <> 'active' AND p.ended_at IS NOT NULL),
            (SELECT COUNT(*) FROM subscription p
                WHERE p.subscriber_id = s.id AND (p.state = 'active' OR p.ended_at IS NULL))
         FROM subscriber s WHERE s.address_key = $1"
    );
    ERASE_REASONS = both(
        "UPDATE delivery SET reason = '' WHERE subscriber_id = $1
         AND issue_id IN (SELECT id FROM issue) AND state NOT IN ('pending', 'deferred', 'leased')"
    );
    /// What a daemon has taken is left to it: it looks again before it sends.
    STOP_OPEN = both(
        "UPDATE delivery SET state = 'suppressed', reason = 'the reader is not there any more',
            finished_at = $2
         WHERE subscriber_id = $1 AND issue_id IN (SELECT id FROM issue) AND state = $3
         RETURNING issue_id"
    );
    ERASE_EVENTS = both("DELETE FROM consent_event WHERE address_key = $1");
    ERASE_TIES = both("DELETE FROM subscription WHERE subscriber_id = $1");
    ERASE_PERSON = both("DELETE FROM subscriber WHERE id = $1");
    ERASE_SIGNUP = both("DELETE FROM signup WHERE address_key = $1");
    LOCK_PERSON = dialects(
        "SELECT id FROM subscriber WHERE id = $1",
        "SELECT id FROM subscriber WHERE id = $1 FOR UPDATE"
    );
    FORGET_EVENTS = both(
        "DELETE FROM consent_event WHERE address_key IN (SELECT s.address_key FROM subscriber s
            WHERE s.id = $1 AND NOT EXISTS
                (SELECT 1 FROM subscription p WHERE p.subscriber_id = $1))"
    );
    FORGET_PERSON = both(
        "DELETE FROM subscriber WHERE id = $1 AND NOT EXISTS
            (SELECT 1 FROM subscription p WHERE p.subscriber_id = $1)"
    );
    ERASE_DETAIL = both("UPDATE suppression SET detail = '' WHERE address_key = $1");
}

/// Adds to the record of an address.
pub(super) async fn note(
    tx: &mut Tx,
    address_key: &str,
    channel: &str,
    kind: &str,
    detail: &str,
    now: UnixMillis,
) -> Result<(), StoreError> {
    tx.run(&NOTE, args![address_key, channel, kind, now, detail])
        .await
        .map(drop)
}

/// Adds to the record of a reader.
pub(super) async fn note_by_id(
    tx: &mut Tx,
    id: SubscriberId,
    channel: &str,
    kind: &str,
    detail: &str,
    now: UnixMillis,
) -> Result<(), StoreError> {
    tx.run(&NOTE_BY_ID, args![id, channel, kind, now, detail])
        .await
        .map(drop)
}

/// Forgets a person of whom nothing is known but their address.
pub(super) async fn stop_remembering(tx: &mut Tx, id: i64) -> Result<(), StoreError> {
    // Waits for whoever gives them a subscription now, so that the statements below see it.
    tx.one::<(i64,)>(&LOCK_PERSON, args![id]).await?;
    tx.run(&FORGET_EVENTS, args![id]).await?;
    tx.run(&FORGET_PERSON, args![id]).await?;
    Ok(())
}

impl Db {
    /// Ends a reader's subscription to one channel; `via` says how (`link`, `one-click`,
    /// `operator`). `false` when it had ended or is not there. Deliveries still to come are
    /// stopped when they are claimed.
    pub async fn unsubscribe(
        &self,
        id: SubscriberId,
        channel: &str,
        via: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        if tx.run(&UNSUBSCRIBE, args![id, channel, now]).await? == 0 {
            return Ok(false);
        }
        note_by_id(&mut tx, id, channel, "unsubscribed", via, now).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Ends all of a reader's subscriptions, on an operator's word; what is known of them stays,
    /// so that no import brings them back. Returns how many ended.
    pub async fn remove(&self, id: SubscriberId, now: UnixMillis) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let ended = tx.run(&UNSUBSCRIBE_ALL, args![id, now]).await?;
        if ended > 0 {
            note_by_id(&mut tx, id, "", "removed", "operator", now).await?;
        }
        tx.commit().await?;
        Ok(ended)
    }

    /// Removes a person and all that is known of them. Only the key of their address stays
    /// suppressed, and only if it was, or if they had left everything they were subscribed to:
    /// a later import must not mail them again. `false` when there was nobody.
    pub async fn erase(&self, address_key: &str, now: UnixMillis) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        // Before the look for the person: a sign-up that is being admitted becomes one.
        let asked = tx.run(&ERASE_SIGNUP, args![address_key]).await?;
        let person: Option<(i64, i64, i64)> = tx.one(&PERSON, args![address_key]).await?;
        let events = tx.run(&ERASE_EVENTS, args![address_key]).await?;
        tx.run(&ERASE_DETAIL, args![address_key]).await?;
        let Some((id, left, stayed)) = person else {
            tx.commit().await?;
            return Ok(events + asked > 0);
        };
        if left > 0 && stayed == 0 {
            let reason = SuppressionReason::Request.as_str();
            tx.run(&SUPPRESS, args![address_key, reason, now, ""])
                .await?;
        }
        tx.run(&ERASE_REASONS, args![id]).await?;
        let mut moves = Moves::default();
        for open in [Pending, Deferred] {
            let values = args![id, now, open.as_str()];
            let stopped: Vec<(i64,)> = tx.all(&STOP_OPEN, values).await?;
            for (issue,) in stopped {
                moves.moved(issue, open, Suppressed, 1);
            }
        }
        tx.run(&ERASE_TIES, args![id]).await?;
        tx.run(&ERASE_PERSON, args![id]).await?;
        moves.write(&mut tx).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Makes sure that an address is never mailed again. `false` when it was suppressed before;
    /// the first reason stays.
    pub async fn suppress(
        &self,
        address_key: &str,
        reason: SuppressionReason,
        detail: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let values = args![address_key, reason.as_str(), now, detail];
        let is_new = tx.run(&SUPPRESS, values).await? > 0;
        if is_new {
            note(&mut tx, address_key, "", "suppressed", reason.as_str(), now).await?;
        }
        tx.commit().await?;
        Ok(is_new)
    }

    /// Why and since when an address is suppressed, with what was said; `None` when it is not.
    pub async fn suppressed(
        &self,
        address_key: &str,
    ) -> Result<Option<(SuppressionReason, UnixMillis, String)>, StoreError> {
        let row: Option<(String, i64, String)> = self.one(&SUPPRESSION, args![address_key]).await?;
        row.map(|(reason, at, detail)| {
            let reason = super::rows::word("a suppression's reason", &reason)?;
            Ok((reason, UnixMillis(at), detail))
        })
        .transpose()
    }

    /// The record of an address: channel, what happened, when, how. Oldest first.
    pub async fn consent_events(
        &self,
        address_key: &str,
    ) -> Result<Vec<(String, String, UnixMillis, String)>, StoreError> {
        let rows: Vec<(String, String, i64, String)> =
            self.all(&EVENTS, args![address_key]).await?;
        Ok(rows
            .into_iter()
            .map(|(c, k, at, d)| (c, k, UnixMillis(at), d))
            .collect())
    }
}
