//! Several relays: shares, failover, breakers and probes.

use std::collections::BTreeSet;

use courant::domain::DeliveryState::Sent;

use crate::kit::{Sender, addresses, alert, readers, relay, room, to, until_count};
use crate::support::databases::both_databases;
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
        let rule = "rules = [{ reply = \"come back\", suspend = \"1s\" }]";
        let more = format!("issue_rate = \"30/s\"\n{}", relay("second", &second, ""));
        let room = room(db, rule, &more).await;
        let away = Fault::reply("421 4.3.2 come back in a moment");
        room.sink.set_rules(vec![Rule::at(Step::Mail, away)]);
        readers(&room, &addresses(150, "readers.example"), "instant").await;
        let first = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &first, Sent, 150).await;
        assert_eq!(room.sink.accepted().len(), 0, "the other has carried all");
        room.sink.set_rules(Vec::new());
        let before = second.accepted().len();
        let next = alert(&room, 2).await;
        until_count(&room.app, &next, Sent, 150).await;
        sender.stop().await;
        let shares = (room.sink.accepted().len(), second.accepted().len() - before);
        assert_eq!(shares.0 + shares.1, 150);
        // A pause of a second may have begun just before, and who shares a database takes two
        // more to ask whose probe it is: 90 mails of 150.
        assert!(shares.0 >= 15 && shares.1 >= 50, "{shares:?}");
        let status = room.app.relays.status();
        assert!(
            status.iter().all(|relay| relay.pause.is_none()),
            "{status:?}"
        );
    })
    .await;
}
