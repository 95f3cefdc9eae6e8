//! Relays that refuse, hang up, hang, crawl, go down and cannot be trusted, under a daemon.

use std::time::{Duration, Instant};

use crate::invariants::{self, is_taken};
use crate::kit::{done, done_twice, received, rows};
use crate::support::process::{Daemon, SOON, execute, texts, until};
use crate::support::site::Item;
use crate::support::smtp::{Encryption, Fault, Rule, Setup, Sink, Step};
use crate::{ALERTS, Scene};

const CONNECTIONS: usize = 8;

/// A relay with these faults, and so many readers to whom a story is about to go.
async fn scene(setup: Setup, readers: usize) -> Scene {
    let settings = format!("connections = {CONNECTIONS}\n{ALERTS}");
    let scene = Scene::on_sqlite(Sink::start(setup).await, &settings).await;
    scene.readers(readers);
    scene.site.publish(Item::new(1));
    scene
}

fn faulty(rules: Vec<Rule>) -> Setup {
    Setup::pipelined(true, rules)
}

/// What the operators' page says of the relay.
async fn relay_state(daemon: &Daemon) -> String {
    let state = daemon.status().await["relays"][0]["state"].take();
    state.as_str().expect("a state").to_owned()
}

/// Waits until the daemon leaves the relay alone; what it says of it then.
async fn paused(daemon: &Daemon) -> String {
    until("the relay is paused", SOON, async || {
        let state = relay_state(daemon).await;
        state.starts_with("paused").then_some(state)
    })
    .await
}

/// Sends everything, and holds it to the promises; nobody may be in doubt.
async fn everybody_is_served(scene: &Scene, readers: usize) -> invariants::Tally {
    let daemon = scene.house.start().await;
    done(scene, &daemon).await;
    daemon.stop().await;
    let tally = invariants::hold(scene, readers, &[]).await;
    assert!(tally.doubtful.is_empty(), "{tally:?}");
    tally
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_in_ten_refused_for_now_gets_it_later_and_once() {
    let refusal = Fault::reply("451 4.7.1 greylisted, come back later");
    let setup = faulty(vec![Rule::at(Step::Rcpt, refusal).every(10)]);
    let scene = scene(setup, 1000).await;
    let tally = everybody_is_served(&scene, 1000).await;
    assert_eq!(tally.of("sent"), 1000, "{tally:?}");
    let again = rows(&scene.database, "attempts > 1").await;
    assert!(again >= 90, "{again} were tried again");
    let connections = scene.sink.connections();
    assert!(connections <= 4 * CONNECTIONS, "{connections} connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_in_a_hundred_who_does_not_exist_is_never_mailed_again() {
    let refusal = Fault::reply("550 5.1.1 no such user here");
    let setup = faulty(vec![Rule::at(Step::Rcpt, refusal).percent(1)]);
    let scene = scene(setup, 1000).await;
    let tally = everybody_is_served(&scene, 1000).await;
    let failed = tally.of("failed");
    assert!((1..50).contains(&failed), "{tally:?}");
    assert_eq!(tally.of("sent"), 1000 - failed, "{tally:?}");
    let sql = "SELECT address_key FROM suppression WHERE reason = 'bounce'";
    assert_eq!(texts(&scene.database, sql).await.len(), failed);

    let told = scene.sink.count("RCPT");
    scene.site.publish(Item::new(2));
    let daemon = scene.house.start().await;
    until("the next story is out", SOON, async || {
        let sent = 2 * (1000 - failed) as i64;
        (daemon.count(&["sent"]).await == sent).then_some(())
    })
    .await;
    daemon.stop().await;
    assert_eq!(scene.sink.count("RCPT") - told, 1000 - failed);
    invariants::hold(&scene, 2000 - failed, &[]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_relay_that_sends_us_away_is_left_alone_also_after_a_restart() {
    let storm = || {
        let away = Fault::ReplyAndClose("421 4.3.2 too busy, go away".to_owned());
        vec![Rule::at(Step::Greeting, away)]
    };
    let scene = scene(faulty(storm()), 300).await;
    let daemon = scene.house.start().await;
    let state = paused(&daemon).await;
    assert!(state.contains("too busy, go away"), "{state}");
    let first = scene.sink.connections();
    assert!(first <= 8, "{first} connections before it was left alone");
    // One finds out whether it is back, and finds the storm.
    until("a probe is sent away", SOON, async || {
        let is_told = relay_state(&daemon).await.starts_with("paused for 5");
        (scene.sink.connections() > first && is_told).then_some(())
    })
    .await;
    assert_eq!(scene.sink.connections(), first + 1);
    daemon.stop().await;
    let daemon = scene.house.start().await;
    let state = paused(&daemon).await;
    assert!(state.contains("too busy, go away"), "{state}");
    daemon.stop().await;
    assert_eq!(scene.sink.connections(), first + 1, "left alone");

    scene.sink.set_rules(Vec::new());
    the_pause_is_over(&scene).await;
    let tally = everybody_is_served(&scene, 300).await;
    assert_eq!(tally.of("sent"), 300, "{tally:?}");
}

/// The pause that a stopped daemon had noted.
async fn the_pause_is_over(scene: &Scene) {
    let ended = execute(&scene.database, "DELETE FROM relay_rule").await;
    assert_eq!(ended, 1, "a pause was noted");
}

/// A pause of so many days that the daemon before noted, and a limit of its connections.
async fn paused_for(scene: &Scene, days: i64) {
    for (kind, value) in [("pause", "0"), ("connections", "1")] {
        let noted = format!(
            "INSERT INTO relay_rule (relay, kind, value, until, why)
             VALUES ('main', '{kind}', '{value}', (unixepoch() + {days} * 86400) * 1000, 'later')
             ON CONFLICT DO UPDATE SET until = excluded.until"
        );
        assert_eq!(execute(&scene.database, &noted).await, 1);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_pause_that_a_clock_a_year_ahead_noted_is_over_and_one_that_a_rule_allows_is_not() {
    let rule = "rules = [{ reply = \"come back next month\", suspend = \"30d\" }]";
    let settings = format!("connections = {CONNECTIONS}\n{rule}\n{ALERTS}");
    let sink = Sink::start(faulty(Vec::new())).await;
    let scene = Scene::on_sqlite(sink, &settings).await;
    scene.readers(20);
    scene.site.publish(Item::new(1));
    paused_for(&scene, 29).await;
    let daemon = scene.house.start().await;
    paused(&daemon).await;
    daemon.stop().await;
    assert_eq!(scene.sink.connections(), 0, "left alone");

    paused_for(&scene, 365).await;
    let tally = everybody_is_served(&scene, 20).await;
    assert_eq!(tally.of("sent"), 20, "{tally:?}");
    let ahead = "SELECT kind FROM relay_rule WHERE until > (unixepoch() + 60) * 1000";
    assert!(texts(&scene.database, ahead).await.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn messages_cut_off_before_their_answer_are_in_doubt_and_no_others() {
    let setup = faulty(vec![Rule::at(Step::Dot, Fault::Close).every(50)]);
    let scene = scene(setup, 1000).await;
    let daemon = scene.house.start().await;
    done_twice(&scene, daemon).await;
    let tally = invariants::hold(&scene, 1000, &[]).await;
    let mails = scene.sink.mails();
    let cut = mails.iter().filter(|mail| mail.answer.is_none());
    let mut cut: Vec<_> = cut.map(|mail| mail.to[0].clone()).collect();
    cut.sort();
    cut.dedup();
    assert!(cut.len() >= 20, "{cut:?}");
    assert!(tally.doubtful.iter().eq(&cut), "{tally:?} and {cut:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_connection_that_hangs_holds_up_what_it_carries_and_nothing_else() {
    let setup = faulty(vec![Rule::at(Step::Dot, Fault::Hang).after(20).times(1)]);
    let scene = scene(setup, 600).await;
    let mut daemon = scene.house.start().await;
    let began = Instant::now();
    // Its message, and the next one, which may have been announced with it.
    until("all others are sent", SOON, async || {
        (daemon.count(&["sent"]).await >= 598).then_some(())
    })
    .await;
    assert!(began.elapsed() < SOON / 2, "{:?}", began.elapsed());
    assert!(daemon.count(&["leased"]).await > 0);
    daemon.kill();
    let daemon = scene.house.start().await;
    done_twice(&scene, daemon).await;
    let tally = invariants::hold(&scene, 600, &[]).await;
    assert_eq!(tally.of("sent"), 600, "{tally:?}");
    let hung = scene.sink.mails().into_iter().find(|m| m.answer.is_none());
    let hung = &hung.expect("one hung").to[0];
    // And the very last of the others, if it was on the wire just then.
    assert!(tally.doubtful.contains(hung) && tally.doubtful.len() <= 2);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_relay_whose_answers_crawl_is_waited_for() {
    use Step::{Data, Dot, Greeting, Hello, Mail, Rcpt};
    let crawl = || Fault::Drip(Duration::from_millis(4));
    let steps = [Greeting, Hello, Mail, Rcpt, Data, Dot];
    let setup = faulty(steps.map(|step| Rule::at(step, crawl())).to_vec());
    let scene = scene(setup, 100).await;
    let tally = everybody_is_served(&scene, 100).await;
    assert_eq!(tally.of("sent"), 100, "{tally:?}");
    assert_eq!(rows(&scene.database, "attempts = 1").await, 100);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn connections_closed_without_a_word_after_30_messages_cost_nobody_anything() {
    let setup = Setup {
        most_messages: 30,
        ..Setup::default()
    };
    let scene = scene(setup, 1200).await;
    let tally = everybody_is_served(&scene, 1200).await;
    assert_eq!(tally.of("sent"), 1200, "{tally:?}");
    assert_eq!(rows(&scene.database, "attempts = 1").await, 1200);
    let connections = scene.sink.connections();
    assert!((40..60).contains(&connections), "{connections} connections");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_relay_that_was_down_is_used_again_without_anybody_doing_anything() {
    let slow = Fault::Delay(Duration::from_millis(10));
    let scene = scene(faulty(vec![Rule::at(Step::Dot, slow)]), 1000).await;
    let daemon = scene.house.start().await;
    received(&scene.sink, 200).await;
    scene.sink.down();
    let state = paused(&daemon).await;
    assert!(
        state.contains("unreachable") || state.contains("lost"),
        "{state}"
    );
    daemon.says("relay paused").await;
    let had = scene.sink.received();
    scene.sink.up().await;
    let began = Instant::now();
    received(&scene.sink, had + 1).await;
    assert!(began.elapsed() < SOON, "back after {:?}", began.elapsed());
    done_twice(&scene, daemon).await;
    let tally = invariants::hold(&scene, 1000, &[]).await;
    assert_eq!(tally.of("sent"), 1000, "{tally:?}");
    assert!(tally.doubtful.len() <= CONNECTIONS, "{tally:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn nothing_leaves_for_a_relay_that_shows_a_strange_certificate() {
    let setup = Setup {
        encryption: Encryption::StartTls,
        certificate_names: vec!["somebody.example".to_owned()],
        ..Setup::default()
    };
    let scene = scene(setup, 50).await;
    let open = scene.house.read("courant.toml");
    let wary = open.replace("?tls=off", "?tls=required");
    assert_ne!(open, wary);
    scene.house.write("courant.toml", wary);
    let daemon = scene.house.start().await;
    let state = paused(&daemon).await;
    assert!(
        state.contains("tls") && state.contains("certificate"),
        "{state}"
    );
    daemon.says("relay paused").await;
    let connections = scene.sink.connections();
    daemon.stop().await;
    assert!(connections <= 8, "{connections} connections");
    assert_eq!(scene.sink.count("MAIL") + scene.sink.count("AUTH"), 0);
    assert!(!scene.sink.mails().iter().any(is_taken));
    // Nobody is worse off for it: the relay is told to go without, and all get it.
    let waiting = "state IN ('pending', 'deferred') AND attempts = 0";
    assert_eq!(rows(&scene.database, waiting).await, 50);
    scene.house.write("courant.toml", open);
    the_pause_is_over(&scene).await;
    let tally = everybody_is_served(&scene, 50).await;
    assert_eq!(tally.of("sent"), 50, "{tally:?}");
}

/// How many mails a daemon has sent by itself.
async fn sent_by(daemon: &Daemon) -> u64 {
    let (_, metrics) = daemon.admin("/metrics").await;
    let name = "courant_smtp_messages_total{relay=\"main\",result=\"accepted\"} ";
    let mut lines = metrics.lines();
    let count = lines.find_map(|line| line.strip_prefix(name));
    count.expect("it is told").parse().expect("a number")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn of_three_daemons_one_finds_out_whether_the_relay_is_back_and_then_all_send() {
    const READERS: usize = 900;
    let away = Fault::ReplyAndClose("421 4.3.2 too busy, go away".to_owned());
    let relay = Sink::start(faulty(vec![Rule::at(Step::Greeting, away)])).await;
    let settings = format!("connections = {CONNECTIONS}\nrate = \"90/s\"\n{ALERTS}");
    let scene = Scene::on_postgres(relay, &settings).await;
    scene.readers(READERS);
    scene.site.publish(Item::new(1));
    let start = || scene.house.start();
    let (one, two, three) = tokio::join!(start(), start(), start());
    let daemons = [one, two, three];
    for daemon in &daemons {
        paused(daemon).await;
    }
    // What they had begun before they heard of each other.
    tokio::time::sleep(Duration::from_secs(2)).await;
    let first = scene.sink.connections();
    for daemon in &daemons {
        until("it knows that a probe was sent away", SOON, async || {
            let state = relay_state(daemon).await;
            let left = state.strip_prefix("paused for ")?.split(' ').next()?;
            // Longer than the first pause ever was.
            (left.parse::<u64>().expect("seconds") > 30).then_some(())
        })
        .await;
    }
    assert_eq!(scene.sink.connections(), first + 1, "one probe");
    assert_eq!(scene.sink.received(), 0);

    // The next one, a minute later, is taken, slowly.
    let slow = Fault::Delay(Duration::from_secs(3));
    scene
        .sink
        .set_rules(vec![Rule::at(Step::Dot, slow).times(1)]);
    received(&scene.sink, 1).await;
    tokio::time::sleep(Duration::from_secs(2)).await;
    assert_eq!(scene.sink.connections(), first + 2, "one probe again");
    assert_eq!(scene.sink.received(), 1, "and nothing but the probe");
    done(&scene, &daemons[0]).await;
    for daemon in daemons {
        let sent = sent_by(&daemon).await;
        assert!(sent >= 20, "one of the three sent only {sent}");
        daemon.stop().await;
    }
    let tally = invariants::hold(&scene, READERS, &[]).await;
    assert_eq!(tally.of("sent"), READERS, "{tally:?}");
    assert!(tally.twice.is_empty(), "{tally:?}");
}
