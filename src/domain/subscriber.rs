//! The audience: people, their ties to channels, and addresses never to be mailed.

use super::{SubscriberId, UnixMillis, words};

words! {
    /// Where a subscription stands.
    SubscriptionState {
        /// Asked for, not yet confirmed: gets nothing but the confirmation mail.
        Pending = "pending",
        /// Confirmed: gets the channel.
        Active = "active",
        /// Ended by the reader or an operator.
        Unsubscribed = "unsubscribed",
    }
}

words! {
    /// Why an address is suppressed.
    SuppressionReason {
        /// The address does not exist or refused us for good.
        Bounce = "bounce",
        /// Its owner reported a mail as spam.
        Complaint = "complaint",
        /// Its owner asked never to be mailed again.
        Request = "request",
        /// An operator's decision.
        Operator = "operator",
    }
}

/// When a channel's schedule publishes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cadence {
    /// An issue per article, as it becomes eligible.
    Each,
    /// A digest at the times of this cron expression.
    Cron(String),
}

/// A person who reads.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Subscriber {
    /// Their key.
    pub id: SubscriberId,
    /// The address as they wrote it.
    pub address: String,
    /// Their name, may be empty.
    pub name: String,
    /// BCP 47 tag, where they said.
    pub language: Option<String>,
    /// IANA zone, where they said.
    pub timezone: Option<String>,
    /// When they became known.
    pub created_at: UnixMillis,
}

/// A subscriber's tie to one e-mail channel.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Subscription {
    /// Who.
    pub subscriber: SubscriberId,
    /// The channel's name in the configuration.
    pub channel: String,
    /// Where it stands.
    pub state: SubscriptionState,
    /// The schedule they picked; `None` follows the channel's `default_schedule`.
    pub schedule: Option<String>,
    /// The topics they want; empty means all.
    pub topics: Vec<String>,
    /// The ledger number up to which they have been served. Membership above it decides what
    /// they get next, never dates.
    pub cursor: i64,
    /// When it was asked for, the last time that a mail asked to confirm it.
    #[serde(skip)]
    pub requested_at: UnixMillis,
}
