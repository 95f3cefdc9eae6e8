//! Readers: adding, preferences, leaving, erasure.

use courant::domain::{HeaderText, SubscriptionState, SuppressionReason};
use courant::store::{Db, Imported, Preferences};

use crate::kit::{LATER, NOW, publish, reader, subscription};
use crate::support::databases::both_databases;

#[tokio::test]
async fn importing_twice_changes_nothing_and_new_facts_update() {
    both_databases(async |db: Db| {
        publish(&db, "brief", &["before"]).await;
        let ada = reader("Ada@Example.org", "brief");
        assert_eq!(
            db.import_subscriber(&ada, NOW).await.unwrap(),
            Imported::Added
        );
        assert_eq!(
            db.import_subscriber(&ada, LATER).await.unwrap(),
            Imported::Unchanged
        );
        let person = db.subscriber("ada@example.org").await.unwrap().unwrap();
        assert_eq!(
            (&*person.address, person.created_at),
            ("Ada@example.org", NOW)
        );
        let tie = subscription(&db, "ada@example.org", "brief").await;
        assert_eq!(
            (tie.cursor, tie.state),
            (1, SubscriptionState::Active),
            "old news for a new reader"
        );

        let mut more = ada.clone();
        more.name = HeaderText::default();
        more.timezone = Some("Asia/Karachi".into());
        more.schedule = Some("weekly".into());
        more.topics = Some(vec!["b".into(), "a".into()]);
        assert_eq!(
            db.import_subscriber(&more, NOW).await.unwrap(),
            Imported::Updated
        );
        assert_eq!(
            db.import_subscriber(&more, NOW).await.unwrap(),
            Imported::Unchanged
        );
        assert_eq!(
            db.import_subscriber(&ada, NOW).await.unwrap(),
            Imported::Unchanged
        );
        let person = db.subscriber_by_id(person.id).await.unwrap().unwrap();
        assert_eq!(
            (&*person.name, person.timezone.as_deref()),
            ("A Reader", Some("Asia/Karachi"))
        );
        let tie = subscription(&db, "ada@example.org", "brief").await;
        assert_eq!(
            (tie.schedule.as_deref(), tie.topics),
            (Some("weekly"), vec!["a".into(), "b".into()])
        );
        more.channels = vec!["other".into()];
        assert_eq!(
            db.import_subscriber(&more, NOW).await.unwrap(),
            Imported::Added
        );
        assert_eq!(db.subscriber_total().await.unwrap(), 1);
    })
    .await;
}

#[tokio::test]
async fn an_import_never_brings_back_who_left_or_was_suppressed() {
    both_databases(async |db: Db| {
        let ada = reader("ada@example.org", "brief");
        db.import_subscriber(&ada, NOW).await.unwrap();
        let id = db.subscriber("ada@example.org").await.unwrap().unwrap().id;
        assert!(db.unsubscribe(id, "brief", "link", NOW).await.unwrap());
        assert!(!db.unsubscribe(id, "brief", "link", NOW).await.unwrap());
        assert_eq!(
            db.import_subscriber(&ada, NOW).await.unwrap(),
            Imported::Unsubscribed
        );
        let state = subscription(&db, "ada@example.org", "brief").await.state;
        assert_eq!(state, SubscriptionState::Unsubscribed);

        let reason = SuppressionReason::Operator;
        assert!(
            db.suppress("bob@example.org", reason, "asked by phone", NOW)
                .await
                .unwrap()
        );
        assert!(
            !db.suppress("bob@example.org", SuppressionReason::Bounce, "", NOW)
                .await
                .unwrap()
        );
        let bob = reader("Bob@example.org", "brief");
        assert_eq!(
            db.import_subscriber(&bob, NOW).await.unwrap(),
            Imported::Suppressed
        );
        assert_eq!(db.subscriber("bob@example.org").await.unwrap(), None);
        let kept = db.suppressed("bob@example.org").await.unwrap();
        assert_eq!(kept, Some((reason, NOW, "asked by phone".to_owned())));
    })
    .await;
}

#[tokio::test]
async fn confirming_or_returning_starts_from_now() {
    both_databases(async |db: Db| {
        let mut ada = reader("ada@example.org", "brief");
        ada.state = SubscriptionState::Pending;
        db.import_subscriber(&ada, NOW).await.unwrap();
        publish(&db, "brief", &["a", "b"]).await;
        let id = db.subscriber("ada@example.org").await.unwrap().unwrap().id;
        assert!(
            db.activate(id, "brief", "confirmation link", NOW)
                .await
                .unwrap()
        );
        assert!(
            !db.activate(id, "brief", "confirmation link", NOW)
                .await
                .unwrap()
        );
        assert_eq!(
            subscription(&db, "ada@example.org", "brief").await.cursor,
            2
        );
        db.unsubscribe(id, "brief", "link", NOW).await.unwrap();
        publish(&db, "brief", &["c"]).await;
        assert!(
            db.activate(id, "brief", "preferences", LATER)
                .await
                .unwrap()
        );
        assert_eq!(
            subscription(&db, "ada@example.org", "brief").await.cursor,
            3
        );
        let events = db.consent_events("ada@example.org").await.unwrap();
        let kinds: Vec<&str> = events.iter().map(|(_, kind, _, _)| &**kind).collect();
        assert_eq!(
            kinds,
            ["imported", "confirmed", "unsubscribed", "confirmed"]
        );
        db.suppress("ada@example.org", SuppressionReason::Request, "", NOW)
            .await
            .unwrap();
        db.unsubscribe(id, "brief", "link", NOW).await.unwrap();
        assert!(!db.activate(id, "brief", "link", NOW).await.unwrap());
    })
    .await;
}

#[tokio::test]
async fn preferences_keep_the_cursor_and_lost_schedules_become_the_default() {
    both_databases(async |db: Db| {
        publish(&db, "brief", &["a"]).await;
        db.import_subscriber(&reader("ada@example.org", "brief"), NOW)
            .await
            .unwrap();
        publish(&db, "brief", &["b"]).await;
        let id = db.subscriber("ada@example.org").await.unwrap().unwrap().id;
        let wish = Preferences {
            schedule: Some("weekly".into()),
            topics: vec!["Region".into()],
            timezone: Some("Asia/Karachi".into()),
        };
        assert!(db.set_preferences(id, "brief", &wish).await.unwrap());
        assert!(!db.set_preferences(id, "other", &wish).await.unwrap());
        let tie = subscription(&db, "ada@example.org", "brief").await;
        assert_eq!((tie.cursor, tie.schedule.as_deref()), (1, Some("weekly")));
        assert_eq!(tie.topics, ["Region"]);
        let person = db.subscriber_by_id(id).await.unwrap().unwrap();
        assert_eq!(person.timezone.as_deref(), Some("Asia/Karachi"));
        let known = ["weekly".to_owned(), "daily".to_owned()];
        assert_eq!(db.forget_schedules("brief", &known).await.unwrap(), 0);
        assert_eq!(db.forget_schedules("brief", &known[1..]).await.unwrap(), 1);
        assert_eq!(
            subscription(&db, "ada@example.org", "brief").await.schedule,
            None
        );
    })
    .await;
}

#[tokio::test]
async fn erasing_leaves_nothing_but_the_key_of_who_must_not_be_mailed() {
    both_databases(async |db: Db| {
        for name in ["reads", "left", "bounced"] {
            db.import_subscriber(&reader(&format!("{name}@example.org"), "brief"), NOW)
                .await
                .unwrap();
        }
        let left = db.subscriber("left@example.org").await.unwrap().unwrap();
        db.unsubscribe(left.id, "brief", "link", NOW).await.unwrap();
        let bounce = SuppressionReason::Bounce;
        db.suppress(
            "bounced@example.org",
            bounce,
            "550 <bounced@example.org>",
            NOW,
        )
        .await
        .unwrap();
        for name in ["reads", "left", "bounced"] {
            let key = format!("{name}@example.org");
            assert!(db.erase(&key, LATER).await.unwrap());
            assert!(!db.erase(&key, LATER).await.unwrap());
            assert_eq!(db.subscriber(&key).await.unwrap(), None);
            assert!(db.consent_events(&key).await.unwrap().is_empty());
        }
        assert_eq!(db.suppressed("reads@example.org").await.unwrap(), None);
        let asked = db.suppressed("left@example.org").await.unwrap().unwrap();
        assert_eq!(asked.0, SuppressionReason::Request);
        let bounced = db.suppressed("bounced@example.org").await.unwrap().unwrap();
        assert_eq!(bounced, (bounce, NOW, String::new()));
        // A link in an erased reader's old mail must not open someone else's subscription.
        db.import_subscriber(&reader("new@example.org", "brief"), NOW)
            .await
            .unwrap();
        let new = db.subscriber("new@example.org").await.unwrap().unwrap();
        assert!(new.id.0 > left.id.0 + 1);
    })
    .await;
}

#[tokio::test]
async fn removing_ends_every_subscription_and_export_shows_all() {
    both_databases(async |db: Db| {
        let mut ada = reader("ada@example.org", "brief");
        ada.channels.push("alerts".into());
        db.import_subscribers(&[ada, reader("bob@example.org", "brief")], NOW)
            .await
            .unwrap();
        let counts = db.subscriber_counts("brief").await.unwrap();
        assert_eq!(counts[&SubscriptionState::Active], 2);
        assert_eq!(counts[&SubscriptionState::Pending], 0);
        let page = db.export(None, 1).await.unwrap();
        assert_eq!((page.len(), page[0].1.len()), (1, 2));
        let rest = db.export(Some(page[0].0.id), 9).await.unwrap();
        assert_eq!(
            (&*rest[0].0.address, rest[0].1.len()),
            ("bob@example.org", 1)
        );
        assert_eq!(db.remove(page[0].0.id, NOW).await.unwrap(), 2);
        assert_eq!(db.remove(page[0].0.id, NOW).await.unwrap(), 0);
        let counts = db.subscriber_counts("brief").await.unwrap();
        assert_eq!(counts[&SubscriptionState::Unsubscribed], 1);
    })
    .await;
}
