//! Disks that are full and databases that cannot be written, in the middle of a send.
//!
//! Full is a disk of a few MiB with not a byte left (`ENOSPC`), and, where only one of the files is
//! to feel it, what `RLIMIT_FSIZE` makes of a disk: every write beyond the limit fails.

use std::time::Duration;

use sqlx::{Connection, Executor};

use crate::invariants;
use crate::kit::{done, goes_on, quiet, received};
use crate::support::disk::Disk;
use crate::support::process::{Daemon, House, SOON, until};
use crate::support::site::Item;
use crate::support::smtp::{Fault, Rule, Sink, Step};
use crate::{ALERTS, Scene};

const READERS: usize = 1500;
const CONNECTIONS: usize = 8;
/// Longer than any pause after which the daemon tries again.
const LONG: Duration = Duration::from_secs(7);

async fn relay() -> Sink {
    let slow = Fault::Delay(Duration::from_millis(15));
    Sink::with(vec![Rule::at(Step::Dot, slow)]).await
}

fn settings() -> String {
    format!("connections = {CONNECTIONS}\n{ALERTS}")
}

/// A send that has begun; a write that fails is an error to the daemon, and no signal.
async fn begun(scene: &Scene) -> Daemon {
    scene.readers(READERS);
    scene.site.publish(Item::new(1));
    let daemon = scene.house.start_under("trap '' XFSZ;").await;
    received(&scene.sink, 300).await;
    daemon
}

/// The send ends by itself; nothing was lost, and nothing is in doubt.
async fn ends_well(scene: &Scene, daemon: Daemon) {
    goes_on(scene, READERS).await;
    done(scene, &daemon).await;
    daemon.stop().await;
    let tally = invariants::hold(scene, READERS, &[]).await;
    assert_eq!(tally.of("sent"), READERS, "{tally:?}");
    assert!(tally.doubtful.is_empty(), "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn with_no_room_for_the_database_nothing_more_is_begun_until_there_is() {
    let scene = Scene::on_sqlite(relay().await, &settings()).await;
    let daemon = begun(&scene).await;
    let had = scene.sink.received();
    // Room for the journal, whose lines are few, and none for the database.
    daemon.limit_files(Some(256 << 10));
    daemon
        .says("ends of deliveries are not written down yet")
        .await;
    let all = quiet(&scene.sink, LONG).await;
    assert!(all < READERS, "it went on without a database");
    eprintln!("{} left meanwhile", all - had);
    let (code, ready) = daemon.admin("/readyz").await;
    assert_eq!(code, 503, "{ready}");
    daemon.limit_files(None);
    ends_well(&scene, daemon).await;
}

/// A scene whose database and journal are in a directory of their own.
async fn on_a_disk() -> (Scene, std::path::PathBuf) {
    let house = House::empty();
    let directory = house.path("disk");
    std::fs::create_dir(&directory).expect("a new directory");
    let database = format!("sqlite:{}", directory.join("courant.db").display());
    let scene = Scene::on(house, database, relay().await, &settings()).await;
    scene.readers(READERS);
    (scene, directory)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_a_full_disk_nothing_more_is_begun_and_with_room_again_it_goes_on_by_itself() {
    let (scene, directory) = on_a_disk().await;
    scene.site.publish(Item::new(1));
    let disk = Disk::on(&directory, 24, "rw").await;
    let entrance = disk.entrance(&scene.house.path("."));
    let daemon = Daemon::start(scene.house.run_by(&entrance)).await;
    received(&scene.sink, 300).await;
    let had = scene.sink.received();
    disk.fill();
    // Whichever meets the full disk first, the journal or the database.
    until("the full disk is noticed", SOON, async || {
        let log = daemon.log();
        let words = [
            "nothing is sent that cannot be written down",
            "ends of deliveries are not written down yet",
        ];
        words.iter().any(|w| log.contains(w)).then_some(())
    })
    .await;
    let all = quiet(&scene.sink, LONG).await;
    assert!(all < READERS, "it went on without a database");
    eprintln!("{} left meanwhile", all - had);
    disk.clear();
    received(&scene.sink, READERS).await;
    done(&scene, &daemon).await;
    daemon.stop().await;
    disk.bring_out();
    let tally = invariants::hold(&scene, READERS, &[]).await;
    assert_eq!(tally.of("sent"), READERS, "{tally:?}");
    assert!(tally.doubtful.is_empty(), "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn on_a_read_only_disk_it_says_so_and_does_not_start() {
    let (scene, directory) = on_a_disk().await;
    let disk = Disk::on(&directory, 24, "ro").await;
    let entrance = disk.entrance(&scene.house.path("."));
    // Which of its files it misses first is SQLite's.
    let told = scene.house.told(scene.house.run_by(&entrance));
    told.refused(1, &["courant.db", "writable"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn killed_with_no_room_for_the_database_it_knows_from_its_journal_what_was_accepted() {
    let scene = Scene::on_sqlite(relay().await, &settings()).await;
    let mut daemon = begun(&scene).await;
    daemon.limit_files(Some(256 << 10));
    daemon
        .says("ends of deliveries are not written down yet")
        .await;
    quiet(&scene.sink, Duration::from_secs(1)).await;
    daemon.kill();
    let daemon = scene.house.start().await;
    ends_well(&scene, daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn what_the_journal_has_no_room_for_does_not_leave() {
    // The database is elsewhere: only the journal is on the full disk.
    let scene = Scene::on_postgres(relay().await, &settings()).await;
    let daemon = begun(&scene).await;
    daemon.limit_files(Some(1 << 10));
    daemon
        .says("nothing is sent that cannot be written down")
        .await;
    let had = scene.sink.received();
    let all = quiet(&scene.sink, LONG).await;
    assert!(all - had <= CONNECTIONS, "{} left all the same", all - had);
    daemon.limit_files(None);
    ends_well(&scene, daemon).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_became_read_only_stops_the_send_with_clear_words() {
    let scene = Scene::on_postgres(relay().await, &settings()).await;
    let mut admin = sqlx::PgConnection::connect(&scene.database)
        .await
        .expect("the server is there");
    let name = scene.database.rsplit('/').next().expect("a name");
    let daemon = begun(&scene).await;
    is_read_only(&mut admin, name, "on").await;
    daemon
        .says("the database is read-only; make the file or server writable")
        .await;
    let had = scene.sink.received();
    let all = quiet(&scene.sink, LONG).await;
    assert!(all < READERS, "it went on all the same");
    eprintln!("{} left meanwhile", all - had);
    is_read_only(&mut admin, name, "off").await;
    ends_well(&scene, daemon).await;
}

/// Makes the database read-only or not, for connections made from here on, and ends the others.
async fn is_read_only(admin: &mut sqlx::PgConnection, name: &str, how: &str) {
    let set = format!("ALTER DATABASE {name} SET default_transaction_read_only = {how}");
    admin
        .execute("SET default_transaction_read_only = off")
        .await
        .expect("a setting of ours");
    admin
        .execute(sqlx::AssertSqlSafe(set))
        .await
        .expect("a setting");
    let end = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity
        WHERE application_name = 'courant' AND datname = current_database()";
    admin.execute(end).await.expect("an administrator may");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_is_replaced_under_the_daemon_ends_it_and_the_next_takes_the_new_one() {
    let scene = Scene::on_sqlite(Sink::plain().await, ALERTS).await;
    scene.readers(1);
    let mut command = scene.house.command(&["run"]);
    // It looks five times a second instead of once a minute.
    command.env("WATCHDOG_USEC", "600000");
    let mut daemon = Daemon::start(command).await;
    scene.house.courant(&["backup", "copy.db"]).done();
    let [copy, file] = ["copy.db", "courant.db"].map(|name| scene.house.path(name));
    std::fs::rename(copy, file).expect("both are ours");
    // Not to be started again by systemd before somebody has read what to do.
    assert_eq!(daemon.ended().await.code(), Some(2), "{}", daemon.log());
    let log = daemon.log();
    assert!(log.contains("was replaced or removed while"), "{log}");
    for old in ["courant.db-wal", "courant.db-shm"] {
        assert!(log.contains(old), "{log}");
        // Gone already, where SQLite found nothing in it.
        let _ = std::fs::remove_file(scene.house.path(old));
    }
    scene.site.publish(Item::new(1));
    let daemon = scene.house.start().await;
    received(&scene.sink, 1).await;
    daemon.stop().await;
}
