//! What a schedule means, by example: nights of summer time, crontab's forms, refusals.

mod properties;

use super::*;

fn at(text: &str) -> UnixMillis {
    text.parse().unwrap()
}

fn schedule(expression: &str, zone: &str) -> Schedule {
    Schedule::parse(expression, zone).unwrap()
}

/// The next `n` times from `from` on, as `MM-DDTHH:MM` in UTC.
fn times(expression: &str, zone: &str, from: &str, n: usize) -> String {
    let schedule = schedule(expression, zone);
    std::iter::successors(schedule.next_after(at(from)), |t| schedule.next_after(*t))
        .take(n)
        .map(|t| t.to_string()[5..16].to_owned())
        .collect::<Vec<_>>()
        .join(" ")
}

#[test]
fn the_nights_when_the_clocks_change_go_as_the_rule_says() {
    let nights = include_str!("tests/nights.txt").lines();
    let mut seen = 0;
    for night in nights.filter(|line| !line.starts_with('#')) {
        let columns = night.split("  ").map(str::trim);
        let columns: Vec<&str> = columns.filter(|c| !c.is_empty()).collect();
        let [expression, zone, from, expected] = columns[..] else {
            panic!("{night}")
        };
        seen += 1;
        let n = expected.split(' ').count();
        assert_eq!(
            times(expression, zone, from, n),
            expected,
            "{expression} {zone}"
        );
    }
    assert_eq!(seen, 18);
}

#[test]
fn a_daemon_restarted_at_any_minute_of_the_repeated_hour_never_goes_back() {
    let fixed = schedule("30 1 * * *", "America/New_York");
    let interval = schedule("*/5 * * * *", "America/New_York");
    let start = at("2026-11-01T05:00:00Z");
    for minute in 0..120 {
        let now = start.plus_ms(minute * 60_000);
        let expected = if minute < 30 {
            "2026-11-01T05:30:00Z"
        } else {
            "2026-11-02T06:30:00Z"
        };
        assert_eq!(
            fixed.next_after(now).unwrap().to_string(),
            expected,
            "minute {minute}"
        );
        let wait = interval.next_after(now).unwrap().since(now).as_secs();
        assert_eq!(wait, (5 - minute as u64 % 5) * 60, "minute {minute}");
    }
}

#[test]
fn expressions_mean_what_crontab_says() {
    let table = [
        // 21 November 2026 is a Saturday.
        ("0 7 * * 1", "11-23T07:00 11-30T07:00"),
        ("0 7 * * 0", "11-22T07:00 11-29T07:00"),
        ("0 7 * * 7", "11-22T07:00 11-29T07:00"),
        ("0 7 * * 5-7", "11-21T07:00 11-22T07:00 11-27T07:00"),
        ("0 7 * * FRI-SUN", "11-21T07:00 11-22T07:00 11-27T07:00"),
        ("0 7 * * Monday,thurs", "11-23T07:00 11-26T07:00"),
        ("0 7 * * */2", "11-21T07:00 11-22T07:00 11-24T07:00"),
        ("0 7 * dec-DEC ?", "12-01T07:00 12-02T07:00"),
        (
            "0 7 1 * MON",
            "11-23T07:00 11-30T07:00 12-01T07:00 12-07T07:00",
        ),
        ("0 7 */2 * MON", "11-23T07:00 12-07T07:00"),
        (
            "5/20 8-9 * * *",
            "11-21T08:05 11-21T08:25 11-21T08:45 11-21T09:05",
        ),
        (
            "10-50/20 8 * * *",
            "11-21T08:10 11-21T08:30 11-21T08:50 11-22T08:10",
        ),
        ("30 0 7 * * *", "11-21T07:00"),
        ("@midnight", "11-22T00:00"),
        ("@Weekly", "11-22T00:00"),
        ("@monthly", "12-01T00:00"),
        ("@annually", "01-01T00:00"),
        ("0 0 29 2 *", "02-29T00:00"),
    ];
    for (expression, expected) in table {
        let n = expected.split(' ').count();
        let got = times(expression, "UTC", "2026-11-21T00:00:00Z", n);
        assert_eq!(got, expected, "{expression}");
    }
    let seconds = schedule("15 0 7 * * *", "UTC");
    let next = seconds.next_after(at("2026-11-21T07:00:14.999Z")).unwrap();
    assert_eq!(next.to_string(), "2026-11-21T07:00:15Z");
}

#[test]
fn refusals_quote_what_was_written_and_say_what_to_do() {
    let refusals = include_str!("tests/refusals.txt").split("\n\n");
    let mut seen = 0;
    for refusal in refusals {
        let (expression, expected) = refusal.trim_end().split_once("\n> ").expect(refusal);
        let error = Schedule::parse(expression, "UTC").unwrap_err();
        assert_eq!(error.to_string(), expected);
        seen += 1;
    }
    assert_eq!(seen, 16);
}

#[test]
fn unknown_zones_are_refused_with_the_nearest_name() {
    let refuse = |zone| Schedule::parse("@daily", zone).unwrap_err().to_string();
    assert_eq!(
        refuse("Asia/Karachee"),
        "there is no time zone `Asia/Karachee`: zones are named like `Asia/Karachi` or `UTC`; \
         did you mean `Asia/Karachi`?"
    );
    assert!(refuse("new york").ends_with("did you mean `America/New_York`?"));
    assert!(refuse("Europe/Londn").ends_with("did you mean `Europe/London`?"));
    for far in ["qqq", "Asia/Lahore", "Asia/Mumbai", "America/Boston"] {
        assert!(refuse(far).ends_with("or `UTC`"), "{}", refuse(far));
    }
}

#[test]
fn the_same_expression_runs_at_seven_wherever_the_reader_is() {
    let lahore = schedule("0 7 * * *", "Asia/Karachi");
    let york = lahore.in_zone("america/new_york").unwrap();
    let next = |s: &Schedule| {
        s.next_after(at("2026-11-21T00:00:00Z"))
            .unwrap()
            .to_string()
    };
    assert_eq!(next(&lahore), "2026-11-21T02:00:00Z");
    assert_eq!(next(&york), "2026-11-21T12:00:00Z");
    assert_eq!(
        (york.expression(), york.zone()),
        ("0 7 * * *", "America/New_York")
    );
}

#[test]
fn after_downtime_the_latest_missed_time_is_found_and_the_missed_are_counted() {
    let daily = schedule("0 7 * * *", "UTC");
    let last_run = at("2026-11-01T07:00:00Z");
    let latest = |s: &Schedule, upto| s.latest_between(last_run, at(upto));
    assert_eq!(latest(&daily, "2026-11-02T06:59:59Z"), None);
    let at_seven = at("2026-11-02T07:00:00Z");
    assert_eq!(latest(&daily, "2026-11-02T07:00:00Z"), Some((at_seven, 1)));
    let ten = at("2026-11-11T07:00:00Z");
    assert_eq!(latest(&daily, "2026-11-11T20:00:00Z"), Some((ten, 10)));
    assert_eq!(latest(&daily, "2020-01-01T00:00:00Z"), None);
}

#[test]
fn years_of_downtime_of_a_schedule_of_every_second_cost_no_more_than_a_day() {
    let started = std::time::Instant::now();
    for expression in ["* * * * * *", "* * * * *", "0-59 0-23 * * *", "* 3 * * *"] {
        let schedule = schedule(expression, "America/New_York");
        let upto = at("2026-11-01T05:59:59.5Z");
        let (latest, count) = schedule
            .latest_between(at("2001-01-01T00:00:00Z"), upto)
            .unwrap();
        assert!(latest <= upto && schedule.next_after(latest).unwrap() > upto);
        assert_eq!(count, Schedule::MOST_COUNTED);
    }
    assert!(started.elapsed().as_secs() < 2, "{:?}", started.elapsed());
}
