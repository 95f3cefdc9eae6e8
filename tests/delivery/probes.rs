//! Daemons that share a relay and a database: one of them finds out whether it is back, and the
//! others hear of it.

use std::time::{Duration, Instant};

use courant::channels::email::relays::Relay;
use courant::config::Remedy;
use courant::domain::DeliveryState::Sent;
use courant::domain::UnixMillis;
use courant::pipeline::App;
use courant::store::Db;

use crate::kit::{SOON, Sender, addresses, alert, readers, room, tables, until_count};
use crate::support::newsroom::Newsroom;
use crate::support::postgres::Cluster;
use crate::support::process::{execute, texts, until};
use crate::support::smtp::{Fault, Rule, Step};

/// Long enough for all daemons to hear of it.
const PAUSE: Duration = Duration::from_secs(3);
/// Longer than daemons wait before they look again.
const LOOKS: Duration = Duration::from_millis(2500);

/// Several daemons on one PostgreSQL.
struct Fleet {
    url: String,
    room: Newsroom,
    apps: Vec<App>,
}

impl Fleet {
    /// So many daemons, whose relay has the keys in `relay`.
    async fn of(count: usize, relay: &str) -> Self {
        let url = Cluster::shared().fresh_database().await;
        let room = room(Db::open(&url).await.unwrap(), relay, "").await;
        let mut apps = vec![room.app.clone()];
        while apps.len() < count {
            apps.push(room.beside(&tables(relay, "")).await);
        }
        Self { url, room, apps }
    }

    fn relays(&self) -> impl Iterator<Item = &Relay> {
        let relays = self.apps.iter().map(|app| app.relays.iter().next());
        relays.map(|relay| &**relay.unwrap())
    }

    /// The relay rests by the word of one daemon; all start, and have heard.
    async fn start_paused(&self) -> Vec<Sender> {
        let first = self.relays().next().unwrap();
        first.apply(Remedy::Suspend, PAUSE, "a story", Instant::now());
        let mut senders = vec![Sender::start(&self.apps[0])];
        let db = &self.room.app.db;
        until("the pause is told", SOON, async || {
            let told = db.relay_pauses(UnixMillis(0)).await.unwrap();
            (!told.is_empty()).then_some(())
        })
        .await;
        senders.extend(self.apps[1..].iter().map(Sender::start));
        until("all have heard", SOON, async || {
            let mut relays = self.relays();
            relays
                .all(|relay| left(relay) > Duration::ZERO)
                .then_some(())
        })
        .await;
        assert_eq!(self.room.sink.connections(), 0);
        senders
    }

    async fn until_open(&self) {
        until("the relay is back for all", SOON, async || {
            let mut relays = self.relays();
            relays
                .all(|r| r.paused(Instant::now()).is_none())
                .then_some(())
        })
        .await;
    }

    fn sent(&self) -> Vec<u64> {
        let sent = |app: &App| app.relays.status()[0].counts.accepted;
        self.apps.iter().map(sent).collect()
    }

    async fn stop(self, senders: Vec<Sender>) {
        for sender in senders {
            sender.stop().await;
        }
        let held = texts(&self.url, "SELECT name FROM lease WHERE lease_until > 0").await;
        assert!(held.is_empty(), "{held:?} is still held");
        self.room.app.db.close().await;
    }
}

/// What is left of a relay's pause.
fn left(relay: &Relay) -> Duration {
    let paused = relay.paused(Instant::now());
    paused.map_or(Duration::ZERO, |(left, _)| left)
}

fn away(step: Step) -> Rule {
    Rule::at(step, Fault::ReplyAndClose("421 4.3.2 go away".to_owned()))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_still_down_is_probed_once_by_all_daemons_together() {
    let fleet = Fleet::of(3, "").await;
    fleet.room.sink.set_rules(vec![away(Step::Greeting)]);
    readers(&fleet.room, &addresses(50, "readers.example"), "instant").await;
    alert(&fleet.room, 1).await;
    let senders = fleet.start_paused().await;
    until("all have heard of the next pause", SOON, async || {
        let mut relays = fleet.relays();
        relays.all(|relay| left(relay) > PAUSE).then_some(())
    })
    .await;
    assert_eq!(fleet.room.sink.connections(), 1);
    // They count together: whoever probes next doubles the pause.
    for relay in fleet.relays() {
        assert_eq!(relay.failed_probes(), 1);
        let (left, reason) = relay.paused(Instant::now()).unwrap();
        assert!((45..=60).contains(&left.as_secs()), "{left:?}");
        assert!(reason.contains("go away"), "{reason}");
    }
    fleet.stop(senders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_probe_that_takes_long_is_waited_for_by_all_daemons() {
    let fleet = Fleet::of(3, "").await;
    let slow = Rule::at(Step::Dot, Fault::Delay(LOOKS * 2)).times(1);
    fleet.room.sink.set_rules(vec![slow]);
    readers(&fleet.room, &addresses(50, "readers.example"), "instant").await;
    let issue = alert(&fleet.room, 1).await;
    let senders = fleet.start_paused().await;
    let sink = &fleet.room.sink;
    until("the probe is there", SOON, async || {
        (sink.received() > 0).then_some(())
    })
    .await;
    tokio::time::sleep(LOOKS).await;
    assert_eq!((sink.received(), sink.connections()), (1, 1));
    until_count(&fleet.room.app, &issue, Sent, 50).await;
    fleet.until_open().await;
    fleet.stop(senders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn daemons_that_never_probed_send_again_when_another_found_the_relay_back() {
    let fleet = Fleet::of(3, "rate = \"40/s\"").await;
    let mut all = addresses(160, "readers.example");
    readers(&fleet.room, &all.split_off(159), "instant").await;
    // One mail, so that only one daemon can have found out.
    let only = alert(&fleet.room, 1).await;
    let senders = fleet.start_paused().await;
    until_count(&fleet.room.app, &only, Sent, 1).await;
    fleet.until_open().await;
    assert_eq!(fleet.room.sink.connections(), 1);
    let rows = fleet.room.app.db.relay_pauses(UnixMillis(0)).await.unwrap();
    assert!(rows.is_empty(), "{rows:?}");
    readers(&fleet.room, &all, "instant").await;
    let issue = alert(&fleet.room, 2).await;
    until_count(&fleet.room.app, &issue, Sent, 160).await;
    let sent = fleet.sent();
    assert!(sent.iter().all(|n| *n >= 5), "{sent:?}");
    fleet.stop(senders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_dies_while_it_probes_leaves_the_probe_to_the_others() {
    let fleet = Fleet::of(2, "").await;
    let hang = Rule::at(Step::Greeting, Fault::Hang).times(1);
    fleet.room.sink.set_rules(vec![hang]);
    readers(&fleet.room, &addresses(50, "readers.example"), "instant").await;
    let issue = alert(&fleet.room, 1).await;
    let mut senders = fleet.start_paused().await;
    let sink = &fleet.room.sink;
    until("one probes", SOON, async || {
        (sink.connections() > 0).then_some(())
    })
    .await;
    let owner = texts(&fleet.url, "SELECT owner FROM lease WHERE lease_until > 0").await;
    let prober = fleet.apps.iter().position(|app| app.owner == owner[0]);
    senders.remove(prober.expect("one of ours")).kill().await;
    tokio::time::sleep(LOOKS).await;
    assert_eq!(
        (sink.connections(), sink.received()),
        (1, 0),
        "it is waited for"
    );
    // A minute after it was last heard of.
    let over = "UPDATE lease SET lease_until = 1 WHERE name = 'probe/main'";
    assert_eq!(execute(&fleet.url, over).await, 1);
    until_count(&fleet.room.app, &issue, Sent, 49).await;
    fleet.stop(senders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_starts_when_the_pause_is_over_begins_with_a_probe() {
    let fleet = Fleet::of(1, "").await;
    fleet.room.sink.set_rules(vec![away(Step::Greeting)]);
    readers(&fleet.room, &addresses(50, "readers.example"), "instant").await;
    alert(&fleet.room, 1).await;
    let db = &fleet.room.app.db;
    let over = db.clock(UnixMillis(0)).await.unwrap().plus_ms(-1000);
    db.set_relay_pause("main", over, 3, "a story")
        .await
        .unwrap();
    let senders = fleet.apps.iter().map(Sender::start).collect();
    let relay = fleet.relays().next().unwrap();
    until("it knows better", SOON, async || {
        (left(relay) > PAUSE).then_some(())
    })
    .await;
    assert_eq!(fleet.room.sink.connections(), 1);
    // Whoever starts it may have mended something: the long pauses are not taken up.
    assert_eq!(relay.failed_probes(), 1);
    fleet.stop(senders).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_short_pause_does_not_end_the_long_one_of_another_daemon() {
    let fleet = Fleet::of(1, "").await;
    let relay = fleet.relays().next().unwrap();
    let long = Duration::from_secs(7200);
    relay.apply(Remedy::Suspend, long, "a rule", Instant::now());
    let senders = fleet.apps.iter().map(Sender::start).collect();
    let db = &fleet.room.app.db;
    let until_told = async || {
        until("two hours are told", SOON, async || {
            let now = db.clock(UnixMillis(0)).await.unwrap();
            let rows = db.relay_pauses(now.plus_ms(7_000_000)).await.unwrap();
            (!rows.is_empty()).then_some(now)
        })
        .await
    };
    let now = until_told().await;
    // Another had not heard of it yet.
    let soon = now.plus_ms(30_000);
    db.set_relay_pause("main", soon, 0, "down").await.unwrap();
    until_told().await;
    // Nor does its success.
    db.clear_relay_pause("main", soon).await.unwrap();
    until_told().await;
    assert!(left(relay) > Duration::from_secs(7000));
    fleet.stop(senders).await;
}
