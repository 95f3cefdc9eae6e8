//! Admitting those who signed up: a subscription that waits for their word, and a mail that
//! asks for it.
//!
//! Confirmation mail goes through the outbox as everything does, as an issue with no articles:
//! a channel has one for a day, numbered downwards from -1, and it is sent before all others.
//! An address is asked once, after a day once more, and after a further week for the last time;
//! confirming begins anew. A mail counts against the rate for as long as that looks back, also
//! when its reader has confirmed; then nothing says any more whose it was.
//!
//! Each person is admitted in a transaction of their own, which takes the sign-up first and then
//! the person, their subscriptions by name, the round and its delivery: as everybody does who
//! takes several of these, so that daemons on one PostgreSQL wait for each other in no circle.

use super::counts::Moves;
use super::freeze::span_deliveries;
use super::import::{is_suppressed, person};
use super::ledger::lock_channel;
use super::operate::{hold, reopen};
use super::rows::{parsed, row};
use super::signup::FORM;
use super::sql::{Tx, args, both, dialects, most, statements};
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

/// What a clock that ran ahead has made is none of today's, but clocks of two machines differ.
pub(super) const AHEAD_MS: i64 = 10 * 60_000;

row! {
    struct SignUpRow {
        address_key: String, via: String, address: String, channels: String, evidence: String,
    }
}

statements! {
    WAITING = both("SELECT address_key FROM signup WHERE via = $1 ORDER BY at LIMIT $2");
    /// Whoever erases the person, asks for more or admits them too waits until this is done.
    HELD_SIGNUP = dialects(
        "SELECT address_key, via, address, channels, evidence FROM signup
         WHERE address_key = $1 AND via = $2",
        "SELECT address_key, via, address, channels, evidence FROM signup
         WHERE address_key = $1 AND via = $2 FOR UPDATE"
    );
    ADMITTED = both("DELETE FROM signup WHERE address_key = $1 AND via = $2");
    /// What waits already was asked for when its mail was made, unless a mail asks again ($4):
    /// by that time the page behind the link knows what the mail is about.
    ASK = both(
        "INSERT INTO subscription (subscriber_id, channel, state, topics, cursor, requested_at,
            by_form)
         VALUES ($1, $2, 'pending', '[]',
            COALESCE((SELECT c.ledger_newest FROM channel c WHERE c.name = $2), 0), $3, TRUE)
         ON CONFLICT (subscriber_id, channel) DO UPDATE SET state = 'pending',
            requested_at = CASE WHEN subscription.state = 'pending' AND NOT $4
                THEN subscription.requested_at ELSE excluded.requested_at END,
            by_form = (subscription.by_form OR subscription.state = 'unsubscribed')
         WHERE subscription.state <> 'active'"
    );
    /// Looked at before asking, which would lock an active one, and freezing holds those.
    STATE_OF = both("SELECT state FROM subscription WHERE subscriber_id = $1 AND channel = $2");
    ASKED = both("SELECT mails, last_at FROM confirmation WHERE address_mark = $1");
    NOTE_ASKED = both(
        "INSERT INTO confirmation (address_mark, mails, last_at, via) VALUES ($1, 1, $2, $3)
         ON CONFLICT (address_mark) DO UPDATE SET mails = confirmation.mails + 1,
            last_at = excluded.last_at, via = excluded.via"
    );
    ASKED_SINCE = both(
        "SELECT COUNT(*) FROM confirmation
         WHERE last_at > $1 AND last_at <= $2 AND via = 'form'"
    );
    ROUND = both(
        "SELECT id FROM issue WHERE channel = $1 AND number < 0 AND created_at > $2
            AND created_at <= $3 AND state <> 'cancelled' ORDER BY number LIMIT 1"
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
    /// How many confirmation mails sign-ups by the form have led to since then; not counted is
    /// what a clock that ran ahead made out at times that are still to come.
    pub async fn confirmations_since(
        &self,
        since: UnixMillis,
        now: UnixMillis,
    ) -> Result<i64, StoreError> {
        let values = args![since, now.plus_ms(AHEAD_MS)];
        let row: Option<(i64,)> = self.one(&ASKED_SINCE, values).await?;
        Ok(row.map_or(0, |(count,)| count))
    }

    /// Admits up to `limit` of those who wait, the first of them first: of those who came by
    /// the form (`via` is `form`) or of those whom an operator entered (`operator`). Suppressed
    /// addresses are dropped. The mail is in the name of one of the `channels`, where one was
    /// asked for. Returns how many went from the queue and how many confirmation mails entered
    /// the outbox. One process at a time should do this, lest the rate be kept twice: `go_on` is
    /// asked before each whether it is still this one's turn.
    pub async fn admit_signups(
        &self,
        keys: &TokenKey,
        channels: &[String],
        via: &str,
        limit: usize,
        now: UnixMillis,
        go_on: impl Fn() -> bool,
    ) -> Result<(usize, usize), StoreError> {
        let waiting: Vec<(String,)> = self.all(&WAITING, args![via, most(limit)]).await?;
        let (mut admitted, mut mails) = (0, 0);
        for (key,) in &waiting {
            if !go_on() {
                break;
            }
            let mut tx = self.begin().await?;
            let Some(row) = tx.one::<SignUpRow>(&HELD_SIGNUP, args![key, via]).await? else {
                continue;
            };
            let mut moves = Moves::default();
            let mark = keys.mark(&row.address_key);
            if let Some((channel, id)) = admit(&mut tx, &row, &mark, channels, now).await? {
                tx.run(&NOTE_ASKED, args![&mark, now, &row.via]).await?;
                let round = ask(&mut tx, &channel, id, now).await?;
                moves.made(round, DeliveryState::Pending, 1);
                mails += 1;
            }
            tx.run(&ADMITTED, args![key, via]).await?;
            moves.write(&mut tx).await?;
            tx.commit().await?;
            admitted += 1;
        }
        Ok((admitted, mails))
    }
}

/// Enters what was asked for; the reader and the channel whose mail asks them to confirm,
/// where there is something to confirm and the address, whose `mark` it is, may be asked: one of
/// the `known`, since mail of a channel that the configuration does not have waits for it to come
/// back.
async fn admit(
    tx: &mut Tx,
    row: &SignUpRow,
    mark: &str,
    known: &[String],
    now: UnixMillis,
) -> Result<Option<(String, SubscriberId)>, StoreError> {
    let key = row.address_key.as_str();
    if is_suppressed(tx, key).await? {
        return Ok(None);
    }
    // It was one when it was taken; what somebody wrote into the table must not stop the others.
    let Ok(address) = EmailAddress::parse(&row.address) else {
        return Ok(None);
    };
    let nameless = HeaderText::default();
    let (id, _) = person(tx, &address, &nameless, (&None, &None), now).await?;
    let may_ask = may_ask(tx, mark, now).await?;
    let mut channels: Vec<String> = parsed("a sign-up's channels", &row.channels)?;
    channels.sort_unstable();
    let mut pending = Vec::new();
    for channel in channels {
        let state: Option<(String,)> = tx.one(&STATE_OF, args![id, &channel]).await?;
        let mut waits = state.as_ref().is_some_and(|(state,)| state == "pending");
        let is_active = state.is_some_and(|(state,)| state == "active");
        let values = args![id, &channel, now, may_ask];
        if row.via == FORM && !is_active && tx.run(&ASK, values).await? > 0 {
            super::consent::note(tx, key, &channel, "requested", &row.evidence, now).await?;
            waits = true;
        }
        if waits {
            pending.push(channel);
        }
    }
    let asks = pending.iter().position(|channel| known.contains(channel));
    let asks = pending.into_iter().nth(asks.unwrap_or(0));
    Ok(asks.filter(|_| may_ask).map(|channel| (channel, id)))
}

/// Whether the address may be asked now.
async fn may_ask(tx: &mut Tx, mark: &str, now: UnixMillis) -> Result<bool, StoreError> {
    let asked: Option<(i64, i64)> = tx.one(&ASKED, args![mark]).await?;
    let (mails, last) = asked.unwrap_or_default();
    let pause = usize::try_from(mails).ok().and_then(|n| PAUSES.get(n));
    Ok(pause.is_some_and(|pause| mails == 0 || now.0.saturating_sub(last) >= *pause))
}

/// Puts the mail into the outbox; the round it belongs to.
async fn ask(
    tx: &mut Tx,
    channel: &str,
    id: SubscriberId,
    now: UnixMillis,
) -> Result<IssueId, StoreError> {
    let mut into = match round(tx, channel, now).await? {
        // Held, so that nobody calls it done or ends it meanwhile.
        Some(round) if hold(tx, round).await? => round,
        _ => add_round(tx, channel, now).await?,
    };
    let mut made: Option<(i64,)> = tx.one(&ADD_MAIL, args![into, id, now]).await?;
    if made.is_none() {
        // They confirmed and left, all on one day, and come back: that round has a mail of theirs.
        into = add_round(tx, channel, now).await?;
        made = tx.one(&ADD_MAIL, args![into, id, now]).await?;
    }
    span_deliveries(tx, into, made.map_or(0, |(delivery,)| delivery)).await?;
    reopen(tx, into, 1).await?;
    Ok(into)
}

/// The channel's round of the day.
async fn round(tx: &mut Tx, channel: &str, now: UnixMillis) -> Result<Option<IssueId>, StoreError> {
    let values = args![channel, now.plus_ms(-DAY_MS), now.plus_ms(AHEAD_MS)];
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
