//! Readers and their subscriptions, as they are read and as readers change them.

use std::collections::BTreeMap;

use super::rows::{SubscriberRow, SubscriptionRow, all, subscription_columns, word};
use super::sql::{args, both, json, list, most, statements};
use super::{Db, StoreError};
use crate::domain::{Subscriber, SubscriberId, Subscription, SubscriptionState};

/// What a reader may choose on the preferences page.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Preferences {
    /// A schedule of the channel; `None` follows the channel's default.
    pub schedule: Option<String>,
    /// The topics they want; empty for all.
    pub topics: Vec<String>,
    /// Their zone; `None` for none.
    pub timezone: Option<String>,
}

macro_rules! people {
    ($rest:expr) => {
        concat!(
            "SELECT id, address, name, language, timezone, created_at FROM subscriber ",
            $rest
        )
    };
}

statements! {
    BY_KEY = both(people!("WHERE address_key = $1"));
    BY_ID = both(people!("WHERE id = $1"));
    PEOPLE = both(people!("WHERE id > $1 ORDER BY id LIMIT $2"));
    SUBSCRIPTIONS = both(concat!(
        "SELECT ", subscription_columns!(), " FROM subscription p
         WHERE p.subscriber_id = $1 ORDER BY p.channel"
    ));
    SUBSCRIPTIONS_OF = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id FROM",
        concat!(
            ") SELECT ", subscription_columns!(), " FROM asked
             JOIN subscription p ON p.subscriber_id = asked_id ORDER BY p.subscriber_id, p.channel"
        )
    );
    COUNTS = both("SELECT state, COUNT(*) FROM subscription WHERE channel = $1 GROUP BY state");
    TOTAL = both("SELECT COUNT(*) FROM subscriber");
    PREFER = both(
        "UPDATE subscription SET schedule = $3, topics = $4 WHERE subscriber_id = $1 AND channel = $2"
    );
    SET_ZONE = both("UPDATE subscriber SET timezone = $2 WHERE id = $1");
    FORGET_SCHEDULES = list!(
        "UPDATE subscription SET schedule = NULL
         WHERE channel = $2 AND schedule IS NOT NULL AND schedule NOT IN (SELECT r.value ->> 0 FROM",
        ")"
    );
}

/// Topics as they are stored: sorted and once each, so that readers who want the same have the
/// same text and share one rendered variant.
pub(super) fn topics_text(topics: &[String]) -> String {
    let mut topics: Vec<&str> = topics
        .iter()
        .map(|t| t.trim())
        .filter(|t| !t.is_empty())
        .collect();
    topics.sort_unstable();
    topics.dedup();
    json(&topics)
}

impl Db {
    /// A reader by the key of their address.
    pub async fn subscriber(&self, address_key: &str) -> Result<Option<Subscriber>, StoreError> {
        Ok(self
            .one::<SubscriberRow>(&BY_KEY, args![address_key])
            .await?
            .map(Into::into))
    }

    /// A reader by their key.
    pub async fn subscriber_by_id(
        &self,
        id: SubscriberId,
    ) -> Result<Option<Subscriber>, StoreError> {
        Ok(self
            .one::<SubscriberRow>(&BY_ID, args![id])
            .await?
            .map(Into::into))
    }

    /// A reader's ties to channels, in whatever state, by channel.
    pub async fn subscriptions(&self, id: SubscriberId) -> Result<Vec<Subscription>, StoreError> {
        all(self
            .all::<SubscriptionRow>(&SUBSCRIPTIONS, args![id])
            .await?)
    }

    /// Readers with their subscriptions, by key, after `after` for the next page.
    pub async fn export(
        &self,
        after: Option<SubscriberId>,
        limit: usize,
    ) -> Result<Vec<(Subscriber, Vec<Subscription>)>, StoreError> {
        let values = args![after.map_or(0, |id| id.0), most(limit)];
        let people: Vec<SubscriberRow> = self.all(&PEOPLE, values).await?;
        let mut people: Vec<(Subscriber, Vec<Subscription>)> = people
            .into_iter()
            .map(|row| (row.into(), Vec::new()))
            .collect();
        let ids: Vec<[i64; 1]> = people.iter().map(|(person, _)| [person.id.0]).collect();
        let ties: Vec<SubscriptionRow> = self.all(&SUBSCRIPTIONS_OF, args![&json(&ids)]).await?;
        for tie in all::<_, Subscription>(ties)? {
            if let Ok(i) = people.binary_search_by_key(&tie.subscriber, |(person, _)| person.id) {
                people[i].1.push(tie);
            }
        }
        Ok(people)
    }

    /// How many readers a channel has in each state; all states are there.
    pub async fn subscriber_counts(
        &self,
        channel: &str,
    ) -> Result<BTreeMap<SubscriptionState, i64>, StoreError> {
        let rows: Vec<(String, i64)> = self.all(&COUNTS, args![channel]).await?;
        let mut counts: BTreeMap<_, _> = SubscriptionState::ALL.iter().map(|s| (*s, 0)).collect();
        for (state, n) in rows {
            counts.insert(word("a subscription's state", &state)?, n);
        }
        Ok(counts)
    }

    /// How many people are known, whatever they are subscribed to.
    pub async fn subscriber_total(&self) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.one(&TOTAL, args![]).await?;
        Ok(row.map_or(0, |(n,)| n))
    }

    /// Sets what a reader chose on one channel. Their cursor stays, so they neither miss nor
    /// repeat anything. `false` when there is no such subscription.
    pub async fn set_preferences(
        &self,
        id: SubscriberId,
        channel: &str,
        preferences: &Preferences,
    ) -> Result<bool, StoreError> {
        let topics = topics_text(&preferences.topics);
        let mut tx = self.begin().await?;
        let values = args![id, channel, &preferences.schedule, &topics];
        if tx.run(&PREFER, values).await? == 0 {
            return Ok(false);
        }
        tx.run(&SET_ZONE, args![id, &preferences.timezone]).await?;
        tx.commit().await?;
        Ok(true)
    }

    /// Puts readers who picked a schedule that a channel no longer has on its default, so that
    /// nobody waits for a run that never comes. Returns how many.
    pub async fn forget_schedules(
        &self,
        channel: &str,
        known: &[String],
    ) -> Result<i64, StoreError> {
        let known: Vec<[&String; 1]> = known.iter().map(|name| [name]).collect();
        self.run(&FORGET_SCHEDULES, args![&json(&known), channel])
            .await
    }
}
