//! What became of the messages that a relay was given, in numbers.

use std::sync::atomic::{AtomicU64, Ordering};

/// The counters of one relay in this process.
#[derive(Default)]
pub(super) struct Counters {
    pub accepted: AtomicU64,
    pub deferred: AtomicU64,
    pub refused: AtomicU64,
    pub unknown: AtomicU64,
    pub troubles: AtomicU64,
}

/// What became of the messages that a process gave to a relay.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Taken.
    pub accepted: u64,
    /// Not taken now.
    pub deferred: u64,
    /// Refused for good.
    pub refused: u64,
    /// Without an answer.
    pub unknown: u64,
    /// Connections that failed.
    pub troubles: u64,
}

impl Counters {
    pub fn read(&self) -> Counts {
        let read = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        Counts {
            accepted: read(&self.accepted),
            deferred: read(&self.deferred),
            refused: read(&self.refused),
            unknown: read(&self.unknown),
            troubles: read(&self.troubles),
        }
    }
}
