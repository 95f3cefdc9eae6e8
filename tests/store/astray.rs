//! A clock that ran years ahead and is right again keeps nothing waiting for those years.

use std::time::Duration;

use courant::domain::{DeliveryState, UnixMillis};
use courant::store::Db;

use crate::kit::{LATER, NOW, add_readers, claim, count, issue_for, poll, settle, went};
use crate::support::databases::both_databases;

const TEN_YEARS: i64 = 3650 * 86_400_000;
/// The longest pause that the rules of replies ask for.
const RULE: Duration = Duration::from_secs(2 * 3600);

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
        assert_eq!(db.mend_times(LATER, RULE).await.unwrap(), 3);
        assert_eq!(
            db.mend_times(LATER, RULE).await.unwrap(),
            0,
            "once is enough"
        );
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
        assert_eq!(db.mend_times(LATER, RULE).await.unwrap(), 0);
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

#[tokio::test]
async fn what_relays_asked_for_by_a_clock_far_ahead_is_over_and_other_pauses_go_on() {
    both_databases(async |db: Db| {
        let then = NOW.plus_ms(TEN_YEARS);
        let longest = LATER.plus(RULE);
        db.set_relay_pause("main", then, 3, "454").await.unwrap();
        for kind in ["rate", "connections"] {
            db.set_relay_override("main", kind, "1", then, "454")
                .await
                .unwrap();
            db.set_relay_override("other", kind, "1", longest, "454")
                .await
                .unwrap();
        }
        db.set_relay_pause("other", longest, 0, "454")
            .await
            .unwrap();
        assert_eq!(db.mend_times(LATER, RULE).await.unwrap(), 3);
        assert_eq!(db.mend_times(LATER, RULE).await.unwrap(), 0, "once");
        // The relay is to be probed now: what it last said was not that it is back.
        let pauses = db.relay_pauses(UnixMillis(0)).await.unwrap();
        let pauses: Vec<_> = pauses.iter().map(|p| (&*p.relay, p.until)).collect();
        assert_eq!(pauses, [("main", LATER), ("other", longest)]);
        let limits = db.relay_overrides(LATER).await.unwrap();
        let limits: Vec<_> = limits.iter().map(|l| (&*l.relay, l.until)).collect();
        assert_eq!(limits, [("other", longest), ("other", longest)]);
    })
    .await;
}

#[tokio::test]
async fn a_task_that_was_taken_by_a_clock_far_ahead_can_be_taken_and_another_cannot() {
    both_databases(async |db: Db| {
        // Leases go by PostgreSQL's own clock, where there is one.
        let now = db.clock(NOW).await.unwrap();
        let (minute, year) = (Duration::from_secs(60), Duration::from_secs(31_536_000));
        let take = async |name, owner, lasts| {
            let taken = db.take_lease(name, owner, lasts, now).await.unwrap();
            taken.is_some()
        };
        assert!(take("sign-ups", "dead", minute + year).await);
        assert!(take("probe/main", "alive", minute).await);
        assert_eq!(db.mend_times(now, RULE).await.unwrap(), 1);
        assert!(take("sign-ups", "new", minute).await, "for a year");
        assert!(!take("probe/main", "new", minute).await);
    })
    .await;
}
