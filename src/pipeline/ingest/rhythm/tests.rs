//! The pauses, rule by rule.

use super::*;

const NOW: UnixMillis = UnixMillis(1_767_592_800_000); // Monday, 5 January 2026, 06:00 UTC
const SEEDS: [u64; 5] = [0, 1, 299_999, 12_345_678_901, u64::MAX];

fn config(every: Option<Duration>, own: bool) -> SourceConfig {
    let every_text = every.map_or(String::new(), |e| format!("every = \"{}s\"\n", e.as_secs()));
    let text = format!(
        "[site]\nname = \"N\"\nurl = \"https://n.example\"\npostal_address = \"1 Road\"\n\
         [sources.s]\nkind = \"feed\"\nurl = \"https://n.example/feed\"\nown = {own}\n{every_text}"
    );
    let config = crate::config::from_text(std::path::Path::new("t.toml"), &text, |_| Vec::new());
    config
        .unwrap_or_else(|problems| panic!("{problems}"))
        .sources["s"]
        .clone()
}

/// The shortest and the longest pause over all seeds.
fn pauses(config: &SourceConfig, habit: Habit, hints: Hints) -> (Duration, Duration) {
    let all = SEEDS.map(|seed| {
        let answered = Answered {
            config,
            habit,
            hints,
            is_pushed: false,
            retry_after: None,
            seed,
        };
        answered.next(NOW).since(NOW)
    });
    (*all.iter().min().unwrap(), *all.iter().max().unwrap())
}

fn gap(gap: Duration) -> Habit {
    Habit {
        gap: Some(gap),
        newest: Some(NOW),
    }
}

fn hint(pause: Duration) -> Hints {
    Hints {
        pause: Some(pause),
        ..Hints::default()
    }
}

fn none() -> Hints {
    Hints::default()
}

#[track_caller]
fn assert_within(found: (Duration, Duration), least: Duration, most: Duration) {
    assert!(found.0 >= least && found.1 <= most, "{found:?}");
}

#[test]
fn the_habit_is_the_median_gap_of_the_last_twenty_articles() {
    let at = |minutes: i64| NOW.plus_ms(-minutes * 60_000);
    // Old articles far apart, then twenty that come every ten minutes, with one long night.
    let times = (0..20).map(|n| at(n * 10 + if n > 5 { 600 } else { 0 }));
    let habit = Habit::of(times.chain((0..50).map(|n| at(10_000 + n * 5_000))));
    assert_eq!(habit.gap, Some(10 * MINUTE));
    assert_eq!(habit.newest, Some(NOW));
}

#[test]
fn articles_of_one_instant_are_no_habit() {
    let habit = Habit::of(vec![NOW; 20]);
    assert_eq!((habit.gap, habit.newest), (None, Some(NOW)));
    assert_eq!(Habit::of([]), Habit::default());
    assert_eq!(Habit::of([NOW, NOW.plus_ms(5)]).gap, None, "of one gap");
}

#[test]
fn a_busy_source_is_asked_more_often_between_the_floor_and_every() {
    let hour = config(Some(HOUR), false);
    let found = pauses(&hour, gap(2 * HOUR), none());
    assert_within(found, 27 * MINUTE, 30 * MINUTE);
    assert_ne!(found.0, found.1, "nothing is spread");
    assert_within(pauses(&hour, gap(MINUTE), none()), FLOOR * 9 / 10, FLOOR);
    assert_within(pauses(&hour, gap(90 * DAY), none()), HOUR * 9 / 10, HOUR);
    assert_within(pauses(&hour, Habit::default(), none()), HOUR * 9 / 10, HOUR);
    let own = config(Some(HOUR), true);
    assert_within(
        pauses(&own, gap(MINUTE), none()),
        OWN_FLOOR * 9 / 10,
        OWN_FLOOR,
    );
}

#[test]
fn every_is_the_ceiling_also_below_the_floor() {
    let second = config(Some(Duration::from_secs(1)), false);
    for habit in [gap(MINUTE), gap(DAY), Habit::default()] {
        let found = pauses(&second, habit, none());
        assert_within(found, Duration::from_millis(900), Duration::from_secs(1));
    }
}

#[test]
fn long_silence_slows_only_what_the_operator_left_to_us() {
    let silent = |days: u64| Habit {
        gap: Some(DAY),
        newest: Some(NOW.plus_ms(-i64::try_from(days * 86_400_000).unwrap())),
    };
    let ten = 10 * MINUTE;
    let free = config(None, false);
    assert_within(pauses(&free, silent(29), none()), ten * 9 / 10, ten);
    let month = pauses(&free, silent(60), none());
    assert_within(month, 108 * MINUTE, 2 * HOUR);
    assert_within(pauses(&free, silent(5000), none()), DAY * 9 / 10, DAY);
    let written = config(Some(ten), false);
    assert_within(pauses(&written, silent(5000), none()), ten * 9 / 10, ten);
    let own = config(None, true);
    assert_within(pauses(&own, silent(5000), none()), ten * 9 / 10, ten);
}

#[test]
fn a_hint_lengthens_the_pause_up_to_a_day() {
    let ten = config(None, false);
    let two = pauses(&ten, Habit::default(), hint(2 * HOUR));
    assert_within(two, 2 * HOUR, 2 * HOUR * 11 / 10);
    assert_ne!(two.0, two.1, "nothing is spread");
    let week = pauses(&ten, Habit::default(), hint(7 * DAY));
    assert_within(week, DAY, DAY * 11 / 10);
    let short = pauses(&ten, Habit::default(), hint(MINUTE));
    assert_within(short, 9 * MINUTE, 10 * MINUTE);
}

#[test]
fn a_hint_lengthens_the_pause_up_to_an_every_that_is_written() {
    let half = config(Some(30 * MINUTE), false);
    let busy = gap(MINUTE);
    let found = pauses(&half, busy, hint(10 * MINUTE));
    assert_within(found, 10 * MINUTE, 11 * MINUTE);
    for long in [HOUR, 7 * DAY] {
        assert_eq!(pauses(&half, busy, hint(long)), (30 * MINUTE, 30 * MINUTE));
    }
}

#[test]
fn an_own_site_lengthens_its_pause_up_to_every_and_not_at_all_from_an_hour_on() {
    let busy = gap(MINUTE);
    let half = config(Some(30 * MINUTE), true);
    let found = pauses(&half, busy, hint(10 * MINUTE));
    assert_within(found, 10 * MINUTE, 11 * MINUTE);
    assert_eq!(
        pauses(&half, busy, hint(50 * MINUTE)),
        (30 * MINUTE, 30 * MINUTE)
    );
    let found = pauses(&half, busy, hint(HOUR));
    assert_within(found, OWN_FLOOR * 9 / 10, OWN_FLOOR);
}

#[test]
fn a_source_is_not_asked_while_it_sleeps() {
    let ten = config(Some(10 * MINUTE), false);
    let six_to_eight = Hints {
        skip_hours: 1 << 6 | 1 << 7,
        ..none()
    };
    let found = pauses(&ten, Habit::default(), six_to_eight);
    assert_within(found, 2 * HOUR, 2 * HOUR + 5 * MINUTE);
    let own = config(Some(10 * MINUTE), true);
    let found = pauses(&own, Habit::default(), six_to_eight);
    assert_within(found, 9 * MINUTE, 10 * MINUTE);
    // Monday and Tuesday, and the first hour of Wednesday.
    let days = Hints {
        skip_days: 0b11,
        skip_hours: 1,
        ..none()
    };
    let found = pauses(&ten, Habit::default(), days);
    assert_within(found, 43 * HOUR, 43 * HOUR + 5 * MINUTE);
}

#[test]
fn a_source_that_always_sleeps_is_not_believed() {
    let ten = config(Some(10 * MINUTE), false);
    for always in [
        Hints {
            skip_hours: u32::MAX,
            ..none()
        },
        Hints {
            skip_days: u8::MAX,
            ..none()
        },
    ] {
        let found = pauses(&ten, Habit::default(), always);
        assert_within(found, 9 * MINUTE, 10 * MINUTE);
    }
}

#[test]
fn retry_after_of_a_good_answer_holds_whatever_else_is_said() {
    let own = config(Some(10 * MINUTE), true);
    for seed in SEEDS {
        let answered = |wait| Answered {
            config: &own,
            habit: gap(MINUTE),
            hints: none(),
            is_pushed: false,
            retry_after: Some(wait),
            seed,
        };
        assert_eq!(answered(5 * HOUR).next(NOW), NOW.plus(5 * HOUR));
        assert_eq!(answered(30 * DAY).next(NOW), NOW.plus(DAY));
        assert!(answered(Duration::ZERO).next(NOW) < NOW.plus(3 * MINUTE));
    }
}

#[test]
fn errors_back_off_from_a_minute_to_six_hours() {
    let minutes = [1, 5, 10, 20, 40, 80, 160, 320, 360, 360];
    for status in [None, Some(500), Some(502), Some(503)] {
        for (fails, expected) in (1..).zip(minutes) {
            let plain = pause_after(fails, status, None, 0);
            assert_eq!(plain, expected * MINUTE, "{status:?} {fails}");
            let spread = SEEDS.map(|seed| pause_after(fails, status, None, seed));
            let within = |p: &Duration| (plain..=plain * 11 / 10).contains(p);
            assert!(spread.iter().all(within), "{spread:?}");
            assert!(spread.iter().any(|p| *p != plain));
        }
    }
    let ages = pause_after(i64::MAX, None, None, 0);
    assert_eq!(ages, LONGEST_PAUSE);
}

#[test]
fn refusals_are_asked_daily_after_seven() {
    for status in [401, 403, 404] {
        assert_eq!(pause_after(6, Some(status), None, 0), 80 * MINUTE);
        assert_eq!(pause_after(7, Some(status), None, 0), DAY);
    }
}

#[test]
fn a_server_that_asks_for_time_gets_what_it_asked_and_more_when_it_asks_again() {
    assert_eq!(pause_after(1, Some(429), None, 0), 5 * MINUTE);
    assert_eq!(pause_after(4, Some(429), None, 0), 40 * MINUTE);
    assert_eq!(pause_after(99, Some(429), None, 0), DAY);
    for status in [403, 429, 500, 503] {
        for seed in SEEDS {
            let pause = pause_after(1, Some(status), Some(7 * HOUR), seed);
            assert_eq!(pause, 7 * HOUR, "{status}");
        }
        let week = pause_after(1, Some(status), Some(7 * DAY), 0);
        assert_eq!(week, DAY, "no wait is longer than a day");
    }
}

#[test]
fn the_operator_is_told_once() {
    let ok = NOW.plus_ms(-2 * 60_000);
    let told = |own, fails, last_ok: UnixMillis, last_try: UnixMillis| {
        alarms(own, fails, Some(last_ok), Some(last_try), NOW)
    };
    let tries: Vec<bool> = (1..=5).map(|n| told(false, n, ok, ok)).collect();
    assert_eq!(tries, [false, false, true, false, false]);
    // An own site: after an hour, although it is only the second failure; then no more.
    let hours = NOW.plus_ms(-61 * 60_000);
    assert!(told(true, 2, hours, NOW.plus_ms(-5 * 60_000)));
    assert!(!told(false, 2, hours, NOW.plus_ms(-5 * 60_000)));
    assert!(!told(
        true,
        3,
        NOW.plus_ms(-90 * 60_000),
        NOW.plus_ms(-60_000)
    ));
    // One that was not asked for hours, as the daemon was down, has just failed for the first time.
    assert!(!told(
        true,
        1,
        NOW.plus_ms(-90 * 60_000),
        NOW.plus_ms(-90 * 60_000)
    ));
    // One that never answered.
    assert!(alarms(true, 3, None, None, NOW) && !alarms(true, 1, None, None, NOW));
}
