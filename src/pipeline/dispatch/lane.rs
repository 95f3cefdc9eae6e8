//! The way over one relay: mails in the order they came, what is urgent before digests, and the
//! connections that carry them.
//!
//! As many workers as the relay's window allows take mails from the queue; a worker that finds
//! another mail waiting goes on over its connection without a pause. What the relay cannot take
//! goes back to the dispatcher, which knows the other relays.

mod queue;
mod worker;

use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::Notify;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::hand::{Hand, Try};
use super::route::{Member, Place, Probe, Ticket};
use crate::channels::email::Letter;
use crate::channels::email::relays::Relay;
use crate::channels::email::smtp::Parcel as Carried;
use crate::domain::EmailAddress;
use queue::Queue;

/// A mail ready for the wire.
pub(super) struct Parcel {
    pub(super) attempt: Try,
    pub(super) letter: Letter,
    pub(super) envelope_from: String,
    pub(super) to: EmailAddress,
    /// Where its rates have a place for it.
    pub(super) not_before: Option<Instant>,
    /// Its place in its domain's group.
    pub(super) member: Option<Member>,
    /// The same on the wire.
    pub(super) berth: Option<Place>,
    /// Its part of what the relay takes today.
    pub(super) ticket: Option<Ticket>,
    /// Its place among those on their way over this lane.
    pub(super) _assigned: Place,
    /// Its place among those that workers have.
    pub(super) carried: Option<Place>,
    /// When it finds out whether the relay is back.
    pub(super) _probe: Option<Probe>,
}

impl Carried for Parcel {
    fn envelope_from(&self) -> &str {
        &self.envelope_from
    }

    fn to(&self) -> &EmailAddress {
        &self.to
    }

    fn size(&self) -> usize {
        self.letter.size()
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        self.letter.write_to(out);
    }
}

/// Waits for tasks, or ends them after `give_up`; either way they have let go of everything.
pub(super) async fn done(mut tasks: JoinSet<()>, give_up: &CancellationToken) {
    loop {
        tokio::select! {
            ended = tasks.join_next() => if ended.is_none() {
                return;
            },
            () = give_up.cancelled() => return tasks.shutdown().await,
        }
    }
}

/// A relay's queue and workers.
pub(super) struct Lane {
    pub(super) relay: Arc<Relay>,
    hand: Arc<Hand>,
    queue: Mutex<Queue>,
    bell: Notify,
    /// Mails that are made out for it, wait, or are carried.
    assigned: Arc<AtomicUsize>,
    /// Mails that workers have.
    carried: Arc<AtomicUsize>,
    ended: AtomicU64,
    workers: Mutex<JoinSet<()>>,
    working: AtomicUsize,
}

impl Lane {
    pub(super) fn new(relay: Arc<Relay>, hand: Arc<Hand>) -> Arc<Self> {
        Arc::new(Self {
            relay,
            hand,
            queue: Mutex::default(),
            bell: Notify::new(),
            assigned: Arc::default(),
            carried: Arc::default(),
            ended: AtomicU64::new(0),
            workers: Mutex::default(),
            working: AtomicUsize::new(0),
        })
    }

    fn queue(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn workers(&self) -> MutexGuard<'_, JoinSet<()>> {
        self.workers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A mail is to be made out for this lane.
    pub(super) fn assign(&self) -> Place {
        Place::take(&self.assigned)
    }

    /// Mails that no worker has yet.
    pub(super) fn waiting(&self) -> usize {
        self.load().saturating_sub(self.carried())
    }

    /// Mails that were answered, so far.
    pub(super) fn ended(&self) -> u64 {
        self.ended.load(Ordering::Relaxed)
    }

    /// Mails that connections have, or are to be opened for.
    pub(super) fn carried(&self) -> usize {
        self.carried.load(Ordering::Relaxed)
    }

    /// Mails on their way over it: being made out, waiting, carried.
    pub(super) fn load(&self) -> usize {
        self.assigned.load(Ordering::Relaxed)
    }

    /// Queues mails, and starts workers for them as far as the relay's window allows.
    pub(super) fn push(self: &Arc<Self>, parcels: Vec<Parcel>) {
        let (mut late, now) = (Vec::new(), Instant::now());
        {
            let mut queue = self.queue();
            for parcel in parcels {
                late.extend(queue.push(parcel, now));
            }
        }
        // Mails that came after the end go back untouched.
        drop(late);
        self.staff();
        self.bell.notify_waiters();
    }

    /// Starts workers for what waits; each begins its connection with the first mail it takes.
    pub(super) fn staff(self: &Arc<Self>) {
        let mut workers = self.workers();
        while workers.try_join_next().is_some() {}
        let ready = self.queue().len() + self.carried();
        let wanted = self.relay.window(Instant::now()).min(ready);
        let missing = wanted.saturating_sub(self.working.load(Ordering::Relaxed));
        for _ in 0..missing {
            let lane = self.clone();
            self.working.fetch_add(1, Ordering::Relaxed);
            workers.spawn(async move { worker::work(&lane).await });
        }
    }

    /// Gives back everything that waits; another relay may take it.
    pub(super) fn give_up(&self) {
        let waiting = self.queue().empty();
        for parcel in waiting {
            parcel.attempt.give_back(Duration::ZERO);
        }
    }

    /// Nothing new begins; what waits goes back. What is on the wire goes on.
    pub(super) fn close(&self) {
        let waiting = {
            let mut queue = self.queue();
            queue.close();
            queue.empty()
        };
        drop(waiting);
        self.bell.notify_waiters();
    }

    /// Waits until the workers of a closed lane are done. After `give_up` they are ended, and
    /// what they have on the wire is uncertain.
    pub(super) async fn done(&self, give_up: &CancellationToken) {
        let workers = std::mem::take(&mut *self.workers());
        done(workers, give_up).await;
    }
}
