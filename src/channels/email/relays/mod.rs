//! The relays of a daemon: what each may be asked to carry now, and what it said lately.
//!
//! A [`Relay`] opens connections and remembers: its window and breaker, the rate it takes, what
//! its replies made of its limits. Who sends what over which connection is the dispatcher's.

mod counts;
mod groups;
mod relay;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize};
use std::time::Duration;

use crate::config::{Config, SecretError};
use crate::domain::{EmailAddress, Outcome};
pub use counts::Counts;
pub use groups::{GroupLoad, GroupStatus};
pub use relay::{Open, Relay, Remedied, State};

use super::smtp::OpenError;

/// All relays of the configuration, by name.
pub struct Relays {
    relays: BTreeMap<String, Arc<Relay>>,
    /// What this process has on its way to all of them.
    pub figures: Figures,
}

/// What a process knows of a relay now.
#[derive(Debug, Clone, PartialEq)]
pub struct RelayStatus {
    /// Its name in the configuration.
    pub id: String,
    /// How long it is paused still and why, if it is.
    pub pause: Option<(Duration, String)>,
    /// Mails that wait for a connection, and that connections carry.
    pub queue: (usize, usize),
    /// Connections open now.
    pub connections: usize,
    /// Connections it may have now.
    pub window: usize,
    /// The messages a second it is sent now; none is unlimited.
    pub rate_per_s: Option<f64>,
    /// Its domain groups.
    pub groups: Vec<GroupStatus>,
    /// What became of the messages this process gave it.
    pub counts: Counts,
}

/// What a process has on its way, in numbers that the dispatcher keeps.
#[derive(Debug, Default)]
pub struct Figures {
    /// Deliveries in hand.
    pub in_hand: AtomicUsize,
    /// Ends that came after their lease had passed on: these may be sent a second time.
    pub fenced: AtomicU64,
    /// Messages whose answer never came.
    pub uncertain: AtomicU64,
    /// The length of the journal in bytes.
    pub journal: AtomicU64,
}

impl Relays {
    /// Opens nothing yet, and reads no password: commands that send nothing need none.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let hello = config.server.base_url.host_str().unwrap_or("localhost");
        let relays = config.relays.iter();
        let opened = relays.map(|(id, relay)| {
            let relay = Relay::new(relay, hello, &config.site.timezone);
            (id.clone(), Arc::new(relay))
        });
        Self {
            relays: opened.collect(),
            figures: Figures::default(),
        }
    }

    /// Reads every relay's password, so that a daemon that could not send does not start.
    ///
    /// # Errors
    /// A relay's name, and why its password cannot be read.
    pub fn check(&self) -> Result<(), (String, SecretError)> {
        for (id, relay) in &self.relays {
            relay.check().map_err(|e| (id.clone(), e))?;
        }
        Ok(())
    }

    /// Each relay.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Relay>> {
        self.relays.values()
    }

    /// The state of each relay.
    #[must_use]
    pub fn status(&self) -> Vec<RelayStatus> {
        self.relays.values().map(|relay| relay.status()).collect()
    }

    /// Sends one mail past the outbox over the first of `names` (all when empty) that takes
    /// connections.
    ///
    /// # Errors
    /// Why there is no connection.
    pub async fn send(
        &self,
        names: &[String],
        from: &str,
        to: &EmailAddress,
        message: &[u8],
    ) -> Result<Outcome, OpenError> {
        let mut refusal = None;
        for (id, relay) in &self.relays {
            if !names.is_empty() && !names.contains(id) {
                continue;
            }
            match relay.open().await {
                Ok(mut open) => {
                    let verdict = open.connection.send(from, to, message).await;
                    return Ok(verdict.outcome);
                }
                Err(error) => refusal = Some(error),
            }
        }
        Err(refusal.unwrap_or_else(OpenError::no_relay))
    }
}
