//! Forgetting: the deliveries of issues that ended long ago. Their counts stay.

use super::sql::{args, both, most, statements};
use super::{Db, StoreError};
use crate::domain::UnixMillis;

statements! {
    PRUNABLE = both(
        "SELECT i.id FROM issue i
         WHERE i.state IN ('done', 'cancelled') AND i.finished_at < $1
            AND i.first_delivery IS NOT NULL AND NOT EXISTS
            (SELECT 1 FROM issue_count c WHERE c.issue_id = i.id
                AND c.state IN ('pending', 'deferred', 'leased') AND c.n > 0)
         ORDER BY i.id LIMIT 1"
    );
    /// Nobody retries it meanwhile.
    HOLD_ENDED = both(
        "UPDATE issue SET priority = priority
         WHERE id = $1 AND state IN ('done', 'cancelled') AND finished_at < $2"
    );
    PRUNE = both(
        "DELETE FROM delivery WHERE id IN (SELECT d.id FROM issue i CROSS JOIN delivery d
            WHERE i.id = $1 AND d.id >= i.first_delivery AND d.id <= i.last_delivery
                AND d.issue_id = $1 ORDER BY d.id LIMIT $2)"
    );
    PRUNE_VARIANTS = both("DELETE FROM variant WHERE issue_id = $1");
    PRUNED = both("UPDATE issue SET first_delivery = NULL, last_delivery = NULL WHERE id = $1");
}

impl Db {
    /// Forgets up to `limit` deliveries of issues that ended before `before`, and what only
    /// sending needed; what was counted stays counted. Returns how many went, 0 when there is
    /// nothing left to forget.
    pub async fn prune_deliveries(
        &self,
        before: UnixMillis,
        limit: usize,
    ) -> Result<i64, StoreError> {
        loop {
            let issue: Option<(i64,)> = self.one(&PRUNABLE, args![before]).await?;
            let Some((issue,)) = issue else {
                return Ok(0);
            };
            let mut tx = self.begin().await?;
            if tx.run(&HOLD_ENDED, args![issue, before]).await? == 0 {
                continue;
            }
            let pruned = tx.run(&PRUNE, args![issue, most(limit)]).await?;
            if pruned < most(limit) {
                tx.run(&PRUNE_VARIANTS, args![issue]).await?;
                tx.run(&PRUNED, args![issue]).await?;
            }
            tx.commit().await?;
            if pruned > 0 {
                return Ok(pruned);
            }
        }
    }
}
