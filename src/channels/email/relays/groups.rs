//! What this process has of a domain group's mail.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use crate::channels::email::shaping::DomainGroup;
use crate::config::Rate;

/// How many mails of one group are on their way; kept by whoever sends them.
#[derive(Debug, Default)]
pub struct GroupLoad {
    /// Mails in hand.
    pub in_hand: Arc<AtomicUsize>,
    /// Those of them that connections carry.
    pub on_wire: Arc<AtomicUsize>,
}

/// What a process knows of a domain group now.
#[derive(Debug, Clone, PartialEq)]
pub struct GroupStatus {
    /// The domain that names it.
    pub domain: String,
    /// The most messages a second; none is unlimited.
    pub rate_per_s: Option<f64>,
    /// The most connections at a time; none is unlimited.
    pub connections: Option<u32>,
    /// Mails that wait for a connection, and that connections carry.
    pub queue: (usize, usize),
}

impl GroupLoad {
    pub(super) fn status(&self, group: &DomainGroup) -> GroupStatus {
        let carried = self.on_wire.load(Ordering::Relaxed);
        let waiting = self.in_hand.load(Ordering::Relaxed).saturating_sub(carried);
        GroupStatus {
            domain: group.name.clone(),
            rate_per_s: group.rate.map(Rate::per_second),
            connections: group.connections,
            queue: (waiting, carried),
        }
    }
}
