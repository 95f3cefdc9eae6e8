//! How many connections a relay takes now, learned as Postfix's queue manager does.

use std::time::Instant;

/// Connections before anything is known (Postfix's `initial_destination_concurrency`).
const START: f64 = 5.0;

/// Failures in a row that it takes at least: a single connection that breaks is nothing, also
/// for a relay that takes only one at a time.
const FEWEST_FAILURES: u32 = 3;

/// A window of connections to one relay.
///
/// A success widens it by 1/window and a failure narrows it by as much, so a window full of
/// messages moves it by one; it stays at one connection at least. It is dead when failures
/// without a success between them would have filled it (Postfix's `failed_cohort_limit = 1`):
/// a relay that is down is left alone after a handful of tries.
#[derive(Debug, Clone)]
pub struct Window {
    most: f64,
    size: f64,
    /// Failures since the last success, and how much of a window they make.
    failures: u32,
    cohort: f64,
    held: Option<(u32, Instant)>,
}

impl Window {
    /// A window that never gets wider than `most` connections, at least one.
    #[must_use]
    pub fn new(most: u32) -> Self {
        let most = f64::from(most.max(1));
        Self {
            most,
            size: START.min(most),
            failures: 0,
            cohort: 0.0,
            held: None,
        }
    }

    /// After a success.
    pub fn grown(&mut self) {
        if !self.is_dead() {
            self.size = (self.size + 1.0 / self.size).min(self.most);
            self.failures = 0;
            self.cohort = 0.0;
        }
    }

    /// After a connection that failed, or that was closed with 421.
    pub fn shrunk(&mut self) {
        if self.is_dead() {
            return;
        }
        let part = 1.0 / self.size;
        self.cohort += part;
        self.failures += 1;
        let has_failed = self.cohort >= 1.0 && self.failures >= FEWEST_FAILURES;
        self.size = if has_failed {
            0.0
        } else {
            (self.size - part).max(1.0)
        };
    }

    /// Begins again, after a relay has come back.
    pub fn restart(&mut self) {
        self.size = START.min(self.most);
        self.failures = 0;
        self.cohort = 0.0;
    }

    /// Allows no more than `connections` until then, whatever is learned.
    pub fn hold_to(&mut self, connections: u32, until: Instant) {
        self.held = Some((connections, until));
    }

    /// Whether the relay should be left alone.
    #[must_use]
    pub fn is_dead(&self) -> bool {
        self.size < 1.0
    }

    /// Connections that may be open now; none when it is dead.
    #[must_use]
    pub fn size(&self, now: Instant) -> u32 {
        // Between 0 and a `u32`, so nothing is cut off but the fraction.
        let size = self.size as u32;
        match self.held {
            Some((connections, until)) if now < until => size.min(connections),
            _ => size,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_window_full_of_successes_makes_it_one_wider_up_to_the_limit() {
        let now = Instant::now();
        let mut window = Window::new(7);
        assert_eq!(window.size(now), 5);
        for _ in 0..6 {
            window.grown();
        }
        assert_eq!(window.size(now), 6);
        for _ in 0..100 {
            window.grown();
        }
        assert_eq!(window.size(now), 7);
        assert_eq!(Window::new(2).size(now), 2);
    }

    #[test]
    fn a_window_full_of_failures_kills_it_and_one_success_between_saves_it() {
        let failures = |window: &mut Window, n: u32| (0..n).for_each(|_| window.shrunk());
        let mut down = Window::new(20);
        failures(&mut down, 4);
        assert!(!down.is_dead());
        failures(&mut down, 1);
        assert!(down.is_dead());
        assert_eq!(down.size(Instant::now()), 0);
        let mut shaky = Window::new(20);
        failures(&mut shaky, 4);
        shaky.grown();
        failures(&mut shaky, 3);
        assert!(!shaky.is_dead());
    }

    #[test]
    fn a_dead_window_stays_dead_until_it_is_restarted() {
        let mut window = Window::new(1);
        (0..3).for_each(|_| window.shrunk());
        window.grown();
        assert!(window.is_dead());
        window.restart();
        assert_eq!(window.size(Instant::now()), 1);
        (0..2).for_each(|_| window.shrunk());
        assert!(!window.is_dead());
    }

    #[test]
    fn now_and_then_a_failure_narrows_it_to_one_and_does_not_kill_it() {
        let mut window = Window::new(20);
        for _ in 0..50 {
            window.shrunk();
            window.shrunk();
            window.grown();
        }
        window.shrunk();
        assert_eq!(window.size(Instant::now()), 1);
    }

    #[test]
    fn a_rule_holds_it_down_for_its_time_only() {
        let now = Instant::now();
        let until = now + Duration::from_secs(60);
        let mut window = Window::new(10);
        window.hold_to(1, until);
        assert_eq!((window.size(now), window.size(until)), (1, 5));
    }

    proptest! {
        #[test]
        fn it_is_never_wider_than_allowed_nor_alive_below_one(
            most in 1u32..200,
            events in proptest::collection::vec(any::<bool>(), 0..300),
        ) {
            let now = Instant::now();
            let mut window = Window::new(most);
            for success in events {
                if success { window.grown() } else { window.shrunk() }
                prop_assert!(window.size(now) <= most);
                prop_assert_eq!(window.is_dead(), window.size(now) == 0);
            }
        }
    }
}
