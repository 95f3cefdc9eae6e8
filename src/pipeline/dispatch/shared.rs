//! What daemons tell each other about relays: pauses, and limits that replies have set; and
//! the time that they agree upon.
//!
//! Written when something changes here, read every second; a pause outlives a restart.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::channels::email::relays::{Relay, Remedied};
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
    looked: Option<Instant>,
    /// The end of each relay's pause, as everybody knows it.
    pauses: HashMap<Arc<str>, UnixMillis>,
    /// The end of each limit that is in force here.
    limits: HashMap<(String, String), UnixMillis>,
}

impl Shared {
    /// Tells what is new here, and hears what is new elsewhere.
    pub(super) async fn exchange(&mut self, app: &App) -> Result<(), StoreError> {
        // Pauses are measured by the real clock: relays know no other.
        let now = UnixMillis::now();
        for relay in app.relays.iter() {
            self.tell(app, relay, now).await?;
        }
        if self.looked.is_some_and(|at| at.elapsed() < LOOK) {
            return Ok(());
        }
        self.looked = Some(Instant::now());
        app.clock.learn(app.db.clock(app.clock.now()).await?);
        self.hear(app, now).await
    }

    async fn tell(&mut self, app: &App, relay: &Relay, now: UnixMillis) -> Result<(), StoreError> {
        let paused = relay
            .paused(Instant::now())
            .filter(|(left, _)| !left.is_zero());
        let known = self.pauses.get(&relay.id).copied();
        match (paused, known) {
            (Some((left, reason)), known) => {
                let until = now.plus(left);
                if known.is_none_or(|known| (known.0 - until.0).abs() > SAME) {
                    app.db.set_relay_pause(&relay.id, until, &reason).await?;
                    self.pauses.insert(relay.id.clone(), until);
                }
            }
            (None, Some(_)) if relay.paused(Instant::now()).is_none() => {
                app.db.clear_relay_pause(&relay.id).await?;
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

    async fn hear(&mut self, app: &App, now: UnixMillis) -> Result<(), StoreError> {
        for rule in app.db.relay_pauses(now).await? {
            let Some(relay) = app.relays.iter().find(|relay| *relay.id == *rule.relay) else {
                continue;
            };
            let known = self.pauses.get(&relay.id);
            if known.is_none_or(|known| rule.until.0 > known.0 + SAME) {
                let left = rule.until.since(now);
                relay.apply(Remedy::Suspend, left, &rule.why, Instant::now());
                self.pauses.insert(relay.id.clone(), rule.until);
            }
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
