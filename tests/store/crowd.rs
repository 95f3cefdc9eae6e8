//! Daemons that do everything at once neither fail nor stand in each other's way for ever.

use courant::domain::{DeliveryState, IssueId, IssueState, SubscriptionState};
use courant::store::{Db, Flight};

use crate::kit::{
    LATER, NOW, add_readers, claim, everyone, keys, planned, publish, reader, settle, went,
};
use crate::signup::{admit, take, token_key, wish};
use crate::support::databases::both_databases;

/// Four issues for sixty readers each.
async fn four_issues(db: &Db) -> Vec<IssueId> {
    let mut issues = Vec::new();
    add_readers(db, "brief", 60).await;
    for slot in 0..4 {
        publish(db, "brief", &[&format!("t{slot}")]).await;
        let issue = planned(db, everyone("brief", "daily"), slot).await;
        issues.push(db.freeze_issue(&issue, NOW).await.unwrap().unwrap());
    }
    issues
}

/// A daemon's day: batches with all kinds of ends, leases renewed by the way.
async fn send(db: Db, owner: String) {
    use DeliveryState::{Deferred, Failed, Sent, Uncertain};
    for round in 0..25 {
        let claimed = claim(&db, &owner, LATER, LATER.plus_ms(60_000), 17).await;
        let rows = keys(&claimed);
        let (left, right) = (db.clone(), db.clone());
        let (one, two) = (owner.clone(), owner.clone());
        let (held, asked) = (rows.clone(), rows);
        let renewal = tokio::spawn(async move {
            let until = LATER.plus_ms(61_000 + round);
            left.renew_leases(&one, &held, until).await.unwrap();
        });
        let confirmed =
            tokio::spawn(
                async move { right.confirm_deliveries(&asked, &two, LATER).await.unwrap() },
            );
        let settled: Vec<_> = claimed
            .iter()
            .enumerate()
            .map(|(i, c)| went(c, [Sent, Failed, Deferred, Uncertain][i % 4], "said"))
            .rev()
            .collect();
        settle(&db, &settled, &owner, LATER).await;
        renewal.await.unwrap();
        confirmed.await.unwrap();
        if round % 9 == 8 {
            claim(&db, &owner, LATER, LATER.plus_ms(60_000), 9).await;
            db.release_leases(&owner).await.unwrap();
        }
    }
}

/// Operators, housekeeping and recovery meanwhile.
async fn meddle(db: Db, issues: Vec<IssueId>) {
    let sending = [IssueState::Sending];
    for round in 0..40usize {
        let id = issues[round % 3];
        db.set_issue_state(id, &sending, IssueState::Paused)
            .await
            .unwrap();
        db.finish_issues(LATER).await.unwrap();
        db.send_issue(id, IssueState::Paused, LATER).await.unwrap();
        db.retry_issue(id, DeliveryState::Failed, LATER)
            .await
            .unwrap();
        let channels = ["brief".to_owned()];
        db.retry_uncertain(&channels, LATER, std::time::Duration::ZERO)
            .await
            .unwrap();
        db.erase(&format!("r{round}@example.org"), LATER)
            .await
            .unwrap();
        for owner in ["w0", "w1"] {
            let flight = Flight::default();
            db.recover_owner(owner, &flight, false, LATER)
                .await
                .unwrap();
        }
        if round == 20 {
            db.cancel_issue(issues[3], LATER).await.unwrap();
        }
    }
}

#[tokio::test]
async fn a_crowd_of_daemons_and_operators_loses_no_count() {
    both_databases(async |db: Db| {
        let issues = four_issues(&db).await;
        let mut crowd = tokio::task::JoinSet::new();
        for daemon in 0..5 {
            crowd.spawn(send(db.clone(), format!("w{daemon}")));
        }
        for _ in 0..2 {
            crowd.spawn(meddle(db.clone(), issues.clone()));
        }
        crowd.join_all().await;
        for id in issues {
            let rows = db.deliveries(id, None, None, 99).await.unwrap();
            let mut found = std::collections::BTreeMap::new();
            for row in &rows {
                *found.entry(row.state).or_insert(0i64) += 1;
            }
            assert_eq!(rows.len(), 60);
            assert_eq!(db.issue_counts(id).await.unwrap(), found);
        }
    })
    .await;
}

/// Readers who sign up by the form, all asking for two newsletters.
async fn ask(db: Db, first: usize) {
    for round in 0..60 {
        let who = (first + round) % 20;
        let channels = [["brief", "weekly"], ["weekly", "brief"]][round % 2];
        take(&db, &wish(&format!("r{who}@example.org"), &channels), LATER).await;
    }
}

/// Readers who confirm, and leave.
async fn answer(db: Db) {
    for round in 0..60 {
        let address = format!("r{}@example.org", round % 20);
        let Some(person) = db.subscriber(&address).await.unwrap() else {
            continue;
        };
        let keys = token_key();
        let confirmed = db.confirm_subscriptions(&keys, person.id, &[], "link", LATER);
        confirmed.await.unwrap();
        if round % 3 == 0 {
            let left = db.unsubscribe(person.id, "weekly", "page", LATER);
            left.await.unwrap();
        }
        if round % 7 == 0 {
            db.erase(&address, LATER).await.unwrap();
        }
    }
}

/// A daemon that admits, ends issues and forgets.
async fn keep_house(db: Db) {
    for _ in 0..30 {
        admit(&db, "form", LATER).await;
        admit(&db, "operator", LATER).await;
        db.finish_issues(LATER).await.unwrap();
        let forgotten = db.forget_unconfirmed(LATER, 10, LATER);
        forgotten.await.unwrap();
    }
}

/// An operator who enters the same readers, in one order or the other.
async fn enter(db: Db, is_backwards: bool) {
    for round in 0..15 {
        let mut readers: Vec<_> = (0..20)
            .map(|n| reader(&format!("r{n}@example.org"), "brief"))
            .collect();
        for one in &mut readers {
            one.topics = Some(vec![format!("t{round}")]);
            if round % 2 == 0 {
                one.state = SubscriptionState::Pending;
            }
        }
        if is_backwards {
            readers.reverse();
        }
        db.import_subscribers(&readers, LATER).await.unwrap();
    }
}

/// A daemon that makes issues of one newsletter.
async fn edit(db: Db) {
    for slot in 0..15 {
        publish(&db, "weekly", &[&format!("s{slot}")]).await;
        let issue = planned(&db, everyone("weekly", "daily"), 100 + slot).await;
        db.freeze_issue(&issue, LATER).await.unwrap();
    }
}

#[tokio::test]
async fn a_crowd_that_signs_up_confirms_leaves_and_is_mailed_waits_in_no_circle() {
    both_databases(async |db: Db| {
        let mut crowd = tokio::task::JoinSet::new();
        for first in [0, 7] {
            crowd.spawn(ask(db.clone(), first));
            crowd.spawn(answer(db.clone()));
            crowd.spawn(keep_house(db.clone()));
            crowd.spawn(enter(db.clone(), first > 0));
        }
        crowd.spawn(edit(db.clone()));
        crowd.join_all().await;
        for issue in db.issues(None, None, 99).await.unwrap() {
            let rows = db.deliveries(issue.id, None, None, 999).await.unwrap();
            let mut found = std::collections::BTreeMap::new();
            for row in &rows {
                *found.entry(row.state).or_insert(0i64) += 1;
            }
            assert_eq!(db.issue_counts(issue.id).await.unwrap(), found);
        }
    })
    .await;
}
