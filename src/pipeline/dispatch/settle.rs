//! Ends of tries, collected and written down in batches.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tracing::{error, info, warn};

use super::hand::{End, Hand};
use crate::domain::{DeliveryId, DeliveryState, mask_addresses};
use crate::store::{Fate, Settled, StoreError};

/// Ends written in one go.
const BATCH: usize = 200;
/// How long an end waits for others.
const WAIT: Duration = Duration::from_millis(50);
/// Until it is tried again, when the database does not take it.
const AGAIN: Duration = Duration::from_secs(1);

/// The deliveries that a process has in hand, each with the generation of its lease.
#[derive(Debug, Default)]
pub struct Held(Mutex<HashMap<DeliveryId, i64>>);

impl Held {
    fn lock(&self) -> MutexGuard<'_, HashMap<DeliveryId, i64>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<(DeliveryId, i64)> {
        self.lock().iter().map(|(id, held)| (*id, *held)).collect()
    }

    /// How many they are.
    pub(super) fn count(&self) -> usize {
        self.lock().len()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.lock().is_empty()
    }

    /// A delivery was taken.
    pub(super) fn take(&self, id: DeliveryId, generation: i64) {
        self.lock().insert(id, generation);
    }

    /// Nothing is in hand.
    pub(super) fn forget(&self) {
        self.lock().clear();
    }
}

/// The ends that the database does not have yet.
#[derive(Default)]
pub(super) struct Ledger {
    ended: Vec<Settled>,
    oldest: Option<Instant>,
    not_before: Option<Instant>,
    /// Ends whose lease had passed on, and messages without an answer.
    pub(super) fenced: u64,
    pub(super) uncertain: u64,
}

impl Ledger {
    /// Whether ends could not be written down: nothing more should be begun.
    pub(super) fn is_stuck(&self) -> bool {
        self.not_before.is_some()
    }

    /// An end, to be written down soon. Whether it was a delivery.
    pub(super) fn note(&mut self, end: &End) -> bool {
        let mut sent = false;
        if let Fate::Tried(transition) = &end.fate {
            sent = transition.state == DeliveryState::Sent;
            if !sent {
                info!(
                    delivery.id = end.id.0,
                    delivery.state = %transition.state,
                    reason = mask_addresses(&transition.reason),
                    "not sent"
                );
            }
        }
        self.ended.push(Settled {
            id: end.id,
            generation: end.generation,
            fate: end.fate.clone(),
            relay: end.relay.as_deref().map(str::to_owned),
        });
        self.oldest.get_or_insert_with(Instant::now);
        sent
    }

    /// How many ends are not written down yet.
    pub(super) fn len(&self) -> usize {
        self.ended.len()
    }

    /// When the collected ends want to be written.
    pub(super) fn due(&self) -> Option<Instant> {
        let oldest = self.oldest?;
        let due = if self.ended.len() >= BATCH {
            oldest
        } else {
            oldest + WAIT
        };
        Some(
            self.not_before
                .map_or(due, |not_before| due.max(not_before)),
        )
    }

    /// Writes down what has ended, if it is time or `now` demands it. A message that was
    /// accepted and not written down is one that somebody may get twice, so ends are kept
    /// until the database takes them.
    pub(super) async fn write(&mut self, hand: &Hand, now: bool) -> Result<(), StoreError> {
        while !self.ended.is_empty() && (now || self.due().is_some_and(|due| due <= Instant::now()))
        {
            let batch = &self.ended[..self.ended.len().min(BATCH * 2)];
            let written = hand.db.settle(batch, &hand.owner, hand.clock.now()).await;
            let settlement = written.inspect_err(|error| {
                error!(error = %error, "ends of deliveries are not written down yet");
                self.not_before = Some(Instant::now() + AGAIN);
            })?;
            self.not_before = None;
            let uncertain = |one: &&Settled| matches!(&one.fate, Fate::Tried(to) if to.state == DeliveryState::Uncertain);
            let in_doubt = batch.iter().filter(uncertain).count();
            self.uncertain += in_doubt as u64;
            let count = batch.len();
            let done: Vec<(DeliveryId, i64)> = self
                .ended
                .drain(..count)
                .map(|s| (s.id, s.generation))
                .collect();
            self.oldest = (!self.ended.is_empty()).then(Instant::now);
            self.fenced += settlement.lost.len() as u64;
            for (id, _) in &settlement.lost {
                warn!(
                    delivery.id = id.0,
                    "its lease had passed on; it may be sent a second time"
                );
            }
            let mut held = hand.held.lock();
            for (id, generation) in &done {
                // Not one that was lost and taken again meanwhile.
                if held.get(id) == Some(generation) {
                    held.remove(id);
                }
            }
            drop(held);
            hand.journal.forget(done);
        }
        Ok(())
    }
}
