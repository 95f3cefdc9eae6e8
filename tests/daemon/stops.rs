//! Stopped in the middle of a send; and how soon the first mail leaves.

use std::time::Duration;

use serde_json::Value;

use crate::invariants;
use crate::kit::{done, received};
use crate::support::process::{SOON, until};
use crate::support::site::Item;
use crate::support::smtp::{Fault, Rule, Sink, Step};
use crate::{ALERTS, Scene};

const CONNECTIONS: usize = 8;
/// Long enough that the end of a daemon always finds messages on the wire.
const SLOW: Duration = Duration::from_millis(10);

async fn slow_sink() -> Sink {
    Sink::with(vec![Rule::at(Step::Dot, Fault::Delay(SLOW))]).await
}

fn settings() -> String {
    format!("connections = {CONNECTIONS}\n{ALERTS}")
}

/// What an operator is told of the only issue's deliveries.
fn deliveries(scene: &Scene) -> Value {
    scene.house.json(&["issues", "show", "1"])["deliveries"].take()
}

fn number(counts: &Value, state: &str) -> usize {
    counts[state].as_u64().map_or(0, |n| n as usize)
}

/// Asked to stop in the middle: what is on the wire ends, the rest waits, nothing is doubtful.
async fn a_stop_is_clean(scene: Scene) {
    let readers = 600;
    scene.readers(readers);
    scene.site.publish(Item::new(1));
    let mut daemon = scene.house.start().await;
    received(&scene.sink, 150).await;
    daemon.signal("TERM");
    let status = daemon.ended().await;
    assert_eq!(status.code(), Some(0), "{}", daemon.log());
    let counts = deliveries(&scene);
    let sent = number(&counts, "sent");
    assert_eq!(sent, scene.sink.accepted().len(), "{counts}");
    assert_eq!(number(&counts, "pending"), readers - sent, "{counts}");
    assert!(sent < readers, "it was not stopped in the middle");

    let daemon = scene.house.start().await;
    done(&scene, &daemon).await;
    daemon.stop().await;
    let tally = invariants::hold(&scene, readers, &[]).await;
    assert!(tally.doubtful.is_empty(), "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_asked_to_stop_finishes_what_is_on_the_wire_on_sqlite() {
    a_stop_is_clean(Scene::on_sqlite(slow_sink().await, &settings()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_asked_to_stop_finishes_what_is_on_the_wire_on_postgres() {
    a_stop_is_clean(Scene::on_postgres(slow_sink().await, &settings()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_first_mail_leaves_seconds_after_the_feed_changed() {
    let scene = Scene::on_sqlite(Sink::plain().await, &settings()).await;
    scene.readers(1);
    let daemon = scene.house.start().await;
    until("a poll", SOON, async || {
        let status = daemon.status().await;
        (status["sources"][0]["state"] == "ok").then_some(())
    })
    .await;
    let mut took = Vec::new();
    for story in 1..=5 {
        let changed = std::time::Instant::now();
        scene.site.publish(Item::new(story));
        received(&scene.sink, story).await;
        took.push(changed.elapsed());
    }
    println!("from feed change to first mail: {took:?}");
    assert!(
        took.iter().all(|t| *t < Duration::from_secs(10)),
        "{took:?}"
    );
    daemon.stop().await;
}
