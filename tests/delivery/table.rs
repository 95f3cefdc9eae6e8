//! Whatever a relay says or breaks off at, wherever it does: what the rows say, what the relay's own
//! record says and what is counted are one.

use std::collections::BTreeMap;
use std::time::Duration;

use courant::domain::DeliveryState::{self, Leased, Sent, Uncertain};
use courant::domain::{Issue, IssueState, UnixMillis};
use courant::pipeline::{App, dispatch};

use crate::kit::{addresses, alert, readers, room, tables};
use crate::support::databases::both_databases;
use crate::support::newsroom::Newsroom;
use crate::support::smtp::{Fault, Rule, Step};

/// Some are suppressed on the way.
const READERS: usize = 12;

/// Answers of every class of the outcome table.
const ANSWERS: &[&str] = &[
    "421 4.3.2 shutting down",
    "421 4.7.28 unusual rate",
    "450 too many requests",
    "451 4.7.1 greylisted",
    "452 4.2.2 mailbox full",
    "452 4.5.3 too many recipients",
    "454 4.7.0 Throttling failure",
    "503 5.5.1 bad sequence of commands",
    "530 5.7.0 Authentication required",
    "550 5.1.1 no such user",
    "550 5.7.26 unauthenticated",
    "552 5.3.4 too big",
    "554 5.7.1 relay access denied",
    "250 ok",
    "354 go on",
];

fn faults(step: Step) -> Vec<Fault> {
    let closing = |text: &str| Fault::ReplyAndClose(text.into());
    let mut faults = vec![
        Fault::Close,
        closing("421 4.3.2 and gone"),
        closing("550 5.7.1 stop it"),
    ];
    if step != Step::Body {
        // In the middle of a message an answer comes with the end of all: one that goes on gives two.
        faults.extend(ANSWERS.iter().map(|answer| Fault::reply(answer)));
        faults.extend([
            Fault::Drip(Duration::from_millis(1)),
            Fault::Extra("250 surplus".into()),
            Fault::Bytes(vec![0xff; 3000]),
            Fault::Bytes(b"250-one\r\n550 two\r\n".to_vec()),
        ]);
    }
    faults
}

/// Of an issue of which nothing more is due.
async fn all_agree(room: &Newsroom, app: &App, issue: &Issue, what: &str) {
    let rows = app.db.deliveries(issue.id, None, None, 99).await.unwrap();
    assert!(rows.len() > READERS / 2, "{what}");
    let mails = room.sink.accepted();
    let mut counts: BTreeMap<DeliveryState, i64> = BTreeMap::new();
    for row in &rows {
        *counts.entry(row.state).or_default() += 1;
        let id = format!("<c1.{}.{}.", issue.id, row.id);
        let has_it = |data: &[u8]| data.windows(id.len()).any(|part| part == id.as_bytes());
        let copies = mails.iter().filter(|mail| has_it(&mail.data)).count();
        let is_right = match row.state {
            Sent => copies == 1,
            Uncertain => copies <= 1,
            Leased => false,
            _ => copies == 0,
        };
        assert!(is_right, "{what}: {copies} copies of {row:?}");
    }
    assert_eq!(
        app.db.issue_counts(issue.id).await.unwrap(),
        counts,
        "{what}"
    );
    let is_sending = app.db.issue(issue.id).await.unwrap().unwrap().state == IssueState::Sending;
    let is_paused = app.relays.status()[0].pause.is_some();
    let waiting = counts.get(&DeliveryState::Pending).copied().unwrap_or(0);
    // One reader's fault is nobody else's, where it does not stop the relay or the issue.
    assert!(
        waiting == 0 || is_paused || !is_sending,
        "{what}: {counts:?}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn rows_record_and_counts_agree_after_every_answer_and_break() {
    both_databases(async |db| {
        let room = room(db, "", "").await;
        readers(&room, &addresses(READERS, "readers.example"), "instant").await;
        let mut story = 0;
        for step in [Step::Mail, Step::Rcpt, Step::Data, Step::Body, Step::Dot] {
            for fault in faults(step) {
                story += 1;
                let what = format!("{fault:?} at {step:?}");
                // A daemon that knows nothing of the faults before.
                let app = room.beside(&tables("", "")).await;
                let rule = Rule::at(step, fault).after(2).times(1);
                room.sink.set_rules(vec![rule]);
                let issue = alert(&room, story).await;
                dispatch::drain(&app, |_| {}).await.unwrap();
                all_agree(&room, &app, &issue, &what).await;
                app.db
                    .cancel_issue(issue.id, UnixMillis::now())
                    .await
                    .unwrap();
                let always = UnixMillis(i64::MAX / 2);
                app.db.clear_relay_pause("main", always).await.unwrap();
            }
        }
    })
    .await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_relay_that_falls_silent_anywhere_keeps_only_what_it_had() {
    both_databases(async |db| {
        let room = room(db, "connections = 10", "").await;
        let to = addresses(40, "readers.example");
        readers(&room, &to, "instant").await;
        let silent = |step| Rule::at(step, Fault::Hang).times(1);
        room.sink.set_rules(vec![
            silent(Step::Greeting).on_connection(1),
            silent(Step::Hello).on_connection(2),
            silent(Step::Mail).on_connection(3),
            silent(Step::Rcpt).to(&to[10]),
            silent(Step::Data).to(&to[20]),
        ]);
        let issue = alert(&room, 1).await;
        // All are silent at once: it lasts as long as the longest deadline, two minutes.
        dispatch::drain(&room.app, |_| {}).await.unwrap();
        all_agree(&room, &room.app, &issue, "silent").await;
        let counts = room.app.db.issue_counts(issue.id).await.unwrap();
        assert!(
            counts[&Sent] >= 30 && !counts.contains_key(&Leased),
            "{counts:?}"
        );
        assert!(counts.contains_key(&DeliveryState::Deferred), "{counts:?}");
    })
    .await;
}
