//! The table of outcomes: one function per class of answer.

use std::time::Duration;

use super::{Ending, IssueTrouble, Phase, RelayTrouble, Then};
use crate::channels::email::smtp::reply::{Enhanced, Reply};

/// Greylisting lets a message in after a few minutes (RFC 6647 §4.1 speaks of one to 24 h as
/// the outer limits; most wait five).
const GREYLIST: Duration = Duration::from_secs(300);

/// See [`super::judge`].
pub(super) fn judge(phase: Phase, reply: &Reply) -> Ending {
    match (reply.code(), reply.code() / 100) {
        (421, _) => closing(phase, reply),
        // Bad sequence of commands: the two of us no longer mean the same message.
        (503, _) | (_, 2 | 3) => out_of_step(phase, reply),
        (530 | 538, _) => login_wanted(phase, reply),
        (_, 4) => for_now(phase, reply),
        _ => for_good(phase, reply),
    }
}

fn said(phase: Phase, reply: &Reply) -> String {
    match phase {
        Phase::Dot => reply.to_string(),
        _ => format!("{reply} (in answer to {})", phase.as_str()),
    }
}

/// After a refusal: MAIL and the dot leave no transaction open, but some relays want RSET
/// after a refused MAIL all the same.
fn then(phase: Phase) -> Then {
    match phase {
        Phase::Dot => Then::Keep,
        _ => Then::Reset,
    }
}

/// RFC 5321 §3.8: 421 closes the channel, whatever it answers; nothing was taken.
fn closing(phase: Phase, reply: &Reply) -> Ending {
    let trouble = if is_rate(reply) {
        too_fast(phase, reply)
    } else {
        RelayTrouble::Busy
    };
    Ending::not_tried(said(phase, reply), Then::Close).and_relay(trouble)
}

fn out_of_step(phase: Phase, reply: &Reply) -> Ending {
    let ending = match phase {
        Phase::Dot => Ending::unknown(format!(
            "the relay answered the message with {reply}, which says neither yes nor no"
        )),
        _ => Ending::not_tried(
            format!(
                "the relay answered {} with {reply}, out of step",
                phase.as_str()
            ),
            Then::Close,
        ),
    };
    ending.and_relay(RelayTrouble::OutOfStep)
}

/// RFC 4954 §6: this relay wants a login (530) or an encrypted connection (530, 538).
fn login_wanted(phase: Phase, reply: &Reply) -> Ending {
    Ending::not_tried(said(phase, reply), then(phase)).and_relay(RelayTrouble::AuthRefused)
}

fn for_now(phase: Phase, reply: &Reply) -> Ending {
    // Postfix says so with 454, for the case that its own tables are wrong.
    if phase == Phase::Rcpt && is_any(&reply.words(), RELAYING_DENIED) {
        return relaying_denied(phase, reply);
    }
    if is_rate(reply) {
        return throttled(phase, reply);
    }
    if matches!(reply.enhanced(), Some(Enhanced(_, 1, 7 | 8))) {
        return sender_refused(phase, reply);
    }
    let after = (phase == Phase::Rcpt && is_greylisting(reply)).then_some(GREYLIST);
    let ending = Ending::deferred(said(phase, reply), after, then(phase));
    if phase == Phase::Mail {
        ending.and_relay(RelayTrouble::Busy)
    } else {
        ending
    }
}

fn relaying_denied(phase: Phase, reply: &Reply) -> Ending {
    Ending::not_tried(said(phase, reply), then(phase)).and_relay(RelayTrouble::RelayingDenied)
}

fn throttled(phase: Phase, reply: &Reply) -> Ending {
    Ending::not_tried(said(phase, reply), then(phase)).and_relay(too_fast(phase, reply))
}

/// Of which mail there is too much. Before it was told a recipient, a relay speaks of all; so it
/// does of its quotas, and with 454, which Amazon SES has for the rate of an account.
fn too_fast(phase: Phase, reply: &Reply) -> RelayTrouble {
    if phase == Phase::Mail || reply.code() == 454 || is_our_quota(reply) {
        RelayTrouble::Throttled
    } else {
        RelayTrouble::DomainThrottled
    }
}

fn for_good(phase: Phase, reply: &Reply) -> Ending {
    if is_our_quota(reply) {
        return throttled(phase, reply);
    }
    match (phase, reply.enhanced()) {
        (_, Some(Enhanced(_, 3, 4) | Enhanced(_, 2, 3))) => too_large(phase, reply),
        (_, Some(Enhanced(_, 1, 7 | 8))) => sender_refused(phase, reply),
        // Too many recipients, of which we had one: its hourly quota, then.
        (_, Some(Enhanced(_, 5, 3))) => throttled(phase, reply),
        // RFC 6531 §4: the reader's address needs SMTPUTF8, and not every hop has it.
        (_, Some(Enhanced(_, 6, 7..=9))) => {
            Ending::rejected(said(phase, reply), false, then(phase))
        }
        // x.5.0 says nothing of the kind: Outlook has it for mailboxes that are not there.
        (_, Some(Enhanced(_, 5, 1..))) => out_of_step_for_good(phase, reply),
        (Phase::Mail, None) if reply.code() == 552 && is_about_size(reply) => {
            too_large(phase, reply)
        }
        (Phase::Mail, _) => sender_refused(phase, reply),
        (Phase::Rcpt, _) => recipient_refused(phase, reply),
        (Phase::Data | Phase::Dot, _) => message_refused(phase, reply),
    }
}

fn recipient_refused(phase: Phase, reply: &Reply) -> Ending {
    let words = reply.words();
    if is_any(&words, RELAYING_DENIED) {
        return relaying_denied(phase, reply);
    }
    match (reply.code(), reply.enhanced()) {
        (_, Some(enhanced)) => by_enhanced(phase, reply, enhanced),
        // RFC 5321 §4.5.3.1.10: 552 to RCPT is an old way to say 452.
        (552, None) => Ending::deferred(said(phase, reply), None, then(phase)),
        (_, None) if is_any(&words, POLICY) => policy(phase, reply),
        (550 | 551 | 553 | 554, None) if is_any(&words, NO_SUCH_USER) => {
            Ending::rejected(said(phase, reply), true, then(phase))
        }
        _ => Ending::rejected(said(phase, reply), false, then(phase)),
    }
}

fn message_refused(phase: Phase, reply: &Reply) -> Ending {
    match (reply.code(), reply.enhanced()) {
        (_, Some(enhanced)) => by_enhanced(phase, reply, enhanced),
        (552 | 523, None) if is_about_size(reply) => too_large(phase, reply),
        (552, None) => Ending::deferred(said(phase, reply), None, then(phase)),
        _ => policy(phase, reply),
    }
}

/// RFC 3463 §3: the second number says whose matter it is.
fn by_enhanced(phase: Phase, reply: &Reply, enhanced: Enhanced) -> Ending {
    let words = reply.words();
    match enhanced {
        // Gmail: too much comes for this mailbox at the moment, from everybody together.
        Enhanced(_, 2, 1) if words.contains("receiving mail") => {
            Ending::deferred(said(phase, reply), None, then(phase))
        }
        // No such mailbox, no such host, bad address, moved away, null MX (RFC 7505); a
        // mailbox that is disabled.
        Enhanced(_, 1, 1 | 2 | 3 | 6 | 10) | Enhanced(_, 2, 1) => {
            Ending::rejected(said(phase, reply), true, then(phase))
        }
        // A full mailbox is emptied one day, whatever the first digit says.
        Enhanced(_, 2, 2) => Ending::deferred(said(phase, reply), None, then(phase)),
        Enhanced(_, 6 | 7, _) => policy(phase, reply),
        // Exchange Online about an address that its domain does not have.
        Enhanced(_, 4, 1) if words.contains("recipient address rejected: access denied") => {
            Ending::rejected(said(phase, reply), true, then(phase))
        }
        _ if is_any(&words, POLICY) => policy(phase, reply),
        // Detail 0 is "other or undefined": the words say what it is.
        Enhanced(_, _, 0) if is_any(&words, NO_SUCH_USER) => {
            Ending::rejected(said(phase, reply), true, then(phase))
        }
        _ => Ending::rejected(said(phase, reply), false, then(phase)),
    }
}

fn policy(phase: Phase, reply: &Reply) -> Ending {
    Ending::rejected(said(phase, reply), false, then(phase)).and_issue(IssueTrouble::Policy)
}

fn too_large(phase: Phase, reply: &Reply) -> Ending {
    Ending::rejected(said(phase, reply), false, then(phase)).and_issue(IssueTrouble::TooLarge)
}

/// Our own address: the rows stay, the issue must stop.
fn sender_refused(phase: Phase, reply: &Reply) -> Ending {
    Ending::not_tried(said(phase, reply), then(phase)).and_issue(IssueTrouble::SenderRefused)
}

/// x.5.z: the relay understood something else than we said. At the dot it is still a no.
fn out_of_step_for_good(phase: Phase, reply: &Reply) -> Ending {
    let ending = match phase {
        Phase::Mail | Phase::Data => Ending::not_tried(said(phase, reply), Then::Close),
        Phase::Rcpt | Phase::Dot => Ending::rejected(said(phase, reply), false, then(phase)),
    };
    ending.and_relay(RelayTrouble::OutOfStep)
}

/// Too fast: 454 after DATA is how SES says it, 450 or 451 with words how others do.
fn is_rate(reply: &Reply) -> bool {
    const WORDS: &[&str] = &[
        "too many requests",
        "too many messages",
        "too many emails",
        "too many connections",
        "rate limit",
        "ratelimit",
        "rate-limit",
        "rate exceeded",
        "rate has been exceeded",
        "sending rate",
        "sending limit",
        "unusual rate",
        "throttl",
        "too fast",
        "too quickly",
        "slow down",
    ];
    let enhanced = reply.enhanced();
    // x.2.1: it is one mailbox that gets too much, and not from us alone.
    let is_mailboxs = matches!(enhanced, Some(Enhanced(_, 2, 1)));
    reply.code() == 454
        || enhanced == Some(Enhanced(4, 7, 28))
        || (reply.code() / 100 == 4 && !is_mailboxs && is_any(&reply.words(), WORDS))
}

/// We may send no more through this relay for now: providers say so with 550 as well, and mean
/// every message until the hour or the day is over.
fn is_our_quota(reply: &Reply) -> bool {
    const WORDS: &[&str] = &[
        "daily user sending",
        "daily sending",
        "daily limit",
        "daily quota",
        "daily message quota",
        "relay limit exceeded",
        "sending limit",
        "sending quota",
        "hourly limit",
        "hourly quota",
        "emails per hour",
        "messages per hour",
        "messages per day",
    ];
    reply.enhanced() == Some(Enhanced(5, 4, 5)) || is_any(&reply.words(), WORDS)
}

fn is_about_size(reply: &Reply) -> bool {
    is_any(&reply.words(), &["size", "large", "big"])
}

/// See [`super::is_session_full`].
pub(super) fn is_session_full(reply: &Reply) -> bool {
    const WORDS: &[&str] = &[
        "this connection",
        "per connection",
        "this session",
        "per session",
    ];
    reply.code() / 100 == 4 && is_any(&reply.words(), WORDS)
}

fn is_greylisting(reply: &Reply) -> bool {
    let words = reply.words();
    reply.enhanced() == Some(Enhanced(4, 7, 1)) || is_any(&words, &["greylist", "graylist"])
}

fn is_any(words: &str, phrases: &[&str]) -> bool {
    phrases.iter().any(|phrase| words.contains(phrase))
}

const RELAYING_DENIED: &[&str] = &[
    "relay access denied",
    "relaying denied",
    "relay not permitted",
    "relaying not allowed",
    "unable to relay",
    "relay denied",
    "not permitted to relay",
    "we do not relay",
];

const POLICY: &[&str] = &[
    "spam",
    "blocked",
    "blacklist",
    "block list",
    "blocklist",
    "reputation",
    "policy",
    "dmarc",
    "dkim",
    "spf ",
    "unauthenticated",
    "not authorized",
    "reverse dns",
    "ptr record",
    "access denied",
    "virus",
];

const NO_SUCH_USER: &[&str] = &[
    "user unknown",
    "unknown user",
    "unknown recipient",
    "recipient unknown",
    "unknown mailbox",
    "mailbox unknown",
    "no such user",
    "no such recipient",
    "no such mailbox",
    "no such address",
    "no such account",
    "no mailbox here",
    "user not found",
    "recipient not found",
    "mailbox not found",
    "user doesn't exist",
    "does not exist",
    "doesn't have a",
    "not a valid mailbox",
    "invalid mailbox",
    "invalid recipient",
    "account is disabled",
    "account disabled",
    "account has been disabled",
    "mailbox disabled",
    "mailbox is disabled",
    "no longer valid",
    "no longer in use",
];
