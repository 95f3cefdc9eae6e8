//! Sending measured as a whole process: `courant publish` to Debian's smtp-sink beside Debian's
//! smtp-source to the same sink, in one run.
//!
//! `cargo bench --bench delivery [-- PART… [--readers N]]`, parts: `raw unsigned signed delay one tls
//! overtake million`; all of them when none is named. 22 KB messages, 10 connections, no TLS but in its
//! own part; the sink shares the machine's cores. `overtake` runs the daemon instead, and asks how long
//! alerts and confirmation mail take beside a digest.
#![allow(
    clippy::unwrap_used,
    reason = "a measurement may stop at the first surprise"
)]

mod overtake;
mod publication;
mod relay;
mod usage;

#[path = "../../tests/support/mod.rs"]
mod support;

use std::time::Duration;

use publication::{Publication, Setup};
use relay::{Delay, Encrypted, smtp_source};
use support::postfix::SmtpSink;
use support::postgres::{Cluster, Durability};
use support::smtp::Sink;
use usage::Usage;

/// A message as `courant` makes it, about.
const SIZE: usize = 22 * 1024;

struct Asked {
    parts: Vec<String>,
    readers: usize,
}

impl Asked {
    fn read() -> Self {
        let mut asked = Self {
            parts: Vec::new(),
            readers: 100_000,
        };
        let mut words = std::env::args().skip(1);
        while let Some(word) = words.next() {
            match word.as_str() {
                "--bench" => {}
                "--readers" => asked.readers = words.next().unwrap().parse().unwrap(),
                part => asked.parts.push(part.to_owned()),
            }
        }
        asked
    }

    fn wants(&self, part: &str) -> bool {
        self.parts.is_empty() || self.parts.iter().any(|asked| asked == part)
    }
}

#[tokio::main]
async fn main() {
    let asked = Asked::read();
    let cluster = Cluster::start(Durability::Durable);
    let raw = raw(asked.readers);
    for signed in [false, true] {
        if asked.wants(if signed { "signed" } else { "unsigned" }) {
            for database in ["sqlite", "postgres"] {
                publish(&cluster, database, signed, asked.readers, raw).await;
            }
        }
    }
    if asked.wants("delay") {
        delayed(asked.readers.min(20_000)).await;
    }
    if asked.wants("one") {
        one_connection().await;
    }
    if asked.wants("tls") {
        encrypted(asked.readers.min(20_000)).await;
    }
    if asked.wants("overtake") {
        for kind in ["sqlite", "postgres"] {
            overtake::measure(kind, database(&cluster, kind).await, asked.readers).await;
        }
    }
    if asked.wants("million") {
        for database in ["sqlite", "postgres"] {
            million(&cluster, database).await;
        }
    }
}

/// What the wire and the sink give: messages a second.
fn raw(messages: usize) -> f64 {
    let sink = SmtpSink::start(&std::env::temp_dir(), &[]);
    let used = smtp_source(sink.port, 10, messages, SIZE);
    println!("smtp-source, 10 connections: {}", used.line(messages));
    used.rate(messages)
}

async fn database(cluster: &Cluster, kind: &str) -> Option<String> {
    match kind {
        "postgres" => Some(cluster.fresh_database().await),
        _ => None,
    }
}

async fn publish(cluster: &Cluster, kind: &str, signed: bool, readers: usize, raw: f64) {
    let sink = SmtpSink::start(&std::env::temp_dir(), &[]);
    let setup = Setup {
        database: database(cluster, kind).await,
        port: sink.port,
        signed,
        ..Setup::default()
    };
    let publication = Publication::with_news(setup, readers).await;
    let used = publication.publish(readers);
    let name = if signed { "RSA-2048" } else { "unsigned" };
    println!(
        "courant, {kind}, {name}, {} bytes: {}, {:.2} of smtp-source",
        publication.message_size(),
        used.line(readers),
        used.rate(readers) / raw
    );
    if signed {
        let per_core = 1e6 / used.cpu_us(readers);
        println!("  {per_core:.0} signed messages for each second of a core");
    }
}

/// A relay 20 ms away.
async fn delayed(readers: usize) {
    let sink = SmtpSink::start(&std::env::temp_dir(), &[]);
    let far = Delay::start(sink.port, Duration::from_millis(10)).await;
    let used = tokio::task::block_in_place(|| smtp_source(far.port, 50, 5_000, SIZE));
    println!("smtp-source, 20 ms, 50 connections: {}", used.line(5_000));
    let setup = Setup {
        port: far.port,
        connections: 50,
        ..Setup::default()
    };
    let publication = Publication::with_news(setup, readers).await;
    let used = publication.publish(readers);
    println!(
        "courant, sqlite, 20 ms, 50 connections: {}",
        used.line(readers)
    );
}

/// One connection: the longest time between two messages at a sink that answers at once.
async fn one_connection() {
    const READERS: usize = 2_000;
    let sink = Sink::plain().await;
    let setup = Setup {
        port: sink.port(),
        connections: 1,
        ..Setup::default()
    };
    let publication = Publication::with_news(setup, READERS).await;
    let used = publication.publish(READERS);
    let mails = sink.mails();
    let between = mails.windows(2).map(|two| two[1].at - two[0].at);
    let mut gaps: Vec<(Duration, usize)> = between.zip(1..).collect();
    gaps.sort();
    let longest = gaps.iter().rev().take(5);
    let longest: Vec<String> = longest
        .map(|(gap, at)| format!("{gap:?} after {at}"))
        .collect();
    println!(
        "courant, sqlite, 1 connection: {}; between two messages: median {:?}, longest {}",
        used.line(READERS),
        gaps[gaps.len() / 2].0,
        longest.join(", ")
    );
}

/// What encryption costs, by how many messages share a handshake. The proxy before the sink takes a
/// core as well, so the processor's time says more than the rate.
async fn encrypted(readers: usize) {
    let sink = SmtpSink::start(&std::env::temp_dir(), &[]);
    let relay = Encrypted::start(sink.port).await;
    for (max_messages, tls) in [(1000, false), (1000, true), (100, true), (10, true)] {
        let setup = Setup {
            port: if tls { relay.port } else { sink.port },
            certificate: tls.then(|| relay.certificate.clone()),
            max_messages,
            ..Setup::default()
        };
        let publication = Publication::with_news(setup, readers).await;
        let used = publication.publish(readers);
        let name = if tls { "TLS" } else { "no TLS" };
        println!(
            "courant, sqlite, {name}, {max_messages} messages a connection: {}",
            used.line(readers)
        );
    }
}

/// A million readers: the freeze and half a minute of sending.
async fn million(cluster: &Cluster, kind: &str) {
    let sink = SmtpSink::start(&std::env::temp_dir(), &[]);
    let setup = Setup {
        database: database(cluster, kind).await,
        port: sink.port,
        ..Setup::default()
    };
    let publication = Publication::with_a_million(setup).await;
    let used: Usage = publication.publish_for(Duration::from_secs(40));
    println!(
        "courant, {kind}, a million readers: peak memory {:.1} MiB, {:.1} s of processor time in 40 s",
        used.peak_mib,
        used.cpu.as_secs_f64()
    );
}
