//! Admitting those who signed up: a subscription that waits for their word, and a mail that
//! asks for it.
//!
//! Confirmation mail goes through the outbox as everything does, as an issue with no articles:
//! a channel has one for a day, numbered downwards from -1, and it is sent before all others.
//! An address is asked once, after a day once more, and after a further week for the last time;
//! confirming begins anew.

use super::counts::Moves;
use super::freeze::span_deliveries;
use super::import::{is_suppressed, person};
use super::ledger::lock_channel;
use super::operate::{hold, reopen};
use super::rows::{parsed, row};
use super::sql::{Tx, args, both, most, statements};
use super::{Db, StoreError};
use crate::domain::{
    CONFIRMATION, DeliveryState, EmailAddress, HeaderText, IssueId, SubscriberId, TokenKey,
    UnixMillis,
};

const DAY_MS: i64 = 86_400_000;
/// Since the mail before, at least, by how many there were.
const PAUSES: [i64; 3] = [0, DAY_MS, 7 * DAY_MS];
/// What no issue that publishes has: smaller is sent first.
const PRIORITY: i64 = -10;

row! {
    struct SignUpRow {
        address_key: String, address: String, channels: String, via: String, evidence: String,
        at: i64,
    }
}

statements! {
    WAITING = both(
        "SELECT address_key, address, channels, via, evidence, at FROM signup
         WHERE via = $1 ORDER BY at LIMIT $2"
    );
    /// Not when something was asked meanwhile: then it is admitted once more.
    ADMITTED = both("DELETE FROM signup WHERE address_key = $1 AND at = $2");
    ASK = both(
        "INSERT INTO subscription (subscriber_id, channel, state, topics, cursor, requested_at,
            by_form)
         VALUES ($1, $2, 'pending', '[]',
            COALESCE((SELECT c.ledger_newest FROM channel c WHERE c.name = $2), 0), $3, TRUE)
         ON CONFLICT (subscriber_id, channel) DO UPDATE SET state = 'pending',
            requested_at = excluded.requested_at,
            by_form = (subscription.by_form OR subscription.state = 'unsubscribed')
         WHERE subscription.state <> 'active'"
    );
    STATE_OF = both("SELECT state FROM subscription WHERE subscriber_id = $1 AND channel = $2");
    ASKED = both("SELECT mails, last_at FROM confirmation WHERE address_mark = $1");
    NOTE_ASKED = both(
        "INSERT INTO confirmation (address_mark, mails, last_at, via) VALUES ($1, 1, $2, $3)
         ON CONFLICT (address_mark) DO UPDATE SET mails = confirmation.mails + 1,
            last_at = excluded.last_at, via = excluded.via"
    );
    ASKED_SINCE = both("SELECT COUNT(*) FROM confirmation WHERE last_at > $1 AND via = 'form'");
    ROUND = both(
        "SELECT id FROM issue WHERE channel = $1 AND number < 0 AND created_at > $2
            AND state <> 'cancelled' ORDER BY number LIMIT 1"
    );
    ADD_ROUND = both(
        "INSERT INTO issue (channel, number, schedule, slot, state, title, created_at,
            ledger_upto, content_key, priority)
         VALUES ($1, $2, $3, $4, 'sending', $5, $6, 0, '', $7) RETURNING id"
    );
    LAST_ROUND = both("SELECT MIN(number) FROM issue WHERE channel = $1 AND number < 0");
    ADD_MAIL = both(
        "INSERT INTO delivery (issue_id, subscriber_id, variant, state, made_at, since, due_at)
         VALUES ($1, $2, 0, 'pending', $3, $3, $3) ON CONFLICT DO NOTHING RETURNING id"
    );
}

impl Db {
    /// How many confirmation mails sign-ups by the form have led to since then.
    pub async fn confirmations_since(&self, since: UnixMillis) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.one(&ASKED_SINCE, args![since]).await?;
        Ok(row.map_or(0, |(count,)| count))
    }

    /// Admits up to `limit` of those who wait, the first of them first: of those who came by
    /// the form (`via` is `form`) or of those whom an operator entered (`operator`). Suppressed
    /// addresses are dropped. Returns how many went from the queue and how many confirmation
    /// mails entered the outbox. One process at a time should do this.
    pub async fn admit_signups(
        &self,
        keys: &TokenKey,
        via: &str,
        limit: usize,
        now: UnixMillis,
    ) -> Result<(usize, usize), StoreError> {
        let mut tx = self.begin().await?;
        let rows: Vec<SignUpRow> = tx.all(&WAITING, args![via, most(limit)]).await?;
        let (mut moves, mut mails) = (Moves::default(), 0);
        for row in &rows {
            if let Some((channel, id)) = admit(&mut tx, row, now).await?
                && may_ask(&mut tx, keys, row, now).await?
                && let Some(round) = ask(&mut tx, &channel, id, now).await?
            {
                moves.made(round, DeliveryState::Pending, 1);
                mails += 1;
            }
            tx.run(&ADMITTED, args![&row.address_key, row.at]).await?;
        }
        moves.write(&mut tx).await?;
        tx.commit().await?;
        Ok((rows.len(), mails))
    }
}

/// Enters what was asked for; the reader and the channel whose mail asks them to confirm,
/// where there is something to confirm.
async fn admit(
    tx: &mut Tx,
    row: &SignUpRow,
    now: UnixMillis,
) -> Result<Option<(String, SubscriberId)>, StoreError> {
    let key = row.address_key.as_str();
    if is_suppressed(tx, key).await? {
        return Ok(None);
    }
    let address = EmailAddress::parse(&row.address)
        .map_err(|e| StoreError::corrupt("a sign-up's address", &row.address, &e))?;
    let nameless = HeaderText::default();
    let (id, _) = person(tx, &address, &nameless, (&None, &None), now).await?;
    let channels: Vec<String> = parsed("a sign-up's channels", &row.channels)?;
    let mut first = None;
    for channel in channels {
        if row.via == "form" && tx.run(&ASK, args![id, &channel, now]).await? > 0 {
            super::consent::note(tx, key, &channel, "requested", &row.evidence, now).await?;
        }
        let state: Option<(String,)> = tx.one(&STATE_OF, args![id, &channel]).await?;
        if first.is_none() && state.is_some_and(|(state,)| state == "pending") {
            first = Some(channel);
        }
    }
    Ok(first.map(|channel| (channel, id)))
}

/// Whether the address may be asked now; if so, that it was.
async fn may_ask(
    tx: &mut Tx,
    keys: &TokenKey,
    row: &SignUpRow,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let mark = keys.mark(&row.address_key);
    let asked: Option<(i64, i64)> = tx.one(&ASKED, args![&mark]).await?;
    let (mails, last) = asked.unwrap_or_default();
    let pause = usize::try_from(mails).ok().and_then(|n| PAUSES.get(n));
    if pause.is_none_or(|pause| mails > 0 && now.0.saturating_sub(last) < *pause) {
        return Ok(false);
    }
    tx.run(&NOTE_ASKED, args![&mark, now, &row.via]).await?;
    Ok(true)
}

/// Puts the mail into the outbox; the round it belongs to.
async fn ask(
    tx: &mut Tx,
    channel: &str,
    id: SubscriberId,
    now: UnixMillis,
) -> Result<Option<IssueId>, StoreError> {
    let round = match round(tx, channel, now).await? {
        // Held, so that nobody calls it done or ends it meanwhile.
        Some(round) if hold(tx, round).await? => round,
        _ => add_round(tx, channel, now).await?,
    };
    let made: Option<(i64,)> = tx.one(&ADD_MAIL, args![round, id, now]).await?;
    let Some((delivery,)) = made else {
        return Ok(None);
    };
    span_deliveries(tx, round, delivery).await?;
    reopen(tx, round, 1).await?;
    Ok(Some(round))
}

/// The channel's round of the day.
async fn round(tx: &mut Tx, channel: &str, now: UnixMillis) -> Result<Option<IssueId>, StoreError> {
    let values = args![channel, now.plus_ms(-DAY_MS)];
    let row: Option<(i64,)> = tx.one(&ROUND, values).await?;
    Ok(row.map(|(id,)| IssueId(id)))
}

async fn add_round(tx: &mut Tx, channel: &str, now: UnixMillis) -> Result<IssueId, StoreError> {
    lock_channel(tx, channel).await?;
    let last: Option<(Option<i64>,)> = tx.one(&LAST_ROUND, args![channel]).await?;
    let number = last.and_then(|(last,)| last).unwrap_or_default() - 1;
    let slot = format!("round {}", -number);
    let title = "Confirmation mail";
    let values = args![channel, number, CONFIRMATION, &slot, title, now, PRIORITY];
    let row: Option<(i64,)> = tx.one(&ADD_ROUND, values).await?;
    Ok(IssueId(row.map_or(0, |(id,)| id)))
}
