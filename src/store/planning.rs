//! What planning needs to know: runs that happened, and who waits for what.

use std::collections::HashSet;

use super::rows::{parsed, row};
use super::sql::{args, both, json, list, statements};
use super::{Db, StoreError};
use crate::domain::{UnixMillis, words};

/// A clock that is corrected goes back by less, in milliseconds.
const AHEAD: i64 = 86_400_000;

words! {
    /// How a scheduled run ended.
    RunOutcome {
        /// It made an issue.
        Issued = "issued",
        /// There was nothing to say.
        Skipped = "skipped",
        /// It was not made up for after downtime, or lies before the schedule's start.
        Missed = "missed",
    }
}

/// Which readers' time zones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ZoneFilter<'a> {
    /// Readers everywhere.
    Any,
    /// Readers who named this zone.
    Is(&'a str),
    /// Readers who named this zone or none.
    IsOrUnset(&'a str),
}

impl<'a> ZoneFilter<'a> {
    /// The zone to match, and whether readers without one are meant too.
    fn parts(self) -> (Option<&'a str>, bool) {
        match self {
            Self::Any => (None, true),
            Self::Is(zone) => (Some(zone), false),
            Self::IsOrUnset(zone) => (Some(zone), true),
        }
    }
}

/// The readers of a channel that one run serves: active and not suppressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AudienceFilter<'a> {
    /// The channel.
    pub channel: &'a str,
    /// The schedule they picked; `None`: any.
    pub schedule: Option<&'a str>,
    /// Whether it is the channel's default, so that those who picked none are meant too.
    pub is_default: bool,
    /// Their zones.
    pub zone: ZoneFilter<'a>,
}

impl<'a> AudienceFilter<'a> {
    /// The values of `$2` to `$6` in [`readers!`].
    pub(super) fn values(&self) -> (&'a str, Option<&'a str>, bool, Option<&'a str>, bool) {
        let (zone, unset) = self.zone.parts();
        (self.channel, self.schedule, self.is_default, zone, unset)
    }
}

/// Readers who have been served up to the same number and want the same.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AudienceGroup {
    /// The ledger number up to which they have been served.
    pub cursor: i64,
    /// The topics they want, sorted; empty for all.
    pub topics: Vec<String>,
    /// Their language, where they said.
    pub language: Option<String>,
    /// How many they are.
    pub readers: i64,
}

/// The condition, over `subscription p` and `subscriber s`, that picks an [`AudienceFilter`].
macro_rules! readers {
    () => {
        "p.channel = $2 AND p.state = 'active'
         AND (p.schedule = $3 OR $3 IS NULL OR ($4 AND p.schedule IS NULL))
         AND (s.timezone = $5 OR $5 IS NULL OR ($6 AND s.timezone IS NULL))
         AND NOT EXISTS (SELECT 1 FROM suppression x WHERE x.address_key = s.address_key)"
    };
}
pub(super) use readers;

row! {
    struct GroupRow { cursor: i64, topics: String, language: Option<String>, readers: i64, }
}

statements! {
    CURSOR = both("SELECT cursor FROM channel WHERE name = $1");
    LAST_SCHEDULED = both(
        "SELECT MAX(scheduled_at) FROM schedule_run
         WHERE channel = $1 AND schedule = $2 AND zone = $3 AND scheduled_at <= $4"
    );
    START = both(
        "INSERT INTO schedule_run
            (channel, schedule, slot, zone, scheduled_at, outcome, why, issue_id, ran_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $5)
         ON CONFLICT (channel, schedule, slot) DO UPDATE SET
            scheduled_at = excluded.scheduled_at, ran_at = excluded.ran_at
         WHERE schedule_run.scheduled_at > excluded.scheduled_at"
    );
    TAKEN_SLOTS = list!(
        "WITH asked AS (SELECT r.value ->> 0 AS asked_slot FROM",
        ") SELECT q.asked_slot FROM asked q CROSS JOIN schedule_run r
         WHERE r.channel = $2 AND r.schedule = $3 AND r.slot = q.asked_slot"
    );
    RECORD_RUN = both(
        "INSERT INTO schedule_run
            (channel, schedule, slot, zone, scheduled_at, outcome, why, issue_id, ran_at)
         VALUES ($1, $2, $3, $4, $5, $6, $7, NULL, $8)
         ON CONFLICT (channel, schedule, slot) DO NOTHING"
    );
    RUNS = both(
        "SELECT schedule, slot, outcome, why, ran_at FROM schedule_run WHERE channel = $1
         AND slot NOT LIKE 'start %' ORDER BY ran_at DESC, slot LIMIT $2"
    );
    ZONES = both(
        "SELECT DISTINCT s.timezone FROM subscription p
         JOIN subscriber s ON s.id = p.subscriber_id
         WHERE p.channel = $1 AND p.state = 'active'
           AND (p.schedule = $2 OR ($3 AND p.schedule IS NULL))"
    );
    AUDIENCE = both(concat!(
        "SELECT p.cursor, p.topics, s.language, COUNT(*) AS readers FROM subscription p
         JOIN subscriber s ON s.id = p.subscriber_id
         WHERE p.cursor < $1 AND ", readers!(),
        " GROUP BY p.cursor, p.topics, s.language"
    ));
}

impl Db {
    /// The ledger number up to which a channel without subscribers has been published.
    pub async fn channel_cursor(&self, channel: &str) -> Result<i64, StoreError> {
        let row: Option<(i64,)> = self.one(&CURSOR, args![channel]).await?;
        Ok(row.map_or(0, |(cursor,)| cursor))
    }

    /// The newest instant a schedule is done with in a zone; `None` when it was never started.
    /// Runs more than a day after `now` are of a clock that was wrong, and keep nothing waiting.
    pub async fn last_scheduled(
        &self,
        channel: &str,
        schedule: &str,
        zone: &str,
        now: UnixMillis,
    ) -> Result<Option<UnixMillis>, StoreError> {
        let values = args![channel, schedule, zone, now.plus_ms(AHEAD)];
        let row: Option<(Option<i64>,)> = self.one(&LAST_SCHEDULED, values).await?;
        Ok(row.and_then(|(at,)| at).map(UnixMillis))
    }

    /// Those of `slots` that a schedule is done with.
    pub async fn taken_slots(
        &self,
        channel: &str,
        schedule: &str,
        slots: &[String],
    ) -> Result<HashSet<String>, StoreError> {
        let slots: Vec<[&String; 1]> = slots.iter().map(|slot| [slot]).collect();
        let rows: Vec<(String,)> = self
            .all(&TAKEN_SLOTS, args![&json(&slots), channel, schedule])
            .await?;
        Ok(rows.into_iter().map(|(slot,)| slot).collect())
    }

    /// Records that a schedule was first seen at `at` in a zone, so that nothing before fires.
    /// Where it was seen before, nothing happens, unless that was by a clock far ahead.
    pub async fn start_schedule(
        &self,
        channel: &str,
        schedule: &str,
        zone: &str,
        at: UnixMillis,
    ) -> Result<(), StoreError> {
        let slot = format!("start {zone}");
        let (outcome, why) = (RunOutcome::Missed.as_str(), "the schedule starts here");
        let values = args![channel, schedule, &slot, zone, at, outcome, why];
        self.run(&START, values).await.map(drop)
    }

    /// Records a run that made no issue, with why. Cursors stay. `false` when the slot has a
    /// record already.
    #[expect(
        clippy::too_many_arguments,
        reason = "the columns of one row, all of them needed"
    )]
    pub async fn record_run(
        &self,
        channel: &str,
        schedule: &str,
        slot: &str,
        zone: &str,
        scheduled_at: UnixMillis,
        outcome: RunOutcome,
        why: &str,
        now: UnixMillis,
    ) -> Result<bool, StoreError> {
        let values = args![
            channel,
            schedule,
            slot,
            zone,
            scheduled_at,
            outcome.as_str(),
            why,
            now
        ];
        Ok(self.run(&RECORD_RUN, values).await? > 0)
    }

    /// A channel's newest runs: schedule, slot, outcome, why, when.
    pub async fn runs(
        &self,
        channel: &str,
        limit: usize,
    ) -> Result<Vec<(String, String, String, String, UnixMillis)>, StoreError> {
        let values = args![channel, super::sql::most(limit)];
        let rows: Vec<(String, String, String, String, i64)> = self.all(&RUNS, values).await?;
        let line = |(a, b, c, d, at)| (a, b, c, d, UnixMillis(at));
        Ok(rows.into_iter().map(line).collect())
    }

    /// The zones of the active readers on a schedule; `None` stands for readers without one.
    pub async fn audience_zones(
        &self,
        channel: &str,
        schedule: &str,
        is_default: bool,
    ) -> Result<Vec<Option<String>>, StoreError> {
        let rows: Vec<(Option<String>,)> = self
            .all(&ZONES, args![channel, schedule, is_default])
            .await?;
        let mut zones: Vec<_> = rows.into_iter().map(|(zone,)| zone).collect();
        zones.sort();
        Ok(zones)
    }

    /// The readers of a run who have not been served up to `below`, in groups.
    pub async fn audience(
        &self,
        filter: &AudienceFilter<'_>,
        below: i64,
    ) -> Result<Vec<AudienceGroup>, StoreError> {
        let (channel, schedule, is_default, zone, unset) = filter.values();
        let values = args![below, channel, schedule, is_default, zone, unset];
        let rows: Vec<GroupRow> = self.all(&AUDIENCE, values).await?;
        let group = |row: GroupRow| {
            Ok(AudienceGroup {
                cursor: row.cursor,
                topics: parsed("a subscription's topics", &row.topics)?,
                language: row.language,
                readers: row.readers,
            })
        };
        let mut groups: Vec<_> = rows
            .into_iter()
            .map(group)
            .collect::<Result<_, StoreError>>()?;
        groups.sort();
        Ok(groups)
    }
}
