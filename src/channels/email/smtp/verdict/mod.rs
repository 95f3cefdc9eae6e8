//! What an answer means: for the delivery, for the relay, for the issue, for the connection.
//!
//! Pure rules over one [`Reply`]. They read the first digit, then the enhanced code, then the
//! words; the first that matches wins. What is not the reader's fault (policy, content, our
//! sender address, our login) never suppresses a reader.

mod rules;
#[cfg(test)]
mod tests;

use std::time::Duration;

use super::reply::Reply;
use crate::domain::Outcome;

/// What became of one message, and who else should know.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verdict {
    /// For the delivery's row.
    pub outcome: Outcome,
    /// For the relay's breaker and rate.
    pub relay_trouble: Option<RelayTrouble>,
    /// For the issue: the same would happen to its other recipients.
    pub issue_trouble: Option<IssueTrouble>,
}

/// What is wrong with a relay, or with our standing there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum RelayTrouble {
    /// No address for its name, or nobody answers there.
    Unreachable,
    /// It refused us for good at its greeting or EHLO.
    Refused,
    /// It asked us to come back later: 421, or a temporary refusal before any recipient.
    Busy,
    /// The connection could not be encrypted as it must be.
    Tls,
    /// It did not take our login, or wants one that we do not have.
    AuthRefused,
    /// It could not look at our login now.
    AuthLater,
    /// It does not carry mail for us.
    RelayingDenied,
    /// We send faster than it takes, whomever to.
    Throttled,
    /// We send faster than it takes for the recipient's domain.
    DomainThrottled,
    /// It does not keep to the protocol.
    OutOfStep,
    /// The connection broke, or nothing came within the deadline.
    Lost,
    /// It had closed an idle connection: open another and go on at once; nothing is wrong.
    Stale,
}

impl RelayTrouble {
    /// Whether waiting does not help and a person must change something.
    #[must_use]
    pub fn needs_operator(self) -> bool {
        matches!(
            self,
            Self::AuthRefused | Self::Tls | Self::RelayingDenied | Self::Refused
        )
    }

    /// The word for logs, metrics and `status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Unreachable => "unreachable",
            Self::Refused => "refused",
            Self::Busy => "busy",
            Self::Tls => "tls",
            Self::AuthRefused => "auth_refused",
            Self::AuthLater => "auth_later",
            Self::RelayingDenied => "relaying_denied",
            Self::Throttled => "throttled",
            Self::DomainThrottled => "domain_throttled",
            Self::OutOfStep => "out_of_step",
            Self::Lost => "lost",
            Self::Stale => "stale",
        }
    }
}

/// What is wrong with an issue, whoever the recipient is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IssueTrouble {
    /// The sender's address was refused.
    SenderRefused,
    /// The message is larger than the relay takes.
    TooLarge,
    /// The message was refused as spam or against a policy.
    Policy,
}

impl IssueTrouble {
    /// The word for logs, metrics and `status`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::SenderRefused => "sender_refused",
            Self::TooLarge => "too_large",
            Self::Policy => "policy",
        }
    }
}

/// Why there is no connection.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct OpenError {
    /// What happened, and where.
    pub reason: String,
    /// What that says about the relay.
    pub trouble: RelayTrouble,
}

impl OpenError {
    /// There is no relay to open a connection to.
    #[must_use]
    pub fn no_relay() -> Self {
        Self {
            reason: "no relay is configured".to_owned(),
            trouble: RelayTrouble::Unreachable,
        }
    }

    /// What it means for a delivery that waited for this connection: nothing was tried.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        Outcome::NotTried {
            reason: self.reason.clone(),
            after: None,
        }
    }
}

/// Where in a transaction an answer came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Mail,
    Rcpt,
    Data,
    Dot,
}

impl Phase {
    /// The command, for people.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Mail => "MAIL",
            Self::Rcpt => "RCPT",
            Self::Data => "DATA",
            Self::Dot => "the message",
        }
    }
}

/// What must happen to the connection after a transaction.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The next MAIL can follow.
    Keep,
    /// RSET before the next MAIL.
    Reset,
    /// It cannot be used again.
    Close,
}

/// A transaction's end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) verdict: Verdict,
    pub(super) then: Then,
}

impl Ending {
    pub(super) fn new(outcome: Outcome, then: Then) -> Self {
        let verdict = Verdict {
            outcome,
            relay_trouble: None,
            issue_trouble: None,
        };
        Self { verdict, then }
    }

    pub(super) fn accepted(reply: &Reply, then: Then) -> Self {
        let reply = reply.to_string();
        Self::new(Outcome::Accepted { reply }, then)
    }

    pub(super) fn deferred(reason: String, after: Option<Duration>, then: Then) -> Self {
        Self::new(Outcome::Deferred { reason, after }, then)
    }

    pub(super) fn not_tried(reason: String, then: Then) -> Self {
        Self::new(
            Outcome::NotTried {
                reason,
                after: None,
            },
            then,
        )
    }

    pub(super) fn rejected(reason: String, suppress: bool, then: Then) -> Self {
        Self::new(Outcome::Rejected { reason, suppress }, then)
    }

    pub(super) fn unknown(reason: String) -> Self {
        Self::new(Outcome::Unknown { reason }, Then::Close)
    }

    pub(super) fn and_relay(mut self, trouble: RelayTrouble) -> Self {
        self.verdict.relay_trouble = Some(trouble);
        self
    }

    pub(super) fn and_issue(mut self, trouble: IssueTrouble) -> Self {
        self.verdict.issue_trouble = Some(trouble);
        self
    }
}

/// Whether a refusal of MAIL is about what this connection has carried already, as Exim's
/// `421 too many messages in this connection`: another connection may carry more.
pub(super) fn is_session_full(reply: &Reply) -> bool {
    rules::is_session_full(reply)
}

/// What `reply` means where another one was wanted at `phase`.
pub(super) fn judge(phase: Phase, reply: &Reply) -> Ending {
    rules::judge(phase, reply)
}
