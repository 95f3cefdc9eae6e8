//! One of two daemons is gone for good, or only looks so.

use std::time::Duration;

use crate::invariants;
use crate::kit::{done_twice, housekeeping_comes_round, leases_run_out, received, rows};
use crate::support::process::{SOON, texts, until};
use crate::support::site::Item;
use crate::support::smtp::{Fault, Rule, Sink, Step};
use crate::{ALERTS, Scene};

const READERS: usize = 1500;
const CONNECTIONS: usize = 8;

/// Two daemons' send, slow enough to be met in the middle.
async fn scene() -> Scene {
    let relay = Sink::with(vec![Rule::at(
        Step::Dot,
        Fault::Delay(Duration::from_millis(20)),
    )])
    .await;
    let settings = format!("connections = {CONNECTIONS}\n{ALERTS}");
    let scene = Scene::on_postgres(relay, &settings).await;
    scene.readers(READERS);
    scene.site.publish(Item::new(1));
    scene
}

/// Who holds leases.
async fn owners(scene: &Scene) -> Vec<String> {
    let sql = "SELECT DISTINCT lease_owner FROM delivery WHERE state = 'leased'";
    texts(&scene.database, sql).await
}

/// The only daemon's name in the lease columns, once it holds some.
async fn only_owner(scene: &Scene) -> String {
    until("it takes deliveries", SOON, async || {
        owners(scene).await.pop()
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_a_daemon_had_that_never_comes_back_is_in_doubt_and_not_lost() {
    let scene = scene().await;
    let mut lost = scene.house.start().await;
    let owner = only_owner(&scene).await;
    received(&scene.sink, 200).await;
    lost.kill();
    // As on a machine that burnt down: nothing tells what it had on the wire.
    let journals: Vec<_> = std::fs::read_dir(scene.house.path(""))
        .expect("a directory of ours")
        .map(|entry| entry.expect("it can be listed").path())
        .filter(|path| path.extension().is_some_and(|e| e == "journal"))
        .collect();
    assert_eq!(journals.len(), 1, "{journals:?}");
    std::fs::remove_file(&journals[0]).expect("it is ours");
    let held = rows(&scene.database, &format!("lease_owner = '{owner}'")).await;
    assert!(held >= CONNECTIONS, "{held} were in hand");

    let peer = scene.house.start().await;
    received(&scene.sink, 400).await;
    let still = rows(&scene.database, &format!("lease_owner = '{owner}'")).await;
    assert_eq!(still, held, "a lease is kept to its end");
    leases_run_out(&scene.database, &owner).await;
    housekeeping_comes_round(&scene);
    let doubted = until("the peer takes them over", SOON, async || {
        let doubted = rows(&scene.database, "state = 'uncertain'").await;
        (doubted > 0).then_some(doubted)
    })
    .await;
    // All of it may have left.
    assert_eq!(doubted, held);
    done_twice(&scene, peer).await;
    let tally = invariants::hold(&scene, READERS, &[]).await;
    assert_eq!((tally.of("sent"), tally.doubtful.len()), (READERS, held));
    assert!(tally.twice.len() <= 2 * held, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_that_was_frozen_beyond_its_leases_changes_nothing_when_it_wakes() {
    let scene = scene().await;
    let frozen = scene.house.start().await;
    let owner = only_owner(&scene).await;
    received(&scene.sink, 200).await;
    frozen.signal("STOP");
    let peer = scene.house.start().await;
    received(&scene.sink, 500).await;
    let held = rows(&scene.database, &format!("lease_owner = '{owner}'")).await;
    assert!(held > 0);
    // Nothing is hurried here: its leases end after a minute, and the peer sees it.
    until("the peer takes them over", SOON * 3, async || {
        let held = rows(&scene.database, &format!("lease_owner = '{owner}'")).await;
        (held == 0).then_some(())
    })
    .await;
    // They are sent again before the frozen one wakes: its late words meet settled rows.
    done_twice(&scene, peer).await;
    let sql = "SELECT CAST(id AS TEXT) || state || reason FROM delivery ORDER BY id";
    let before = texts(&scene.database, sql).await;
    let sent = scene.sink.received();
    frozen.signal("CONT");
    frozen.says("its lease had passed on").await;
    until("it has nothing left to say", SOON, async || {
        frozen
            .admin("/readyz")
            .await
            .1
            .contains("true")
            .then_some(())
    })
    .await;
    frozen.stop().await;
    let more = scene.sink.received() - sent;
    assert!(more <= CONNECTIONS, "{more} left after it woke");
    let after = texts(&scene.database, sql).await;
    assert_eq!(before, after, "a late word changed a row");
    let tally = invariants::hold(&scene, READERS, &[]).await;
    assert_eq!(tally.of("sent"), READERS, "{tally:?}");
}
