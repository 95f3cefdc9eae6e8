//! Hubs that fall silent, hang, or are named to lead us inside.

use courant::domain::UnixMillis;
use courant::store::HubState;
use jiff::fmt::rfc2822;

use super::house::House;
use super::hubs::{TEN_DAYS, followed};
use crate::support::databases::both_databases;
use crate::support::hub::{Hub, Manner};
use crate::support::newsroom::{DAY, DAY_ONE, HOUR, MINUTE};
use crate::support::process::{SOON, until};
use crate::support::site::Item;

/// A story with its date.
fn dated(number: usize, at: UnixMillis) -> Item {
    let date = rfc2822::to_string(&at.timestamp().to_zoned(jiff::tz::TimeZone::UTC)).unwrap();
    Item::new(number).dated(&date)
}

#[tokio::test]
async fn a_hub_that_is_silent_about_three_articles_is_dead_until_it_pushes() {
    both_databases(async |db| {
        let hub = Hub::start(Manner::Waits).await;
        let (house, asked) = followed(db, &hub).await;
        let at = |minutes: i64| DAY_ONE.plus_ms(minutes * MINUTE);
        let alive = async |now| house.app.db.hub_alive("news", now).await.unwrap();
        // Found in time, or older than the subscription: the hub is not to blame.
        house.site.publish(dated(1, at(10)));
        house.poll(at(20)).await;
        house.site.publish(dated(2, at(-100)));
        house.poll(at(60)).await;
        assert_eq!(house.subscription().await.missed, 0);
        house.site.publish(dated(3, at(65)));
        house.site.publish(dated(4, at(66)));
        house.poll(at(90)).await;
        assert_eq!(house.subscription().await.missed, 2);
        asked.push("", None).await;
        assert_eq!(house.subscription().await.missed, 0);
        for number in 5..8 {
            house.site.publish(dated(number, at(100 + number as i64)));
        }
        house.poll(at(121)).await;
        assert_eq!(
            house.subscription().await.missed,
            1,
            "two of them are too young to judge"
        );
        for number in 8..10 {
            house.site.publish(dated(number, at(122)));
        }
        house.poll(at(140)).await;
        assert_eq!(house.subscription().await.state, HubState::Dead);
        assert!(!alive(at(140)).await);

        house.ask_hubs(at(141)).await;
        assert_eq!(hub.asked().len(), 1);
        let tomorrow = at(140).plus_ms(DAY);
        house.ask_hubs(tomorrow).await;
        assert_eq!(hub.last().verify("x", TEN_DAYS).await.0, 200);
        assert!(!alive(tomorrow).await, "a promise is no proof");
        assert_eq!(hub.last().push("", None).await, 202);
        assert!(alive(tomorrow).await);
    })
    .await;
}

#[tokio::test]
async fn a_hub_that_hangs_keeps_no_other_waiting() {
    both_databases(async |db| {
        let slow = Hub::start(Manner::Hangs).await;
        let quick = Hub::start(Manner::Waits).await;
        let more = "[sources.second]\nkind = \"feed\"\nurl = \"{SITE}/feed/?second\"\n";
        let house = House::open(db, more).await;
        for (source, hub) in [("news", &slow), ("second", &quick)] {
            let hubs = [hub.url.clone()];
            let topic = Some("https://news.example/feed/");
            house.app.db.note_hubs(source, topic, &hubs).await.unwrap();
        }
        let app = house.app.clone();
        let round = tokio::spawn(async move {
            courant::pipeline::websub::step(&app, DAY_ONE)
                .await
                .unwrap();
        });
        until("both were asked", SOON, async || {
            (slow.asked().len() == 1 && quick.asked().len() == 1).then_some(())
        })
        .await;
        assert_eq!(quick.last().verify("x", TEN_DAYS).await.0, 200);
        assert!(house.app.db.hub_alive("second", DAY_ONE).await.unwrap());
        round.abort();
        // Whoever dies over a request has it made again, not at once.
        house.ask_hubs(DAY_ONE.plus_ms(MINUTE)).await;
        assert_eq!(slow.asked().len(), 1);
        slow.behaves(Manner::Waits);
        house.ask_hubs(DAY_ONE.plus_ms(HOUR)).await;
        assert_eq!(slow.asked().len(), 2);
    })
    .await;
}

#[tokio::test]
async fn a_feed_cannot_make_us_ask_inside_by_naming_a_hub_there() {
    both_databases(async |db| {
        let inside = Hub::on("127.0.0.2", Manner::Confirms).await;
        let mut house = House::open(db, "").await;
        let narrow = "allow = [\"127.0.0.1/32\"]";
        house
            .reload(|text| text.replace("allow = [\"127.0.0.0/8\"]", narrow))
            .await;
        let port = inside.url.rsplit(':').next().unwrap();
        let hostile = [
            inside.url.clone(),
            format!("http://127.2:{port}"),
            "http://169.254.169.254/latest/".to_owned(),
            "http://10.0.0.1/".to_owned(),
            "http://[::ffff:10.0.0.1]/".to_owned(),
            "http://user:word@news.example/".to_owned(),
        ];
        for (round, hub) in hostile.iter().enumerate() {
            let now = DAY_ONE.plus_ms(round as i64 * DAY);
            house.site.offer_hubs(&[hub]);
            house.site.publish(Item::new(round + 1));
            house.poll(now).await;
            house.ask_hubs(now).await;
            let one = house
                .app
                .db
                .hub_subscription_of("news")
                .await
                .unwrap()
                .unwrap();
            let error = one.error.unwrap_or_else(|| panic!("{hub} was asked"));
            assert!(error.contains("was not fetched"), "{error}");
        }
        assert_eq!(inside.asked().len(), 0);
        // No hub at all: neither a file nor a script is one.
        house
            .site
            .offer_hubs(&["file:///etc/passwd", "javascript:alert(1)"]);
        house.site.publish(Item::new(90));
        let later = DAY_ONE.plus_ms(30 * DAY);
        house.poll(later).await;
        assert!(house.app.db.hub_offers().await.unwrap().is_empty());
    })
    .await;
}

#[tokio::test]
async fn nobody_is_asked_to_push_to_an_address_that_the_world_cannot_reach() {
    both_databases(async |db| {
        let hub = Hub::start(Manner::Waits).await;
        let mut house = House::open(db, "").await;
        let base = house.base.clone();
        for local in ["http://localhost:8080", "http://10.0.0.7", "http://courant"] {
            house.reload(|text| text.replace(&base, local)).await;
            house.follow(&[&hub.url], DAY_ONE).await;
            assert_eq!(hub.asked().len(), 0, "{local}");
        }
    })
    .await;
}
