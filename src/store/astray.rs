//! What a clock that ran far ahead has put off. It is right again, and without this the times that
//! it wrote would be waited for, years maybe.

use std::time::Duration;

use super::sql::{args, both, statements};
use super::{Db, StoreError};
use crate::domain::UnixMillis;

/// The clocks of two machines, or of one before and after it is corrected, differ by this much.
const APART: i64 = 10 * 60_000;
/// No delivery is put off for longer, since it is given up after a day.
const LONGEST: i64 = 2 * 86_400_000;

statements! {
    ASTRAY_DELIVERIES = both(
        "UPDATE delivery SET due_at = $1, since = CASE WHEN since > $1 THEN $1 ELSE since END
         WHERE issue_id IN (SELECT id FROM issue WHERE state IN ('waiting', 'sending', 'paused'))
            AND state IN ('pending', 'deferred') AND due_at > $2"
    );
    ASTRAY_DOUBTS = both(
        "UPDATE delivery SET finished_at = $1 WHERE state = 'uncertain' AND finished_at > $2"
    );
    /// What they asked for was reckoned by that clock, too.
    ASTRAY_SOURCES = both(
        "UPDATE source SET next_fetch_at = $1, rest_until = NULL, full_at = NULL,
            wished_at = NULL, hastened_at = NULL
         WHERE last_fetch_at > $2 AND next_fetch_at > $1"
    );
    /// An address would not be asked again, nor a network let in, before that time.
    ASTRAY_CONFIRMATIONS = both("UPDATE confirmation SET last_at = $1 WHERE last_at > $2");
    ASTRAY_NETWORKS = both("DELETE FROM signup_network WHERE at > $1");
    ASTRAY_UNCONFIRMED = both(
        "UPDATE subscription SET requested_at = $1
         WHERE state = 'pending' AND by_form AND requested_at > $2"
    );
    /// A pause that is over stays until the relay was probed, which is what is wanted here.
    ASTRAY_RULES = both("UPDATE relay_rule SET until = $1 WHERE until > $2");
    /// No task is taken for more than minutes.
    ASTRAY_TASKS = both("UPDATE lease SET lease_until = 0 WHERE lease_until > $1");
}

impl Db {
    /// Makes due what waits for a time that only a clock far ahead of `now` can have meant.
    /// Returns how many deliveries, sources, sign-ups, limits of relays and tasks it was. No
    /// limit of a relay lasts for longer than `longest_rule`.
    pub async fn mend_times(
        &self,
        now: UnixMillis,
        longest_rule: Duration,
    ) -> Result<i64, StoreError> {
        let mut tx = self.begin().await?;
        let mut mended = tx
            .run(&ASTRAY_DELIVERIES, args![now, now.plus_ms(LONGEST)])
            .await?;
        mended += tx
            .run(&ASTRAY_DOUBTS, args![now, now.plus_ms(LONGEST)])
            .await?;
        let apart = now.plus_ms(APART);
        for statement in [ASTRAY_SOURCES, ASTRAY_CONFIRMATIONS, ASTRAY_UNCONFIRMED] {
            mended += tx.run(&statement, args![now, apart]).await?;
        }
        for statement in [ASTRAY_NETWORKS, ASTRAY_TASKS] {
            mended += tx.run(&statement, args![apart]).await?;
        }
        let ruled = apart.plus(longest_rule);
        mended += tx.run(&ASTRAY_RULES, args![now, ruled]).await?;
        tx.commit().await?;
        Ok(mended)
    }
}
