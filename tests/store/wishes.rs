//! Polls that somebody asked for, and subscriptions with hubs.

use courant::domain::UnixMillis;
use courant::store::{Db, HubOffer, HubState, NextAsk};

use crate::kit::{LATER, NOW, poll};
use crate::support::databases::both_databases;

async fn due(db: &Db, now: UnixMillis) -> usize {
    let until = now.plus_ms(1000);
    db.claim_sources("w", now, until, 9, None)
        .await
        .unwrap()
        .len()
}

async fn polled(db: &Db, now: UnixMillis) {
    let mut result = poll("news", "w", Vec::new());
    result.memory.next_fetch_at = now.plus_ms(3_600_000);
    db.apply_poll(result, now).await.unwrap();
}

#[tokio::test]
async fn a_wish_that_comes_while_the_source_is_polled_is_granted_after_it() {
    both_databases(async |db| {
        db.sync_sources(&["news".to_owned()], NOW).await.unwrap();
        assert_eq!(due(&db, NOW).await, 1);
        db.wish_poll("news", NOW).await.unwrap();
        assert_eq!(due(&db, NOW).await, 0);
        polled(&db, NOW).await;
        assert_eq!(due(&db, NOW).await, 1);
        polled(&db, NOW).await;
        assert_eq!(due(&db, NOW).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_later_wish_gives_way_to_a_sooner_one_and_is_taken_back_only_by_its_own_time() {
    both_databases(async |db| {
        db.sync_sources(&["news".to_owned()], NOW).await.unwrap();
        due(&db, NOW).await;
        polled(&db, NOW).await;
        let at = |seconds: i64| NOW.plus_ms(seconds * 1000);
        db.wish_poll_at("news", at(30)).await.unwrap();
        db.fulfil_wish("news", at(30)).await.unwrap();
        assert_eq!(due(&db, at(31)).await, 0);
        db.wish_poll_at("news", at(60)).await.unwrap();
        db.wish_poll("news", at(40)).await.unwrap();
        db.fulfil_wish("news", at(60)).await.unwrap();
        assert_eq!(due(&db, at(40)).await, 1);
    })
    .await;
}

#[tokio::test]
async fn a_failing_source_is_hastened_every_five_minutes_and_one_that_is_gone_never() {
    both_databases(async |db| {
        db.sync_sources(&["news".to_owned()], NOW).await.unwrap();
        let fails = async |gone: bool, now: UnixMillis| {
            let mut result = poll("news", "w", Vec::new());
            result.memory.fails = 3;
            result.memory.error = Some("503".into());
            result.memory.gone = gone;
            result.memory.next_fetch_at = now.plus_ms(86_400_000);
            db.apply_poll(result, now).await.unwrap();
        };
        due(&db, NOW).await;
        fails(false, NOW).await;
        db.wish_poll("news", NOW).await.unwrap();
        assert_eq!(due(&db, NOW.plus_ms(299_000)).await, 0);
        let later = NOW.plus_ms(300_000);
        assert_eq!(due(&db, later).await, 1);
        fails(true, later).await;
        db.wish_poll("news", later).await.unwrap();
        assert_eq!(due(&db, later.plus_ms(3_600_000)).await, 0);
    })
    .await;
}

#[tokio::test]
async fn a_source_that_left_the_configuration_while_it_was_polled_stays_away() {
    both_databases(async |db| {
        db.sync_sources(&["news".to_owned()], NOW).await.unwrap();
        due(&db, NOW).await;
        db.sync_sources(&[], NOW).await.unwrap();
        db.add_unpolled_sources(&["news".to_owned(), "desk".to_owned()])
            .await
            .unwrap();
        polled(&db, NOW).await;
        db.wish_poll("news", NOW).await.unwrap();
        db.wish_poll("desk", NOW).await.unwrap();
        assert_eq!(due(&db, NOW.plus_ms(86_400_000)).await, 0);
        assert_eq!(db.next_fetch().await.unwrap(), None);
    })
    .await;
}

#[tokio::test]
async fn a_hub_is_asked_by_one_process_and_verifies_only_the_newest_callback() {
    both_databases(async |db| {
        let offer = offered(&db).await;
        db.begin_hub_subscription(&offer, "one", NOW).await.unwrap();
        db.begin_hub_subscription(&offer, "two", NOW).await.unwrap();
        let claims = claimed_twice(&db).await;
        assert_eq!(claims.len(), 1, "of two who asked at once");
        let claimed = &claims[0];
        assert_eq!(claimed.callback, "one");
        let ask = NextAsk {
            hub: claimed.hub.clone(),
            callback: "three".into(),
            secret: None,
            state: HubState::Pending,
            mode: "subscribe",
            fails: 0,
            next_try_at: LATER,
            is_fresh: true,
        };
        assert!(db.ask_hub(claimed, &ask, NOW).await.unwrap());
        assert!(
            !db.ask_hub(claimed, &ask, NOW).await.unwrap(),
            "it has another callback now"
        );
        let (since, lease) = (NOW.plus_ms(-1), (LATER, LATER));
        let verified = async |callback: &str, topic: &str| {
            db.hub_verified(callback, topic, since, lease, NOW)
                .await
                .unwrap()
        };
        assert!(!verified("one", &offer.topic).await);
        assert!(!verified("three", "https://elsewhere.example/").await);
        assert!(verified("three", &offer.topic).await);
        // An answer that got lost is no failure of a hub that has confirmed meanwhile.
        db.hub_failed(claimed.id, "three", NOW, "timeout", LATER)
            .await
            .unwrap();
        let one = db.hub_subscription("three").await.unwrap().unwrap();
        assert_eq!(
            (one.state, one.error, one.fails),
            (HubState::Verified, None, 0)
        );
        assert!(db.hub_alive("news", NOW).await.unwrap());
        assert!(!db.hub_alive("news", LATER).await.unwrap());
        db.leave_hub(one.id, NOW).await.unwrap();
        assert!(!verified("three", &offer.topic).await);
        assert_eq!(db.hub_subscription_of("news").await.unwrap(), None);
        db.forget_hub_subscription(one.id).await.unwrap();
        assert_eq!(db.hub_subscription("three").await.unwrap(), None);
    })
    .await;
}

/// A source that names a hub.
async fn offered(db: &Db) -> HubOffer {
    db.sync_sources(&["news".to_owned()], NOW).await.unwrap();
    let offer = HubOffer {
        source: "news".into(),
        topic: "https://news.example/feed/".into(),
        hubs: vec!["https://a.example/".into()],
    };
    let topic = Some(offer.topic.as_str());
    assert!(db.note_hubs("news", topic, &offer.hubs).await.unwrap());
    assert!(!db.note_hubs("news", topic, &offer.hubs).await.unwrap());
    let offers = db.hub_offers().await.unwrap();
    assert_eq!(offers, std::slice::from_ref(&offer));
    offer
}

/// Two processes claim at the same time.
async fn claimed_twice(db: &Db) -> Vec<courant::store::HubSubscription> {
    let claim = || db.claim_hub_subscriptions(NOW, LATER, 9);
    let (a, b) = tokio::join!(claim(), claim());
    [a.unwrap(), b.unwrap()].concat()
}
