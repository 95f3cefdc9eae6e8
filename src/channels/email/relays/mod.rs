//! The relays of a daemon: what each may be asked to carry now, and what it said lately.
//!
//! A [`Relay`] opens connections and remembers: its window and breaker, the rate it takes, what
//! its replies made of its limits. Who sends what over which connection is the dispatcher's.

mod relay;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::config::{Config, SecretError};
use crate::domain::{EmailAddress, Outcome};
pub use relay::{Counts, Open, Relay, Remedied, State};

use super::smtp::OpenError;

/// All relays of the configuration, by name.
pub struct Relays(BTreeMap<String, Arc<Relay>>);

/// What `status` says of a relay.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RelayStatus {
    /// Its name in the configuration.
    pub id: String,
    /// `ok`, or why it is paused.
    pub state: String,
    /// Connections open now.
    pub connections: usize,
    /// Connections it may have now.
    pub window: usize,
    /// The messages a second it is sent now; none is unlimited.
    pub rate_per_s: Option<f64>,
    /// What became of the messages this process gave it.
    #[serde(skip)]
    pub counts: Counts,
}

impl Relays {
    /// Opens nothing yet, and reads no password: commands that send nothing need none.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let hello = config.server.base_url.host_str().unwrap_or("localhost");
        let relays = config.relays.iter();
        Self(
            relays
                .map(|(id, relay)| {
                    let relay = Relay::new(relay, hello, &config.site.timezone);
                    (id.clone(), Arc::new(relay))
                })
                .collect(),
        )
    }

    /// Reads every relay's password, so that a daemon that could not send does not start.
    ///
    /// # Errors
    /// A relay's name, and why its password cannot be read.
    pub fn check(&self) -> Result<(), (String, SecretError)> {
        for (id, relay) in &self.0 {
            relay.check().map_err(|e| (id.clone(), e))?;
        }
        Ok(())
    }

    /// Each relay.
    pub fn iter(&self) -> impl Iterator<Item = &Arc<Relay>> {
        self.0.values()
    }

    /// The state of each relay.
    #[must_use]
    pub fn status(&self) -> Vec<RelayStatus> {
        self.0.values().map(|relay| relay.status()).collect()
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
        for (id, relay) in &self.0 {
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
