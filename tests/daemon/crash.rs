//! Killed and stopped in the middle of a send to 2,000 readers.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde_json::Value;

use crate::support::process::{Daemon, SOON, execute, texts, until};
use crate::support::site::Item;
use crate::support::smtp::{Fault, Mail, Rule, Sink, Step};
use crate::{ALERTS, Scene, reader};

const READERS: usize = 2000;
const CONNECTIONS: usize = 8;
/// Long enough that the end of a daemon always finds messages on the wire.
const SLOW: Duration = Duration::from_millis(10);
/// The longest a send takes on a busy machine, unoptimised.
const SENT: Duration = Duration::from_secs(180);

async fn slow_sink() -> Sink {
    Sink::with(vec![Rule::at(Step::Dot, Fault::Delay(SLOW))]).await
}

fn settings() -> String {
    format!("connections = {CONNECTIONS}\n{ALERTS}")
}

/// Three moments of a send, different in every run.
fn moments() -> Vec<usize> {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    let mut seed = since.map_or(7, |d| d.subsec_nanos() as usize);
    let parts = [(50, 550), (600, 600), (1250, 500)];
    let moments = parts.map(|(from, width)| {
        seed = seed
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695);
        from + (seed >> 20) % width
    });
    // Shown when the story fails: where it was cut.
    eprintln!("cut after {moments:?} messages");
    moments.to_vec()
}

/// Mails an address was sent, however the conversation ended.
fn copies(mails: &[Mail]) -> BTreeMap<String, Vec<&Mail>> {
    let mut copies: BTreeMap<String, Vec<&Mail>> = BTreeMap::new();
    for mail in mails {
        for to in &mail.to {
            copies.entry(to.clone()).or_default().push(mail);
        }
    }
    copies
}

fn message_id(mail: &Mail) -> String {
    let message = mail_parser::MessageParser::default().parse(&mail.data);
    let message = message.expect("a mail that parses");
    message.message_id().expect("every mail has one").to_owned()
}

/// Waits until that many messages came whole.
async fn received(sink: &Sink, count: usize) {
    until("messages arrive", SENT, async || {
        (sink.received() >= count).then_some(())
    })
    .await;
}

/// Waits until nothing is left to send.
async fn done(daemon: &Daemon) {
    until("everything is sent", SENT, async || {
        let open = daemon.count(&["pending", "leased", "deferred"]).await;
        (open == 0).then_some(())
    })
    .await;
}

/// What an operator is told of the only issue's deliveries.
fn deliveries(scene: &Scene) -> Value {
    scene.house.json(&["issues", "show", "1"])["deliveries"].take()
}

fn number(counts: &Value, state: &str) -> usize {
    counts[state].as_u64().map_or(0, |n| n as usize)
}

/// Two minutes go by for what waits in this column.
async fn two_minutes_pass(database: &str, column: &str) {
    let sql = format!("UPDATE delivery SET {column} = {column} - 120000 WHERE {column} > 0");
    execute(database, &sql).await;
}

/// Who may have had a copy without our knowing.
async fn doubtful(database: &str) -> Vec<String> {
    let sql = "SELECT s.address FROM delivery d JOIN subscriber s ON s.id = d.subscriber_id
               WHERE d.state = 'uncertain' OR d.resent";
    texts(database, sql).await
}

/// Kills the daemon at three moments of one send, sees that the last one ends it, and answers
/// the readers suppressed before and during it.
async fn killed_three_times(scene: &Scene) -> BTreeSet<String> {
    let mut suppressed = BTreeSet::from([reader(7)]);
    scene
        .house
        .courant(&["subscribers", "suppress", &reader(7)])
        .done();
    scene.site.publish(Item::new(1));
    for (n, moment) in moments().into_iter().enumerate() {
        let mut daemon = scene.house.start().await;
        received(&scene.sink, moment).await;
        daemon.kill();
        // One who has not had it leaves while nobody runs.
        let had = scene.sink.mails();
        let had = copies(&had);
        let next = (0..READERS)
            .rev()
            .map(reader)
            .find(|r| !had.contains_key(r) && !suppressed.contains(r));
        if let Some(leaver) = next.filter(|_| n < 2) {
            scene
                .house
                .courant(&["subscribers", "suppress", &leaver])
                .done();
            suppressed.insert(leaver);
        }
        two_minutes_pass(&scene.database, "lease_until").await;
    }
    suppressed
}

async fn nothing_is_lost_by_kills(scene: Scene) {
    scene.readers(READERS);
    let suppressed = killed_three_times(&scene).await;
    let daemon = scene.house.start().await;
    done(&daemon).await;
    daemon.stop().await;

    let doubtful = doubtful(&scene.database).await;
    let most = 3 * CONNECTIONS;
    assert!((1..=most).contains(&doubtful.len()), "{doubtful:?}");

    // The grace of uncertain deliveries over, they go once more.
    two_minutes_pass(&scene.database, "finished_at").await;
    let daemon = scene.house.start().await;
    until("uncertain ones are sent again", SENT, async || {
        (daemon.count(&["sent"]).await == (READERS - suppressed.len()) as i64).then_some(())
    })
    .await;
    daemon.stop().await;
    let counts = deliveries(&scene);
    assert_eq!(
        number(&counts, "sent"),
        READERS - suppressed.len(),
        "{counts}"
    );
    // Who was suppressed before the issue was made is not among its recipients.
    let during = suppressed.len() - 1;
    assert_eq!(number(&counts, "suppressed"), during, "{counts}");
    everybody_was_served(&scene, &suppressed, &doubtful);
}

/// Every reader has it; a second copy only who was recorded as uncertain, under the same
/// Message-ID; nobody suppressed has it.
fn everybody_was_served(scene: &Scene, suppressed: &BTreeSet<String>, doubtful: &[String]) {
    let mails = scene.sink.accepted();
    let copies = copies(&mails);
    for address in (0..READERS).map(reader) {
        let Some(mine) = copies.get(&address) else {
            assert!(suppressed.contains(&address), "{address} was missed");
            continue;
        };
        assert!(!suppressed.contains(&address), "{address} is suppressed");
        assert!(mine.len() <= 2, "{address} has {} copies", mine.len());
        if mine.len() > 1 {
            assert!(
                doubtful.contains(&address),
                "{address} has two, and was not uncertain"
            );
            assert_eq!(message_id(mine[0]), message_id(mine[1]));
        }
    }
    let twice = copies.values().filter(|c| c.len() > 1).count();
    eprintln!(
        "{twice} readers have two copies, {} were uncertain",
        doubtful.len()
    );
    assert!(twice <= doubtful.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_killed_during_a_send_misses_nobody_on_sqlite() {
    nothing_is_lost_by_kills(Scene::on_sqlite(slow_sink().await, &settings()).await).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_daemon_killed_during_a_send_misses_nobody_on_postgres() {
    nothing_is_lost_by_kills(Scene::on_postgres(slow_sink().await, &settings()).await).await;
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
    done(&daemon).await;
    daemon.stop().await;
    let mails = scene.sink.accepted();
    let copies = copies(&mails);
    assert_eq!(copies.len(), readers);
    assert!(
        copies.values().all(|c| c.len() == 1),
        "somebody got it twice"
    );
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
