//! What these stories share.

use std::time::Duration;

use courant::channels::email::smtp::{Connection, Endpoint, Protocol, Security, Timeouts, Verdict};
use courant::domain::{EmailAddress, Outcome};

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
