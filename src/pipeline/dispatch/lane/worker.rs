//! One connection's worker.

use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::super::route::{Member, Place, Ticket};
use super::queue::Empty;
use super::{Lane, Parcel};
use crate::channels::email::relays::Open;
use crate::channels::email::smtp::{Feed, Verdict};
use crate::domain::Outcome;

/// Connections that die under a waiting mail before it goes back: a relay that takes
/// connections and drops them is in trouble.
const MOST_STALE: usize = 3;

/// Carries mails until none comes for as long as an idle connection may be kept, or the
/// relay's window has no place for this worker.
pub(super) async fn work(lane: &Lane) {
    let _working = Working(lane);
    let mut connection = None;
    // Also of a worker that was called a moment before its relay was left alone.
    let is_wanted = || lane.working.load(Ordering::Relaxed) <= lane.relay.window(Instant::now());
    while is_wanted()
        && let Some(parcel) = next(lane).await
    {
        connection = carry(lane, parcel, connection).await;
    }
}

/// Counts a worker down however it ends.
struct Working<'a>(&'a Lane);

impl Drop for Working<'_> {
    fn drop(&mut self) {
        self.0.working.fetch_sub(1, Ordering::Relaxed);
        // What it did not take, because its domain had no connection free, others may.
        self.0.bell.notify_waiters();
    }
}

/// The next mail; waits for it as long as a connection may be idle.
async fn next(lane: &Lane) -> Option<Parcel> {
    let patience = Instant::now() + lane.relay.idle_close();
    loop {
        // Listening before looking: what is pushed in between is not missed.
        let mut bell = std::pin::pin!(lane.bell.notified());
        bell.as_mut().enable();
        let until = match take(lane) {
            Ok(parcel) => return Some(parcel),
            Err(Empty::ForGood) => return None,
            Err(Empty::NotBefore(at)) => at,
            Err(Empty::ForNow) if Instant::now() >= patience => return None,
            Err(Empty::ForNow) => patience,
        };
        tokio::select! {
            () = bell => {}
            () = tokio::time::sleep_until(until.into()) => {}
        }
    }
}

/// Takes a due mail off the queue. Those of an issue that was stopped meanwhile go back.
fn take(lane: &Lane) -> Result<Parcel, Empty> {
    loop {
        let mut parcel = lane.queue().take(Instant::now())?;
        if !parcel.attempt.issue.is_stopped() {
            parcel.carried = Some(Place::take(&lane.carried));
            return Ok(parcel);
        }
    }
}

/// Carries a mail and what follows it; the connection, if it can be kept.
async fn carry(lane: &Lane, mut parcel: Parcel, mut connection: Option<Open>) -> Option<Open> {
    let mut feed = Carrier { lane };
    for _ in 0..MOST_STALE {
        let mut open = match usable(connection.take()) {
            Some(open) => open,
            None => match lane.relay.open().await {
                Ok(open) => open,
                Err(error) => {
                    put_back(parcel, error.reason);
                    return None;
                }
            },
        };
        match open.connection.carry(parcel, &mut feed).await {
            None => return usable(Some(open)),
            Some(untried) => parcel = untried,
        }
    }
    put_back(parcel, lane.relay.hangs_up().to_owned());
    None
}

/// This relay cannot take it now.
fn put_back(parcel: Parcel, reason: String) {
    let after = at_another(&parcel);
    parcel
        .attempt
        .end(Outcome::NotTried { reason, after }, None);
}

/// How long a mail waits that its relay did not take for a reason of the relay's own: another
/// may have it at once, if there is one.
fn at_another(parcel: &Parcel) -> Option<Duration> {
    let has_others = parcel.attempt.issue.has_other_relays();
    has_others.then_some(Duration::ZERO)
}

fn usable(mut open: Option<Open>) -> Option<Open> {
    open.take_if(Open::is_usable)
}

/// What a connection asks and tells about the mails it carries.
struct Carrier<'a> {
    lane: &'a Lane,
}

impl Feed for Carrier<'_> {
    type Parcel = Parcel;

    fn next_now(&mut self) -> Option<Parcel> {
        take(self.lane).ok()
    }

    async fn may_leave(&mut self, parcel: &Parcel) -> bool {
        parcel.attempt.may_leave().await
    }

    fn ended(&mut self, mut parcel: Parcel, verdict: Verdict) {
        let ticket = parcel.ticket.take();
        if !matches!(verdict.outcome, Outcome::NotTried { .. }) {
            ticket.into_iter().for_each(Ticket::used);
        }
        self.lane.ended.fetch_add(1, Ordering::Relaxed);
        let group = parcel.member.as_ref().map(Member::group);
        self.lane.relay.note(&verdict, group);
        let relay = Some(self.lane.relay.id.clone());
        if let Some(alarm) = parcel.attempt.issue.heard(&verdict) {
            if alarm.pause {
                // At once: what waits behind it would be refused as well.
                parcel.attempt.issue.stop();
            }
            if alarm.open_breaker {
                self.lane.relay.give_rest(&alarm.reason);
            }
            self.lane.hand.alarm(parcel.attempt.issue.clone(), alarm);
        }
        let mut outcome = verdict.outcome;
        if let (Outcome::NotTried { after, .. }, Some(_)) = (&mut outcome, verdict.relay_trouble) {
            *after = after.or(at_another(&parcel));
        }
        parcel.attempt.end(outcome, relay);
    }

    fn withdrawn(&mut self, parcel: Parcel) {
        parcel.attempt.give_back(Duration::ZERO);
    }
}
