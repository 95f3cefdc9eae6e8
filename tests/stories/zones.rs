//! Digests on readers' own wall clocks, through the nights in which those change.

use std::collections::BTreeMap;

use courant::domain::UnixMillis;

use crate::support::databases::both_databases;
use crate::support::newsroom::{HOUR, MINUTE, Newsroom};
use crate::support::site::Item;

const LOCAL: &str = r#"
[channels.brief]
kind = "email"
from = "News <brief@news.example>"
local_time = true
schedules = { early = "30 1 * * *", late = "30 2 * * *", morning = "0 7 * * *" }
default_schedule = "morning"
"#;

const ZONES: [&str; 4] = [
    "America/New_York",
    "Europe/London",
    "Asia/Karachi",
    "Australia/Lord_Howe",
];
const SCHEDULES: [&str; 3] = ["early", "late", "morning"];

/// A night: when it begins and, for some zones, when 01:30, 02:30 and 07:00 are in it.
type Night = (&'static str, &'static [(&'static str, [&'static str; 3])]);

/// Oldest first. A time in the gap comes at its end; one that comes twice counts once.
const NIGHTS: [Night; 6] = [
    // Lord Howe, 02:00 to 02:30.
    (
        "2025-10-04T12:10:00Z",
        &[(
            "Australia/Lord_Howe",
            [
                "2025-10-04T15:00:00Z",
                "2025-10-04T15:30:00Z",
                "2025-10-04T20:00:00Z",
            ],
        )],
    ),
    // London, 02:00 back to 01:00. Karachi knows no such nights.
    (
        "2025-10-25T16:10:00Z",
        &[
            (
                "Europe/London",
                [
                    "2025-10-26T00:30:00Z",
                    "2025-10-26T02:30:00Z",
                    "2025-10-26T07:00:00Z",
                ],
            ),
            (
                "Asia/Karachi",
                [
                    "2025-10-25T20:30:00Z",
                    "2025-10-25T21:30:00Z",
                    "2025-10-26T02:00:00Z",
                ],
            ),
        ],
    ),
    // New York, 02:00 back to 01:00.
    (
        "2025-11-02T00:10:00Z",
        &[(
            "America/New_York",
            [
                "2025-11-02T05:30:00Z",
                "2025-11-02T07:30:00Z",
                "2025-11-02T12:00:00Z",
            ],
        )],
    ),
    // New York, 02:00 to 03:00.
    (
        "2026-03-08T00:10:00Z",
        &[(
            "America/New_York",
            [
                "2026-03-08T06:30:00Z",
                "2026-03-08T07:00:00Z",
                "2026-03-08T11:00:00Z",
            ],
        )],
    ),
    // London, 01:00 to 02:00.
    (
        "2026-03-28T16:10:00Z",
        &[(
            "Europe/London",
            [
                "2026-03-29T01:00:00Z",
                "2026-03-29T01:30:00Z",
                "2026-03-29T06:00:00Z",
            ],
        )],
    ),
    // Lord Howe, 02:00 back to 01:30.
    (
        "2026-04-04T12:10:00Z",
        &[(
            "Australia/Lord_Howe",
            [
                "2026-04-04T14:30:00Z",
                "2026-04-04T16:00:00Z",
                "2026-04-04T20:30:00Z",
            ],
        )],
    ),
];

fn instant(text: &str) -> UnixMillis {
    UnixMillis::from(text.parse::<jiff::Timestamp>().unwrap())
}

fn reader(zone: &str, schedule: &str) -> String {
    let place = zone.rsplit('/').next().unwrap().to_lowercase();
    format!("{place}-{schedule}@readers.example")
}

#[tokio::test]
async fn each_zone_gets_one_digest_a_day_through_the_nights_in_which_clocks_change() {
    both_databases(async |db| {
        let room = Newsroom::open_unpolled(db, LOCAL).await;
        let first = instant("2025-10-01T00:00:00Z");
        room.look(first).await;
        for zone in ZONES {
            for schedule in SCHEDULES {
                room.subscribe(&reader(zone, schedule), schedule, Some(zone), &[])
                    .await;
            }
        }
        room.tick(first).await;
        for (number, night) in (1..).zip(NIGHTS) {
            live_through(&room, number, night).await;
        }
        for zone in ZONES {
            for schedule in SCHEDULES {
                let who = reader(zone, schedule);
                let everything: Vec<usize> = (1..=NIGHTS.len()).collect();
                assert_eq!(room.stories_of(&who), everything, "{who}");
            }
        }
    })
    .await;
}

/// A day from the beginning of a night, with an article at its first minute.
async fn live_through(room: &Newsroom, number: usize, (begin, expected): Night) {
    let begin = instant(begin);
    // Nothing new since the last night: what is made up for here is recorded and empty.
    room.tick(begin).await;
    room.site.publish(Item::new(number).dated(""));
    room.look(begin).await;
    room.live(
        begin.plus_ms(20 * MINUTE),
        begin.plus_ms(24 * HOUR),
        30 * MINUTE,
    )
    .await;
    let mut runs: BTreeMap<(String, String), Vec<UnixMillis>> = BTreeMap::new();
    for (schedule, slot, _, _, ran_at) in room.app.db.runs("brief", 1000).await.unwrap() {
        let (at, zone) = slot.split_once(' ').unwrap();
        let at = instant(at);
        if at > begin && at <= begin.plus_ms(24 * HOUR) {
            assert_eq!(ran_at, at, "{schedule} {slot} did not run in time");
            runs.entry((zone.to_owned(), schedule))
                .or_default()
                .push(at);
        }
    }
    for zone in ZONES {
        for schedule in SCHEDULES {
            let times = &runs[&(zone.to_owned(), schedule.to_owned())];
            assert_eq!(
                times.len(),
                1,
                "{zone} {schedule} on day {number}: {times:?}"
            );
        }
    }
    for (zone, times) in expected {
        for (schedule, time) in SCHEDULES.iter().zip(times) {
            let key = ((*zone).to_owned(), (*schedule).to_owned());
            assert_eq!(runs[&key], [instant(time)], "{zone} {schedule}");
        }
    }
}
