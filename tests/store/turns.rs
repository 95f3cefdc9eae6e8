//! Whose turn it is to be polled.

use courant::store::{Db, FetchOutcome};
use sqlx::{Connection, Row};

use crate::kit::{LATER, NOW, poll};
use crate::support::databases::both_databases;

async fn settled(db: &Db, hosts: &[(&str, usize)]) -> Vec<String> {
    let mut names = Vec::new();
    let mut rows = Vec::new();
    for (host, count) in hosts {
        for n in 0..*count {
            let name = format!("{host}-{n}");
            rows.push((name.clone(), (*host).to_owned(), 0));
            names.push(name);
        }
    }
    db.sync_sources(&names, NOW).await.unwrap();
    db.settle_hosts(&rows, NOW).await.unwrap();
    names
}

async fn claimed(db: &Db, owner: &str, limit: usize, busy: &[&str]) -> Vec<String> {
    let claim = db.claim_due(owner, NOW, LATER, limit, busy).await.unwrap();
    claim.into_iter().map(|source| source.name).collect()
}

fn of<'a>(names: &'a [String], host: &str) -> Vec<&'a String> {
    let prefix = format!("{host}-");
    names.iter().filter(|n| n.starts_with(&prefix)).collect()
}

#[tokio::test]
async fn a_claim_takes_a_few_of_each_host_and_one_of_each_before_two_of_any() {
    both_databases(async |db: Db| {
        settled(&db, &[("a", 500), ("b", 2), ("z", 9)]).await;
        let first = claimed(&db, "w", 3, &[]).await;
        for host in ["a", "b", "z"] {
            assert_eq!(of(&first, host).len(), 1, "{first:?}");
        }
        let rest = claimed(&db, "w", 100, &["z"]).await;
        assert_eq!((of(&rest, "a").len(), of(&rest, "b").len()), (4, 1));
        assert!(of(&rest, "z").is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_host_is_one_owners_until_its_sources_are_given_back() {
    both_databases(async |db: Db| {
        settled(&db, &[("a", 9), ("b", 1)]).await;
        let mine = claimed(&db, "w", 1, &["b"]).await;
        assert_eq!(of(&mine, "a").len(), 1);
        assert_eq!(claimed(&db, "x", 99, &[]).await, ["b-0"]);
        db.give_back_sources(&mine, "x").await.unwrap();
        assert!(claimed(&db, "x", 99, &[]).await.is_empty(), "not theirs");
        db.give_back_sources(&mine, "w").await.unwrap();
        assert_eq!(claimed(&db, "x", 99, &[]).await.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn a_host_that_rests_is_due_when_it_has_rested_and_its_claims_are_free() {
    both_databases(async |db: Db| {
        settled(&db, &[("a", 6), ("b", 1)]).await;
        claimed(&db, "w", 1, &["b"]).await;
        let until = NOW.plus_ms(5000);
        assert_eq!(db.rest_host("a", "w", until).await.unwrap(), 6);
        // A shorter rest takes nothing from a longer one.
        assert_eq!(db.rest_host("a", "w", NOW.plus_ms(10)).await.unwrap(), 0);
        assert_eq!(claimed(&db, "x", 99, &[]).await, ["b-0"]);
        db.wish_poll("a-3", NOW).await.unwrap();
        assert!(claimed(&db, "x", 99, &[]).await.is_empty());
        let then = db.claim_due("x", until, LATER, 99, &[]).await.unwrap();
        assert_eq!(then.len(), 4);
    })
    .await;
}

#[tokio::test]
async fn quiet_polls_are_written_together_and_a_lost_lease_costs_only_its_own() {
    both_databases(async |db: Db| {
        let names = settled(&db, &[("a", 2), ("b", 1)]).await;
        claimed(&db, "w", 9, &[]).await;
        let quiet = |name: &String, owner| {
            let mut quiet = poll(name, owner, Vec::new());
            quiet.fetch.outcome = FetchOutcome::NotModified;
            (quiet, NOW)
        };
        let polls = [
            quiet(&names[0], "w"),
            quiet(&names[1], "x"),
            quiet(&names[2], "w"),
        ];
        assert_eq!(db.apply_quiet_polls(&polls).await.unwrap(), [1]);
        let sources = db.sources().await.unwrap();
        let answers: Vec<_> = sources.iter().map(|s| (s.answers, s.unmodified)).collect();
        assert_eq!(answers, [(1, 1), (0, 0), (1, 1)]);
        assert_eq!(
            db.trim_fetches(LATER, LATER).await.unwrap(),
            0,
            "they are only counted"
        );
    })
    .await;
}

#[tokio::test]
async fn counted_answers_stay_recent() {
    both_databases(async |db: Db| {
        let names = settled(&db, &[("a", 1)]).await;
        for n in 0..1002 {
            db.claim_sources("w", NOW, LATER, 1, Some(&names))
                .await
                .unwrap();
            let mut one = poll("a-0", "w", Vec::new());
            if n < 1000 {
                one.fetch.outcome = FetchOutcome::NotModified;
            }
            db.apply_quiet_polls(&[(one, NOW)]).await.unwrap();
        }
        let source = db.sources().await.unwrap().remove(0);
        assert_eq!((source.answers, source.unmodified), (502, 500));
    })
    .await;
}

/// The plan of a statement on SQLite, with values for its parameters.
async fn plan(url: &str, name: &str, values: &[&str]) -> Vec<String> {
    let statements = Db::statements();
    let statement = statements.iter().find(|s| s.name == name).unwrap();
    let text = format!("EXPLAIN QUERY PLAN {}", statement.sqlite);
    let mut raw = sqlx::SqliteConnection::connect(url).await.unwrap();
    let mut query = sqlx::query(sqlx::AssertSqlSafe(text));
    for value in values {
        query = query.bind((*value).to_owned());
    }
    let rows = query.fetch_all(&mut raw).await.unwrap();
    rows.iter()
        .map(|row| row.get::<String, _>("detail"))
        .collect()
}

#[tokio::test]
async fn looking_for_what_is_due_reads_no_table_from_end_to_end() {
    let dir = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}/a.db", dir.path().display());
    let db = Db::open(&url).await.unwrap();
    settled(&db, &[("a", 1)]).await;
    let claim = plan(&url, "CLAIM_DUE", &["[]", "1", "w", "2", "9"]).await;
    let uses = |index: &str| claim.iter().any(|line| line.contains(index));
    assert!(uses("source_due") && uses("source_leased"), "{claim:#?}");
    for tables in [
        claim,
        plan(&url, "NEXT_FETCH", &[]).await,
        plan(&url, "RECENT", &["a"]).await,
        plan(&url, "TRIM_FETCHES", &["1"]).await,
        plan(&url, "TRIM_IDLE_FETCHES", &["1"]).await,
    ] {
        let scans = |line: &&String| {
            let scans = line.strip_prefix("SCAN ").unwrap_or_default();
            let table = scans.split(' ').next().unwrap_or_default();
            ["source", "s", "o", "p", "a", "v", "poll"].contains(&table) && !scans.contains("INDEX")
        };
        let scanned: Vec<_> = tables.iter().filter(scans).collect();
        assert!(scanned.is_empty(), "{tables:#?}");
    }
}
