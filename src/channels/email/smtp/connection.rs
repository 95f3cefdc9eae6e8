//! One connection, and the transactions on it.

use std::time::{Duration, Instant};

use lettre::Address;
use lettre::transport::smtp::commands::{Data, Mail, Quit, Rcpt, Rset};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter};

use super::endpoint::{Endpoint, Timeouts};
use super::greet::{self, Offers};
use super::reply::Reply;
use super::verdict::{Ending, IssueTrouble, OpenError, Phase, RelayTrouble, Then, Verdict, judge};
use super::wire::{Glance, Wire, WireError};
use crate::domain::{EmailAddress, Outcome};

/// Messages one connection carries. Many relays hang up after a hundred or more, and one that
/// spreads its load gets to spread it.
pub const MAX_MESSAGES: u32 = 100;
/// How old a connection may become, as Postfix has it (`smtp_connection_reuse_time_limit`).
pub const MAX_AGE: Duration = Duration::from_secs(300);
/// How long a connection may be idle: less than the 30 s after which the strictest relays
/// hang up.
pub const IDLE_CLOSE: Duration = Duration::from_secs(20);

/// Whether the next transaction can begin.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Ready,
    NeedsReset,
    /// In a transaction. Still so when a `send` begins: the one before was dropped half-way.
    Busy,
    Closed,
}

/// One message and where it goes.
struct Parcel<'a> {
    from: Option<Address>,
    to: Address,
    message: &'a [u8],
}

/// A connection to a relay, logged in, for one message at a time.
pub struct Connection {
    wire: Wire,
    offers: Offers,
    timeouts: Timeouts,
    state: State,
    opened: Instant,
    used: Instant,
    messages: u32,
}

impl Connection {
    /// Connects to a relay, greets it, encrypts and logs in as the endpoint says.
    ///
    /// # Errors
    /// An [`OpenError`] that says what happened and what it says about the relay. No message
    /// is involved, so every delivery that waited can be tried again without counting.
    pub async fn open(endpoint: &Endpoint) -> Result<Self, OpenError> {
        let (wire, offers) = Box::pin(greet::open(endpoint)).await?;
        let now = Instant::now();
        Ok(Self {
            wire,
            offers,
            timeouts: endpoint.timeouts,
            state: State::Ready,
            opened: now,
            used: now,
            messages: 0,
        })
    }

    /// Carries one message to one reader, and waits until its fate is known or cannot be.
    ///
    /// `envelope_from` is the return path; an empty one is the null sender. `message` is as
    /// [`super::super::message::Mail::build`] makes it. Dropping the future half-way leaves
    /// the message's fate unknown to the caller and makes the connection unusable.
    pub async fn send(
        &mut self,
        envelope_from: &str,
        to: &EmailAddress,
        message: &[u8],
    ) -> Verdict {
        let parcel = match self.parcel(envelope_from, to, message) {
            Ok(parcel) => parcel,
            Err(ending) => return ending.verdict,
        };
        let state = std::mem::replace(&mut self.state, State::Busy);
        let ending = match self.prepare(state).await {
            Ok(()) => self.transact(&parcel).await,
            Err(ending) => *ending,
        };
        self.state = match ending.then {
            Then::Keep => State::Ready,
            Then::Reset => State::NeedsReset,
            Then::Close => State::Closed,
        };
        self.messages += 1;
        self.used = Instant::now();
        ending.verdict
    }

    /// Whether another message may go over this connection: nothing is wrong with it, it is
    /// neither worn out ([`MAX_MESSAGES`], [`MAX_AGE`], [`IDLE_CLOSE`]) nor closed by the relay.
    pub fn is_usable(&mut self) -> bool {
        matches!(self.state, State::Ready | State::NeedsReset)
            && self.messages < MAX_MESSAGES
            && self.opened.elapsed() < MAX_AGE
            && self.used.elapsed() < IDLE_CLOSE
            && self.wire.glance() == Glance::Quiet
    }

    /// Messages tried on this connection.
    #[must_use]
    pub fn messages(&self) -> u32 {
        self.messages
    }

    /// Whether the relay takes several commands at once (RFC 2920).
    #[must_use]
    pub fn can_pipeline(&self) -> bool {
        self.offers.pipelining
    }

    /// Says goodbye, without waiting for the answer, and hangs up.
    pub async fn quit(mut self) {
        if matches!(self.state, State::Ready | State::NeedsReset) {
            self.wire.put(Quit.to_string().as_bytes());
            // Nothing depends on it: the relay notices the closed connection as well.
            let _ = self.wire.flush(self.timeouts.reset).await;
        }
    }

    /// What must hold before a byte is sent: addresses and a size this relay can take.
    fn parcel<'a>(
        &self,
        envelope_from: &str,
        to: &EmailAddress,
        message: &'a [u8],
    ) -> Result<Parcel<'a>, Ending> {
        let refuse = |reason: String| Ending::rejected(reason, false, Then::Keep);
        let recipient: Address = to
            .as_str()
            .parse()
            .map_err(|_| refuse(format!("`{to}` cannot stand in an envelope")))?;
        let sender = match envelope_from {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                let reason = format!("`{text}` is not an address for the return path");
                Ending::not_tried(reason, Then::Keep).and_issue(IssueTrouble::SenderRefused)
            })?),
        };
        // Non-ASCII local parts must be understood by every hop (RFC 6531 §3.2).
        let plain_addresses = to.as_str().is_ascii() && envelope_from.is_ascii();
        if !(plain_addresses || self.offers.utf8) {
            return Err(refuse(
                "the relay does not offer SMTPUTF8, which this address needs".to_owned(),
            ));
        }
        if !(message.is_ascii() || self.offers.eight_bit) {
            return Err(refuse(
                "the relay does not offer 8BITMIME, which this message needs".to_owned(),
            ));
        }
        match self.offers.size {
            Some(limit) if limit > 0 && message.len() > limit => Err(refuse(format!(
                "the message has {} bytes and the relay takes {limit}",
                message.len()
            ))
            .and_issue(IssueTrouble::TooLarge)),
            _ => Ok(Parcel {
                from: sender,
                to: recipient,
                message,
            }),
        }
    }

    /// Brings the connection from where the last transaction left it to where one can begin.
    async fn prepare(&mut self, state: State) -> Result<(), Box<Ending>> {
        match state {
            State::Ready => Ok(()),
            State::NeedsReset => {
                self.wire.put(Rset.to_string().as_bytes());
                match self.wire.answer(self.timeouts.reset).await {
                    Ok(reply) if reply.code() == 250 => Ok(()),
                    Ok(reply) => {
                        let reason = format!("the relay answered RSET with {reply}");
                        Err(Box::new(stale(reason)))
                    }
                    Err(error) => Err(Box::new(stale(format!("at RSET: {error}")))),
                }
            }
            State::Busy | State::Closed => Err(Box::new(stale(
                "this connection cannot be used any more".to_owned(),
            ))),
        }
    }

    async fn transact(&mut self, parcel: &Parcel<'_>) -> Ending {
        let mail = self.mail_command(parcel);
        let rcpt = Rcpt::new(parcel.to.clone(), Vec::new()).to_string();
        let within = self.timeouts;
        for (phase, command, deadline) in [
            (Phase::Mail, mail, within.command),
            (Phase::Rcpt, rcpt, within.command),
            (Phase::Data, Data.to_string(), within.data),
        ] {
            self.wire.put(command.as_bytes());
            match self.wire.answer(deadline).await {
                Ok(reply) if is_yes(phase, &reply) => {}
                Ok(reply) => return judge(phase, &reply),
                Err(error) => return self.broken(phase, &error),
            }
        }
        self.hand_over(parcel.message).await
    }

    /// Writes the message and waits for its own final answer.
    async fn hand_over(&mut self, message: &[u8]) -> Ending {
        // An answer that is here before the question would be taken for the answer to it.
        if self.wire.glance() == Glance::Unasked {
            return match self.wire.last_words().await {
                Some(reply) if reply.code() >= 400 => with_close(judge(Phase::Data, &reply)),
                reply => {
                    let said = reply.map_or_else(|| "something".to_owned(), |r| r.to_string());
                    let reason = format!("the relay said {said} before the message was sent");
                    Ending::not_tried(reason, Then::Close).and_relay(RelayTrouble::OutOfStep)
                }
            };
        }
        self.wire.put_message(message);
        if let Err(error) = self.wire.flush(self.timeouts.block).await {
            if self.wire.may_have_all() {
                return uncertain(&error);
            }
            // Relays that refuse a message while it is coming say why and hang up.
            return match self.wire.last_words().await {
                Some(reply) if reply.code() >= 400 => with_close(judge(Phase::Data, &reply)),
                _ => self.broken(Phase::Dot, &error),
            };
        }
        let deadline = self.timeouts.final_answer(message.len());
        match self.wire.answer(deadline).await {
            Ok(reply) if reply.code() == 250 => self.accepted(&reply),
            Ok(reply) => judge(Phase::Dot, &reply),
            Err(error) => uncertain(&error),
        }
    }

    /// The answer was 250; but was it the message's own? A second answer beside it makes that
    /// a guess, unless both say the same, or the second is the relay hanging up.
    fn accepted(&mut self, reply: &Reply) -> Ending {
        match self.wire.surplus() {
            None => Ending::accepted(reply, Then::Keep),
            Some(Ok(other)) if matches!(other.code(), 250 | 421) => {
                Ending::accepted(reply, Then::Close)
            }
            Some(Ok(other)) => uncertain(&WireError::OutOfStep(other.to_string())),
            Some(Err(error)) => uncertain(&error),
        }
    }

    fn mail_command(&self, parcel: &Parcel<'_>) -> String {
        let mut parameters = Vec::new();
        if self.offers.size.is_some() {
            parameters.push(MailParameter::Size(parcel.message.len()));
        }
        if !parcel.message.is_ascii() && self.offers.eight_bit {
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        let addresses = [parcel.from.as_ref(), Some(&parcel.to)];
        let is_utf8 = |address: &Address| !AsRef::<str>::as_ref(address).is_ascii();
        if addresses.into_iter().flatten().any(is_utf8) {
            parameters.push(MailParameter::SmtpUtfEight);
        }
        Mail::new(parcel.from.clone(), parameters).to_string()
    }

    /// The connection broke before the relay could have the whole message.
    fn broken(&self, phase: Phase, error: &WireError) -> Ending {
        let reason = format!("at {}: {error}", phase.as_str());
        if error.is_nonsense() {
            return Ending::not_tried(reason, Then::Close).and_relay(RelayTrouble::OutOfStep);
        }
        match phase {
            Phase::Mail if self.messages > 0 && error.is_hang_up() => stale(reason),
            Phase::Mail => Ending::not_tried(reason, Then::Close).and_relay(RelayTrouble::Lost),
            // From here on the recipient or the message may be what the relay dies of, so the
            // try counts, and the next one waits longer.
            _ => Ending::deferred(reason, None, Then::Close).and_relay(RelayTrouble::Lost),
        }
    }
}

/// Only these are a yes. 251 says that the relay will forward (RFC 5321 §3.4), 252 that it
/// takes the recipient unseen.
fn is_yes(phase: Phase, reply: &Reply) -> bool {
    match phase {
        Phase::Mail | Phase::Dot => reply.code() == 250,
        Phase::Rcpt => matches!(reply.code(), 250..=252),
        Phase::Data => reply.code() == 354,
    }
}

/// RFC 1047: the relay may have the message, and we shall never hear.
fn uncertain(error: &WireError) -> Ending {
    let trouble = if error.is_nonsense() {
        RelayTrouble::OutOfStep
    } else {
        RelayTrouble::Lost
    };
    Ending::unknown(format!("after the message was handed over: {error}")).and_relay(trouble)
}

/// The connection had ended before this message: nothing was tried, another one will do.
fn stale(reason: String) -> Ending {
    let outcome = Outcome::NotTried {
        reason,
        after: Some(Duration::ZERO),
    };
    Ending::new(outcome, Then::Close).and_relay(RelayTrouble::Stale)
}

fn with_close(ending: Ending) -> Ending {
    Ending {
        then: Then::Close,
        ..ending
    }
}
