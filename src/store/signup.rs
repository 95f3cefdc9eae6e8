//! Signing up: what was asked for waits here, and what was confirmed counts.
//!
//! Taking a sign-up in is the same few statements whatever is known of the address, so that
//! nobody learns from it who reads what. `admission` makes subscriptions of what waits.

use std::time::Duration;

use aws_lc_rs::rand;
use data_encoding::HEXLOWER;

use super::admission::AHEAD_MS;
use super::consent::{note_by_id, stop_remembering};
use super::rows::parsed;
use super::sql::{Tx, args, both, dialects, json, most, statements};
use super::{Db, StoreError};
use crate::domain::{EmailAddress, SubscriberId, TokenKey, UnixMillis};

/// How somebody came: by the form, or entered by an operator.
pub(super) const FORM: &str = "form";
pub(super) const OPERATOR: &str = "operator";

/// Sign-ups by the form that wait at most; more than anybody has in honesty. No more are counted.
const MOST_WAITING: i64 = 10_000;
/// Neither a network's limit nor the rate looks further back.
const LIMITS: Duration = Duration::from_secs(86_400);
/// How long it is remembered that an address was asked and did not confirm.
const CONFIRMATIONS: Duration = Duration::from_secs(365 * 86_400);

/// What somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignUp {
    /// Where the confirmation mail goes.
    pub address: EmailAddress,
    /// The e-mail channels they want, by name.
    pub channels: Vec<String>,
    /// Who asked, as the limits see them; `None` where that is not known. Not to be reckoned
    /// back ([`TokenKey::mark`]).
    pub network: Option<String>,
    /// How and from where, for the record of consent.
    pub evidence: String,
}

/// What became of a sign-up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SignUpAnswer {
    /// It waits to be admitted; this survives a crash.
    Taken,
    /// There were too many from that network; nothing was kept.
    TooMany,
    /// Too many wait already; nothing was kept.
    Full,
}

statements! {
    /// Those who ask from one network at once would each count before the others are there. The
    /// number is `sign` in ASCII: nobody waits here for another kind of lock.
    ONE_OF_NETWORK = dialects(
        "SELECT 'one writer' WHERE FALSE",
        "SELECT 'locked' FROM pg_advisory_xact_lock(1936287598, hashtext($1))"
    );
    FROM_NETWORK = both(
        "SELECT COUNT(*) FROM signup_network WHERE network = $1 AND at > $2 AND at <= $3"
    );
    NOTE_NETWORK = both("INSERT INTO signup_network (network, at) VALUES ($1, $2)");
    COUNT_WAITING = both(
        "SELECT COUNT(*) FROM (SELECT 1 FROM signup WHERE via = $1 LIMIT $2) AS q"
    );
    KEEP = both(
        "INSERT INTO signup (address_key, via, address, channels, evidence, at)
         VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (address_key, via) DO NOTHING"
    );
    ASKED_BEFORE = dialects(
        "SELECT channels FROM signup WHERE address_key = $1 AND via = $2",
        "SELECT channels FROM signup WHERE address_key = $1 AND via = $2 FOR UPDATE"
    );
    /// Whoever asks again keeps their turn: a stranger could put them off for ever otherwise.
    KEEP_TOO = both(
        "UPDATE signup SET address = $3, channels = $4, evidence = $5
         WHERE address_key = $1 AND via = $2"
    );
    PENDING = both(
        "SELECT channel FROM subscription WHERE subscriber_id = $1 AND state = 'pending'
         ORDER BY channel"
    );
    /// From now on, not from when they asked.
    CONFIRM = both(
        "UPDATE subscription SET state = 'active', confirmed_at = $3, ended_at = NULL,
            cursor = COALESCE((SELECT c.ledger_newest FROM channel c WHERE c.name = $2), 0)
         WHERE subscriber_id = $1 AND channel = $2 AND state = 'pending'
           AND NOT EXISTS (SELECT 1 FROM suppression x JOIN subscriber s
                ON s.address_key = x.address_key WHERE s.id = $1)"
    );
    KEY_OF = both("SELECT address_key FROM subscriber WHERE id = $1");
    /// The mail counts against the rate still, and no longer as one to that address.
    FORGET_ASKED = both("UPDATE confirmation SET address_mark = $2 WHERE address_mark = $1");
    TRIM_NETWORKS = both("DELETE FROM signup_network WHERE at < $1");
    TRIM_CONFIRMATIONS = both("DELETE FROM confirmation WHERE last_at < $1");
    /// By their marks: there are few of them, and of the others a year's.
    TRIM_NOBODYS = both(
        "DELETE FROM confirmation WHERE address_mark >= 'nobody' AND +last_at < $1"
    );
    UNCONFIRMED = both(
        "SELECT subscriber_id, channel FROM subscription
         WHERE state = 'pending' AND by_form AND requested_at < $1
         ORDER BY requested_at LIMIT $2"
    );
    /// Who had left before has left again.
    LEAVE_AGAIN = both(
        "UPDATE subscription SET state = 'unsubscribed' WHERE subscriber_id = $1 AND channel = $2
           AND state = 'pending' AND requested_at < $3 AND ended_at IS NOT NULL"
    );
    DROP_TIE = both(
        "DELETE FROM subscription WHERE subscriber_id = $1 AND channel = $2
           AND state = 'pending' AND requested_at < $3"
    );
}

/// Puts a sign-up among those that wait; what was asked for the address before is wanted too.
pub(super) async fn keep(
    tx: &mut Tx,
    address: &EmailAddress,
    channels: &[String],
    (via, evidence): (&str, &str),
    now: UnixMillis,
) -> Result<(), StoreError> {
    let key = address.key();
    let wanted = merged(Vec::new(), channels);
    let list = json(&wanted);
    // Tried first and merged then, so that of two who ask at once the second sees what the first
    // wants.
    loop {
        let values = args![&key, via, address.as_str(), &list, evidence, now];
        if tx.run(&KEEP, values).await? > 0 {
            return Ok(());
        }
        let before: Option<(String,)> = tx.one(&ASKED_BEFORE, args![&key, via]).await?;
        // Admitted a moment ago: it is a sign-up of its own again.
        let Some((before,)) = before else { continue };
        let before: Vec<String> = parsed("a sign-up's channels", &before)?;
        let list = json(&merged(before, &wanted));
        let values = args![&key, via, address.as_str(), &list, evidence];
        return tx.run(&KEEP_TOO, values).await.map(drop);
    }
}

/// Both lists, each channel once.
fn merged(mut before: Vec<String>, channels: &[String]) -> Vec<String> {
    for channel in channels {
        if !before.contains(channel) {
            before.push(channel.clone());
        }
    }
    before
}

impl Db {
    /// Takes a sign-up in, unless its network has asked `most_from_network` times `within` that
    /// time, or too many wait.
    pub async fn take_signup(
        &self,
        signup: &SignUp,
        most_from_network: u32,
        within: Duration,
        now: UnixMillis,
    ) -> Result<SignUpAnswer, StoreError> {
        let mut tx = self.begin().await?;
        if let Some(network) = &signup.network {
            let _locked: Option<(String,)> = tx.one(&ONE_OF_NETWORK, args![network]).await?;
            let values = args![network, ago(now, within), now.plus_ms(AHEAD_MS)];
            let count: Option<(i64,)> = tx.one(&FROM_NETWORK, values).await?;
            if count.is_some_and(|(count,)| count >= i64::from(most_from_network)) {
                return Ok(SignUpAnswer::TooMany);
            }
            tx.run(&NOTE_NETWORK, args![network, now]).await?;
        }
        let waiting: Option<(i64,)> = tx.one(&COUNT_WAITING, args![FORM, MOST_WAITING]).await?;
        if waiting.is_some_and(|(waiting,)| waiting >= MOST_WAITING) {
            return Ok(SignUpAnswer::Full);
        }
        let how = (FORM, signup.evidence.as_str());
        keep(&mut tx, &signup.address, &signup.channels, how, now).await?;
        tx.commit().await?;
        Ok(SignUpAnswer::Taken)
    }

    /// How many sign-ups wait to be admitted, by the form and those that operators entered; of
    /// each no more than ten thousand are counted.
    pub async fn waiting_signups(&self) -> Result<i64, StoreError> {
        let mut waiting = 0;
        for via in [FORM, OPERATOR] {
            let row: Option<(i64,)> = self.one(&COUNT_WAITING, args![via, MOST_WAITING]).await?;
            waiting += row.map_or(0, |(count,)| count);
        }
        Ok(waiting)
    }

    /// Makes a reader's subscriptions that wait for their word active, from now on: those to
    /// `channels`, or all of them when none is named. Returns which; none when there are none
    /// or the address is suppressed. `via` is for the record of consent.
    pub async fn confirm_subscriptions(
        &self,
        keys: &TokenKey,
        id: SubscriberId,
        channels: &[String],
        via: &str,
        now: UnixMillis,
    ) -> Result<Vec<String>, StoreError> {
        let mut tx = self.begin().await?;
        let pending: Vec<(String,)> = tx.all(&PENDING, args![id]).await?;
        let mut confirmed = Vec::new();
        for (channel,) in pending {
            let is_meant = channels.is_empty() || channels.contains(&channel);
            if is_meant && tx.run(&CONFIRM, args![id, &channel, now]).await? > 0 {
                note_by_id(&mut tx, id, &channel, "confirmed", via, now).await?;
                confirmed.push(channel);
            }
        }
        if confirmed.is_empty() {
            return Ok(confirmed);
        }
        let key: Option<(String,)> = tx.one(&KEY_OF, args![id]).await?;
        if let Some((key,)) = key {
            let (mark, nobodys) = (keys.mark(&key), nobodys_mark()?);
            tx.run(&FORGET_ASKED, args![&mark, &nobodys]).await?;
        }
        tx.commit().await?;
        Ok(confirmed)
    }

    /// Forgets who signed up by the form before `before` and never confirmed, up to `limit` of
    /// their subscriptions, with the person where nothing else is known of them; and what the
    /// limits of signing up have no more use for. Returns how many subscriptions went.
    pub async fn forget_unconfirmed(
        &self,
        before: UnixMillis,
        limit: usize,
        now: UnixMillis,
    ) -> Result<usize, StoreError> {
        self.run(&TRIM_NETWORKS, args![ago(now, LIMITS)]).await?;
        self.run(&TRIM_CONFIRMATIONS, args![ago(now, CONFIRMATIONS)])
            .await?;
        self.run(&TRIM_NOBODYS, args![ago(now, LIMITS)]).await?;
        let ties: Vec<(i64, String)> = self.all(&UNCONFIRMED, args![before, most(limit)]).await?;
        for (id, channel) in &ties {
            // One at a time: whoever waits for a second with the first in hand may wait for ever.
            let mut tx = self.begin().await?;
            let values = args![*id, channel, before];
            if tx.run(&LEAVE_AGAIN, values).await? == 0 && tx.run(&DROP_TIE, values).await? > 0 {
                stop_remembering(&mut tx, *id).await?;
            }
            tx.commit().await?;
        }
        Ok(ties.len())
    }
}

fn ago(now: UnixMillis, time: Duration) -> UnixMillis {
    now.plus_ms(-i64::try_from(time.as_millis()).unwrap_or(i64::MAX))
}

/// The mark of no address: after those of addresses in any order of letters, since they are hex.
fn nobodys_mark() -> Result<String, StoreError> {
    let mut random = [0u8; 16];
    rand::fill(&mut random).map_err(|_| {
        StoreError::Unsupported("this system gives no random numbers to tell rows apart".into())
    })?;
    Ok(format!("nobody{}", HEXLOWER.encode(&random)))
}
