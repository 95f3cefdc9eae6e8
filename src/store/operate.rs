//! What operators do with issues, and the end of an issue.
//!
//! Whoever makes an issue's deliveries due again holds the issue first, so that nobody calls it
//! done meanwhile.

use super::counts::Moves;
use super::freeze::patiently;
use super::sql::{Tx, args, both, json, list, most, statements};
use super::{Db, StoreError};
use crate::domain::DeliveryState::{Cancelled, Deferred, Failed, Pending, Uncertain};
use crate::domain::{DeliveryState, IssueId, IssueState, UnixMillis};

/// Deliveries that are cancelled in one transaction, so that senders need not wait for long.
const AT_ONCE: usize = 10_000;

statements! {
    SET_STATE = list!(
        "WITH allowed AS (SELECT r.value ->> 0 AS word FROM",
        ") UPDATE issue SET state = $3, why_paused = ''
         WHERE id = $2 AND state IN (SELECT word FROM allowed)"
    );
    /// Those that were tried; that of the others has not begun. In the words of an index.
    RENEW_PATIENCE = both(
        "UPDATE delivery SET since = $2
         WHERE issue_id = $1 AND state = 'deferred' AND since < $2
            AND state <> 'pending' AND state <> 'leased' AND state <> 'sent'"
    );
    PAUSE = both(
        "UPDATE issue SET state = 'paused', why_paused = $2 WHERE id = $1 AND state = 'sending'"
    );
    SET_TITLE = both("UPDATE issue SET title = $2 WHERE id = $1");
    CANCEL = both(
        "UPDATE issue SET state = 'cancelled', finished_at = $2
         WHERE id = $1 AND state IN ('waiting', 'sending', 'paused')"
    );
    /// What a daemon has taken is left to it: it looks again before it sends. What it gives back
    /// while this waits for the row may be in another state than the one it was counted in.
    CANCEL_OPEN = both(
        "UPDATE delivery SET state = 'cancelled', finished_at = $2,
            reason = 'the issue was cancelled'
         WHERE id IN (SELECT d.id FROM delivery d WHERE d.issue_id = $1
            AND d.state IN ('pending', 'deferred') AND d.state = $3 LIMIT $4)
            AND state = $3"
    );
    /// Waits for, and keeps out, others who change the issue.
    HOLD = both("UPDATE issue SET priority = priority WHERE id = $1 AND state <> 'cancelled'");
    REOPEN = both(
        "UPDATE issue SET state = 'sending', finished_at = NULL
         WHERE id = $1 AND state = 'done'"
    );
    RETRY = both(
        "UPDATE delivery SET state = 'deferred', due_at = $3, since = $3, finished_at = NULL
         WHERE issue_id = $1 AND state = $2
            AND state <> 'pending' AND state <> 'leased' AND state <> 'sent'"
    );
    CANCELLED_WITH_OPEN = both(
        "SELECT i.id FROM issue i WHERE i.state = 'cancelled' AND EXISTS
            (SELECT 1 FROM issue_count c WHERE c.issue_id = i.id
                AND c.state IN ('pending', 'deferred') AND c.n > 0)
         ORDER BY i.id"
    );
    WITHOUT_OPEN = both(
        "SELECT i.id FROM issue i WHERE i.state = 'sending' AND NOT EXISTS
            (SELECT 1 FROM issue_count c WHERE c.issue_id = i.id
                AND c.state IN ('pending', 'deferred', 'leased') AND c.n > 0)
         ORDER BY i.id"
    );
    FINISH = both(
        "UPDATE issue SET state = 'done', finished_at = $2
         WHERE id = $1 AND state = 'sending' AND NOT EXISTS
            (SELECT 1 FROM issue_count c WHERE c.issue_id = $1
                AND c.state IN ('pending', 'deferred', 'leased') AND c.n > 0)"
    );
}

impl Db {
    /// Lets an issue that waits or rests go out: approve, resume. Its deliveries' patience
    /// starts now; the time spent waiting for an operator is none of the relay's. `false` when
    /// it was not in the state `from`.
    pub async fn send_issue(
        &self,
        id: IssueId,
        from: IssueState,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let from = json(&[[from.as_str()]]);
        let to = IssueState::Sending.as_str();
        let mut tx = self.begin().await?;
        let changed = tx.run(&SET_STATE, args![&from, id, to]).await? > 0;
        if changed {
            patiently(&mut tx).await?;
            tx.run(&RENEW_PATIENCE, args![id, now]).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Moves an issue from one of the states `from` to another. `false` when it was in none of
    /// them.
    pub async fn set_issue_state(
        &self,
        id: IssueId,
        from: &[IssueState],
        to: IssueState,
    ) -> Result<bool, StoreError> {
        let from: Vec<[&str; 1]> = from.iter().map(|state| [state.as_str()]).collect();
        Ok(self
            .run(&SET_STATE, args![&json(&from), id, to.as_str()])
            .await?
            > 0)
    }

    /// Stops an issue that cannot go out as it is, for an operator to look at. `false` when it
    /// was not being sent.
    pub async fn pause_issue(&self, id: IssueId, why: &str) -> Result<bool, StoreError> {
        Ok(self.run(&PAUSE, args![id, why]).await? > 0)
    }

    /// Sets the subject or title an issue was composed under.
    pub async fn set_issue_title(&self, id: IssueId, title: &str) -> Result<(), StoreError> {
        self.run(&SET_TITLE, args![id, title]).await.map(drop)
    }

    /// Ends an issue: what no daemon has taken never will be sent, and what one has, only if
    /// it is on the wire already. Returns how many deliveries were cancelled; `None` when the
    /// issue was done or cancelled already.
    pub async fn cancel_issue(
        &self,
        id: IssueId,
        now: UnixMillis,
    ) -> Result<Option<i64>, StoreError> {
        if self.run(&CANCEL, args![id, now]).await? == 0 {
            return Ok(None);
        }
        self.cancel_open(id, now).await.map(Some)
    }

    /// Cancels what nobody has taken of a cancelled issue, in parts; how many.
    async fn cancel_open(&self, id: IssueId, now: UnixMillis) -> Result<i64, StoreError> {
        let mut cancelled = 0;
        for from in [Pending, Deferred] {
            let mut n = most(AT_ONCE);
            while n == most(AT_ONCE) {
                let (mut tx, mut moves) = (self.begin().await?, Moves::default());
                let values = args![id, now, from.as_str(), most(AT_ONCE)];
                n = tx.run(&CANCEL_OPEN, values).await?;
                moves.moved(id.0, from, Cancelled, n);
                moves.write(&mut tx).await?;
                tx.commit().await?;
                cancelled += n;
            }
        }
        Ok(cancelled)
    }

    /// Makes an issue's deliveries in `from` (failed or uncertain) due again, their patience
    /// starting anew, and reopens the issue if it was done. Returns how many. Deliveries of a
    /// cancelled issue stay.
    pub async fn retry_issue(
        &self,
        id: IssueId,
        from: DeliveryState,
        now: UnixMillis,
    ) -> Result<i64, StoreError> {
        let (mut tx, mut moves) = (self.begin().await?, Moves::default());
        if !matches!(from, Failed | Uncertain) || !hold(&mut tx, id).await? {
            return Ok(0);
        }
        patiently(&mut tx).await?;
        let retried = tx.run(&RETRY, args![id, from.as_str(), now]).await?;
        reopen(&mut tx, id, retried).await?;
        moves.moved(id.0, from, Deferred, retried);
        moves.write(&mut tx).await?;
        tx.commit().await?;
        Ok(retried)
    }

    /// Ends the issues being sent of which every delivery is in a final state, and cancels what
    /// came back to a cancelled issue. Returns the issues that are done now.
    pub async fn finish_issues(&self, now: UnixMillis) -> Result<Vec<IssueId>, StoreError> {
        let stragglers: Vec<(i64,)> = self.all(&CANCELLED_WITH_OPEN, args![]).await?;
        for (id,) in stragglers {
            self.cancel_open(IssueId(id), now).await?;
        }
        let ended: Vec<(i64,)> = self.all(&WITHOUT_OPEN, args![]).await?;
        let mut done = Vec::new();
        if ended.is_empty() {
            return Ok(done);
        }
        let mut tx = self.begin().await?;
        for (id,) in ended {
            // Held before the look, so that a retry that began earlier is seen.
            if hold(&mut tx, IssueId(id)).await? && tx.run(&FINISH, args![id, now]).await? > 0 {
                done.push(IssueId(id));
            }
        }
        tx.commit().await?;
        Ok(done)
    }
}

/// Keeps an issue as it is until the end of the transaction; `false` when it was cancelled.
pub(super) async fn hold(tx: &mut Tx, id: IssueId) -> Result<bool, StoreError> {
    Ok(tx.run(&HOLD, args![id]).await? > 0)
}

/// Opens an issue that was done, when deliveries of it are due again.
pub(super) async fn reopen(tx: &mut Tx, id: IssueId, again: i64) -> Result<(), StoreError> {
    if again > 0 {
        tx.run(&REOPEN, args![id]).await?;
    }
    Ok(())
}
