//! A million readers of a thousand tastes on both databases: how long an issue takes to freeze
//! for them, a batch of 500 to be claimed, confirmed and settled, and all of it to be forgotten.
//!
//! `cargo bench --bench million`
#![allow(
    clippy::unwrap_used,
    reason = "a measurement may stop at the first surprise"
)]

#[path = "../tests/store/kit.rs"]
#[allow(dead_code, reason = "the stories use the rest of it")]
mod kit;
#[path = "../tests/support/mod.rs"]
mod support;

use std::time::{Duration, Instant};

use courant::domain::DeliveryState;
use courant::store::Db;
use sqlx::{Connection, Executor};

use kit::{LATER, NOW, confirm, count, everyone, keys, planned, publish, settle, went};
use support::postgres::{Cluster, Durability};

const PEOPLE: &str = "INSERT INTO subscriber (address, address_key, name, created_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
    SELECT 'r' || i || '@example.org', 'r' || i || '@example.org', '', 0 FROM n";
const TIES: &str = r#"INSERT INTO subscription
    (subscriber_id, channel, state, topics, cursor, requested_at)
    SELECT id, 'brief', 'active', '["t' || CAST(id % 1000 AS TEXT) || '"]', 0, 0 FROM subscriber"#;

#[tokio::main]
async fn main() {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}/a.db", dir.path().display());
    let cluster = Cluster::start(Durability::Durable);
    for url in [sqlite, cluster.fresh_database().await] {
        let db = Db::open(&url).await.unwrap();
        if url.starts_with("sqlite") {
            let mut raw = sqlx::SqliteConnection::connect(&url).await.unwrap();
            raw.execute(PEOPLE).await.unwrap();
            raw.execute(TIES).await.unwrap();
        } else {
            let mut raw = sqlx::PgConnection::connect(&url).await.unwrap();
            raw.execute(PEOPLE).await.unwrap();
            raw.execute(TIES).await.unwrap();
            raw.execute("ANALYZE").await.unwrap();
        }
        publish(&db, "brief", &["a"]).await;
        measure(&db).await;
        db.close().await;
    }
}

/// Times a step, and says what it took.
async fn timed<T>(db: &Db, step: &str, work: impl Future<Output = T>) -> T {
    let (since, cpu) = (Instant::now(), own_cpu());
    let result = work.await;
    let (wall, cpu) = (since.elapsed(), own_cpu() - cpu);
    println!("{}: {step}: {wall:.1?}, own CPU {cpu:.1?}", db.kind());
    result
}

/// The processor time of this process: with SQLite that is all of it, with PostgreSQL our part.
fn own_cpu() -> Duration {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap();
    let fields: Vec<&str> = stat
        .rsplit_once(')')
        .unwrap()
        .1
        .split_whitespace()
        .collect();
    let ticks: u64 = fields[11].parse::<u64>().unwrap() + fields[12].parse::<u64>().unwrap();
    Duration::from_millis(ticks * 10)
}

fn peak_memory() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let line = status
        .lines()
        .find(|line| line.starts_with("VmHWM"))
        .unwrap();
    line.split_whitespace()
        .skip(1)
        .collect::<Vec<_>>()
        .join(" ")
}

async fn measure(db: &Db) {
    let plan = planned(db, everyone("brief", "daily"), 1);
    let issue = timed(db, "groups", plan).await;
    let frozen = timed(db, "freeze", db.freeze_issue(&issue, NOW)).await;
    let id = frozen.unwrap().unwrap();
    println!("{}: peak memory {}", db.kind(), peak_memory());
    let pending = timed(db, "counts", count(db, id, DeliveryState::Pending)).await;
    assert_eq!(pending, 1_000_000);
    batches(db, id).await;
    let failed = Some(DeliveryState::Failed);
    let none = timed(db, "list a rare state", db.deliveries(id, failed, None, 50)).await;
    assert!(none.unwrap().is_empty());
    let done = timed(db, "finish", db.finish_issues(NOW)).await;
    assert!(done.unwrap().is_empty());
    assert_eq!(db.next_due().await.unwrap(), Some(NOW));
    let cancelled = timed(db, "cancel the rest", db.cancel_issue(id, NOW)).await;
    let sent = i64::try_from(BATCHES * BATCH).unwrap();
    assert_eq!(cancelled.unwrap(), Some(1_000_000 - sent));
    let prune = async {
        let mut pruned = 0;
        loop {
            match db.prune_deliveries(LATER, 10_000).await.unwrap() {
                0 => return pruned,
                n => pruned += n,
            }
        }
    };
    assert_eq!(timed(db, "prune", prune).await, 1_000_000);
    assert_eq!(count(db, id, DeliveryState::Sent).await, sent);
    println!("{}: peak memory {}", db.kind(), peak_memory());
}

const BATCHES: usize = 200;
const BATCH: usize = 500;

/// Batches on their way: the median of each step, and our processor time a row.
async fn batches(db: &Db, id: courant::domain::IssueId) {
    let mut spent: [Vec<Duration>; 3] = Default::default();
    let cpu = own_cpu();
    for _ in 0..BATCHES {
        let start = Instant::now();
        let claimed = db.claim_deliveries("host/4711", id, NOW, LATER, BATCH);
        let claimed = claimed.await.unwrap();
        let rows = keys(&claimed);
        spent[0].push(start.elapsed());
        let start = Instant::now();
        assert_eq!(confirm(db, &rows, "host/4711", NOW).await.len(), BATCH);
        spent[1].push(start.elapsed());
        let start = Instant::now();
        let sent: Vec<_> = claimed
            .iter()
            .map(|c| {
                went(
                    c,
                    DeliveryState::Sent,
                    "250 2.0.0 Ok: queued as 4XyZ1234abc",
                )
            })
            .collect();
        assert_eq!(settle(db, &sent, "host/4711", NOW).await, BATCH);
        spent[2].push(start.elapsed());
    }
    let rows = u32::try_from(BATCHES * BATCH).unwrap();
    let [claim, confirm, settle] = spent.map(|mut times| {
        times.sort_unstable();
        (times[BATCHES / 2], times[BATCHES * 95 / 100])
    });
    println!(
        "{}: of {BATCH} (median, 95 %): claim {claim:.1?}, confirm {confirm:.1?}, settle {settle:.1?}; \
         own CPU {:.1?} a row",
        db.kind(),
        (own_cpu() - cpu) / rows
    );
}
