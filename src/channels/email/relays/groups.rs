//! What this process has of a domain group's mail, and the rate that it learned for it.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Instant;

use crate::channels::email::shaping::{DomainGroup, Throttle};
use crate::config::Rate;

/// How many mails of one group are on their way, kept by whoever sends them, and how fast they
/// may go.
#[derive(Debug)]
pub struct GroupLoad {
    /// Mails in hand.
    pub in_hand: Arc<AtomicUsize>,
    /// Those of them that connections carry.
    pub on_wire: Arc<AtomicUsize>,
    throttle: Mutex<Throttle>,
}

/// What a process knows of a domain group now.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupStatus {
    /// The domain that names it.
    pub domain: String,
    /// The messages a second it is sent now; none is unlimited.
    pub rate_per_s: Option<f64>,
    /// The most connections at a time; none is unlimited.
    pub connections: Option<u32>,
    /// Mails that wait for a connection, and that connections carry.
    pub queue: (usize, usize),
}

impl GroupLoad {
    pub(super) fn new(group: &DomainGroup) -> Self {
        Self {
            in_hand: Arc::default(),
            on_wire: Arc::default(),
            throttle: Mutex::new(Throttle::new(group.rate.map(Rate::per_second))),
        }
    }

    /// The messages a second it takes now; `None` for no limit.
    #[must_use]
    pub fn rate(&self, now: Instant) -> Option<f64> {
        self.throttle().rate(now)
    }

    /// The rate that holds for it.
    pub(super) fn throttle(&self) -> MutexGuard<'_, Throttle> {
        self.throttle.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn status(&self, group: &DomainGroup, now: Instant) -> GroupStatus {
        let carried = self.on_wire.load(Ordering::Relaxed);
        let waiting = self.in_hand.load(Ordering::Relaxed).saturating_sub(carried);
        GroupStatus {
            domain: group.name.clone(),
            rate_per_s: self.rate(now),
            connections: group.connections,
            queue: (waiting, carried),
        }
    }
}
