//! One message on a connection: its commands, its bytes, and the answers that are its own.
//!
//! With PIPELINING (RFC 2920) several answers are owed at a time, and the n-th answer belongs
//! to the n-th command. An answer too many would shift all that follow, so: nothing may be
//! there to read when none is owed; DATA is answered by 354 or a refusal, which a shifted
//! answer to RCPT is not; and a final answer counts only if those that came with it fit.

use std::time::Duration;

use lettre::Address;
use lettre::transport::smtp::commands::{Mail, Rcpt};
use lettre::transport::smtp::extension::{MailBodyParameter, MailParameter};

use super::connection::Connection;
use super::endpoint::Protocol;
use super::parcel::{Feed, Parcel};
use super::reply::Reply;
use super::verdict::{
    Ending, IssueTrouble, Phase, RelayTrouble, Then, Verdict, is_session_full, judge,
};
use super::wire::WireError;
use crate::domain::Outcome;

const DATA: &str = "DATA\r\n";

/// A parcel that this relay can take, and its commands.
pub(super) struct Load<P> {
    pub(super) parcel: P,
    mail: String,
    rcpt: String,
}

/// What the relay made of MAIL, RCPT and DATA.
pub(super) enum Agreed {
    /// It waits for the message.
    Yes,
    /// It does not take this message.
    No(Ending),
    /// The connection had ended before: nothing was tried.
    Untried,
}

impl Connection {
    /// The parcel with its commands. Addresses or a size that this relay cannot take are the
    /// parcel's end.
    pub(super) fn load<F: Feed>(&self, parcel: F::Parcel, feed: &mut F) -> Option<Load<F::Parcel>> {
        match self.commands(&parcel) {
            Ok((mail, rcpt)) => Some(Load { parcel, mail, rcpt }),
            Err(ending) => {
                feed.ended(parcel, ending.verdict);
                None
            }
        }
    }

    fn commands(&self, parcel: &impl Parcel) -> Result<(String, String), Box<Ending>> {
        let (from, to) = (parcel.envelope_from(), parcel.to().as_str());
        let refuse = |reason: String| Box::new(Ending::rejected(reason, false, Then::Keep));
        let recipient: Address = to
            .parse()
            .map_err(|_| refuse(format!("`{to}` cannot stand in an envelope")))?;
        let sender: Option<Address> = match from {
            "" => None,
            text => Some(text.parse().map_err(|_| {
                let reason = format!("`{text}` is not an address for the return path");
                let ending = Ending::not_tried(reason, Then::Keep);
                Box::new(ending.and_issue(IssueTrouble::SenderRefused))
            })?),
        };
        let mut parameters = Vec::new();
        if let Some(limit) = self.offers.size {
            let size = parcel.size();
            if limit > 0 && size > limit {
                let reason = format!("the message has {size} bytes and the relay takes {limit}");
                let ending = Ending::rejected(reason, false, Then::Keep);
                return Err(Box::new(ending.and_issue(IssueTrouble::TooLarge)));
            }
            parameters.push(MailParameter::Size(size));
        }
        if parcel.is_eight_bit() {
            if !self.offers.eight_bit {
                let reason = "the relay does not offer 8BITMIME, which this message needs";
                return Err(refuse(reason.to_owned()));
            }
            parameters.push(MailParameter::Body(MailBodyParameter::EightBitMime));
        }
        // Non-ASCII local parts must be understood by every hop (RFC 6531 §3.2).
        if !(from.is_ascii() && to.is_ascii()) {
            if !self.offers.utf8 {
                let reason = "the relay does not offer SMTPUTF8, which this address needs";
                if !from.is_ascii() {
                    // Ours, and so the matter of the issue and not of this reader.
                    let ending = Ending::not_tried(reason.to_owned(), Then::Keep);
                    return Err(Box::new(ending.and_issue(IssueTrouble::SenderRefused)));
                }
                return Err(refuse(reason.to_owned()));
            }
            parameters.push(MailParameter::SmtpUtfEight);
        }
        let mail = Mail::new(sender, parameters).to_string();
        Ok((mail, Rcpt::new(recipient, Vec::new()).to_string()))
    }

    /// Begins a transaction where no answer is owed.
    pub(super) async fn announce<P>(&mut self, load: &Load<P>, then: Then) -> Agreed {
        if let Err(error) = self.wire.quiet() {
            return match self.messages {
                0 => Agreed::No(self.broken(Phase::Mail, &error)),
                _ => Agreed::Untried,
            };
        }
        let needs_reset = then == Then::Reset;
        if needs_reset {
            self.wire.put(b"RSET\r\n");
        }
        if self.offers.pipelining {
            self.put_commands(load);
        }
        if needs_reset {
            match self.wire.hear(self.timeouts.reset).await {
                Ok(reply) if reply.code() == 250 => {}
                Ok(_) | Err(_) => return Agreed::Untried,
            }
        }
        self.agree(load).await
    }

    fn put_commands<P>(&mut self, load: &Load<P>) {
        for command in [&load.mail, &load.rcpt, DATA] {
            self.wire.put(command.as_bytes());
        }
    }

    /// Hears the answers to MAIL, RCPT and DATA; all of them, where all were said already
    /// (RFC 2920 §3.1). The first no is the reason.
    pub(super) async fn agree<P>(&mut self, load: &Load<P>) -> Agreed {
        let mut refused: Option<(Phase, Ending)> = None;
        for (phase, command, within) in [
            (Phase::Mail, load.mail.as_str(), self.timeouts.command),
            (Phase::Rcpt, &load.rcpt, self.timeouts.command),
            (Phase::Data, DATA, self.timeouts.data),
        ] {
            let heard = if self.offers.pipelining {
                self.wire.hear(within).await
            } else {
                self.wire.put(command.as_bytes());
                self.wire.answer(within).await
            };
            let reply = match (heard, &refused) {
                (Ok(reply), _) => reply,
                (Err(error), Some((_, no))) if !error.is_nonsense() => {
                    return Agreed::No(with_close(no.clone()));
                }
                (Err(error), _) => return self.ended_before(phase, &error),
            };
            if is_yes(phase, &reply) {
                continue;
            }
            if phase == Phase::Mail && self.messages > 0 && is_session_full(&reply) {
                return Agreed::Untried;
            }
            let ending = judge(phase, &reply);
            // A yes that is none: whichever command it answers, it is not this one.
            if reply.code() < 400 || (refused.is_none() && ending.then == Then::Close) {
                return Agreed::No(ending);
            }
            let (_, no) = refused.get_or_insert((phase, ending));
            if reply.code() == 421 {
                return Agreed::No(with_close(no.clone()));
            }
            if !self.offers.pipelining || phase == Phase::Data {
                return Agreed::No(no.clone());
            }
        }
        match refused {
            None => Agreed::Yes,
            Some((phase, no)) => Agreed::No(self.call_off(phase, no).await),
        }
    }

    /// The recipient was refused and DATA answered 354 all the same: a lone dot ends it, and
    /// whatever it is answered, nobody got anything (RFC 2920 §3.1). Where a recipient may
    /// have been taken, the dot would send an empty message, and where LMTP is spoken nobody
    /// would answer it.
    async fn call_off(&mut self, refused: Phase, no: Ending) -> Ending {
        if refused != Phase::Rcpt || self.protocol == Protocol::Lmtp || self.wire.quiet().is_err() {
            return with_close(no);
        }
        self.wire.put(b".\r\n");
        match self.wire.hear(self.timeouts.command).await {
            Ok(reply) if reply.code() != 421 => no,
            Ok(_) | Err(_) => with_close(no),
        }
    }

    /// Writes the message, and with it the commands of the next one if there is one, and waits
    /// for the message's own final answer.
    pub(super) async fn hand_over<F: Feed>(
        &mut self,
        load: &Load<F::Parcel>,
        feed: &mut F,
    ) -> (Ending, Option<Load<F::Parcel>>) {
        // An answer that is here before the question would be taken for the answer to it.
        if let Err(error) = self.wire.quiet() {
            return (self.interrupted(&error).await, None);
        }
        self.wire.put_message(|out| load.parcel.write_to(out));
        let goes_on = self.has_taken && self.offers.pipelining && self.has_room_after(1);
        let ahead = if goes_on { self.next(feed) } else { None };
        if let Some(next) = &ahead {
            self.put_commands(next);
        }
        let ending = match self.wire.flush(self.timeouts.block).await {
            Ok(()) => {
                let within = self.timeouts.final_answer(load.parcel.size());
                match self.wire.hear(within).await {
                    Ok(reply) => self.settle(&reply, ahead.is_some()),
                    Err(error) => uncertain(&error),
                }
            }
            Err(error) if self.wire.may_have_all() => uncertain(&error),
            Err(error) => self.interrupted(&error).await,
        };
        self.has_taken |= matches!(ending.verdict.outcome, Outcome::Accepted { .. });
        (ending, ahead)
    }

    /// Something came, or broke, before the relay could have the whole message. Relays that
    /// refuse a message while it is coming say why and hang up.
    async fn interrupted(&mut self, error: &WireError) -> Ending {
        match self.wire.last_words().await {
            Some(reply) if reply.code() >= 400 => with_close(judge(Phase::Data, &reply)),
            _ => self.broken(Phase::Dot, error),
        }
    }

    /// The final answer is here; but is it the message's own? One beside it that no command
    /// explains makes that a guess, unless it says the same or is the relay hanging up.
    fn settle(&mut self, reply: &Reply, is_next_announced: bool) -> Ending {
        let ending = match reply.code() {
            250 => Ending::accepted(reply, Then::Keep),
            _ => judge(Phase::Dot, reply),
        };
        let owed: &[Phase] = match is_next_announced {
            true => &[Phase::Mail, Phase::Rcpt, Phase::Data],
            false => &[],
        };
        let mut owed = owed.iter();
        let fits = |answer| match (owed.next(), answer) {
            (None, _) | (_, Err(_)) => false,
            (Some(_), Ok(None)) => true,
            (Some(phase), Ok(Some(code))) => code >= 400 || is_yes_code(*phase, code),
        };
        if self.wire.codes_here().all(fits) {
            return ending;
        }
        let second = self.wire.codes_here().next().and_then(|code| code.ok()?);
        if second.is_some_and(|code| code == reply.code() || code == 421) {
            return with_close(ending);
        }
        let said = second.map_or_else(|| "something".to_owned(), |code| code.to_string());
        uncertain(&WireError::OutOfStep(said))
    }

    fn ended_before(&self, phase: Phase, error: &WireError) -> Agreed {
        if phase == Phase::Mail && self.messages > 0 && error.is_hang_up() {
            return Agreed::Untried;
        }
        Agreed::No(self.broken(phase, error))
    }

    /// The connection broke before the relay could have the whole message.
    fn broken(&self, phase: Phase, error: &WireError) -> Ending {
        let reason = format!("at {}: {error}", phase.as_str());
        if error.is_nonsense() {
            return Ending::not_tried(reason, Then::Close).and_relay(RelayTrouble::OutOfStep);
        }
        let ending = match phase {
            Phase::Mail => Ending::not_tried(reason, Then::Close),
            // From here on the recipient or the message may be what the relay dies of, so the
            // try counts, and the next one waits longer.
            _ => Ending::deferred(reason, None, Then::Close),
        };
        ending.and_relay(RelayTrouble::Lost)
    }
}

fn is_yes(phase: Phase, reply: &Reply) -> bool {
    is_yes_code(phase, reply.code())
}

/// Only these are a yes. 251 says that the relay will forward (RFC 5321 §3.4), 252 that it
/// takes the recipient unseen.
fn is_yes_code(phase: Phase, code: u16) -> bool {
    match phase {
        Phase::Mail | Phase::Dot => code == 250,
        Phase::Rcpt => matches!(code, 250..=252),
        Phase::Data => code == 354,
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
pub(super) fn stale() -> Verdict {
    let outcome = Outcome::NotTried {
        reason: "this connection cannot be used any more".to_owned(),
        after: Some(Duration::ZERO),
    };
    Ending::new(outcome, Then::Close)
        .and_relay(RelayTrouble::Stale)
        .verdict
}

fn with_close(ending: Ending) -> Ending {
    Ending {
        then: Then::Close,
        ..ending
    }
}
