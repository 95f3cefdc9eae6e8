//! After a crash: what was handed over is uncertain, the rest goes again.

use std::time::Duration;

use courant::domain::{DeliveryState, IssueState};
use courant::store::{Db, Recovered};

use crate::kit::{LATER, NOW, count, issue_for, went};
use crate::support::databases::both_databases;

#[tokio::test]
async fn a_crash_leaves_uncertain_only_what_was_handed_over() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 6).await;
        let claimed = claim(&db, "host1/4711", NOW, LATER, 4).await;
        let first = (claimed[0].id, claimed[0].generation);
        db.confirm_deliveries(&[first], "host1/4711", NOW)
            .await
            .unwrap();
        claim(&db, "host2/1", NOW, LATER, 1).await;
        assert_eq!(
            db.recover_leases(NOW, None).await.unwrap(),
            Recovered::default()
        );
        assert_eq!(
            db.recover_leases(NOW, Some("host1_")).await.unwrap(),
            Recovered::default()
        );
        let recovered = db.recover_leases(NOW, Some("host1/")).await.unwrap();
        assert_eq!(
            recovered,
            Recovered {
                returned: 3,
                uncertain: 1
            }
        );
        assert_eq!(count(&db, id, DeliveryState::Leased).await, 1);
        assert_eq!(count(&db, id, DeliveryState::Pending).await, 4);
        let doubtful = db
            .deliveries(id, Some(DeliveryState::Uncertain), None, 9)
            .await
            .unwrap();
        assert_eq!((doubtful[0].id, doubtful[0].attempts), (first.0, 1));
        let recovered = db.recover_leases(LATER, None).await.unwrap();
        assert_eq!(
            recovered,
            Recovered {
                returned: 1,
                uncertain: 0
            }
        );
        assert_eq!(
            db.recover_leases(LATER, Some("")).await.unwrap(),
            Recovered::default()
        );
    })
    .await;
}

#[tokio::test]
async fn leases_given_back_are_as_they_were() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 3).await;
        let claimed = claim(&db, "w", NOW, LATER, 1).await;
        settle(
            &db,
            &[went(&claimed[0], DeliveryState::Deferred, "451")],
            "w",
            NOW,
        )
        .await;
        let claimed = claim(&db, "w", LATER, LATER.plus_ms(9), 9).await;
        assert_eq!(claimed.len(), 3);
        let first = (claimed[0].id, claimed[0].generation);
        assert_eq!(
            db.confirm_deliveries(&[first], "w", LATER)
                .await
                .unwrap()
                .len(),
            1
        );
        assert_eq!(db.release_leases("w").await.unwrap(), 2);
        assert_eq!(count(&db, id, DeliveryState::Leased).await, 1);
        let (pending, deferred) = (
            count(&db, id, DeliveryState::Pending).await,
            count(&db, id, DeliveryState::Deferred).await,
        );
        assert_eq!((pending, deferred), (1, 1));
    })
    .await;
}

#[tokio::test]
async fn an_uncertain_delivery_is_sent_once_more_after_its_grace_and_not_twice() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 1).await;
        let (brief, grace) = (["brief".to_owned()], Duration::from_secs(60));
        let lose = async |at| {
            let claimed = claim(&db, "w", at, LATER.plus_ms(99), 9).await;
            assert_eq!(claimed.len(), 1);
            let lost = went(&claimed[0], DeliveryState::Uncertain, "connection lost");
            assert_eq!(settle(&db, &[lost], "w", at).await, 1);
            assert_eq!(db.finish_issues(at).await.unwrap(), [id]);
            claimed[0].made_at
        };
        let made = lose(NOW).await;
        assert_eq!(
            db.retry_uncertain(&brief, NOW.plus_ms(59_999), grace)
                .await
                .unwrap(),
            0
        );
        assert_eq!(
            db.retry_uncertain(&["other".into()], LATER, grace)
                .await
                .unwrap(),
            0
        );
        assert_eq!(db.retry_uncertain(&[], LATER, grace).await.unwrap(), 0);
        assert_eq!(db.retry_uncertain(&brief, LATER, grace).await.unwrap(), 1);
        assert_eq!(
            db.issue(id).await.unwrap().unwrap().state,
            IssueState::Sending
        );
        assert_eq!(lose(LATER).await, made, "the Date of the message changed");
        let much_later = LATER.plus_ms(9_000_000);
        assert_eq!(
            db.retry_uncertain(&brief, much_later, grace).await.unwrap(),
            0
        );
        // An operator still may.
        assert_eq!(
            db.retry_issue(id, DeliveryState::Uncertain, much_later)
                .await
                .unwrap(),
            1
        );
    })
    .await;
}
