//! The rate that a relay, or a domain group behind it, takes: learned from complaints.

use std::time::{Duration, Instant};

/// What is left of the rate after a complaint.
const CUT: f64 = 0.7;
/// Complaints this soon after a cut answer to what was sent before it.
const SETTLE: Duration = Duration::from_secs(5);
/// How long the lower rate is kept.
const HOLD: Duration = Duration::from_secs(60);
/// Then it doubles in so long: back where it was after another two and a half minutes.
const DOUBLING: Duration = Duration::from_secs(5 * 60);
/// After so long without a complaint nothing is remembered of it.
const FORGET: Duration = Duration::from_secs(60 * 60);
/// The lowest rate that is learned: a mail in ten seconds.
const LEAST: f64 = 0.1;
/// Messages that must have been sent before their flow says how much is too much.
const FEWEST: f64 = 10.0;
/// Where less is known and nothing is configured, a cut starts from so many a second.
const UNKNOWN: f64 = 10.0;
/// The time over which the flow is averaged, in seconds.
const AVERAGED: f64 = 10.0;

/// The rate of one relay or domain group: the configured one, lowered for a while when there is
/// a complaint.
///
/// A cut starts from what this daemon achieved, where that is less than the limit or there is
/// none.
#[derive(Debug, Clone, Default)]
pub struct Throttle {
    configured: Option<f64>,
    cut: Option<(f64, Instant)>,
    held: Option<(f64, Instant)>,
    flow: Flow,
}

impl Throttle {
    /// With the configured rate, messages a second.
    #[must_use]
    pub fn new(configured: Option<f64>) -> Self {
        Self {
            configured,
            ..Self::default()
        }
    }

    /// After a message was taken.
    pub fn sent(&mut self, now: Instant) {
        self.flow.add(now);
    }

    /// After a reply that said we send too fast.
    pub fn throttled(&mut self, now: Instant) {
        let has_just_cut = self
            .cut
            .is_some_and(|(_, at)| now.saturating_duration_since(at) < SETTLE);
        if has_just_cut {
            return;
        }
        // A limit that is not reached is not what the relay complains of.
        let limit = self.rate(now);
        let from = if self.flow.count_at(now) < FEWEST {
            limit.unwrap_or(UNKNOWN)
        } else {
            let flow = self.flow.rate(now);
            limit.map_or(flow, |limit| limit.min(flow))
        };
        self.cut = Some(((from * CUT).max(LEAST), now));
    }

    /// Sends no faster than `rate` messages a second until then, whatever is learned.
    pub fn hold_to(&mut self, rate: f64, until: Instant) {
        self.held = Some((rate, until));
    }

    /// Messages a second that may be sent now; `None` for no limit.
    #[must_use]
    pub fn rate(&self, now: Instant) -> Option<f64> {
        let held = self.held.filter(|(_, until)| now < *until);
        let limits = [self.configured, self.learned(now), held.map(|held| held.0)];
        limits.into_iter().flatten().min_by(f64::total_cmp)
    }

    fn learned(&self, now: Instant) -> Option<f64> {
        let (rate, at) = self.cut?;
        let age = now.saturating_duration_since(at);
        let grows = age.saturating_sub(HOLD).as_secs_f64() / DOUBLING.as_secs_f64();
        (age < FORGET).then(|| rate * grows.exp2())
    }
}

/// Messages a second over the last few seconds.
#[derive(Debug, Clone, Default)]
struct Flow {
    /// Messages, each counting less the older it is.
    count: f64,
    /// The first message of this flow, and the last.
    span: Option<(Instant, Instant)>,
}

impl Flow {
    fn add(&mut self, now: Instant) {
        self.count = self.count_at(now) + 1.0;
        // After a long silence another flow begins.
        let first = self.span.filter(|(_, last)| {
            now.saturating_duration_since(*last).as_secs_f64() < 3.0 * AVERAGED
        });
        self.span = Some((first.map_or(now, |(first, _)| first), now));
    }

    fn count_at(&self, now: Instant) -> f64 {
        let Some((_, last)) = self.span else {
            return 0.0;
        };
        let silence = now.saturating_duration_since(last).as_secs_f64();
        self.count * (-silence / AVERAGED).exp()
    }

    fn rate(&self, now: Instant) -> f64 {
        let Some((first, _)) = self.span else {
            return 0.0;
        };
        // A flow that has just begun has had less than the whole time to add up.
        let age = now.saturating_duration_since(first).as_secs_f64().max(1.0);
        self.count_at(now) / (AVERAGED * (1.0 - (-age / AVERAGED).exp()))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn near(rate: Option<f64>, expected: f64) -> bool {
        rate.is_some_and(|rate| (rate - expected).abs() <= expected * 0.05)
    }

    /// `rate` messages a second for so many seconds; the time after them.
    fn send(throttle: &mut Throttle, rate: u32, seconds: u32, from: Instant) -> Instant {
        let gap = Duration::from_secs(1) / rate;
        for n in 0..rate * seconds {
            throttle.sent(from + gap * n);
        }
        from + gap * (rate * seconds)
    }

    #[test]
    fn without_complaints_only_the_configuration_limits() {
        let now = Instant::now();
        let mut free = Throttle::new(None);
        let now = send(&mut free, 100, 30, now);
        assert_eq!(free.rate(now), None);
        assert_eq!(Throttle::new(Some(50.0)).rate(now), Some(50.0));
    }

    #[test]
    fn a_complaint_leaves_seven_tenths_of_what_was_achieved_for_a_minute() {
        for configured in [None, Some(100.0), Some(500.0)] {
            let mut throttle = Throttle::new(configured);
            let now = send(&mut throttle, 100, 30, Instant::now());
            throttle.throttled(now);
            assert!(near(throttle.rate(now), 70.0), "{:?}", throttle.rate(now));
            assert!(near(throttle.rate(now + HOLD), 70.0));
        }
        // Also of a flow that has just begun.
        let mut young = Throttle::new(None);
        let now = send(&mut young, 100, 2, Instant::now());
        young.throttled(now);
        assert!(near(young.rate(now), 70.0), "{:?}", young.rate(now));
    }

    #[test]
    fn complaints_about_what_was_on_its_way_cut_once() {
        let mut throttle = Throttle::new(None);
        let now = send(&mut throttle, 100, 30, Instant::now());
        for n in 0..50 {
            throttle.throttled(now + Duration::from_millis(n * 90));
        }
        assert!(near(throttle.rate(now), 70.0));
        // Sending goes on at the lower rate, and that is too much still.
        let now = send(&mut throttle, 70, 20, now);
        throttle.throttled(now);
        assert!(near(throttle.rate(now), 49.0), "{:?}", throttle.rate(now));
    }

    #[test]
    fn a_complaint_about_the_first_messages_does_not_stop_the_rest() {
        let now = Instant::now();
        for (configured, left) in [(None, 7.0), (Some(100.0), 70.0)] {
            let mut throttle = Throttle::new(configured);
            let now = send(&mut throttle, 1, 3, now);
            throttle.throttled(now);
            assert!(near(throttle.rate(now), left), "{:?}", throttle.rate(now));
        }
    }

    #[test]
    fn it_recovers_and_then_forgets() {
        let mut throttle = Throttle::new(Some(100.0));
        let now = send(&mut throttle, 100, 30, Instant::now());
        throttle.throttled(now);
        assert!(near(throttle.rate(now + HOLD + DOUBLING / 4), 83.2));
        assert_eq!(throttle.rate(now + HOLD + DOUBLING), Some(100.0));
        let mut free = Throttle::new(None);
        let now = send(&mut free, 100, 30, now);
        free.throttled(now);
        assert!(near(free.rate(now + HOLD + DOUBLING), 140.0));
        assert_eq!(free.rate(now + FORGET), None);
    }

    #[test]
    fn a_relay_that_complains_without_end_still_gets_a_mail_in_ten_seconds() {
        let mut throttle = Throttle::new(Some(100.0));
        let mut now = Instant::now();
        for _ in 0..100 {
            throttle.throttled(now);
            now += SETTLE;
        }
        assert_eq!(throttle.rate(now), Some(LEAST));
    }

    #[test]
    fn a_rule_holds_it_down_for_its_time_only() {
        let now = Instant::now();
        let until = now + Duration::from_secs(5400);
        let mut throttle = Throttle::new(None);
        throttle.hold_to(1.0 / 60.0, until);
        assert_eq!(throttle.rate(now), Some(1.0 / 60.0));
        assert_eq!(throttle.rate(until), None);
    }

    proptest! {
        #[test]
        fn the_rate_is_never_above_the_configured_one_nor_nothing(
            events in proptest::collection::vec((any::<bool>(), 0u64..20_000), 0..300),
        ) {
            let mut now = Instant::now();
            let mut throttle = Throttle::new(Some(20.0));
            for (complaint, ms) in events {
                now += Duration::from_millis(ms);
                if complaint { throttle.throttled(now) } else { throttle.sent(now) }
                let rate = throttle.rate(now).unwrap();
                prop_assert!((LEAST..=20.0).contains(&rate), "{rate}");
            }
        }
    }
}
