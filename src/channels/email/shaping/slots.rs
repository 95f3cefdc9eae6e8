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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    fn loan(first: Instant, gap: u64, count: u32) -> Loan {
        Loan {
            first,
            gap: ms(gap),
            count,
        }
    }

    #[test]
    fn slots_come_in_order_and_one_loan_after_the_other() {
        let now = Instant::now();
        let mut slots = Slots::default();
        slots.lend(loan(now, 20, 2));
        slots.lend(loan(now + ms(100), 50, 2));
        let taken: Vec<_> = std::iter::from_fn(|| slots.take(now)).collect();
        let expected = [0, 20, 100, 150].map(|at| now + ms(at));
        assert_eq!(taken, expected);
        assert_eq!(slots.take(now), None);
    }

    #[test]
    fn a_daemon_that_stood_still_does_not_send_all_it_missed() {
        let now = Instant::now();
        let mut slots = Slots::default();
        slots.lend(loan(now, 10, 200));
        let later = now + ms(1000);
        assert_eq!(slots.take(later), Some(now + ms(750)));
        assert_eq!(slots.left_within(ms(0), later), 25);
        // A day later there is nothing of it left.
        assert_eq!(slots.take(now + ms(86_400_000)), None);
    }

    #[test]
    fn a_rare_slot_waits_for_its_mail_until_the_next_one() {
        let now = Instant::now();
        let mut slots = Slots::default();
        slots.lend(loan(now, 3_600_000, 2));
        assert_eq!(slots.take(now + ms(3_500_000)), Some(now));
        assert_eq!(slots.take(now + ms(3_600_000)), Some(now + ms(3_600_000)));
    }

    #[test]
    fn what_is_left_is_counted_up_to_the_horizon() {
        let now = Instant::now();
        let mut slots = Slots::default();
        assert_eq!(slots.left_within(ms(1000), now), 0);
        slots.lend(loan(now, 100, 8));
        slots.lend(loan(now + ms(2000), 100, 5));
        assert_eq!(slots.left_within(ms(0), now), 1);
        assert_eq!(slots.left_within(ms(500), now), 6);
        assert_eq!(slots.left_within(ms(2100), now), 10);
        slots.take(now);
        assert_eq!(slots.left_within(ms(500), now), 5);
    }

    proptest! {
        #[test]
        fn no_span_of_time_gets_more_than_its_slots_and_a_quarter_second(
            gap_ms in 1u64..500,
            count in 1u32..500,
            steps in proptest::collection::vec(0u64..700, 1..200),
        ) {
            let begins = Instant::now();
            let mut slots = Slots::default();
            slots.lend(loan(begins, gap_ms, count));
            let mut now = begins;
            let mut leaves = Vec::new();
            for step in steps {
                now += ms(step);
                let left = slots.left_within(Duration::ZERO, now);
                let before = leaves.len();
                while slots.left_within(Duration::ZERO, now) > 0 {
                    let slot = slots.take(now).unwrap();
                    prop_assert!(slot <= now);
                    leaves.push((slot, now));
                }
                prop_assert_eq!(leaves.len() - before, left as usize);
            }
            prop_assert!(leaves.len() <= count as usize);
            prop_assert!(leaves.windows(2).all(|pair| pair[1].0 - pair[0].0 >= ms(gap_ms)));
            for (slot, left_at) in leaves {
                prop_assert!(left_at - slot <= ms(gap_ms).max(LATEST));
            }
        }

        #[test]
        fn no_loan_makes_it_panic(gap_ns in 0u64..10, count: u32, ahead_ms in 0u64..5000) {
            let now = Instant::now();
            let mut slots = Slots::default();
            let gap = Duration::from_nanos(gap_ns);
            slots.lend(Loan { first: now + ms(ahead_ms), gap, count });
            prop_assert_eq!(slots.left_within(ms(60_000), now), count);
            prop_assert_eq!(slots.take(now).is_some(), count > 0);
            let _ = slots.take(now + ms(90_000));
        }
    }
}
