//! The outbox: taking deliveries, and the look before their messages leave.
//!
//! A delivery is leased by an owner under a generation that grows with each lease; every later
//! word about it must name both, so a worker that was thought dead changes nothing any more.
//! Whether a reader may still be mailed is looked at twice: when the delivery is taken and
//! again in [`Db::confirm_deliveries`], right before the message leaves. A batch comes as one
//! JSON text: reading rows one by one costs more than sending them.

use super::counts::Moves;
use super::rows::{IssueRow, Two, issue_columns, parsed, row};
use super::settle::{give_back, suppress};
use super::sql::{args, both, dialects, gather, json, list, most, statements, text};
use super::{Db, StoreError};
use crate::domain::DeliveryState::{Deferred, Leased, Pending};
use crate::domain::{DeliveryId, Issue, IssueId, SubscriberId, UnixMillis};

/// Who a delivery is for, as they are now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reader {
    /// Their key.
    pub subscriber: SubscriberId,
    /// Where to.
    pub address: String,
    /// Their name, may be empty.
    pub name: String,
}

/// A delivery that is ours to make until the lease ends.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claimed {
    /// The outbox row.
    pub id: DeliveryId,
    /// The issue.
    pub issue: IssueId,
    /// The generation of the lease.
    pub generation: i64,
    /// Tries so far that count.
    pub attempts: i64,
    /// When it was made: the message's Date, the same at every try.
    pub made_at: UnixMillis,
    /// Where the patience of the retries starts: when it was first taken, or `issues retry`
    /// began it anew.
    pub since: UnixMillis,
    /// Which of the issue's variants.
    pub variant: i64,
    /// The endpoint; empty for a reader.
    pub recipient: String,
    /// The reader; `None` for an endpoint.
    pub reader: Option<Reader>,
}

/// An issue that has deliveries to be taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadyIssue {
    /// The issue.
    pub issue: Issue,
    /// Smaller is sent first.
    pub priority: i64,
    /// Since when its oldest delivery has been due.
    pub oldest: UnixMillis,
}

row! {
    struct UrgencyRow { priority: i64, oldest: i64, }
}

/// One row of [`LEASED`].
type LeasedRow = (
    i64,
    i64,
    i64,
    i64,
    i64,
    i64,
    String,
    Option<i64>,
    Option<String>,
    Option<String>,
    i64,
    Option<String>,
);

/// Why the reader of a delivery may not be mailed; NULL when they may.
macro_rules! bar {
    () => {
        "CASE WHEN d.subscriber_id IS NULL THEN NULL
            WHEN x.reason IS NOT NULL THEN 'the address is suppressed (' || x.reason || ')'
            WHEN p.state = 'active' AND i.number > 0 THEN NULL
            WHEN p.state = 'pending' AND i.number < 0 THEN NULL
            WHEN p.state IS NULL THEN 'the reader is not there any more'
            WHEN p.state = 'active' THEN 'the reader has confirmed already'
            WHEN p.state = 'pending' THEN 'the reader has not confirmed'
            ELSE 'the reader has unsubscribed' END"
    };
}

/// What [`bar!`] looks at, for `delivery d` and `issue i`.
macro_rules! standing {
    () => {
        "LEFT JOIN subscriber s ON s.id = d.subscriber_id
         LEFT JOIN subscription p ON p.subscriber_id = d.subscriber_id AND p.channel = i.channel
         LEFT JOIN suppression x ON x.address_key = s.address_key"
    };
}

/// Claims in a row that find only readers who may not be mailed.
const MOST_BARRED: usize = 50;

macro_rules! pick {
    ($gather:expr, $rest:expr) => {
        concat!(
            "SELECT ",
            $gather,
            " FROM (SELECT d.id FROM delivery d
                WHERE d.issue_id = $1 AND d.state IN ('pending', 'deferred') AND d.due_at <= $2
                  AND EXISTS (SELECT 1 FROM issue i WHERE i.id = $1 AND i.state = 'sending')
                ORDER BY d.due_at LIMIT $3",
            $rest,
            ") AS q"
        )
    };
}

statements! {
    /// Few issues are being sent at once; going by issue means that a paused million costs
    /// nothing.
    READY_ISSUES = both(concat!(
        "SELECT q.*, i.priority, ", issue_columns!(), " FROM
            (SELECT o.id AS ready_id, (SELECT MIN(d.due_at) FROM delivery d
                WHERE d.issue_id = o.id AND d.state IN ('pending', 'deferred')) AS oldest
             FROM issue o WHERE o.state = 'sending') AS q
         JOIN issue i ON i.id = q.ready_id
         WHERE q.oldest <= $1 ORDER BY i.priority, q.oldest, i.id"
    ));
    PICK = dialects(
        pick!("json_group_array(json_array(id))", ""),
        pick!(
            "CAST(COALESCE(json_agg(json_build_array(id)), '[]') AS TEXT)",
            " FOR UPDATE OF d SKIP LOCKED"
        )
    );
    /// Patience starts with the first try, and stands still while a later one waits for its turn:
    /// what waits was refused by nobody.
    LEASE = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id FROM",
        ") UPDATE delivery SET state = 'leased', lease_owner = $2, lease_until = $3,
            lease_gen = lease_gen + 1,
            since = CASE WHEN attempts = 0 AND reason = '' THEN $4
                WHEN $4 > due_at THEN since + $4 - due_at ELSE since END
         FROM asked WHERE id = asked_id"
    );
    /// A row that was never tried has no reason and no attempts: it was pending.
    LEASED = gather!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id FROM",
        concat!(
            "d.id, d.lease_gen, d.attempts, d.made_at, d.since, d.variant, d.recipient,
             d.subscriber_id, s.address, s.name,
             CASE WHEN d.attempts = 0 AND d.reason = '' THEN 1 ELSE 0 END, ", bar!()
        ),
        concat!(
            "FROM asked CROSS JOIN delivery d JOIN issue i ON i.id = d.issue_id ", standing!(),
            " WHERE d.id = asked_id"
        )
    );
    /// Our leased rows, whether their issues are being sent, and whom not to mail.
    STANDING = gather!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id,
            CAST(r.value ->> 1 AS BIGINT) AS asked_gen FROM",
        concat!(
            "d.id, d.lease_gen, CASE WHEN i.state = 'sending' THEN 1 ELSE 0 END, ", bar!()
        ),
        concat!(
            "FROM asked CROSS JOIN delivery d JOIN issue i ON i.id = d.issue_id ", standing!(),
            " WHERE d.id = asked_id AND d.lease_gen = asked_gen AND d.lease_owner = $2
                AND d.state = 'leased' AND d.lease_until > $3"
        )
    );
    NEXT_DUE = both(
        "SELECT MIN(oldest) FROM (SELECT (SELECT MIN(d.due_at) FROM delivery d
             WHERE d.issue_id = i.id AND d.state IN ('pending', 'deferred')) AS oldest
            FROM issue i WHERE i.state = 'sending') AS q"
    );
}

impl Db {
    /// The issues being sent of which something is due, the most urgent first.
    pub async fn ready_issues(&self, now: UnixMillis) -> Result<Vec<ReadyIssue>, StoreError> {
        let rows: Vec<Two<IssueRow, UrgencyRow>> = self.all(&READY_ISSUES, args![now]).await?;
        let ready = |Two(issue, urgency): Two<IssueRow, UrgencyRow>| {
            Ok(ReadyIssue {
                issue: issue.try_into()?,
                priority: urgency.priority,
                oldest: UnixMillis(urgency.oldest),
            })
        };
        rows.into_iter().map(ready).collect()
    }

    /// Takes up to `limit` deliveries of an issue that are due, for `owner` until
    /// `lease_until`. Readers who may not be mailed any more are settled as suppressed in the
    /// same transaction and not returned; where that is all of them, it goes on with the next.
    pub async fn claim_deliveries(
        &self,
        owner: &str,
        issue: IssueId,
        now: UnixMillis,
        lease_until: UnixMillis,
        limit: usize,
    ) -> Result<Vec<Claimed>, StoreError> {
        for _ in 0..MOST_BARRED {
            let claimed = self.claim(owner, issue, now, lease_until, limit).await?;
            if claimed.as_ref().is_none_or(|some| !some.is_empty()) {
                return Ok(claimed.unwrap_or_default());
            }
        }
        Ok(Vec::new())
    }

    /// One transaction of a claim; `None` where nothing is due.
    async fn claim(
        &self,
        owner: &str,
        issue: IssueId,
        now: UnixMillis,
        lease_until: UnixMillis,
        limit: usize,
    ) -> Result<Option<Vec<Claimed>>, StoreError> {
        let mut tx = self.begin().await?;
        let ids = text(&mut tx, &PICK, args![issue, now, most(limit)]).await?;
        if ids == "[]" {
            return Ok(None);
        }
        tx.run(&LEASE, args![&ids, owner, lease_until, now]).await?;
        let rows = text(&mut tx, &LEASED, args![&ids]).await?;
        let rows: Vec<LeasedRow> = parsed("a batch of deliveries", &rows)?;
        let mut moves = Moves::default();
        let untried = most(rows.iter().filter(|row| row.10 == 1).count());
        moves.moved(issue.0, Pending, Leased, untried);
        moves.moved(issue.0, Deferred, Leased, most(rows.len()) - untried);
        let mut claimed = Vec::with_capacity(rows.len());
        let mut barred = Vec::new();
        for mut row in rows {
            match row.11.take() {
                Some(why) => barred.push((row.0, row.1, why)),
                None => claimed.push(claimed_of(issue, row)),
            }
        }
        suppress(&mut tx, &barred, owner, now, &mut moves).await?;
        moves.write(&mut tx).await?;
        tx.commit().await?;
        claimed.sort_unstable_by_key(|one| one.id);
        Ok(Some(claimed))
    }

    /// The look before messages leave: which of these deliveries may be sent. Not those whose
    /// lease ended or passed to another, nor those whose reader may not be mailed any more
    /// (settled as suppressed), nor those of an issue that was paused or cancelled meanwhile
    /// (given back).
    pub async fn confirm_deliveries(
        &self,
        deliveries: &[(DeliveryId, i64)],
        owner: &str,
        now: UnixMillis,
    ) -> Result<Vec<DeliveryId>, StoreError> {
        let rows: Vec<(i64, i64)> = deliveries.iter().map(|(id, held)| (id.0, *held)).collect();
        let rows: Option<(String,)> = self.one(&STANDING, args![&json(&rows), owner, now]).await?;
        let rows = rows.map_or_else(|| "[]".to_owned(), |(text,)| text);
        let rows: Vec<(i64, i64, i64, Option<String>)> = parsed("a batch of deliveries", &rows)?;
        let mut confirmed = Vec::with_capacity(rows.len());
        let (mut barred, mut resting) = (Vec::new(), Vec::new());
        for (id, generation, sending, why) in rows {
            match why {
                Some(why) => barred.push((id, generation, why)),
                None if sending == 1 => confirmed.push(DeliveryId(id)),
                None => resting.push((id, generation, None)),
            }
        }
        if !barred.is_empty() || !resting.is_empty() {
            let (mut tx, mut moves) = (self.begin().await?, Moves::default());
            suppress(&mut tx, &barred, owner, now, &mut moves).await?;
            give_back(&mut tx, &resting, owner, now, &mut moves).await?;
            moves.write(&mut tx).await?;
            tx.commit().await?;
        }
        confirmed.sort_unstable();
        Ok(confirmed)
    }

    /// When the next delivery of an issue being sent is due.
    pub async fn next_due(&self) -> Result<Option<UnixMillis>, StoreError> {
        let row: Option<(Option<i64>,)> = self.one(&NEXT_DUE, args![]).await?;
        Ok(row.and_then(|(at,)| at).map(UnixMillis))
    }
}

fn claimed_of(issue: IssueId, row: LeasedRow) -> Claimed {
    let reader = row.7.map(|subscriber| Reader {
        subscriber: SubscriberId(subscriber),
        address: row.8.unwrap_or_default(),
        name: row.9.unwrap_or_default(),
    });
    Claimed {
        id: DeliveryId(row.0),
        issue,
        generation: row.1,
        attempts: row.2,
        made_at: UnixMillis(row.3),
        since: UnixMillis(row.4),
        variant: row.5,
        recipient: if reader.is_some() {
            String::new()
        } else {
            row.6
        },
        reader,
    }
}
