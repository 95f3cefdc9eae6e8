//! What the stories about faults share: moments, waiting, and time that goes by.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::Scene;
use crate::support::process::{Daemon, SOON, execute, texts, until};
use crate::support::site::Item;
use crate::support::smtp::Sink;

/// The longest a send takes on a busy machine, unoptimised.
pub const SENT: Duration = Duration::from_secs(180);

/// Chance, different in every run.
pub struct Dice(u64);

impl Dice {
    pub fn new() -> Self {
        let since = SystemTime::now().duration_since(UNIX_EPOCH);
        Self(since.map_or(7, |d| u64::from(d.subsec_nanos())))
    }

    /// A number from 0 up to, not including, `end`.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 = self
            .0
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % end
    }
}

/// Waits until that many messages came whole.
pub async fn received(sink: &Sink, count: usize) {
    received_within(sink, count, SENT).await;
}

async fn received_within(sink: &Sink, count: usize, most: Duration) {
    until("messages arrive", most, async || {
        (sink.received() >= count).then_some(())
    })
    .await;
}

/// Waits until no message came for so long; answers how many had.
pub async fn quiet(sink: &Sink, long: Duration) -> usize {
    let (mut had, mut since) = (sink.received(), Instant::now());
    until("messages no longer arrive", SENT, async || {
        if sink.received() > had {
            (had, since) = (sink.received(), Instant::now());
        }
        (since.elapsed() > long).then_some(had)
    })
    .await
}

/// Sees the send go on, soon and by itself.
pub async fn goes_on(scene: &Scene, readers: usize) {
    let (had, began) = (scene.sink.received(), Instant::now());
    assert!(had < readers, "it was over before");
    // More than what connections may have had in hand.
    received_within(&scene.sink, readers.min(had + 50), SOON).await;
    eprintln!("went on after {:?}", began.elapsed());
}

/// Waits until there is an issue and nothing of it left to send. Who was refused for now need not wait a minute.
pub async fn done(scene: &Scene, daemon: &Daemon) {
    until("everything is sent", SENT, async || {
        let (code, status) = daemon.admin("/api/v1/status").await;
        if code != 200 {
            // Its database is away.
            return None;
        }
        let status: Value = serde_json::from_str(&status).expect("the status is JSON");
        let counts = &status["deliveries"];
        let of = |state: &str| counts[state].as_i64().expect("a number");
        let (open, deferred) = (of("pending") + of("leased"), of("deferred"));
        if open == 0 && deferred > 0 {
            deferred_are_due(&scene.database).await;
        }
        (open + deferred == 0 && of("sent") > 0).then_some(())
    })
    .await;
}

/// Nothing is left to send; then uncertain deliveries, whose grace goes by, are sent again.
pub async fn done_twice(scene: &Scene, daemon: Daemon) {
    done(scene, &daemon).await;
    daemon.stop().await;
    two_minutes_pass(&scene.database, "finished_at").await;
    let daemon = scene.house.start().await;
    done(scene, &daemon).await;
    daemon.stop().await;
}

/// The pauses of those who were refused for now are over.
pub async fn deferred_are_due(database: &str) {
    execute(
        database,
        "UPDATE delivery SET due_at = 0 WHERE state = 'deferred'",
    )
    .await;
}

/// Two minutes go by for what waits in this column.
pub async fn two_minutes_pass(database: &str, column: &str) {
    let sql = format!("UPDATE delivery SET {column} = {column} - 120000 WHERE {column} > 0");
    execute(database, &sql).await;
}

/// What this daemon has taken is free from now on, as a minute after it was last heard of.
pub async fn leases_run_out(database: &str, owner: &str) {
    let sql = format!("UPDATE delivery SET lease_until = 1 WHERE lease_owner = '{owner}'");
    execute(database, &sql).await;
}

/// Its minute need not be waited for: an article that was edited rings its bell.
pub fn housekeeping_comes_round(scene: &Scene) {
    let guid = Item::new(1).guid;
    scene
        .site
        .edit(&guid, |item| item.body += "<p>Corrected.</p>");
}

/// How many deliveries the database has for this condition.
pub async fn rows(database: &str, condition: &str) -> usize {
    let sql = format!("SELECT CAST(COUNT(*) AS TEXT) FROM delivery WHERE {condition}");
    let count = texts(database, &sql).await;
    count[0].parse().expect("a number")
}

/// A reader leaves for good: who, and when the program had acknowledged it.
pub fn leaves(scene: &Scene, reader: String, how: &str) -> (String, Instant) {
    scene.house.courant(&["subscribers", how, &reader]).done();
    (reader, Instant::now())
}
