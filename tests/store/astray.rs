//! A clock that ran years ahead and is right again keeps nothing waiting for those years.

use std::time::Duration;

use courant::domain::{DeliveryState, UnixMillis};
use courant::store::Db;

use crate::kit::{LATER, NOW, add_readers, claim, count, issue_for, poll, settle, went};
use crate::support::databases::both_databases;

const TEN_YEARS: i64 = 3650 * 86_400_000;

#[tokio::test]
async fn what_a_clock_far_ahead_put_off_is_due_when_it_is_right_again() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 3).await;
        let then = NOW.plus_ms(TEN_YEARS);
        let claimed = claim(&db, "w", then, then.plus_ms(60_000), 3).await;
        let mut later = went(&claimed[0], DeliveryState::Deferred, "451 later");
        if let courant::store::Fate::Tried(to) = &mut later.fate {
            to.due_at = then.plus_ms(300_000);
        }
        let doubtful = went(&claimed[1], DeliveryState::Uncertain, "connection lost");
        let sent = went(&claimed[2], DeliveryState::Sent, "250");
        assert_eq!(settle(&db, &[later, doubtful, sent], "w", then).await, 3);
        let names = ["dispatch".to_owned()];
        assert_eq!(
            db.claim_sources("w", then, then.plus_ms(9), 9, None)
                .await
                .unwrap()
                .len(),
            1
        );
        let mut result = poll("dispatch", "w", Vec::new());
        result.memory.next_fetch_at = then.plus_ms(600_000);
        db.apply_poll(result, then).await.unwrap();

        assert!(claim(&db, "w", LATER, LATER.plus_ms(9), 9).await.is_empty());
        assert_eq!(db.mend_times(LATER).await.unwrap(), 3);
        assert_eq!(db.mend_times(LATER).await.unwrap(), 0, "once is enough");
        let due = db.claim_sources("w", LATER, LATER.plus_ms(9), 9, None);
        assert_eq!(due.await.unwrap()[0].name, names[0]);
        let again = claim(&db, "w", LATER, LATER.plus_ms(9), 9).await;
        assert_eq!((again[0].id, again[0].since), (claimed[0].id, LATER));
        let soon = LATER.plus_ms(60_000);
        let grace = Duration::from_secs(60);
        let retried = db.retry_uncertain(&["brief".into()], soon, grace).await;
        assert_eq!(retried.unwrap(), 1);
        assert_eq!(count(&db, id, DeliveryState::Uncertain).await, 0);
    })
    .await;
}

#[tokio::test]
async fn what_was_put_off_by_a_clock_that_is_right_waits() {
    both_databases(async |db: Db| {
        let id = issue_for(&db, 1).await;
        add_readers(&db, "brief", 1).await;
        let claimed = claim(&db, "w", NOW, LATER, 1).await;
        let mut later = went(&claimed[0], DeliveryState::Deferred, "451 tomorrow");
        if let courant::store::Fate::Tried(to) = &mut later.fate {
            to.due_at = NOW.plus_ms(23 * 3_600_000);
        }
        assert_eq!(settle(&db, &[later], "w", NOW).await, 1);
        assert_eq!(db.mend_times(LATER).await.unwrap(), 0);
        assert_eq!(count(&db, id, DeliveryState::Deferred).await, 1);
        assert!(claim(&db, "w", LATER, LATER.plus_ms(9), 9).await.is_empty());
    })
    .await;
}

#[tokio::test]
async fn a_run_by_a_clock_far_ahead_does_not_silence_its_schedule() {
    both_databases(async |db: Db| {
        let last = async |now: UnixMillis| {
            db.last_scheduled("brief", "daily", "UTC", now)
                .await
                .unwrap()
        };
        let then = NOW.plus_ms(TEN_YEARS);
        db.start_schedule("brief", "daily", "UTC", then)
            .await
            .unwrap();
        assert_eq!(last(then).await, Some(then));
        assert_eq!(last(NOW).await, None, "it starts anew");
        db.start_schedule("brief", "daily", "UTC", NOW)
            .await
            .unwrap();
        assert_eq!(last(LATER).await, Some(NOW));
        // A start that was, and a correction of minutes, stay as they are.
        db.start_schedule("brief", "daily", "UTC", LATER)
            .await
            .unwrap();
        assert_eq!(last(NOW.plus_ms(-600_000)).await, Some(NOW));
    })
    .await;
}
