//! Dates of the wild.

use super::*;

/// Date strings of feeds and the instants they mean; nothing after the bar where none can be told.
const WILD: &str = include_str!("wild.txt");

#[test]
fn dates_of_the_wild_are_read_or_refused_and_never_misread() {
    let (mut right, mut refused) = (0, Vec::new());
    for line in WILD.lines() {
        let (text, means) = line.split_once('|').unwrap();
        match parse(text).map(|t| t.to_string()) {
            None if !means.is_empty() => refused.push(text),
            got => {
                assert_eq!(got.unwrap_or_default(), means, "{text}");
                right += 1;
            }
        }
    }
    assert!(right >= 120, "{right} are right; refused: {refused:?}");
}

#[test]
fn what_is_no_date_or_two_dates_is_none() {
    for text in [
        "",
        "yesterday",
        "03/04/2026",
        "2026-13-01",
        "2026-02-30",
        "0000-00-00 00:00:00",
        "1970-01-01T00:00:00Z",
        "23 Nov",
        "Mon, 23 Nov 2026 10:00:00 +9900",
        "99999999999999999999999999",
        "25:00",
        "2026-11-23 25:00",
        "2026-11-23 10:61",
        "13/11/26",
        "03-04-26",
        "Mon, 23 Nov 2026 10:00:00 XYZT",
        "Mon, 23 Nov 2026 10:00:00 Eastern Standard Time",
        "31 November 2026",
        "29 Feb 2026",
        "Nov 2026",
        "17 ذو الحجة 1447",
        "۲ آذر ۱۴۰۵",
        "23 Nov 20266",
        "1e9",
        "1795428000.",
        "-1795428000",
    ] {
        assert_eq!(parse(text), None, "{text}");
    }
}
