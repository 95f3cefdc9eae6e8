//! A lane, and how many mails it takes in one round of the dispatcher.

use std::sync::Arc;
use std::time::{Duration, Instant};

use super::super::lane::Lane;
use super::super::rates::{Wish, at_once};
use super::pace::Pace;
use super::relay_name;
use crate::channels::email::relays::State;

/// Mails in hand for one relay at most, where only this process takes deliveries.
const MOST: usize = 1000;
/// The same in connections, where daemons share them: what a lost machine leaves in doubt, besides
/// the ends that it has not written down. Half of it must last while the other half is claimed.
const MOST_SHARED: usize = 16;
/// Mails in hand, in connections, at least: as long as the pace of a relay is not known, a fast
/// one is not kept waiting for the next claim.
const LEAST: usize = 16;
/// The same where daemons share them.
const LEAST_SHARED: usize = 3;
/// Mails in hand, in seconds of what the relay takes.
const SUPPLY: f64 = 0.25;
/// How often the pace of a relay is taken.
const PACED: Duration = Duration::from_millis(250);
/// A relay that has answered nothing for so long leaves its part of the mail to the others.
const STUCK: Duration = Duration::from_secs(5);

/// A lane with what it takes in this round.
pub(super) struct Way {
    pub(super) lane: Arc<Lane>,
    /// Mails that its connections can carry soon.
    pub(super) places: usize,
    /// Mails that its limits leave it: none when it is paused, stuck, at its rate, or done for
    /// today. Others have its part of the mail then, and wait for it otherwise.
    pub(super) limit: usize,
    /// What of the day is not kept for urgent mail.
    pub(super) limit_of_others: usize,
    pub(super) target: usize,
    pub(super) is_open: bool,
    pub(super) probes: bool,
    pace: Pace,
    /// How many it had answered at the last look, and when there was an answer or nothing owed.
    answered: (u64, Option<Instant>),
}

impl Way {
    pub(super) fn new(lane: Arc<Lane>) -> Self {
        Self {
            lane,
            places: 0,
            limit: 0,
            limit_of_others: usize::MAX,
            target: 0,
            is_open: false,
            probes: false,
            pace: Pace::default(),
            answered: (0, None),
        }
    }

    pub(super) fn limit_to(&mut self, most: usize) {
        self.limit = self.limit.min(most);
        self.places = self.places.min(most);
    }

    /// How many of a kind of mail its limits leave it.
    pub(super) fn limit_for(&self, is_urgent: bool) -> usize {
        match is_urgent {
            true => self.limit,
            false => self.limit.min(self.limit_of_others),
        }
    }

    /// Whether it has mails and has answered none for long.
    fn is_stuck(&mut self, now: Instant) -> bool {
        let ended = self.lane.ended();
        if self.answered.0 != ended || self.lane.carried() == 0 {
            self.answered = (ended, Some(now));
        }
        let since = self.answered.1.unwrap_or(now);
        now.duration_since(since) > STUCK
    }

    /// How many mails the relay's state, its window and its pace allow.
    pub(super) fn look(&mut self, now: Instant, is_shared: bool) {
        let relay = &self.lane.relay;
        if std::mem::take(&mut self.probes) {
            // The round before broke off.
            relay.probe_unused(now);
        }
        self.pace.take(self.lane.ended(), PACED, now);
        let window = relay.window(now).max(1);
        let (least, most) = if is_shared {
            (window * LEAST_SHARED, window * MOST_SHARED)
        } else {
            (window * LEAST, MOST)
        };
        // Never negative, and a relay takes fewer than 2^53 a second.
        let supply = (self.pace.per_second * SUPPLY) as usize;
        self.target = supply.clamp(least, most.max(least));
        let state = relay.state(now);
        self.limit = match state {
            State::Paused(_) => 0,
            State::Open | State::Probe => usize::MAX,
        };
        self.limit_of_others = usize::MAX;
        self.is_open = state == State::Open;
        self.probes = state == State::Probe;
        self.places = match state {
            State::Open => self.target.saturating_sub(self.lane.load()),
            State::Probe => usize::from(self.lane.load() == 0),
            // The one that finds out waits for its slot.
            State::Paused(_) if relay.is_probing() => 0,
            State::Paused(_) => {
                // Another relay may have them, and an hour later this one.
                self.lane.give_up();
                0
            }
        };
        if let Some(rate) = relay.rate(now) {
            self.target = self.target.min(at_once(rate));
            let most = at_once(rate).saturating_sub(self.lane.waiting());
            self.limit_to(most);
        }
        if self.is_stuck(now) {
            self.limit_to(0);
        }
        if self.probes {
            self.limit = self.places;
        }
    }

    pub(super) fn wish(&self, now: Instant) -> Option<Wish> {
        let rate = self.lane.relay.rate(now)?;
        Some(Wish {
            name: relay_name(&self.lane.relay),
            rate,
            count: self.places,
        })
    }
}
