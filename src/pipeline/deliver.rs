//! One delivery: composed, marked as handed over, tried, settled.
//!
//! `handed_over` is committed before the first byte of a message leaves and the result after
//! its answer came.

use std::time::Duration;

use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::channels::email::relays::NoPlace;
use crate::channels::email::smtp::IssueTrouble;
use crate::config::ChannelSchedule;
use crate::domain::{DeliveryState, IssueState, Outcome, RetryPolicy, Transition, UnixMillis};
use crate::store::{Claimed, Settled, StoreError};

use super::app::{EmailChannel, Form, OpenChannel};
use super::compose::{ComposeError, Making, Outgoing, Recipient};
use super::publish::Outbox;
use super::{App, publish};

/// Pauses before the end of a try is written down again, when the database does not take it.
/// Together they are shorter than a lease: after it somebody else decides.
const INSISTENCE: [Duration; 4] = [
    Duration::from_millis(200),
    Duration::from_secs(2),
    Duration::from_secs(8),
    Duration::from_secs(20),
];

/// One delivery, to the end of this try. `None`: it was no longer ours.
pub(super) async fn deliver(
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
    let making = Making {
        app,
        channel,
        email,
        issue: &claimed.issue,
    };
    let outbox = Outbox {
        delivery: claimed.delivery.id,
        made_at: claimed.made_at,
    };
    let to = Recipient {
        subscriber: reader.subscriber,
        address: reader.address.clone(),
        name: reader.name.clone(),
    };
    match making.letter(claimed.variant, outbox, &to).await {
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
    let ours = app.db.hand_over(&row, &app.owner, app.clock.now()).await?;
    if ours.is_empty() {
        return Ok(None);
    }
    let relay = place.relay().to_owned();
    let verdict = place
        .send(&mail.envelope_from, &mail.to, &mail.letter.to_bytes())
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
    let now = app.clock.now();
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
    let changed = insist(app, settled, now).await?;
    Ok((changed == 1).then_some(state))
}

/// Writes an answer down, again and again for a while: a message that was accepted and not
/// written down is one that somebody may get twice.
async fn insist(app: &App, settled: Settled, now: UnixMillis) -> Result<i64, StoreError> {
    let settled = [settled];
    for pause in INSISTENCE {
        match app.db.settle(&settled, &app.owner, now).await {
            Ok(changed) => return Ok(changed),
            Err(error) => warn!(delivery.id = settled[0].id.0, error = %error, "not written down"),
        }
        tokio::time::sleep(pause).await;
    }
    app.db.settle(&settled, &app.owner, now).await
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
