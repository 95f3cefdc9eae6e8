//! Dates of front matter. What names no zone is meant in the zone of the site.

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

use crate::domain::UnixMillis;

/// The instant that a date of front matter means; `None` when it is no date that can be told.
pub(super) fn parse(text: &str, zone: &TimeZone) -> Option<UnixMillis> {
    let text = text.trim();
    if text.is_empty() || text.len() > 60 {
        return None;
    }
    let instant = text
        .parse::<Timestamp>()
        .ok()
        .or_else(|| spaced_offset(text))
        .or_else(|| {
            let zoned = jiff::fmt::rfc2822::parse(text).ok()?;
            Some(zoned.timestamp())
        })
        .or_else(|| {
            // A zone name in brackets is jiff's own; what is left is civil time.
            let civil: DateTime = local(text)?.parse().ok()?;
            Some(civil.to_zoned(zone.clone()).ok()?.timestamp())
        })?;
    // Years that can be meant; others are a field left at zero.
    let year = instant.to_zoned(TimeZone::UTC).year();
    (1970..2200)
        .contains(&year)
        .then(|| UnixMillis::from(instant))
}

/// `2026-11-23 10:00:00 +0500`, as Jekyll writes it, and the same without seconds.
fn spaced_offset(text: &str) -> Option<Timestamp> {
    let (civil, offset) = text.rsplit_once(' ')?;
    let sign = offset.chars().next().filter(|c| matches!(c, '+' | '-'))?;
    let digits: String = offset.chars().filter(char::is_ascii_digit).collect();
    let hm: i32 = digits.parse().ok().filter(|_| digits.len() == 4)?;
    let seconds = (hm / 100 * 60 + hm % 100) * 60;
    let seconds = if sign == '-' { -seconds } else { seconds };
    let offset = jiff::tz::Offset::from_seconds(seconds).ok()?;
    let civil: DateTime = local(civil)?.parse().ok()?;
    offset.to_timestamp(civil).ok()
}

/// Civil time in the form that jiff reads; `2026-1-5 9:05` has its zeros filled in.
fn local(text: &str) -> Option<String> {
    let text = text.trim();
    if text.contains(['[', 'Z', 'z']) {
        return None;
    }
    let (date, time) = text.split_once(['T', 't', ' ']).unwrap_or((text, ""));
    let two = |part: &str| format!("{part:0>2}");
    let mut parts = date.splitn(3, ['-', '/', '.']);
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    if year.len() != 4 {
        return None;
    }
    let date = format!("{year}-{}-{}", two(month), two(day));
    let time = time.trim();
    if time.is_empty() {
        return Some(date);
    }
    let (hour, rest) = time.split_once(':')?;
    Some(format!("{date}T{}:{rest}", two(hour)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_without_a_zone_is_of_the_sites_zone() {
        let karachi = TimeZone::get("Asia/Karachi").unwrap();
        for (text, instant) in [
            ("2026-11-23", "2026-11-22T19:00:00Z"),
            ("2026-11-23T10:00:00", "2026-11-23T05:00:00Z"),
            ("2026-11-23 10:00:00", "2026-11-23T05:00:00Z"),
            ("2026-11-23 10:00", "2026-11-23T05:00:00Z"),
            ("2026-1-5 9:05", "2026-01-05T04:05:00Z"),
            ("2026/11/23", "2026-11-22T19:00:00Z"),
            ("2026-11-23T10:00:00Z", "2026-11-23T10:00:00Z"),
            ("2026-11-23T10:00:00+01:00", "2026-11-23T09:00:00Z"),
            ("2026-11-23 10:00:00 +0100", "2026-11-23T09:00:00Z"),
            ("2026-11-23 10:00 -03:30", "2026-11-23T13:30:00Z"),
            ("2026-11-23 10:00:00+01:00", "2026-11-23T09:00:00Z"),
            ("2026-11-23T10:00:00.5Z", "2026-11-23T10:00:00.5Z"),
            ("Mon, 23 Nov 2026 10:00:00 +0100", "2026-11-23T09:00:00Z"),
        ] {
            let read = parse(text, &karachi).map(|t| t.to_string());
            assert_eq!(read.as_deref(), Some(instant), "{text}");
        }
    }

    #[test]
    fn what_is_no_date_is_none() {
        for text in [
            "",
            "soon",
            "true",
            "0001-01-01T00:00:00Z",
            "2026-13-01",
            "23-11-2026",
            "2026",
            "9999-99",
            "2026-11-23 25:00",
            "2026-11-23T10:00:00[Mars/Base]",
        ] {
            assert_eq!(parse(text, &TimeZone::UTC), None, "{text}");
        }
    }

    #[test]
    fn an_hour_that_a_clock_change_skips_is_the_one_after() {
        let berlin = TimeZone::get("Europe/Berlin").unwrap();
        let read = parse("2026-03-29 02:30", &berlin).unwrap();
        assert_eq!(read.to_string(), "2026-03-29T01:30:00Z");
    }
}
