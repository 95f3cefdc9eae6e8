//! Claiming, confirming and settling deliveries.

use std::collections::BTreeSet;

use courant::domain::{DeliveryState, SuppressionReason, Transition};
use courant::store::{Db, Fate, Flight, Settled};

use crate::kit::{
    LATER, NOW, claim, confirm, count, everyone, issue_for, keys, planned, publish, reader, settle,
    went,
};
use crate::support::databases::both_databases;

#[tokio::test]
async fn eight_workers_claim_five_thousand_and_share_none() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 5000).await;
        let mut workers = tokio::task::JoinSet::new();
        for worker in 0..8 {
            let db = db.clone();
            workers.spawn(async move {
                let owner = format!("w{worker}");
                let mut mine = Vec::new();
                loop {
                    let batch = claim(&db, &owner, NOW, LATER, 100).await;
                    assert!(batch.len() <= 100);
                    if batch.is_empty() {
                        return mine;
                    }
                    let rows = keys(&batch);
                    assert_eq!(confirm(&db, &rows, &owner, NOW).await.len(), rows.len());
                    let sent: Vec<Settled> = batch
                        .iter()
                        .map(|c| went(c, DeliveryState::Sent, "250 ok"))
                        .collect();
                    assert_eq!(settle(&db, &sent, &owner, NOW).await, rows.len());
                    mine.extend(rows.into_iter().map(|(id, _)| id));
                }
            });
        }
        let all: Vec<_> = workers.join_all().await.into_iter().flatten().collect();
        let distinct: BTreeSet<_> = all.iter().collect();
        assert_eq!((all.len(), distinct.len()), (5000, 5000));
        assert_eq!(count(&db, id, DeliveryState::Sent).await, 5000);
        assert_eq!(db.finish_issues(NOW).await.unwrap(), [id]);
    })
    .await;
}

#[tokio::test]
async fn the_more_urgent_issue_goes_first_and_nothing_before_it_is_due() {
    both_databases(async |db: Db| {
        let slow = issue_for(&db, 2).await;
        publish(&db, "alert", &["b"]).await;
        let alert = reader("urgent@example.org", "alert");
        db.import_subscriber(&alert, NOW).await.unwrap();
        publish(&db, "alert", &["c"]).await;
        let mut issue = planned(&db, everyone("alert", "each"), 1).await;
        issue.priority = 1;
        let urgent = db.freeze_issue(&issue, LATER).await.unwrap().unwrap();
        assert_eq!(db.next_due().await.unwrap(), Some(NOW));
        assert!(claim(&db, "w", NOW.plus_ms(-1), LATER, 9).await.is_empty());
        let first = claim(&db, "w", NOW, LATER, 1).await;
        assert_eq!(first[0].issue, slow, "the urgent one is not due yet");
        let next = claim(&db, "w", LATER, LATER.plus_ms(9), 9).await;
        let order: Vec<_> = next.iter().map(|c| c.issue).collect();
        assert_eq!(order, [urgent, slow]);
        let reader = next[0].reader.as_ref().unwrap();
        assert_eq!(
            (&*reader.address, &*reader.name),
            ("urgent@example.org", "A Reader")
        );
    })
    .await;
}

#[tokio::test]
async fn nobody_who_left_is_claimed() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 4).await;
        let person = async |i: i32| {
            db.subscriber(&format!("r{i}@example.org"))
                .await
                .unwrap()
                .unwrap()
        };
        assert!(
            db.unsubscribe(person(0).await.id, "brief", "link", NOW)
                .await
                .unwrap()
        );
        db.suppress("r1@example.org", SuppressionReason::Complaint, "", NOW)
            .await
            .unwrap();
        db.erase("r2@example.org", NOW).await.unwrap();
        let claimed = claim(&db, "w", NOW, LATER, 9).await;
        assert_eq!(claimed.len(), 1);
        assert_eq!(
            claimed[0].reader.as_ref().unwrap().address,
            "r3@example.org"
        );
        let stopped = db
            .deliveries(id, Some(DeliveryState::Suppressed), None, 9)
            .await
            .unwrap();
        let why: BTreeSet<&str> = stopped.iter().map(|d| &*d.reason).collect();
        assert_eq!(
            why.into_iter().collect::<Vec<_>>(),
            [
                "the address is suppressed (complaint)",
                "the reader has unsubscribed",
                "the reader is not there any more"
            ]
        );
    })
    .await;
}

#[tokio::test]
async fn many_who_left_hold_up_nobody() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 60).await;
        let rows = db.deliveries(id, None, None, 99).await.unwrap();
        for row in rows.iter().filter(|row| row.recipient != "r31@example.org") {
            let reason = SuppressionReason::Complaint;
            db.suppress(&row.recipient, reason, "", NOW).await.unwrap();
        }
        let claimed = db.claim_deliveries("w", id, NOW, LATER, 5).await.unwrap();
        let reader = claimed[0].reader.as_ref().unwrap();
        assert_eq!((claimed.len(), &*reader.address), (1, "r31@example.org"));
        let claimed = db.claim_deliveries("w", id, NOW, LATER, 5).await.unwrap();
        assert!(claimed.is_empty(), "{claimed:?}");
        assert_eq!(count(&db, id, DeliveryState::Suppressed).await, 59);
    })
    .await;
}

#[tokio::test]
async fn nobody_who_left_after_the_claim_is_sent_to() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 3).await;
        let claimed = claim(&db, "w", NOW, LATER, 9).await;
        let rows = keys(&claimed);
        let subscriber = |i: usize| claimed[i].reader.as_ref().unwrap();
        db.unsubscribe(subscriber(0).subscriber, "brief", "one-click", NOW)
            .await
            .unwrap();
        let key = subscriber(1).address.clone();
        db.suppress(&key, SuppressionReason::Bounce, "", NOW)
            .await
            .unwrap();
        assert_eq!(confirm(&db, &rows, "w", NOW).await, [rows[2].0]);
        assert_eq!(count(&db, id, DeliveryState::Suppressed).await, 2);
        let late = [went(&claimed[0], DeliveryState::Sent, "250")];
        assert_eq!(settle(&db, &late, "w", NOW).await, 0);
    })
    .await;
}

#[tokio::test]
async fn only_the_holder_of_a_living_lease_may_send() {
    both_databases(async |db: Db| {
        issue_for(&db, 1).await;
        let claimed = claim(&db, "w", NOW, LATER, 9).await;
        let row = (claimed[0].id, claimed[0].generation);
        assert!(confirm(&db, &[row], "other", NOW).await.is_empty());
        assert!(
            confirm(&db, &[(row.0, row.1 + 1)], "w", NOW)
                .await
                .is_empty()
        );
        let longer = LATER.plus_ms(1);
        let renewed =
            async |owner, rows: &[_], until| db.renew_leases(owner, rows, until).await.unwrap();
        assert_eq!(renewed("w", &[], longer).await, []);
        assert_eq!(renewed("other", &[row], longer).await, []);
        assert_eq!(renewed("w", &[row], longer).await, [row.0]);
        assert_eq!(
            renewed("w", &[row], NOW).await,
            [row.0],
            "a lease got shorter"
        );
        assert_eq!(confirm(&db, &[row], "w", LATER).await, [row.0]);
        // At the very end of the lease another may be taking it: too late.
        assert!(confirm(&db, &[row], "w", LATER.plus_ms(1)).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_worker_thought_dead_changes_nothing() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 1).await;
        let old = claim(&db, "w", NOW, LATER, 9).await;
        let told = Flight {
            trusted: true,
            ..Flight::default()
        };
        let recovered = db.recover_owner("w", &told, true, LATER).await.unwrap();
        assert_eq!(recovered.returned, 1);
        let new = claim(&db, "w", LATER, LATER.plus_ms(9), 9).await;
        assert!(new[0].generation > old[0].generation);
        // The same owner name, even: the generation tells them apart.
        assert_eq!(
            settle(
                &db,
                &[went(&old[0], DeliveryState::Failed, "x")],
                "w",
                LATER
            )
            .await,
            0
        );
        assert_eq!(
            settle(&db, &[went(&new[0], DeliveryState::Sent, "y")], "v", LATER).await,
            0
        );
        assert_eq!(
            settle(&db, &[went(&new[0], DeliveryState::Sent, "y")], "w", LATER).await,
            1
        );
        assert_eq!(
            settle(
                &db,
                &[went(&new[0], DeliveryState::Failed, "z")],
                "w",
                LATER
            )
            .await,
            0
        );
        assert_eq!(count(&db, id, DeliveryState::Sent).await, 1);
    })
    .await;
}

#[tokio::test]
async fn patience_starts_with_the_first_try_however_long_the_turn_took_to_come() {
    both_databases(async |db: Db| {
        issue_for(&db, 1).await;
        let day = |n: i64| NOW.plus_ms(n * 86_400_000);
        let take = async |n| claim(&db, "w", day(n), day(n + 1), 9).await.remove(0);
        // A slow relay comes to it on the third day, and then not quite.
        assert_eq!(take(3).await.since, day(3));
        db.release_leases("w").await.unwrap();
        let first = take(4).await;
        assert_eq!((first.made_at, first.since), (NOW, day(4)));
        let mut later = went(&first, DeliveryState::Deferred, "451 4.7.1 greylisted");
        tried(&mut later).due_at = day(5);
        assert_eq!(settle(&db, &[later], "w", day(4)).await, 1);
        let second = take(5).await;
        assert_eq!(second.since, day(4));
        // And then others are before it, or its domain takes no more: nobody refuses it.
        let mut later = went(&second, DeliveryState::Deferred, "451 4.7.1 greylisted");
        tried(&mut later).due_at = day(6);
        assert_eq!(settle(&db, &[later], "w", day(5)).await, 1);
        let third = take(9).await;
        assert_eq!(third.since, day(7));
        let mut back = went(&third, DeliveryState::Deferred, "");
        back.fate = Fate::Returned { due_at: day(11) };
        assert_eq!(settle(&db, &[back], "w", day(9)).await, 1);
        assert_eq!(take(11).await.since, day(9));
    })
    .await;
}

#[tokio::test]
async fn words_with_a_nul_in_them_keep_nothing_from_being_written_down() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 3).await;
        let claimed = claim(&db, "w", NOW, LATER, 9).await;
        let said = "the relay answered `\0\\u0000` before it was asked";
        let settled: Vec<_> = claimed[..2]
            .iter()
            .map(|one| went(one, DeliveryState::Failed, said))
            .collect();
        assert_eq!(settle(&db, &settled, "w", NOW).await, 2);
        let flight = Flight {
            accepted: vec![(claimed[2].id, claimed[2].generation, said.to_owned())],
            trusted: true,
            ..Flight::default()
        };
        let recovered = db.recover_owner("w", &flight, false, NOW).await.unwrap();
        assert_eq!(recovered.sent, 1);
        let kept = said.replace('\0', "\u{fffd}");
        let rows = db.deliveries(id, None, None, 9).await.unwrap();
        assert!(rows.iter().all(|row| row.reason == kept), "{rows:?}");
        db.set_relay_pause("main", LATER, 0, said).await.unwrap();
        assert_eq!(db.relay_pauses(NOW).await.unwrap()[0].why, kept);
    })
    .await;
}

fn tried(settled: &mut Settled) -> &mut Transition {
    match &mut settled.fate {
        Fate::Tried(transition) => transition,
        Fate::Returned { .. } => panic!("it was not tried"),
    }
}

#[tokio::test]
async fn a_refusal_waits_its_turn_and_a_bad_address_is_suppressed() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 3).await;
        let claimed = claim(&db, "w", NOW, NOW.plus_ms(9), 9).await;
        let mut uncounted = went(&claimed[2], DeliveryState::Deferred, "refused");
        tried(&mut uncounted).counted = false;
        let mut bad = went(&claimed[1], DeliveryState::Failed, "550 5.1.1 no such user");
        tried(&mut bad).suppress = true;
        let mut stale = bad.clone();
        stale.id = claimed[0].id;
        stale.generation += 7;
        let settled = [
            went(&claimed[0], DeliveryState::Deferred, "451 later"),
            bad,
            uncounted,
            stale,
        ];
        assert_eq!(settle(&db, &settled, "w", NOW).await, 3);
        let rows = db.deliveries(id, None, None, 9).await.unwrap();
        let by = |i: usize| rows.iter().find(|d| d.id == claimed[i].id).unwrap();
        assert_eq!(
            (by(0).state, by(0).attempts, by(0).due_at),
            (DeliveryState::Deferred, 1, LATER)
        );
        assert_eq!((by(1).state, by(2).attempts), (DeliveryState::Failed, 0));
        let key = |i: usize| claimed[i].reader.as_ref().unwrap().address.clone();
        let (reason, at, detail) = db.suppressed(&key(1)).await.unwrap().unwrap();
        assert_eq!(
            (reason, at, &*detail),
            (SuppressionReason::Bounce, NOW, "550 5.1.1 no such user")
        );
        assert_eq!(
            db.suppressed(&key(0)).await.unwrap(),
            None,
            "a stale word suppressed someone"
        );
        assert!(claim(&db, "w", NOW, LATER, 9).await.is_empty());
        assert_eq!(claim(&db, "w", LATER, LATER.plus_ms(9), 9).await.len(), 2);
    })
    .await;
}
