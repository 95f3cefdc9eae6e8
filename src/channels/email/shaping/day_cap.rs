//! How much a relay may carry on one day: its quota, and less while it warms up.

use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::config::{RelayConfig, WarmUp};
use crate::domain::UnixMillis;
use crate::schedule::time_zone;

/// One part in so many of a day is kept for alerts and confirmation mail: a digest that uses up
/// the rest waits for tomorrow, and they do not.
const KEPT: u32 = 10;

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

impl Day {
    /// How many of its messages only urgent mail may use.
    #[must_use]
    pub fn kept(&self) -> u32 {
        self.most.unwrap_or(0) / KEPT
    }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn day_cap(quota: Option<u32>, warm_up: Option<WarmUp>) -> DayCap {
        DayCap {
            quota,
            warm_up,
            zone: time_zone("Asia/Karachi").unwrap(),
        }
    }

    fn ghosts() -> WarmUp {
        WarmUp {
            start: 200,
            end: 200_000,
            days: 42,
            begin: "2026-12-01".parse().unwrap(),
        }
    }

    fn at(day_cap: &DayCap, now: &str) -> Day {
        day_cap.at(now.parse().unwrap())
    }

    #[test]
    fn a_warm_up_grows_from_its_first_day_to_its_last_and_is_over() {
        let day_cap = day_cap(None, Some(ghosts()));
        let most = |now: &str| at(&day_cap, now).most;
        assert_eq!(most("2026-11-20T12:00:00Z"), Some(200));
        assert_eq!(most("2026-12-01T12:00:00Z"), Some(200));
        assert_eq!(most("2026-12-02T12:00:00Z"), Some(237));
        assert_eq!(most("2026-12-21T12:00:00Z"), Some(5814));
        assert_eq!(most("2027-01-11T12:00:00Z"), Some(200_000));
        assert_eq!(most("2027-01-12T12:00:00Z"), None);
    }

    #[test]
    fn the_smaller_of_quota_and_warm_up_holds() {
        let day_cap = day_cap(Some(5000), Some(ghosts()));
        assert_eq!(at(&day_cap, "2026-12-01T12:00:00Z").most, Some(200));
        assert_eq!(at(&day_cap, "2026-12-21T12:00:00Z").most, Some(5000));
        assert_eq!(at(&day_cap, "2027-06-01T12:00:00Z").most, Some(5000));
    }

    #[test]
    fn a_tenth_of_a_day_is_kept_for_urgent_mail_and_nothing_where_a_tenth_is_no_message() {
        let on = |quota, now: &str| at(&day_cap(quota, Some(ghosts())), now).kept();
        assert_eq!(on(None, "2026-12-01T12:00:00Z"), 20);
        assert_eq!(on(Some(99), "2026-12-01T12:00:00Z"), 9);
        assert_eq!(on(Some(9), "2026-12-01T12:00:00Z"), 0);
        assert_eq!(on(None, "2027-06-01T12:00:00Z"), 0);
    }

    #[test]
    fn days_are_those_of_the_site() {
        let day_cap = day_cap(None, Some(ghosts()));
        // Midnight in Karachi is seven in the evening in UTC.
        let last = at(&day_cap, "2026-12-01T18:59:59Z");
        assert_eq!(
            (last.date.to_string().as_str(), last.most),
            ("2026-12-01", Some(200))
        );
        assert_eq!(last.ends.to_string(), "2026-12-01T19:00:00Z");
        let next = at(&day_cap, "2026-12-01T19:00:00Z");
        assert_eq!(
            (next.date.to_string().as_str(), next.most),
            ("2026-12-02", Some(237))
        );
    }

    proptest! {
        #[test]
        fn no_day_of_a_warm_up_has_less_than_the_one_before(
            start in 1u32..1000, more in 0u32..10_000_000, days in 1u32..400,
        ) {
            let warm_up = WarmUp { start, end: start + more, days, ..ghosts() };
            let mut date = warm_up.begin;
            let mut before = start;
            for _ in 0..days {
                let most = most_on(&warm_up, date).unwrap();
                prop_assert!(before <= most && most <= warm_up.end);
                before = most;
                date = date.tomorrow().unwrap();
            }
            prop_assert_eq!(most_on(&warm_up, date), None);
        }

        #[test]
        fn a_day_ends_later_than_now(ms in 0i64..4_000_000_000_000) {
            let now = UnixMillis(ms);
            let day = day_cap(None, None).at(now);
            prop_assert!(day.ends > now && day.ends <= now.plus_ms(26 * 3_600_000));
        }
    }
}
