//! Hubs that tell of new articles, and those who pretend to be one.

use std::time::Duration;

use courant::store::HubState;

use super::house::House;
use crate::support::databases::both_databases;
use crate::support::hub::{Asked, Hub, Manner, send, sha256};
use crate::support::newsroom::{DAY, DAY_ONE, HOUR, MINUTE};
use crate::support::process::SOON;
use crate::support::site::Item;

pub const TEN_DAYS: u64 = 864_000;

/// A house whose feed's hub has confirmed.
pub async fn followed(db: courant::store::Db, hub: &Hub) -> (House, Asked) {
    let house = House::open(db, "").await;
    house.follow(&[&hub.url], DAY_ONE).await;
    let asked = hub.last();
    let (code, kind, said) = asked.verify("a <b> challenge", TEN_DAYS).await;
    assert_eq!((code, &*kind), (200, "text/plain; charset=utf-8"));
    assert_eq!(said, "a <b> challenge");
    (house, asked)
}

/// Pushes a signed document and waits until it was looked at, which happens after the answer.
async fn push_document(house: &House, asked: &Asked, body: &str) {
    let bell = || house.app.wake.ingest.notified();
    // What rang it before is no answer to this.
    let _ = tokio::time::timeout(Duration::ZERO, bell()).await;
    assert_eq!(asked.push_signed(body).await, 202);
    tokio::time::timeout(SOON, bell())
        .await
        .expect("the bell rings");
}

#[tokio::test]
async fn a_hub_is_asked_with_an_address_that_nobody_guesses_and_confirmed_only_what_was_asked() {
    both_databases(async |db| {
        let hub = Hub::start(Manner::Redirects).await;
        let house = House::open(db, "").await;
        house.follow(&[&hub.url], DAY_ONE).await;
        let asked = hub.last();
        assert_eq!(asked.mode, "subscribe");
        assert_eq!(asked.topic, format!("{}/feed/", house.site.url));
        assert_eq!(asked.lease, "864000");
        let secret = asked.secret.as_deref().expect("it is on a network of ours");
        assert!((32..200).contains(&secret.len()));
        let id = asked
            .callback
            .strip_prefix(&format!("{}/websub/callback/", house.base));
        assert!(id.is_some_and(|id| id.len() == 43), "{}", asked.callback);

        let refused = async |change: &dyn Fn(&mut Asked)| {
            let mut forged = asked.clone();
            change(&mut forged);
            assert_eq!(forged.verify("x", TEN_DAYS).await.0, 404, "{forged:?}");
        };
        refused(&|a| a.topic.push('x')).await;
        refused(&|a| a.callback.truncate(a.callback.len() - 1)).await;
        refused(&|a| a.callback.push_str(&"x".repeat(4000))).await;
        refused(&|a| a.mode = "unsubscribe".into()).await;
        refused(&|a| a.mode = "publish".into()).await;
        assert_eq!(asked.verify("", TEN_DAYS).await.0, 404);
        assert_eq!(asked.verify(&"x".repeat(2000), TEN_DAYS).await.0, 404);
        assert_eq!(house.subscription().await.state, HubState::Pending);
        assert!(!house.app.db.hub_alive("news", DAY_ONE).await.unwrap());

        assert_eq!(asked.verify("x", TEN_DAYS * 100).await.0, 200);
        let one = house.subscription().await;
        assert_eq!(one.state, HubState::Verified);
        assert_eq!(one.lease_until, Some(DAY_ONE.plus_ms(10 * DAY)));
        assert!(house.app.db.hub_alive("news", DAY_ONE).await.unwrap());
        // A hub whose answer got lost may ask again; later nobody has asked for anything.
        assert_eq!(asked.verify("x", TEN_DAYS).await.0, 200);
        house.app.clock.set(DAY_ONE.plus_ms(61 * MINUTE));
        assert_eq!(asked.verify("x", TEN_DAYS).await.0, 404);
        house.ask_hubs(DAY_ONE.plus_ms(DAY)).await;
        assert_eq!(hub.asked().len(), 1, "it was asked again without need");
    })
    .await;
}

#[tokio::test]
async fn a_signed_document_is_taken_in_without_asking_the_site() {
    both_databases(async |db| {
        let hub = Hub::start(Manner::Waits).await;
        let (house, asked) = followed(db, &hub).await;
        house.site.publish(Item::new(1));
        let polls = house.site.answers().len();
        push_document(&house, &asked, &house.site.document()).await;
        assert_eq!(house.titles("news").await[0], "Story 1");
        // Nor is the poll made that was wished for in case it could not be read.
        let due = house.poll_due(DAY_ONE.plus_ms(40_000)).await;
        assert_eq!(due, Vec::<String>::new());
        assert_eq!(house.site.answers().len(), polls);
        let one = house.subscription().await;
        assert_eq!((one.pushes, one.refused), (1, 0));
        // The same once more, and later from the site itself, is no news and no correction.
        let filter = courant::store::ArticleFilter::default();
        push_document(&house, &asked, &house.site.document()).await;
        house.poll(DAY_ONE.plus_ms(MINUTE)).await;
        let articles = house.app.db.articles(&filter, 10).await.unwrap();
        assert!(articles.iter().all(|a| a.revision.number == 1));
    })
    .await;
}

#[tokio::test]
async fn an_unsigned_push_is_a_hint_and_a_wrong_signature_is_nothing() {
    both_databases(async |db| {
        let hub = Hub::start(Manner::Waits).await;
        let (house, asked) = followed(db, &hub).await;
        house.site.publish(Item::new(1));
        let document = house.site.document();
        let secret = asked.secret.clone().unwrap();
        let wrong = [
            sha256("another secret", &document),
            sha256(&secret, "another body"),
            "sha256=00".to_owned(),
            "md5=d41d8cd98f00b204e9800998ecf8427e".to_owned(),
        ];
        for signature in &wrong {
            assert_eq!(asked.push(&document, Some(signature)).await, 202);
        }
        let soon = DAY_ONE.plus_ms(1000);
        assert_eq!(house.poll_due(soon).await, Vec::<String>::new());
        let one = house.subscription().await;
        assert_eq!((one.pushes, one.refused), (0, 4));

        // What an unsigned push brings is not looked at, only that it came.
        assert_eq!(asked.push("<rss>nonsense", None).await, 202);
        assert_eq!(house.poll_due(soon).await, ["news"]);
        assert_eq!(house.titles("news").await[0], "Story 1");
        for second in 2..11 {
            assert_eq!(asked.push("", None).await, 202);
            let due = house.poll_due(DAY_ONE.plus_ms(second * 1000)).await;
            assert_eq!(due, Vec::<String>::new(), "{second}");
        }
        assert_eq!(house.poll_due(DAY_ONE.plus_ms(11_000)).await, ["news"]);

        // A signed document that cannot be read is a hint as well.
        house.app.clock.set(DAY_ONE.plus_ms(30_000));
        push_document(&house, &asked, "nonsense").await;
        let due = house.poll_due(DAY_ONE.plus_ms(30_001)).await;
        assert_eq!(due, ["news"]);
        let unknown = asked.callback.replace("callback/", "callback/x");
        assert_eq!(send("POST", &unknown, &[], b"x").await.0, 410);
        let giant = "x".repeat(3 * 1024 * 1024 + 1);
        assert_eq!(asked.push(&giant, None).await, 413);
    })
    .await;
}

#[tokio::test]
async fn a_lease_is_renewed_under_its_callback_and_ended_with_the_source() {
    both_databases(async |db| {
        let hub = Hub::start(Manner::Waits).await;
        let (mut house, asked) = followed(db, &hub).await;
        house.ask_hubs(DAY_ONE.plus_ms(6 * DAY)).await;
        assert_eq!(hub.asked().len(), 1);
        let renewal = DAY_ONE.plus_ms(7 * DAY);
        house.ask_hubs(renewal).await;
        let again = hub.last();
        assert_eq!(hub.asked().len(), 2);
        assert_eq!(
            (&again.callback, &again.secret),
            (&asked.callback, &asked.secret)
        );
        // Meanwhile the old lease holds.
        assert!(house.app.db.hub_alive("news", renewal).await.unwrap());
        assert_eq!(again.verify("x", TEN_DAYS).await.0, 200);
        let until = house.subscription().await.lease_until;
        assert_eq!(until, Some(renewal.plus_ms(10 * DAY)));

        house
            .reload(|text| text.replace("every = \"1h\"", "every = \"1h\"\nwebsub = false"))
            .await;
        house.ask_hubs(renewal.plus_ms(MINUTE)).await;
        let farewell = hub.last();
        assert_eq!(
            (&*farewell.mode, &farewell.callback),
            ("unsubscribe", &asked.callback)
        );
        assert_eq!(
            again.verify("x", TEN_DAYS).await.0,
            404,
            "we did not mean that any more"
        );
        assert_eq!(asked.push("x", None).await, 410);
        assert_eq!(farewell.verify("bye", 0).await.2, "bye");
        assert!(house.app.db.hub_subscriptions().await.unwrap().is_empty());
        assert_eq!(farewell.verify("bye", 0).await.0, 404);
    })
    .await;
}

#[tokio::test]
async fn a_lease_that_is_not_renewed_ends_and_another_subscription_has_another_address() {
    both_databases(async |db| {
        let hub = Hub::start(Manner::Waits).await;
        let (house, asked) = followed(db, &hub).await;
        let after = DAY_ONE.plus_ms(11 * DAY);
        assert!(!house.app.db.hub_alive("news", after).await.unwrap());
        house.ask_hubs(after).await;
        let anew = hub.last();
        assert_ne!(anew.callback, asked.callback);
        assert_ne!(anew.secret, asked.secret);
        assert_eq!(asked.push("x", None).await, 410);
        assert_eq!(anew.verify("x", 3600).await.0, 200);
        let until = house.subscription().await.lease_until;
        assert_eq!(until, Some(after.plus_ms(HOUR)));
    })
    .await;
}

#[tokio::test]
async fn hubs_are_tried_in_order_and_one_that_refuses_is_asked_again_the_next_day() {
    both_databases(async |db| {
        let first = Hub::start(Manner::Answers(410)).await;
        let second = Hub::start(Manner::Waits).await;
        let house = House::open(db, "").await;
        house.follow(&[&first.url, &second.url], DAY_ONE).await;
        assert_eq!((first.asked().len(), second.asked().len()), (1, 0));
        let error = house.subscription().await.error.unwrap();
        assert!(error.contains("410 not here"), "{error}");
        house.ask_hubs(DAY_ONE).await;
        assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
        assert_ne!(second.last().callback, first.last().callback);

        let asked = second.last();
        let mut forged = asked.clone();
        forged.topic = "https://elsewhere.example/".into();
        assert_eq!(forged.deny("no").await.0, 404);
        assert_eq!(asked.deny("not for you").await.0, 200);
        let one = house.subscription().await;
        assert_eq!(
            (one.state, one.error.as_deref()),
            (HubState::Denied, Some("not for you"))
        );
        assert_eq!(
            asked.verify("x", TEN_DAYS).await.0,
            404,
            "a refusal is the end of it"
        );
        house.ask_hubs(DAY_ONE.plus_ms(23 * HOUR)).await;
        assert_eq!((first.asked().len(), second.asked().len()), (1, 1));
        first.behaves(Manner::Waits);
        house.ask_hubs(DAY_ONE.plus_ms(25 * HOUR)).await;
        assert_eq!(first.asked().len(), 2);
        assert_eq!(first.last().verify("x", TEN_DAYS).await.0, 200);
        // And a hub that has confirmed may think better of it.
        assert_eq!(first.last().deny("").await.0, 200);
        assert!(
            !house
                .app
                .db
                .hub_alive("news", DAY_ONE.plus_ms(25 * HOUR))
                .await
                .unwrap()
        );
    })
    .await;
}
