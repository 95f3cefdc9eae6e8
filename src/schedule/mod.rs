//! When a channel publishes: a cron expression read on the wall clock of a time zone.
//!
//! The `cron` crate does the calendar and jiff the clock. The crate alone differs from what
//! operators know from crontab(5): it wants a seconds field, counts weekdays from 1 = Sunday,
//! ANDs the two day fields, skips a local time the clocks jump over in spring and fires twice
//! for one they repeat in autumn. So it is only ever asked about *civil* time handed over as
//! UTC, where no hour is missing or repeated, and the answer is mapped to an instant here:
//!
//! * an expression with no `*` in its minute and hour fields names times of day: one that is
//!   skipped fires at the first instant after the gap, one that is repeated fires once;
//! * any other names an interval and follows real time through both halves of a repeated hour.
//!
//! It promises that [`Schedule::next_after`] is always later than what it was asked about.

mod clock;
mod expression;
mod field;
#[cfg(test)]
mod tests;

use std::sync::Arc;

use jiff::tz::TimeZone;

use crate::domain::UnixMillis;
pub use clock::time_zone;
use expression::Expression;

/// A cron expression and the time zone whose wall clock it is read on.
#[derive(Debug, Clone)]
pub struct Schedule {
    expression: Arc<Expression>,
    zone: TimeZone,
    zone_name: Arc<str>,
}

/// Why a schedule or a time zone was refused, in the operator's own words.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not five or six fields.
    #[error(
        "`{expression}` has {count}, but a schedule has five: minute, hour, day of month, month \
         and weekday, as in `0 7 * * MON` (six with seconds in front)"
    )]
    FieldCount {
        /// What was written.
        expression: String,
        /// How many fields that is, in words.
        count: String,
    },
    /// One field says something it cannot say.
    #[error("{reason} (in `{expression}`)")]
    Field {
        /// What was written.
        expression: String,
        /// What is wrong with it and what to write instead.
        reason: String,
    },
    /// An `@name` that is not one of the known ones.
    #[error("`{expression}` is not a schedule Courant knows: {advice}")]
    Nickname {
        /// What was written.
        expression: String,
        /// What to write instead.
        advice: String,
    },
    /// A date that no calendar has.
    #[error(
        "`{expression}` never comes: no month it names has such a day; change the day of month \
         or the month"
    )]
    NeverFires {
        /// What was written.
        expression: String,
    },
    /// A time zone that the zone database does not have.
    #[error("there is no time zone `{name}`: {advice}")]
    UnknownZone {
        /// What was written.
        name: String,
        /// What to write instead.
        advice: String,
    },
}

impl Schedule {
    /// The most occurrences that [`Schedule::latest_between`] counts.
    pub const MOST_COUNTED: u32 = 1000;

    /// Parses standard cron (five fields, or six with seconds in front, or `@daily` and its
    /// like) for the wall clock of an IANA time zone.
    ///
    /// # Errors
    /// When the expression or the zone is not one, or names a date that never comes.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, ScheduleError> {
        let expression = Arc::new(Expression::parse(expression)?);
        Self::on_the_clock_of(expression, zone)
    }

    /// The same expression on another zone's wall clock (07:00 where the reader is).
    ///
    /// # Errors
    /// When there is no such zone.
    pub fn in_zone(&self, zone: &str) -> Result<Self, ScheduleError> {
        Self::on_the_clock_of(Arc::clone(&self.expression), zone)
    }

    fn on_the_clock_of(expression: Arc<Expression>, zone: &str) -> Result<Self, ScheduleError> {
        let tz = time_zone(zone)?;
        let zone_name = tz.iana_name().unwrap_or(zone).into();
        Ok(Self {
            expression,
            zone: tz,
            zone_name,
        })
    }

    /// The expression as the operator wrote it.
    #[must_use]
    pub fn expression(&self) -> &str {
        self.expression.text()
    }

    /// The name of the time zone, `Asia/Karachi`.
    #[must_use]
    pub fn zone(&self) -> &str {
        &self.zone_name
    }

    /// The first time strictly after `after` that the schedule names; `None` when there is
    /// none left (the calendar of the `cron` crate ends with the year 2100).
    #[must_use]
    pub fn next_after(&self, after: UnixMillis) -> Option<UnixMillis> {
        let after = after.0.div_euclid(1000);
        let next = if self.expression.names_times_of_day() {
            clock::next_time_of_day(&self.expression, &self.zone, after)
        } else {
            clock::next_of_interval(&self.expression, &self.zone, after)
        }?;
        Some(UnixMillis(next * 1000))
    }

    /// The latest time after `after` and not after `upto` that the schedule names, and how many
    /// there were, counted up to [`Schedule::MOST_COUNTED`].
    ///
    /// This is what a daemon asks after downtime. The cost does not grow with the downtime: the
    /// latest is looked for backwards in widening windows, so a schedule of every minute is as
    /// cheap after a year as after a day.
    #[must_use]
    pub fn latest_between(&self, after: UnixMillis, upto: UnixMillis) -> Option<(UnixMillis, u32)> {
        let first = self.next_after(after).filter(|first| *first <= upto)?;
        let mut window_ms: i64 = 60_000;
        let start = loop {
            let from = after.max(upto.plus_ms(-window_ms));
            if let Some(start) = self.next_after(from).filter(|start| *start <= upto) {
                break start;
            }
            window_ms = window_ms.saturating_mul(2);
        };
        let latest = self.upto(start, upto).last().unwrap_or(start);
        let most = usize::try_from(Self::MOST_COUNTED).unwrap_or(usize::MAX);
        let count = self.upto(first, upto).take(most).count();
        Some((latest, u32::try_from(count).unwrap_or(Self::MOST_COUNTED)))
    }

    /// The occurrences from `first`, which is one, up to and including `upto`.
    fn upto(&self, first: UnixMillis, upto: UnixMillis) -> impl Iterator<Item = UnixMillis> {
        std::iter::successors(Some(first), |at| self.next_after(*at))
            .take_while(move |at| *at <= upto)
    }
}

/// Two schedules are equal when they were written alike and run on the same clock.
impl PartialEq for Schedule {
    fn eq(&self, other: &Self) -> bool {
        self.expression() == other.expression() && self.zone() == other.zone()
    }
}

impl Eq for Schedule {}
