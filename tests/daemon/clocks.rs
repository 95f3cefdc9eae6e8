//! The wall clock jumps in the middle of a send.
//!
//! libfaketime (Debian's package `faketime`) moves the daemon's wall clock and leaves the
//! monotonic one alone, as an administrator's `date -s` would.

use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use crate::invariants;
use crate::kit::{done, goes_on, housekeeping_comes_round, received};
use crate::support::process::{Daemon, SOON, execute, texts, until};
use crate::support::site::Item;
use crate::support::smtp::{Fault, Rule, Sink, Step};
use crate::{ALERTS, Scene, reader};

const READERS: usize = 1500;
const HOURLY: usize = 5;
const CHANNEL: &str = r#"
[channels.brief]
kind = "email"
title = "The Brief"
from = "News <brief@news.example>"
schedules = { instant = "each", hourly = "0 * * * *" }
default_schedule = "instant"
"#;

/// A daemon's clock, in a file that libfaketime reads.
struct Clock(PathBuf);

impl Clock {
    fn of(scene: &Scene) -> Self {
        let clock = Self(scene.house.path("clock"));
        clock.is("+0");
        clock
    }

    /// So far off from now on (`+1h`).
    fn is(&self, off: &str) {
        let new = self.0.with_extension("new");
        std::fs::write(&new, off).expect("a file of ours");
        std::fs::rename(&new, &self.0).expect("both are ours");
    }

    /// The daemon, living by this clock.
    async fn start(&self, scene: &Scene) -> Daemon {
        let mut command: Command = scene.house.command(&["run"]);
        command
            .env("LD_PRELOAD", library())
            .env("FAKETIME_TIMESTAMP_FILE", &self.0)
            .env("FAKETIME_NO_CACHE", "1")
            .env("FAKETIME_DONT_FAKE_MONOTONIC", "1");
        Daemon::start(command).await
    }
}

/// Debian keeps it in a folder named after the machine's kind.
fn library() -> PathBuf {
    let kinds = std::fs::read_dir("/usr/lib").into_iter().flatten();
    kinds
        .filter_map(|kind| {
            let path = kind.ok()?.path().join("faketime/libfaketimeMT.so.1");
            path.exists().then_some(path)
        })
        .next()
        .expect("libfaketime is not installed: install the package `faketime`")
}

/// A send with 10 ms for each message, and a handful of readers who want it by the hour.
async fn scene() -> Scene {
    let slow = Fault::Delay(Duration::from_millis(15));
    let relay = Sink::with(vec![Rule::at(Step::Dot, slow)]).await;
    let scene = Scene::on_sqlite(relay, &format!("connections = 8\n{CHANNEL}")).await;
    scene.readers(READERS);
    let hourly: String = (0..HOURLY)
        .map(|n| format!("{},hourly\n", reader(READERS + n)))
        .collect();
    scene
        .house
        .write("hourly.csv", format!("email,schedule\n{hourly}"));
    let import = ["subscribers", "import", "hourly.csv", "--channel", "brief"];
    assert_eq!(scene.house.json(&import)["added"], HOURLY);
    scene
}

/// The issues' schedules.
async fn issues(scene: &Scene) -> Vec<String> {
    let sql = "SELECT schedule FROM issue ORDER BY schedule";
    texts(&scene.database, sql).await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_jumps_an_hour_on_and_two_back_sends_nothing_twice_and_loses_nobody() {
    let scene = scene().await;
    let clock = Clock::of(&scene);
    let daemon = clock.start(&scene).await;
    scene.site.publish(Item::new(1));
    received(&scene.sink, 200).await;
    // An hour on: an hour's schedule is due, and every lease looks as if it had run out.
    housekeeping_comes_round(&scene);
    clock.is("+1h");
    goes_on(&scene, READERS).await;
    until("the hour's issue is made", SOON, async || {
        (issues(&scene).await.len() == 2).then_some(())
    })
    .await;
    clock.is("-1h");
    daemon.says("the clock was set back").await;
    goes_on(&scene, READERS + HOURLY).await;
    done(&scene, &daemon).await;
    daemon.stop().await;
    let tally = invariants::hold(&scene, READERS + HOURLY, &[]).await;
    assert_eq!(tally.of("sent"), READERS + HOURLY, "{tally:?}");
    assert!(tally.twice.is_empty(), "{tally:?}");
    assert_eq!(issues(&scene).await, ["hourly", "instant"], "no storm");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_clock_that_was_ten_years_ahead_keeps_no_source_and_no_schedule_waiting() {
    let scene = scene().await;
    let clock = Clock::of(&scene);
    let daemon = clock.start(&scene).await;
    scene.site.publish(Item::new(1));
    received(&scene.sink, 200).await;
    clock.is("+3650d");
    daemon.says("the clock was set forward").await;
    goes_on(&scene, READERS).await;
    until(
        "the hour's issue is made, and the site is read",
        SOON,
        async || {
            let read = "SELECT name FROM source WHERE next_fetch_at > 2000000000000";
            let is_read = !texts(&scene.database, read).await.is_empty();
            (is_read && issues(&scene).await.len() == 2).then_some(())
        },
    )
    .await;
    clock.is("+0");
    daemon.says("the clock was set back").await;
    done(&scene, &daemon).await;
    daemon.stop().await;
    // The next one knows of no other time than the right one.
    let daemon = clock.start(&scene).await;
    scene.site.publish(Item::new(2));
    received(&scene.sink, 2 * READERS + HOURLY).await;
    clock.is("+1h");
    received(&scene.sink, 2 * (READERS + HOURLY)).await;
    done(&scene, &daemon).await;
    daemon.stop().await;
    let tally = invariants::hold(&scene, 2 * (READERS + HOURLY), &[]).await;
    assert!(tally.twice.is_empty(), "{tally:?}");
    let all = ["hourly", "hourly", "instant", "instant"];
    assert_eq!(issues(&scene).await, all);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_whose_clock_is_ten_minutes_late_is_not_thought_dead() {
    const READERS: usize = 120;
    // Longer than a second in hand: each is looked at once more before it leaves.
    let slow = Fault::Delay(Duration::from_millis(600));
    let relay = Sink::with(vec![Rule::at(Step::Dot, slow)]).await;
    let settings = format!("connections = 8\n{ALERTS}approve = true\n");
    let scene = Scene::on_postgres(relay, &settings).await;
    scene.readers(READERS);
    scene.site.publish(Item::new(1));
    let planner = scene.house.start().await;
    let issue = until("there is an issue", SOON, async || {
        let waiting = "SELECT CAST(id AS TEXT) FROM issue WHERE state = 'waiting'";
        texts(&scene.database, waiting).await.pop()
    })
    .await;
    planner.stop().await;
    // It was made long enough ago to be due for both.
    let hour = "UPDATE delivery SET due_at = due_at - 3600000";
    execute(&scene.database, hour).await;
    scene.house.courant(&["issues", "approve", &issue]).done();
    let clock = Clock::of(&scene);
    clock.is("-10m");
    let late = clock.start(&scene).await;
    received(&scene.sink, 16).await;
    // At its start it looks for what dead daemons left.
    let peer = scene.house.start().await;
    goes_on(&scene, READERS).await;
    done(&scene, &peer).await;
    late.stop().await;
    peer.stop().await;
    let tally = invariants::hold(&scene, READERS, &[]).await;
    assert_eq!(tally.of("sent"), READERS, "{tally:?}");
    assert!(tally.doubtful.is_empty(), "{tally:?}");
}
