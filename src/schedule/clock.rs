//! From civil time to instants, and the time zones it is done with.
//!
//! Everything here counts whole seconds: instants since 1970 in UTC, civil times as if the
//! wall clock showed UTC. That is exact, as neither cron nor zone rules know smaller ones.

use std::fmt::Write as _;

use jiff::Timestamp;
use jiff::tz::{AmbiguousOffset, TimeZone};

use super::ScheduleError;
use super::expression::Expression;

/// The first instant after `after` for an expression that names times of day.
///
/// Mapping keeps order: a later civil time never maps to an earlier instant. Hence civil times
/// at or before the one shown at `after` cannot lead past it, and the search starts there. In
/// the second half of a repeated hour the next few lead to its first half; they have been.
pub(super) fn next_time_of_day(
    expression: &Expression,
    zone: &TimeZone,
    after: i64,
) -> Option<i64> {
    let mut civil = after + offset_at(zone, after)?;
    loop {
        civil = expression.next_civil(civil)?;
        let instant = instant_of(zone, civil)?;
        if instant > after {
            return Some(instant);
        }
    }
}

/// The first instant after `after` for an expression that names an interval: the wall clock as
/// it really runs, one stretch of constant offset after the other.
pub(super) fn next_of_interval(
    expression: &Expression,
    zone: &TimeZone,
    mut after: i64,
) -> Option<i64> {
    let mut offset = offset_at(zone, after)?;
    let mut stretch_began = after;
    loop {
        let next = expression.next_civil(after + offset)? - offset;
        match following_transition(zone, stretch_began) {
            Some((at, new_offset)) if next >= at => {
                // On with the new offset, from the last second before it.
                (stretch_began, after, offset) = (at, at - 1, new_offset);
            }
            _ => return Some(next),
        }
    }
}

/// The instant at which the wall clock first shows `civil`, or first has passed it.
fn instant_of(zone: &TimeZone, civil: i64) -> Option<i64> {
    let shown = jiff::tz::Offset::UTC.to_datetime(Timestamp::from_second(civil).ok()?);
    match zone.to_ambiguous_timestamp(shown).offset() {
        AmbiguousOffset::Unambiguous { offset } => Some(civil - i64::from(offset.seconds())),
        AmbiguousOffset::Fold { before, .. } => Some(civil - i64::from(before.seconds())),
        AmbiguousOffset::Gap { after, .. } => {
            // Read with the offset of after the gap, a skipped time lies before the gap.
            let mut at = civil - i64::from(after.seconds());
            loop {
                let (transition, offset) = following_transition(zone, at - 1)?;
                if transition + offset > civil {
                    return Some(transition);
                }
                at = transition + 1;
            }
        }
    }
}

/// How far the wall clock is ahead of UTC at an instant, in seconds.
fn offset_at(zone: &TimeZone, instant: i64) -> Option<i64> {
    let at = Timestamp::from_second(instant).ok()?;
    Some(i64::from(zone.to_offset(at).seconds()))
}

/// The next instant after `after` at which the zone's rules change, and the offset from then on.
fn following_transition(zone: &TimeZone, after: i64) -> Option<(i64, i64)> {
    let change = zone.following(Timestamp::from_second(after).ok()?).next()?;
    Some((
        change.timestamp().as_second(),
        i64::from(change.offset().seconds()),
    ))
}

/// The time zone of an IANA name, from the system's database or else the one built in.
///
/// # Errors
/// When there is none of that name; the error suggests the nearest.
pub fn time_zone(name: &str) -> Result<TimeZone, ScheduleError> {
    TimeZone::get(name).map_err(|_| {
        let mut advice = "zones are named like `Asia/Karachi` or `UTC`".to_owned();
        if let Some(nearest) = nearest_zone(name) {
            // Writing to a string cannot fail.
            let _ = write!(advice, "; did you mean `{nearest}`?");
        }
        ScheduleError::UnknownZone {
            name: name.to_owned(),
            advice,
        }
    })
}

/// The zone whose city is nearly what was written, of the same region where there are several.
/// The region alone makes names alike (`Asia/Lahore` and `Asia/Oral`) and says nothing.
fn nearest_zone(wanted: &str) -> Option<String> {
    let wanted = wanted.trim().replace(' ', "_").to_ascii_lowercase();
    let likeness = |name: &str| {
        let name = name.to_ascii_lowercase();
        let city = name.rsplit('/').next().unwrap_or(&name);
        let wanted_city = wanted.rsplit('/').next().unwrap_or(&wanted);
        let whole = strsim::jaro_winkler(&name, &wanted);
        (strsim::jaro_winkler(city, wanted_city), whole)
    };
    jiff::tz::db()
        .available()
        .map(|name| (likeness(name.as_str()), name.to_string()))
        .filter(|((city, _), _)| *city > 0.9)
        .max_by(|((city_a, a), name_a), ((city_b, b), name_b)| {
            let by_city = city_a.total_cmp(city_b);
            by_city.then(a.total_cmp(b)).then(name_b.cmp(name_a))
        })
        .map(|(_, name)| name)
}
