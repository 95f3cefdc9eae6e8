//! Planning: when a channel publishes, and what, and to whom; frozen in one transaction.
//!
//! An issue's rows are those above the lowest cursor among its recipients, up to the newest.
//! Each reader's variant is the rows above their own cursor that suit their topics, and the
//! cursors move in the transaction that makes the deliveries. So membership in the ledger
//! decides, never a date, and nobody misses or repeats an article whatever cadence they
//! change to.
//!
//! Any number of daemons may plan at once: an issue is unique per channel, schedule and slot.
//! This module knows when; `issue` knows what and to whom.

mod issue;

use std::collections::BTreeSet;

use tracing::{info, warn};

use crate::config::{ChannelSchedule, Missed};
use crate::domain::{IssueId, Slot, UnixMillis};
use crate::store::{AudienceFilter, RunOutcome, StoreError, ZoneFilter};

use super::App;
use super::app::{Form, OpenChannel};
use issue::publish;

/// A run this late is no longer on time: `missed = "skip"` leaves it out.
const ON_TIME_MS: i64 = 5 * 60 * 1000;
/// Issues that one look at an `each` schedule makes at most; the rest follow at the next.
const MOST_AT_ONCE: usize = 1000;

/// What planning did, for logs, tests and the command line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Planned {
    /// The channel.
    pub channel: String,
    /// The schedule.
    pub schedule: String,
    /// The issue, or why there is none.
    pub result: Result<IssueId, String>,
}

/// One occasion to publish.
struct Occasion<'a> {
    channel: &'a OpenChannel,
    schedule: &'a str,
    slot: Slot,
    zone: &'a str,
    scheduled_at: UnixMillis,
    filter: AudienceFilter<'a>,
    /// The newest ledger number it may take.
    upto: i64,
}

/// Plans every channel's schedules at `now`.
///
/// # Errors
/// The store's. A channel whose template fails gets a paused issue and the others go on.
pub async fn plan(app: &App, now: UnixMillis) -> Result<Vec<Planned>, StoreError> {
    let mut planned = Vec::new();
    for channel in app.channels.values() {
        for (name, schedule) in &channel.config.schedules {
            match schedule {
                ChannelSchedule::Each => plan_each(app, channel, name, now, &mut planned).await?,
                ChannelSchedule::Cron(_) => {
                    plan_cron(app, channel, name, now, &mut planned).await?;
                }
            }
        }
    }
    Ok(planned)
}

/// `each`: one issue per ledger row, in order.
async fn plan_each(
    app: &App,
    channel: &OpenChannel,
    schedule: &str,
    now: UnixMillis,
    planned: &mut Vec<Planned>,
) -> Result<(), StoreError> {
    let id = &channel.config.id;
    let newest = app.db.ledger_newest(id).await?;
    let filter = filter(channel, Some(schedule), ZoneFilter::Any);
    let lowest = lowest_cursor(app, channel, &filter, newest).await?;
    let Some(lowest) = lowest else { return Ok(()) };
    // Whoever changed to this schedule is behind the others and waits for the next article; the
    // numbers in between are done.
    let slots: Vec<String> = (lowest + 1..=newest)
        .map(|number| Slot::Row(number).to_string())
        .collect();
    let taken = app.db.taken_slots(id, schedule, &slots).await?;
    let open = (lowest + 1..=newest)
        .zip(slots)
        .filter(|(_, slot)| !taken.contains(slot));
    for (number, _) in open.take(MOST_AT_ONCE) {
        let occasion = Occasion {
            channel,
            schedule,
            slot: Slot::Row(number),
            zone: "",
            scheduled_at: now,
            filter,
            upto: number,
        };
        if let Some(result) = publish(app, occasion, now).await? {
            planned.push(Planned {
                channel: id.clone(),
                schedule: schedule.to_owned(),
                result,
            });
        }
    }
    Ok(())
}

/// Cron: one issue per zone whose wall clock has reached the schedule's time.
async fn plan_cron(
    app: &App,
    channel: &OpenChannel,
    schedule: &str,
    now: UnixMillis,
    planned: &mut Vec<Planned>,
) -> Result<(), StoreError> {
    for zone in zones(app, channel, schedule).await? {
        if let Some(result) = plan_zone(app, channel, schedule, &zone, now).await? {
            let channel = channel.config.id.clone();
            planned.push(Planned {
                channel,
                schedule: schedule.to_owned(),
                result,
            });
        }
    }
    Ok(())
}

/// One schedule on one zone's wall clock. `None`: it is not time, or somebody else has done it.
async fn plan_zone(
    app: &App,
    channel: &OpenChannel,
    schedule: &str,
    zone: &str,
    now: UnixMillis,
) -> Result<Option<Result<IssueId, String>>, StoreError> {
    let id = &channel.config.id;
    let Some(ChannelSchedule::Cron(cron)) = channel.config.schedules.get(schedule) else {
        return Ok(None);
    };
    let cron = match cron.in_zone(zone) {
        Ok(cron) => cron,
        Err(error) => {
            warn!(channel.name = id, error = %error, "a reader's zone is unknown");
            return Ok(None);
        }
    };
    let Some(last) = app.db.last_scheduled(id, schedule, zone, now).await? else {
        app.db.start_schedule(id, schedule, zone, now).await?;
        return Ok(None);
    };
    let Some((at, _)) = cron.latest_between(last, now) else {
        return Ok(None);
    };
    let slot = Slot::At {
        at,
        zone: zone.to_owned(),
    };
    if now.0 - at.0 > ON_TIME_MS && channel.config.missed == Missed::Skip {
        let why = "the daemon was not running at that time, and missed = \"skip\"";
        info!(channel.name = id, schedule, slot = %slot, why, "no issue");
        let slot = slot.to_string();
        app.db
            .record_run(id, schedule, &slot, zone, at, RunOutcome::Missed, why, now)
            .await?;
        return Ok(None);
    }
    let own = channel.config.timezone == zone;
    let local = channel.config.local_time && matches!(channel.form, Form::Email(_));
    let readers = match (local, own) {
        (false, _) => ZoneFilter::Any,
        (true, true) => ZoneFilter::IsOrUnset(zone),
        (true, false) => ZoneFilter::Is(zone),
    };
    let occasion = Occasion {
        channel,
        schedule,
        slot,
        zone,
        scheduled_at: at,
        filter: filter(channel, Some(schedule), readers),
        upto: app.db.ledger_newest(id).await?,
    };
    publish(app, occasion, now).await
}

/// Publishes `channel` now, to everybody it has something for, whatever their schedule.
/// `Err` of the inner result says why there is no issue.
///
/// # Errors
/// The store's.
pub async fn publish_now(
    app: &App,
    channel: &OpenChannel,
    now: UnixMillis,
) -> Result<Result<IssueId, String>, StoreError> {
    let occasion = Occasion {
        channel,
        schedule: "manual",
        slot: Slot::Manual(now),
        zone: "",
        scheduled_at: now,
        filter: filter(channel, None, ZoneFilter::Any),
        upto: app.db.ledger_newest(&channel.config.id).await?,
    };
    let result = publish(app, occasion, now).await?;
    Ok(result.unwrap_or_else(|| Err("an issue was made at this very instant".to_owned())))
}

/// How many an issue made now would go to.
///
/// # Errors
/// The store's.
pub async fn readers_of(app: &App, channel: &OpenChannel) -> Result<i64, StoreError> {
    if !matches!(channel.form, Form::Email(_)) {
        return Ok(1);
    }
    let newest = app.db.ledger_newest(&channel.config.id).await?;
    let groups = app
        .db
        .audience(&filter(channel, None, ZoneFilter::Any), newest)
        .await?;
    Ok(groups.iter().map(|group| group.readers).sum())
}

/// The zones on whose wall clocks a schedule runs.
async fn zones(
    app: &App,
    channel: &OpenChannel,
    schedule: &str,
) -> Result<BTreeSet<String>, StoreError> {
    let mut zones = BTreeSet::from([channel.config.timezone.clone()]);
    if channel.config.local_time && matches!(channel.form, Form::Email(_)) {
        let is_default = channel.config.default_schedule == schedule;
        let named = app
            .db
            .audience_zones(&channel.config.id, schedule, is_default)
            .await?;
        zones.extend(named.into_iter().flatten());
    }
    Ok(zones)
}

fn filter<'a>(
    channel: &'a OpenChannel,
    schedule: Option<&'a str>,
    zone: ZoneFilter<'a>,
) -> AudienceFilter<'a> {
    AudienceFilter {
        channel: &channel.config.id,
        schedule,
        is_default: schedule == Some(channel.config.default_schedule.as_str()),
        zone,
    }
}

/// The lowest cursor below `newest` among the recipients, if there is one.
async fn lowest_cursor(
    app: &App,
    channel: &OpenChannel,
    filter: &AudienceFilter<'_>,
    newest: i64,
) -> Result<Option<i64>, StoreError> {
    if !matches!(channel.form, Form::Email(_)) {
        let cursor = app.db.channel_cursor(&channel.config.id).await?;
        return Ok((cursor < newest).then_some(cursor));
    }
    let groups = app.db.audience(filter, newest).await?;
    Ok(groups.iter().map(|group| group.cursor).min())
}
