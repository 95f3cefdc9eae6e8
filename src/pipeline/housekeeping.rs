//! What keeps the house in order: old records go, finished issues are closed, files say what
//! the database says.

use std::time::Duration;

use crate::domain::UnixMillis;
use crate::store::StoreError;

use super::{App, publish};

/// Records of fetches are kept this long.
const FETCHES: Duration = Duration::from_secs(30 * 86_400);

/// One round.
///
/// # Errors
/// The store's.
pub async fn tidy(app: &App, now: UnixMillis) -> Result<(), StoreError> {
    let before = now.plus_ms(-i64::try_from(FETCHES.as_millis()).unwrap_or(i64::MAX));
    app.db.trim_fetches(before).await?;
    app.db.finish_issues(now).await?;
    publish::refresh_exports(app).await;
    Ok(())
}
