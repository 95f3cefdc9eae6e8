//! What processes left that died or hang, and what the channels' policies say about it.

use std::time::Duration;

use tracing::warn;

use super::hand::LEASE;
use crate::domain::{UncertainPolicy, UnixMillis};
use crate::pipeline::App;
use crate::store::{Flight, Journal, Recovered, StoreError};

/// How long an uncertain delivery waits before it is tried once more.
const GRACE: Duration = Duration::from_secs(60);

/// Settles what dead processes left and what ran out, and tries uncertain deliveries once more
/// where the channel says so. `owner_prefix` names processes that are known to be dead.
///
/// A process on this machine left a journal that says exactly what it had on the wire. Of one
/// that ran on another machine, or hangs, nothing is known but what it had taken: all of that
/// may have left.
///
/// # Errors
/// The store's; a journal that cannot be read.
pub async fn recover(app: &App, owner_prefix: Option<&str>) -> Result<(), StoreError> {
    let now = app.clock.now();
    for dead in Journal::dead(&app.journals, &app.keys)? {
        let recovered = app
            .db
            .recover_owner(&dead.owner, &dead.flight, false, now)
            .await?;
        told(&dead.owner, recovered);
        dead.done();
    }
    if let Some(prefix) = owner_prefix {
        for owner in app.db.lost_owners(UnixMillis(i64::MAX)).await? {
            if owner.starts_with(prefix) && owner != app.owner {
                let recovered = app
                    .db
                    .recover_owner(&owner, &Flight::default(), false, now)
                    .await?;
                told(&owner, recovered);
            }
        }
    }
    // What we have in hand has not run out, whatever a clock that was set forward says.
    renew(app).await?;
    let now = app.db.lease_time(now).await?;
    for owner in app.db.lost_owners(now).await? {
        // What is ours and ran out was lost by a task that failed; our own journal knows.
        let flight = match app.journal.get() {
            Some(journal) if owner == app.owner => journal.flight(),
            _ => Flight::default(),
        };
        let recovered = app.db.recover_owner(&owner, &flight, true, now).await?;
        told(&owner, recovered);
    }
    let retry: Vec<String> = app
        .channels
        .iter()
        .filter(|(_, channel)| channel.config.uncertain == UncertainPolicy::Retry)
        .map(|(id, _)| id.clone())
        .collect();
    app.db.retry_uncertain(&retry, now, GRACE).await?;
    Ok(())
}

/// Renews the leases of what this process has in hand.
///
/// # Errors
/// The store's.
pub(super) async fn renew(app: &App) -> Result<(), StoreError> {
    let held = app.held.all();
    if !held.is_empty() {
        let until = app.clock.of_leases().plus(LEASE);
        app.db.renew_leases(&app.owner, &held, until).await?;
    }
    Ok(())
}

fn told(owner: &str, recovered: Recovered) {
    if recovered != Recovered::default() {
        warn!(
            owner,
            deliveries.uncertain = recovered.uncertain,
            deliveries.returned = recovered.returned,
            deliveries.sent = recovered.sent,
            "deliveries of a process that ended were recovered"
        );
    }
}
