//! The store as a whole: opening, tables, statements, the keys and locks of a daemon.

use std::time::Duration;

use courant::domain::{IssueState, Purpose, SubscriberId, UnixMillis};
use courant::store::{Db, Flight, StoreError};

use crate::kit::{LATER, NOW, claim, issue_for};
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
async fn a_copy_of_a_database_that_is_sending_does_not_send_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let at = |name: &str| format!("sqlite:{}/{name}", dir.path().display());
    let db = Db::open(&at("a.db")).await.unwrap();
    let id = issue_for(&db, 3).await;
    assert_eq!(claim(&db, "run-1", NOW, LATER, 1).await.len(), 1);
    db.backup(&dir.path().join("copy.db")).await.unwrap();
    let sending = db.issue(id).await.unwrap().unwrap();
    assert_eq!(sending.state, IssueState::Sending, "the original goes on");
    assert_eq!(claim(&db, "run-1", NOW, LATER, 9).await.len(), 2);

    let copy = Db::open(&at("copy.db")).await.unwrap();
    assert!(claim(&copy, "run-2", NOW, LATER, 9).await.is_empty());
    let resting = copy.resting_issues(9).await.unwrap();
    assert_eq!((resting.len(), resting[0].id), (1, id));
    let why = &resting[0].why_paused;
    assert!(why.contains("copy"), "{why}");
    // What was in hand is nobody's whose journal could tell that it did not leave.
    let owners = copy.lost_owners(LATER).await.unwrap();
    assert_eq!(owners.len(), 1);
    assert!(owners[0].starts_with("run-") && owners[0] != "run-1");
    let recovered = copy
        .recover_owner(&owners[0], &Flight::default(), false, NOW)
        .await
        .unwrap();
    assert_eq!(recovered.uncertain, 1);
    let resumed = copy.send_issue(id, IssueState::Paused, LATER).await;
    assert!(resumed.unwrap());
    assert_eq!(
        claim(&copy, "run-2", LATER, LATER.plus_ms(9), 9)
            .await
            .len(),
        2
    );
}

#[tokio::test]
async fn a_task_lease_has_one_holder_and_an_epoch_that_grows() {
    both_databases(async |db: Db| {
        let take = async |owner, ms, now| {
            let lasts = Duration::from_millis(ms);
            db.take_lease("plan", owner, lasts, now).await.unwrap()
        };
        assert_eq!(take("a", 60_000, NOW).await, Some(1));
        assert_eq!(take("b", 60_000, NOW).await, None);
        assert_eq!(take("a", 20, NOW).await, Some(1));
        // PostgreSQL's clock is the server's.
        if db.kind() == "postgres" {
            tokio::time::sleep(Duration::from_millis(40)).await;
        }
        let after = NOW.plus_ms(21);
        assert_eq!(take("b", 60_000, after).await, Some(2));
        db.drop_lease("plan", "b").await.unwrap();
        assert_eq!(take("a", 60_000, after).await, Some(3));
    })
    .await;
}

#[tokio::test]
async fn a_daemon_whose_clock_is_wrong_takes_no_task_from_another() {
    both_databases(async |db: Db| {
        if db.kind() == "sqlite" {
            return; // There is one daemon, and its clock is right by definition.
        }
        let minute = Duration::from_secs(60);
        let take = async |owner, now| db.take_lease("plan", owner, minute, now).await.unwrap();
        assert_eq!(take("slow", UnixMillis(0)).await, Some(1));
        assert_eq!(take("fast", UnixMillis(1 << 50)).await, None);
    })
    .await;
}

#[tokio::test]
async fn a_daemon_that_died_gives_up_its_tasks_when_it_is_found() {
    both_databases(async |db: Db| {
        let minute = Duration::from_secs(60);
        let take = async |name, owner| db.take_lease(name, owner, minute, NOW).await.unwrap();
        assert_eq!(take("one", "dead").await, Some(1));
        assert_eq!(take("two", "alive").await, Some(1));
        let nothing = Flight::default();
        db.recover_owner("dead", &nothing, false, NOW)
            .await
            .unwrap();
        assert_eq!(take("one", "heir").await, Some(2));
        assert_eq!(take("two", "heir").await, None);
    })
    .await;
}
