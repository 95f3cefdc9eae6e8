//! Several messages on one connection, the next begun while the last is answered.

use std::time::Duration;

use courant::channels::email::smtp::{Connection, Limits, RelayTrouble, Verdict};

use crate::kit::{
    Batch, Letter, SHORT, batch, lmtp, open, open_hasty, patient, readers, relay, send,
    until_unusable,
};
use crate::support::process::{SOON, until};
use crate::support::smtp::{Fault, Rule, Setup, Sink, Step};

fn accepted(batch: &Batch) -> usize {
    let ended = batch.ended.iter();
    ended
        .filter(|(to, _)| batch.outcome(to) == "accepted")
        .count()
}

#[tokio::test]
async fn a_message_costs_one_round_trip_once_the_first_has_been_taken() {
    let pause = Duration::from_millis(30);
    let slow = Rule::at(Step::Dot, Fault::Delay(pause));
    let sink = Sink::with(vec![slow]).await;
    let mut connection = open(&sink).await;
    let mut batch = batch(8);
    assert_eq!(batch.over(&mut connection).await, None);
    batch.check(&sink, "one round trip");
    assert_eq!(accepted(&batch), 8);
    // The second is announced by itself; from then on each brings the next one's commands.
    assert_eq!(sink.ahead(), 6);
    assert_eq!((sink.count("MAIL"), sink.count("RSET")), (8, 0));
    // In order, and each asked for once.
    assert_eq!(batch.asked, readers(8));
}

#[tokio::test]
async fn without_pipelining_nothing_is_said_before_it_is_asked_for() {
    let sink = Sink::start(Setup::pipelined(false, Vec::new())).await;
    let mut connection = open(&sink).await;
    let mut batch = batch(8);
    batch.over(&mut connection).await;
    batch.check(&sink, "no pipelining");
    assert_eq!(accepted(&batch), 8);
    assert_eq!((sink.ahead(), sink.pipelined()), (0, 0));
}

#[tokio::test]
async fn nothing_is_taken_from_the_feed_that_the_connection_will_not_carry() {
    let sink = Sink::plain().await;
    let limits = |max_messages, max_age| Limits {
        max_messages,
        max_age,
        ..Limits::default()
    };
    let minute = Duration::from_secs(60);
    for (limits, carried) in [
        (limits(5, minute), 5),
        (limits(2, minute), 2),
        (limits(1, minute), 1),
        (limits(100, Duration::ZERO), 1),
    ] {
        let endpoint = patient(sink.port()).with_limits(limits);
        let mut connection = Connection::open(&endpoint).await.unwrap();
        let mut batch = batch(9);
        assert_eq!(batch.over(&mut connection).await, None);
        assert_eq!(batch.ended.len(), carried, "{limits:?}");
        assert_eq!(batch.waiting.len(), 9 - carried);
        assert!(!connection.is_usable());
    }
    assert_eq!(sink.count("MAIL"), 5 + 2 + 1 + 1);

    let idle = Limits {
        idle_close: Duration::from_millis(20),
        ..Limits::default()
    };
    let endpoint = patient(sink.port()).with_limits(idle);
    let mut connection = Connection::open(&endpoint).await.unwrap();
    assert!(connection.is_usable());
    until_unusable(&mut connection).await;
}

#[tokio::test]
async fn a_message_that_is_held_back_at_the_last_moment_is_not_sent() {
    for pipelining in [true, false] {
        for held in 0..4 {
            let sink = Sink::start(Setup::pipelined(pipelining, Vec::new())).await;
            let mut connection = open(&sink).await;
            let mut batch = batch(4);
            batch.hold = Some(
                [
                    "reader0@example.com",
                    "reader1@example.com",
                    "reader2@example.com",
                    "reader3@example.com",
                ][held],
            );
            assert_eq!(batch.over(&mut connection).await, None);
            assert!(!connection.is_usable());
            drop(connection);
            assert_eq!(batch.withdrawn, [format!("reader{held}@example.com")]);
            assert_eq!((accepted(&batch), batch.waiting.len()), (held, 3 - held));
            // It was asked when the relay waited for the message, and the relay had 354 said.
            assert_eq!(sink.count("DATA"), held + 1);
            batch.check(&sink, "held back");
            assert_eq!(sink.received(), held);
        }
    }
}

#[tokio::test]
async fn a_refused_recipient_in_the_middle_leaves_the_others_alone() {
    let reader = "reader3@example.com";
    for (data, dot, goes_on) in [
        ("503 5.5.1 no recipients", None, true),
        ("554 5.5.1 no valid recipients", None, true),
        ("451 4.3.0 later", None, true),
        // RFC 2920 §3.1: a lone dot, whose answer counts as nothing.
        ("354 go on", Some(Fault::reply("554 5.5.1 nobody")), true),
        ("354 go on", Some(Fault::reply("250 2.0.0 ok")), true),
        ("354 go on", Some(Fault::reply("421 4.3.2 bye")), false),
        ("354 go on", Some(Fault::Close), false),
        ("354 go on", Some(Fault::Hang), false),
        ("421 4.3.2 bye", None, false),
    ] {
        let refuse = Rule::at(Step::Rcpt, Fault::reply("550 5.1.1 no such user")).to(reader);
        let data_rule = Rule::at(Step::Data, Fault::reply(data)).after(3).times(1);
        let mut rules = vec![refuse, data_rule];
        let is_lone_dot = dot.is_some();
        rules.extend(dot.map(|fault| Rule::at(Step::Dot, fault).after(3).times(1)));
        let sink = Sink::with(rules.clone()).await;
        let mut connection = open_hasty(&sink).await;
        let mut batch = batch(6);
        assert_eq!(batch.over(&mut connection).await, None);
        let what = format!("{rules:?}");
        batch.check(&sink, &what);
        assert_eq!(batch.outcome(reader), "rejected suppress", "{what}");
        assert_eq!(accepted(&batch), if goes_on { 5 } else { 3 }, "{what}");
        assert_eq!(connection.is_usable(), goes_on, "{what}");
        let dots = sink.commands();
        let dots = dots.iter().filter(|(_, line)| line == ". after 0 bytes");
        assert_eq!(dots.count(), usize::from(is_lone_dot), "{what}");
    }
}

#[tokio::test]
async fn an_answer_to_data_that_is_none_is_believed_by_nobody() {
    let refuse = Rule::at(Step::Rcpt, Fault::reply("550 5.1.1 no such user"));
    for fault in [
        Fault::reply("250 2.0.0 ok"),
        Fault::Bytes(b"hello\r\n".to_vec()),
    ] {
        let odd = Rule::at(Step::Data, fault);
        let sink = Sink::with(vec![refuse.clone(), odd]).await;
        let mut connection = open(&sink).await;
        let mut batch = batch(1);
        batch.over(&mut connection).await;
        // Which answer was whose? Nobody is taken off the list for that.
        assert_eq!(batch.outcome("reader0@example.com"), "not tried");
        assert!(!connection.is_usable());
    }
}

#[tokio::test]
async fn where_a_recipient_may_have_been_taken_no_empty_message_gets_out() {
    for (step, reply, outcome) in [
        (Step::Mail, "451 4.3.0 later", "deferred"),
        (Step::Rcpt, "503 5.5.1 what", "not tried"),
    ] {
        let sink = Sink::with(vec![
            Rule::at(step, Fault::reply(reply)),
            Rule::at(Step::Data, Fault::reply("354 go on")),
        ])
        .await;
        let mut connection = open(&sink).await;
        let mut batch = batch(1);
        batch.over(&mut connection).await;
        assert_eq!(batch.outcome("reader0@example.com"), outcome);
        assert!(!connection.is_usable());
        drop(connection);
        tokio::time::sleep(SHORT / 8).await;
        let commands = sink.commands();
        assert!(commands.iter().all(|(_, line)| !line.starts_with('.')));
    }
}

#[tokio::test]
async fn a_relay_that_hangs_up_after_some_messages_gets_all_of_them() {
    for last in ["250 2.0.0 ok", "250 2.0.0 ok\r\n421 4.4.2 enough"] {
        for pipelining in [true, false] {
            let hang_up = Fault::ReplyAndClose(last.into());
            let rules = (1..=3).map(|n| {
                Rule::at(Step::Dot, hang_up.clone())
                    .on_connection(n)
                    .after(1)
            });
            let sink = Sink::start(Setup::pipelined(pipelining, rules.collect())).await;
            let mut batch = batch(7);
            batch.over_any(&patient(sink.port())).await;
            let what = format!("{last} pipelining {pipelining}");
            batch.check(&sink, &what);
            // With 421 for an answer one that was announced says it was not tried.
            let busy = batch
                .ended
                .iter()
                .filter(|(to, _)| batch.outcome(to) == "not tried");
            let busy = busy.count();
            assert_eq!(accepted(&batch), 7 - busy, "{what}");
            assert!(busy == 0 || last.contains("421"), "{what}");
            assert!((3..=4).contains(&sink.connections()), "{what}");
        }
    }
}

#[tokio::test]
async fn a_relay_that_takes_so_many_messages_a_connection_is_neither_busy_nor_too_slow() {
    for pipelining in [true, false] {
        let full = Fault::ReplyAndClose("421 too many messages in this connection".into());
        let rules = (1..=3).map(|n| Rule::at(Step::Mail, full.clone()).on_connection(n).after(2));
        let sink = Sink::start(Setup::pipelined(pipelining, rules.collect())).await;
        let mut batch = batch(7);
        batch.over_any(&patient(sink.port())).await;
        batch.check(&sink, "so many a connection");
        assert_eq!((accepted(&batch), sink.connections()), (7, 4));
        let said_so = |(_, verdict): &(_, Verdict)| verdict.relay_trouble.is_some();
        assert!(!batch.ended.iter().any(said_so), "{:?}", batch.ended);
    }
    // Of a connection that has carried nothing it says what it says of others.
    let full = Fault::reply("421 4.7.0 too many connections, closing this session");
    let sink = Sink::with(vec![Rule::at(Step::Mail, full)]).await;
    let mut batch = batch(1);
    batch.over(&mut open(&sink).await).await;
    let verdict = batch.verdict("reader0@example.com").unwrap();
    assert_eq!(verdict.relay_trouble, Some(RelayTrouble::Throttled));
}

#[tokio::test]
async fn a_new_connection_that_drops_is_trouble_and_an_old_one_is_not() {
    let sink = Sink::with(vec![Rule::at(Step::Mail, Fault::Close)]).await;
    let mut connection = open(&sink).await;
    let mut batch = batch(1);
    assert_eq!(batch.over(&mut connection).await, None);
    let verdict = batch.verdict("reader0@example.com").unwrap();
    assert_eq!(verdict.relay_trouble, Some(RelayTrouble::Lost));

    // What came in an idle moment ends the connection, and no message pays for it.
    let sink = Sink::with(vec![Rule::at(
        Step::Dot,
        Fault::Later("421 4.4.2 idle".into()),
    )])
    .await;
    let mut connection = open(&sink).await;
    send(&mut connection, "ada@example.com").await;
    until_unusable(&mut connection).await;
    let mut batch = self::batch(2);
    let back = batch.over(&mut connection).await;
    assert_eq!(back.as_deref(), Some("reader0@example.com"));
    assert_eq!((batch.ended.len(), batch.waiting.len()), (0, 2));
    assert!(!connection.is_usable());
    assert_eq!(sink.count("MAIL"), 1);
}

#[tokio::test]
async fn a_message_nobody_reads_is_not_called_delivered_when_the_next_was_announced() {
    // More than the socket buffers of both sides hold.
    for fault in [
        Fault::Close,
        Fault::Hang,
        Fault::ReplyAndClose("552 5.3.4 too big".into()),
    ] {
        let sink = Sink::with(vec![Rule::at(Step::Body, fault.clone()).after(2).times(1)]).await;
        let mut connection = open_hasty(&sink).await;
        let mut letters: Vec<_> = readers(4).iter().map(|to| Letter::new(to)).collect();
        letters[2] = Letter::of("reader2@example.com", 200_000);
        let mut batch = Batch::of(letters);
        let back = batch.over(&mut connection).await;
        assert_eq!(back.as_deref(), Some("reader3@example.com"), "{fault:?}");
        batch.check(&sink, "cut off");
        let outcome = batch.outcome("reader2@example.com");
        assert!(
            ["deferred", "rejected"].contains(&outcome),
            "{fault:?}: {outcome}"
        );
    }
}

#[tokio::test]
async fn a_carry_that_was_dropped_leaves_a_connection_that_carries_nothing() {
    for step in [Step::Mail, Step::Rcpt, Step::Data, Step::Dot, Step::Rset] {
        for reached in [0, 2] {
            let slow = Rule::at(step, Fault::Delay(SHORT)).after(reached);
            let refuse = Rule::at(Step::Rcpt, Fault::reply("550 5.1.1 no")).times(1);
            let rules = if step == Step::Rset {
                vec![slow.after(0), refuse]
            } else {
                vec![slow]
            };
            let sink = Sink::with(rules).await;
            let mut connection = open(&sink).await;
            let mut batch = batch(6);
            let given_up = tokio::time::timeout(SHORT / 4, batch.over(&mut connection));
            assert!(given_up.await.is_err(), "{step:?}");
            assert!(!connection.is_usable());
            tokio::time::sleep(SHORT).await;
            let mut after = self::batch(1);
            let back = after.over(&mut connection).await;
            assert_eq!(back.as_deref(), Some("reader0@example.com"));
            drop(connection);
            assert!(after.ended.is_empty() && sink.count("QUIT") == 0);
        }
    }
}

#[tokio::test]
async fn a_good_connection_is_given_up_with_a_goodbye_and_a_broken_one_without() {
    let sink = Sink::plain().await;
    let mut connection = open(&sink).await;
    batch(3).over(&mut connection).await;
    drop(connection);
    drop(open(&sink).await);
    until("both say goodbye", SOON, async || {
        (sink.count("QUIT") == 2).then_some(())
    })
    .await;

    let sink = Sink::with(vec![Rule::at(Step::Dot, Fault::reply("354 what"))]).await;
    let mut connection = open(&sink).await;
    batch(1).over(&mut connection).await;
    drop(connection);
    tokio::time::sleep(SHORT / 8).await;
    assert_eq!(sink.count("QUIT"), 0);
}

#[tokio::test]
async fn lmtp_goes_on_likewise_and_is_never_sent_a_lone_dot() {
    let full = Rule::at(Step::Dot, Fault::reply("452 4.2.2 full")).to("reader2@example.com");
    let unknown = Rule::at(Step::Rcpt, Fault::reply("550 5.1.1 no")).to("reader4@example.com");
    let odd = Rule::at(Step::Data, Fault::reply("354 go on"))
        .after(4)
        .times(1);
    for (rules, carried) in [
        (vec![full.clone(), unknown.clone()], 4),
        (vec![full, unknown, odd], 3),
    ] {
        let sink = Sink::start(Setup {
            lmtp: true,
            rules,
            ..Setup::default()
        })
        .await;
        let mut connection = Connection::open(&lmtp(sink.port())).await.unwrap();
        let mut batch = batch(6);
        batch.over(&mut connection).await;
        batch.check(&sink, "LMTP");
        assert_eq!(batch.outcome("reader2@example.com"), "deferred");
        assert_eq!(batch.outcome("reader4@example.com"), "rejected suppress");
        assert_eq!(accepted(&batch), carried);
        assert!(sink.ahead() > 0);
        assert!(
            sink.commands()
                .iter()
                .all(|(_, line)| !line.starts_with('.'))
        );
    }
}

#[tokio::test]
async fn what_a_relay_cannot_take_is_left_out_on_the_way() {
    let sink = Sink::start(Setup {
        offers: vec!["PIPELINING".into(), "SIZE 5000".into()],
        ..Setup::default()
    })
    .await;
    let mut connection = Connection::open(&relay(sink.port())).await.unwrap();
    let mut letters: Vec<_> = readers(7).iter().map(|to| Letter::new(to)).collect();
    for large in [0, 3, 4, 6] {
        letters[large] = Letter::of(&format!("reader{large}@example.com"), 200);
    }
    let mut batch = Batch::of(letters);
    assert_eq!(batch.over(&mut connection).await, None);
    batch.check(&sink, "too large");
    assert_eq!((accepted(&batch), batch.ended.len()), (3, 7));
    assert!(connection.is_usable());
    assert_eq!(sink.count("MAIL"), 3);
}
