//! A million readers of a thousand tastes, on request: `cargo test --test store million -- --ignored --nocapture`.

use std::time::Instant;

use courant::domain::DeliveryState;
use courant::store::Db;
use sqlx::{Connection, Executor};

use crate::kit::{LATER, NOW, count, everyone, planned, publish, went};
use crate::support::postgres::{Cluster, Durability};

const PEOPLE: &str = "INSERT INTO subscriber (address, address_key, name, created_at)
    WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000)
    SELECT 'r' || i || '@example.org', 'r' || i || '@example.org', '', 0 FROM n";
const TIES: &str = r#"INSERT INTO subscription
    (subscriber_id, channel, state, topics, cursor, requested_at)
    SELECT id, 'brief', 'active', '["t' || CAST(id % 1000 AS TEXT) || '"]', 0, 0 FROM subscriber"#;

#[tokio::test]
#[ignore = "takes a minute; it measures rather than proves"]
async fn a_million_readers_are_frozen_in_seconds() {
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
    eprintln!(
        "{}: groups {grouped:?}, with freeze {:?}",
        db.kind(),
        since.elapsed()
    );
    assert!(since.elapsed().as_secs() < 120);
    let since = Instant::now();
    assert_eq!(count(db, id, DeliveryState::Pending).await, 1_000_000);
    eprintln!("{}: counted in {:?}", db.kind(), since.elapsed());
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
    eprintln!(
        "{}: of 500: claim {claim:?}, hand over {hand:?}, settle {settle:?}",
        db.kind()
    );
    let since = Instant::now();
    assert!(db.finish_issues(NOW).await.unwrap().is_empty());
    assert_eq!(db.next_due().await.unwrap(), Some(NOW));
    eprintln!("{}: finish and next due {:?}", db.kind(), since.elapsed());
}
