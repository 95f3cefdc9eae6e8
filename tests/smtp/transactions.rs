//! Messages that arrive, and answers that are kept apart.

use std::time::Duration;

use courant::channels::email::smtp::{
    Connection, Endpoint, IssueTrouble, Protocol, RelayTrouble, Security,
};
use courant::domain::Outcome;

use crate::kit::{FROM, MESSAGE, address, lmtp, name, one, open, patient, relay, send};
use crate::support::process::{SOON, until};
use crate::support::smtp::{Fault, Rule, Setup, Sink, Step};

#[tokio::test]
async fn a_message_arrives_as_it_was_made_with_its_envelope() {
    let sink = Sink::plain().await;
    let mut connection = open(&sink).await;
    let message = b"Subject: dots\r\n\r\n.\r\n..two\r\n.three\r\nend";
    let verdict = connection
        .send(FROM, &address("ada@example.com"), message)
        .await;
    assert_eq!(
        verdict.outcome,
        Outcome::Accepted {
            reply: "250 2.0.0 ok 1".into()
        }
    );
    let mails = sink.mails();
    assert_eq!(mails[0].data, [&message[..], b"\r\n"].concat());
    assert_eq!(mails[0].from, FROM);
    assert_eq!(mails[0].to, ["ada@example.com"]);
    assert_eq!(mails[0].parameters, format!("SIZE={}", message.len()));
    let first = &sink.commands()[0].1;
    assert_eq!(first, "EHLO letters.example.org");
}

#[tokio::test]
async fn line_ends_that_could_be_read_in_two_ways_are_made_one() {
    let sink = Sink::plain().await;
    let mut connection = open(&sink).await;
    let smuggled = b"a\n.\nMAIL FROM:<x@y>\r.\rb\n.\r\n";
    let verdict = connection
        .send(FROM, &address("ada@example.com"), smuggled)
        .await;
    assert_eq!(name(&verdict.outcome), "accepted");
    assert_eq!(sink.mails().len(), 1);
    assert_eq!(
        sink.mails()[0].data,
        b"a\r\n.\r\nMAIL FROM:<x@y>\r\n.\r\nb\r\n.\r\n"
    );
}

#[tokio::test]
async fn many_messages_share_a_connection_without_a_word_too_many() {
    let sink = Sink::plain().await;
    let mut connection = open(&sink).await;
    let mut sent = 0;
    while connection.is_usable() {
        let verdict = send(&mut connection, "ada@example.com").await;
        assert_eq!(name(&verdict.outcome), "accepted");
        sent += 1;
    }
    assert_eq!(sent, 100);
    drop(connection);
    until("the sink has read QUIT", SOON, async || {
        (sink.count("QUIT") > 0).then_some(())
    })
    .await;
    assert_eq!(sink.connections(), 1);
    assert_eq!((sink.count("RSET"), sink.count("NOOP")), (0, 0));
    // MAIL and RCPT of each leave together with what follows them.
    assert_eq!(sink.pipelined(), 200);
    assert_eq!(sink.accepted().len(), 100);
}

#[tokio::test]
async fn no_message_waits_for_a_delayed_acknowledgement() {
    let sink = Sink::plain().await;
    let mut connection = Connection::open(&patient(sink.port())).await.unwrap();
    let message = "x".repeat(70) + "\r\n";
    let message = message.repeat(320);
    let begin = std::time::Instant::now();
    for _ in 0..50 {
        let to = address("ada@example.com");
        let verdict = connection.send(FROM, &to, message.as_bytes()).await;
        assert_eq!(name(&verdict.outcome), "accepted");
    }
    // With Nagle's algorithm each of them takes 40 ms.
    assert!(
        begin.elapsed() < Duration::from_millis(50 * 30),
        "{:?}",
        begin.elapsed()
    );
}

#[tokio::test]
async fn a_refused_recipient_costs_a_reset_and_not_the_connection() {
    let refuse = Rule::at(Step::Rcpt, Fault::reply("550 5.1.1 no such user"));
    let sink = Sink::with(vec![refuse.percent(10)]).await;
    let mut connection = open(&sink).await;
    let mut refused = 0;
    for i in 0..100 {
        let verdict = send(&mut connection, &format!("reader{i}@example.com")).await;
        match name(&verdict.outcome) {
            "accepted" => {}
            "rejected suppress" => refused += 1,
            other => panic!("{other}"),
        }
    }
    assert!((3..30).contains(&refused), "{refused}");
    assert_eq!(sink.connections(), 1);
    assert_eq!(sink.accepted().len(), 100 - refused);
    assert!((refused - 1..=refused).contains(&sink.count("RSET")));
}

#[tokio::test]
async fn an_answer_comes_in_any_number_of_pieces() {
    for step in [
        Step::Greeting,
        Step::Hello,
        Step::Mail,
        Step::Rcpt,
        Step::Data,
        Step::Dot,
    ] {
        let drip = Fault::Drip(Duration::from_millis(1));
        let sink = Sink::with(vec![Rule::at(step, drip)]).await;
        assert_eq!(one(&sink).await, ("accepted", true), "{step:?}");
    }
    let lines = Fault::reply("250-2.0.0 first\r\n250-2.0.0 second\r\n250 2.0.0 third");
    let sink = Sink::with(vec![Rule::at(Step::Dot, lines)]).await;
    let verdict = send(&mut open(&sink).await, "ada@example.com").await;
    let reply = "250 2.0.0 first second third".to_owned();
    assert_eq!(verdict.outcome, Outcome::Accepted { reply });
}

#[tokio::test]
async fn an_address_beyond_ascii_needs_a_relay_that_says_so() {
    let sink = Sink::plain().await;
    let to = "اردو@example.com";
    let verdict = send(&mut open(&sink).await, to).await;
    assert_eq!(name(&verdict.outcome), "accepted");
    assert_eq!(sink.mails()[0].to, [to]);
    assert!(sink.mails()[0].parameters.contains("SMTPUTF8"));

    let sink = Sink::start(Setup {
        offers: vec!["8BITMIME".into()],
        ..Setup::default()
    })
    .await;
    let mut connection = open(&sink).await;
    let verdict = send(&mut connection, to).await;
    assert_eq!(name(&verdict.outcome), "rejected");
    assert!(connection.is_usable());
    // An address of ours is no reader's fault.
    let to = address("ada@example.com");
    let verdict = connection.send("خبر@example.org", &to, MESSAGE).await;
    assert_eq!(name(&verdict.outcome), "not tried");
    assert_eq!(verdict.issue_trouble, Some(IssueTrouble::SenderRefused));
    assert_eq!(sink.count("MAIL"), 0);
}

#[tokio::test]
async fn what_the_relay_cannot_carry_is_not_sent_to_it() {
    let sink = Sink::start(Setup {
        offers: vec!["SIZE 1000".into()],
        ..Setup::default()
    })
    .await;
    let mut connection = open(&sink).await;
    let to = address("ada@example.com");
    let verdict = connection.send(FROM, &to, &[b'x'; 1001]).await;
    assert_eq!(verdict.issue_trouble, Some(IssueTrouble::TooLarge));
    let verdict = connection.send(FROM, &to, "اردو".as_bytes()).await;
    assert_eq!(name(&verdict.outcome), "rejected");
    let verdict = connection.send("not an address", &to, MESSAGE).await;
    assert_eq!(verdict.issue_trouble, Some(IssueTrouble::SenderRefused));
    assert_eq!(sink.count("MAIL"), 0);
    let verdict = connection.send("", &to, MESSAGE).await;
    assert_eq!(name(&verdict.outcome), "accepted");
    assert_eq!(sink.mails()[0].from, "");
}

#[tokio::test]
async fn lmtp_is_greeted_in_its_own_way_and_answers_for_the_recipient() {
    let refuse = Rule::at(Step::Dot, Fault::reply("452 4.2.2 full")).to("full@example.com");
    let sink = Sink::start(Setup {
        lmtp: true,
        rules: vec![refuse],
        ..Setup::default()
    })
    .await;
    let mut connection = Connection::open(&lmtp(sink.port())).await.unwrap();
    let verdict = send(&mut connection, "ada@example.com").await;
    assert_eq!(name(&verdict.outcome), "accepted");
    let verdict = send(&mut connection, "full@example.com").await;
    assert_eq!(name(&verdict.outcome), "deferred");
    assert_eq!((sink.count("LHLO"), sink.count("EHLO")), (1, 0));
}

#[tokio::test]
async fn a_server_without_ehlo_is_spoken_to_as_in_1982() {
    let none = Fault::reply("502 5.5.1 unknown command");
    let sink = Sink::with(vec![Rule::at(Step::Hello, none)]).await;
    assert_eq!(one(&sink).await.0, "accepted");
    assert_eq!(sink.count("HELO"), 1);
    assert_eq!(sink.mails()[0].parameters, "");
}

#[tokio::test]
async fn a_relay_that_is_not_there_costs_no_delivery_a_try() {
    let port = {
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let error = Connection::open(&relay(port)).await.err().unwrap();
    assert_eq!(error.trouble, RelayTrouble::Unreachable);
    assert!(
        error.reason.contains(&format!("127.0.0.1:{port}")),
        "{error}"
    );
    assert_eq!(name(&error.outcome()), "not tried");

    let hello = "letters.example.org";
    let nowhere = Endpoint::new(Protocol::Smtp, Security::Off, "nowhere.invalid", 25, hello);
    let error = Connection::open(&nowhere).await.err().unwrap();
    assert_eq!(error.trouble, RelayTrouble::Unreachable);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn connections_side_by_side_do_not_mix_their_answers() {
    let refuse = Rule::at(Step::Dot, Fault::reply("554 5.7.1 no")).percent(20);
    let sink = Sink::with(vec![refuse]).await;
    let mut senders = tokio::task::JoinSet::new();
    for sender in 0..20 {
        let relay = patient(sink.port());
        senders.spawn(async move {
            let mut connection = Connection::open(&relay).await.unwrap();
            let mut said_sent = Vec::new();
            for i in 0..20 {
                let to = format!("reader{sender}.{i}@example.com");
                let verdict = send(&mut connection, &to).await;
                if name(&verdict.outcome) == "accepted" {
                    said_sent.push(to);
                }
            }
            said_sent
        });
    }
    let mut said_sent = senders.join_all().await.concat();
    let mut has: Vec<String> = sink.accepted().iter().map(|m| m.to[0].clone()).collect();
    said_sent.sort();
    has.sort();
    assert_eq!(said_sent, has);
    assert_eq!(sink.mails().len(), 400);
    assert!((20..200).contains(&(400 - has.len())), "{}", has.len());
    assert_eq!(sink.connections(), 20);
}
