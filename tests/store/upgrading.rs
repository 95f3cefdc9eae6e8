//! A database of the first version is brought up to date with all that is in it.

use courant::domain::{DeliveryId, DeliveryState, IssueId};
use courant::store::Db;
use sqlx::{AssertSqlSafe, Connection, Executor};

use crate::kit::NOW;
use crate::support::postgres::Cluster;

const SQLITE: &str = include_str!("../../migrations/sqlite/0001_init.sql");
const POSTGRES: &str = include_str!("../../migrations/postgres/0001_init.sql");

const STEPS: &str = "CREATE TABLE schema_step (number BIGINT NOT NULL PRIMARY KEY,
    name TEXT NOT NULL, checksum TEXT NOT NULL, applied_at BIGINT NOT NULL)";
/// Issue 1 has one of each kind, issue 2 only an endpoint, issue 3 nothing.
const ROWS: &str = "INSERT INTO channel (name) VALUES ('brief');
    INSERT INTO issue (channel, number, schedule, slot, state, title, created_at, ledger_upto,
        content_key, priority)
    VALUES ('brief', 1, 'daily', 'a', 'sending', '', 0, 1, '', 5),
        ('brief', 2, 'daily', 'b', 'sending', '', 0, 1, '', 5),
        ('brief', 3, 'daily', 'c', 'done', '', 0, 1, '', 5);
    INSERT INTO delivery (issue_id, recipient, subscriber_id, variant, state, attempts, made_at,
        since, due_at, lease_owner, lease_until, lease_gen, handed_over, reason)
    VALUES (1, 's1', 1, 0, 'sent', 1, 0, 0, 0, NULL, NULL, 1, FALSE, '250 ok'),
        (1, 's2', 2, 0, 'leased', 0, 0, 0, 0, 'w', 9, 1, TRUE, ''),
        (1, 's3', 3, 0, 'leased', 0, 0, 0, 0, 'w', 9, 1, FALSE, ''),
        (2, 'toot', NULL, 0, 'pending', 0, 0, 0, 0, NULL, NULL, 0, FALSE, ''),
        (1, 's4', 4, 0, 'leased', 1, 0, 0, 0, 'w', 9, 2, FALSE, '451 later'),
        (1, 's5', 5, 0, 'failed', 1, 0, 0, 0, NULL, NULL, 1, FALSE, '550 no');";

fn recorded(text: &str) -> String {
    use aws_lc_rs::digest::{SHA256, digest};
    let sum = data_encoding::HEXLOWER.encode(digest(&SHA256, text.as_bytes()).as_ref());
    format!("INSERT INTO schema_step VALUES (1, '0001_init', '{sum}', 0)")
}

#[tokio::test]
async fn a_database_of_the_first_version_keeps_what_it_had() {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}/a.db", dir.path().display());
    std::fs::write(dir.path().join("a.db"), "").unwrap();
    let mut raw = sqlx::SqliteConnection::connect(&sqlite).await.unwrap();
    for text in [STEPS, SQLITE, &recorded(SQLITE), ROWS] {
        raw.execute(sqlx::raw_sql(AssertSqlSafe(text.to_owned())))
            .await
            .unwrap();
    }
    raw.close().await.unwrap();
    kept(&Db::open(&sqlite).await.unwrap()).await;

    let postgres = Cluster::shared().fresh_database().await;
    let mut raw = sqlx::PgConnection::connect(&postgres).await.unwrap();
    for text in [STEPS, POSTGRES, &recorded(POSTGRES), ROWS] {
        raw.execute(sqlx::raw_sql(AssertSqlSafe(text.to_owned())))
            .await
            .unwrap();
    }
    raw.close().await.unwrap();
    kept(&Db::open(&postgres).await.unwrap()).await;
}

async fn kept(db: &Db) {
    let counts = db.issue_counts(IssueId(1)).await.unwrap();
    let expected = [
        DeliveryState::Pending,
        DeliveryState::Sent,
        DeliveryState::Deferred,
        DeliveryState::Failed,
        DeliveryState::Uncertain,
    ];
    assert_eq!(counts.keys().copied().collect::<Vec<_>>(), expected);
    assert!(counts.values().all(|n| *n == 1), "{counts:?}");
    let rows = db.deliveries(IssueId(1), None, None, 9).await.unwrap();
    let ids: Vec<i64> = rows.iter().map(|row| row.id.0).collect();
    assert_eq!(ids, [1, 2, 3, 5, 6]);
    assert_eq!(
        (rows[1].state, rows[1].attempts),
        (DeliveryState::Uncertain, 1)
    );
    let post = db.deliveries(IssueId(2), None, None, 9).await.unwrap();
    assert_eq!((post[0].id, &*post[0].recipient), (DeliveryId(4), "toot"));
    let none = db.deliveries(IssueId(3), None, None, 9).await.unwrap();
    assert!(none.is_empty());
    let claimed = db
        .claim_deliveries("w", IssueId(2), NOW, NOW.plus_ms(1), 9)
        .await
        .unwrap();
    assert_eq!(&*claimed[0].recipient, "toot");
    db.close().await;
}
