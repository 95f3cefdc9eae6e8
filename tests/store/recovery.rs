//! After a crash: what was on the wire is uncertain, the rest goes again.

use std::time::Duration;

use courant::domain::{DeliveryState, IssueState, UnixMillis};
use courant::store::{Db, Flight, Recipients, Recovered};

use crate::kit::{
    LATER, NOW, claim, count, everyone, issue_for, keys, planned, publish, settle, went,
};
use crate::support::databases::both_databases;

#[tokio::test]
async fn a_crash_leaves_uncertain_only_what_was_on_the_wire() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 7).await;
        let rows = keys(&claim(&db, "host1/4711", NOW, LATER, 5).await);
        claim(&db, "host2/1", NOW, LATER, 1).await;
        assert!(db.lost_owners(NOW).await.unwrap().is_empty());
        assert_eq!(
            db.lost_owners(LATER).await.unwrap(),
            ["host1/4711", "host2/1"]
        );
        // What the journal says of another lease, or of rows settled since, is of no weight.
        let flight = Flight {
            in_flight: vec![rows[0], (rows[1].0, rows[1].1 - 1)],
            accepted: vec![(rows[2].0, rows[2].1, "250 queued as 7".into())],
            trusted: true,
        };
        let recover = async |owner, only_expired, now| {
            db.recover_owner(owner, &flight, only_expired, now)
                .await
                .unwrap()
        };
        let nothing = Recovered::default();
        assert_eq!(recover("host1/4711", true, NOW).await, nothing);
        assert_eq!(recover("host1", false, NOW).await, nothing);
        let expected = Recovered {
            returned: 3,
            uncertain: 1,
            sent: 1,
        };
        assert_eq!(recover("host1/4711", false, NOW).await, expected);
        assert_eq!(count(&db, id, DeliveryState::Leased).await, 1);
        assert_eq!(count(&db, id, DeliveryState::Pending).await, 4);
        let one = async |state| db.deliveries(id, Some(state), None, 9).await.unwrap();
        let doubtful = one(DeliveryState::Uncertain).await;
        assert_eq!((doubtful[0].id, doubtful[0].attempts), (rows[0].0, 1));
        let sent = one(DeliveryState::Sent).await;
        assert_eq!(
            (sent[0].id, &*sent[0].reason),
            (rows[2].0, "250 queued as 7")
        );
        assert_eq!(recover("host2/1", true, LATER).await.returned, 1);
        let none = db.lost_owners(UnixMillis(i64::MAX)).await.unwrap();
        assert!(none.is_empty());
    })
    .await;
}

#[tokio::test]
async fn without_a_journal_all_that_a_daemon_held_is_in_doubt_but_files() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 2).await;
        let ids = publish(&db, "toot", &["b"]).await;
        let mut post = planned(&db, everyone("toot", "each"), 1).await;
        post.recipients = Recipients::Endpoint("toot".into());
        assert_eq!((post.upto, ids.len()), (1, 1));
        let post = db.freeze_issue(&post, NOW).await.unwrap().unwrap();
        assert_eq!(claim(&db, "w", NOW, LATER, 9).await.len(), 3);
        let recovered = db
            .recover_owner("w", &Flight::default(), true, LATER)
            .await
            .unwrap();
        let expected = Recovered {
            returned: 1,
            uncertain: 2,
            sent: 0,
        };
        assert_eq!(recovered, expected);
        assert_eq!(count(&db, id, DeliveryState::Uncertain).await, 2);
        assert_eq!(count(&db, post, DeliveryState::Pending).await, 1);
    })
    .await;
}

#[tokio::test]
async fn the_sources_of_a_dead_daemon_are_polled_at_once() {
    both_databases(async |db: Db| {
        let source = ["dispatch".to_owned()];
        db.sync_sources(&source, NOW).await.unwrap();
        let claim = async |owner| {
            let claimed = db.claim_sources(owner, NOW, LATER, 9, None).await;
            claimed.unwrap().len()
        };
        assert_eq!(claim("dead").await, 1);
        assert_eq!(claim("next").await, 0);
        assert_eq!(db.lost_owners(LATER).await.unwrap(), ["dead"]);
        let none = Flight::default();
        db.recover_owner("dead", &none, true, NOW).await.unwrap();
        assert_eq!(claim("next").await, 0, "its lease was alive");
        db.recover_owner("dead", &none, false, NOW).await.unwrap();
        assert_eq!(claim("next").await, 1);
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
        assert_eq!(db.release_leases("other").await.unwrap(), 0);
        assert_eq!(db.release_leases("w").await.unwrap(), 3);
        let (pending, deferred) = (
            count(&db, id, DeliveryState::Pending).await,
            count(&db, id, DeliveryState::Deferred).await,
        );
        assert_eq!((pending, deferred), (2, 1));
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

#[tokio::test]
async fn a_word_that_comes_late_ends_the_doubt_unless_the_message_went_again() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 4).await;
        let claimed = claim(&db, "slow", NOW, LATER, 3).await;
        db.recover_owner("slow", &Flight::default(), true, LATER)
            .await
            .unwrap();
        assert_eq!(count(&db, id, DeliveryState::Uncertain).await, 3);
        let taken: Vec<_> = claimed
            .iter()
            .map(|c| went(c, DeliveryState::Sent, "250 queued after all"))
            .collect();
        // The first while it is uncertain, the second while it waits to be sent again.
        assert_eq!(settle(&db, &taken[..1], "slow", LATER).await, 1);
        let again = ["brief".to_owned()];
        let resent = db.retry_uncertain(&again, LATER, Duration::ZERO).await;
        assert_eq!(resent.unwrap(), 2);
        assert_eq!(settle(&db, &taken[1..2], "slow", LATER).await, 1);
        assert_eq!(count(&db, id, DeliveryState::Sent).await, 2);
        // The third is with somebody else already, and a refusal is no word of this kind.
        let later = LATER.plus_ms(60_000);
        assert_eq!(claim(&db, "quick", LATER, later, 9).await.len(), 2);
        assert_eq!(settle(&db, &taken[2..], "slow", LATER).await, 0);
        assert_eq!(count(&db, id, DeliveryState::Leased).await, 2);
        let refused = went(&claimed[0], DeliveryState::Failed, "550 no");
        assert_eq!(settle(&db, &[refused], "slow", LATER).await, 0);
        assert_eq!(count(&db, id, DeliveryState::Sent).await, 2);
    })
    .await;
}
