//! How much a relay may carry on one day: its quota, and less while it warms up.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::{RelayConfig, WarmUp};
use crate::domain::UnixMillis;
use crate::schedule::time_zone;

/// A relay's limits by the day. Days are those of the site's zone.
#[derive(Debug, Clone)]
pub struct DayCap {
    quota: Option<u32>,
    warm_up: Option<WarmUp>,
    zone: TimeZone,
}

/// One day and what may be sent on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Day {
    /// The day, under which what was sent is counted.
    pub date: Date,
    /// The most messages; `None` for no limit.
    pub most: Option<u32>,
    /// When the next day begins.
    pub ends: UnixMillis,
}

impl DayCap {
    /// The limits of a relay; `zone` is the site's, which the configuration has checked.
    #[must_use]
    pub fn new(relay: &RelayConfig, zone: &str) -> Self {
        Self {
            quota: relay.day_quota,
            warm_up: relay.warm_up,
            zone: time_zone(zone).unwrap_or(TimeZone::UTC),
        }
    }

    /// The day that `now` is in.
    #[must_use]
    pub fn at(&self, now: UnixMillis) -> Day {
        let date = self.zone.to_datetime(now.timestamp()).date();
        let next = date.tomorrow().ok();
        let ends = next.and_then(|next| next.to_zoned(self.zone.clone()).ok());
        let warm_up = self.warm_up.and_then(|warm_up| most_on(&warm_up, date));
        Day {
            date,
            most: self.quota.into_iter().chain(warm_up).min(),
            ends: ends.map_or(now.plus_ms(86_400_000), |ends| ends.timestamp().into()),
        }
    }
}

/// What a warm-up allows on a day: its first day's mail before it begins, and no limit when it
/// is over.
fn most_on(warm_up: &WarmUp, date: Date) -> Option<u32> {
    let days = warm_up.begin.until(date).ok()?.get_days();
    let day = u32::try_from(days).unwrap_or(0);
    if day >= warm_up.days {
        return None;
    }
    let (start, end) = (f64::from(warm_up.start), f64::from(warm_up.end));
    let part = f64::from(day) / f64::from((warm_up.days - 1).max(1));
    // Between `start` and `end`, which are of this type.
    Some((start * (end / start).powf(part)).round() as u32)
}
