//! What goes wrong, where, and for whom.

use std::time::Duration;

/// A place in the conversation, named after what the server is about to answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step {
    Greeting,
    Hello,
    StartTls,
    /// Instead of the TLS handshake.
    Handshake,
    Auth,
    Mail,
    Rcpt,
    Data,
    /// When the first bytes of the message have come.
    Body,
    /// When the whole message has come.
    Dot,
    Rset,
    Quit,
}

/// What goes wrong.
#[derive(Debug, Clone)]
pub enum Fault {
    /// This answer instead of the right one (lines are separated by `\r\n`).
    Reply(String),
    /// This answer, then the connection is closed.
    ReplyAndClose(String),
    /// The connection is closed without an answer.
    Close,
    /// No answer, ever.
    Hang,
    /// The right answer, after this long.
    Delay(Duration),
    /// The right answer, a byte at a time, with this pause after each.
    Drip(Duration),
    /// The right answer, and this one in the same packet.
    Extra(String),
    /// The right answer, and this one a little later.
    Later(String),
    /// These bytes instead of the right answer.
    Bytes(Vec<u8>),
}

impl Fault {
    pub fn reply(text: &str) -> Self {
        Self::Reply(text.to_owned())
    }
}

/// A fault with the place and the people it is for.
#[derive(Debug, Clone)]
pub struct Rule {
    step: Step,
    fault: Fault,
    to: Option<String>,
    percent: u64,
    connection: Option<usize>,
    skip: usize,
    every: usize,
    met: usize,
    times: usize,
}

impl Rule {
    pub fn at(step: Step, fault: Fault) -> Self {
        Self {
            step,
            fault,
            to: None,
            percent: 100,
            connection: None,
            skip: 0,
            every: 1,
            met: 0,
            times: usize::MAX,
        }
    }

    /// Only for this recipient.
    pub fn to(mut self, address: &str) -> Self {
        self.to = Some(address.to_owned());
        self
    }

    /// Only for this share of the recipients, always the same ones.
    pub fn percent(mut self, percent: u64) -> Self {
        self.percent = percent;
        self
    }

    /// Only on this connection, counted from 1.
    pub fn on_connection(mut self, number: usize) -> Self {
        self.connection = Some(number);
        self
    }

    /// Not the first so many times.
    pub fn after(mut self, skip: usize) -> Self {
        self.skip = skip;
        self
    }

    /// Only each so-manyth time.
    pub fn every(mut self, nth: usize) -> Self {
        self.every = nth;
        self
    }

    /// Only so many times.
    pub fn times(mut self, times: usize) -> Self {
        self.times = times;
        self
    }

    fn matches(&self, step: Step, connection: usize, to: &[String]) -> bool {
        let is_share = |address: &String| {
            let sum = address.bytes().fold(7u64, |hash, b| {
                (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
            });
            (sum >> 16) % 100 < self.percent
        };
        self.step == step
            && self.times > 0
            && self.connection.is_none_or(|number| number == connection)
            && self.to.as_ref().is_none_or(|address| to.contains(address))
            && (self.percent >= 100 || to.iter().any(is_share))
    }
}

/// The fault of the first rule for this place, used up by one.
pub(super) fn choose(
    rules: &mut [Rule],
    step: Step,
    connection: usize,
    to: &[String],
) -> Option<Fault> {
    for rule in rules {
        if !rule.matches(step, connection, to) {
            continue;
        }
        if rule.skip > 0 {
            rule.skip -= 1;
            continue;
        }
        rule.met += 1;
        if rule.met % rule.every != 0 {
            continue;
        }
        rule.times = rule.times.saturating_sub(1);
        return Some(rule.fault.clone());
    }
    None
}
