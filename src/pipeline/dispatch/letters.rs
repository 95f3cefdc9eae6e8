//! Claimed deliveries become mails: made out, signed, and put into the lanes of their relays.
//!
//! Done in tasks of their own, a batch each, so that claiming and settling never wait for a
//! rendering. Signatures cost more than all the rest and have a bounded pool of threads.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tracing::{error, warn};

use super::hand::Try;
use super::lane::{Lane, Parcel};
use super::route::{Member, Place, Probe, Ticket};
use super::sending::Sending;
use crate::channels::email::dkim::Signer;
use crate::domain::{Outcome, UnixMillis, mask_addresses};
use crate::pipeline::app::{EmailChannel, Form, OpenChannel};
use crate::pipeline::compose::{ComposeError, Making, Recipient};
use crate::pipeline::publish::Outbox;

/// Mails signed in one go: large enough that handing them to another thread costs nothing,
/// small enough that the first ones leave while the others are signed.
const AT_ONCE: usize = 16;
/// Until a try that the database disturbed comes again.
const PAUSE: Duration = Duration::from_secs(5);

/// A claimed delivery and the way it takes.
pub(super) struct Routed {
    pub(super) attempt: Try,
    pub(super) lane: Arc<Lane>,
    pub(super) not_before: Option<Instant>,
    /// Its place among the mails for its domain group.
    pub(super) member: Option<Member>,
    /// Its part of what the relay takes today.
    pub(super) ticket: Option<Ticket>,
    /// Its place among those on their way over the lane.
    pub(super) assigned: Place,
    /// When it finds out whether the relay is back.
    pub(super) probe: Option<Probe>,
}

/// Makes out the mails of one issue and puts them into their lanes.
pub(super) async fn make(sending: Arc<Sending>, batch: Vec<Routed>, signing: Arc<Semaphore>) {
    let Some(channel) = sending.channel() else {
        return;
    };
    let Form::Email(email) = &channel.form else {
        return;
    };
    let signer = match email.signer(&channel.config) {
        Ok(signer) => signer,
        Err(problems) => {
            pause(&sending, &problems.to_string()).await;
            for routed in batch {
                routed.attempt.end(not_tried(problems.to_string()), None);
            }
            return;
        }
    };
    let mut batch = batch.into_iter();
    loop {
        let mut made: Vec<(Arc<Lane>, Parcel)> = Vec::with_capacity(AT_ONCE);
        for routed in batch.by_ref().take(AT_ONCE) {
            if !sending.is_stopped() {
                made.extend(made_out(&sending, channel, email, routed).await);
            }
        }
        if made.is_empty() && batch.len() == 0 {
            return;
        }
        if let Some(signer) = &signer {
            made = signed(made, signer.clone(), &signing).await;
        }
        queue(made);
        // A batch takes milliseconds; the connections of this thread go on in between.
        tokio::task::yield_now().await;
    }
}

/// Each lane gets its mails in one piece.
fn queue(made: Vec<(Arc<Lane>, Parcel)>) {
    let mut made = made.into_iter().peekable();
    while let Some((lane, parcel)) = made.next() {
        let mut parcels = vec![parcel];
        while let Some((_, parcel)) = made.next_if(|(other, _)| Arc::ptr_eq(other, &lane)) {
            parcels.push(parcel);
        }
        lane.push(parcels);
    }
}

/// One mail; `None` when its try has ended.
async fn made_out(
    sending: &Arc<Sending>,
    channel: &OpenChannel,
    email: &EmailChannel,
    routed: Routed,
) -> Option<(Arc<Lane>, Parcel)> {
    let row = &routed.attempt.row;
    let Some(reader) = &row.reader else {
        let gone = rejected("the subscriber is no longer in the database");
        routed.attempt.end(gone, None);
        return None;
    };
    let to = Recipient {
        subscriber: reader.subscriber,
        address: reader.address.clone(),
        name: reader.name.clone(),
    };
    let outbox = Outbox {
        delivery: row.id,
        made_at: row.made_at,
    };
    let making = Making {
        app: &sending.app,
        channel,
        email,
        issue: &sending.issue,
    };
    match making.letter(row.variant, outbox, &to).await {
        Ok(made) => {
            let parcel = Parcel {
                attempt: routed.attempt,
                letter: made.letter,
                envelope_from: made.envelope_from,
                to: made.to,
                not_before: routed.not_before,
                member: routed.member,
                berth: None,
                ticket: routed.ticket,
                _assigned: routed.assigned,
                carried: None,
                _probe: routed.probe,
            };
            Some((routed.lane, parcel))
        }
        Err(error) => {
            not_made(sending, routed.attempt, error).await;
            None
        }
    }
}

/// An address concerns its row, the database nobody, and a template the whole issue.
async fn not_made(sending: &Sending, attempt: Try, error: ComposeError) {
    match error {
        ComposeError::Address(reason) => attempt.end(rejected(&reason), None),
        ComposeError::Store(error) => {
            warn!(delivery.id = attempt.row.id.0, error = %error, "not made out");
            attempt.give_back(PAUSE);
        }
        error => {
            pause(sending, &error.to_string()).await;
            attempt.end(not_tried(error.to_string()), None);
        }
    }
}

/// Signs on a thread of the bounded pool. A mail that cannot be signed does not go out.
async fn signed(
    made: Vec<(Arc<Lane>, Parcel)>,
    signer: Arc<Signer>,
    signing: &Semaphore,
) -> Vec<(Arc<Lane>, Parcel)> {
    // The semaphore is never closed.
    let _permit = signing.acquire().await;
    let work = move || {
        let at = UnixMillis::now();
        let sign = |(lane, mut parcel): (Arc<Lane>, Parcel)| {
            if !lane.relay.wants_signatures() {
                return Some((lane, parcel));
            }
            match signer.sign(parcel.letter.headers(), parcel.letter.body(), at) {
                Ok(headers) => {
                    parcel.letter.sign_with(headers);
                    Some((lane, parcel))
                }
                Err(error) => {
                    error!(delivery.id = parcel.attempt.row.id.0, error = %error, "not signed");
                    parcel.attempt.give_back(PAUSE);
                    None
                }
            }
        };
        made.into_iter().filter_map(sign).collect()
    };
    // A panic drops the mails it concerns, and they go back.
    tokio::task::spawn_blocking(work)
        .await
        .unwrap_or_else(|panic| {
            error!(error = %panic, "signing failed");
            Vec::new()
        })
}

/// Stops an issue that cannot go out as it is; its rows stay as they are.
pub(super) async fn pause(sending: &Sending, why: &str) {
    let id = sending.issue.id;
    sending.stop();
    let paused = sending.app.db.pause_issue(id, why).await;
    sending.told();
    match paused {
        Ok(true) => error!(
            issue.id = id.0,
            error = mask_addresses(why),
            "issue paused; mend it, then `courant issues resume {id}`"
        ),
        Ok(false) => {}
        Err(error) => error!(issue.id = id.0, error = %error, "an issue could not be paused"),
    }
}

/// Due again soon, with a word for whoever looks why.
fn not_tried(reason: String) -> Outcome {
    Outcome::NotTried {
        reason,
        after: None,
    }
}

/// Refused by ourselves; the address is not to blame in general.
fn rejected(reason: &str) -> Outcome {
    Outcome::Rejected {
        reason: reason.to_owned(),
        suppress: false,
    }
}
