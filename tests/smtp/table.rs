//! The table of outcomes, row by row: the second of three messages meets each answer and each
//! way to break, with PIPELINING and without, and the other two are not touched by it.

use std::time::Duration;

use courant::channels::email::smtp::{Connection, IssueTrouble, RelayTrouble as Trouble, Verdict};
use courant::domain::Outcome;

use crate::kit::{Batch, SHORT, name, patient, relay};
use crate::support::smtp::{Fault, Rule, Setup, Sink, Step};

const READERS: [&str; 3] = ["ada@example.com", "bob@example.com", "eve@example.com"];

/// A row: where, what is answered, the outcome of the message, whom else it concerns, and
/// whether the connection goes on.
type Row = (
    Step,
    &'static str,
    &'static str,
    Option<Trouble>,
    Option<IssueTrouble>,
    bool,
);

const POLICY: Option<IssueTrouble> = Some(IssueTrouble::Policy);
const TOO_LARGE: Option<IssueTrouble> = Some(IssueTrouble::TooLarge);
const SENDER: Option<IssueTrouble> = Some(IssueTrouble::SenderRefused);
const BUSY: Option<Trouble> = Some(Trouble::Busy);
const THROTTLED: Option<Trouble> = Some(Trouble::Throttled);
const DOMAIN: Option<Trouble> = Some(Trouble::DomainThrottled);
const OUT_OF_STEP: Option<Trouble> = Some(Trouble::OutOfStep);
const LOGIN: Option<Trouble> = Some(Trouble::AuthRefused);
const NO_RELAYING: Option<Trouble> = Some(Trouble::RelayingDenied);

#[rustfmt::skip]
const ROWS: &[Row] = &[
    (Step::Mail, "451 4.3.0 later", "deferred", BUSY, None, true),
    (Step::Mail, "550 5.7.1 sender refused", "not tried", None, SENDER, true),
    (Step::Mail, "530 5.7.0 log in first", "not tried", LOGIN, None, true),
    (Step::Mail, "421 4.3.2 bye", "not tried", BUSY, None, false),
    (Step::Mail, "503 5.5.1 what", "not tried", OUT_OF_STEP, None, false),
    (Step::Mail, "354 what", "not tried", OUT_OF_STEP, None, false),
    (Step::Mail, "251 what", "not tried", OUT_OF_STEP, None, false),
    (Step::Rcpt, "450 4.7.1 greylisted", "deferred", None, None, true),
    (Step::Rcpt, "451 4.7.1 come back", "deferred", None, None, true),
    (Step::Rcpt, "450 greylisted", "deferred", None, None, true),
    (Step::Rcpt, "452 too many recipients", "deferred", None, None, true),
    (Step::Rcpt, "552 too many recipients", "deferred", None, None, true),
    (Step::Rcpt, "452 4.5.3 too many recipients", "deferred", None, None, true),
    (Step::Rcpt, "452 4.2.2 full", "deferred", None, None, true),
    (Step::Rcpt, "552 5.2.2 full", "deferred", None, None, true),
    (Step::Rcpt, "452 4.3.1 no room", "deferred", None, None, true),
    (Step::Rcpt, "450 4.2.0 later", "deferred", None, None, true),
    (Step::Rcpt, "550 5.1.1 no such user", "rejected suppress", None, None, true),
    (Step::Rcpt, "550 5.1.2 no such host", "rejected suppress", None, None, true),
    (Step::Rcpt, "550 5.2.1 disabled", "rejected suppress", None, None, true),
    (Step::Rcpt, "550 user unknown", "rejected suppress", None, None, true),
    (Step::Rcpt, "550 5.7.1 spam", "rejected", None, POLICY, true),
    (Step::Rcpt, "550 5.7.26 unauthenticated", "rejected", None, POLICY, true),
    (Step::Rcpt, "550 blocked by our policy", "rejected", None, POLICY, true),
    (Step::Rcpt, "554 5.7.1 relay access denied", "not tried", NO_RELAYING, None, true),
    (Step::Rcpt, "450 too many requests", "not tried", DOMAIN, None, true),
    (Step::Rcpt, "421 4.3.2 bye", "not tried", BUSY, None, false),
    (Step::Rcpt, "421 4.7.28 rate", "not tried", DOMAIN, None, false),
    (Step::Rcpt, "503 5.5.1 what", "not tried", OUT_OF_STEP, None, false),
    (Step::Rcpt, "354 what", "not tried", OUT_OF_STEP, None, false),
    (Step::Data, "451 4.3.0 later", "deferred", None, None, true),
    (Step::Data, "454 4.7.0 throttling", "not tried", THROTTLED, None, true),
    (Step::Data, "554 5.7.1 no", "rejected", None, POLICY, true),
    (Step::Data, "421 4.3.2 bye", "not tried", BUSY, None, false),
    (Step::Data, "503 5.5.1 what", "not tried", OUT_OF_STEP, None, false),
    (Step::Data, "250 ok", "not tried", OUT_OF_STEP, None, false),
    (Step::Dot, "451 4.3.0 later", "deferred", None, None, true),
    (Step::Dot, "454 4.7.0 Throttling failure", "not tried", THROTTLED, None, true),
    (Step::Dot, "450 too many requests", "not tried", DOMAIN, None, true),
    (Step::Dot, "421 4.7.28 rate", "not tried", DOMAIN, None, false),
    (Step::Dot, "421 4.3.2 bye", "not tried", BUSY, None, false),
    (Step::Dot, "552 5.3.4 too big", "rejected", None, TOO_LARGE, true),
    (Step::Dot, "552 5.2.3 too big", "rejected", None, TOO_LARGE, true),
    (Step::Dot, "552 5.2.2 full", "deferred", None, None, true),
    (Step::Dot, "550 5.1.1 no such user", "rejected suppress", None, None, true),
    (Step::Dot, "550 5.7.515 unauthenticated", "rejected", None, POLICY, true),
    (Step::Dot, "554 5.6.0 no", "rejected", None, POLICY, true),
    (Step::Dot, "503 5.5.1 what", "unknown", OUT_OF_STEP, None, false),
    (Step::Dot, "354 go", "unknown", OUT_OF_STEP, None, false),
    (Step::Dot, "251 elsewhere", "unknown", OUT_OF_STEP, None, false),
];

/// Three letters over one connection; the fault is for the second.
async fn three(pipelining: bool, hasty: bool, step: Step, fault: Fault) -> (Sink, Batch) {
    let once = Rule::at(step, fault.clone()).after(1).times(1);
    let sink = Sink::start(Setup::pipelined(pipelining, vec![once])).await;
    let endpoint = if hasty {
        relay(sink.port())
    } else {
        patient(sink.port())
    };
    let mut connection = Connection::open(&endpoint).await.unwrap();
    assert_eq!(connection.can_pipeline(), pipelining);
    let mut batch = Batch::to(&READERS);
    batch.over(&mut connection).await;
    batch.check(
        &sink,
        &format!("{step:?} {fault:?} pipelining {pipelining}"),
    );
    assert_eq!(batch.outcome(READERS[0]), "accepted", "{step:?} {fault:?}");
    assert_eq!(sink.connections(), 1);
    (sink, batch)
}

#[tokio::test]
async fn every_answer_leads_where_the_table_says_and_stays_its_messages_own() {
    for &(step, reply, outcome, relay, issue, goes_on) in ROWS {
        for pipelining in [true, false] {
            let what = format!("{step:?} {reply} pipelining {pipelining}");
            let (sink, batch) = three(pipelining, false, step, Fault::reply(reply)).await;
            assert_eq!(batch.outcome(READERS[1]), outcome, "{what}");
            let Some(Verdict {
                relay_trouble,
                issue_trouble,
                ..
            }) = batch.verdict(READERS[1])
            else {
                panic!("{what}");
            };
            assert_eq!((*relay_trouble, *issue_trouble), (relay, issue), "{what}");
            let third = if goes_on { "accepted" } else { "-" };
            assert_eq!(batch.outcome(READERS[2]), third, "{what}");
            let is_unclean = goes_on && step != Step::Dot;
            assert_eq!(sink.count("RSET"), usize::from(is_unclean), "{what}");
            assert_eq!(
                sink.mails().iter().filter(|m| m.to == [READERS[2]]).count(),
                usize::from(goes_on)
            );
        }
    }
}

#[tokio::test]
async fn greylisting_is_waited_out_for_minutes() {
    let (_, batch) = three(
        true,
        false,
        Step::Rcpt,
        Fault::reply("450 4.7.1 greylisted"),
    )
    .await;
    let Outcome::Deferred { after, .. } = &batch.verdict(READERS[1]).unwrap().outcome else {
        panic!();
    };
    assert_eq!(*after, Some(Duration::from_secs(300)));
}

#[tokio::test]
async fn whatever_breaks_is_charged_to_the_message_it_broke() {
    let closing = |text: &str| Fault::ReplyAndClose(text.into());
    for (step, fault, outcomes) in [
        (Step::Mail, Fault::Hang, &["not tried"][..]),
        (Step::Rcpt, Fault::Hang, &["deferred"]),
        (Step::Data, Fault::Hang, &["deferred"]),
        (Step::Body, Fault::Hang, &["unknown"]),
        (Step::Dot, Fault::Hang, &["unknown"]),
        (Step::Mail, Fault::Drip(SHORT / 4), &["not tried"]),
        (Step::Dot, Fault::Drip(SHORT / 4), &["unknown"]),
        // It had closed the connection before: this message comes back untried.
        (Step::Mail, Fault::Close, &["-"]),
        (Step::Rcpt, Fault::Close, &["deferred"]),
        (Step::Data, Fault::Close, &["deferred"]),
        (Step::Body, Fault::Close, &["deferred", "unknown"]),
        (Step::Dot, Fault::Close, &["unknown"]),
        (Step::Mail, closing("421 4.3.2 bye"), &["not tried"]),
        (Step::Rcpt, closing("421 4.3.2 bye"), &["not tried"]),
        (
            Step::Rcpt,
            closing("550 5.1.1 no such user"),
            &["rejected suppress"],
        ),
        (Step::Data, closing("421 4.3.2 bye"), &["not tried"]),
        (Step::Dot, closing("421 4.3.2 bye"), &["not tried"]),
        (Step::Dot, closing("554 5.6.0 no"), &["rejected"]),
        (Step::Dot, closing("250 2.0.0 ok"), &["accepted"]),
        (
            Step::Dot,
            closing("250 2.0.0 ok\r\n421 4.4.2 bye"),
            &["accepted"],
        ),
    ] {
        for pipelining in [true, false] {
            let (sink, batch) = three(pipelining, true, step, fault.clone()).await;
            let what = format!("{step:?} {fault:?} pipelining {pipelining}");
            assert!(
                outcomes.contains(&batch.outcome(READERS[1])),
                "{what}: {}",
                batch.outcome(READERS[1])
            );
            // 421 is the answer to the next MAIL, where that had been said.
            let third = batch.outcome(READERS[2]);
            assert!(["-", "not tried"].contains(&third), "{what}: {third}");
            assert!(sink.mails().len() <= 2, "{what}");
        }
    }
}

#[tokio::test]
async fn an_answer_is_read_whatever_its_form() {
    let long = |lines: usize, width: usize| {
        let line = "x".repeat(width);
        let mut text = format!("250-{line}\r\n").repeat(lines);
        text += "250 end\r\n";
        Fault::Bytes(text.into_bytes())
    };
    let bytes = |bytes: &[u8]| Fault::Bytes(bytes.to_vec());
    for (step, fault, outcome) in [
        (Step::Dot, bytes(b"250 2.0.0 d\xe9j\xe0 vu\r\n"), "accepted"),
        (
            Step::Rcpt,
            bytes(b"550 5.1.1 caf\xe9 ferm\xe9\r\n"),
            "rejected suppress",
        ),
        (Step::Dot, bytes(b"250\r\n"), "accepted"),
        (Step::Dot, bytes(b"250 ok\n"), "accepted"),
        (Step::Mail, long(0, 0), "accepted"),
        (Step::Dot, long(1, 1001 - 4), "accepted"),
        (Step::Dot, long(90, 1000), "accepted"),
        (Step::Mail, long(90, 1000), "accepted"),
        // More than any relay has to say.
        (Step::Dot, long(110, 1000), "unknown"),
        (Step::Mail, long(110, 1000), "not tried"),
        (Step::Dot, long(1, 3000), "unknown"),
        (Step::Rcpt, bytes(b"hello\r\n"), "not tried"),
        (Step::Dot, bytes(b"hello\r\n"), "unknown"),
        (Step::Dot, bytes(b"250_ok\r\n"), "unknown"),
        (Step::Dot, bytes(b"250-one\r\n451 two\r\n"), "unknown"),
        (Step::Dot, bytes(b"\xff\xfe\r\n"), "unknown"),
    ] {
        for pipelining in [true, false] {
            let (_, batch) = three(pipelining, false, step, fault.clone()).await;
            let said = batch.outcome(READERS[1]);
            assert_eq!(said, outcome, "{step:?} pipelining {pipelining}");
        }
    }
}

#[tokio::test]
async fn of_two_final_answers_neither_is_believed_unless_they_agree() {
    for (both, outcome) in [
        ("250 2.0.0 ok\r\n554 5.6.0 no", "unknown"),
        ("554 5.6.0 no\r\n250 2.0.0 ok", "unknown"),
        ("250 2.0.0 ok\r\nhello", "unknown"),
        ("250 2.0.0 ok\r\n250 2.0.0 ok", "accepted"),
        ("554 5.6.0 no\r\n554 5.6.0 no", "rejected"),
        ("250 2.0.0 ok\r\n421 4.3.2 bye", "accepted"),
        ("451 4.3.0 later\r\n421 4.3.2 bye", "deferred"),
    ] {
        for pipelining in [true, false] {
            let (_, batch) = three(pipelining, false, Step::Dot, Fault::reply(both)).await;
            let said = (batch.outcome(READERS[1]), batch.outcome(READERS[2]));
            assert_eq!(said, (outcome, "-"), "{both} pipelining {pipelining}");
        }
    }
}

#[tokio::test]
async fn a_surplus_answer_anywhere_never_becomes_another_messages() {
    for step in [Step::Mail, Step::Rcpt, Step::Data, Step::Dot] {
        for extra in ["250 ok", "354 go", "451 no", "554 5.7.1 no", "421 bye", "?"] {
            for pipelining in [true, false] {
                three(pipelining, true, step, Fault::Extra(extra.into())).await;
                // After 354 nobody can tell a late answer from the message's own.
                if step != Step::Data {
                    three(pipelining, true, step, Fault::Later(extra.into())).await;
                }
            }
        }
    }
}

#[tokio::test]
async fn answers_come_in_one_packet_or_in_single_bytes() {
    for joined in [true, false] {
        for pipelining in [true, false] {
            let steps = [Step::Mail, Step::Rcpt, Step::Data, Step::Dot];
            for drip in [None, Some(Duration::ZERO), Some(Duration::from_millis(1))] {
                let rule = |step| drip.map(|pause| Rule::at(step, Fault::Drip(pause)));
                let sink = Sink::start(Setup {
                    joined,
                    ..Setup::pipelined(pipelining, steps.into_iter().filter_map(rule).collect())
                })
                .await;
                let mut connection = Connection::open(&patient(sink.port())).await.unwrap();
                let mut batch = Batch::to(&READERS);
                assert_eq!(batch.over(&mut connection).await, None);
                batch.check(&sink, "one packet or many");
                assert!(
                    batch
                        .ended
                        .iter()
                        .all(|(_, v)| name(&v.outcome) == "accepted")
                );
                assert!(connection.is_usable());
            }
        }
    }
}
