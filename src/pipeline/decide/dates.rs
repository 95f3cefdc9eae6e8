//! When an article was published, or will be.
//!
//! A date ahead is an embargo: the article waits until then. Clocks differ, so that a few
//! minutes ahead are now; and what lies absurdly far off is no date at all.

use std::time::Duration;

use crate::domain::UnixMillis;

/// So far ahead a date is only a clock that goes fast.
const CLOCKS_DIFFER: Duration = Duration::from_secs(600);
/// Further ahead nobody plans.
const FURTHEST: Duration = Duration::from_secs(400 * 86_400);
/// 1 January 1995: before that the web had no news.
const EARLIEST: UnixMillis = UnixMillis(788_918_400_000);

/// The date that a source gives an article, if it is one: `None` counts as first sight. Without
/// `embargo` no date is later than now.
pub(in super::super) fn publication(
    said: Option<UnixMillis>,
    embargo: bool,
    now: UnixMillis,
) -> Option<UnixMillis> {
    let said = said.filter(|said| *said >= EARLIEST && *said <= now.plus(FURTHEST))?;
    if embargo && said > now.plus(CLOCKS_DIFFER) {
        return Some(said);
    }
    Some(said.min(now))
}

/// Why an article waits longer than its hold; empty where it does not.
pub(in super::super) fn reason(published: UnixMillis, now: UnixMillis) -> String {
    if published <= now {
        return String::new();
    }
    format!("its source dates it {published}, and it waits until then")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_date_ahead_is_an_embargo_and_an_absurd_one_is_none() {
        let now: UnixMillis = "2026-01-05T06:00:00Z".parse().unwrap();
        let of = |text: &str, embargo| publication(Some(text.parse().unwrap()), embargo, now);
        let at = |text: &str| Some(text.parse::<UnixMillis>().unwrap());
        let cases = [
            ("2026-01-04T12:00:00Z", at("2026-01-04T12:00:00Z")),
            ("2026-01-05T06:09:00Z", Some(now)),
            ("2026-01-05T06:11:00Z", at("2026-01-05T06:11:00Z")),
            ("2027-02-08T06:00:00Z", at("2027-02-08T06:00:00Z")),
            ("2027-02-10T06:00:00Z", None),
            ("1994-12-31T23:59:59Z", None),
            ("1995-01-01T00:00:00Z", at("1995-01-01T00:00:00Z")),
            ("1970-01-01T00:00:00Z", None),
        ];
        for (said, expected) in cases {
            assert_eq!(of(said, true), expected, "{said}");
        }
        assert_eq!(of("2026-01-06T06:00:00Z", false), Some(now));
        assert_eq!(publication(None, true, now), None);
    }
}
