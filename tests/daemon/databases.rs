//! A PostgreSQL that is restarted, that drops us in the middle of a word, that falls silent.

use std::time::{Duration, Instant};

use sqlx::{Connection, Executor};

use crate::invariants::{self, Tally};
use crate::kit::{Dice, done, done_twice, goes_on, received};
use crate::support::postgres::{Cluster, Durability};
use crate::support::process::{Daemon, House, SOON, until};
use crate::support::proxy::Proxy;
use crate::support::site::Item;
use crate::support::smtp::{Fault, Rule, Sink, Step};
use crate::{ALERTS, Scene};

const READERS: usize = 1500;
const CONNECTIONS: usize = 8;

/// A send about to begin, slow enough to be met in the middle.
async fn scene(database: String) -> Scene {
    let slow = Fault::Delay(Duration::from_millis(15));
    let relay = Sink::with(vec![Rule::at(Step::Dot, slow)]).await;
    let settings = format!("connections = {CONNECTIONS}\n{ALERTS}");
    let scene = Scene::on(House::empty(), database, relay, &settings).await;
    scene.readers(READERS);
    scene.site.publish(Item::new(1));
    scene
}

async fn everybody_is_served(scene: &Scene, daemon: Daemon) -> Tally {
    let began = Instant::now();
    done(scene, &daemon).await;
    let took = began.elapsed();
    assert!(took < SOON, "some waited for a lease to end: {took:?}");
    done_twice(scene, daemon).await;
    let tally = invariants::hold(scene, READERS, &[]).await;
    assert_eq!(tally.of("sent"), READERS, "{tally:?}");
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn postgres_is_restarted_and_crashes_in_the_middle_of_a_send() {
    let cluster = Cluster::start(Durability::Durable);
    let scene = scene(cluster.fresh_database().await).await;
    let daemon = scene.house.start().await;
    for (moment, mode) in [(200, "fast"), (500, "immediate"), (800, "immediate")] {
        received(&scene.sink, moment).await;
        tokio::task::block_in_place(|| cluster.restart(mode));
        goes_on(&scene, READERS).await;
    }
    let tally = everybody_is_served(&scene, daemon).await;
    assert!(tally.doubtful.is_empty(), "the daemon lived: {tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn backends_are_ended_again_and_again_also_inside_a_commit() {
    let cluster = Cluster::start(Durability::Durable);
    let database = cluster.fresh_database().await;
    let mut admin = sqlx::PgConnection::connect(&database)
        .await
        .expect("the server is there");
    // A commit takes long enough to be met.
    for setting in ["commit_delay = 20000", "commit_siblings = 0"] {
        let set = format!("ALTER SYSTEM SET {setting}");
        let set = sqlx::AssertSqlSafe(set);
        admin.execute(set).await.expect("a setting");
    }
    admin
        .execute("SELECT pg_reload_conf()")
        .await
        .expect("a reload");
    let scene = scene(database).await;
    let daemon = scene.house.start().await;
    received(&scene.sink, 50).await;
    let mut dice = Dice::new();
    let (mut committing, mut others) = (0, 0);
    while committing < 15 || others < 15 {
        assert!(scene.sink.received() < READERS, "{committing}, {others}");
        let is_commit = committing < 15 && dice.below(2) == 0;
        let which = if is_commit { "=" } else { "<>" };
        let sql = format!(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE state <> 'idle'
             AND application_name = 'courant' AND query {which} 'COMMIT' LIMIT 1"
        );
        let ended = admin.execute(sqlx::AssertSqlSafe(sql)).await;
        let ended = ended.expect("an administrator may").rows_affected();
        *(if is_commit {
            &mut committing
        } else {
            &mut others
        }) += ended;
        // Not so often that nothing gets done between.
        let pause = if ended > 0 { dice.below(100) } else { 0 };
        tokio::time::sleep(Duration::from_millis(pause as u64)).await;
    }
    goes_on(&scene, READERS).await;
    let tally = everybody_is_served(&scene, daemon).await;
    assert!(tally.doubtful.is_empty(), "the daemon lived: {tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_network_that_is_silent_for_20_seconds_loses_nobody() {
    let scene = scene(Cluster::shared().fresh_database().await).await;
    let (server, name) = scene.database.rsplit_once(':').expect("a port");
    let (port, name) = name.split_once('/').expect("a database");
    let proxy = Proxy::to(port.parse().expect("a port")).await;
    let far = format!("{server}:{}/{name}", proxy.port());
    let text = scene.house.read("courant.toml");
    scene
        .house
        .write("courant.toml", text.replace(&scene.database, &far));
    let daemon = scene.house.start().await;
    received(&scene.sink, 200).await;
    proxy.fall_silent();
    let began = Instant::now();
    until("20 seconds have gone by", SOON, async || {
        (began.elapsed() > Duration::from_secs(20)).then_some(())
    })
    .await;
    assert!(scene.sink.received() < READERS);
    proxy.speak_again();
    goes_on(&scene, READERS).await;
    let tally = everybody_is_served(&scene, daemon).await;
    assert!(tally.doubtful.is_empty(), "the daemon lived: {tally:?}");
}
