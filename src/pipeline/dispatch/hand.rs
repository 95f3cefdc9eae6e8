//! What a process has in hand, and the promise that each try ends once.
//!
//! A [`Try`] is one claimed delivery. However it ends (answered, given back, or dropped by a
//! task that panicked or was stopped) exactly one [`Word`] about it reaches the dispatcher: a
//! dropped try that had left is uncertain, one that had not goes back untouched.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::mpsc::UnboundedSender;
use tracing::{error, warn};

use super::sending::Sending;
use super::settle::Held;
use crate::channels::email::shaping::Alarm;
use crate::domain::{DeliveryId, Outcome, Transition, UnixMillis};
use crate::pipeline::{App, Clock};
use crate::store::{Claimed, Db, Fate, Journal, StoreError};

/// How long a claim holds without renewal.
pub const LEASE: Duration = Duration::from_secs(60);
/// Nothing leaves this shortly before its lease ends.
const MARGIN: Duration = Duration::from_secs(10);
/// A reader who left this long ago gets nothing any more, wherever the message waits.
const FRESH: Duration = Duration::from_secs(1);
/// After the journal could not be written.
const REST: Duration = Duration::from_secs(5);

/// What all tries of a process share.
pub(super) struct Hand {
    pub(super) db: Db,
    pub(super) owner: String,
    pub(super) clock: Clock,
    pub(super) journal: Arc<Journal>,
    pub(super) held: Arc<Held>,
    pub(super) words: UnboundedSender<Word>,
    moments: Mutex<Moments>,
}

#[derive(Default)]
struct Moments {
    renewed: Option<Instant>,
    rest: Option<Instant>,
}

/// News for the dispatcher.
pub(super) enum Word {
    /// A try ended.
    Ended(End),
    /// An issue is refused for what it is.
    Alarm(Arc<Sending>, Alarm),
}

/// How one try ended.
pub(super) struct End {
    pub(super) id: DeliveryId,
    pub(super) generation: i64,
    pub(super) fate: Fate,
    pub(super) relay: Option<Arc<str>>,
}

impl Hand {
    pub(super) fn new(app: &App, words: UnboundedSender<Word>) -> Result<Self, StoreError> {
        Ok(Self {
            db: app.db.clone(),
            owner: app.owner.clone(),
            clock: app.clock.clone(),
            journal: app.open_journal()?,
            held: app.held.clone(),
            words,
            moments: Mutex::default(),
        })
    }

    fn moments(&self) -> std::sync::MutexGuard<'_, Moments> {
        self.moments.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All leases in hand were renewed by a call that began at `since`.
    pub(super) fn renewed(&self, since: Instant) {
        self.moments().renewed = Some(since);
    }

    /// Whether nothing should be taken now, because what leaves could not be written down.
    pub(super) fn is_resting(&self) -> bool {
        self.moments()
            .rest
            .is_some_and(|until| Instant::now() < until)
    }

    /// An issue must be stopped.
    pub(super) fn alarm(&self, sending: Arc<Sending>, alarm: Alarm) {
        // Without a dispatcher nothing more of it begins.
        let _ = self.words.send(Word::Alarm(sending, alarm));
    }

    /// Whether a lease taken at `claimed` certainly holds still, by the clock that nobody sets.
    fn holds(&self, claimed: Instant) -> bool {
        let renewed = self.moments().renewed;
        let since = renewed.map_or(claimed, |renewed| renewed.max(claimed));
        since.elapsed() < LEASE - MARGIN
    }
}

/// One claimed delivery.
pub(super) struct Try {
    pub(super) row: Claimed,
    pub(super) issue: Arc<Sending>,
    hand: Arc<Hand>,
    claimed: Instant,
    /// The relay's last bytes of it may have left.
    left: AtomicBool,
    told: bool,
}

impl Try {
    pub(super) fn new(
        row: Claimed,
        issue: Arc<Sending>,
        hand: Arc<Hand>,
        claimed: Instant,
    ) -> Self {
        Self {
            row,
            issue,
            hand,
            claimed,
            left: AtomicBool::new(false),
            told: false,
        }
    }

    /// The last look before the message leaves: the lease holds, its reader has not gone, and
    /// the journal says that it is leaving.
    pub(super) async fn may_leave(&self) -> bool {
        if !self.hand.holds(self.claimed) {
            warn!(
                delivery.id = self.row.id.0,
                "its lease ran out before it left"
            );
            return false;
        }
        if self.claimed.elapsed() > FRESH && !self.is_confirmed().await {
            return false;
        }
        match self.hand.journal.leaving(self.row.id, self.row.generation) {
            Ok(()) => {
                self.left.store(true, Ordering::Relaxed);
                true
            }
            Err(error) => {
                error!(error = %error, "nothing is sent that cannot be written down");
                self.hand.moments().rest = Some(Instant::now() + REST);
                false
            }
        }
    }

    async fn is_confirmed(&self) -> bool {
        let row = [(self.row.id, self.row.generation)];
        let (hand, now) = (&self.hand, self.hand.clock.of_leases());
        match hand.db.confirm_deliveries(&row, &hand.owner, now).await {
            Ok(ours) => !ours.is_empty(),
            Err(error) => {
                warn!(delivery.id = self.row.id.0, error = %error, "not sent: it could not be looked at again");
                false
            }
        }
    }

    /// Ends the try as `outcome` says.
    pub(super) fn end(mut self, outcome: Outcome, relay: Option<Arc<str>>) {
        self.note_answer(&outcome);
        self.tell(outcome, relay);
    }

    /// Not tried, and not to be held against anybody: due again after `wait`.
    pub(super) fn give_back(mut self, wait: Duration) {
        self.return_to_queue(wait);
    }

    fn return_to_queue(&mut self, wait: Duration) {
        self.told = true;
        let due_at = self.hand.clock.now().plus(wait);
        self.send(Fate::Returned { due_at }, None);
    }

    fn note_answer(&self, outcome: &Outcome) {
        if !self.left.load(Ordering::Relaxed) {
            return;
        }
        let accepted = match outcome {
            Outcome::Unknown { .. } => return,
            Outcome::Accepted { reply } => Some(reply.as_str()),
            _ => None,
        };
        let journal = &self.hand.journal;
        if let Err(error) = journal.answered(self.row.id, self.row.generation, accepted) {
            warn!(delivery.id = self.row.id.0, error = %error, "an answer is not in the journal");
        }
    }

    fn tell(&mut self, outcome: Outcome, relay: Option<Arc<str>>) {
        self.told = true;
        let now: UnixMillis = self.hand.clock.now();
        let Claimed {
            id,
            attempts,
            since,
            ..
        } = self.row;
        let policy = &self.issue.patience;
        let transition = Transition::after(id, attempts, outcome, policy, since, now);
        self.send(Fate::Tried(transition), relay);
    }

    fn send(&self, fate: Fate, relay: Option<Arc<str>>) {
        // A dispatcher that is gone has left its leases to be recovered.
        let _ = self.hand.words.send(Word::Ended(End {
            id: self.row.id,
            generation: self.row.generation,
            fate,
            relay,
        }));
    }
}

impl Drop for Try {
    fn drop(&mut self) {
        if self.told {
            return;
        }
        if self.left.load(Ordering::Relaxed) {
            let reason = "handed over, then the daemon stopped before the answer".to_owned();
            self.tell(Outcome::Unknown { reason }, None);
        } else {
            self.return_to_queue(Duration::ZERO);
        }
    }
}
