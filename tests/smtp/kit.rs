//! What these stories share.

use std::collections::VecDeque;
use std::time::Duration;

use courant::channels::email::smtp::{
    Connection, Endpoint, Feed, Parcel, Protocol, Security, Timeouts, Verdict,
};
use courant::domain::{EmailAddress, Outcome};

use crate::support::process::{SOON, until};
use crate::support::smtp::Sink;

pub const FROM: &str = "b+7@bounces.example.org";
pub const MESSAGE: &[u8] = b"Subject: canals\r\n\r\nThey reopen.\r\n";
/// Long enough for a busy machine to answer, short enough to wait out.
pub const SHORT: Duration = Duration::from_millis(400);

pub fn address(text: &str) -> EmailAddress {
    EmailAddress::parse(text).unwrap()
}

/// A relay at `port`, without encryption, with deadlines that can be waited out.
pub fn relay(port: u16) -> Endpoint {
    let hello = "letters.example.org";
    Endpoint::new(Protocol::Smtp, Security::Off, "127.0.0.1", port, hello)
        .with_timeouts(Timeouts::all(SHORT))
}

/// The same with deadlines nobody waits out.
pub fn patient(port: u16) -> Endpoint {
    relay(port).with_timeouts(Timeouts::all(Duration::from_secs(20)))
}

/// A mail store at `port`, which speaks LMTP.
pub fn lmtp(port: u16) -> Endpoint {
    let hello = "letters.example.org";
    Endpoint::new(Protocol::Lmtp, Security::Off, "127.0.0.1", port, hello)
}

/// Waits until a connection is seen to be of no use any more.
pub async fn until_unusable(connection: &mut Connection) {
    until("the connection is of no use", SOON, async || {
        (!connection.is_usable()).then_some(())
    })
    .await;
}

pub async fn open(sink: &Sink) -> Connection {
    Connection::open(&patient(sink.port())).await.unwrap()
}

/// With deadlines that the test waits out.
pub async fn open_hasty(sink: &Sink) -> Connection {
    Connection::open(&relay(sink.port())).await.unwrap()
}

pub async fn send(connection: &mut Connection, to: &str) -> Verdict {
    connection.send(FROM, &address(to), MESSAGE).await
}

/// The outcome's name, and `suppress` where it is.
pub fn name(outcome: &Outcome) -> &'static str {
    match outcome {
        Outcome::Accepted { .. } => "accepted",
        Outcome::Deferred { .. } => "deferred",
        Outcome::NotTried { .. } => "not tried",
        Outcome::Rejected { suppress: true, .. } => "rejected suppress",
        Outcome::Rejected { .. } => "rejected",
        Outcome::Unknown { .. } => "unknown",
    }
}

/// One message on a new connection; the outcome's name, and whether the connection can be used
/// for another.
pub async fn one(sink: &Sink) -> (&'static str, bool) {
    one_over(open(sink).await).await
}

/// The same with deadlines that the test waits out.
pub async fn one_hasty(sink: &Sink) -> (&'static str, bool) {
    one_over(open_hasty(sink).await).await
}

async fn one_over(mut connection: Connection) -> (&'static str, bool) {
    let verdict = send(&mut connection, "ada@example.com").await;
    (name(&verdict.outcome), connection.is_usable())
}

/// A message to `to`, told apart by its text.
pub struct Letter {
    to: EmailAddress,
    text: Vec<u8>,
}

impl Letter {
    pub fn new(to: &str) -> Self {
        Self::of(to, 30)
    }

    /// With so many lines.
    pub fn of(to: &str, lines: usize) -> Self {
        let mut text = format!("To: {to}\r\nSubject: canals\r\n\r\n").into_bytes();
        for line in 0..lines {
            text.extend_from_slice(format!("{line}: they reopen for {to}.\r\n").as_bytes());
        }
        let to = address(to);
        Self { to, text }
    }
}

impl Parcel for Letter {
    fn envelope_from(&self) -> &str {
        FROM
    }

    fn to(&self) -> &EmailAddress {
        &self.to
    }

    fn size(&self) -> usize {
        self.text.len()
    }

    fn write_to(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.text);
    }
}

pub fn readers(count: usize) -> Vec<String> {
    (0..count)
        .map(|i| format!("reader{i}@example.com"))
        .collect()
}

/// Letters to so many readers.
pub fn batch(count: usize) -> Batch {
    let readers = readers(count);
    Batch::to(&readers.iter().map(String::as_str).collect::<Vec<_>>())
}

/// Letters that wait, and what became of the others.
#[derive(Default)]
pub struct Batch {
    pub waiting: VecDeque<Letter>,
    pub ended: Vec<(String, Verdict)>,
    pub withdrawn: Vec<String>,
    /// Who was asked for, in order.
    pub asked: Vec<String>,
    /// Whom to hold back when asked.
    pub hold: Option<&'static str>,
    all: Vec<Letter>,
}

impl Batch {
    pub fn to(readers: &[&str]) -> Self {
        Self::of(readers.iter().map(|to| Letter::new(to)).collect())
    }

    pub fn of(letters: Vec<Letter>) -> Self {
        let again = |letter: &Letter| Letter {
            to: letter.to.clone(),
            text: letter.text.clone(),
        };
        Self {
            all: letters.iter().map(again).collect(),
            waiting: letters.into(),
            ..Self::default()
        }
    }

    /// What became of a reader's letter.
    pub fn outcome(&self, to: &str) -> &'static str {
        self.verdict(to)
            .map_or("-", |verdict| name(&verdict.outcome))
    }

    pub fn verdict(&self, to: &str) -> Option<&Verdict> {
        let found = self.ended.iter().find(|(reader, _)| reader == to);
        found.map(|(_, verdict)| verdict)
    }

    /// Carries what there is over one connection; who came back.
    pub async fn over(&mut self, connection: &mut Connection) -> Option<String> {
        let first = self.waiting.pop_front()?;
        let back = connection.carry(first, self).await?;
        let to = back.to.to_string();
        self.waiting.push_front(back);
        Some(to)
    }

    /// As a relay's pool does: a new connection whenever one has ended.
    pub async fn over_any(&mut self, endpoint: &Endpoint) {
        for _ in 0..30 {
            if self.waiting.is_empty() {
                return;
            }
            if let Ok(mut connection) = Connection::open(endpoint).await {
                self.over(&mut connection).await;
            }
        }
        panic!("{} letters are never carried", self.waiting.len());
    }

    /// What must hold whatever the relay did: each letter is in one place, and its verdict
    /// does not contradict what the sink knows.
    pub fn check(&self, sink: &Sink, what: &str) {
        let mails = sink.mails();
        for letter in &self.all {
            let to = letter.to.as_str();
            let places = self.ended.iter().filter(|(reader, _)| reader == to).count()
                + self.withdrawn.iter().filter(|reader| *reader == to).count()
                + self.waiting.iter().filter(|l| l.to == letter.to).count();
            assert_eq!(places, 1, "{what}: {to} is in {places} places");
            let came: Vec<_> = mails.iter().filter(|mail| mail.to == [to]).collect();
            assert!(came.len() <= 1, "{what}: {to} got it twice");
            for mail in &came {
                assert!(mail.data == letter.text, "{what}: {to} got something else");
            }
            let is_accepted = came.iter().any(|mail| mail.is_accepted());
            let is_refused = came.iter().all(|mail| {
                mail.answer
                    .as_deref()
                    .is_some_and(|a| a.starts_with(['4', '5']))
            });
            match self.outcome(to) {
                "accepted" => assert!(is_accepted, "{what}: {to} does not have it"),
                "unknown" => {}
                other => assert!(is_refused, "{what}: {to} is {other} and has it"),
            }
        }
    }
}

impl Feed for Batch {
    type Parcel = Letter;

    fn next_now(&mut self) -> Option<Letter> {
        self.waiting.pop_front()
    }

    async fn may_leave(&mut self, letter: &Letter) -> bool {
        self.asked.push(letter.to.to_string());
        // As when the row is written first.
        tokio::task::yield_now().await;
        self.hold != Some(letter.to.as_str())
    }

    fn ended(&mut self, letter: Letter, verdict: Verdict) {
        self.ended.push((letter.to.to_string(), verdict));
    }

    fn withdrawn(&mut self, letter: Letter) {
        self.withdrawn.push(letter.to.to_string());
    }
}
