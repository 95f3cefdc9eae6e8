//! Sending: deliveries are claimed under a lease, marked as handed over, tried, settled.
//!
//! This is who takes what and for how long; `deliver` is one delivery. A daemon that dies
//! leaves exactly the messages it had in flight marked as handed over, and they become
//! `uncertain`; what it had claimed and not begun goes back.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::task::{self, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::domain::{DeliveryId, DeliveryState, UncertainPolicy, UnixMillis};
use crate::store::{Flight, Recovered, StoreError};

use super::App;
use super::deliver::deliver;

/// How long a claim holds without renewal.
pub const LEASE: Duration = Duration::from_secs(60);
/// The longest time between two claims while there is room.
const REST: Duration = Duration::from_secs(1);
/// How long an uncertain delivery waits before it is tried once more.
const GRACE: Duration = Duration::from_secs(60);

/// Deliveries in hand, of one process.
///
/// A slow relay holds its own connections and nothing else: whatever ends makes room for the
/// next claim.
#[derive(Default)]
pub struct Dispatcher {
    running: JoinSet<Result<Option<DeliveryState>, StoreError>>,
    /// What each task has in hand: only these leases are renewed, so that a delivery whose
    /// task failed is picked up by [`recover`] when its lease runs out.
    held: HashMap<task::Id, (DeliveryId, i64)>,
    claimed_at: Option<Instant>,
}

/// How a task ended.
type Ended = Result<(task::Id, Result<Option<DeliveryState>, StoreError>), task::JoinError>;

/// What one step of sending did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Deliveries claimed.
    pub claimed: usize,
    /// Deliveries that ended as `sent`.
    pub sent: usize,
    /// Whether nothing is due and nothing in hand.
    pub idle: bool,
}

impl Dispatcher {
    /// Claims what there is room for, then waits for something to end (at most a second, so
    /// that new work is seen). After `stop` nothing more begins.
    ///
    /// # Errors
    /// The store's, when nothing could be claimed; what is in hand goes on, so call it again.
    pub async fn step(&mut self, app: &App, stop: &CancellationToken) -> Result<Step, StoreError> {
        let mut step = Step::default();
        // Twice the connections: while one half talks, the other is composed and waits. The
        // next claim comes when half of them have ended, so that claims are batches, or after
        // a second, so that a relay that hangs does not keep the others idle.
        let most = (app.relays.connections() * 2).clamp(4, 400);
        let room = most.saturating_sub(self.running.len());
        let rested = self.claimed_at.is_none_or(|at| at.elapsed() >= REST);
        if room > 0 && (room * 2 >= most || rested) && !stop.is_cancelled() {
            self.claimed_at = Some(Instant::now());
            let now = app.clock.now();
            for ready in app.db.ready_issues(now).await? {
                let (issue, until) = (Arc::new(ready.issue), now.plus(LEASE));
                let room = room - step.claimed;
                if room == 0 {
                    break;
                }
                let claimed = app
                    .db
                    .claim_deliveries(&app.owner, issue.id, now, until, room)
                    .await?;
                step.claimed += claimed.len();
                for claimed in claimed {
                    let (app, stop, issue) = (app.clone(), stop.clone(), issue.clone());
                    let row = (claimed.id, claimed.generation);
                    let task = self
                        .running
                        .spawn(async move { deliver(&app, &issue, claimed, &stop).await });
                    self.held.insert(task.id(), row);
                }
            }
        }
        let next = self.running.join_next_with_id();
        let mut ended = tokio::time::timeout(Duration::from_secs(1), next)
            .await
            .unwrap_or_default();
        while let Some(done) = ended {
            step.sent += usize::from(self.ended(done) == Some(DeliveryState::Sent));
            ended = self.running.try_join_next_with_id();
        }
        if self.running.is_empty() {
            app.db.finish_issues(app.clock.now()).await?;
            step.idle = step.claimed == 0;
        }
        Ok(step)
    }

    /// Notes the end of a task. One delivery's trouble is its own: its lease runs out and it is
    /// recovered, and the others go on.
    fn ended(&mut self, done: Ended) -> Option<DeliveryState> {
        let (task, result) = match done {
            Ok((task, result)) => (task, result.map_err(|error| error.to_string())),
            Err(panic) => (panic.id(), Err(panic.to_string())),
        };
        let row = self.held.remove(&task);
        result.unwrap_or_else(|error| {
            let id = row.map(|(id, _)| id.0);
            error!(
                delivery.id = id,
                error, "a delivery failed; its lease runs out"
            );
            None
        })
    }

    /// Renews the leases of what is in hand; to be called every third of [`LEASE`].
    ///
    /// # Errors
    /// The store's.
    pub async fn renew(&self, app: &App) -> Result<(), StoreError> {
        if !self.held.is_empty() {
            let held: Vec<(DeliveryId, i64)> = self.held.values().copied().collect();
            let until = app.clock.now().plus(LEASE);
            app.db.renew_leases(&app.owner, &held, until).await?;
        }
        Ok(())
    }

    /// Finishes what has begun and gives the rest back. After `give_up` nothing is waited for:
    /// what was on the wire is uncertain when its lease runs out.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish(
        mut self,
        app: &App,
        give_up: &CancellationToken,
    ) -> Result<(), StoreError> {
        let mut renewal = tokio::time::interval(LEASE / 3);
        loop {
            tokio::select! {
                ended = self.running.join_next_with_id() => match ended {
                    Some(done) => drop(self.ended(done)),
                    None => break,
                },
                _ = renewal.tick() => {
                    if let Err(error) = self.renew(app).await {
                        warn!(error = %error, "leases could not be renewed");
                    }
                }
                () = give_up.cancelled() => {
                    self.running.shutdown().await;
                    break;
                }
            }
        }
        app.db.finish_issues(app.clock.now()).await?;
        app.db.release_leases(&app.owner).await?;
        Ok(())
    }
}

/// Sends until nothing is due, for commands that do not leave it to a daemon; answers how many
/// were sent. `progress` is told the number so far.
///
/// # Errors
/// The store's.
pub async fn drain(app: &App, mut progress: impl FnMut(usize)) -> Result<usize, StoreError> {
    let never = CancellationToken::new();
    let mut dispatcher = Dispatcher::default();
    let mut sent = 0;
    let mut renewed = Instant::now();
    loop {
        let step = match dispatcher.step(app, &never).await {
            Ok(step) => step,
            Err(error) => {
                dispatcher.finish(app, &never).await?;
                return Err(error);
            }
        };
        sent += step.sent;
        progress(sent);
        if step.idle {
            return Ok(sent);
        }
        if renewed.elapsed() > LEASE / 3 {
            dispatcher.renew(app).await?;
            renewed = Instant::now();
        }
    }
}

/// Leases that ran out, and what the channels' policies say about uncertain deliveries.
///
/// # Errors
/// The store's.
pub async fn recover(app: &App, owner_prefix: Option<&str>) -> Result<(), StoreError> {
    let now = app.clock.now();
    let all = UnixMillis(i64::MAX);
    let ended = owner_prefix.map_or(now, |_| all);
    for owner in app.db.lost_owners(ended).await? {
        let is_dead = owner_prefix.is_some_and(|prefix| owner.starts_with(prefix));
        let recovered = app
            .db
            .recover_owner(&owner, &Flight::default(), !is_dead, now)
            .await?;
        if recovered != Recovered::default() {
            warn!(
                deliveries.uncertain = recovered.uncertain,
                deliveries.returned = recovered.returned,
                "deliveries of a daemon that ended were recovered"
            );
        }
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
