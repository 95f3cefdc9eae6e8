//! Rates, connections and quotas: how fast, how many at a time, how much a day.

use std::collections::BTreeSet;
use std::time::Duration;

use courant::domain::DeliveryState::{Deferred, Pending, Sent};
use courant::pipeline::Clock;

use crate::kit::{
    Sender, addresses, alert, assert_rate, count, digest, domain, lasted, readers, relay, room,
    sign_up, tables, to, until_count,
};
use crate::support::databases::both_databases;
use crate::support::newsroom::{DAY, DAY_ONE, HOUR};
use crate::support::postgres::Cluster;
use crate::support::smtp::{Fault, Rule, Sink, Step};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_is_sent_no_more_than_its_rate() {
    both_databases(async |db| {
        let room = room(db, "rate = \"20/s\"", "").await;
        readers(&room, &addresses(70, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 70).await;
        sender.stop().await;
        let mails = room.sink.accepted();
        assert_rate("the relay", &mails, 20.0);
        // And no less: 69 gaps of 50 ms.
        let lasted = lasted(&mails);
        assert!(lasted < Duration::from_secs(5), "{lasted:?}");
    })
    .await;
}

/// Two daemons on one PostgreSQL with these keys of the relay and tables, 60 readers and three
/// seconds' worth of mail at 20 a second.
async fn together(keys: &str, more: &str, domain: &str) {
    let url = Cluster::shared().fresh_database().await;
    let db = courant::store::Db::open(&url).await.unwrap();
    let room = room(db.clone(), keys, more).await;
    readers(&room, &addresses(60, domain), "instant").await;
    let issue = alert(&room, 1).await;
    let other = room.beside(&tables(keys, more)).await;
    assert_ne!(room.app.owner, other.owner);
    let senders = [Sender::start(&room.app), Sender::start(&other)];
    until_count(&room.app, &issue, Sent, 60).await;
    for sender in senders {
        sender.stop().await;
    }
    let mails = room.sink.accepted();
    assert_eq!(mails.iter().map(to).collect::<BTreeSet<_>>().len(), 60);
    assert_rate("two daemons", &mails, 20.0);
    let lasted = lasted(&mails);
    assert!(lasted < Duration::from_secs(9), "{lasted:?}");
    for app in [&room.app, &other] {
        let sent = app.relays.status()[0].counts.accepted;
        assert!(sent >= 5, "one of the two sent only {sent}");
    }
    db.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_keep_the_rate_of_a_relay_together() {
    together("rate = \"20/s\"", "", "readers.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_keep_the_rate_of_all_mail_together() {
    together("", "[delivery]\nrate = \"20/s\"\n", "readers.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_keep_the_rate_of_an_issue_together() {
    together("", "issue_rate = \"20/s\"\n", "readers.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_daemons_keep_the_rate_of_a_domain_together() {
    let group = "[relays.main.domains.\"gmail.com\"]\nrate = \"20/s\"\nalso = [\"mail.example\"]\n";
    together("", group, "mail.example").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn others_overtake_a_domain_that_is_sent_slowly_and_everybody_is_served() {
    both_databases(async |db| {
        let group = "[relays.main.domains.\"gmail.com\"]\nrate = \"4/s\"\n\
             also = [\"googlemail.com\"]\n";
        let room = room(db, "", group).await;
        readers(&room, &addresses(10, "gmail.com"), "instant").await;
        readers(&room, &addresses(10, "googlemail.com"), "instant").await;
        readers(&room, &addresses(200, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 220).await;
        sender.stop().await;
        let mails = room.sink.accepted();
        assert_eq!(mails.iter().map(to).collect::<BTreeSet<_>>().len(), 220);
        let (others, slow): (Vec<_>, Vec<_>) = mails
            .into_iter()
            .partition(|mail| domain(mail) == "readers.example");
        assert_rate("the domain", &slow, 4.0);
        assert!(
            lasted(&others) < Duration::from_millis(1500),
            "{:?}",
            lasted(&others)
        );
        assert!(
            lasted(&slow) < Duration::from_secs(9),
            "{:?}",
            lasted(&slow)
        );
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_complaint_about_one_domain_slows_down_its_group_and_nobody_else() {
    both_databases(async |db| {
        let group = "[relays.main.domains.\"gmail.com\"]\nrate = \"100/s\"\n\
             [relays.main.domains.\"gmx.net\"]\n";
        let room = room(db, "", group).await;
        let google = addresses(10, "gmail.com");
        let too_many = Fault::reply("450 4.7.28 too many requests");
        let rules = google.iter().map(|address| {
            let rule = Rule::at(Step::Rcpt, too_many.clone());
            rule.to(address)
        });
        room.sink.set_rules(rules.collect());
        for domain in ["gmx.net", "readers.example"] {
            readers(&room, &addresses(100, domain), "instant").await;
        }
        readers(&room, &google, "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 200).await;
        until_count(&room.app, &issue, Deferred, 10).await;
        sender.stop().await;
        let relay = &room.app.relays.status()[0];
        assert_eq!(relay.rate_per_s, None, "the relay has not complained");
        let rates: Vec<_> = relay.groups.iter().map(|group| group.rate_per_s).collect();
        // Once, however many of them were under way.
        assert_eq!(rates, [Some(70.0), None]);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain_has_no_more_connections_than_it_may() {
    both_databases(async |db| {
        let group = "[relays.main.domains.\"gmail.com\"]\nconnections = 1\n";
        let room = room(db, "connections = 5", group).await;
        // A message takes its time, so that connections would meet.
        let slow = Rule::at(Step::Data, Fault::Delay(Duration::from_millis(30)));
        room.sink.set_rules(vec![slow]);
        readers(&room, &addresses(120, "gmail.com"), "instant").await;
        readers(&room, &addresses(40, "readers.example"), "instant").await;
        let issue = alert(&room, 1).await;
        let sender = Sender::start(&room.app);
        until_count(&room.app, &issue, Sent, 160).await;
        sender.stop().await;
        let mails = room.sink.accepted();
        let (others, slow): (Vec<_>, Vec<_>) = mails
            .into_iter()
            .partition(|mail| domain(mail) == "readers.example");
        // One after the other, 30 ms each.
        assert_eq!(slow.len(), 120);
        let gaps = slow.windows(2).map(|pair| pair[1].at - pair[0].at);
        let shortest = gaps.min().unwrap();
        assert!(shortest > Duration::from_millis(25), "{shortest:?}");
        assert!(lasted(&others) < lasted(&slow), "the others overtake");
        // That is 4 s, and the pace is not known from the first.
        let took = lasted(&slow);
        assert!(took < Duration::from_secs(10), "{took:?}");
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_day_does_not_take_waits_for_the_next_day_also_after_a_restart() {
    both_databases(async |db| {
        let mut room = room(db, "day_quota = 20", "").await;
        room.app.clock = Clock::standing(DAY_ONE.plus_ms(HOUR));
        readers(&room, &addresses(50, "readers.example"), "daily").await;
        // Nothing to send: nothing of the day is used, however often it starts.
        for _ in 0..3 {
            room.tick(DAY_ONE).await;
        }
        let issue = digest(&room, 1).await;
        // A tenth of each day is not for digests.
        for (day, sent) in [(0, 18), (0, 18), (1, 36), (1, 36), (2, 50)] {
            let now = DAY_ONE.plus_ms(day * DAY + 2 * HOUR);
            // A new process, which knows what the database knows.
            let again = room.beside(&tables("day_quota = 20", "")).await;
            again.clock.set(now);
            courant::pipeline::dispatch::drain(&again, |_| {})
                .await
                .unwrap();
            assert_eq!(count(&again, &issue, Sent).await, sent, "day {day}");
            assert_eq!(count(&again, &issue, Pending).await, 50 - sent);
        }
        assert_eq!(room.sink.accepted().len(), 50);
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_warms_up_leaves_the_rest_to_another() {
    both_databases(async |db| {
        let old = Sink::plain().await;
        // The third day of four, from 10 to 80: 40 messages, and 4 of them for urgent mail.
        let warm = "weight = 100\nwarm_up = { start = 10, end = 80, days = 4, begin = 2026-01-03 }";
        let mut room = room(db, warm, &relay("old", &old, "")).await;
        room.app.clock = Clock::standing(DAY_ONE.plus_ms(2 * HOUR));
        readers(&room, &addresses(60, "readers.example"), "daily").await;
        let issue = digest(&room, 1).await;
        courant::pipeline::dispatch::drain(&room.app, |_| {})
            .await
            .unwrap();
        assert_eq!(count(&room.app, &issue, Sent).await, 60);
        assert_eq!((room.sink.accepted().len(), old.accepted().len()), (36, 24));
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_digest_that_uses_up_the_day_leaves_a_tenth_of_it_to_confirmation_mail() {
    both_databases(async |db| {
        let mut room = room(db, "day_quota = 20", "").await;
        room.app.clock = Clock::standing(DAY_ONE.plus_ms(2 * HOUR));
        readers(&room, &addresses(30, "readers.example"), "daily").await;
        let issue = digest(&room, 1).await;
        let send = async |now| {
            room.app.clock.set(now);
            let sent = courant::pipeline::dispatch::drain(&room.app, |_| {});
            sent.await.unwrap();
            (
                count(&room.app, &issue, Sent).await,
                room.sink.accepted().len(),
            )
        };
        let now = DAY_ONE.plus_ms(2 * HOUR);
        assert_eq!(send(now).await, (18, 18));
        let states = async || {
            let (db, config) = (&room.app.db, &room.app.config);
            let status = courant::pipeline::status::status(db, config, None, now, now).await;
            status.unwrap().relays[0].state.clone()
        };
        assert_eq!(
            states().await,
            "paused until tomorrow for digests: 18 of today's 20 messages are sent, the rest is \
             kept for alerts and confirmation mail"
        );
        for (n, sent) in [(0, 19), (1, 20), (2, 20)] {
            sign_up(&room, &format!("new{n}@readers.example"), now).await;
            assert_eq!(send(now).await, (18, sent));
        }
        assert_eq!(
            states().await,
            "paused until tomorrow: today's 20 messages are sent"
        );
        let tomorrow = now.plus_ms(DAY);
        assert_eq!(send(tomorrow).await, (30, 33));
    })
    .await;
}
