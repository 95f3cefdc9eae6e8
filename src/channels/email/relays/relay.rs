//! One relay.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tracing::warn;

use super::counts::Counters;
use super::{GroupLoad, GroupStatus, RelayStatus};
use crate::channels::email::shaping::{
    Breaker, Day, DayCap, Domains, MayTry, ReplyRules, Throttle,
};
use crate::channels::email::smtp::{
    Connection, Endpoint, Limits, OpenError, RelayTrouble, Verdict,
};
use crate::config::{DkimBy, RelayConfig, Remedy, SecretError};
use crate::domain::{Outcome, UnixMillis, mask_addresses};

/// How long a connection waits for the next mail: less than the 30 s after which the strictest
/// relays hang up.
const IDLE_CLOSE: Duration = Duration::from_secs(20);

/// A relay, as this process knows it.
pub struct Relay {
    /// Its name in the configuration.
    pub id: Arc<str>,
    /// The groups of recipient domains with limits of their own.
    pub domains: Domains,
    /// What of each group's mail is on its way, and how fast, by the group's number.
    pub loads: Vec<GroupLoad>,
    config: RelayConfig,
    hello: String,
    /// Made at the first connection.
    endpoint: OnceLock<Endpoint>,
    cap: DayCap,
    rules: ReplyRules,
    health: Mutex<Health>,
    connections: Arc<AtomicUsize>,
    counts: Counters,
}

struct Health {
    breaker: Breaker,
    throttle: Throttle,
    remedied: Vec<Remedied>,
    /// Mails waiting for a connection, and carried.
    queue: (usize, usize),
}

/// What a reply rule has changed: other daemons should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remedied {
    /// What was done.
    pub remedy: Remedy,
    /// For how long.
    pub lasts: Duration,
    /// What the relay had said.
    pub reply: String,
}

/// Whether a relay takes mail now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum State {
    /// It does.
    Open,
    /// One message may find out. Handed out once.
    Probe,
    /// It does not, for so long.
    Paused(Duration),
}

/// An open connection; counted while it lives.
pub struct Open {
    /// The connection.
    pub connection: Connection,
    _count: Counted,
}

struct Counted(Arc<AtomicUsize>);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Open {
    /// Whether another message may go over it.
    pub fn is_usable(&mut self) -> bool {
        self.connection.is_usable()
    }
}

impl Relay {
    pub(super) fn new(config: &RelayConfig, hello: &str, zone: &str) -> Self {
        let domains = Domains::new(&config.domains);
        Self {
            id: config.id.as_str().into(),
            loads: domains.groups().iter().map(GroupLoad::new).collect(),
            domains,
            hello: hello.to_owned(),
            endpoint: OnceLock::new(),
            cap: DayCap::new(config, zone),
            rules: ReplyRules::new(&config.rules),
            health: Mutex::new(Health {
                breaker: Breaker::new(config.connections),
                throttle: Throttle::new(config.rate.map(crate::config::Rate::per_second)),
                remedied: Vec::new(),
                queue: (0, 0),
            }),
            connections: Arc::default(),
            counts: Counters::default(),
            config: config.clone(),
        }
    }

    fn health(&self) -> MutexGuard<'_, Health> {
        self.health.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Reads its password.
    ///
    /// # Errors
    /// Why that cannot be read.
    pub fn check(&self) -> Result<(), SecretError> {
        self.endpoint().map(drop)
    }

    /// Its part of the mail where several relays may carry it.
    #[must_use]
    pub fn weight(&self) -> u32 {
        self.config.weight
    }

    /// Whether our signatures go into what it carries.
    #[must_use]
    pub fn wants_signatures(&self) -> bool {
        self.config.dkim == DkimBy::Sign
    }

    /// How long a connection may wait for the next mail.
    #[must_use]
    pub fn idle_close(&self) -> Duration {
        IDLE_CLOSE
    }

    /// Whether it takes mail now. A [`State::Probe`] must be used or given back by
    /// [`probe_unused`](Self::probe_unused) or [`probed_elsewhere`](Self::probed_elsewhere).
    #[must_use]
    pub fn state(&self, now: Instant) -> State {
        match self.health().breaker.may_try(now) {
            MayTry::Go => State::Open,
            MayTry::Probe => State::Probe,
            MayTry::Wait(left) => State::Paused(left),
        }
    }

    /// No message was there to probe with.
    pub fn probe_unused(&self, now: Instant) {
        self.health().breaker.probe_unused(now);
    }

    /// Another daemon's message probes; what it says will be heard.
    pub fn probed_elsewhere(&self, now: Instant) {
        self.health().breaker.probed_elsewhere(now);
    }

    /// Whether a message of ours finds out whether it is back, or may.
    #[must_use]
    pub fn is_probing(&self) -> bool {
        self.health().breaker.is_probing()
    }

    /// Probes that failed since it last took mail, of all daemons.
    #[must_use]
    pub fn failed_probes(&self) -> u32 {
        self.health().breaker.failed_probes()
    }

    /// Another daemon leaves it alone for so long, after so many probes that failed.
    pub fn heard(&self, pause: Duration, failed_probes: u32, reason: &str, now: Instant) {
        let mut health = self.health();
        health.breaker.heard(pause, failed_probes, reason, now);
    }

    /// Another daemon found that it takes mail again.
    pub fn is_back(&self) {
        self.health().breaker.is_back();
    }

    /// Connections it may have now.
    #[must_use]
    pub fn window(&self, now: Instant) -> usize {
        self.health().breaker.connections(now) as usize
    }

    /// The messages a second it takes now; `None` for no limit.
    #[must_use]
    pub fn rate(&self, now: Instant) -> Option<f64> {
        self.health().throttle.rate(now)
    }

    /// What it takes today.
    #[must_use]
    pub fn today(&self, now: UnixMillis) -> Day {
        self.cap.at(now)
    }

    /// Notes for `/metrics` how many mails wait for it and are carried.
    pub fn set_queue(&self, waiting: usize, carried: usize) {
        self.health().queue = (waiting, carried);
    }

    /// How long it is paused still, and why.
    #[must_use]
    pub fn paused(&self, now: Instant) -> Option<(Duration, String)> {
        let health = self.health();
        let (left, reason) = health.breaker.paused(now)?;
        Some((left, reason.to_owned()))
    }

    /// What reply rules have changed since this was last asked.
    #[must_use]
    pub fn remedied(&self) -> Vec<Remedied> {
        std::mem::take(&mut self.health().remedied)
    }

    /// Does what a rule says, here or on another daemon.
    pub fn apply(&self, remedy: Remedy, lasts: Duration, reason: &str, now: Instant) {
        let mut health = self.health();
        match remedy {
            Remedy::SetRate(rate) => health.throttle.hold_to(rate.per_second(), now + lasts),
            Remedy::SetConnections(n) => health.breaker.hold_connections(n, now + lasts),
            Remedy::Suspend => health.breaker.suspend(lasts, reason, now),
        }
    }

    /// Leaves it alone for a while: it refuses what we send.
    pub fn give_rest(&self, reason: &str) {
        self.health().breaker.open(reason, Instant::now());
    }

    /// Opens a connection.
    ///
    /// # Errors
    /// Why there is none; the relay remembers it.
    pub async fn open(&self) -> Result<Open, OpenError> {
        let opened = match self.endpoint() {
            Ok(endpoint) => Connection::open(endpoint).await,
            Err(error) => Err(OpenError {
                reason: error.to_string(),
                trouble: RelayTrouble::AuthRefused,
            }),
        };
        match opened {
            Ok(connection) => {
                self.connections.fetch_add(1, Ordering::Relaxed);
                let _count = Counted(self.connections.clone());
                Ok(Open { connection, _count })
            }
            Err(error) => {
                self.counts.troubles.fetch_add(1, Ordering::Relaxed);
                self.noted(Some(error.trouble), &error.reason);
                self.follow_rules(&error.reason, Instant::now());
                Err(error)
            }
        }
    }

    /// It takes connections and drops them before a message; in words.
    pub fn hangs_up(&self) -> &'static str {
        let reason = "the relay closes its connections before it takes a message";
        self.noted(Some(RelayTrouble::Lost), reason);
        reason
    }

    /// Remembers what a message's end says about the relay, or about the domain group whose
    /// number it has: a group that takes no more slows down nobody else.
    pub fn note(&self, verdict: &Verdict, group: Option<usize>) {
        let (counter, words) = match &verdict.outcome {
            Outcome::Accepted { reply } => (&self.counts.accepted, reply),
            Outcome::Deferred { reason, .. } | Outcome::NotTried { reason, .. } => {
                (&self.counts.deferred, reason)
            }
            Outcome::Rejected { reason, .. } => (&self.counts.refused, reason),
            Outcome::Unknown { reason } => (&self.counts.unknown, reason),
        };
        counter.fetch_add(1, Ordering::Relaxed);
        self.noted(verdict.relay_trouble, words);
        let now = Instant::now();
        let load = group.map(|group| &self.loads[group]);
        if matches!(verdict.outcome, Outcome::Accepted { .. }) {
            self.health().throttle.sent(now);
            if let Some(load) = load {
                load.throttle().sent(now);
            }
            return;
        }
        match (verdict.relay_trouble, load) {
            (Some(RelayTrouble::DomainThrottled), Some(load)) => load.throttle().throttled(now),
            (Some(RelayTrouble::Throttled | RelayTrouble::DomainThrottled), _) => {
                self.health().throttle.throttled(now);
            }
            _ => {}
        }
        self.follow_rules(words, now);
    }

    /// Does what the rules say about a refusal, of a message or already at the greeting.
    fn follow_rules(&self, words: &str, now: Instant) {
        for (remedy, lasts) in self.rules.remedies(words) {
            warn!(
                relay.id = &*self.id,
                ?remedy,
                ?lasts,
                reply = mask_addresses(words),
                "a reply rule"
            );
            self.apply(*remedy, *lasts, words, now);
            self.health().remedied.push(Remedied {
                remedy: *remedy,
                lasts: *lasts,
                reply: words.to_owned(),
            });
        }
    }

    fn noted(&self, trouble: Option<RelayTrouble>, words: &str) {
        let now = Instant::now();
        let mut health = self.health();
        let before = health.breaker.paused(now).is_some();
        health.breaker.noted(trouble, words, now);
        if let Some((pause, reason)) = health.breaker.paused(now).filter(|_| !before) {
            let error = mask_addresses(reason);
            warn!(relay.id = &*self.id, ?pause, error, "relay paused");
        }
    }

    /// The relay as a connection sees it, its password read.
    fn endpoint(&self) -> Result<&Endpoint, SecretError> {
        if let Some(endpoint) = self.endpoint.get() {
            return Ok(endpoint);
        }
        let limits = Limits {
            max_messages: self.config.max_messages,
            max_age: self.config.max_age,
            idle_close: IDLE_CLOSE,
        };
        let endpoint = Endpoint::from_config(&self.config, &self.hello)?.with_limits(limits);
        Ok(self.endpoint.get_or_init(|| endpoint))
    }

    pub(super) fn status(&self) -> RelayStatus {
        let now = Instant::now();
        let health = self.health();
        RelayStatus {
            id: self.id.to_string(),
            pause: health
                .breaker
                .paused(now)
                .map(|(left, reason)| (left, reason.to_owned())),
            queue: health.queue,
            connections: self.connections.load(Ordering::Relaxed),
            window: health.breaker.connections(now) as usize,
            rate_per_s: health.throttle.rate(now),
            groups: self.groups(now),
            counts: self.counts.read(),
        }
    }

    fn groups(&self, now: Instant) -> Vec<GroupStatus> {
        let groups = self.domains.groups().iter().zip(&self.loads);
        groups
            .map(|(group, load)| load.status(group, now))
            .collect()
    }
}
