//! Sending: deliveries are claimed under a lease, marked as handed over, tried, settled.
//!
//! `handed_over` is committed before the first byte of a message leaves and the result after
//! its answer came. A daemon that dies between the two leaves exactly the messages it had in
//! flight marked so, and they become `uncertain`; what it had claimed and not begun goes back.

use std::time::{Duration, Instant};

use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::channels::email::relays::NoPlace;
use crate::channels::email::smtp::IssueTrouble;
use crate::config::ChannelSchedule;
use crate::domain::{
    DeliveryState, IssueState, Outcome, RetryPolicy, Transition, UncertainPolicy, UnixMillis,
};
use crate::store::{Claimed, Settled, StoreError};

use super::app::{EmailChannel, Form, OpenChannel};
use super::compose::{self, ComposeError, Outgoing};
use super::{App, publish};

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
    claimed_at: Option<Instant>,
}

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
    /// The store's. Whatever happens to a message is in its row.
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
            let now = UnixMillis::now();
            let claimed = app
                .db
                .claim_deliveries(&app.owner, now, now.plus(LEASE), room)
                .await?;
            step.claimed = claimed.len();
            for claimed in claimed {
                let (app, stop) = (app.clone(), stop.clone());
                self.running
                    .spawn(async move { deliver(&app, claimed, &stop).await });
            }
        }
        let ended = tokio::time::timeout(Duration::from_secs(1), self.running.join_next()).await;
        let mut ended = ended.unwrap_or_default();
        while let Some(done) = ended {
            match done {
                Ok(state) => step.sent += usize::from(state? == Some(DeliveryState::Sent)),
                Err(panic) => error!(error = %panic, "a delivery panicked; its lease runs out"),
            }
            ended = self.running.try_join_next();
        }
        if self.running.is_empty() {
            app.db.finish_issues(UnixMillis::now()).await?;
            step.idle = step.claimed == 0;
        }
        Ok(step)
    }

    /// Renews the leases of what is in hand; to be called every third of [`LEASE`].
    ///
    /// # Errors
    /// The store's.
    pub async fn renew(&self, app: &App) -> Result<(), StoreError> {
        if !self.running.is_empty() {
            app.db
                .renew_leases(&app.owner, UnixMillis::now().plus(LEASE))
                .await?;
        }
        Ok(())
    }

    /// Finishes what has begun and gives the rest back.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish(mut self, app: &App) -> Result<(), StoreError> {
        let stop = CancellationToken::new();
        stop.cancel();
        while !self.running.is_empty() {
            self.step(app, &stop).await?;
        }
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
        let step = dispatcher.step(app, &never).await?;
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
    let now = UnixMillis::now();
    let recovered = app.db.recover_leases(now, owner_prefix).await?;
    if recovered.uncertain > 0 || recovered.returned > 0 {
        warn!(
            deliveries.uncertain = recovered.uncertain,
            deliveries.returned = recovered.returned,
            "deliveries of a daemon that ended were recovered"
        );
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

/// One delivery, to the end of this try. `None`: it was no longer ours.
async fn deliver(
    app: &App,
    claimed: Claimed,
    stop: &CancellationToken,
) -> Result<Option<DeliveryState>, StoreError> {
    let Some(channel) = app.channels.get(&claimed.issue.channel) else {
        let reason = format!(
            "channel `{}` is not in the configuration",
            claimed.issue.channel
        );
        return settle(app, &claimed, None, not_tried(reason)).await;
    };
    match &channel.form {
        Form::Email(email) => deliver_mail(app, channel, email, &claimed, stop).await,
        Form::Feed(settings) => {
            let outcome = publish::export_feed(app, channel, settings).await;
            settle(app, &claimed, None, outcome_of(outcome)).await
        }
        Form::Social(social) => {
            let outcome = publish::write_payloads(app, channel, social.as_ref(), &claimed).await?;
            settle(app, &claimed, None, outcome_of(outcome)).await
        }
    }
}

async fn deliver_mail(
    app: &App,
    channel: &OpenChannel,
    email: &EmailChannel,
    claimed: &Claimed,
    stop: &CancellationToken,
) -> Result<Option<DeliveryState>, StoreError> {
    let Some(reader) = &claimed.reader else {
        let gone = rejected("the subscriber is no longer in the database".to_owned());
        return settle(app, claimed, None, gone).await;
    };
    match compose::mail_for(app, channel, email, claimed, reader).await {
        Ok(mail) => send(app, email, claimed, mail, stop).await,
        Err(ComposeError::Store(error)) => Err(error),
        Err(ComposeError::Address(reason)) => settle(app, claimed, None, rejected(reason)).await,
        Err(error) => {
            pause_issue(app, claimed, &error.to_string()).await?;
            settle(app, claimed, None, not_tried(error.to_string())).await
        }
    }
}

/// Waits for a connection, marks the row as handed over, sends, settles.
async fn send(
    app: &App,
    email: &EmailChannel,
    claimed: &Claimed,
    mail: Outgoing,
    stop: &CancellationToken,
) -> Result<Option<DeliveryState>, StoreError> {
    let place = match app.relays.place(&email.settings.relays, stop).await {
        Ok(place) => place,
        Err(NoPlace::Stopped) => return Ok(None),
        Err(NoPlace::Trouble(outcome)) => return settle(app, claimed, None, outcome).await,
    };
    // The intent is committed before the first byte of the message leaves. A row that is no
    // longer ours, or whose reader has left meanwhile, is not sent.
    let row = [(claimed.delivery.id, claimed.generation)];
    let ours = app
        .db
        .hand_over(&row, &app.owner, UnixMillis::now())
        .await?;
    if ours.is_empty() {
        return Ok(None);
    }
    let relay = place.relay().to_owned();
    let verdict = place
        .send(&mail.envelope_from, &mail.to, &mail.message)
        .await;
    if let Some(trouble @ (IssueTrouble::SenderRefused | IssueTrouble::TooLarge)) =
        verdict.issue_trouble
    {
        pause_issue(app, claimed, trouble.as_str()).await?;
    }
    settle(app, claimed, Some(relay), verdict.outcome).await
}

/// Stops an issue that cannot go out as it is; its rows stay as they are.
async fn pause_issue(app: &App, claimed: &Claimed, why: &str) -> Result<(), StoreError> {
    let id = claimed.issue.id;
    if app
        .db
        .set_issue_state(id, &[IssueState::Sending], IssueState::Paused)
        .await?
    {
        error!(
            issue.id = id.0,
            error = why,
            "issue paused; mend it, then `courant issues resume {id}`"
        );
    }
    Ok(())
}

/// Writes the end of a try into the row.
async fn settle(
    app: &App,
    claimed: &Claimed,
    relay: Option<String>,
    outcome: Outcome,
) -> Result<Option<DeliveryState>, StoreError> {
    let now = UnixMillis::now();
    let policy = retry_policy(app, claimed);
    let transition = Transition::after(&claimed.delivery, outcome, &policy, claimed.since, now);
    let state = transition.state;
    if state != DeliveryState::Sent {
        info!(
            delivery.id = claimed.delivery.id.0,
            delivery.state = %state,
            reason = transition.reason,
            "not sent"
        );
    }
    let settled = Settled {
        id: claimed.delivery.id,
        generation: claimed.generation,
        transition,
        relay,
    };
    let changed = app.db.settle(&[settled], &app.owner, now).await?;
    Ok((changed == 1).then_some(state))
}

/// Alerts are given up sooner than digests.
fn retry_policy(app: &App, claimed: &Claimed) -> RetryPolicy {
    let channel = app.channels.get(&claimed.issue.channel);
    match channel.and_then(|c| c.config.schedules.get(&claimed.issue.schedule)) {
        Some(ChannelSchedule::Each) => RetryPolicy::ALERT,
        _ => RetryPolicy::DIGEST,
    }
}

/// Refused by ourselves; the address is not to blame in general.
fn rejected(reason: String) -> Outcome {
    Outcome::Rejected {
        reason,
        suppress: false,
    }
}

fn not_tried(reason: String) -> Outcome {
    Outcome::NotTried {
        reason,
        after: None,
    }
}

/// A local product: written, or to be tried again.
fn outcome_of(result: Result<String, String>) -> Outcome {
    match result {
        Ok(reply) => Outcome::Accepted { reply },
        Err(reason) => Outcome::Deferred {
            reason,
            after: None,
        },
    }
}
