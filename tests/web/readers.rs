//! Readers, their mail providers, and the scanners that open every link before them.

use courant::domain::{Purpose, SubscriberId, SubscriptionState};

use super::kit::{Site, request};
use crate::support::databases::both_databases;

async fn state_of(site: &Site, id: SubscriberId) -> SubscriptionState {
    site.db.subscriptions(id).await.unwrap()[0].state
}

#[tokio::test]
async fn opening_the_link_changes_nothing_and_the_button_acts() {
    let site = Site::open().await;
    let id = site.reader("ada@example.org").await;
    let path = format!(
        "/unsubscribe/{}",
        site.token(Purpose::Unsubscribe, id).await
    );
    for method in ["GET", "HEAD", "GET"] {
        let reply = request(&site.public, method, &path, &[], b"").await;
        assert_eq!(reply.status, 200);
        assert_eq!(reply.header("cache-control"), "no-store");
        assert_eq!(reply.header("referrer-policy"), "no-referrer");
        assert_eq!(reply.header("x-robots-tag"), "noindex");
        assert_eq!(state_of(&site, id).await, SubscriptionState::Active);
    }
    let page = site.get(&path).await;
    assert!(page.text().contains("a***@example.org"), "{}", page.text());
    assert!(
        !page.text().contains("ada@example.org"),
        "the whole address is shown"
    );
    assert!(page.text().contains("method=\"post\"") && !page.text().contains("<script"));
    let own = format!("action=\"{}\"", path.rsplit('/').next().unwrap());
    assert!(page.text().contains(&own), "the form goes elsewhere");
    let done = site.post(&path, "").await;
    assert_eq!((done.status, done.header("location")), (200, ""));
    assert_eq!(state_of(&site, id).await, SubscriptionState::Unsubscribed);
    assert!(!site.get(&path).await.text().contains("<form"));
}

#[tokio::test]
async fn a_providers_one_click_works_in_both_encodings_again_and_for_the_erased() {
    let multipart = "--b\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
                     One-Click\r\n--b--\r\n";
    for (kind, body) in [
        (
            "application/x-www-form-urlencoded",
            "List-Unsubscribe=One-Click",
        ),
        ("multipart/form-data; boundary=b", multipart),
    ] {
        let site = Site::open().await;
        let id = site.reader("ada@example.org").await;
        let path = format!(
            "/unsubscribe/{}",
            site.token(Purpose::Unsubscribe, id).await
        );
        let click = async || {
            let headers = [("content-type", kind), ("origin", "https://mail.example")];
            request(&site.public, "POST", &path, &headers, body.as_bytes()).await
        };
        for _ in 0..2 {
            let reply = click().await;
            assert_eq!(reply.status, 200, "{kind}");
            assert!(!reply.headers.contains_key("set-cookie"));
            assert_eq!(state_of(&site, id).await, SubscriptionState::Unsubscribed);
        }
        let events = site.db.consent_events("ada@example.org").await.unwrap();
        assert!(format!("{events:?}").contains("one-click"), "{events:?}");
        assert!(
            site.db
                .erase("ada@example.org", super::kit::MORNING)
                .await
                .unwrap()
        );
        assert_eq!(click().await.status, 200, "an erased person's link");
        assert_eq!(site.get(&path).await.status, 200, "an erased person's page");
    }
}

#[tokio::test]
async fn while_the_database_is_away_the_provider_is_asked_to_come_again() {
    let site = Site::open().await;
    let id = site.reader("ada@example.org").await;
    let path = format!(
        "/unsubscribe/{}",
        site.token(Purpose::Unsubscribe, id).await
    );
    site.db.close().await;
    let reply = site.post(&path, "List-Unsubscribe=One-Click").await;
    assert_eq!((reply.status, reply.header("retry-after")), (503, "120"));
    assert_eq!(reply.header("cache-control"), "no-store");
    assert!(reply.text().contains("try again"), "{}", reply.text());
}

#[tokio::test]
async fn a_link_that_was_cut_or_is_for_something_else_is_not_taken() {
    let site = Site::open().await;
    let id = site.reader("ada@example.org").await;
    let token = site.token(Purpose::Unsubscribe, id).await;
    let preferences = site.token(Purpose::Preferences, id).await;
    let huge = "A".repeat(4000);
    for wrong in [&token[1..], &token[..20], "x", &preferences, &huge] {
        for method in ["GET", "POST"] {
            let path = format!("/unsubscribe/{wrong}");
            let reply = request(&site.public, method, &path, &[], b"").await;
            assert_eq!(reply.status, 404, "{method} {wrong}");
            assert!(reply.text().contains("newest mail"), "{}", reply.text());
        }
    }
    assert_eq!(state_of(&site, id).await, SubscriptionState::Active);
    let big = "a".repeat(70_000);
    let reply = site.post(&format!("/unsubscribe/{token}"), &big).await;
    assert_eq!(reply.status, 413);
    assert_eq!(state_of(&site, id).await, SubscriptionState::Active);
}

#[tokio::test]
async fn preferences_show_what_holds_and_save_what_was_chosen() {
    let site = Site::open().await;
    let id = site.reader("ada@example.org").await;
    let path = format!(
        "/preferences/{}",
        site.token(Purpose::Preferences, id).await
    );
    let page = site.get(&path).await;
    assert_eq!(
        (page.status, page.header("cache-control")),
        (200, "no-store")
    );
    assert!(page.text().contains("Twice a week") && page.text().contains("Rivers"));
    let saved = site
        .post(
            &path,
            "schedule=instant&topics=Rivers&timezone=europe%2Flondon",
        )
        .await;
    assert_eq!(saved.status, 200, "{}", saved.text());
    let subscription = &site.db.subscriptions(id).await.unwrap()[0];
    assert_eq!(subscription.schedule.as_deref(), Some("instant"));
    assert_eq!(subscription.topics, ["Rivers"]);
    let person = site.db.subscriber_by_id(id).await.unwrap().unwrap();
    assert_eq!(person.timezone.as_deref(), Some("Europe/London"));
    let page = site.get(&path).await;
    assert!(
        page.text().contains("value=\"instant\" checked"),
        "{}",
        page.text()
    );
    assert!(page.text().contains("Europe/London"));

    for (wrong, told) in [
        ("schedule=hourly&topics=Rivers", "no longer offered"),
        (
            "schedule=daily&topics=Region&timezone=%3CAtlantis",
            "value=\"&lt;Atlantis\"",
        ),
    ] {
        let reply = site.post(&path, wrong).await;
        assert_eq!(reply.status, 400, "{wrong}");
        assert!(reply.text().contains(told), "{wrong}: {}", reply.text());
        let after = &site.db.subscriptions(id).await.unwrap()[0];
        assert_eq!(after, subscription, "{wrong} changed something");
    }
    // Every box ticked, and the clock given back.
    site.post(
        &path,
        "schedule=daily&topics=Rivers&topics=Region&timezone=",
    )
    .await;
    let after = &site.db.subscriptions(id).await.unwrap()[0];
    assert_eq!(
        (after.schedule.as_deref(), after.topics.len()),
        (Some("daily"), 0)
    );
    let person = site.db.subscriber_by_id(id).await.unwrap().unwrap();
    assert_eq!(person.timezone, None);
}

#[tokio::test]
async fn preferences_of_a_subscription_that_has_ended_lead_to_the_form() {
    let site = Site::open().await;
    let id = site.reader("ada@example.org").await;
    let token = site.token(Purpose::Preferences, id).await;
    let path = format!("/preferences/{token}");
    assert_eq!(site.post(&path, "unsubscribe=yes").await.status, 200);
    assert_eq!(state_of(&site, id).await, SubscriptionState::Unsubscribed);
    for reply in [
        site.get(&path).await,
        site.post(&path, "schedule=daily").await,
    ] {
        assert_eq!(reply.status, 200);
        assert!(reply.text().contains("You are unsubscribed"));
        let form = "href=\"https://letters.example.org/subscribe?channel=brief\"";
        assert!(reply.text().contains(form), "{}", reply.text());
    }
    assert_eq!(state_of(&site, id).await, SubscriptionState::Unsubscribed);
}

#[tokio::test]
async fn a_wrong_zone_is_said_beside_the_field_and_what_was_chosen_is_kept() {
    let site = Site::open().await;
    let id = site.reader("ada@example.org").await;
    let token = site.token(Purpose::Preferences, id).await;
    let fields = "schedule=instant&topics=Rivers&timezone=+Lahore";
    let page = site.post(&format!("/preferences/{token}"), fields).await;
    assert_eq!(
        (page.status, page.header("cache-control")),
        (400, "no-store")
    );
    for there in [
        "aria-describedby=\"timezone-problem timezone-hint\" aria-invalid=\"true\" autofocus",
        "There is no time zone of this name",
        "value=\" Lahore\"",
        "value=\"instant\" checked",
        "value=\"Rivers\" checked",
        "value=\"Region\"> ",
    ] {
        assert!(page.text().contains(there), "{there}: {}", page.text());
    }
}

#[tokio::test]
async fn what_is_not_there_is_said_in_the_language_of_the_site() {
    both_databases(async |db| {
        let site = Site::urdu(db).await;
        let link = site.get("/confirm/x").await;
        assert_eq!(link.status, 404);
        assert!(link.text().contains("یہ لنک ادھورا ہے"), "{}", link.text());
        let page = site.get("/nowhere").await;
        assert!(page.text().contains("صفحہ نہیں ملا"), "{}", page.text());
        let long = site.post("/subscribe", &"a".repeat(70_000)).await;
        assert_eq!(long.status, 413);
        assert!(long.text().contains("فارم بہت لمبا ہے"), "{}", long.text());
        let put = request(&site.public, "PUT", "/", &[], b"").await;
        assert_eq!(put.status, 405);
        assert!(!put.text().contains("has no meaning"), "{}", put.text());
    })
    .await;
}
