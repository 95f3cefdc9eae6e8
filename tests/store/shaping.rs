//! What daemons share about the pace of sending.

use std::time::Duration;

use courant::domain::UnixMillis;
use courant::store::Db;

use crate::kit::{LATER, NOW};
use crate::support::databases::both_databases;

/// Ten milliseconds, in microseconds.
const GAP: i64 = 10_000;

#[tokio::test]
async fn slots_of_a_rate_follow_each_other_without_a_burst() {
    both_databases(async |db: Db| {
        let wait = async |count| db.reserve(&[("global", count, GAP)], NOW).await.unwrap()[0];
        let first = wait(50).await;
        assert_eq!(first, Duration::ZERO);
        // PostgreSQL's clock goes on between the calls, SQLite's is the one that is given.
        let close = |wait: Duration, expected: u64| {
            let expected = Duration::from_millis(expected);
            assert!(wait <= expected && wait + Duration::from_secs(5) > expected);
            assert!(wait == expected || db.kind() == "postgres", "{wait:?}");
        };
        close(wait(1000).await, 500);
        close(wait(1).await, 10_500);
        let both = [("relay main", 5, 1_000_000), ("global", 1, GAP)];
        let waits = db.reserve(&both, NOW).await.unwrap();
        assert_eq!(waits[0], Duration::ZERO, "the rates were mixed up");
        close(waits[1], 10_510);
        assert!(db.reserve(&[], NOW).await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_rate_that_rested_does_not_make_up_for_it() {
    both_databases(async |db: Db| {
        let minute = async |now| db.reserve(&[("slow", 1, 1000)], now).await.unwrap()[0];
        assert_eq!(minute(NOW).await, Duration::ZERO);
        if db.kind() == "postgres" {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
        assert_eq!(minute(LATER).await, Duration::ZERO);
        assert!(minute(LATER).await <= Duration::from_micros(1000));
    })
    .await;
}

#[tokio::test]
async fn a_clock_that_is_set_back_moves_the_slots_with_it() {
    both_databases(async |db: Db| {
        if db.kind() == "postgres" {
            return; // The clock is the server's: nobody sets it here.
        }
        let take = async |now| db.reserve(&[("global", 100, GAP)], now).await.unwrap()[0];
        take(LATER).await;
        assert_eq!(take(NOW).await, Duration::from_secs(1));
        assert_eq!(take(NOW).await, Duration::from_secs(2));
    })
    .await;
}

#[tokio::test]
async fn daemons_never_get_the_same_slot() {
    both_databases(async |db: Db| {
        let mut daemons = tokio::task::JoinSet::new();
        let started = std::time::Instant::now();
        for daemon in 0..8i64 {
            let db = db.clone();
            daemons.spawn(async move {
                let mut loans = Vec::new();
                for round in 0..20i64 {
                    let count = 1 + (daemon + round) % 7;
                    let asked = [("b", 1, 1), ("global", count, GAP), ("a", 1, 1)];
                    let before = started.elapsed();
                    let wait = db.reserve(&asked, NOW).await.unwrap()[1];
                    loans.push((before, started.elapsed(), wait, count));
                }
                loans
            });
        }
        let loans: Vec<_> = daemons.join_all().await.into_iter().flatten().collect();
        let slots: i64 = loans.iter().map(|loan| loan.3).sum();
        if db.kind() == "sqlite" {
            let mut taken: Vec<u128> = loans
                .iter()
                .flat_map(|(_, _, wait, n)| {
                    let nth = move |i| wait.as_micros() + u128::from(GAP.unsigned_abs()) * i;
                    (0..u128::from(n.unsigned_abs())).map(nth)
                })
                .collect();
            taken.sort_unstable();
            let apart = taken.windows(2).all(|two| two[1] - two[0] >= 10_000);
            assert!(apart, "two daemons have the same slot");
        }
        // In time: the last slot ends no sooner than all of them take, and not much later.
        let all = Duration::from_micros((slots * GAP).unsigned_abs());
        let end = |at: Duration, wait: Duration, n: i64| {
            at + wait + Duration::from_micros((n * GAP).unsigned_abs())
        };
        let latest = loans.iter().map(|l| end(l.1, l.2, l.3)).max().unwrap();
        let first = loans.iter().map(|loan| loan.0).min().unwrap();
        assert!(latest - first >= all, "{latest:?} for {all:?}");
    })
    .await;
}

#[tokio::test]
async fn a_day_quota_is_given_once_and_starts_anew_the_next_day() {
    both_databases(async |db: Db| {
        let take = async |day, wanted| db.take_quota("main", day, wanted, 1000).await.unwrap();
        assert_eq!(take("2026-11-25", 600).await, 600);
        assert_eq!(take("2026-11-25", 600).await, 400);
        assert_eq!(take("2026-11-25", 1).await, 0);
        assert_eq!(
            db.take_quota("main", "2026-11-25", 9, 500).await.unwrap(),
            0
        );
        assert_eq!(db.take_quota("other", "2026-11-25", 9, 5).await.unwrap(), 5);
        assert_eq!(take("2026-11-26", 7).await, 7);
        let used = async |day| db.quota_used("main", day).await.unwrap();
        assert_eq!(
            (used("2026-11-25").await, used("2026-11-26").await),
            (1000, 7)
        );
        for day in 1..9 {
            let day = format!("2026-12-0{day}");
            db.take_quota("main", &day, 1, 1000).await.unwrap();
        }
        assert_eq!(used("2026-11-26").await, 0, "an old day is still there");
        assert_eq!(used("2026-12-02").await, 1);
        assert_eq!(db.quota_used("other", "2026-11-25").await.unwrap(), 5);
    })
    .await;
}

#[tokio::test]
async fn daemons_share_a_quota() {
    both_databases(async |db: Db| {
        let mut daemons = tokio::task::JoinSet::new();
        for _ in 0..8 {
            let db = db.clone();
            daemons.spawn(async move {
                let mut granted = 0;
                for _ in 0..10 {
                    granted += db.take_quota("main", "2026-11-25", 30, 1000).await.unwrap();
                }
                granted
            });
        }
        assert_eq!(daemons.join_all().await.iter().sum::<i64>(), 1000);
    })
    .await;
}

#[tokio::test]
async fn what_a_relay_asked_for_holds_until_its_end() {
    both_databases(async |db: Db| {
        let said = "421 4.7.0 too many connections";
        db.set_relay_override("main", "connections", "2", LATER, said)
            .await
            .unwrap();
        db.set_relay_override("main", "rate", "1/m", NOW, "old")
            .await
            .unwrap();
        db.set_relay_pause("other", LATER, 0, "454").await.unwrap();
        db.set_relay_pause("main", NOW.plus_ms(1), 0, "first")
            .await
            .unwrap();
        db.set_relay_pause("main", LATER, 3, "again").await.unwrap();
        let overrides = db.relay_overrides(NOW).await.unwrap();
        assert_eq!(overrides.len(), 1, "one has ended");
        let one = &overrides[0];
        assert_eq!(
            (&*one.relay, &*one.kind, &*one.value, one.until, &*one.why),
            ("main", "connections", "2", LATER, said)
        );
        let resting = async |now: UnixMillis| -> Vec<(String, String)> {
            let pauses = db.relay_pauses(now).await.unwrap();
            pauses.into_iter().map(|p| (p.relay, p.why)).collect()
        };
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(
            resting(NOW).await,
            [pair("main", "again"), pair("other", "454")]
        );
        assert_eq!(db.relay_pauses(NOW).await.unwrap()[0].value, "3");
        // Whoever knows of the first alone does not end the other.
        db.clear_relay_pause("main", NOW.plus_ms(1)).await.unwrap();
        assert_eq!(resting(NOW).await.len(), 2);
        assert!(resting(LATER).await.is_empty());
        // Over, it waits for a probe; then it is gone.
        assert_eq!(resting(UnixMillis(0)).await.len(), 2);
        db.clear_relay_pause("main", LATER).await.unwrap();
        assert_eq!(resting(UnixMillis(0)).await, [pair("other", "454")]);
        assert_eq!(db.relay_overrides(NOW).await.unwrap().len(), 1);
    })
    .await;
}
