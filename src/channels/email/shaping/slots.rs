//! Moments at which a message may leave, lent to this daemon from a shared rate.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// A slot may be this much late: a loop that was busy for a moment loses nothing, and a daemon
/// that stood still does not send all it missed at once.
const LATEST: Duration = Duration::from_millis(250);

/// So many slots, evenly spaced.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Loan {
    /// The first.
    pub first: Instant,
    /// The time from one to the next.
    pub gap: Duration,
    /// How many there are.
    pub count: u32,
}

impl Loan {
    /// How late a slot may be used: rare slots until the next one comes.
    fn latest(&self) -> Duration {
        self.gap.max(LATEST)
    }

    /// Gives up the slots that are too late to be used.
    fn drop_late(&mut self, now: Instant) {
        let late = now
            .saturating_duration_since(self.first)
            .saturating_sub(self.latest());
        let gap = self.gap.as_nanos().max(1);
        let missed = u32::try_from(late.as_nanos().div_ceil(gap)).unwrap_or(u32::MAX);
        let missed = missed.min(self.count);
        self.first += self.gap * missed;
        self.count -= missed;
    }

    fn count_until(&self, end: Instant) -> u32 {
        let Some(span) = end.checked_duration_since(self.first) else {
            return 0;
        };
        let slots = span.as_nanos() / self.gap.as_nanos().max(1) + 1;
        u32::try_from(slots).unwrap_or(u32::MAX).min(self.count)
    }
}

/// The slots that are left of one rate's loans.
#[derive(Debug, Clone, Default)]
pub struct Slots {
    loans: VecDeque<Loan>,
}

impl Slots {
    /// Adds a loan, whose slots come after those lent before.
    pub fn lend(&mut self, loan: Loan) {
        self.loans.push_back(loan);
    }

    /// The next slot: the message may leave at that instant, which may be a little past.
    /// `None` when another loan is needed.
    pub fn take(&mut self, now: Instant) -> Option<Instant> {
        while let Some(loan) = self.loans.front_mut() {
            loan.drop_late(now);
            if loan.count > 0 {
                let slot = loan.first;
                loan.first += loan.gap;
                loan.count -= 1;
                return Some(slot);
            }
            self.loans.pop_front();
        }
        None
    }

    /// How many slots there are from now to `horizon` from now.
    #[must_use]
    pub fn left_within(&self, horizon: Duration, now: Instant) -> u32 {
        let loans = self.loans.iter().map(|loan| {
            let mut loan = *loan;
            loan.drop_late(now);
            loan.count_until(now + horizon)
        });
        loans.fold(0, u32::saturating_add)
    }
}
