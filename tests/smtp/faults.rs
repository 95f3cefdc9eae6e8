//! Everything a relay can do wrong on one connection.

use std::time::{Duration, Instant};

use courant::channels::email::smtp::{Connection, RelayTrouble};
use courant::domain::Outcome;

use crate::kit::{
    FROM, MESSAGE, SHORT, address, name, one, one_hasty, open, open_hasty, patient, relay, send,
    until_unusable,
};
use crate::support::smtp::{Fault, Rule, Sink, Step};

const TRANSACTION: [Step; 5] = [Step::Mail, Step::Rcpt, Step::Data, Step::Body, Step::Dot];

#[tokio::test]
async fn every_refusal_leads_where_the_table_says_and_leaves_the_connection_as_it_should() {
    for (step, reply, outcome, usable) in [
        (Step::Mail, "451 4.3.0 later", "deferred", true),
        (Step::Mail, "550 5.7.1 sender refused", "not tried", true),
        (Step::Rcpt, "451 4.7.1 greylisted", "deferred", true),
        (Step::Rcpt, "452 4.2.2 full", "deferred", true),
        (
            Step::Rcpt,
            "550 5.1.1 no such user",
            "rejected suppress",
            true,
        ),
        (Step::Rcpt, "550 5.2.1 disabled", "rejected suppress", true),
        (Step::Rcpt, "550 5.7.1 spam", "rejected", true),
        (Step::Rcpt, "421 4.3.2 bye", "not tried", false),
        (Step::Rcpt, "503 5.5.1 what", "not tried", false),
        (Step::Rcpt, "354 what", "not tried", false),
        (Step::Rcpt, "hello", "not tried", false),
        (Step::Data, "451 4.3.0 later", "deferred", true),
        (Step::Data, "554 5.7.1 no", "rejected", true),
        (Step::Data, "250 ok", "not tried", false),
        (Step::Dot, "451 4.3.0 later", "deferred", true),
        (Step::Dot, "454 4.7.0 Throttling failure", "not tried", true),
        (Step::Dot, "554 5.6.0 no", "rejected", true),
        (Step::Dot, "421 4.7.28 rate", "not tried", false),
        (Step::Dot, "354 go", "unknown", false),
        (Step::Dot, "251 elsewhere", "unknown", false),
        (Step::Dot, "250_ok", "unknown", false),
        (Step::Dot, "250-one\r\n451 two", "unknown", false),
    ] {
        let sink = Sink::with(vec![Rule::at(step, Fault::reply(reply))]).await;
        assert_eq!(one(&sink).await, (outcome, usable), "{step:?} {reply}");
    }
}

#[tokio::test]
async fn after_a_refusal_the_next_message_gets_its_own_answer() {
    for step in [Step::Mail, Step::Rcpt, Step::Data, Step::Dot] {
        let once = Rule::at(step, Fault::reply("451 4.3.0 later")).times(1);
        let sink = Sink::with(vec![once]).await;
        let mut connection = open(&sink).await;
        let first = send(&mut connection, "ada@example.com").await;
        assert_eq!(name(&first.outcome), "deferred");
        let second = send(&mut connection, "bob@example.com").await;
        assert_eq!(name(&second.outcome), "accepted", "{step:?}");
        assert_eq!(sink.accepted().len(), 1);
        assert_eq!(sink.accepted()[0].to, ["bob@example.com"]);
        assert_eq!(sink.count("RSET"), usize::from(step != Step::Dot));
    }
}

#[tokio::test]
async fn a_relay_that_falls_silent_is_waited_for_no_longer_than_its_deadline() {
    for (step, expected) in
        TRANSACTION
            .into_iter()
            .zip(["not tried", "deferred", "deferred", "unknown", "unknown"])
    {
        let sink = Sink::with(vec![Rule::at(step, Fault::Hang)]).await;
        let begin = Instant::now();
        assert_eq!(one_hasty(&sink).await, (expected, false), "{step:?}");
        assert!(begin.elapsed() >= SHORT && begin.elapsed() < SHORT * 10);
        assert_eq!(sink.accepted().len(), 0);
    }
    for step in [Step::Greeting, Step::Hello] {
        let sink = Sink::with(vec![Rule::at(step, Fault::Hang)]).await;
        let error = Connection::open(&relay(sink.port())).await.err().unwrap();
        assert_eq!(error.trouble, RelayTrouble::Lost, "{step:?}");
    }
}

#[tokio::test]
async fn an_answer_that_drips_does_not_outlast_its_deadline() {
    let drip = || Fault::Drip(SHORT / 4);
    let sink = Sink::with(vec![Rule::at(Step::Dot, drip())]).await;
    assert_eq!(one_hasty(&sink).await, ("unknown", false));
    let sink = Sink::with(vec![Rule::at(Step::Rcpt, drip())]).await;
    assert_eq!(one_hasty(&sink).await, ("deferred", false));
}

#[tokio::test]
async fn a_connection_that_drops_leaves_a_true_verdict() {
    for (step, expected) in [
        (Step::Mail, "not tried"),
        (Step::Rcpt, "deferred"),
        (Step::Data, "deferred"),
        (Step::Dot, "unknown"),
    ] {
        let sink = Sink::with(vec![Rule::at(step, Fault::Close)]).await;
        assert_eq!(one(&sink).await, (expected, false), "{step:?}");
    }
    for step in [Step::Greeting, Step::Hello] {
        let sink = Sink::with(vec![Rule::at(step, Fault::Close)]).await;
        let error = Connection::open(&relay(sink.port())).await.err().unwrap();
        assert_eq!(error.trouble, RelayTrouble::Lost);
    }
}

/// More than the socket buffers of both sides hold.
fn endless() -> Vec<u8> {
    vec![b'x'; 9_000_000]
}

#[tokio::test]
async fn a_message_that_was_cut_off_was_not_delivered() {
    for fault in [Fault::Close, Fault::Hang] {
        let sink = Sink::with(vec![Rule::at(Step::Body, fault)]).await;
        let mut connection = open_hasty(&sink).await;
        let to = address("ada@example.com");
        let verdict = connection.send(FROM, &to, &endless()).await;
        assert_eq!(name(&verdict.outcome), "deferred", "{verdict:?}");
        assert_eq!(verdict.relay_trouble, Some(RelayTrouble::Lost));
        assert!(!connection.is_usable());
        assert_eq!(sink.mails().len(), 0);
    }
}

#[tokio::test]
async fn an_answer_in_the_middle_of_the_message_is_never_a_yes() {
    let early = Fault::ReplyAndClose("552 5.3.4 too big".into());
    let sink = Sink::with(vec![Rule::at(Step::Body, early)]).await;
    let mut connection = open_hasty(&sink).await;
    let verdict = connection
        .send(FROM, &address("ada@example.com"), &endless())
        .await;
    // The answer may be lost with the connection; what was said is never taken for more.
    assert!(
        ["rejected", "deferred"].contains(&name(&verdict.outcome)),
        "{verdict:?}"
    );

    // A yes that comes before the message was sent is not the message's.
    let early = Fault::Extra("250 ok".into());
    let sink = Sink::with(vec![Rule::at(Step::Data, early)]).await;
    assert_eq!(one(&sink).await, ("not tried", false));
    assert_eq!(sink.mails().len(), 0);
}

#[tokio::test]
async fn a_surplus_answer_never_becomes_another_messages_success() {
    for step in [
        Step::Greeting,
        Step::Hello,
        Step::Mail,
        Step::Rcpt,
        Step::Data,
        Step::Dot,
    ] {
        for extra in ["250 ok", "354 go", "451 no", "554 5.7.1 no", "421 bye", "?"] {
            let sink = Sink::with(vec![
                Rule::at(step, Fault::Extra(extra.into())).times(1),
                Rule::at(Step::Dot, Fault::reply("554 5.7.1 no")).to("bob@example.com"),
            ])
            .await;
            let Ok(mut connection) = Connection::open(&relay(sink.port())).await else {
                continue;
            };
            for to in ["ada@example.com", "bob@example.com", "eve@example.com"] {
                let verdict = send(&mut connection, to).await;
                let has = sink.accepted().iter().any(|mail| mail.to == [to]);
                match name(&verdict.outcome) {
                    "accepted" => assert!(has, "{step:?} {extra} {to}"),
                    "unknown" => {}
                    _ => assert!(!has, "{step:?} {extra} {to}: {verdict:?}"),
                }
            }
        }
    }
}

#[tokio::test]
async fn a_send_that_was_dropped_half_way_never_reports_its_answer_as_anothers() {
    let slow = Rule::at(Step::Dot, Fault::Delay(SHORT)).times(1);
    let refuse = Rule::at(Step::Dot, Fault::reply("554 5.7.1 refused"));
    let sink = Sink::with(vec![slow, refuse]).await;
    let mut connection = Connection::open(&patient(sink.port())).await.unwrap();
    let to = address("ada@example.com");
    let given_up = tokio::time::timeout(SHORT / 4, connection.send(FROM, &to, MESSAGE));
    assert!(given_up.await.is_err());
    assert!(!connection.is_usable());
    tokio::time::sleep(SHORT).await;
    let verdict = send(&mut connection, "bob@example.com").await;
    assert_eq!(verdict.relay_trouble, Some(RelayTrouble::Stale));
    assert_eq!(name(&verdict.outcome), "not tried");
    assert_eq!(sink.count("MAIL"), 1);
}

#[tokio::test]
async fn a_connection_closed_while_idle_is_noticed_and_costs_nothing() {
    for last in ["250 2.0.0 ok", "250 2.0.0 ok\r\n421 4.4.2 idle too long"] {
        let hang_up = Rule::at(Step::Dot, Fault::ReplyAndClose(last.into()));
        let sink = Sink::with(vec![hang_up]).await;
        let mut connection = open(&sink).await;
        let verdict = send(&mut connection, "ada@example.com").await;
        assert_eq!(name(&verdict.outcome), "accepted");
        until_unusable(&mut connection).await;
        let verdict = send(&mut connection, "bob@example.com").await;
        assert_eq!(
            verdict.relay_trouble,
            Some(RelayTrouble::Stale),
            "{verdict:?}"
        );
        let Outcome::NotTried { after, .. } = verdict.outcome else {
            panic!("{verdict:?}");
        };
        assert_eq!(after, Some(Duration::ZERO));
        assert_eq!(sink.mails().len(), 1);
    }
}

#[tokio::test]
async fn a_greeting_that_is_none_says_what_is_wrong_with_the_relay() {
    for (step, reply, trouble) in [
        (Step::Greeting, "421 4.3.2 too busy", RelayTrouble::Busy),
        (Step::Greeting, "451 later", RelayTrouble::Busy),
        (Step::Greeting, "554 5.7.1 go away", RelayTrouble::Refused),
        (Step::Greeting, "250 ok", RelayTrouble::OutOfStep),
        (
            Step::Greeting,
            "SSH-2.0-OpenSSH_9.2",
            RelayTrouble::OutOfStep,
        ),
        (
            Step::Hello,
            "421 4.7.0 too many connections",
            RelayTrouble::Busy,
        ),
        (Step::Hello, "550 5.7.1 no", RelayTrouble::Refused),
        (Step::Hello, "354 go", RelayTrouble::OutOfStep),
    ] {
        let sink = Sink::with(vec![Rule::at(step, Fault::reply(reply))]).await;
        let error = Connection::open(&relay(sink.port())).await.err().unwrap();
        assert_eq!(error.trouble, trouble, "{error}");
        assert_eq!(name(&error.outcome()), "not tried");
        assert_eq!(sink.count("MAIL"), 0);
    }
}
