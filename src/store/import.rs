//! Adding readers, by hand or by the thousand.

use super::audience::topics_text;
use super::signup::{OPERATOR, keep};
use super::sql::{Tx, args, both, statements};
use super::{Db, StoreError};
use crate::domain::{EmailAddress, HeaderText, SubscriberId, SubscriptionState, UnixMillis, words};

/// A reader to add, or to bring up to date.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSubscriber {
    /// Their address.
    pub address: EmailAddress,
    /// Their name; empty leaves a known one.
    pub name: HeaderText,
    /// Their language; `None` leaves a known one.
    pub language: Option<String>,
    /// Their zone; `None` leaves a known one.
    pub timezone: Option<String>,
    /// The channels they subscribe to.
    pub channels: Vec<String>,
    /// The schedule they want; `None` leaves a known one, else the channel's default.
    pub schedule: Option<String>,
    /// The topics they want; `None` leaves known ones, else all.
    pub topics: Option<Vec<String>>,
    /// Where new subscriptions start: active (confirmed elsewhere) or pending.
    pub state: SubscriptionState,
}

words! {
    /// What came of adding one reader.
    Imported {
        /// A new reader, or a known one with a new subscription.
        Added = "added",
        /// Something about a known reader changed.
        Updated = "updated",
        /// All of it was known.
        Unchanged = "unchanged",
        /// The address is suppressed: nothing was done.
        Suppressed = "suppressed",
        /// They have left the channel; an import does not bring them back.
        Unsubscribed = "unsubscribed",
    }
}

statements! {
    SUPPRESSED = both("SELECT COUNT(*) FROM suppression WHERE address_key = $1");
    ADD_PERSON = both(
        "INSERT INTO subscriber (address, address_key, name, language, timezone, created_at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (address_key) DO NOTHING RETURNING id"
    );
    PERSON = both("SELECT id FROM subscriber WHERE address_key = $1");
    UPDATE_PERSON = both(
        "UPDATE subscriber SET name = CASE WHEN $2 = '' THEN name ELSE $2 END,
            language = COALESCE($3, language), timezone = COALESCE($4, timezone)
         WHERE id = $1 AND (($2 <> '' AND name <> $2)
            OR (language IS DISTINCT FROM $3 AND $3 IS NOT NULL)
            OR (timezone IS DISTINCT FROM $4 AND $4 IS NOT NULL))"
    );
    TIE = both(
        "SELECT state, ended_at FROM subscription WHERE subscriber_id = $1 AND channel = $2"
    );
    ADD_TIE = both(
        "INSERT INTO subscription (subscriber_id, channel, state, schedule, topics, cursor,
            requested_at, confirmed_at)
         VALUES ($1, $2, $3, $4, $5,
            COALESCE((SELECT c.ledger_newest FROM channel c WHERE c.name = $2), 0), $6, $7)
         ON CONFLICT (subscriber_id, channel) DO NOTHING"
    );
    UPDATE_TIE = both(
        "UPDATE subscription SET schedule = COALESCE($3, schedule), topics = COALESCE($4, topics)
         WHERE subscriber_id = $1 AND channel = $2
           AND ((schedule IS DISTINCT FROM $3 AND $3 IS NOT NULL)
             OR (topics <> $4 AND $4 IS NOT NULL))"
    );
    /// They get what comes from now on, not what was published while they were away.
    ACTIVATE = both(
        "UPDATE subscription SET state = 'active', confirmed_at = $3, ended_at = NULL,
            cursor = COALESCE((SELECT c.ledger_newest FROM channel c WHERE c.name = $2), 0)
         WHERE subscriber_id = $1 AND channel = $2 AND state <> 'active'
           AND NOT EXISTS (SELECT 1 FROM suppression x JOIN subscriber s
                ON s.address_key = x.address_key WHERE s.id = $1)"
    );
}

impl Db {
    /// Adds one reader; see [`Db::import_subscribers`].
    pub async fn import_subscriber(
        &self,
        reader: &NewSubscriber,
        now: UnixMillis,
    ) -> Result<Imported, StoreError> {
        let came = self
            .import_subscribers(std::slice::from_ref(reader), now)
            .await?;
        Ok(came.first().copied().unwrap_or(Imported::Unchanged))
    }

    /// What [`Db::import_subscribers`] would do; nothing is changed.
    pub async fn judge_subscribers(
        &self,
        readers: &[NewSubscriber],
        now: UnixMillis,
    ) -> Result<Vec<Imported>, StoreError> {
        let mut tx = self.begin().await?;
        // Dropped without a commit, the transaction leaves everything as it was.
        import_all(&mut tx, readers, now).await
    }

    /// Adds readers or brings them up to date, all of the call in one transaction; what came
    /// of each, in order. A new subscription starts at the channel's newest ledger number.
    /// Suppressed addresses are left alone, and nobody who left is brought back.
    pub async fn import_subscribers(
        &self,
        readers: &[NewSubscriber],
        now: UnixMillis,
    ) -> Result<Vec<Imported>, StoreError> {
        let mut tx = self.begin().await?;
        let came = import_all(&mut tx, readers, now).await?;
        tx.commit().await?;
        Ok(came)
    }

    /// Confirms or renews a subscription, from now on: the reader's own act. `false` when it
    /// was active, is not there, or the address is suppressed.
    pub async fn activate(
        &self,
        id: SubscriberId,
        channel: &str,
        via: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        let is_new = activate(&mut tx, id, channel, via, now).await?;
        tx.commit().await?;
        Ok(is_new)
    }
}

async fn activate(
    tx: &mut Tx,
    id: SubscriberId,
    channel: &str,
    via: &str,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    if tx.run(&ACTIVATE, args![id, channel, now]).await? == 0 {
        return Ok(false);
    }
    super::consent::note_by_id(tx, id, channel, "confirmed", via, now).await?;
    Ok(true)
}

/// Whether an address must not be mailed.
pub(super) async fn is_suppressed(tx: &mut Tx, address_key: &str) -> Result<bool, StoreError> {
    let suppressed: Option<(i64,)> = tx.one(&SUPPRESSED, args![address_key]).await?;
    Ok(suppressed.is_some_and(|(n,)| n > 0))
}

/// The reader with that address, added or brought up to date with their language and zone.
pub(super) async fn person(
    tx: &mut Tx,
    address: &EmailAddress,
    name: &HeaderText,
    (language, zone): (&Option<String>, &Option<String>),
    now: UnixMillis,
) -> Result<(SubscriberId, Imported), StoreError> {
    let (key, name) = (address.key(), name.as_str());
    let values = args![address.as_str(), &key, name, language, zone, now];
    if let Some((id,)) = tx.one::<(i64,)>(&ADD_PERSON, values).await? {
        return Ok((SubscriberId(id), Imported::Added));
    }
    let known: Option<(i64,)> = tx.one(&PERSON, args![&key]).await?;
    let id = SubscriberId(known.map_or(0, |(id,)| id));
    let values = args![id, name, language, zone];
    let came = match tx.run(&UPDATE_PERSON, values).await? {
        0 => Imported::Unchanged,
        _ => Imported::Updated,
    };
    Ok((id, came))
}

/// In the order of their addresses, so that two imports of the same readers do not each wait for
/// a reader that the other has.
async fn import_all(
    tx: &mut Tx,
    readers: &[NewSubscriber],
    now: UnixMillis,
) -> Result<Vec<Imported>, StoreError> {
    let mut order: Vec<usize> = (0..readers.len()).collect();
    order.sort_by_cached_key(|at| readers[*at].address.key());
    let mut came = vec![Imported::Unchanged; readers.len()];
    for at in order {
        came[at] = import(tx, &readers[at], now).await?;
    }
    Ok(came)
}

async fn import(
    tx: &mut Tx,
    reader: &NewSubscriber,
    now: UnixMillis,
) -> Result<Imported, StoreError> {
    if is_suppressed(tx, &reader.address.key()).await? {
        return Ok(Imported::Suppressed);
    }
    // First, as where sign-ups are admitted: who takes the same rows in the same order never
    // waits in a circle.
    if reader.state == SubscriptionState::Pending && !reader.channels.is_empty() {
        let how = (OPERATOR, "");
        keep(tx, &reader.address, &reader.channels, how, now).await?;
    }
    let places = (&reader.language, &reader.timezone);
    let (id, mut came) = person(tx, &reader.address, &reader.name, places, now).await?;
    let mut left = false;
    for channel in &reader.channels {
        match tie(tx, id, channel, reader, now).await? {
            Imported::Added => came = Imported::Added,
            Imported::Updated if came == Imported::Unchanged => came = Imported::Updated,
            Imported::Unsubscribed => left = true,
            _ => {}
        }
    }
    Ok(if left && came == Imported::Unchanged {
        Imported::Unsubscribed
    } else {
        came
    })
}

/// Ties a reader to one channel.
async fn tie(
    tx: &mut Tx,
    id: SubscriberId,
    channel: &str,
    reader: &NewSubscriber,
    now: UnixMillis,
) -> Result<Imported, StoreError> {
    let topics = reader.topics.as_deref().map(topics_text);
    let known: Option<(String, Option<i64>)> = tx.one(&TIE, args![id, channel]).await?;
    if let Some((state, ended_at)) = known {
        if state == SubscriptionState::Unsubscribed.as_str() {
            return Ok(Imported::Unsubscribed);
        }
        let values = args![id, channel, &reader.schedule, &topics];
        let mut changed = tx.run(&UPDATE_TIE, values).await? > 0;
        // Who had left and asks again must say so themselves.
        if reader.state == SubscriptionState::Active && ended_at.is_none() {
            changed |= activate(tx, id, channel, "imported", now).await?;
        }
        return Ok(if changed {
            Imported::Updated
        } else {
            Imported::Unchanged
        });
    }
    let confirmed = (reader.state == SubscriptionState::Active).then_some(now);
    let topics = topics.unwrap_or_else(|| "[]".to_owned());
    let state = reader.state.as_str();
    let values = args![
        id,
        channel,
        state,
        &reader.schedule,
        &topics,
        now,
        confirmed
    ];
    tx.run(&ADD_TIE, values).await?;
    let key = reader.address.key();
    super::consent::note(tx, &key, channel, "imported", state, now).await?;
    Ok(Imported::Added)
}
