//! What daemons tell each other about relays: pauses, who probes, and limits that replies have
//! set; and the time that they agree upon.
//!
//! Written when something changes here, read every second; a pause outlives a restart. Its row
//! stays after its end, until a relay has answered a probe: of the daemons that share it, one
//! takes the probe as a lease, and the others hear what came of it from the row.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::hand::LEASE;
use crate::channels::email::relays::{Relay, Remedied};
use crate::channels::email::shaping::LONGEST_PAUSE;
use crate::config::Remedy;
use crate::domain::UnixMillis;
use crate::pipeline::App;
use crate::store::{RelayRule, StoreError};

/// Between two looks.
const LOOK: Duration = Duration::from_secs(1);
/// A pause that ends this close to one that is known is the same.
const SAME: i64 = 2_000;

/// What this process has told and heard.
#[derive(Default)]
pub(super) struct Shared {
    /// Whether other daemons have the same relays.
    is_shared: bool,
    looked: Option<Instant>,
    /// How far the database's clock is ahead of this machine's, in milliseconds.
    ahead: i64,
    /// The end of each relay's pause, as everybody knows it.
    pauses: HashMap<Arc<str>, UnixMillis>,
    /// Relays that this daemon probes, and no other.
    probes: HashSet<Arc<str>>,
    /// The end of each limit that is in force here.
    limits: HashMap<(String, String), UnixMillis>,
}

impl Shared {
    pub(super) fn new(is_shared: bool) -> Self {
        Self {
            is_shared,
            ..Self::default()
        }
    }

    /// For the relays of another configuration, which know nothing yet. Its probes are given up:
    /// what the old relays hear of them is nobody's any more.
    pub(super) fn anew(self) -> Self {
        Self {
            probes: self.probes,
            ..Self::new(self.is_shared)
        }
    }

    /// Tells what is new here, and hears what is new elsewhere.
    pub(super) async fn exchange(&mut self, app: &App) -> Result<(), StoreError> {
        let is_look = self.looked.is_none_or(|at| at.elapsed() >= LOOK);
        let is_first = self.looked.is_none();
        if is_look {
            self.looked = Some(Instant::now());
            self.learn(app).await?;
        }
        for relay in app.relays.iter() {
            // Looked at before it is told: a probe is given up after its answer is known.
            let is_probing = relay.is_probing();
            let is_due = relay
                .paused(Instant::now())
                .is_some_and(|(left, _)| left.is_zero());
            self.tell(app, relay).await?;
            // One that found no message may find the next; then it is the others' turn.
            if !is_due || (is_look && !is_probing) {
                self.give_up_probe(app, relay).await?;
            }
        }
        if is_look {
            self.hear(app, is_first).await?;
        }
        Ok(())
    }

    /// Tells what is new for the last time, and gives up every probe: none is on its way.
    pub(super) async fn end(&mut self, app: &App) -> Result<(), StoreError> {
        self.exchange(app).await?;
        for relay in app.relays.iter() {
            self.give_up_probe(app, relay).await?;
        }
        Ok(())
    }

    /// Takes the probe of a relay, so that no other daemon sends one; whether it may go. Where
    /// it may not, what another's says is waited for, or was just heard.
    pub(super) async fn take_probe(
        &mut self,
        app: &App,
        relay: &Relay,
    ) -> Result<bool, StoreError> {
        if !self.is_shared || self.probes.contains(&relay.id) {
            return Ok(true);
        }
        if !lease(app, relay).await? {
            relay.probed_elsewhere(Instant::now());
            return Ok(false);
        }
        self.probes.insert(relay.id.clone());
        // Whoever had it may have heard from the relay since the last look.
        self.hear(app, false).await?;
        Ok(relay.is_probing())
    }

    /// Keeps the probes that are on their way.
    pub(super) async fn renew(&self, app: &App) -> Result<(), StoreError> {
        for relay in app.relays.iter() {
            if self.probes.contains(&relay.id) && relay.is_probing() {
                lease(app, relay).await?;
            }
        }
        Ok(())
    }

    async fn give_up_probe(&mut self, app: &App, relay: &Relay) -> Result<(), StoreError> {
        if self.probes.contains(&relay.id) {
            app.db.drop_lease(&probe_of(relay), &app.owner).await?;
            self.probes.remove(&relay.id);
        }
        Ok(())
    }

    async fn learn(&mut self, app: &App) -> Result<(), StoreError> {
        let of_database = app.db.clock(app.clock.now()).await?;
        app.clock.learn(of_database);
        if self.is_shared {
            self.ahead = of_database.0 - UnixMillis::now().0;
        }
        Ok(())
    }

    /// Pauses are measured by the real clock, relays know no other; where daemons share them,
    /// by the database's.
    fn now(&self) -> UnixMillis {
        UnixMillis::now().plus_ms(self.ahead)
    }

    async fn tell(&mut self, app: &App, relay: &Relay) -> Result<(), StoreError> {
        let now = self.now();
        let paused = relay
            .paused(Instant::now())
            .filter(|(left, _)| !left.is_zero());
        let known = self.pauses.get(&relay.id).copied();
        match (paused, known) {
            (Some((left, reason)), known) => {
                let until = now.plus(left);
                if known.is_none_or(|known| (known.0 - until.0).abs() > SAME) {
                    let probes = relay.failed_probes();
                    app.db
                        .set_relay_pause(&relay.id, until, probes, &reason)
                        .await?;
                    self.pauses.insert(relay.id.clone(), until);
                }
            }
            (None, Some(known)) if relay.paused(Instant::now()).is_none() => {
                let known = known.plus_ms(SAME);
                app.db.clear_relay_pause(&relay.id, known).await?;
                self.pauses.remove(&relay.id);
            }
            (None, _) => {}
        }
        for Remedied {
            remedy,
            lasts,
            reply,
        } in relay.remedied()
        {
            let until = now.plus(lasts);
            let Some((kind, value)) = words(remedy) else {
                continue;
            };
            app.db
                .set_relay_override(&relay.id, kind, &value, until, &reply)
                .await?;
            self.limits
                .insert((relay.id.to_string(), kind.to_owned()), until);
        }
        Ok(())
    }

    async fn hear(&mut self, app: &App, is_first: bool) -> Result<(), StoreError> {
        let now = self.now();
        // Also those that are over: such a relay is to be probed, one without a row is back.
        let rules = app.db.relay_pauses(UnixMillis(0)).await?;
        for relay in app.relays.iter() {
            let rule = rules.iter().find(|rule| *rule.relay == *relay.id);
            self.hear_pause(relay, rule, is_first, now);
        }
        for rule in app.db.relay_overrides(now).await? {
            let key = (rule.relay.clone(), rule.kind.clone());
            if self.limits.get(&key) == Some(&rule.until) {
                continue;
            }
            let relay = app.relays.iter().find(|relay| *relay.id == *rule.relay);
            if let (Some(relay), Some(remedy)) = (relay, remedy(&rule)) {
                relay.apply(remedy, rule.until.since(now), &rule.why, Instant::now());
            }
            self.limits.insert(key, rule.until);
        }
        Ok(())
    }

    fn hear_pause(
        &mut self,
        relay: &Relay,
        rule: Option<&RelayRule>,
        is_first: bool,
        now: UnixMillis,
    ) {
        let known = self.pauses.get(&relay.id).copied();
        match (rule, known) {
            // The daemon's own, from before it was started anew: it has nobody to wait for.
            (Some(rule), None) if !self.is_shared && rule.until <= now => {}
            (Some(rule), known) if known.is_none_or(|known| rule.until.0 > known.0 + SAME) => {
                // Who starts a daemon anew may have mended something: its pauses begin anew.
                let probes = rule.value.parse().ok().filter(|_| !is_first);
                let left = rule.until.since(now);
                let probes = probes.unwrap_or_else(|| relay.failed_probes());
                relay.heard(left, probes, &rule.why, Instant::now());
                self.pauses.insert(relay.id.clone(), rule.until);
            }
            // Somebody opened for less and did not know of ours, which is told once more.
            (Some(rule), Some(known)) if rule.until.0 + SAME < known.0 && known > now => {
                self.pauses.remove(&relay.id);
            }
            (None, Some(_)) if self.is_shared => {
                relay.is_back();
                self.pauses.remove(&relay.id);
            }
            _ => {}
        }
    }
}

/// Takes or renews the probe of a relay; whether it is ours. A daemon that dies loses it with
/// everything else it has in hand.
async fn lease(app: &App, relay: &Relay) -> Result<bool, StoreError> {
    let now = app.clock.of_leases();
    let name = probe_of(relay);
    let taken = app.db.take_lease(&name, &app.owner, LEASE, now).await?;
    Ok(taken.is_some())
}

fn probe_of(relay: &Relay) -> String {
    format!("probe/{}", relay.id)
}

/// The longest that a pause or another limit of a relay may last: what the rules of its replies
/// say, or a breaker's own pause.
#[must_use]
pub fn longest_rule(app: &App) -> Duration {
    let rules = app.config.relays.values().flat_map(|relay| &relay.rules);
    let lasts = rules.flat_map(|rule| rule.remedies.iter().map(|(_, lasts)| *lasts));
    lasts.fold(LONGEST_PAUSE, Duration::max)
}

/// A limit as the database keeps it. A pause is kept by itself.
fn words(remedy: Remedy) -> Option<(&'static str, String)> {
    match remedy {
        Remedy::SetRate(rate) => Some(("rate", rate.to_string())),
        Remedy::SetConnections(most) => Some(("connections", most.to_string())),
        Remedy::Suspend => None,
    }
}

fn remedy(rule: &RelayRule) -> Option<Remedy> {
    match rule.kind.as_str() {
        "rate" => rule.value.parse().ok().map(Remedy::SetRate),
        "connections" => rule.value.parse().ok().map(Remedy::SetConnections),
        _ => None,
    }
}
