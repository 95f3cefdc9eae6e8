//! From a host name to a connection that is greeted, encrypted and logged in.

use std::net::SocketAddr;
use std::time::Duration;

use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::commands::{Auth, Ehlo, Starttls};
use rustls::pki_types::ServerName;
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use super::endpoint::{Endpoint, Protocol, Security};
use super::reply::Reply;
use super::verdict::{OpenError, RelayTrouble};
use super::wire::{Wire, WireError};

/// What a relay offers (the lines of its answer to EHLO).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Offers {
    pub(super) pipelining: bool,
    pub(super) eight_bit: bool,
    pub(super) utf8: bool,
    /// RFC 1870. `Some(0)`: any size.
    pub(super) size: Option<usize>,
    starttls: bool,
    auth: Vec<Mechanism>,
}

impl Offers {
    fn read(reply: &Reply) -> Self {
        let mut offers = Self::default();
        for line in reply.lines().skip(1) {
            let line = line.to_ascii_uppercase();
            // `AUTH=LOGIN` is how servers spoke before RFC 2554.
            let mut words = line.split([' ', '\t', '=']).filter(|w| !w.is_empty());
            match words.next() {
                Some("PIPELINING") => offers.pipelining = true,
                Some("8BITMIME") => offers.eight_bit = true,
                Some("SMTPUTF8") => offers.utf8 = true,
                Some("STARTTLS") => offers.starttls = true,
                Some("SIZE") => {
                    offers.size = Some(words.next().and_then(|n| n.parse().ok()).unwrap_or(0));
                }
                Some("AUTH") => words.for_each(|word| match word {
                    "PLAIN" => offers.auth.push(Mechanism::Plain),
                    "LOGIN" => offers.auth.push(Mechanism::Login),
                    _ => {}
                }),
                _ => {}
            }
        }
        offers
    }
}

const UNREADABLE: &str = "it asked something that AUTH does not have";

/// One attempt to reach a relay, with the protection this attempt asks for.
struct Caller<'a> {
    endpoint: &'a Endpoint,
    security: Security,
}

/// Connects, and falls back to plain once where encryption was only an attempt.
pub(super) async fn open(endpoint: &Endpoint) -> Result<(Wire, Offers), OpenError> {
    let caller = |security| Caller { endpoint, security };
    match caller(endpoint.security).open().await {
        Err(error)
            if error.trouble == RelayTrouble::Tls
                && endpoint.security == Security::Opportunistic =>
        {
            tracing::warn!(relay = %endpoint.address(), %error, "going on without TLS");
            caller(Security::Off).open().await
        }
        result => result,
    }
}

impl Caller<'_> {
    async fn open(&self) -> Result<(Wire, Offers), OpenError> {
        let within = &self.endpoint.timeouts;
        let mut wire = self.connect().await?;
        if self.security == Security::Implicit {
            wire = self.encrypt(wire).await?;
        }
        let greeting = wire.answer(within.greeting).await;
        self.check_greeting(&self.heard(greeting, "the greeting")?)?;
        let mut offers = self.hello(&mut wire).await?;
        if matches!(self.security, Security::Required | Security::Opportunistic) {
            (wire, offers) = self.start_tls(wire, offers).await?;
        }
        if let Some(credentials) = &self.endpoint.credentials {
            self.log_in(&mut wire, &offers, credentials).await?;
        }
        Ok((wire, offers))
    }

    async fn connect(&self) -> Result<Wire, OpenError> {
        let Endpoint { host, port, .. } = self.endpoint;
        let within = self.endpoint.timeouts.connect;
        let deadline = Instant::now() + within;
        let found = timeout_at(deadline, tokio::net::lookup_host((host.as_str(), *port))).await;
        let unreachable = |why: &str| self.error(RelayTrouble::Unreachable, why);
        let found: Vec<SocketAddr> = match found {
            Err(_) => return Err(unreachable(&late(within, "the name lookup"))),
            Ok(Err(error)) => {
                return Err(unreachable(&format!("the name has no address: {error}")));
            }
            Ok(Ok(addresses)) => addresses.collect(),
        };
        let mut last = "the name has no address".to_owned();
        for (i, address) in found.iter().enumerate() {
            // One dead address must not use up the time of those after it.
            let left = deadline.saturating_duration_since(Instant::now());
            let share = left / u32::try_from(found.len() - i).unwrap_or(1);
            last = match timeout_at(Instant::now() + share, TcpStream::connect(address)).await {
                Ok(Ok(tcp)) => match Wire::new(tcp) {
                    Ok(wire) => return Ok(wire),
                    Err(error) => error.to_string(),
                },
                // The error names the relay as it is configured; a name has several addresses.
                Ok(Err(error)) if address.to_string() == self.endpoint.address() => {
                    error.to_string()
                }
                Ok(Err(error)) => format!("{error} ({address})"),
                Err(_) => late(share, &format!("connecting to {address}")),
            };
        }
        Err(unreachable(&last))
    }

    /// RFC 5321 §3.1. A 5yz greeting is often an overloaded server's, so it is not final for
    /// the mail; it is for the operator to see.
    fn check_greeting(&self, reply: &Reply) -> Result<(), OpenError> {
        let trouble = match reply.code() {
            220 => return Ok(()),
            400..=499 => RelayTrouble::Busy,
            500..=599 => RelayTrouble::Refused,
            _ => RelayTrouble::OutOfStep,
        };
        Err(self.error(trouble, &format!("it greeted us with {reply}")))
    }

    async fn hello(&self, wire: &mut Wire) -> Result<Offers, OpenError> {
        let endpoint = self.endpoint;
        let ehlo = Ehlo::new(endpoint.hello.clone()).to_string();
        let (command, hello) = match endpoint.protocol {
            Protocol::Smtp => ("EHLO", ehlo),
            Protocol::Lmtp => ("LHLO", ehlo.replacen("EHLO", "LHLO", 1)),
        };
        let reply = self.ask(wire, &hello, command).await?;
        match reply.code() {
            250 => Ok(Offers::read(&reply)),
            // A server from before 1995 has no EHLO, and nothing else we would need.
            500 | 502 | 504 if endpoint.protocol == Protocol::Smtp && self.can_be_bare() => {
                let helo = format!("HELO {}\r\n", endpoint.hello);
                let reply = self.ask(wire, &helo, "HELO").await?;
                if reply.code() == 250 {
                    return Ok(Offers::default());
                }
                Err(self.error(
                    RelayTrouble::Refused,
                    &format!("it answered HELO with {reply}"),
                ))
            }
            code => {
                let trouble = match code {
                    400..=499 => RelayTrouble::Busy,
                    500..=599 => RelayTrouble::Refused,
                    _ => RelayTrouble::OutOfStep,
                };
                Err(self.error(trouble, &format!("it answered {command} with {reply}")))
            }
        }
    }

    fn can_be_bare(&self) -> bool {
        self.security != Security::Required && self.endpoint.credentials.is_none()
    }

    /// RFC 3207. What the relay offered in plain is forgotten (§4.2).
    async fn start_tls(&self, mut wire: Wire, offers: Offers) -> Result<(Wire, Offers), OpenError> {
        let insists = self.security == Security::Required;
        if !offers.starttls {
            if insists {
                let why = "it does not offer STARTTLS; nothing is sent unencrypted \
                           (`tls=off` in the relay's url would allow it)";
                return Err(self.error(RelayTrouble::Tls, why));
            }
            return Ok((wire, offers));
        }
        let reply = self
            .ask(&mut wire, &Starttls.to_string(), "STARTTLS")
            .await?;
        match reply.code() {
            220 => {
                let mut wire = self.encrypt(wire).await?;
                let offers = self.hello(&mut wire).await?;
                Ok((wire, offers))
            }
            400..=599 if !insists => Ok((wire, offers)),
            _ => Err(self.error(
                RelayTrouble::Tls,
                &format!("it answered STARTTLS with {reply}"),
            )),
        }
    }

    async fn encrypt(&self, wire: Wire) -> Result<Wire, OpenError> {
        let endpoint = self.endpoint;
        let failed = |why: &str| self.error(RelayTrouble::Tls, why);
        let config = match self.security {
            Security::Opportunistic => &endpoint.tls.unverified,
            _ => &endpoint.tls.verified,
        };
        let name = ServerName::try_from(endpoint.host.clone())
            .map_err(|_| failed("its name cannot stand in a certificate"))?;
        let encrypted = wire.encrypt(config.clone(), name, endpoint.timeouts.tls);
        encrypted.await.map_err(|error| {
            let hint = if endpoint.tls.trusts_nobody() {
                " (this machine trusts no certificate authority; install ca-certificates)"
            } else {
                ""
            };
            failed(&format!("TLS failed: {error}{hint}"))
        })
    }

    async fn log_in(
        &self,
        wire: &mut Wire,
        offers: &Offers,
        credentials: &Credentials,
    ) -> Result<(), OpenError> {
        let refused = |why: &str| self.error(RelayTrouble::AuthRefused, why);
        // PLAIN where there is a choice: one round trip instead of three.
        let mechanism = [Mechanism::Plain, Mechanism::Login]
            .into_iter()
            .find(|mechanism| offers.auth.contains(mechanism))
            .ok_or_else(|| refused("it offers neither AUTH PLAIN nor AUTH LOGIN"))?;
        let unreadable = |_| refused(UNREADABLE);
        let mut auth = Auth::new(mechanism, credentials.clone(), None).map_err(unreadable)?;
        // LOGIN asks twice; what asks more often is not a login.
        for _ in 0..3 {
            let reply = self.ask(wire, &auth.to_string(), "AUTH").await?;
            match reply.code() {
                235 => return Ok(()),
                334 => {
                    let asked = reply.to_lettre().ok_or_else(|| refused(UNREADABLE))?;
                    auth = Auth::new_from_response(mechanism, credentials.clone(), &asked)
                        .map_err(unreadable)?;
                }
                400..=499 => {
                    let why = format!("it could not check our login: {reply}");
                    return Err(self.error(RelayTrouble::AuthLater, &why));
                }
                500..=599 => {
                    return Err(refused(&format!(
                        "it did not take our login: {reply}; look at the relay's user and password"
                    )));
                }
                _ => {
                    let why = format!("it answered AUTH with {reply}");
                    return Err(self.error(RelayTrouble::OutOfStep, &why));
                }
            }
        }
        Err(refused("it kept asking for the login"))
    }

    /// One command and its answer. 421 ends any of them.
    async fn ask(&self, wire: &mut Wire, command: &str, what: &str) -> Result<Reply, OpenError> {
        wire.put(command.as_bytes());
        let answer = wire.answer(self.endpoint.timeouts.hello).await;
        let reply = self.heard(answer, what)?;
        if reply.code() == 421 {
            let why = format!("it answered {what} with {reply}");
            return Err(self.error(RelayTrouble::Busy, &why));
        }
        Ok(reply)
    }

    fn heard(&self, answer: Result<Reply, WireError>, what: &str) -> Result<Reply, OpenError> {
        answer.map_err(|error| {
            let trouble = if error.is_nonsense() {
                RelayTrouble::OutOfStep
            } else {
                RelayTrouble::Lost
            };
            self.error(trouble, &format!("at {what}: {error}"))
        })
    }

    fn error(&self, trouble: RelayTrouble, why: &str) -> OpenError {
        OpenError {
            reason: format!("relay {}: {why}", self.endpoint.address()),
            trouble,
        }
    }
}

fn late(within: Duration, what: &str) -> String {
    format!("{what} took longer than {} s", within.as_secs_f32())
}

#[cfg(test)]
mod tests {
    use super::super::reply::reply;
    use super::*;

    #[test]
    fn offers_are_read_in_any_case_and_from_the_second_line_on() {
        let offers = Offers::read(&reply(
            "250-PIPELINING greets you\r\n250-size 1000\r\n250-8BITMIME\r\n\
             250-Auth=LOGIN\r\n250-AUTH PLAIN CRAM-MD5\r\n250 StartTLS",
        ));
        assert_eq!(
            offers,
            Offers {
                pipelining: false,
                eight_bit: true,
                utf8: false,
                size: Some(1000),
                starttls: true,
                auth: vec![Mechanism::Login, Mechanism::Plain],
            }
        );
    }
}
