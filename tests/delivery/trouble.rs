//! What relays say, and what comes of it: rules, pauses of issues, and what operators do.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use courant::config::Remedy;
use courant::domain::DeliveryState::{Cancelled, Failed, Pending, Sent};
use courant::domain::{IssueState, UnixMillis};
use courant::pipeline::dispatch::Dispatcher;
use courant::pipeline::status::{RelayStatus, status};
use tokio_util::sync::CancellationToken;

use crate::kit::{
    SOON, Sender, addresses, alert, count, digest, newest, readers, room, tables, to, until_count,
};
use crate::support::databases::both_databases;
use crate::support::newsroom::Newsroom;
use crate::support::process::until;
use crate::support::smtp::{Fault, Rule, Step};

const RULES: &str = r#"
rules = [
  { reply = "slow down", set_rate = "5/s", set_connections = 1, for = "90m" },
  { reply = "\\[TSS04\\]", suspend = "2h" },
]
"#;

async fn until_state(room: &Newsroom, state: IssueState) {
    until(&format!("the issue is {state}"), SOON, async || {
        (newest(&room.app).await.state == state).then_some(())
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_rule_holds_for_all_daemons_and_over_restarts() {
    both_databases(async |db| {
        let room = room(db, RULES, "").await;
        readers(&room, &addresses(30, "readers.example"), "instant").await;
        let slow = Rule::at(Step::Rcpt, Fault::reply("450 4.2.0 slow down")).times(1);
        room.sink.set_rules(vec![slow]);
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 29).await;
        sender.stop().await;
        let relay = &room.app.relays.status()[0];
        assert_eq!((relay.rate_per_s, relay.window), (Some(5.0), 1));
        // Another daemon, which has seen nothing of it.
        let other = room.beside(&tables(RULES, "")).await;
        let sender = Sender::start(&other);
        until("it has heard", SOON, async || {
            let relay = &other.relays.status()[0];
            ((relay.rate_per_s, relay.window) == (Some(5.0), 1)).then_some(())
        })
        .await;
        // And the other rule, seen by that one.
        let rest = Rule::at(Step::Rcpt, Fault::reply("421 4.7.0 [TSS04] deferred")).times(1);
        room.sink.set_rules(vec![rest]);
        alert(&room, 2).await;
        until("the relay rests", SOON, async || {
            let pauses = other.db.relay_pauses(UnixMillis::now()).await.unwrap();
            (!pauses.is_empty()).then_some(())
        })
        .await;
        sender.stop().await;
        let before = room.sink.connections();
        let third = room.beside(&tables(RULES, "")).await;
        let sender = Sender::start(&third);
        let has_heard = async || third.relays.status()[0].pause.is_some().then_some(());
        until("the third has heard as well", SOON, has_heard).await;
        sender.stop().await;
        assert_eq!(
            room.sink.connections(),
            before,
            "nothing goes to a relay that rests"
        );
        let (left, reason) = third.relays.status()[0].pause.clone().unwrap();
        assert!(left > Duration::from_secs(7100), "{left:?}");
        assert!(reason.contains("[TSS04]"), "{reason}");
        // A command has no connections, and says the same.
        let now = UnixMillis::now();
        let told = status(&third.db, &third.config, None, now, now)
            .await
            .unwrap();
        assert!(
            told.relays[0].state.starts_with("paused for 7"),
            "{}",
            told.relays[0].state
        );
        assert_eq!(told.relays[0].reason.as_deref(), Some(reason.as_str()));
        assert!(told.relays[0].paused_until.unwrap() > now);
        assert_slowed_down(&told.relays[0]);
    })
    .await;
}

/// Held to what the first of the [`RULES`] says.
fn assert_slowed_down(relay: &RelayStatus) {
    let limits = relay.limits.iter();
    let limits: Vec<_> = limits
        .map(|limit| (&*limit.kind, &*limit.value, &*limit.reason))
        .collect();
    let said = "450 4.2.0 slow down (in answer to RCPT)";
    assert_eq!(limits, [("connections", "1", said), ("rate", "5/s", said)]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reply_rule_holds_for_a_greeting_too() {
    both_databases(async |db| {
        let room = room(db, RULES, "").await;
        readers(&room, &addresses(3, "readers.example"), "instant").await;
        let busy = Fault::reply("421 4.7.0 [TSS04] not now");
        room.sink
            .set_rules(vec![Rule::at(Step::Greeting, busy).times(1)]);
        alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        let (left, reason) = until("the relay rests", SOON, async || {
            room.app.relays.status()[0].pause.clone()
        })
        .await;
        sender.stop().await;
        assert!(left > Duration::from_secs(7100), "{left:?}");
        assert!(reason.contains("[TSS04]"), "{reason}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_message_at_a_time_finds_out_whether_a_relay_is_back() {
    both_databases(async |db| {
        let room = room(db, "", "").await;
        readers(&room, &addresses(50, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let relay = room.app.relays.iter().next().unwrap().clone();
        let pause = Duration::from_millis(1200);
        relay.apply(Remedy::Suspend, pause, "a story", Instant::now());
        // The probe takes long: nothing else goes meanwhile.
        let slow = Rule::at(Step::Dot, Fault::Delay(Duration::from_secs(2))).times(1);
        room.sink.set_rules(vec![slow]);
        let sender = Sender::start(&room.app);
        until("the probe is there", SOON, async || {
            (room.sink.received() > 0).then_some(())
        })
        .await;
        tokio::time::sleep(Duration::from_millis(1500)).await;
        assert_eq!((room.sink.received(), room.sink.connections()), (1, 1));
        until_count(&room.app, &issue, Sent, 50).await;
        sender.stop().await;
        assert_eq!(relay.paused(Instant::now()), None);
        let pauses = room.app.db.relay_pauses(UnixMillis(0)).await.unwrap();
        assert!(pauses.is_empty(), "{pauses:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn where_the_one_message_is_withdrawn_the_next_finds_out() {
    both_databases(async |db| {
        let room = room(db, "", "").await;
        readers(&room, &addresses(5, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let relay = room.app.relays.iter().next().unwrap().clone();
        let pause = Duration::from_millis(500);
        relay.apply(Remedy::Suspend, pause, "a story", Instant::now());
        // Its reader leaves while the relay thinks about them: longer than a second.
        let slow = Rule::at(Step::Rcpt, Fault::Delay(Duration::from_secs(2))).times(1);
        room.sink.set_rules(vec![slow]);
        let sender = Sender::start(&room.app);
        let asked = until("the probe is there", SOON, async || {
            let commands = room.sink.commands();
            let rcpt = commands.iter().find(|(_, line)| line.starts_with("RCPT"));
            rcpt.map(|(_, line)| line.clone())
        })
        .await;
        let address = asked.split(['<', '>']).nth(1).unwrap();
        let reader = room.app.db.subscriber(address).await.unwrap().unwrap();
        let now = UnixMillis::now();
        let left = room.app.db.unsubscribe(reader.id, "brief", "link", now);
        assert!(left.await.unwrap());
        until_count(&room.app, &issue, Sent, 4).await;
        sender.stop().await;
        assert!(room.sink.accepted().iter().all(|mail| to(mail) != address));
    })
    .await;
}

/// Sends an issue to 100 readers with these rules of the sink, until it pauses itself.
async fn paused_by(db: courant::store::Db, rules: Vec<Rule>) -> (Newsroom, Sender) {
    let room = room(db, "connections = 1", "").await;
    readers(&room, &addresses(100, "readers.example"), "instant").await;
    room.sink.set_rules(rules);
    alert(&room, 1).await;
    let sender = Sender::start(&room.app);
    until_state(&room, IssueState::Paused).await;
    (room, sender)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_is_refused_three_times_pauses_its_issue_and_costs_no_reader_a_try() {
    both_databases(async |db| {
        let refused = Rule::at(Step::Mail, Fault::reply("550 5.1.8 bad sender"));
        let (room, sender) = paused_by(db, vec![refused]).await;
        sender.stop().await;
        let issue = newest(&room.app).await;
        let rows = room
            .app
            .db
            .deliveries(issue.id, None, None, 200)
            .await
            .unwrap();
        assert!(rows.iter().all(|row| row.attempts == 0));
        let told: Vec<_> = rows.iter().filter(|row| !row.reason.is_empty()).collect();
        assert!(
            (3..=30).contains(&told.len()),
            "{} were refused",
            told.len()
        );
        assert!(
            told[0].reason.contains("550 5.1.8 bad sender"),
            "{}",
            told[0].reason
        );
        // Mended and resumed, everybody gets it.
        room.sink.set_rules(Vec::new());
        let now = UnixMillis::now();
        let db = &room.app.db;
        assert!(
            db.send_issue(issue.id, IssueState::Paused, now)
                .await
                .unwrap()
        );
        assert_eq!(newest(&room.app).await.why_paused, "");
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 100).await;
        sender.stop().await;
        assert_eq!(room.sink.accepted().len(), 100);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_that_is_too_large_is_paused_at_the_first_refusal() {
    both_databases(async |db| {
        let large = Rule::at(Step::Dot, Fault::reply("552 5.3.4 too big"));
        let (room, sender) = paused_by(db, vec![large]).await;
        sender.stop().await;
        let issue = newest(&room.app).await;
        let failed = count(&room.app, &issue, Failed).await;
        assert!((1..=3).contains(&failed), "{failed} were refused");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_issue_that_is_refused_as_spam_too_often_is_paused() {
    both_databases(async |db| {
        let spam = Rule::at(Step::Dot, Fault::reply("554 5.7.1 looks like spam")).percent(30);
        let (room, sender) = paused_by(db, vec![spam]).await;
        sender.stop().await;
        let issue = newest(&room.app).await;
        let failed = count(&room.app, &issue, Failed).await;
        assert!((5..=30).contains(&failed), "{failed} were refused");
        let why = &issue.why_paused;
        assert!(why.contains("refused as spam"), "{why}");
        assert!(count(&room.app, &issue, Sent).await < 100);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_paused_issue_stops_within_a_second_and_resuming_loses_nothing() {
    both_databases(async |db| {
        let room = room(db, "rate = \"40/s\"", "").await;
        readers(&room, &addresses(120, "readers.example"), "daily").await;
        let issue = digest(&room, 1).await;
        let sender = Sender::start(&room.app);
        until("some are sent", SOON, async || {
            (room.sink.received() >= 20).then_some(())
        })
        .await;
        let db = &room.app.db;
        let is_paused = db.set_issue_state(issue.id, &[IssueState::Sending], IssueState::Paused);
        assert!(is_paused.await.unwrap());
        tokio::time::sleep(Duration::from_secs(1)).await;
        let then = room.sink.received();
        tokio::time::sleep(Duration::from_secs(1)).await;
        assert_eq!(room.sink.received(), then, "nothing left any more");
        assert!(then < 120);
        let now = UnixMillis::now();
        assert!(
            db.send_issue(issue.id, IssueState::Paused, now)
                .await
                .unwrap()
        );
        until_count(&room.app, &issue, Sent, 120).await;
        sender.stop().await;
        let mails = room.sink.accepted();
        assert_eq!(mails.len(), 120);
        assert_eq!(mails.iter().map(to).collect::<BTreeSet<_>>().len(), 120);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_issue_ends_and_what_failed_can_be_tried_again() {
    both_databases(async |db| {
        let room = room(db, "rate = \"40/s\"", "").await;
        readers(&room, &addresses(60, "readers.example"), "daily").await;
        let refused = Rule::at(Step::Rcpt, Fault::reply("550 5.2.0 not now")).times(3);
        room.sink.set_rules(vec![refused]);
        let issue = digest(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Failed, 3).await;
        until_count(&room.app, &issue, Sent, 57).await;
        let now = UnixMillis::now();
        assert_eq!(
            room.app
                .db
                .retry_issue(issue.id, Failed, now)
                .await
                .unwrap(),
            3
        );
        until_count(&room.app, &issue, Sent, 60).await;
        let second = alert_for_all(&room).await;
        until("some are sent", SOON, async || {
            (room.sink.accepted().len() > 60).then_some(())
        })
        .await;
        let open = room
            .app
            .db
            .cancel_issue(second.id, UnixMillis::now())
            .await
            .unwrap();
        assert!(open.is_some_and(|open| open > 0));
        let sent = until("every delivery has its end", SOON, async || {
            let sent = count(&room.app, &second, Sent).await;
            let ended = count(&room.app, &second, Cancelled).await;
            (sent + ended == 60).then_some(sent)
        })
        .await;
        sender.stop().await;
        assert_eq!(room.sink.accepted().len() as i64, 60 + sent);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_daemon_that_does_not_know_the_channel_leaves_its_mail_to_those_who_do() {
    both_databases(async |db| {
        let room = room(db, "", "").await;
        readers(&room, &addresses(40, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        // One that has not read the new configuration yet.
        let other = room.beside("[channels.feed]\nkind = \"feed\"\n").await;
        let mut before = Dispatcher::default();
        let never = CancellationToken::new();
        let step = before.step(&other, &never).await.unwrap();
        assert_eq!((step.claimed, step.idle), (0, true));
        assert_eq!(count(&room.app, &issue, Pending).await, 40);
        before.finish(&other, &never).await.unwrap();
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 40).await;
        sender.stop().await;
    })
    .await;
}

/// The next issue, for readers who read at once from here on.
async fn alert_for_all(room: &Newsroom) -> courant::domain::Issue {
    readers(room, &addresses(60, "readers.example"), "instant").await;
    alert(room, 2).await
}
