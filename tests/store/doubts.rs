//! Words that come late, or twice because the answer to a commit was lost, and operators who
//! act meanwhile.

use std::time::Duration;

use courant::domain::{DeliveryState, IssueState};
use courant::store::{Db, Fate, Flight};
use sqlx::{Connection, Executor, Row};

use crate::kit::{LATER, NOW, claim, confirm, count, issue_for, keys, settle, went};
use crate::support::databases::both_databases;
use crate::support::postgres::Cluster;

#[tokio::test]
async fn what_a_relay_took_is_not_sent_again_because_an_operator_was_quicker() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 2).await;
        let claimed = claim(&db, "slow", NOW, LATER, 2).await;
        db.recover_owner("slow", &Flight::default(), true, LATER)
            .await
            .unwrap();
        // `uncertain = "hold"`: the operator has them tried again, and then the daemon wakes up.
        let retried = db.retry_issue(id, DeliveryState::Uncertain, LATER).await;
        assert_eq!(retried.unwrap(), 2);
        let taken = [went(&claimed[0], DeliveryState::Sent, "250 mine")];
        assert_eq!(settle(&db, &taken, "slow", LATER).await, 1);
        let left = claim(&db, "quick", LATER, LATER.plus_ms(9), 9).await;
        assert_eq!(left.len(), 1);
        assert_eq!(left[0].id, claimed[1].id);
        assert_eq!(count(&db, id, DeliveryState::Sent).await, 1);
    })
    .await;
}

#[tokio::test]
async fn ends_that_are_told_again_because_a_commits_answer_was_lost_warn_of_nothing() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 5).await;
        let claimed = claim(&db, "w", NOW, LATER, 5).await;
        let mut ends = vec![
            went(&claimed[0], DeliveryState::Sent, "250"),
            went(&claimed[1], DeliveryState::Failed, "550"),
            went(&claimed[2], DeliveryState::Uncertain, "lost"),
            went(&claimed[3], DeliveryState::Deferred, "451"),
            went(&claimed[4], DeliveryState::Sent, "250"),
        ];
        ends[4].fate = Fate::Returned { due_at: NOW };
        assert_eq!(settle(&db, &ends, "w", NOW).await, 5);
        let before = db.issue_counts(id).await.unwrap();
        let again = db.settle(&ends, "w", NOW).await.unwrap();
        assert_eq!((again.written, again.lost), (0, vec![]));
        assert_eq!(db.issue_counts(id).await.unwrap(), before);
        // Sent again by another meanwhile, it is worth a warning.
        let grace = Duration::ZERO;
        db.retry_uncertain(&["brief".into()], LATER, grace)
            .await
            .unwrap();
        assert_eq!(claim(&db, "x", LATER, LATER.plus_ms(9), 9).await.len(), 3);
        let again = db.settle(&ends, "w", LATER).await.unwrap();
        assert_eq!(again.lost, [(claimed[2].id, claimed[2].generation)]);
    })
    .await;
}

#[tokio::test]
async fn what_was_withdrawn_at_the_last_look_is_not_said_to_come_twice() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 2).await;
        let claimed = claim(&db, "w", NOW, LATER, 2).await;
        let (from, to) = ([IssueState::Sending], IssueState::Paused);
        assert!(db.set_issue_state(id, &from, to).await.unwrap());
        assert!(confirm(&db, &keys(&claimed), "w", NOW).await.is_empty());
        let mut back: Vec<_> = claimed
            .iter()
            .map(|one| went(one, DeliveryState::Sent, ""))
            .collect();
        for one in &mut back {
            one.fate = Fate::Returned { due_at: NOW };
        }
        let told = db.settle(&back, "w", NOW).await.unwrap();
        assert_eq!((told.written, told.lost), (0, vec![]));
        assert_eq!(count(&db, id, DeliveryState::Pending).await, 2);
    })
    .await;
}

/// PostgreSQL alone has two writers at once.
#[tokio::test]
async fn what_changes_its_state_while_its_issue_is_cancelled_is_counted_where_it_was() {
    let url = Cluster::shared().fresh_database().await;
    let db = Db::open(&url).await.unwrap();
    let id = issue_for(&db, 3).await;
    let first = db.deliveries(id, None, None, 1).await.unwrap()[0].id.0;
    let mut daemon = sqlx::PgConnection::connect(&url).await.unwrap();
    // A daemon that has taken one, and puts it off.
    let put_off = format!(
        "BEGIN;
         UPDATE delivery SET state = 'deferred', attempts = 1, reason = '451' WHERE id = {first};
         UPDATE issue_count SET n = n - 1 WHERE state = 'pending';
         INSERT INTO issue_count (issue_id, state, n) VALUES ({id}, 'deferred', 1)"
    );
    daemon.execute(sqlx::AssertSqlSafe(put_off)).await.unwrap();
    let operator = {
        let db = db.clone();
        tokio::spawn(async move { db.cancel_issue(id, NOW).await.unwrap() })
    };
    let mut watcher = sqlx::PgConnection::connect(&url).await.unwrap();
    let waiting = "SELECT COUNT(*) FROM pg_stat_activity
        WHERE wait_event_type = 'Lock' AND datname = current_database()";
    while watcher.fetch_one(waiting).await.unwrap().get::<i64, _>(0) == 0 {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    daemon.execute("COMMIT").await.unwrap();
    assert_eq!(operator.await.unwrap(), Some(3));
    let counts = db.issue_counts(id).await.unwrap();
    let all: Vec<_> = counts.into_iter().collect();
    assert_eq!(all, [(DeliveryState::Cancelled, 3)]);
    db.close().await;
}

/// As long as a freeze for a million readers holds their rows.
#[tokio::test]
async fn a_reader_who_unsubscribes_while_an_issue_is_frozen_for_a_million_is_not_sent_away() {
    let url = Cluster::shared().fresh_database().await;
    let db = Db::open(&url).await.unwrap();
    let id = issue_for(&db, 1).await;
    let person = db.subscriber("r0@example.org").await.unwrap().unwrap();
    let mut freeze = sqlx::PgConnection::connect(&url).await.unwrap();
    let moved = "BEGIN; UPDATE subscription SET cursor = cursor";
    freeze.execute(moved).await.unwrap();
    let reader = {
        let db = db.clone();
        tokio::spawn(async move { db.unsubscribe(person.id, "brief", "one-click", NOW).await })
    };
    tokio::time::sleep(Duration::from_secs(13)).await;
    freeze.execute("COMMIT").await.unwrap();
    assert!(reader.await.unwrap().unwrap());
    assert!(claim(&db, "w", NOW, LATER, 9).await.is_empty());
    assert_eq!(count(&db, id, DeliveryState::Suppressed).await, 1);
    db.close().await;
}
