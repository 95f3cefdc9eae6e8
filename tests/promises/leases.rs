//! Every delivery ends, whatever happens to the one who had it.

use courant::domain::DeliveryState;
use courant::pipeline::{dispatch, plan, release};
use tokio_util::sync::CancellationToken;

use crate::support::databases::both_databases;
use crate::support::newsroom::{BRIEF, DAY_ONE, Newsroom};
use crate::support::site::Item;

#[tokio::test]
async fn a_lease_that_its_owner_lost_track_of_is_not_renewed_with_the_others() {
    both_databases(async |db| {
        let room = Newsroom::open(db, BRIEF).await;
        for reader in ["ada@readers.example", "bob@readers.example"] {
            room.reader(reader, "instant").await;
        }
        room.site.publish(Item::new(1));
        room.look(DAY_ONE).await;
        release::release_due(&room.app, DAY_ONE).await.unwrap();
        plan::plan(&room.app, DAY_ONE).await.unwrap();
        let (app, now) = (&room.app, DAY_ONE);
        app.clock.set(now);
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
