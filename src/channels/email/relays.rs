//! The relays of a daemon: bounded connections that are kept and used again, a rate, and a
//! pause for a relay that is in trouble.
//!
//! A message takes the first relay of its channel that is not in trouble; so a second relay
//! takes over when the first is down, and nothing is charged to the message for it.

use std::collections::BTreeMap;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::{Semaphore, SemaphorePermit};
use tokio_util::sync::CancellationToken;
use tracing::warn;

use crate::config::{Config, Rate, RelayConfig, SecretError};
use crate::domain::{EmailAddress, Outcome};

use super::smtp::{Connection, Endpoint, OpenError, RelayTrouble, Verdict};

/// Broken connections in a row that make a pause; one is nothing.
const LOST_IN_A_ROW: u32 = 3;
/// The first pause of a relay in trouble; doubles with each further trouble.
const FIRST_PAUSE: Duration = Duration::from_secs(30);
/// Its longest pause.
const LONGEST_PAUSE: Duration = Duration::from_secs(15 * 60);

/// All relays of the configuration.
pub struct Relays(BTreeMap<String, Relay>);

/// What `status` says of a relay.
#[derive(Debug, Clone, PartialEq, serde::Serialize)]
pub struct RelayStatus {
    /// Its name in the configuration.
    pub id: String,
    /// `ok`, or why it is paused.
    pub state: String,
    /// Connections open now.
    pub connections: usize,
    /// Its configured rate, messages a second; none is unlimited.
    pub rate_per_s: Option<f64>,
}

impl Relays {
    /// Opens nothing yet, and reads no password: commands that send nothing need none.
    #[must_use]
    pub fn new(config: &Config) -> Self {
        let hello = config.server.base_url.host_str().unwrap_or("localhost");
        let relays = config.relays.iter();
        Self(
            relays
                .map(|(id, relay)| (id.clone(), Relay::new(relay, hello)))
                .collect(),
        )
    }

    /// Reads every relay's password, so that a daemon that could not send does not start.
    ///
    /// # Errors
    /// A relay's name, and why its password cannot be read.
    pub fn check(&self) -> Result<(), (String, SecretError)> {
        for (id, relay) in &self.0 {
            relay.endpoint().map_err(|e| (id.clone(), e))?;
        }
        Ok(())
    }

    /// Connections all relays may have together: what one daemon can usefully have in hand.
    #[must_use]
    pub fn connections(&self) -> usize {
        self.0.values().map(|relay| relay.most).sum()
    }

    /// The state of each relay.
    #[must_use]
    pub fn status(&self) -> Vec<RelayStatus> {
        self.0.iter().map(|(id, relay)| relay.status(id)).collect()
    }

    /// A place on a connection of the first healthy relay among `names` (all when empty):
    /// waits for a free connection and for the relay's rate. `stop` ends the wait.
    ///
    /// # Errors
    /// [`NoPlace`]: nothing was begun, and nothing is charged to the message.
    pub async fn place(
        &self,
        names: &[String],
        stop: &CancellationToken,
    ) -> Result<Place<'_>, NoPlace> {
        let mut trouble: Option<(Duration, String)> = None;
        for (id, relay) in &self.0 {
            if !names.is_empty() && !names.contains(id) {
                continue;
            }
            match relay.paused() {
                None => return relay.place(id, stop).await,
                Some(pause) => {
                    if trouble.as_ref().is_none_or(|shortest| pause.0 < shortest.0) {
                        trouble = Some(pause);
                    }
                }
            }
        }
        let (after, reason) =
            trouble.unwrap_or_else(|| (FIRST_PAUSE, "no relay is configured".to_owned()));
        Err(NoPlace::Trouble(Outcome::NotTried {
            reason,
            after: Some(after),
        }))
    }
}

/// Why there is no place.
#[derive(Debug)]
pub enum NoPlace {
    /// The daemon is stopping.
    Stopped,
    /// No relay can be reached now.
    Trouble(Outcome),
}

/// A connection that is ours for one message.
pub struct Place<'a> {
    id: &'a str,
    relay: &'a Relay,
    connection: Connection,
    _permit: SemaphorePermit<'a>,
}

impl Place<'_> {
    /// The relay's name in the configuration.
    #[must_use]
    pub fn relay(&self) -> &str {
        self.id
    }

    /// Sends the message; the connection goes back to be used again if it can be. A kept
    /// connection that the relay had closed meanwhile is replaced by a new one, once.
    pub async fn send(mut self, envelope_from: &str, to: &EmailAddress, message: &[u8]) -> Verdict {
        let mut verdict = self.connection.send(envelope_from, to, message).await;
        if verdict.relay_trouble == Some(RelayTrouble::Stale) {
            match self.relay.open().await {
                Ok(connection) => {
                    self.connection = connection;
                    verdict = self.connection.send(envelope_from, to, message).await;
                }
                Err(error) => {
                    self.relay.note(Some(error.trouble), &error.reason);
                    return Verdict {
                        outcome: error.outcome(),
                        relay_trouble: None,
                        issue_trouble: None,
                    };
                }
            }
        }
        self.relay
            .note(verdict.relay_trouble, reason_of(&verdict.outcome));
        if self.connection.is_usable() {
            self.relay.keep(self.connection);
        }
        verdict
    }
}

/// The words of an outcome.
fn reason_of(outcome: &Outcome) -> &str {
    match outcome {
        Outcome::Accepted { reply } => reply,
        Outcome::Deferred { reason, .. }
        | Outcome::NotTried { reason, .. }
        | Outcome::Rejected { reason, .. }
        | Outcome::Unknown { reason } => reason,
    }
}

/// One relay.
struct Relay {
    config: RelayConfig,
    hello: String,
    /// Made at the first connection.
    endpoint: OnceLock<Endpoint>,
    most: usize,
    permits: Semaphore,
    idle: Mutex<Vec<Connection>>,
    rate: Option<Mutex<Bucket>>,
    rate_per_s: Option<f64>,
    trouble: Mutex<Trouble>,
}

#[derive(Debug, Default)]
struct Trouble {
    until: Option<Instant>,
    reason: String,
    in_a_row: u32,
}

impl Relay {
    fn new(config: &RelayConfig, hello: &str) -> Self {
        let most = (config.connections as usize).max(1);
        let rate_per_s = config.rate.map(Rate::per_second);
        Self {
            config: config.clone(),
            hello: hello.to_owned(),
            endpoint: OnceLock::new(),
            most,
            permits: Semaphore::new(most),
            idle: Mutex::default(),
            rate: config
                .rate
                .as_ref()
                .map(|rate| Mutex::new(Bucket::new(rate))),
            rate_per_s,
            trouble: Mutex::default(),
        }
    }

    /// How long it is still paused, and why.
    fn paused(&self) -> Option<(Duration, String)> {
        let trouble = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let left = trouble.until?.checked_duration_since(Instant::now())?;
        Some((left, trouble.reason.clone()))
    }

    fn status(&self, id: &str) -> RelayStatus {
        let state = self.paused().map_or_else(
            || "ok".to_owned(),
            |(left, reason)| format!("paused for {} s: {reason}", left.as_secs()),
        );
        let idle = self
            .idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .len();
        let busy = self.most - self.permits.available_permits();
        RelayStatus {
            id: id.to_owned(),
            state,
            connections: busy + idle,
            rate_per_s: self.rate_per_s,
        }
    }

    async fn place<'a>(
        &'a self,
        id: &'a str,
        stop: &CancellationToken,
    ) -> Result<Place<'a>, NoPlace> {
        let permit = tokio::select! {
            permit = self.permits.acquire() => permit.map_err(|_| NoPlace::Stopped)?,
            () = stop.cancelled() => return Err(NoPlace::Stopped),
        };
        if let Some(rate) = &self.rate {
            let wait = rate
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(Instant::now());
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = stop.cancelled() => return Err(NoPlace::Stopped),
            }
        }
        match self.connection().await {
            Ok(connection) => Ok(Place {
                id,
                relay: self,
                connection,
                _permit: permit,
            }),
            Err(error) => {
                self.note(Some(error.trouble), &error.reason);
                Err(NoPlace::Trouble(error.outcome()))
            }
        }
    }

    /// A kept connection that still lives, or a new one.
    async fn connection(&self) -> Result<Connection, OpenError> {
        loop {
            let kept = self
                .idle
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .pop();
            let Some(mut connection) = kept else {
                return self.open().await;
            };
            if connection.is_usable() {
                return Ok(connection);
            }
        }
    }

    async fn open(&self) -> Result<Connection, OpenError> {
        match self.endpoint() {
            Ok(endpoint) => Connection::open(endpoint).await,
            Err(error) => Err(OpenError {
                reason: error.to_string(),
                trouble: RelayTrouble::AuthRefused,
            }),
        }
    }

    /// The relay as a connection sees it, its password read.
    fn endpoint(&self) -> Result<&Endpoint, SecretError> {
        if let Some(endpoint) = self.endpoint.get() {
            return Ok(endpoint);
        }
        let endpoint = Endpoint::from_config(&self.config, &self.hello)?;
        Ok(self.endpoint.get_or_init(|| endpoint))
    }

    fn keep(&self, connection: Connection) {
        self.idle
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .push(connection);
    }

    /// Remembers trouble that concerns the relay and not the message; anything else ends it.
    fn note(&self, trouble: Option<RelayTrouble>, reason: &str) {
        let mut noted = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(trouble) = trouble else {
            *noted = Trouble::default();
            return;
        };
        noted.in_a_row += 1;
        let broken = matches!(trouble, RelayTrouble::Lost | RelayTrouble::OutOfStep);
        if trouble == RelayTrouble::Stale || (broken && noted.in_a_row < LOST_IN_A_ROW) {
            return;
        }
        let pause = FIRST_PAUSE.saturating_mul(1 << (noted.in_a_row - 1).min(10));
        noted.until = Some(Instant::now() + pause.min(LONGEST_PAUSE));
        noted.reason = format!("{}: {reason}", trouble.as_str());
        warn!(
            relay.id = self.config.id,
            error = noted.reason,
            "relay paused"
        );
    }
}

/// A token bucket holding one second's worth: an even flow, never a burst after a pause.
#[derive(Debug)]
struct Bucket {
    gap: Duration,
    next: Instant,
}

impl Bucket {
    fn new(rate: &Rate) -> Self {
        Self {
            gap: rate.per / rate.count.max(1),
            next: Instant::now(),
        }
    }

    /// Takes the next place and says how long to wait for it.
    fn take(&mut self, now: Instant) -> Duration {
        let place = self.next.max(now);
        self.next = place + self.gap;
        place.duration_since(now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rate_spaces_messages_evenly() {
        let mut bucket = Bucket::new(&Rate {
            count: 50,
            per: Duration::from_secs(1),
        });
        let now = Instant::now() + Duration::from_secs(5);
        let waits: Vec<u128> = (0..4).map(|_| bucket.take(now).as_millis()).collect();
        assert_eq!(waits, [0, 20, 40, 60]);
    }
}
