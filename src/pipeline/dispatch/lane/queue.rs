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

/// Why there is no mail to take.
pub(super) enum Empty {
    /// None is due before then.
    NotBefore(Instant),
    /// None waits.
    ForNow,
    /// None waits, and none will come.
    ForGood,
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
    pub(super) fn take(&mut self, now: Instant) -> Result<Parcel, Empty> {
        let mut soonest: Option<Instant> = None;
        for line in [&mut self.alerts, &mut self.others] {
            let Some(head) = line.front() else { continue };
            match head.not_before.filter(|at| *at > now) {
                None => return line.pop_front().ok_or(Empty::ForNow),
                Some(at) => soonest = Some(soonest.map_or(at, |soonest| soonest.min(at))),
            }
        }
        Err(match soonest {
            Some(at) => Empty::NotBefore(at),
            None if self.closed => Empty::ForGood,
            None => Empty::ForNow,
        })
    }
}
