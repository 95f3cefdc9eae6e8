//! What holds for every expression, zone and start.

use proptest::prelude::*;

use super::*;

/// Expressions of every form, valid by construction.
fn expressions() -> impl Strategy<Value = String> {
    let minute = prop_oneof![
        (0..60u32).prop_map(|n| n.to_string()),
        Just("*".to_owned()),
        (1..30u32).prop_map(|n| format!("*/{n}")),
        (0..60u32, 0..60u32).prop_map(|(a, b)| format!("{a},{b}")),
    ];
    let hour = prop_oneof![
        (0..24u32).prop_map(|n| n.to_string()),
        Just("*".to_owned()),
        (1..12u32).prop_map(|n| format!("*/{n}")),
        (0..12u32, 12..24u32).prop_map(|(a, b)| format!("{a}-{b}")),
    ];
    let day = prop_oneof![3 => Just("*".to_owned()), 1 => (1..29u32).prop_map(|n| n.to_string())];
    let weekday =
        prop_oneof![3 => Just("*".to_owned()), 1 => (0..8u32).prop_map(|n| n.to_string())];
    (minute, hour, day, weekday).prop_map(|(m, h, d, w)| format!("{m} {h} {d} * {w}"))
}

const ZONES: [&str; 8] = [
    "America/New_York",
    "Europe/London",
    "Asia/Karachi",
    "Australia/Lord_Howe",
    "Africa/Cairo",
    "Asia/Beirut",
    "Antarctica/Troll",
    "Africa/Casablanca",
];

proptest! {
    #[test]
    fn times_strictly_increase_and_a_later_start_gives_the_rest_of_the_same_chain(
        expression in expressions(),
        zone in prop::sample::select(&ZONES[..]),
        // Any second of 2024 to 2029.
        start in 1_704_067_200i64..1_893_456_000,
        later in 0i64..200_000,
    ) {
        let schedule = schedule(&expression, zone);
        let chain: Vec<_> = std::iter::successors(
            Some(UnixMillis(start * 1000)), |t| schedule.next_after(*t),
        ).take(40).collect();
        prop_assert!(chain.is_sorted_by(|a, b| a < b), "{chain:?}");
        let later = UnixMillis((start + later) * 1000);
        let rest = chain[1..].iter().find(|t| **t > later);
        if let Some(rest) = rest {
            prop_assert_eq!(schedule.next_after(later), Some(*rest));
        }
    }

    #[test]
    fn an_hour_around_a_change_of_clocks_is_walked_in_order(
        expression in expressions(),
        zone in prop::sample::select(&ZONES[..]),
        change in 0usize..8,
        back in 0i64..9000,
    ) {
        let schedule = schedule(&expression, zone);
        let from = jiff::Timestamp::from_second(1_704_067_200).unwrap();
        let tz = jiff::tz::TimeZone::get(zone).unwrap();
        let Some(change) = tz.following(from).nth(change) else { return Ok(()) };
        let mut now = UnixMillis((change.timestamp().as_second() - back) * 1000);
        for _ in 0..50 {
            let next = schedule.next_after(now).unwrap();
            prop_assert!(next > now);
            now = next;
        }
    }

    #[test]
    fn the_latest_missed_time_is_the_last_of_the_chain(
        expression in expressions(),
        zone in prop::sample::select(&ZONES[..]),
        start in 1_704_067_200i64..1_893_456_000,
        down in 0i64..400_000,
    ) {
        let schedule = schedule(&expression, zone);
        let (after, upto) = (UnixMillis(start * 1000), UnixMillis((start + down) * 1000));
        let chain: Vec<_> = std::iter::successors(schedule.next_after(after), |t| schedule.next_after(*t))
            .take_while(|t| *t <= upto).collect();
        let expected = chain.last().map(|t| (*t, chain.len().min(1000) as u32));
        prop_assert_eq!(schedule.latest_between(after, upto), expected);
    }

    #[test]
    fn no_text_makes_the_parser_panic(text in "[ -~]{0,40}") {
        let _ = Schedule::parse(&text, "UTC");
    }

    #[test]
    fn no_words_of_cron_make_the_parser_panic(text in "([0-9*?/,LW#@-]|MON|JAN| ){0,30}") {
        let _ = Schedule::parse(&text, "UTC");
    }
}
