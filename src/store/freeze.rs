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

/// So many new deliveries change what is known of the table.
const MANY: i64 = 10_000;

/// The groups of `$1`: the beginning of a statement.
macro_rules! given {
    () => {
        "WITH given AS MATERIALIZED (SELECT CAST(r.value ->> 0 AS BIGINT) AS given_cursor,
            CAST(r.value ->> 1 AS TEXT) AS given_topics,
            CAST(r.value ->> 2 AS TEXT) AS given_language,
            CAST(r.value ->> 3 AS BIGINT) AS given_variant FROM"
    };
}

/// The readers of an [`AudienceFilter`] who are in one of the groups.
macro_rules! among {
    () => {
        concat!(
            "s.id = p.subscriber_id AND p.cursor = given_cursor AND p.topics = given_topics
             AND COALESCE(s.language, '') = given_language AND ",
            readers!()
        )
    };
}

statements! {
    SLOT_TAKEN = both(
        "SELECT COUNT(*) FROM schedule_run WHERE channel = $1 AND schedule = $2 AND slot = $3"
    );
    WITHDRAWN_AMONG = list!(
        "WITH asked AS (SELECT CAST(r.value ->> 0 AS BIGINT) AS asked_id FROM",
        ") SELECT COUNT(*) FROM asked q CROSS JOIN article a
         WHERE a.id = q.asked_id AND a.state IN ('retracted', 'ignored')"
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
        "UPDATE issue SET first_delivery = COALESCE(first_delivery, $2),
            last_delivery = (SELECT COALESCE(MAX(id), 0) FROM delivery)
         WHERE id = $1"
    );
    /// PostgreSQL may have last looked when the table was empty; until it looks again, minutes
    /// later, it would read all of a million rows to find a batch.
    ANALYZE = dialects("SELECT TRUE", "ANALYZE delivery");
    MOVE_CHANNEL = both("UPDATE channel SET cursor = $2 WHERE name = $1 AND cursor < $2");
    /// A million rows take longer than a statement otherwise may; but no longer than planning may
    /// be silent before systemd is told nothing more (docs/scale.md, "A hundred million").
    PATIENCE = dialects("SELECT TRUE", "SELECT set_config('statement_timeout', '15min', TRUE)");
    /// SQLite has no other writer meanwhile, so that inserting and moving see the same readers.
    /// CROSS JOIN keeps its order of tables: the readers as their rows lie, each looked up among
    /// the groups. The casts let SQLite make an index of the groups by all that it looks for.
    ADD_DELIVERIES = list!(
        given!(),
        concat!(
            ") INSERT INTO delivery
                (issue_id, subscriber_id, variant, state, made_at, since, due_at)
             SELECT $7, p.subscriber_id, given_variant, 'pending', $8, $8, $8
             FROM subscription p CROSS JOIN subscriber s CROSS JOIN given
             WHERE given_variant IS NOT NULL AND ", among!()
        )
    );
    MOVE_READERS = list!(
        given!(),
        concat!(
            ") UPDATE subscription AS p SET cursor = $7 FROM subscriber s CROSS JOIN given
             WHERE p.cursor < $7 AND ", among!()
        )
    );
    /// PostgreSQL: one statement, so that who is moved and who gets a delivery cannot differ.
    DELIVER_AND_MOVE = dialects("SELECT COUNT(*) FROM delivery WHERE FALSE", concat!(
        given!(), " json_array_elements(CAST($1 AS json)) AS r(value)),
         moved AS (UPDATE subscription AS p SET cursor = $7 FROM subscriber s CROSS JOIN given
             WHERE p.cursor < $7 AND ", among!(), "
             RETURNING p.subscriber_id, given_variant)
         INSERT INTO delivery (issue_id, subscriber_id, variant, state, made_at, since, due_at)
         SELECT $8, subscriber_id, given_variant, 'pending', $9, $9, $9 FROM moved
         WHERE given_variant IS NOT NULL"
    ));
}

impl Db {
    /// Freezes an issue: its articles, its variants, one delivery per recipient, the run, and
    /// the cursors, all or nothing. `None`, and nothing happened, when the slot was taken, when
    /// another issue has meanwhile served everyone it was for, or when one of its articles has
    /// been withdrawn since it was planned: the next look plans it without.
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
        let articles: Vec<[i64; 1]> = issue.rows.iter().map(|row| [row.article.0]).collect();
        let gone: Option<(i64,)> = tx.one(&WITHDRAWN_AMONG, args![&json(&articles)]).await?;
        if gone.is_some_and(|(n,)| n > 0) {
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
            move_channel(&mut tx, &issue.channel, issue.upto).await?;
        }
        if made > 0 {
            let first = newest.map_or(0, |(newest,)| newest) + 1;
            span_deliveries(&mut tx, id, first).await?;
        }
        if made >= MANY && matches!(tx, Tx::Postgres(_)) {
            tx.run(&ANALYZE, args![]).await?;
        }
        let mut moves = Moves::default();
        moves.made(id, DeliveryState::Pending, made);
        moves.write(&mut tx).await?;
        tx.commit().await?;
        Ok(Some(id))
    }
}

/// Groups whose readers get the same share a variant.
pub(super) struct Variants {
    /// Number and positions of each variant.
    positions: Vec<(i64, Vec<i64>)>,
    /// Each group with its variant: the rows of the statements' `$1`.
    pub groups: Vec<(i64, String, String, Option<i64>)>,
}

impl Variants {
    pub fn of(groups: &[VariantGroup]) -> Self {
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

/// Notes where an issue's deliveries lie, the newest of all being among them.
pub(super) async fn span_deliveries(
    tx: &mut Tx,
    id: IssueId,
    first: i64,
) -> Result<(), StoreError> {
    tx.run(&SPAN_DELIVERIES, args![id, first]).await.map(drop)
}

/// Moves a channel's own cursor.
pub(super) async fn move_channel(tx: &mut Tx, channel: &str, upto: i64) -> Result<(), StoreError> {
    tx.run(&MOVE_CHANNEL, args![channel, upto]).await.map(drop)
}

/// Lets the statements of this transaction take their time.
pub(super) async fn patiently(tx: &mut Tx) -> Result<(), StoreError> {
    match tx {
        Tx::Sqlite(_) => Ok(()),
        Tx::Postgres(_) => tx.one::<(String,)>(&PATIENCE, args![]).await.map(drop),
    }
}

/// Makes the readers' deliveries and moves their cursors; how many deliveries were made.
pub(super) async fn deliver(
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
