//! Whose turn it is, and what each connection and protocol is held to.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use courant::domain::DeliveryState::Sent;
use courant::domain::{Issue, UnixMillis};
use courant::pipeline::dispatch::{self, Dispatcher};
use tokio_util::sync::CancellationToken;

use crate::kit::{
    SOON, Sender, addresses, alert, count, digest, issue_at, lasted, newest, readers, relay, room,
    sign_up, to, until_count,
};
use crate::support::databases::both_databases;
use crate::support::newsroom::{DAY, DAY_ONE, HOUR, Newsroom};
use crate::support::process::until;
use crate::support::smtp::{Fault, Rule, Setup, Sink, Step};

/// How many mails of a digest to two hundred go out before the ten alerts of a story that comes
/// when it is on its way.
async fn gone_first(room: &Newsroom, slow: &Issue, story: usize) -> i64 {
    let sender = Sender::start(&room.app);
    until("the digest is on its way", SOON, async || {
        (room.sink.received() >= 20).then_some(())
    })
    .await;
    let before = count(&room.app, slow, Sent).await;
    let urgent = alert(room, story).await;
    until_count(&room.app, &urgent, Sent, 10).await;
    let meanwhile = count(&room.app, slow, Sent).await - before;
    until_count(&room.app, slow, Sent, 200).await;
    sender.stop().await;
    meanwhile
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_overtakes_a_digest_that_is_sent_slowly() {
    both_databases(async |db| {
        let room = room(db, "rate = \"40/s\"", "").await;
        readers(&room, &addresses(200, "digest.example"), "daily").await;
        readers(&room, &addresses(10, "alert.example"), "instant").await;
        let slow = digest(&room, 1).await;
        let gone = gone_first(&room, &slow, 2).await;
        // Ten alerts take a quarter of a second, after what is in hand and the next look.
        assert!(gone < 110, "{gone} of the digest went first");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_alert_overtakes_a_digest_within_a_domain_that_takes_little() {
    for limit in ["rate = \"20/s\"", "connections = 1"] {
        both_databases(async |db| {
            let group = format!("[relays.main.domains.\"gmail.com\"]\n{limit}\n");
            let room = room(db, "", &group).await;
            // With one connection it is the message that takes its time.
            let slow = Rule::at(Step::Data, Fault::Delay(Duration::from_millis(40)));
            room.sink.set_rules(vec![slow]);
            readers(&room, &addresses(200, "gmail.com"), "daily").await;
            let urgent: Vec<_> = (0..10).map(|n| format!("alert{n}@gmail.com")).collect();
            readers(&room, &urgent, "instant").await;
            let slow = digest(&room, 1).await;
            let gone = gone_first(&room, &slow, 2).await;
            // Ten alerts take half a second; those that find no place come again after one.
            assert!(gone < 90, "{limit}: {gone} of the digest went first");
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_cancelled_digest_leaves_no_gap_in_its_domain() {
    both_databases(async |db| {
        let group = "[relays.main.domains.\"gmail.com\"]\nrate = \"5/s\"\n";
        let room = room(db, "", group).await;
        readers(&room, &addresses(300, "gmail.com"), "daily").await;
        let first = digest(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &first, Sent, 5).await;
        room.app
            .db
            .cancel_issue(first.id, UnixMillis::now())
            .await
            .unwrap();
        let next = issue_at(&room, 2, DAY_ONE.plus_ms(DAY + HOUR)).await;
        let begun = Instant::now();
        until_count(&room.app, &next, Sent, 20).await;
        // The first would have gone on for a minute.
        let lasted = begun.elapsed();
        assert!(lasted < Duration::from_secs(20), "{lasted:?}");
        sender.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_command_waits_for_a_domain_that_takes_little() {
    both_databases(async |db| {
        let group = "[relays.main.domains.\"gmail.com\"]\nrate = \"10/s\"\n";
        let room = room(db, "", group).await;
        readers(&room, &addresses(40, "gmail.com"), "daily").await;
        digest(&room, 1).await;
        assert_eq!(dispatch::drain(&room.app, |_| {}).await.unwrap(), 40);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_that_takes_nothing_does_not_keep_the_daemon_from_all_else() {
    both_databases(async |db| {
        let group = "[relays.main.domains.\"gmail.com\"]\nrate = \"1/h\"\n";
        let room = room(db, "", group).await;
        readers(&room, &addresses(3000, "gmail.com"), "daily").await;
        digest(&room, 1).await;
        let (mut dispatcher, never) = (Dispatcher::default(), CancellationToken::new());
        let step = dispatcher.step(&room.app, &never).await.unwrap();
        assert!((500..1600).contains(&step.claimed), "{}", step.claimed);
        dispatcher.finish(&room.app, &never).await.unwrap();
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_confirmation_mail_overtakes_a_digest_and_alerts() {
    both_databases(async |db| {
        let room = room(db, "rate = \"40/s\"", "").await;
        readers(&room, &addresses(200, "digest.example"), "daily").await;
        readers(&room, &addresses(200, "alert.example"), "instant").await;
        let slow = digest(&room, 1).await;
        let urgent = alert(&room, 2).await;
        let sender = Sender::start(&room.app);
        until("they are on their way", SOON, async || {
            (room.sink.received() >= 20).then_some(())
        })
        .await;
        let sent =
            async || count(&room.app, &slow, Sent).await + count(&room.app, &urgent, Sent).await;
        let before = sent().await;
        let now = UnixMillis::now();
        for address in addresses(10, "new.example") {
            sign_up(&room, &address, now).await;
        }
        let round = newest(&room.app).await;
        until_count(&room.app, &round, Sent, 10).await;
        let meanwhile = sent().await - before;
        // As for alerts: a quarter of a second, after what is in hand and the next look.
        assert!(meanwhile < 110, "{meanwhile} of the others went first");
        until_count(&room.app, &slow, Sent, 200).await;
        until_count(&room.app, &urgent, Sent, 200).await;
        sender.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_digests_share_a_relay_fairly() {
    both_databases(async |db| {
        let room = room(db, "rate = \"40/s\"", "").await;
        readers(&room, &addresses(80, "one.example"), "daily").await;
        let one = digest(&room, 1).await;
        // The next morning nothing of the first has left yet.
        let two = issue_at(&room, 2, DAY_ONE.plus_ms(DAY + HOUR)).await;
        assert_ne!(one.id, two.id);
        let sender = Sender::start(&room.app);
        until_count(&room.app, &one, Sent, 60).await;
        let other = count(&room.app, &two, Sent).await;
        assert!(
            (40..=80).contains(&other),
            "60 of one and {other} of the other"
        );
        until_count(&room.app, &two, Sent, 80).await;
        sender.stop().await;
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_connection_carries_no_more_messages_and_lives_no_longer_than_it_may() {
    both_databases(async |db| {
        let room = room(db, "max_messages = 7\nconnections = 2", "").await;
        readers(&room, &addresses(60, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 60).await;
        sender.stop().await;
        let mails = room.sink.accepted();
        for number in 1..=room.sink.connections() {
            let carried = mails
                .iter()
                .filter(|mail| mail.connection == number)
                .count();
            assert!(carried <= 7, "{carried} over connection {number}");
        }
        // An old connection's goodbye may cross the next one's greeting: what counts is how many
        // carry mail at a time.
        let life = |number: &usize| {
            let times = mails.iter().filter(|mail| mail.connection == *number);
            let times = times.map(|mail| mail.at);
            Some((times.clone().min()?, times.max()?))
        };
        let lives: Vec<_> = (1..=room.sink.connections())
            .filter_map(|n| life(&n))
            .collect();
        for mail in &mails {
            let alive = lives
                .iter()
                .filter(|(first, last)| (*first..=*last).contains(&mail.at));
            assert!(alive.count() <= 2, "more than two connections carry mail");
        }
    })
    .await;
    both_databases(async |db| {
        let room = room(db, "max_age = \"1s\"\nconnections = 1\nrate = \"20/s\"", "").await;
        readers(&room, &addresses(60, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 60).await;
        sender.stop().await;
        let mails = room.sink.accepted();
        assert!(room.sink.connections() >= 3, "{}", room.sink.connections());
        for number in 1..=room.sink.connections() {
            let carried = mails.iter().filter(|mail| mail.connection == number);
            let carried: Vec<_> = carried.cloned().collect();
            // One that carried nothing was opened when there was nothing left.
            let lived = carried.first().map(|_| lasted(&carried));
            assert!(lived.is_none_or(|lived| lived.as_millis() < 1300));
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mail_store_is_served_over_lmtp() {
    both_databases(async |db| {
        let store = Sink::start(Setup {
            lmtp: true,
            ..Setup::default()
        })
        .await;
        let lmtp = relay("store", &store, "").replace("smtp://", "lmtp://");
        let channel = format!("relays = [\"store\"]\n{lmtp}");
        let room = room(db, "", &channel).await;
        readers(&room, &addresses(40, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 40).await;
        sender.stop().await;
        let mails = store.accepted();
        assert_eq!(mails.iter().map(to).collect::<BTreeSet<_>>().len(), 40);
        assert!(room.sink.mails().is_empty());
    })
    .await;
}
