//! Hubs that sources name, and our subscriptions with them (W3C WebSub).

mod subscription;

use super::rows::all;
use super::sql::{Tx, args, both, dialects, json, most, statements};
use super::{Db, StoreError};
use crate::domain::UnixMillis;

use subscription::SubscriptionRow;
pub use subscription::{HubOffer, HubState, HubSubscription, NextAsk};

/// Articles that polling found long after they were published, while a hub that should have told
/// of them was silent: after so many it counts as dead.
const MOST_MISSED: i64 = 3;

macro_rules! columns {
    () => {
        "id, source, topic, hub, callback, secret, state, asked, asked_at, verified_at, \
         lease_until, next_try_at, fails, error, pushes, refused, missed, last_push_at"
    };
}

statements! {
    NOTE_HUBS = both(
        "UPDATE source SET hubs = $2, hub_topic = $3
         WHERE name = $1 AND (hubs <> $2 OR COALESCE(hub_topic, '') <> COALESCE($3, ''))"
    );
    HUB_NOTES = both("SELECT hubs, hub_topic FROM source WHERE name = $1");
    OFFERS = both(
        "SELECT name, hub_topic, hubs FROM source
         WHERE hubs <> '[]' AND hub_topic IS NOT NULL ORDER BY name"
    );
    SUBSCRIPTIONS = both(concat!("SELECT ", columns!(), " FROM websub ORDER BY source, id"));
    SUBSCRIPTION = both(concat!("SELECT ", columns!(), " FROM websub WHERE callback = $1"));
    OF_SOURCE = both(concat!(
        "SELECT ", columns!(), " FROM websub WHERE source = $1 AND state <> 'leaving'"
    ));
    BEGIN = both(
        "INSERT INTO websub (source, topic, hub, callback, state, next_try_at)
         VALUES ($1, $2, $3, $4, 'pending', $5) ON CONFLICT DO NOTHING"
    );
    LEAVE = both(
        "UPDATE websub SET state = 'leaving', asked = '', next_try_at = $2, fails = 0
         WHERE id = $1 AND state <> 'leaving'"
    );
    FORGET = both("DELETE FROM websub WHERE id = $1");
    CLAIM = dialects(
        concat!(
            "WITH due AS (SELECT id AS due_id FROM websub WHERE next_try_at <= $1
                ORDER BY next_try_at LIMIT $3)
             UPDATE websub SET next_try_at = $2 FROM due WHERE id = due_id
             RETURNING ", columns!()
        ),
        concat!(
            "WITH due AS (SELECT id AS due_id FROM websub WHERE next_try_at <= $1
                ORDER BY next_try_at LIMIT $3 FOR UPDATE SKIP LOCKED)
             UPDATE websub SET next_try_at = $2 FROM due WHERE id = due_id
             RETURNING ", columns!()
        ),
    );
    ASK = both(
        "UPDATE websub SET hub = $3, callback = $4, secret = $5, state = $6, asked = $7,
            asked_at = $8, fails = $9, next_try_at = $10
         WHERE id = $1 AND callback = $2"
    );
    ANEW = both(
        "UPDATE websub SET lease_until = NULL, verified_at = NULL, missed = 0,
            last_push_at = NULL WHERE id = $1"
    );
    /// A hub that confirmed while its answer was awaited has been confirmed.
    FAILED = both(
        "UPDATE websub SET asked = '', fails = fails + 1, error = $4, next_try_at = $5
         WHERE id = $1 AND callback = $2 AND asked_at = $3
            AND (verified_at IS NULL OR verified_at < asked_at)"
    );
    VERIFIED = both(
        "UPDATE websub SET verified_at = $4, lease_until = $5, next_try_at = $6, fails = 0,
            error = NULL, state = CASE WHEN state = 'dead' THEN 'dead' ELSE 'verified' END
         WHERE callback = $1 AND topic = $2 AND asked = 'subscribe' AND asked_at > $3
            AND state <> 'leaving'"
    );
    LEFT = both(
        "DELETE FROM websub WHERE callback = $1 AND topic = $2 AND asked = 'unsubscribe'"
    );
    DENIED = both(
        "UPDATE websub SET state = CASE WHEN state = 'leaving' THEN 'leaving' ELSE 'denied' END,
            asked = '', lease_until = NULL, fails = fails + 1, error = $3, next_try_at = $4
         WHERE callback = $1 AND topic = $2"
    );
    /// A push is the proof that a hub lives.
    PUSHED = both(
        "UPDATE websub SET pushes = pushes + 1, missed = 0, last_push_at = $2,
            state = CASE WHEN state = 'dead' AND lease_until > $2 THEN 'verified'
                ELSE state END
         WHERE callback = $1"
    );
    REFUSED = both("UPDATE websub SET refused = refused + 1 WHERE callback = $1");
    MISSED = both(
        "UPDATE websub SET missed = missed + $2 WHERE id = $1 AND state = 'verified'"
    );
    BURY = both(
        "UPDATE websub SET state = 'dead', next_try_at = $3, error = $4
         WHERE id = $1 AND state = 'verified' AND missed >= $2"
    );
    ALIVE = both(
        "SELECT COUNT(*) FROM websub
         WHERE source = $1 AND state = 'verified' AND lease_until > $2"
    );
}

impl Db {
    /// Notes the hubs that a source names, in its order, and what they call it. `true` when they
    /// were others before.
    pub async fn note_hubs(
        &self,
        source: &str,
        topic: Option<&str>,
        hubs: &[String],
    ) -> Result<bool, StoreError> {
        let hubs = json(&hubs);
        let before: Option<(String, Option<String>)> = self.one(&HUB_NOTES, args![source]).await?;
        // Most polls find them as they were, and need no writer.
        if before.is_none_or(|(had, called)| had == hubs && called.as_deref() == topic) {
            return Ok(false);
        }
        Ok(self.run(&NOTE_HUBS, args![source, &hubs, topic]).await? > 0)
    }

    /// The sources that name hubs.
    pub async fn hub_offers(&self) -> Result<Vec<HubOffer>, StoreError> {
        let rows: Vec<(String, String, String)> = self.all(&OFFERS, args![]).await?;
        let offer = |(source, topic, hubs): (String, String, String)| {
            let hubs = super::rows::parsed("a source's hubs", &hubs)?;
            Ok(HubOffer {
                source,
                topic,
                hubs,
            })
        };
        rows.into_iter().map(offer).collect()
    }

    /// All subscriptions with hubs, those that are being ended among them.
    pub async fn hub_subscriptions(&self) -> Result<Vec<HubSubscription>, StoreError> {
        all(self.all::<SubscriptionRow>(&SUBSCRIPTIONS, args![]).await?)
    }

    /// The subscription with this callback.
    pub async fn hub_subscription(
        &self,
        callback: &str,
    ) -> Result<Option<HubSubscription>, StoreError> {
        let row: Option<SubscriptionRow> = self.one(&SUBSCRIPTION, args![callback]).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// A source's subscription, unless it is being ended.
    pub async fn hub_subscription_of(
        &self,
        source: &str,
    ) -> Result<Option<HubSubscription>, StoreError> {
        let row: Option<SubscriptionRow> = self.one(&OF_SOURCE, args![source]).await?;
        row.map(TryInto::try_into).transpose()
    }

    /// Whether a hub tells of a source's new articles, so that it can be polled less often.
    pub async fn hub_alive(&self, source: &str, now: UnixMillis) -> Result<bool, StoreError> {
        let row: Option<(i64,)> = self.one(&ALIVE, args![source, now]).await?;
        Ok(row.is_some_and(|(n,)| n > 0))
    }

    /// Begins a subscription; nothing happens where the source has one.
    pub async fn begin_hub_subscription(
        &self,
        offer: &HubOffer,
        callback: &str,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let hub = offer.hubs.first().map_or("", String::as_str);
        let values = args![&offer.source, &offer.topic, hub, callback, now];
        self.run(&BEGIN, values).await.map(drop)
    }

    /// Begins to end a subscription.
    pub async fn leave_hub(&self, id: i64, now: UnixMillis) -> Result<(), StoreError> {
        self.run(&LEAVE, args![id, now]).await.map(drop)
    }

    /// Forgets a subscription; pushes under its callback are nobody's from now on.
    pub async fn forget_hub_subscription(&self, id: i64) -> Result<(), StoreError> {
        self.run(&FORGET, args![id]).await.map(drop)
    }

    /// Takes subscriptions whose hubs are to be asked; nobody else gets them before `until`.
    pub async fn claim_hub_subscriptions(
        &self,
        now: UnixMillis,
        until: UnixMillis,
        limit: usize,
    ) -> Result<Vec<HubSubscription>, StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<SubscriptionRow> = tx.all(&CLAIM, args![now, until, most(limit)]).await?;
        tx.commit().await?;
        all(rows)
    }

    /// Notes what a hub is about to be asked, before it is: it may verify at once. `false` when
    /// the subscription has changed meanwhile.
    pub async fn ask_hub(
        &self,
        claimed: &HubSubscription,
        ask: &NextAsk,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let values = args![
            claimed.id,
            &claimed.callback,
            &ask.hub,
            &ask.callback,
            &ask.secret,
            ask.state.as_str(),
            ask.mode,
            now,
            ask.fails,
            ask.next_try_at,
        ];
        let changed = tx.run(&ASK, values).await? > 0;
        if changed && ask.is_fresh {
            tx.run(&ANEW, args![claimed.id]).await?;
        }
        tx.commit().await?;
        Ok(changed)
    }

    /// Notes that a hub did not take what it was asked at `asked_at`.
    pub async fn hub_failed(
        &self,
        id: i64,
        callback: &str,
        asked_at: UnixMillis,
        error: &str,
        next_try_at: UnixMillis,
    ) -> Result<(), StoreError> {
        let values = args![id, callback, asked_at, error, next_try_at];
        self.run(&FAILED, values).await.map(drop)
    }

    /// A hub verifies that we want to be subscribed (W3C WebSub §5.3). `false` when we did not
    /// ask for that since `asked_since`.
    pub async fn hub_verified(
        &self,
        callback: &str,
        topic: &str,
        asked_since: UnixMillis,
        lease: (UnixMillis, UnixMillis),
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let values = args![callback, topic, asked_since, now, lease.0, lease.1];
        Ok(self.run(&VERIFIED, values).await? > 0)
    }

    /// A hub verifies that we want to be subscribed no more. `false` when we did not ask.
    pub async fn hub_left(&self, callback: &str, topic: &str) -> Result<bool, StoreError> {
        Ok(self.run(&LEFT, args![callback, topic]).await? > 0)
    }

    /// A hub says that it refuses. `false` when it does not name our topic.
    pub async fn hub_denied(
        &self,
        callback: &str,
        topic: &str,
        reason: &str,
        next_try_at: UnixMillis,
    ) -> Result<bool, StoreError> {
        let values = args![callback, topic, reason, next_try_at];
        Ok(self.run(&DENIED, values).await? > 0)
    }

    /// Counts a push.
    pub async fn hub_pushed(&self, callback: &str, now: UnixMillis) -> Result<(), StoreError> {
        self.run(&PUSHED, args![callback, now]).await.map(drop)
    }

    /// Counts a push with a wrong signature.
    pub async fn hub_push_refused(&self, callback: &str) -> Result<(), StoreError> {
        self.run(&REFUSED, args![callback]).await.map(drop)
    }

    /// Counts articles that a hub should have told of; `true` when it counts as dead from now
    /// on, and is asked again at `next_try_at`.
    pub async fn hub_missed(
        &self,
        id: i64,
        articles: i64,
        error: &str,
        next_try_at: UnixMillis,
    ) -> Result<bool, StoreError> {
        let mut tx: Tx = self.begin().await?;
        tx.run(&MISSED, args![id, articles]).await?;
        let values = args![id, MOST_MISSED, next_try_at, error];
        let is_dead = tx.run(&BURY, values).await? > 0;
        tx.commit().await?;
        Ok(is_dead)
    }
}
