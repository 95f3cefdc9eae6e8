//! The rate that a relay takes, learned from its complaints.

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
/// The time over which the flow is averaged, in seconds.
const AVERAGED: f64 = 10.0;

/// The rate of one relay: the configured one, lowered for a while when it complains.
///
/// Where no rate is configured, the first cut starts from what was achieved.
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
        let flow = self.flow.rate(now);
        let from = self.rate(now).map_or(flow, |limit| limit.min(flow));
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
