//! When a relay is left alone, and how one message finds out whether it is back.

#[cfg(test)]
mod tests;

use std::time::{Duration, Instant};

use super::Window;
use crate::channels::email::smtp::RelayTrouble;

/// The first pause; each further one is twice as long while probes fail.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// The longest pause, but for one that a reply's rule asks for.
pub const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);
/// A probe that says nothing for this long is lost, and another may go. Longer than the
/// longest wait of a transaction.
const PROBE_LASTS: Duration = Duration::from_secs(15 * 60);
/// How often those that wait for a probe's answer look.
const PROBE_LOOK: Duration = Duration::from_secs(1);
/// Tries that must have been seen before their failures are weighed.
const FEWEST_TRIES: u32 = 20;
/// What happened this long ago says nothing about now.
const FORGOTTEN_AFTER: Duration = Duration::from_secs(10 * 60);

/// The breaker of one relay, with its [`Window`].
///
/// Closed, mail goes. It opens when the window is dead, when more than half of the recent tries
/// failed for the relay's own reasons, or at once for what only a person can mend (our login,
/// TLS, relaying). Open, nothing goes until the pause is over; then one message probes, and its
/// answer closes the breaker or makes the next pause twice as long. Where daemons share the
/// relay, one of them probes; the others stay open until they [hear](Self::heard) a new pause,
/// or that it [is back](Self::is_back).
#[derive(Debug, Clone)]
pub struct Breaker {
    window: Window,
    state: State,
    tries: Tries,
    /// Probes that failed since it was closed, whoever sent them.
    failed_probes: u32,
    reason: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Closed,
    Open {
        until: Instant,
    },
    Probing {
        until: Instant,
    },
    /// Another daemon probes.
    Elsewhere {
        look: Instant,
    },
}

/// Whether a message may go to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MayTry {
    /// Yes.
    Go,
    /// Yes, this one alone, to see whether the relay is back. What becomes of it must be
    /// [`noted`](Breaker::noted), or [`probe_unused`](Breaker::probe_unused) said, or
    /// [`probed_elsewhere`](Breaker::probed_elsewhere).
    Probe,
    /// No; ask again after this long.
    Wait(Duration),
}

impl Breaker {
    /// A closed one, for a relay that takes at most so many connections.
    #[must_use]
    pub fn new(connections: u32) -> Self {
        Self {
            window: Window::new(connections),
            state: State::Closed,
            tries: Tries::default(),
            failed_probes: 0,
            reason: String::new(),
        }
    }

    /// Whether a message may go now.
    pub fn may_try(&mut self, now: Instant) -> MayTry {
        match self.state {
            State::Closed => MayTry::Go,
            State::Open { until } if now < until => MayTry::Wait(until - now),
            State::Probing { until } if now < until => MayTry::Wait(PROBE_LOOK),
            State::Elsewhere { look } if now < look => MayTry::Wait(look - now),
            State::Open { .. } | State::Probing { .. } | State::Elsewhere { .. } => {
                let until = now + PROBE_LASTS;
                self.state = State::Probing { until };
                MayTry::Probe
            }
        }
    }

    /// The probe was not sent after all (its message was withdrawn): another may go.
    pub fn probe_unused(&mut self, now: Instant) {
        if let State::Probing { .. } = self.state {
            self.state = State::Open { until: now };
        }
    }

    /// The probe is another daemon's: its answer is waited for.
    pub fn probed_elsewhere(&mut self, now: Instant) {
        if let State::Probing { .. } = self.state {
            let look = now + PROBE_LOOK;
            self.state = State::Elsewhere { look };
        }
    }

    /// Whether a probe of ours is on its way, or allowed to go.
    #[must_use]
    pub fn is_probing(&self) -> bool {
        matches!(self.state, State::Probing { .. })
    }

    /// Another daemon leaves the relay alone for `pause`, after so many probes that failed.
    pub fn heard(&mut self, pause: Duration, failed_probes: u32, reason: &str, now: Instant) {
        self.failed_probes = failed_probes;
        self.suspend(pause, reason, now);
    }

    /// The relay takes mail again: a probe of ours was answered, or another daemon's.
    pub fn is_back(&mut self) {
        if self.state != State::Closed {
            self.state = State::Closed;
            self.failed_probes = 0;
            self.tries = Tries::default();
            self.window.restart();
            self.reason.clear();
        }
    }

    /// Probes that failed since it was closed.
    #[must_use]
    pub fn failed_probes(&self) -> u32 {
        self.failed_probes
    }

    /// What a message or an attempt to connect said about the relay.
    pub fn noted(&mut self, trouble: Option<RelayTrouble>, reason: &str, now: Instant) {
        match trouble {
            // A connection that had idled too long: nothing is wrong, and nothing was tried.
            Some(RelayTrouble::Stale) => {}
            // The relay works, and wants less of it: the rate's business, not ours.
            Some(RelayTrouble::Throttled | RelayTrouble::DomainThrottled) => self.answered(now),
            None => {
                self.answered(now);
                self.window.grown();
            }
            Some(trouble) => self.failed(trouble, reason, now),
        }
    }

    /// Opens for the usual pause: the relay refuses what we send, for all its recipients.
    pub fn open(&mut self, reason: &str, now: Instant) {
        let pause = FIRST_PAUSE.saturating_mul(1 << self.failed_probes.min(10));
        self.suspend(pause.min(LONGEST_PAUSE), reason, now);
    }

    /// Opens for `pause`, or leaves it open for longer where it is so already.
    pub fn suspend(&mut self, pause: Duration, reason: &str, now: Instant) {
        let until = now + pause;
        if !matches!(self.state, State::Open { until: later } if later > until) {
            self.state = State::Open { until };
            self.reason = reason.to_owned();
        }
    }

    /// Uses no more than `connections` until then.
    pub fn hold_connections(&mut self, connections: u32, until: Instant) {
        self.window.hold_to(connections, until);
    }

    /// Connections that may be open now: the window's, one for a probe, none while open.
    #[must_use]
    pub fn connections(&self, now: Instant) -> u32 {
        match self.state {
            State::Closed => self.window.size(now),
            State::Open { until } => u32::from(now >= until),
            State::Probing { .. } => 1,
            State::Elsewhere { .. } => 0,
        }
    }

    /// How long it is still open, and why; `None` when mail goes. Nothing is left of the pause
    /// while a probe is due or on its way.
    #[must_use]
    pub fn paused(&self, now: Instant) -> Option<(Duration, &str)> {
        let left = match self.state {
            State::Closed => return None,
            State::Open { until } => until.saturating_duration_since(now),
            State::Probing { .. } | State::Elsewhere { .. } => Duration::ZERO,
        };
        Some((left, &self.reason))
    }

    fn answered(&mut self, now: Instant) {
        match self.state {
            State::Closed => self.tries.add(false, now),
            State::Probing { .. } => self.is_back(),
            // The last word of a connection from before.
            State::Open { .. } | State::Elsewhere { .. } => {}
        }
    }

    fn failed(&mut self, trouble: RelayTrouble, reason: &str, now: Instant) {
        match self.state {
            State::Closed => {
                self.window.shrunk();
                self.tries.add(true, now);
                let is_hopeless = matches!(
                    trouble,
                    RelayTrouble::AuthRefused | RelayTrouble::Tls | RelayTrouble::RelayingDenied
                );
                if is_hopeless || self.window.is_dead() || self.tries.mostly_failed() {
                    self.open(&said(trouble, reason), now);
                }
            }
            State::Probing { .. } => {
                self.failed_probes = self.failed_probes.saturating_add(1);
                self.open(&said(trouble, reason), now);
            }
            State::Open { .. } | State::Elsewhere { .. } => {}
        }
    }
}

fn said(trouble: RelayTrouble, reason: &str) -> String {
    format!("{}: {reason}", trouble.as_str())
}

/// The last 64 tries, the newest in the lowest bit; a failure is a one.
#[derive(Debug, Clone, Default)]
struct Tries {
    failures: u64,
    seen: u32,
    last: Option<Instant>,
}

impl Tries {
    fn add(&mut self, failed: bool, now: Instant) {
        let is_old = |last| now.saturating_duration_since(last) > FORGOTTEN_AFTER;
        if self.last.is_some_and(is_old) {
            *self = Self::default();
        }
        self.last = Some(now);
        self.failures = self.failures << 1 | u64::from(failed);
        self.seen = (self.seen + 1).min(u64::BITS);
    }

    fn mostly_failed(&self) -> bool {
        self.seen >= FEWEST_TRIES && self.failures.count_ones() * 2 > self.seen
    }
}
