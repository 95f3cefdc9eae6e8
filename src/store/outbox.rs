//! The outbox: taking deliveries, and the word before a message leaves.
//!
//! A delivery is leased by an owner under a generation that grows with each lease; every later
//! word about it must name both, so a worker that was thought dead changes nothing any more.
//! Whether a reader may still be mailed is looked at twice: when the delivery is taken and
//! again in [`Db::hand_over`], the commit right before the message leaves.

use super::rows::{DeliveryRow, IssueRow, Two, delivery_columns, issue_columns, parsed, row};
use super::sql::{Tx, args, both, dialects, json, list, most, statements};
use super::{Db, StoreError};
use crate::domain::{Delivery, DeliveryId, Issue, SubscriberId, UnixMillis};

/// Who a delivery is for, as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Their key.
    pub subscriber: SubscriberId,
    /// Where to.
    pub address: String,
    /// Their name, may be empty.
    pub name: String,
    /// Their language, where they said.
    pub language: Option<String>,
    /// Their zone, where they said.
    pub timezone: Option<String>,
    /// The topics they want; empty for all.
    pub topics: Vec<String>,
    /// The schedule they picked.
    pub schedule: Option<String>,
}

/// A delivery that is ours to make until the lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The outbox row.
    pub delivery: Delivery,
    /// The generation of the lease.
    pub generation: i64,
    /// When it was made: the message's Date, the same at every try.
    pub made_at: UnixMillis,
    /// Where the patience of the retries starts; later than `made_at` after `issues retry`.
    pub since: UnixMillis,
    /// Which of the issue's variants.
    pub variant: i64,
    /// The issue.
    pub issue: Issue,
    /// The reader; `None` for an endpoint.
    pub reader: Option<Reader>,
}

row! {
    struct LeaseRow { lease_gen: i64, made_at: i64, since: i64, variant: i64, }
}
row! {
    struct ReaderRow {
        address: Option<String>, reader_name: Option<String>, language: Option<String>,
        timezone: Option<String>, topics: Option<String>, picked: Option<String>,
        tie: Option<String>, suppressed: Option<String>,
    }
}
type ClaimedRow = Two<Two<DeliveryRow, LeaseRow>, Two<IssueRow, ReaderRow>>;

statements! {
    /// Few issues are being sent at once; going by issue means that a paused million costs
    /// nothing.
    READY_ISSUES = both(
        "SELECT ready_id FROM (SELECT i.id AS ready_id, i.priority AS urgency,
            (SELECT MIN(d.due_at) FROM delivery d
             WHERE d.issue_id = i.id AND d.state IN ('pending', 'deferred')) AS oldest
            FROM issue i WHERE i.state = 'sending') AS q
         WHERE oldest <= $1 ORDER BY urgency, oldest, ready_id"
    );
    LEASE = dialects(
        "WITH ready AS (SELECT id AS ready_id FROM delivery
            WHERE issue_id = $1 AND state IN ('pending', 'deferred') AND due_at <= $2
            ORDER BY due_at, id LIMIT $3)
         UPDATE delivery SET state = 'leased', lease_owner = $4, lease_until = $5,
            lease_gen = lease_gen + 1, handed_over = FALSE
         FROM ready WHERE id = ready_id RETURNING id",
        "WITH ready AS (SELECT id AS ready_id FROM delivery
            WHERE issue_id = $1 AND state IN ('pending', 'deferred') AND due_at <= $2
            ORDER BY due_at, id LIMIT $3 FOR UPDATE SKIP LOCKED)
         UPDATE delivery SET state = 'leased', lease_owner = $4, lease_until = $5,
            lease_gen = lease_gen + 1, handed_over = FALSE
         FROM ready WHERE id = ready_id RETURNING id"
    );
    LEASED = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id FROM",
        concat!(
            ") SELECT ", delivery_columns!(), ", d.lease_gen, d.made_at, d.since, d.variant, ",
            issue_columns!(), ", s.address, s.name AS reader_name, s.language, s.timezone,
             p.topics, p.schedule AS picked, p.state AS tie, x.reason AS suppressed
             FROM asked JOIN delivery d ON d.id = asked_id
             JOIN issue i ON i.id = d.issue_id
             LEFT JOIN subscriber s ON s.id = d.subscriber_id
             LEFT JOIN subscription p ON p.subscriber_id = d.subscriber_id AND p.channel = i.channel
             LEFT JOIN suppression x ON x.address_key = s.address_key
             ORDER BY d.due_at, d.id"
        )
    );
    SUPPRESS = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id, r.value ->> 1 AS why FROM",
        ") UPDATE delivery SET state = 'suppressed', reason = why, finished_at = $2,
            lease_owner = NULL, lease_until = NULL
         FROM asked WHERE id = asked_id"
    );
    /// The readers among our leased rows who may not be mailed any more.
    BARRED = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id,
            CAST(r.value ->> 1 AS BIGINT) AS asked_gen FROM",
        ") SELECT d.id, p.state, x.reason FROM asked
         JOIN delivery d ON d.id = asked_id AND d.lease_gen = asked_gen
            AND d.lease_owner = $2 AND d.state = 'leased'
         JOIN issue i ON i.id = d.issue_id
         LEFT JOIN subscriber s ON s.id = d.subscriber_id
         LEFT JOIN subscription p ON p.subscriber_id = d.subscriber_id AND p.channel = i.channel
         LEFT JOIN suppression x ON x.address_key = s.address_key
         WHERE d.subscriber_id IS NOT NULL
           AND (x.reason IS NOT NULL OR p.state IS NULL OR p.state <> 'active')"
    );
    HAND_OVER = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id,
            CAST(r.value ->> 1 AS BIGINT) AS asked_gen FROM",
        ") UPDATE delivery SET handed_over = TRUE FROM asked
         WHERE id = asked_id AND lease_gen = asked_gen AND lease_owner = $2
           AND state = 'leased' AND lease_until > $3
           AND EXISTS (SELECT 1 FROM issue i WHERE i.id = delivery.issue_id AND i.state = 'sending')
         RETURNING id"
    );
    /// What may not leave because its issue was paused goes back, to be claimed on resume.
    GIVE_BACK = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id,
            CAST(r.value ->> 1 AS BIGINT) AS asked_gen FROM",
        ") UPDATE delivery SET lease_owner = NULL, lease_until = NULL,
            state = CASE WHEN attempts = 0 AND reason = '' THEN 'pending' ELSE 'deferred' END
         FROM asked WHERE id = asked_id AND lease_gen = asked_gen AND lease_owner = $2
           AND state = 'leased' AND NOT handed_over"
    );
    NEXT_DUE = both(
        "SELECT MIN(oldest) FROM (SELECT (SELECT MIN(d.due_at) FROM delivery d
             WHERE d.issue_id = i.id AND d.state IN ('pending', 'deferred')) AS oldest
            FROM issue i WHERE i.state = 'sending') AS q"
    );
}

/// Why a reader may not be mailed; `None` when they may.
fn barred(tie: Option<&str>, suppression: Option<&str>) -> Option<String> {
    match (suppression, tie) {
        (Some(reason), _) => Some(format!("the address is suppressed ({reason})")),
        (None, Some("active")) => None,
        (None, Some(_)) => Some("the reader has unsubscribed".to_owned()),
        (None, None) => Some("the reader is not there any more".to_owned()),
    }
}

impl Db {
    /// Takes up to `limit` deliveries that are due, of issues being sent, for `owner` until
    /// `lease_until`: most urgent issue first, then by due time. Readers who may not be mailed
    /// any more are settled as suppressed in the same transaction and not returned.
    pub async fn claim_deliveries(
        &self,
        owner: &str,
        now: UnixMillis,
        lease_until: UnixMillis,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        let ready: Vec<(i64,)> = self.all(&READY_ISSUES, args![now]).await?;
        let mut claimed = Vec::new();
        for (issue,) in ready {
            let left = limit - claimed.len().min(limit);
            if left == 0 {
                break;
            }
            let mut tx = self.begin().await?;
            let values = args![issue, now, most(left), owner, lease_until];
            let ids: Vec<(i64,)> = tx.all(&LEASE, values).await?;
            if !ids.is_empty() {
                claimed.extend(load(&mut tx, &ids, now).await?);
            }
            tx.commit().await?;
        }
        Ok(claimed)
    }

    /// The word before the message leaves: says durably that these deliveries are being handed
    /// over, and returns those that may be. Not those whose lease ended or passed to another,
    /// nor those whose reader may not be mailed any more (settled as suppressed), nor those of
    /// an issue that was paused or cancelled meanwhile (given back).
    pub async fn hand_over(
        &self,
        deliveries: &[(DeliveryId, i64)],
        owner: &str,
        now: UnixMillis,
    ) -> Result<Vec<DeliveryId>, StoreError> {
        let rows: Vec<(i64, i64)> = deliveries
            .iter()
            .map(|(id, generation)| (id.0, *generation))
            .collect();
        let rows = json(&rows);
        let mut tx = self.begin().await?;
        let stopped: Vec<(i64, Option<String>, Option<String>)> =
            tx.all(&BARRED, args![&rows, owner]).await?;
        let why = |(id, tie, suppression): &(i64, Option<String>, Option<String>)| {
            barred(tie.as_deref(), suppression.as_deref()).map(|why| (*id, why))
        };
        let stopped: Vec<(i64, String)> = stopped.iter().filter_map(why).collect();
        if !stopped.is_empty() {
            tx.run(&SUPPRESS, args![&json(&stopped), now]).await?;
        }
        let ours: Vec<(i64,)> = tx.all(&HAND_OVER, args![&rows, owner, now]).await?;
        if ours.len() + stopped.len() < deliveries.len() {
            tx.run(&GIVE_BACK, args![&rows, owner]).await?;
        }
        tx.commit().await?;
        let mut ours: Vec<DeliveryId> = ours.into_iter().map(|(id,)| DeliveryId(id)).collect();
        ours.sort_unstable();
        Ok(ours)
    }

    /// When the next delivery of an issue being sent is due.
    pub async fn next_due(&self) -> Result<Option<UnixMillis>, StoreError> {
        let row: Option<(Option<i64>,)> = self.one(&NEXT_DUE, args![]).await?;
        Ok(row.and_then(|(at,)| at).map(UnixMillis))
    }
}

/// Reads leased rows with all that is needed to send them, and settles those that may not be.
async fn load(tx: &mut Tx, ids: &[(i64,)], now: UnixMillis) -> Result<Vec<Claimed>, StoreError> {
    let rows: Vec<ClaimedRow> = tx.all(&LEASED, args![&json(&ids)]).await?;
    let mut claimed = Vec::with_capacity(rows.len());
    let mut stopped: Vec<(i64, String)> = Vec::new();
    for Two(Two(delivery, lease), Two(issue, reader)) in rows {
        let delivery: Delivery = delivery.try_into()?;
        if delivery.subscriber.is_some()
            && let Some(why) = barred(reader.tie.as_deref(), reader.suppressed.as_deref())
        {
            stopped.push((delivery.id.0, why));
            continue;
        }
        claimed.push(Claimed {
            generation: lease.lease_gen,
            made_at: UnixMillis(lease.made_at),
            since: UnixMillis(lease.since),
            variant: lease.variant,
            issue: issue.try_into()?,
            reader: delivery
                .subscriber
                .map(|id| reader_of(id, reader))
                .transpose()?,
            delivery,
        });
    }
    if !stopped.is_empty() {
        tx.run(&SUPPRESS, args![&json(&stopped), now]).await?;
    }
    Ok(claimed)
}

fn reader_of(subscriber: SubscriberId, row: ReaderRow) -> Result<Reader, StoreError> {
    let topics = row.topics.as_deref().unwrap_or("[]");
    Ok(Reader {
        subscriber,
        address: row.address.unwrap_or_default(),
        name: row.reader_name.unwrap_or_default(),
        language: row.language,
        timezone: row.timezone,
        topics: parsed("a subscription's topics", topics)?,
        schedule: row.picked,
    })
}
