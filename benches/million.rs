//! A million readers of a thousand tastes on both databases: how long an issue takes to freeze
//! for them, and a batch of 500 to be claimed, handed over and settled.
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

use std::time::Instant;

use courant::domain::DeliveryState;
use courant::store::Db;
use sqlx::{Connection, Executor};

use kit::{LATER, NOW, count, everyone, planned, publish, went};
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

async fn measure(db: &Db) {
    let since = Instant::now();
    let issue = planned(db, everyone("brief", "daily"), 1).await;
    let grouped = since.elapsed();
    let id = db.freeze_issue(&issue, NOW).await.unwrap().unwrap();
    println!(
        "{}: groups {grouped:?}, with freeze {:?}",
        db.kind(),
        since.elapsed()
    );
    let since = Instant::now();
    assert_eq!(count(db, id, DeliveryState::Pending).await, 1_000_000);
    println!("{}: counted in {:?}", db.kind(), since.elapsed());
    let mut spent = [std::time::Duration::ZERO; 3];
    for _ in 0..20 {
        let start = Instant::now();
        let claimed = db.claim_deliveries("w", NOW, LATER, 500).await.unwrap();
        let rows: Vec<_> = claimed
            .iter()
            .map(|c| (c.delivery.id, c.generation))
            .collect();
        let claimed_at = Instant::now();
        assert_eq!(db.hand_over(&rows, "w", NOW).await.unwrap().len(), 500);
        let handed_at = Instant::now();
        let sent: Vec<_> = claimed
            .iter()
            .map(|c| went(c, DeliveryState::Sent, "250 ok"))
            .collect();
        assert_eq!(db.settle(&sent, "w", NOW).await.unwrap(), 500);
        spent[0] += claimed_at - start;
        spent[1] += handed_at - claimed_at;
        spent[2] += handed_at.elapsed();
    }
    let [claim, hand, settle] = spent.map(|time| time / 20);
    println!(
        "{}: of 500: claim {claim:?}, hand over {hand:?}, settle {settle:?}",
        db.kind()
    );
    let since = Instant::now();
    assert!(db.finish_issues(NOW).await.unwrap().is_empty());
    assert_eq!(db.next_due().await.unwrap(), Some(NOW));
    println!("{}: finish and next due {:?}", db.kind(), since.elapsed());
}
