//! Several relays: shares, failover, breakers and probes.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use courant::config::Remedy;
use courant::domain::DeliveryState::Sent;

use crate::kit::{SOON, Sender, addresses, alert, readers, relay, room, to, until_count};
use crate::support::databases::both_databases;
use crate::support::process::until;
use crate::support::smtp::{Fault, Rule, Sink, Step};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_relays_share_the_mail_by_their_weights() {
    both_databases(async |db| {
        let second = Sink::plain().await;
        let room = room(db, "weight = 3", &relay("second", &second, "")).await;
        readers(&room, &addresses(400, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 400).await;
        sender.stop().await;
        let shares = (room.sink.accepted().len(), second.accepted().len());
        assert_eq!(shares.0 + shares.1, 400);
        assert!((280..=320).contains(&shares.0), "{shares:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_down_costs_nobody_a_try() {
    both_databases(async |db| {
        let second = Sink::plain().await;
        let room = room(db, "", &relay("second", &second, "")).await;
        let down = Rule::at(Step::Greeting, Fault::reply("554 5.3.2 no service"));
        room.sink.set_rules(vec![down]);
        readers(&room, &addresses(100, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 100).await;
        sender.stop().await;
        let mails = second.accepted();
        assert_eq!(mails.iter().map(to).collect::<BTreeSet<_>>().len(), 100);
        let rows = room
            .app
            .db
            .deliveries(issue.id, None, None, 200)
            .await
            .unwrap();
        assert!(rows.iter().all(|row| row.attempts == 1), "one try each");
        let main = &room.app.relays.status()[0];
        let (_, reason) = main.pause.as_ref().expect("it rests");
        assert!(reason.contains("554 5.3.2 no service"), "{reason}");
        assert!(room.sink.connections() <= 12, "{}", room.sink.connections());
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_is_back_gets_its_part_again() {
    both_databases(async |db| {
        let second = Sink::plain().await;
        // By a rule, because the pauses of the breaker are long.
        let rule = "rules = [{ reply = \"come back\", suspend = \"4s\" }]";
        let more = format!("issue_rate = \"30/s\"\n{}", relay("second", &second, ""));
        let room = room(db, rule, &more).await;
        let away = Fault::reply("421 4.3.2 come back in a moment");
        room.sink.set_rules(vec![Rule::at(Step::Mail, away)]);
        readers(&room, &addresses(300, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let begun = Instant::now();
        let sender = Sender::start(&room.app);
        until("it rests", SOON, async || {
            room.app.relays.status()[0].pause.is_some().then_some(())
        })
        .await;
        room.sink.set_rules(Vec::new());
        until_count(&room.app, &issue, Sent, 300).await;
        sender.stop().await;
        let (main, other) = (room.sink.accepted(), second.accepted().len());
        assert_eq!(main.len() + other, 300);
        let early = main.iter().map(|mail| mail.at - begun).min();
        assert!(early > Some(Duration::from_secs(4)), "{early:?}");
        // Ten seconds of mail; who shares a database takes two more to ask whose probe it is.
        assert!(main.len() >= 30 && other >= 100, "{} {other}", main.len());
        let status = room.app.relays.status();
        assert!(
            status.iter().all(|relay| relay.pause.is_none()),
            "{status:?}"
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_probed_while_the_rate_of_all_mail_is_used_up_by_another() {
    both_databases(async |db| {
        let second = Sink::plain().await;
        let more = format!(
            "[delivery]\nrate = \"20/s\"\n{}",
            relay("second", &second, "")
        );
        let room = room(db, "", &more).await;
        readers(&room, &addresses(200, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let main = room.app.relays.iter().next().unwrap().clone();
        let pause = Duration::from_secs(1);
        main.apply(Remedy::Suspend, pause, "a story", Instant::now());
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 200).await;
        sender.stop().await;
        let shares = (room.sink.accepted().len(), second.accepted().len());
        assert_eq!(shares.0 + shares.1, 200);
        // Ten seconds of mail, of which it rested for one, or for three where daemons ask each
        // other whose probe it is.
        assert!(shares.0 >= 50, "{shares:?}");
    })
    .await;
}
