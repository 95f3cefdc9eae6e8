//! Old deliveries go, their counts stay; and what finds a few rows among many.

use courant::domain::{DeliveryState, IssueId, UnixMillis};
use courant::store::Db;
use sqlx::{Connection, Row};

use crate::kit::{
    LATER, NOW, claim, count, everyone, issue_for, keys, planned, publish, settle, went,
};
use crate::support::databases::both_databases;

/// Sends all of an issue.
async fn send_all(db: &Db, id: IssueId, now: UnixMillis) {
    let claimed = claim(db, "w", now, now.plus_ms(60_000), 99).await;
    let sent: Vec<_> = claimed
        .iter()
        .map(|c| went(c, DeliveryState::Sent, "250 ok"))
        .collect();
    assert_eq!(settle(db, &sent, "w", now).await, sent.len());
    assert_eq!(db.finish_issues(now).await.unwrap(), [id]);
}

#[tokio::test]
async fn deliveries_of_old_issues_go_in_pieces_and_stay_counted() {
    both_databases(async |db: Db| {
        let old = issue_for(&db, 5).await;
        send_all(&db, old, NOW).await;
        publish(&db, "brief", &["b"]).await;
        let issue = planned(&db, everyone("brief", "daily"), 2).await;
        let young = db.freeze_issue(&issue, LATER).await.unwrap().unwrap();
        let prune = async |before| db.prune_deliveries(before, 2).await.unwrap();
        assert_eq!(prune(NOW).await, 0, "it is not older than that");
        let until = LATER.plus_ms(1);
        assert_eq!(
            [prune(until).await, prune(until).await, prune(until).await],
            [2, 2, 1]
        );
        assert_eq!(prune(until).await, 0, "the young one is not done");
        assert!(db.deliveries(old, None, None, 9).await.unwrap().is_empty());
        assert_eq!(count(&db, old, DeliveryState::Sent).await, 5);
        assert!(db.variant_positions(old, 0).await.unwrap().is_empty());
        assert_eq!(db.issue_articles(old).await.unwrap().len(), 1);
        let all = db.queue_counts().await.unwrap();
        assert_eq!(
            (all[&DeliveryState::Sent], all[&DeliveryState::Pending]),
            (5, 5)
        );
        send_all(&db, young, LATER).await;
        assert_eq!([prune(until).await, prune(until).await], [2, 2]);
        assert_eq!(
            db.retry_issue(old, DeliveryState::Failed, until)
                .await
                .unwrap(),
            0
        );
    })
    .await;
}

#[tokio::test]
async fn what_came_back_to_a_cancelled_issue_ends_before_it_is_forgotten() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 3).await;
        let rows = keys(&claim(&db, "w", NOW, LATER, 2).await);
        assert_eq!(db.cancel_issue(id, NOW).await.unwrap(), Some(1));
        let prune = async || db.prune_deliveries(LATER, 9).await.unwrap();
        assert_eq!(prune().await, 0, "a daemon has two of them");
        assert_eq!(db.release_leases("w").await.unwrap(), 2);
        assert_eq!(prune().await, 0, "two are open");
        db.finish_issues(NOW).await.unwrap();
        assert_eq!(count(&db, id, DeliveryState::Cancelled).await, 3);
        assert_eq!((prune().await, rows.len()), (3, 2));
    })
    .await;
}

#[tokio::test]
async fn deliveries_are_listed_by_state_and_page() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 8).await;
        let claimed = claim(&db, "w", NOW, LATER, 6).await;
        let settled = [
            went(&claimed[0], DeliveryState::Sent, "250"),
            went(&claimed[1], DeliveryState::Failed, "550"),
            went(&claimed[2], DeliveryState::Failed, "551"),
            went(&claimed[3], DeliveryState::Deferred, "450"),
        ];
        assert_eq!(settle(&db, &settled, "w", NOW).await, 4);
        let ids = async |state, after, limit| -> Vec<_> {
            let page = db.deliveries(id, state, after, limit).await.unwrap();
            page.into_iter().map(|d| d.id).collect()
        };
        let all = ids(None, None, 99).await;
        assert_eq!(all.len(), 8);
        assert_eq!(ids(None, Some(all[2]), 3).await, all[3..6]);
        for (state, expected) in [
            (DeliveryState::Sent, &all[..1]),
            (DeliveryState::Failed, &all[1..3]),
            (DeliveryState::Deferred, &all[3..4]),
            (DeliveryState::Leased, &all[4..6]),
            (DeliveryState::Pending, &all[6..]),
            (DeliveryState::Cancelled, &all[..0]),
        ] {
            assert_eq!(ids(Some(state), None, 99).await, expected, "{state}");
        }
        assert_eq!(
            ids(Some(DeliveryState::Failed), Some(all[1]), 9).await,
            [all[2]]
        );
        let first = async || db.deliveries(id, None, None, 1).await.unwrap().remove(0);
        let address = first().await.recipient;
        assert!(address.ends_with("@example.org"), "{address}");
        db.erase(&address, NOW).await.unwrap();
        let key = first().await.recipient;
        assert!(key.starts_with('s') && !key.contains('@'), "{key}");
    })
    .await;
}

/// Statements, the table they find a few rows of, and through which index.
const THROUGH: [(&str, &str, &[&str]); 19] = [
    ("delivery", "delivery_ready", &["PICK", "NEXT_DUE"]),
    (
        "delivery",
        "INTEGER PRIMARY KEY",
        &[
            "LEASE",
            "LEASED",
            "STANDING",
            "FENCE",
            "SETTLE",
            "TOLD",
            "LATE",
            "GIVE_BACK",
            "RENEW",
            "OURS",
            "DELIVERIES",
        ],
    ),
    (
        "delivery",
        "delivery_leased",
        &["RETURN_LOST", "LEASED_DELIVERIES"],
    ),
    ("delivery", "delivery_apart", &["APART_DELIVERIES", "RETRY"]),
    ("signup", "signup_by_time", &["WAITING", "COUNT_WAITING"]),
    (
        "signup",
        "sqlite_autoindex_signup_1",
        &["ASKED_BEFORE", "HELD_SIGNUP", "ADMITTED", "ERASE_SIGNUP"],
    ),
    ("signup_network", "signup_network_newest", &["FROM_NETWORK"]),
    (
        "signup_network",
        "signup_network_by_time",
        &["TRIM_NETWORKS", "ASTRAY_NETWORKS"],
    ),
    (
        "confirmation",
        "sqlite_autoindex_confirmation_1",
        &["ASKED", "FORGET_ASKED"],
    ),
    (
        "confirmation",
        "confirmation_by_time",
        &["ASKED_SINCE", "TRIM_CONFIRMATIONS", "ASTRAY_CONFIRMATIONS"],
    ),
    (
        "subscription",
        "subscription_unconfirmed",
        &["UNCONFIRMED", "ASTRAY_UNCONFIRMED"],
    ),
    (
        "subscription",
        "sqlite_autoindex_subscription_1",
        &[
            "STATE_OF",
            "PENDING",
            "CONFIRM",
            "TIE",
            "LEAVE_AGAIN",
            "DROP_TIE",
        ],
    ),
    (
        "subscriber",
        "INTEGER PRIMARY KEY",
        &[
            "KEY_OF",
            "LOCK_PERSON",
            "FORGET_PERSON",
            "FORGET_EVENTS",
            "CONFIRM",
            "NOTE_BY_ID",
        ],
    ),
    ("subscriber", "sqlite_autoindex_subscriber_1", &["PERSON"]),
    (
        "consent_event",
        "consent_event_by_address",
        &["FORGET_EVENTS", "ERASE_EVENTS"],
    ),
    (
        "suppression",
        "sqlite_autoindex_suppression_1",
        &["SUPPRESSED"],
    ),
    (
        "issue",
        "sqlite_autoindex_issue_1",
        &["ROUND", "LAST_ROUND"],
    ),
    ("issue", "INTEGER PRIMARY KEY", &["HOLD", "SPAN_DELIVERIES"]),
    ("issue", "issue_sending", &["READY_ISSUES"]),
];

/// The name that plans have for a table: some statements call it by a letter.
fn is_of(table: &str, step: &str) -> bool {
    let name = step.split_whitespace().nth(1).unwrap_or_default();
    let letter = match table {
        "delivery" => "d",
        "subscriber" => "s",
        "issue" => "o",
        _ => table,
    };
    name == table || name == letter
}

#[tokio::test]
async fn no_statement_on_the_way_of_a_mail_reads_a_million_rows() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/a.db", dir.path().display());
    Db::open(&url).await.unwrap().close().await;
    let mut raw = sqlx::SqliteConnection::connect(&url).await.unwrap();
    let all = Db::statements();
    let named = |name: &str| all.iter().find(|sql| sql.name == name).unwrap().sqlite;
    let mut wrong = Vec::new();
    for (table, index, name) in THROUGH
        .iter()
        .flat_map(|(table, index, names)| names.iter().map(move |name| (table, index, name)))
    {
        let text = format!("EXPLAIN QUERY PLAN {}", named(name));
        let rows = sqlx::query(sqlx::AssertSqlSafe(text))
            .fetch_all(&mut raw)
            .await
            .unwrap();
        let plan: Vec<String> = rows.iter().map(|row| row.get("detail")).collect();
        let steps: Vec<&String> = plan.iter().filter(|step| is_of(table, step)).collect();
        if steps.is_empty() || !steps.iter().all(|step| step.contains(index)) {
            wrong.push(format!("{name}: {plan:?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}
