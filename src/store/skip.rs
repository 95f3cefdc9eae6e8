//! Runs that make no issue: recorded, and the cursors moved past what was looked at.

use super::freeze::{VariantGroup, Variants, deliver, move_channel};
use super::ledger::lock_channel;
use super::planning::AudienceFilter;
use super::sql::{args, both, statements};
use super::{Db, StoreError};
use crate::domain::{IssueId, UnixMillis};

statements! {
    ADD_SKIPPED = both(
        "INSERT INTO schedule_run
            (channel, schedule, slot, zone, scheduled_at, outcome, why, issue_id, ran_at)
         VALUES ($1, $2, $3, $4, $5, 'skipped', $6, NULL, $7)
         ON CONFLICT (channel, schedule, slot) DO NOTHING"
    );
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
                move_channel(&mut tx, run.channel, run.upto).await?;
            }
        }
        tx.commit().await?;
        Ok(true)
    }
}
