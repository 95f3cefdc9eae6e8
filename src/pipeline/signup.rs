//! Admitting those who signed up, no faster than `[signup] rate`, and forgetting those who never
//! confirmed.

use std::time::{Duration, Instant};

use tracing::info;

use crate::domain::UnixMillis;
use crate::store::StoreError;

use super::App;

/// Admitted, or forgotten, at a time.
const AT_ONCE: usize = 100;
/// How long one process admits before another may, should it die.
const LEASE: Duration = Duration::from_secs(60);
/// What the lease is called.
const TASK: &str = "sign-ups";
/// As long as the link in the mail works, and the time the mail may take.
const UNCONFIRMED: Duration = Duration::from_secs(8 * 86_400);

/// Admits those who wait; how many confirmation mails that made. Those who came by the form
/// wait when the rate is used up; whom an operator entered do not.
///
/// # Errors
/// The store's.
pub async fn admit(app: &App, now: UnixMillis) -> Result<usize, StoreError> {
    if app.db.waiting_signups().await? == 0 {
        return Ok(0);
    }
    let taken = Instant::now();
    let lease = app.db.take_lease(TASK, &app.owner, LEASE, now).await?;
    if lease.is_none() {
        return Ok(0);
    }
    let rate = app.config.signup.rate;
    let window = i64::try_from(rate.per.as_millis()).unwrap_or(i64::MAX);
    let asked = app
        .db
        .confirmations_since(now.plus_ms(-window), now)
        .await?;
    let left = usize::try_from(i64::from(rate.count) - asked).unwrap_or(0);
    let keys = &app.keys;
    let channels: Vec<String> = app.config.channels.keys().cloned().collect();
    // A process that was stopped for a while must not go on with what another has counted since.
    let is_ours = || taken.elapsed() < LEASE / 2;
    let mut mails = 0;
    for (via, limit) in [("form", left.min(AT_ONCE)), ("operator", AT_ONCE)] {
        if limit > 0 {
            let (admitted, made) = app
                .db
                .admit_signups(keys, &channels, via, limit, now, is_ours)
                .await?;
            if admitted > 0 {
                info!(admitted, mails = made, via, "sign-ups admitted");
            }
            mails += made;
        }
    }
    Ok(mails)
}

/// Lets another process admit at once, or this one when it is started anew.
///
/// # Errors
/// The store's.
pub async fn give_up(app: &App) -> Result<(), StoreError> {
    app.db.drop_lease(TASK, &app.owner).await
}

/// Forgets who did not confirm in time.
///
/// # Errors
/// The store's.
pub async fn forget(app: &App, now: UnixMillis) -> Result<(), StoreError> {
    let over = i64::try_from(UNCONFIRMED.as_millis()).unwrap_or(i64::MAX);
    while app
        .db
        .forget_unconfirmed(now.plus_ms(-over), AT_ONCE, now)
        .await?
        == AT_ONCE
    {}
    Ok(())
}
