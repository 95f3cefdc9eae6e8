//! What keeps the house in order: old records go, finished issues are closed, files say what
//! the database says.

use std::time::Duration;

use crate::domain::UnixMillis;
use crate::store::StoreError;

use super::{App, publish, signup};

/// Records of fetches are kept this long.
const FETCHES: Duration = Duration::from_secs(30 * 86_400);
/// Those that found nothing: of thousands of sources they are millions.
const IDLE_FETCHES: Duration = Duration::from_secs(2 * 86_400);

/// Old deliveries that go in one transaction, so that writers do not wait for long.
const ROUND: usize = 10_000;
/// Transactions in one round of housekeeping: a million rows; the rest can wait.
const MOST_ROUNDS: usize = 100;

/// One round.
///
/// # Errors
/// The store's.
pub async fn tidy(app: &App, now: UnixMillis) -> Result<(), StoreError> {
    let ago = |time: Duration| now.plus_ms(-i64::try_from(time.as_millis()).unwrap_or(i64::MAX));
    app.db.trim_fetches(ago(FETCHES), ago(IDLE_FETCHES)).await?;
    app.db.finish_issues(now).await?;
    let keep = i64::try_from(app.config.delivery.keep.as_millis()).unwrap_or(i64::MAX);
    let mut rounds = 0;
    while rounds < MOST_ROUNDS && app.db.prune_deliveries(now.plus_ms(-keep), ROUND).await? > 0 {
        rounds += 1;
    }
    signup::forget(app, now).await?;
    publish::refresh_exports(app).await;
    Ok(())
}
