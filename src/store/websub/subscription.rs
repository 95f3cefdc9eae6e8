//! A subscription with a hub, as it stands in its row.

use crate::domain::{UnixMillis, words};
use crate::store::StoreError;
use crate::store::rows::{row, word};

words! {
    /// Where a subscription with a hub stands.
    HubState {
        /// The hub has been asked or is to be, and has not confirmed.
        Pending = "pending",
        /// Its lease runs.
        Verified = "verified",
        /// The hub refused.
        Denied = "denied",
        /// The hub confirmed, and does not tell of new articles.
        Dead = "dead",
        /// It is being ended.
        Leaving = "leaving",
    }
}

/// Where a source can be subscribed to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubOffer {
    /// The source's name in the configuration.
    pub source: String,
    /// What the hubs call it.
    pub topic: String,
    /// The hubs, as it orders them; at least one.
    pub hubs: Vec<String>,
}

/// A subscription with a hub.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HubSubscription {
    /// Its key.
    pub id: i64,
    /// The source's name in the configuration.
    pub source: String,
    /// What the hub calls the source.
    pub topic: String,
    /// The hub's address.
    pub hub: String,
    /// The last part of our callback's address, which nobody can guess.
    pub callback: String,
    /// What the hub signs with, where it may be told.
    pub secret: Option<String>,
    /// Where it stands.
    pub state: HubState,
    /// `subscribe` or `unsubscribe` while the hub may verify that; else empty.
    pub asked: String,
    /// When the hub was asked.
    pub asked_at: Option<UnixMillis>,
    /// When the hub last confirmed.
    pub verified_at: Option<UnixMillis>,
    /// Until when the hub has promised to push.
    pub lease_until: Option<UnixMillis>,
    /// When to ask (again).
    pub next_try_at: UnixMillis,
    /// Attempts since the last one that was confirmed.
    pub fails: i64,
    /// What went wrong last.
    pub error: Option<String>,
    /// Pushes that were taken.
    pub pushes: i64,
    /// Pushes with a wrong signature, which were ignored.
    pub refused: i64,
    /// Articles that the hub should have told of, since its last push.
    pub missed: i64,
    /// When the last push came.
    pub last_push_at: Option<UnixMillis>,
}

impl HubSubscription {
    /// Whether the hub's promise holds.
    #[must_use]
    pub fn is_leased(&self, now: UnixMillis) -> bool {
        self.lease_until.is_some_and(|until| until > now)
    }
}

/// What a hub is about to be asked, and under which callback.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NextAsk {
    /// The hub's address.
    pub hub: String,
    /// The callback's last part.
    pub callback: String,
    /// The secret to sign with.
    pub secret: Option<String>,
    /// The subscription's state from now on.
    pub state: HubState,
    /// `subscribe` or `unsubscribe`.
    pub mode: &'static str,
    /// Attempts since the last one that was confirmed.
    pub fails: i64,
    /// When to ask again, should the hub not confirm.
    pub next_try_at: UnixMillis,
    /// Whether this begins anew: nothing that another hub promised counts.
    pub is_fresh: bool,
}

row! {
    pub(super) struct SubscriptionRow {
        id: i64, source: String, topic: String, hub: String, callback: String,
        secret: Option<String>, state: String, asked: String, asked_at: Option<i64>,
        verified_at: Option<i64>, lease_until: Option<i64>, next_try_at: i64, fails: i64,
        error: Option<String>, pushes: i64, refused: i64, missed: i64,
        last_push_at: Option<i64>,
    }
}

impl TryFrom<SubscriptionRow> for HubSubscription {
    type Error = StoreError;
    fn try_from(row: SubscriptionRow) -> Result<Self, StoreError> {
        Ok(Self {
            id: row.id,
            source: row.source,
            topic: row.topic,
            hub: row.hub,
            callback: row.callback,
            secret: row.secret,
            state: word("a hub subscription's state", &row.state)?,
            asked: row.asked,
            asked_at: row.asked_at.map(UnixMillis),
            verified_at: row.verified_at.map(UnixMillis),
            lease_until: row.lease_until.map(UnixMillis),
            next_try_at: UnixMillis(row.next_try_at),
            fails: row.fails,
            error: row.error,
            pushes: row.pushes,
            refused: row.refused,
            missed: row.missed,
            last_push_at: row.last_push_at.map(UnixMillis),
        })
    }
}
