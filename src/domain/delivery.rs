//! The outbox row and its states: the only place where a delivery's next state is decided.
//!
//! The states and the outcome classes are those of the contract; the rules are
//! store-and-forward mail's (RFC 5321 §4.5.4.1 for retries, RFC 1047 for why `uncertain`
//! exists: between the final dot and its answer both sides may own the message).

use std::time::Duration;

use super::{DeliveryId, IssueId, SubscriberId, UnixMillis, words};

words! {
    /// Where a delivery stands.
    DeliveryState {
        /// Not tried yet.
        Pending = "pending",
        /// A daemon has taken it and may be sending it.
        Leased = "leased",
        /// The other side said it has it.
        Sent = "sent",
        /// It will be tried again.
        Deferred = "deferred",
        /// Given up, with why.
        Failed = "failed",
        /// Not sent because the address is suppressed or has unsubscribed.
        Suppressed = "suppressed",
        /// Handed over, but the answer never came.
        Uncertain = "uncertain",
        /// Its issue was cancelled.
        Cancelled = "cancelled",
    }
}

impl DeliveryState {
    /// Whether nothing more will happen to it by itself.
    #[must_use]
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Pending | Self::Leased | Self::Deferred)
    }
}

/// One issue for one recipient.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Delivery {
    /// Its key.
    pub id: DeliveryId,
    /// The issue.
    pub issue: IssueId,
    /// The reader, for e-mail.
    pub subscriber: Option<SubscriberId>,
    /// Whom it is for: the address (where one asks for people to read) or the key of the reader,
    /// or the channel's name for a social account.
    pub recipient: String,
    /// Where it stands.
    pub state: DeliveryState,
    /// Tries that count.
    pub attempts: i64,
    /// When it may be tried (again).
    pub due_at: UnixMillis,
    /// What the other side said last, or why it ended.
    pub reason: String,
}

/// How one try ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The other side's own final reply says it has the message.
    Accepted {
        /// Its words, often with its queue id.
        reply: String,
    },
    /// Not taken, try again: a 4yz reply, a refused recipient quota …
    Deferred {
        /// What was said.
        reason: String,
        /// Not before this long from now, where the other side said so.
        after: Option<Duration>,
    },
    /// Nothing left for this recipient (no connection, 421 before the dot): try again without
    /// counting the try.
    NotTried {
        /// What happened.
        reason: String,
        /// Not before this long from now.
        after: Option<Duration>,
    },
    /// Refused for good.
    Rejected {
        /// What was said.
        reason: String,
        /// The address itself is bad (RFC 3463 x.1.x and its kin): suppress it.
        suppress: bool,
    },
    /// The connection was lost after the message was handed over.
    Unknown {
        /// What happened.
        reason: String,
    },
}

/// What a channel does about [`DeliveryState::Uncertain`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum UncertainPolicy {
    /// Send once more, under the same Message-ID: nobody misses it, some may see it twice.
    #[default]
    Retry,
    /// Leave it for an operator: nobody sees it twice, some may miss it.
    Hold,
}

/// When a delivery is tried again, and when it is given up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The first pause; each further one is twice as long.
    pub base: Duration,
    /// The longest pause.
    pub cap: Duration,
    /// Given up this long after the first try.
    pub give_up: Duration,
}

impl RetryPolicy {
    /// Digests: 5 minutes to 2 hours, for a day.
    pub const DIGEST: Self = Self::minutes(5, 120, 24 * 60);
    /// Alerts: a late alert is worse than none.
    pub const ALERT: Self = Self::minutes(1, 15, 2 * 60);
    /// Mail that asks to confirm: somebody waits for it, and its link works for days.
    pub const CONFIRMATION: Self = Self::minutes(1, 60, 24 * 60);

    const fn minutes(base: u64, cap: u64, give_up: u64) -> Self {
        Self {
            base: Duration::from_secs(base * 60),
            cap: Duration::from_secs(cap * 60),
            give_up: Duration::from_secs(give_up * 60),
        }
    }

    /// The pause after try number `attempts`, up to 20 % longer or shorter by `seed` so that
    /// a refused million does not come back in one second.
    #[must_use]
    pub fn pause(&self, attempts: i64, seed: i64) -> Duration {
        let doublings = u32::try_from(attempts.saturating_sub(1).clamp(0, 20)).unwrap_or(0);
        let pause = self.base.saturating_mul(1 << doublings).min(self.cap);
        // 80 % to 120 %, from a multiplicative hash of the row's id.
        let spread = seed.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        let percent = u32::try_from(80 + spread % 41).unwrap_or(100);
        pause * percent / 100
    }
}

/// The longest time that a mail waits for another relay, after a try that does not count.
const SOON: Duration = Duration::from_secs(5 * 60);

/// What to write into the row after a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transition {
    /// The new state.
    pub state: DeliveryState,
    /// When it is due, for a state that is not final.
    pub due_at: UnixMillis,
    /// Whether the try counts.
    pub counted: bool,
    /// Whether the address becomes suppressed.
    pub suppress: bool,
    /// Why, for people.
    pub reason: String,
}

impl Transition {
    /// Where a delivery with so many `attempts` before goes after `outcome`, at `now`; `since`
    /// is where its patience starts. A try that does not count waits a quarter of the time since
    /// then at least, so that they are few all the same: a message that always loses its
    /// connection is soon out of the others' way. Where tries that did count took that time,
    /// another relay may have it within minutes.
    #[must_use]
    pub fn after(
        id: DeliveryId,
        attempts: i64,
        outcome: Outcome,
        policy: &RetryPolicy,
        since: UnixMillis,
        now: UnixMillis,
    ) -> Self {
        let end = |state, reason| Self {
            state,
            due_at: now,
            counted: true,
            suppress: false,
            reason,
        };
        let again = |counted: bool, wait: Duration, reason: String| {
            let due_at = now.plus(wait);
            if due_at.since(since) > policy.give_up {
                let hours = policy.give_up.as_secs() / 3600;
                return end(
                    DeliveryState::Failed,
                    format!("given up after {hours} h; last: {reason}"),
                );
            }
            Self {
                state: DeliveryState::Deferred,
                due_at,
                counted,
                suppress: false,
                reason,
            }
        };
        match outcome {
            Outcome::Accepted { reply } => end(DeliveryState::Sent, reply),
            Outcome::Rejected { reason, suppress } => Self {
                suppress,
                ..end(DeliveryState::Failed, reason)
            },
            Outcome::Unknown { reason } => end(DeliveryState::Uncertain, reason),
            Outcome::Deferred { reason, after } => {
                let pause = policy.pause(attempts + 1, id.0);
                again(true, pause.max(after.unwrap_or_default()), reason)
            }
            Outcome::NotTried { reason, after } => {
                let age = now.since(since);
                // The last of them comes when patience ends, not after.
                let left = policy.give_up.saturating_sub(age);
                let cap = match (attempts, after) {
                    (0, _) | (_, None) => policy.cap,
                    _ => SOON,
                };
                let seldom = (age / 4).min(cap).min(left);
                let wait = after.unwrap_or(Duration::from_secs(30)).max(seldom);
                again(false, wait, reason)
            }
        }
    }
}

/// The Message-ID of a delivery: the same at every try (so that a mailbox can tell a
/// repetition), aligned with the sender's domain, and not to be guessed (`mac`).
#[must_use]
pub fn message_id(issue: IssueId, delivery: DeliveryId, mac: &str, from_domain: &str) -> String {
    format!("<c1.{issue}.{delivery}.{mac}@{from_domain}>")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const ID: DeliveryId = DeliveryId(7);

    #[test]
    fn a_refusal_for_now_waits_longer_each_time_and_ends_after_a_day() {
        let policy = RetryPolicy::DIGEST;
        let mut now = UnixMillis(0);
        let mut last_pause = Duration::ZERO;
        for attempts in 0..5 {
            let outcome = Outcome::Deferred {
                reason: "451 later".into(),
                after: None,
            };
            let t = Transition::after(ID, attempts, outcome, &policy, UnixMillis(0), now);
            assert_eq!(t.state, DeliveryState::Deferred);
            assert!(t.due_at.since(now) > last_pause);
            last_pause = t.due_at.since(now);
            now = t.due_at;
        }
        now = UnixMillis(0).plus(policy.give_up);
        let outcome = Outcome::Deferred {
            reason: "451 later".into(),
            after: None,
        };
        let t = Transition::after(ID, 9, outcome, &policy, UnixMillis(0), now);
        assert_eq!(t.state, DeliveryState::Failed);
        assert_eq!(t.reason, "given up after 24 h; last: 451 later");
    }

    #[test]
    fn an_unanswered_message_is_uncertain_and_a_refused_connection_costs_no_try() {
        let unknown = Outcome::Unknown {
            reason: "connection lost".into(),
        };
        let now = UnixMillis(5);
        let t = Transition::after(ID, 0, unknown, &RetryPolicy::ALERT, now, now);
        assert_eq!(t.state, DeliveryState::Uncertain);
        let refused = Outcome::NotTried {
            reason: "connection refused".into(),
            after: None,
        };
        let t = Transition::after(ID, 0, refused, &RetryPolicy::ALERT, now, now);
        assert_eq!((t.state, t.counted), (DeliveryState::Deferred, false));
    }

    #[test]
    fn tries_that_do_not_count_are_fifty_at_most_and_end_with_its_patience() {
        for policy in [
            RetryPolicy::ALERT,
            RetryPolicy::DIGEST,
            RetryPolicy::CONFIRMATION,
        ] {
            let (mut now, mut tries) = (UnixMillis(0), 0);
            let last = loop {
                let outcome = Outcome::NotTried {
                    reason: "421 4.3.0 not now".into(),
                    after: None,
                };
                tries += 1;
                let t = Transition::after(ID, 0, outcome, &policy, UnixMillis(0), now);
                if t.state != DeliveryState::Deferred {
                    break t;
                }
                assert!(!t.counted && t.due_at.since(now) <= policy.cap);
                now = t.due_at;
            };
            assert!((20..=50).contains(&tries), "{tries}");
            assert!(now.since(UnixMillis(0)) >= policy.give_up, "too early");
            assert_eq!(last.state, DeliveryState::Failed);
            assert!(last.reason.ends_with("last: 421 4.3.0 not now"));
        }
    }

    #[test]
    fn what_was_put_off_for_an_hour_goes_over_another_relay_soon() {
        let now = UnixMillis(0).plus(Duration::from_secs(3600));
        let lost = Outcome::NotTried {
            reason: "connection lost".into(),
            after: Some(Duration::ZERO),
        };
        let t = Transition::after(ID, 1, lost, &RetryPolicy::ALERT, UnixMillis(0), now);
        assert_eq!((t.state, t.counted), (DeliveryState::Deferred, false));
        assert_eq!(t.due_at.since(now), SOON);
    }

    proptest! {
        #[test]
        fn a_pause_is_never_longer_than_the_cap_and_a_fifth(attempts in 0i64..100, seed: i64) {
            let pause = RetryPolicy::DIGEST.pause(attempts, seed);
            prop_assert!(pause >= RetryPolicy::DIGEST.base * 4 / 5);
            prop_assert!(pause <= RetryPolicy::DIGEST.cap * 6 / 5);
        }
    }
}
