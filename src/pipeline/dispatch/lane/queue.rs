//! What waits for a relay's connections.

use std::collections::VecDeque;
use std::time::Instant;

use super::Parcel;

/// Two lines: alerts overtake digests.
#[derive(Default)]
pub(super) struct Queue {
    alerts: VecDeque<Parcel>,
    others: VecDeque<Parcel>,
    closed: bool,
}

/// What a look at the queue found.
pub(super) enum Found {
    /// A mail whose time has come.
    Due(Parcel),
    /// Nothing before then.
    NotBefore(Instant),
    /// Nothing at all.
    Nothing,
    /// Nothing, and nothing will come.
    Closed,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.alerts.len() + self.others.len()
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Gives the mail back where the queue is closed.
    pub(super) fn push(&mut self, parcel: Parcel) -> Option<Parcel> {
        if self.closed {
            return Some(parcel);
        }
        if parcel.attempt.issue.is_alert() {
            self.alerts.push_back(parcel);
        } else {
            self.others.push_back(parcel);
        }
        None
    }

    pub(super) fn empty(&mut self) -> Vec<Parcel> {
        let alerts = std::mem::take(&mut self.alerts);
        alerts
            .into_iter()
            .chain(std::mem::take(&mut self.others))
            .collect()
    }

    /// The next mail whose time has come.
    pub(super) fn take(&mut self, now: Instant) -> Found {
        let mut soonest: Option<Instant> = None;
        for line in [&mut self.alerts, &mut self.others] {
            let Some(head) = line.front() else { continue };
            match head.not_before.filter(|at| *at > now) {
                None => return line.pop_front().map_or(Found::Nothing, Found::Due),
                Some(at) => soonest = Some(soonest.map_or(at, |soonest| soonest.min(at))),
            }
        }
        match soonest {
            Some(at) => Found::NotBefore(at),
            None if self.closed => Found::Closed,
            None => Found::Nothing,
        }
    }
}
