//! Every delivery ends, whatever happens to the one who had it.

use courant::domain::DeliveryState;
use courant::pipeline::{dispatch, plan, release};
use courant::store::Db;
use tokio_util::sync::CancellationToken;

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY_ONE, Newsroom};
use crate::support::site::Item;

/// Two readers, a story, and a mail for each that nobody has taken yet.
async fn with_two_mails(db: Db) -> Newsroom {
    let room = Newsroom::open(db, BRIEF).await;
    for reader in ["ada@readers.example", "bob@readers.example"] {
        room.reader(reader, "instant").await;
    }
    room.site.publish(Item::new(1));
    room.look(DAY_ONE).await;
    release::release_due(&room.app, DAY_ONE).await.unwrap();
    plan::plan(&room.app, DAY_ONE).await.unwrap();
    room.app.clock.set(DAY_ONE);
    room
}

#[tokio::test]
async fn a_lease_that_its_owner_lost_track_of_is_not_renewed_with_the_others() {
    both_databases(async |db| {
        let room = with_two_mails(db).await;
        let (app, now) = (&room.app, DAY_ONE);
        // As if a task of ours had panicked: taken under our name, and nobody knows of it.
        let until = now.plus_ms(500);
        let issue = app.db.ready_issues(now).await.unwrap()[0].issue.id;
        let lost = app.db.claim_deliveries(&app.owner, issue, now, until, 1);
        assert_eq!(lost.await.unwrap().len(), 1);
        let mut dispatcher = dispatch::Dispatcher::default();
        let never = CancellationToken::new();
        let step = dispatcher.step(app, &never).await.unwrap();
        assert_eq!(step.claimed, 1);
        dispatcher.renew(app).await.unwrap();
        app.clock.set(now.plus_ms(600));
        dispatch::recover(app, None).await.unwrap();
        dispatcher.finish(app, &never).await.unwrap();
        dispatch::drain(app, |_| {}).await.unwrap();
        let counts = app.db.queue_counts().await.unwrap();
        assert_eq!(counts[&DeliveryState::Sent], 2, "{counts:?}");
    })
    .await;
}

#[tokio::test]
async fn what_a_dispatcher_had_that_panicked_is_sent_by_the_next() {
    both_databases(async |db| {
        let room = with_two_mails(db).await;
        let app = &room.app;
        let never = CancellationToken::new();
        let mut first = dispatch::Dispatcher::default();
        assert_eq!(first.step(app, &never).await.unwrap().claimed, 2);
        drop(first);
        // The supervisor starts the task again, in the same process; its leases go on as ever.
        let mut next = dispatch::Dispatcher::default();
        next.step(app, &never).await.unwrap();
        for _ in 0..4 {
            app.clock.set(app.clock.now().plus_ms(30_000));
            next.renew(app).await.unwrap();
            dispatch::recover(app, None).await.unwrap();
        }
        // What may have left waits out its grace; nothing waits for ever.
        let mut sent = 0;
        for _ in 0..20 {
            sent += next.step(app, &never).await.unwrap().sent;
        }
        let counts = app.db.queue_counts().await.unwrap();
        assert_eq!(counts[&DeliveryState::Leased], 0, "{counts:?}");
        assert_eq!(counts[&DeliveryState::Sent], 2, "{sent}, {counts:?}");
        next.finish(app, &never).await.unwrap();
    })
    .await;
}
