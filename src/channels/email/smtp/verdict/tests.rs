//! Replies as relays send them, and what each must lead to.

use super::super::reply::{Reply, reply};
use super::*;

fn judged(phase: Phase, text: &str) -> Ending {
    judge(phase, &reply(text))
}

/// `kind[ suppress][ relay:x][ issue:x] then`, to compare whole verdicts in one line.
fn summary(phase: Phase, text: &str) -> String {
    let Ending { verdict, then } = judged(phase, text);
    let mut words = match verdict.outcome {
        Outcome::Accepted { .. } => "accepted".to_owned(),
        Outcome::Deferred { after, .. } => match after {
            Some(after) => format!("deferred {}s", after.as_secs()),
            None => "deferred".to_owned(),
        },
        Outcome::NotTried { .. } => "not tried".to_owned(),
        Outcome::Rejected { suppress, .. } => if suppress {
            "rejected suppress"
        } else {
            "rejected"
        }
        .to_owned(),
        Outcome::Unknown { .. } => "unknown".to_owned(),
    };
    if let Some(trouble) = verdict.relay_trouble {
        words += &format!(" relay:{}", trouble.as_str());
    }
    if let Some(trouble) = verdict.issue_trouble {
        words += &format!(" issue:{}", trouble.as_str());
    }
    format!("{words} {then:?}").to_lowercase()
}

use Phase::{Data, Dot, Mail, Rcpt};

/// Where, what was said, and what it leads to.
const TABLE: &[(Phase, &str, &str)] = &[
    (Mail, "451 4.3.0 try later", "deferred relay:busy reset"),
    (
        Mail,
        "550 5.7.1 sender not allowed",
        "not tried issue:sender_refused reset",
    ),
    (
        Mail,
        "552 5.3.4 message size exceeds limit",
        "rejected issue:too_large reset",
    ),
    (
        Mail,
        "530 5.7.0 Authentication required",
        "not tried relay:auth_refused reset",
    ),
    (
        Mail,
        "454 4.7.0 Throttling failure",
        "not tried relay:throttled reset",
    ),
    (
        Mail,
        "421 4.3.2 shutting down",
        "not tried relay:busy close",
    ),
    (Mail, "354 go", "not tried relay:out_of_step close"),
    // RFC 1870 §6.1 has it without an enhanced code.
    (
        Mail,
        "552 Message size exceeds fixed maximum message size",
        "rejected issue:too_large reset",
    ),
    // RFC 6531 §4: one reader's address, and nobody else's matter.
    (
        Mail,
        "550 5.6.7 Non-ASCII addresses are not permitted",
        "rejected reset",
    ),
    (Rcpt, "451 4.7.1 Greylisted", "deferred 300s reset"),
    (Rcpt, "450 greylisting in action", "deferred 300s reset"),
    (Rcpt, "452 4.2.2 mailbox full", "deferred reset"),
    (Rcpt, "552 5.2.2 mailbox full", "deferred reset"),
    (Rcpt, "552 too many recipients", "deferred reset"),
    (Rcpt, "450 4.2.0 later", "deferred reset"),
    (
        Rcpt,
        "450 Too many requests",
        "not tried relay:domain_throttled reset",
    ),
    (Rcpt, "452 4.5.3 Too many recipients", "deferred reset"),
    (Rcpt, "550 5.1.1 no", "rejected suppress reset"),
    (Rcpt, "550 5.1.2 no such host", "rejected suppress reset"),
    (Rcpt, "556 5.1.10 null MX", "rejected suppress reset"),
    (Rcpt, "550 5.2.1 disabled", "rejected suppress reset"),
    (
        Rcpt,
        "550 User unknown in local table",
        "rejected suppress reset",
    ),
    (
        Rcpt,
        "550 5.1.8 sender domain not found",
        "not tried issue:sender_refused reset",
    ),
    (
        Rcpt,
        "450 4.1.8 sender domain not found",
        "not tried issue:sender_refused reset",
    ),
    (Rcpt, "550 5.7.1 blocked", "rejected issue:policy reset"),
    (Rcpt, "550 5.7.515 no dmarc", "rejected issue:policy reset"),
    (
        Rcpt,
        "554 5.7.1 <a@b>: Relay access denied",
        "not tried relay:relaying_denied reset",
    ),
    // Postfix's own words for it.
    (
        Rcpt,
        "454 4.7.1 <a@b>: Relay access denied",
        "not tried relay:relaying_denied reset",
    ),
    // Gmail about one mailbox that gets too much, whoever sends it.
    (
        Rcpt,
        "450-4.2.1 The user you are trying to contact is receiving mail too quickly.\r\n\
         450 4.2.1 Please resend your message at a later time.",
        "deferred reset",
    ),
    (
        Rcpt,
        "550-5.2.1 The user you are trying to contact is receiving mail at a rate that\r\n\
         550 5.2.1 prevents additional messages from being delivered.",
        "deferred reset",
    ),
    // Outlook, and Exchange Online, about a mailbox that is not there.
    (
        Rcpt,
        "550 5.5.0 Requested action not taken: mailbox unavailable",
        "rejected reset",
    ),
    (
        Rcpt,
        "550 5.4.1 Recipient address rejected: Access denied. AS(201806281)",
        "rejected suppress reset",
    ),
    // An enhanced code that says nothing leaves it to the words.
    (Rcpt, "550 5.0.0 User unknown", "rejected suppress reset"),
    (
        Rcpt,
        "550 5.1.0 No such user here",
        "rejected suppress reset",
    ),
    (
        Rcpt,
        "554 5.0.0 blocked for spam",
        "rejected issue:policy reset",
    ),
    (Rcpt, "553 5.6.7 SMTPUTF8 is needed", "rejected reset"),
    // Our quota there, and no reader's fault.
    (
        Rcpt,
        "550 5.4.5 Daily user sending limit exceeded",
        "not tried relay:throttled reset",
    ),
    (
        Rcpt,
        "550 Domain news.example.org has exceeded the max emails per hour (500/500)",
        "not tried relay:throttled reset",
    ),
    (
        Rcpt,
        "550 blocked, user unknown to reputation",
        "rejected issue:policy reset",
    ),
    (Rcpt, "550 no", "rejected reset"),
    (Rcpt, "550 4.1.1 classes differ", "rejected reset"),
    (
        Rcpt,
        "501 5.1.3 bad address syntax",
        "rejected suppress reset",
    ),
    (Rcpt, "501 5.5.4 syntax", "rejected relay:out_of_step reset"),
    (
        Rcpt,
        "503 5.5.1 need MAIL",
        "not tried relay:out_of_step close",
    ),
    (
        Rcpt,
        "421 4.7.28 unusual rate",
        "not tried relay:domain_throttled close",
    ),
    (Data, "451 4.3.0 later", "deferred reset"),
    (
        Data,
        "554 5.7.26 unauthenticated",
        "rejected issue:policy reset",
    ),
    (Data, "250 ok", "not tried relay:out_of_step close"),
    (Data, "503 need RCPT", "not tried relay:out_of_step close"),
    (Dot, "451 4.3.0 later", "deferred keep"),
    (
        Dot,
        "454 Throttling failure: rate exceeded",
        "not tried relay:throttled keep",
    ),
    (
        Dot,
        "450 4.7.0 sending rate too high",
        "not tried relay:domain_throttled keep",
    ),
    (Dot, "421 4.7.0 closing", "not tried relay:busy close"),
    (Dot, "552 5.3.4 too big", "rejected issue:too_large keep"),
    (Dot, "552 5.2.3 too big", "rejected issue:too_large keep"),
    (
        Dot,
        "552 Message size exceeds fixed limit",
        "rejected issue:too_large keep",
    ),
    (Dot, "554 5.6.0 bad content", "rejected issue:policy keep"),
    (Dot, "554 no", "rejected issue:policy keep"),
    (
        Dot,
        "554 5.6.9 UTF-8 header message cannot be transferred",
        "rejected keep",
    ),
    (
        Dot,
        "550 5.7.1 Daily SMTP relay limit exceeded for customer",
        "not tried relay:throttled keep",
    ),
    (Dot, "550 5.5.0 mailbox unavailable", "rejected keep"),
    (Dot, "550 5.1.1 no such user", "rejected suppress keep"),
    (Dot, "354 go", "unknown relay:out_of_step close"),
    (Dot, "251 will forward", "unknown relay:out_of_step close"),
    (Dot, "503 what", "unknown relay:out_of_step close"),
];

#[test]
fn every_answer_leads_where_the_table_says() {
    for &(phase, text, expected) in TABLE {
        assert_eq!(summary(phase, text), expected, "{phase:?} {text}");
    }
}

#[test]
fn the_reason_quotes_the_relay() {
    let Outcome::Rejected { reason, .. } = judged(Phase::Rcpt, "550 5.1.1 no").verdict.outcome
    else {
        panic!("not rejected");
    };
    assert_eq!(reason, "550 5.1.1 no (in answer to RCPT)");
}

#[test]
fn no_answer_but_its_own_250_is_an_acceptance() {
    for code in (200..560).filter(|code| code % 100 < 60) {
        for phase in [Phase::Mail, Phase::Rcpt, Phase::Data, Phase::Dot] {
            let reply: Reply = reply(&format!("{code} x"));
            let outcome = judge(phase, &reply).verdict.outcome;
            assert!(
                !matches!(outcome, Outcome::Accepted { .. }),
                "{code} at {phase:?}"
            );
        }
    }
}
