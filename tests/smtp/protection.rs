//! Encryption and login: never less than was asked for.

use courant::channels::email::smtp::{
    Connection, Endpoint, OpenError, Protocol, RelayTrouble, Security, Timeouts,
};

use crate::kit::{Batch, SHORT, name, send};
use crate::support::smtp::{Encryption, Fault, Rule, Setup, Sink, Step};

fn relay(sink: &Sink, security: Security) -> Endpoint {
    let hello = "letters.example.org";
    Endpoint::new(Protocol::Smtp, security, "localhost", sink.port(), hello)
        .with_timeouts(Timeouts::all(SHORT * 5))
}

fn encrypted(encryption: Encryption) -> Setup {
    Setup {
        encryption,
        ..Setup::default()
    }
}

fn with_login(encryption: Encryption) -> Setup {
    Setup {
        login: Some(("ada".into(), "s3cret".into())),
        ..encrypted(encryption)
    }
}

/// Tries to open, which must fail before anything of a message or a login is said.
async fn refused(sink: &Sink, endpoint: &Endpoint) -> OpenError {
    let error = Connection::open(endpoint).await.err().expect("it opened");
    assert_eq!((sink.count("MAIL"), sink.mails().len()), (0, 0));
    error
}

#[tokio::test]
async fn both_kinds_of_tls_carry_the_message() {
    for (encryption, security) in [
        (Encryption::StartTls, Security::Required),
        (Encryption::Implicit, Security::Implicit),
        (Encryption::StartTls, Security::Opportunistic),
    ] {
        let sink = Sink::start(with_login(encryption)).await;
        let endpoint = relay(&sink, security)
            .with_login("ada", "s3cret")
            .trusting(sink.certificate());
        let mut connection = Connection::open(&endpoint).await.unwrap();
        let mut batch = Batch::to(&["ada@example.com", "bob@example.com", "eve@example.com"]);
        assert_eq!(batch.over(&mut connection).await, None);
        batch.check(&sink, "TLS");
        assert_eq!((sink.accepted().len(), sink.ahead()), (3, 1));
        assert!(connection.is_usable());
        assert!(sink.mails().iter().all(|mail| mail.encrypted));
        drop(connection);
    }
}

#[tokio::test]
async fn required_tls_is_never_gone_without() {
    let not_offered = Sink::plain().await;
    let error = refused(&not_offered, &relay(&not_offered, Security::Required)).await;
    assert_eq!(error.trouble, RelayTrouble::Tls);
    assert!(error.reason.contains("does not offer STARTTLS"), "{error}");

    for (step, fault) in [
        (Step::StartTls, Fault::reply("454 4.7.0 TLS not available")),
        (Step::StartTls, Fault::reply("500 what")),
        (Step::Handshake, Fault::Close),
        (Step::Handshake, Fault::reply("220 not TLS")),
        (Step::Handshake, Fault::Hang),
        // What comes in plain after the go-ahead is not part of the encrypted session.
        (Step::StartTls, Fault::Extra("250 injected".into())),
    ] {
        let sink = Sink::start(Setup {
            rules: vec![Rule::at(step, fault)],
            ..with_login(Encryption::StartTls)
        })
        .await;
        let endpoint = relay(&sink, Security::Opportunistic)
            .with_login("ada", "s3cret")
            .trusting(sink.certificate());
        let error = refused(&sink, &endpoint).await;
        assert_eq!(error.trouble, RelayTrouble::Tls, "{error}");
        assert_eq!((sink.count("AUTH"), sink.connections()), (0, 1));
    }
}

#[tokio::test]
async fn a_certificate_must_be_trusted_and_for_this_host() {
    let sink = Sink::start(encrypted(Encryption::Implicit)).await;
    let error = refused(&sink, &relay(&sink, Security::Implicit)).await;
    assert_eq!(error.trouble, RelayTrouble::Tls);
    assert!(error.reason.contains("ca-certificates"), "{error}");

    let sink = Sink::start(Setup {
        certificate_names: vec!["elsewhere.example.org".into()],
        ..encrypted(Encryption::StartTls)
    })
    .await;
    let endpoint = relay(&sink, Security::Required).trusting(sink.certificate());
    let error = refused(&sink, &endpoint).await;
    assert_eq!(error.trouble, RelayTrouble::Tls);
    assert!(error.reason.contains("certificate"), "{error}");
}

#[tokio::test]
async fn tls_that_was_only_an_attempt_falls_back_once() {
    // With any certificate, rather than plain.
    let sink = Sink::start(encrypted(Encryption::StartTls)).await;
    let endpoint = relay(&sink, Security::Opportunistic);
    let mut connection = Connection::open(&endpoint).await.unwrap();
    let verdict = send(&mut connection, "ada@example.com").await;
    assert_eq!(name(&verdict.outcome), "accepted");
    assert!(sink.mails()[0].encrypted);

    for (step, fault, connections) in [
        (Step::Handshake, Fault::Close, 2),
        (Step::StartTls, Fault::reply("454 4.7.0 not now"), 1),
    ] {
        sink_falls_back(Rule::at(step, fault), connections).await;
    }
}

async fn sink_falls_back(rule: Rule, connections: usize) {
    let sink = Sink::start(Setup {
        rules: vec![rule],
        ..encrypted(Encryption::StartTls)
    })
    .await;
    let endpoint = relay(&sink, Security::Opportunistic);
    let mut connection = Connection::open(&endpoint).await.unwrap();
    let verdict = send(&mut connection, "ada@example.com").await;
    assert_eq!(name(&verdict.outcome), "accepted");
    assert!(!sink.mails()[0].encrypted);
    assert_eq!(sink.connections(), connections);
}

#[tokio::test]
async fn a_login_is_made_by_the_best_mechanism_offered() {
    for (mechanisms, said) in [
        ("LOGIN PLAIN", "AUTH PLAIN AGFkYQBzM2NyZXQ="),
        ("CRAM-MD5 LOGIN", "AUTH LOGIN"),
    ] {
        let sink = Sink::start(Setup {
            mechanisms: mechanisms.into(),
            ..with_login(Encryption::None)
        })
        .await;
        let endpoint = relay(&sink, Security::Off).with_login("ada", "s3cret");
        let mut connection = Connection::open(&endpoint).await.unwrap();
        let verdict = send(&mut connection, "ada@example.com").await;
        assert_eq!(name(&verdict.outcome), "accepted");
        assert!(sink.commands().iter().any(|(_, line)| line == said));
    }
}

#[tokio::test]
async fn a_login_that_is_not_taken_is_the_relays_trouble_and_no_deliverys() {
    let sink = Sink::start(with_login(Encryption::None)).await;
    let off = || relay(&sink, Security::Off);
    let error = refused(&sink, &off().with_login("ada", "wrong")).await;
    assert_eq!(error.trouble, RelayTrouble::AuthRefused);
    assert!(error.trouble.needs_operator());
    assert!(error.reason.contains("user and password"), "{error}");
    assert!(!error.reason.contains("wrong user or password\u{0}"));
    assert_eq!(name(&error.outcome()), "not tried");

    sink.set_rules(vec![Rule::at(Step::Auth, Fault::reply("454 4.7.0 later"))]);
    let error = refused(&sink, &off().with_login("ada", "s3cret")).await;
    assert_eq!(error.trouble, RelayTrouble::AuthLater);

    // Without a login this relay takes nothing; the operator must hear it.
    sink.set_rules(Vec::new());
    let mut connection = Connection::open(&off()).await.unwrap();
    let verdict = send(&mut connection, "ada@example.com").await;
    assert_eq!(name(&verdict.outcome), "not tried");
    assert_eq!(verdict.relay_trouble, Some(RelayTrouble::AuthRefused));

    let sink = Sink::start(Setup {
        mechanisms: "CRAM-MD5".into(),
        ..with_login(Encryption::None)
    })
    .await;
    let endpoint = relay(&sink, Security::Off).with_login("ada", "s3cret");
    assert_eq!(
        refused(&sink, &endpoint).await.trouble,
        RelayTrouble::AuthRefused
    );
}
