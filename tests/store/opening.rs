//! The store as a whole: opening, tables, statements, the keys and locks of a daemon.

use courant::domain::{Purpose, SubscriberId};
use courant::store::{Db, StoreError};

use crate::kit::NOW;
use crate::support::databases::both_databases;
use crate::support::postgres::Cluster;

#[tokio::test]
async fn every_statement_prepares_on_both_databases_with_portable_columns() {
    both_databases(async |db: Db| {
        let mut wrong = Vec::new();
        for statement in Db::statements() {
            if let Err(problem) = db.prepare(statement).await {
                wrong.push(problem);
            }
        }
        assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    })
    .await;
}

#[tokio::test]
async fn both_databases_have_the_same_tables_columns_and_indexes() {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = Db::open(&format!("sqlite:{}/a.db", dir.path().display()))
        .await
        .unwrap();
    let postgres = Db::open(&Cluster::shared().fresh_database().await)
        .await
        .unwrap();
    let (left, right) = (
        sqlite.catalogue().await.unwrap(),
        postgres.catalogue().await.unwrap(),
    );
    assert!(left.0.len() > 100, "the catalogue was not read");
    assert_eq!(left.0, right.0);
    assert_eq!(left.1, right.1);
}

#[tokio::test]
async fn opening_again_finds_the_tables_and_the_same_key() {
    both_databases(async |db: Db| {
        let token =
            db.token_key()
                .await
                .unwrap()
                .seal(Purpose::Preferences, SubscriberId(1), "brief");
        let again = db.token_key().await.unwrap();
        assert!(again.open(Purpose::Preferences, &token).is_ok());
        db.probe_write(NOW).await.unwrap();
        db.tidy().await.unwrap();
    })
    .await;
}

#[tokio::test]
async fn many_processes_may_open_a_new_database_at_once() {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}/a.db", dir.path().display());
    let postgres = Cluster::shared().fresh_database().await;
    for url in [sqlite, postgres] {
        let mut openings = tokio::task::JoinSet::new();
        for _ in 0..4 {
            let url = url.clone();
            openings.spawn(async move { Db::open(&url).await.map(drop) });
        }
        while let Some(opened) = openings.join_next().await {
            opened.unwrap().unwrap();
        }
    }
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let sqlite = format!("sqlite:{}/a.db", dir.path().display());
    let postgres = Cluster::shared().fresh_database().await;
    for url in [sqlite, postgres] {
        Db::open(&url).await.unwrap().close().await;
        let newer = "INSERT INTO schema_step VALUES (99, '0099_future', 'x', 0)";
        if url.starts_with("sqlite") {
            use sqlx::Connection;
            let mut raw = sqlx::SqliteConnection::connect(&url).await.unwrap();
            sqlx::query(newer).execute(&mut raw).await.unwrap();
        } else {
            use sqlx::Connection;
            let mut raw = sqlx::PgConnection::connect(&url).await.unwrap();
            sqlx::query(newer).execute(&mut raw).await.unwrap();
        }
        let refused = Db::open(&url).await.unwrap_err();
        assert!(
            matches!(refused, StoreError::Newer { found: 99, .. }),
            "{refused}"
        );
    }
}

#[tokio::test]
async fn one_daemon_at_a_time_runs_on_an_sqlite_file() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/a.db", dir.path().display());
    let (one, two) = (Db::open(&url).await.unwrap(), Db::open(&url).await.unwrap());
    let lock = one.lock_for_daemon().unwrap();
    assert!(lock.is_some());
    let refused = two.lock_for_daemon().unwrap_err().to_string();
    assert!(
        refused.contains("a.db.lock") && refused.contains("another"),
        "{refused}"
    );
    drop(lock);
    assert!(two.lock_for_daemon().unwrap().is_some());
}

#[tokio::test]
async fn what_cannot_be_opened_is_said_with_what_to_do() {
    let said = async |url: &str| Db::open(url).await.unwrap_err().to_string();
    let missing = said("sqlite:/nowhere/at/all/courant.db").await;
    assert!(
        missing.contains("no directory `/nowhere/at/all`"),
        "{missing}"
    );
    assert!(said("mysql://x").await.contains("postgres://"));
    assert!(said("sqlite::memory:").await.contains("must name a file"));
    let closed = said("postgres://me:secret@127.0.0.1:1/x").await;
    assert!(closed.contains("check that the database runs"), "{closed}");
    assert!(!closed.contains("secret"), "{closed}");
    let no_database = said(&format!("{}/nosuch", Cluster::shared().url())).await;
    assert!(no_database.contains("createdb"), "{no_database}");
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(
        dir.path().join("a.db"),
        "this is a text and no database at all",
    )
    .unwrap();
    let text = said(&format!("sqlite:{}/a.db", dir.path().display())).await;
    assert!(text.contains("damaged"), "{text}");
}

#[tokio::test]
async fn a_backup_taken_while_others_write_is_whole() {
    let dir = tempfile::tempdir().unwrap();
    let db = Db::open(&format!("sqlite:{}/a.db", dir.path().display()))
        .await
        .unwrap();
    db.sync_sources(&["a".into(), "b".into()], NOW)
        .await
        .unwrap();
    let copy = dir.path().join("copy.db");
    let busy = db.clone();
    let writer = tokio::spawn(async move {
        for i in 0.. {
            busy.probe_write(NOW.plus_ms(i)).await.unwrap();
        }
    });
    db.backup(&copy).await.unwrap();
    assert!(!writer.is_finished(), "nobody was writing");
    writer.abort();
    assert!(
        db.backup(&copy)
            .await
            .unwrap_err()
            .to_string()
            .contains("exists")
    );
    let copy = Db::open(&format!("sqlite:{}", copy.display()))
        .await
        .unwrap();
    assert_eq!(copy.sources().await.unwrap().len(), 2);
    let postgres = Db::open(&Cluster::shared().fresh_database().await)
        .await
        .unwrap();
    let refused = postgres
        .backup(&dir.path().join("x"))
        .await
        .unwrap_err()
        .to_string();
    assert!(refused.contains("pg_dump"), "{refused}");
}

#[tokio::test]
async fn a_task_lease_has_one_holder_and_an_epoch_that_grows() {
    both_databases(async |db: Db| {
        let later = NOW.plus_ms(60_000);
        assert_eq!(
            db.take_lease("plan", "a", NOW, later).await.unwrap(),
            Some(1)
        );
        assert_eq!(db.take_lease("plan", "b", NOW, later).await.unwrap(), None);
        assert_eq!(
            db.take_lease("plan", "a", NOW, later).await.unwrap(),
            Some(1)
        );
        let after = later.plus_ms(1);
        assert_eq!(
            db.take_lease("plan", "b", after, after.plus_ms(9))
                .await
                .unwrap(),
            Some(2)
        );
        db.drop_lease("plan", "b").await.unwrap();
        assert_eq!(
            db.take_lease("plan", "a", after, after.plus_ms(9))
                .await
                .unwrap(),
            Some(3)
        );
    })
    .await;
}
