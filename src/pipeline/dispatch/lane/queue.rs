//! What waits for a relay's connections.

use std::collections::BTreeMap;
use std::time::Instant;

use super::Parcel;

/// Two lines, because alerts and confirmation mail overtake digests.
#[derive(Default)]
pub(super) struct Queue {
    urgent: Line,
    others: Line,
    pushed: u64,
    closed: bool,
}

/// Mails by the moment from which they may leave, then as they came: one that waits for its slot
/// holds up nobody.
type Line = BTreeMap<(Instant, u64), Parcel>;

/// Why there is no mail to take.
pub(super) enum Empty {
    /// None is due before then.
    NotBefore(Instant),
    /// None that may go now; another mail must end first, or come.
    ForNow,
    /// None waits, and none will come.
    ForGood,
}

impl Queue {
    pub(super) fn len(&self) -> usize {
        self.urgent.len() + self.others.len()
    }

    pub(super) fn close(&mut self) {
        self.closed = true;
    }

    /// Gives the mail back where the queue is closed.
    pub(super) fn push(&mut self, parcel: Parcel, now: Instant) -> Option<Parcel> {
        if self.closed {
            return Some(parcel);
        }
        let line = match parcel.attempt.issue.is_urgent() {
            true => &mut self.urgent,
            false => &mut self.others,
        };
        self.pushed += 1;
        line.insert((parcel.not_before.unwrap_or(now), self.pushed), parcel);
        None
    }

    pub(super) fn empty(&mut self) -> Vec<Parcel> {
        let urgent = std::mem::take(&mut self.urgent);
        let others = std::mem::take(&mut self.others);
        urgent.into_values().chain(others.into_values()).collect()
    }

    /// The next mail whose time has come and whose domain has a connection free.
    pub(super) fn take(&mut self, now: Instant) -> Result<Parcel, Empty> {
        let mut soonest: Option<Instant> = None;
        for line in [&mut self.urgent, &mut self.others] {
            let next = line.iter().find(|((at, _), parcel)| {
                *at > now || parcel.member.as_ref().is_none_or(|one| one.may_board())
            });
            let Some((key, _)) = next else { continue };
            let key = *key;
            if key.0 > now {
                soonest = Some(soonest.map_or(key.0, |soonest| soonest.min(key.0)));
            } else if let Some(mut parcel) = line.remove(&key) {
                parcel.berth = parcel.member.as_ref().map(|member| member.board());
                return Ok(parcel);
            }
        }
        Err(match soonest {
            Some(at) => Empty::NotBefore(at),
            None if self.closed => Empty::ForGood,
            None => Empty::ForNow,
        })
    }
}
