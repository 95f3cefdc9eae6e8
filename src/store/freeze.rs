//! Freezing: the one transaction that makes an issue, its variants and its deliveries, and
//! moves the cursors of everyone it is for.
//!
//! Exactly once per `(channel, schedule, slot)`: the channel's row is locked first, then the
//! slot is looked for. A reader belongs to a group by cursor, topics and language at the very
//! moment of the freeze; whoever another issue served meanwhile, or who changed their wishes,
//! matches no group, gets nothing and keeps their cursor for the next run.

use super::counts::Moves;
use super::ledger::lock_channel;
use super::planning::{AudienceFilter, readers};
use super::sql::{Tx, args, both, dialects, json, list, statements};
use super::{Db, StoreError};
use crate::domain::{DeliveryState, IssueArticle, IssueId, IssueState, UnixMillis};

/// Readers of one cursor, topics and language, and what they get.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VariantGroup {
    /// As in [`super::AudienceGroup`].
    pub cursor: i64,
    /// As in [`super::AudienceGroup`].
    pub topics: Vec<String>,
    /// As in [`super::AudienceGroup`].
    pub language: Option<String>,
    /// The positions of their articles in the issue; `None`: nothing for them, they are only
    /// moved on.
    pub positions: Option<Vec<i64>>,
}

/// Who an issue is for.
#[derive(Debug, Clone)]
pub enum Recipients<'a> {
    /// Subscribers.
    Readers {
        /// Which of them.
        filter: AudienceFilter<'a>,
        /// What each group gets.
        groups: Vec<VariantGroup>,
    },
    /// One endpoint, a social account or a webhook: the channel's own cursor moves.
    Endpoint(String),
    /// Nobody is sent anything (a feed): the channel's own cursor moves.
    Nobody,
}

/// An issue about to be frozen.
#[derive(Debug, Clone)]
pub struct NewIssue<'a> {
    /// The channel.
    pub channel: String,
    /// The schedule's name.
    pub schedule: String,
    /// [`crate::domain::Slot`] as text.
    pub slot: String,
    /// The zone the slot was computed in.
    pub zone: String,
    /// The instant the schedule named.
    pub scheduled_at: UnixMillis,
    /// Where it starts: sending, waiting for approval, or done.
    pub state: IssueState,
    /// The subject or title, may be empty until composed.
    pub title: String,
    /// Its articles, in order.
    pub rows: Vec<IssueArticle>,
    /// The highest ledger number it covers: where cursors move to.
    pub upto: i64,
    /// Who gets it.
    pub recipients: Recipients<'a>,
    /// Smaller is sent first.
    pub priority: i64,
    /// The same for issues that are one page of the archive.
    pub content_key: String,
}

statements! {
    SLOT_TAKEN = both(
        "SELECT COUNT(*) FROM schedule_run WHERE channel = $1 AND schedule = $2 AND slot = $3"
    );
    NEXT_NUMBER = both(
        "UPDATE channel SET issue_newest = issue_newest + 1 WHERE name = $1 RETURNING issue_newest"
    );
    ADD_ISSUE = both(
        "INSERT INTO issue (channel, number, schedule, slot, state, title, created_at,
            finished_at, ledger_upto, content_key, priority)
         VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11) RETURNING id"
    );
    ADD_RUN = both(
        "INSERT INTO schedule_run
            (channel, schedule, slot, zone, scheduled_at, outcome, why, issue_id, ran_at)
         VALUES ($1, $2, $3, $4, $5, 'issued', '', $6, $7)"
    );
    ADD_SKIPPED = both(
        "INSERT INTO schedule_run
            (channel, schedule, slot, zone, scheduled_at, outcome, why, issue_id, ran_at)
         VALUES ($1, $2, $3, $4, $5, 'skipped', $6, NULL, $7)
         ON CONFLICT (channel, schedule, slot) DO NOTHING"
    );
    ADD_ARTICLES = list!(
        "INSERT INTO issue_article (issue_id, position, article_id, revision, ledger_number)
         SELECT $2, CAST(r.value ->> 0 AS BIGINT), CAST(r.value ->> 1 AS BIGINT),
            CAST(r.value ->> 2 AS BIGINT), CAST(r.value ->> 3 AS BIGINT) FROM",
        "WHERE TRUE"
    );
    ADD_VARIANTS = list!(
        "INSERT INTO variant (issue_id, variant, positions)
         SELECT $2, CAST(r.value ->> 0 AS BIGINT), r.value ->> 1 FROM",
        "WHERE TRUE"
    );
    ADD_ENDPOINT = both(
        "INSERT INTO delivery (issue_id, recipient, variant, state, made_at, since, due_at)
         VALUES ($1, $2, 0, 'pending', $3, $3, $3)"
    );
    NEWEST_DELIVERY = both("SELECT COALESCE(MAX(id), 0) FROM delivery");
    /// Ids grow, so that those of the issue lie between what was newest before and after.
    SPAN_DELIVERIES = both(
        "UPDATE issue SET first_delivery = $2,
            last_delivery = (SELECT COALESCE(MAX(id), 0) FROM delivery)
         WHERE id = $1"
    );
    MOVE_CHANNEL = both("UPDATE channel SET cursor = $2 WHERE name = $1 AND cursor < $2");
    /// A million rows take longer than a statement otherwise may.
    PATIENCE = dialects("SELECT TRUE", "SELECT set_config('statement_timeout', '15min', TRUE)");
    /// SQLite has no other writer meanwhile, so that inserting and moving see the same readers.
    /// CROSS JOIN keeps its order of tables: by group, each a look into the index, where its
    /// own choice is to hold every reader against every group.
    ADD_DELIVERIES = list!(
        "INSERT INTO delivery
            (issue_id, subscriber_id, variant, state, made_at, since, due_at)
         SELECT $7, p.subscriber_id, CAST(r.value ->> 3 AS BIGINT), 'pending', $8, $8, $8 FROM",
        concat!(
            "CROSS JOIN subscription p CROSS JOIN subscriber s
             WHERE p.cursor = CAST(r.value ->> 0 AS BIGINT) AND p.topics = r.value ->> 1
                AND s.id = p.subscriber_id AND COALESCE(s.language, '') = r.value ->> 2
                AND r.value ->> 3 IS NOT NULL AND ",
            readers!()
        )
    );
    MOVE_READERS = list!(
        "UPDATE subscription SET cursor = $7 WHERE channel = $2 AND cursor < $7
         AND subscriber_id IN (SELECT p.subscriber_id FROM",
        concat!(
            "CROSS JOIN subscription p CROSS JOIN subscriber s
             WHERE p.cursor = CAST(r.value ->> 0 AS BIGINT) AND p.topics = r.value ->> 1
                AND s.id = p.subscriber_id AND COALESCE(s.language, '') = r.value ->> 2 AND ",
            readers!(),
            ")"
        )
    );
    /// PostgreSQL: one statement, so that who is moved and who gets a delivery cannot differ.
    DELIVER_AND_MOVE = dialects("SELECT COUNT(*) FROM delivery WHERE FALSE", concat!(
        "WITH given AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_cursor,
            r.value ->> 1 AS given_topics, r.value ->> 2 AS given_language,
            CAST(r.value ->> 3 AS BIGINT) AS variant
            FROM json_array_elements(CAST($1 AS json)) AS r(value)),
         moved AS (UPDATE subscription AS p SET cursor = $7 FROM given g, subscriber s
             WHERE s.id = p.subscriber_id AND p.cursor = g.given_cursor
               AND p.topics = g.given_topics AND COALESCE(s.language, '') = g.given_language
               AND p.cursor < $7 AND ", readers!(), "
             RETURNING p.subscriber_id, g.variant)
         INSERT INTO delivery
            (issue_id, subscriber_id, variant, state, made_at, since, due_at)
         SELECT $8, subscriber_id, variant, 'pending', $9, $9, $9 FROM moved WHERE variant IS NOT NULL"
    ));
}

impl Db {
    /// Freezes an issue: its articles, its variants, one delivery per recipient, the run, and
    /// the cursors, all or nothing. `None`, and nothing happened, when the slot was taken, or
    /// when another issue has meanwhile served everyone it was for.
    pub async fn freeze_issue(
        &self,
        issue: &NewIssue<'_>,
        now: UnixMillis,
    ) -> Result<Option<IssueId>, StoreError> {
        let mut tx = self.begin().await?;
        let (_, cursor) = lock_channel(&mut tx, &issue.channel).await?;
        let key = args![&issue.channel, &issue.schedule, &issue.slot];
        let taken: Option<(i64,)> = tx.one(&SLOT_TAKEN, key).await?;
        if taken.is_some_and(|(n,)| n > 0) {
            return Ok(None);
        }
        let own_cursor = !matches!(issue.recipients, Recipients::Readers { .. });
        if own_cursor && issue.rows.iter().any(|row| row.ledger_number <= cursor) {
            return Ok(None);
        }
        let id = add_issue(&mut tx, issue, now).await?;
        let newest: Option<(i64,)> = tx.one(&NEWEST_DELIVERY, args![]).await?;
        let mut made = 0;
        match &issue.recipients {
            Recipients::Readers { filter, groups } => {
                let variants = Variants::of(groups);
                add_variants(&mut tx, id, &variants.positions).await?;
                made = deliver(&mut tx, id, issue.upto, filter, &variants.groups, now).await?;
                if made == 0 && !variants.positions.is_empty() {
                    return Ok(None);
                }
            }
            Recipients::Endpoint(name) => {
                let all: Vec<i64> = issue.rows.iter().map(|row| row.position).collect();
                add_variants(&mut tx, id, &[(0, all)]).await?;
                made = tx.run(&ADD_ENDPOINT, args![id, name, now]).await?;
            }
            Recipients::Nobody => {}
        }
        if own_cursor {
            tx.run(&MOVE_CHANNEL, args![&issue.channel, issue.upto])
                .await?;
        }
        if made > 0 {
            let first = newest.map_or(0, |(newest,)| newest) + 1;
            tx.run(&SPAN_DELIVERIES, args![id, first]).await?;
        }
        let mut moves = Moves::default();
        moves.made(id, DeliveryState::Pending, made);
        moves.write(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(id))
    }
}

/// A run that has nothing to say to anyone.
#[derive(Debug, Clone)]
pub struct EmptyRun<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The schedule's name.
    pub schedule: &'a str,
    /// [`crate::domain::Slot`] as text.
    pub slot: &'a str,
    /// The zone the slot was computed in.
    pub zone: &'a str,
    /// The instant the schedule named.
    pub scheduled_at: UnixMillis,
    /// Why, for people.
    pub why: &'a str,
    /// The ledger number that was looked at: cursors move there.
    pub upto: i64,
    /// Whose cursors; `None` is the channel's own.
    pub readers: Option<(AudienceFilter<'a>, Vec<VariantGroup>)>,
}

impl Db {
    /// Records a run as skipped and moves the cursors past what was looked at, so that the
    /// next run does not look at it again. False, and nothing happened, when the slot was
    /// taken.
    pub async fn pass_over(&self, run: &EmptyRun<'_>, now: UnixMillis) -> Result<bool, StoreError> {
        let mut tx = self.begin().await?;
        lock_channel(&mut tx, run.channel).await?;
        let values = args![
            run.channel,
            run.schedule,
            run.slot,
            run.zone,
            run.scheduled_at,
            run.why,
            now
        ];
        if tx.run(&ADD_SKIPPED, values).await? == 0 {
            return Ok(false);
        }
        match &run.readers {
            Some((filter, groups)) => {
                let mut groups = Variants::of(groups).groups;
                // There is no issue here, so nobody can be given a part of one.
                groups.iter_mut().for_each(|group| group.3 = None);
                deliver(&mut tx, IssueId(0), run.upto, filter, &groups, now).await?;
            }
            None => {
                tx.run(&MOVE_CHANNEL, args![run.channel, run.upto]).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}

/// Groups whose readers get the same share a variant.
struct Variants {
    /// Number and positions of each variant.
    positions: Vec<(i64, Vec<i64>)>,
    /// Each group with its variant: the rows of the statements' `$1`.
    groups: Vec<(i64, String, String, Option<i64>)>,
}

impl Variants {
    fn of(groups: &[VariantGroup]) -> Self {
        let mut positions: Vec<(i64, Vec<i64>)> = Vec::new();
        let mut numbers = std::collections::HashMap::new();
        let mut rows = Vec::with_capacity(groups.len());
        for group in groups {
            let variant = group.positions.as_ref().map(|list| {
                *numbers.entry(list).or_insert_with(|| {
                    let number = super::sql::most(positions.len());
                    positions.push((number, list.clone()));
                    number
                })
            });
            let language = group.language.clone().unwrap_or_default();
            rows.push((group.cursor, json(&group.topics), language, variant));
        }
        Self {
            positions,
            groups: rows,
        }
    }
}

async fn add_issue(
    tx: &mut Tx,
    issue: &NewIssue<'_>,
    now: UnixMillis,
) -> Result<IssueId, StoreError> {
    let number: Option<(i64,)> = tx.one(&NEXT_NUMBER, args![&issue.channel]).await?;
    let number = number.map_or(1, |(number,)| number);
    let finished = (issue.state == IssueState::Done).then_some(now);
    let values = args![
        &issue.channel,
        number,
        &issue.schedule,
        &issue.slot,
        issue.state.as_str(),
        &issue.title,
        now,
        finished,
        issue.upto,
        &issue.content_key,
        issue.priority,
    ];
    let id: Option<(i64,)> = tx.one(&ADD_ISSUE, values).await?;
    let id = IssueId(id.map_or(0, |(id,)| id));
    let run = args![
        &issue.channel,
        &issue.schedule,
        &issue.slot,
        &issue.zone,
        issue.scheduled_at,
        id,
        now,
    ];
    tx.run(&ADD_RUN, run).await?;
    let rows: Vec<_> = issue
        .rows
        .iter()
        .map(|row| (row.position, row.article.0, row.revision, row.ledger_number))
        .collect();
    tx.run(&ADD_ARTICLES, args![&json(&rows), id]).await?;
    Ok(id)
}

async fn add_variants(
    tx: &mut Tx,
    id: IssueId,
    variants: &[(i64, Vec<i64>)],
) -> Result<(), StoreError> {
    // The positions travel as text within the list, so that both databases store them as is.
    let rows: Vec<(i64, String)> = variants.iter().map(|(n, list)| (*n, json(list))).collect();
    tx.run(&ADD_VARIANTS, args![&json(&rows), id])
        .await
        .map(drop)
}

/// Lets the statements of this transaction take their time.
pub(super) async fn patiently(tx: &mut Tx) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(_) => tx.one::<(String,)>(&PATIENCE, args![]).await.map(drop),
    }
}

/// Makes the readers' deliveries and moves their cursors; how many deliveries were made.
async fn deliver(
    tx: &mut Tx,
    id: IssueId,
    upto: i64,
    filter: &AudienceFilter<'_>,
    groups: &[(i64, String, String, Option<i64>)],
    now: UnixMillis,
) -> Result<i64, StoreError> {
    let groups = json(&groups);
    let (channel, schedule, is_default, zone, unset) = filter.values();
    match tx {
        Tx::Sqlite(_) => {
            let values = args![&groups, channel, schedule, is_default, zone, unset, id, now];
            let made = tx.run(&ADD_DELIVERIES, values).await?;
            let values = args![&groups, channel, schedule, is_default, zone, unset, upto];
            tx.run(&MOVE_READERS, values).await?;
            Ok(made)
        }
        Tx::Postgres(_) => {
            patiently(tx).await?;
            let values = args![
                &groups, channel, schedule, is_default, zone, unset, upto, id, now
            ];
            tx.run(&DELIVER_AND_MOVE, values).await
        }
    }
}
