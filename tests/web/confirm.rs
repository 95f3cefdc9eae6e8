//! The link in a confirmation mail.

use std::time::Duration;

use courant::domain::{
    EmailAddress, Purpose, SubscriberId, SubscriptionState, SuppressionReason, UnixMillis,
};
use courant::store::{SignUp, SignUpAnswer};

use super::kit::{Site, request};
use super::signup::MORE;
use crate::support::databases::both_databases;

const PENDING: SubscriptionState = SubscriptionState::Pending;

/// A reader's subscriptions, as `channel State`.
async fn standing(site: &Site, id: SubscriberId) -> String {
    let all = site.db.subscriptions(id).await.unwrap().into_iter();
    let mut all: Vec<String> = all
        .map(|s| format!("{} {:?}", s.channel, s.state))
        .collect();
    all.sort();
    all.join(", ")
}

#[tokio::test]
async fn opening_the_link_changes_nothing_and_the_button_confirms_once_and_for_all() {
    both_databases(async |db| {
        let site = Site::over(db, "").await;
        let id = site
            .reader_who_is(PENDING, "ada@example.org", &["brief"])
            .await;
        let path = format!("/confirm/{}", site.confirmation(id).await);
        for method in ["GET", "HEAD", "GET", "HEAD"] {
            let page = request(&site.public, method, &path, &[], b"").await;
            assert_eq!(page.status, 200);
            let told = ["cache-control", "referrer-policy", "x-robots-tag"];
            let told = told.map(|name| page.header(name));
            assert_eq!(told, ["no-store", "no-referrer", "noindex"]);
            assert_eq!(standing(&site, id).await, "brief Pending");
        }
        let page = site.get(&path).await;
        let text = page.text();
        assert!(
            text.contains("The Daily Brief") && text.contains("a***@example.org"),
            "{text}"
        );
        assert!(
            !text.contains("ada@example.org") && !text.contains("checkbox"),
            "{text}"
        );
        assert!(
            !text.contains("<script") && !text.contains("evil.example"),
            "{text}"
        );
        for _ in 0..2 {
            let done = site.post(&path, "channel=brief").await;
            assert_eq!(done.status, 200);
            assert!(
                done.text().contains("You are subscribed"),
                "{}",
                done.text()
            );
            assert_eq!(standing(&site, id).await, "brief Active");
            assert!(
                done.text()
                    .contains("https://letters.example.org/archive/brief")
            );
            let link = done
                .text()
                .split("https://letters.example.org/preferences/")
                .nth(1);
            let token = link.unwrap().split('"').next().unwrap();
            assert_eq!(site.get(&format!("/preferences/{token}")).await.status, 200);
        }
        let confirmed = site.db.subscriptions(id).await.unwrap();
        let again = site.get(&path).await;
        assert!(again.text().contains("You are subscribed") && !again.text().contains("<form"));
        assert_eq!(site.db.subscriptions(id).await.unwrap(), confirmed);
        let events = site.db.consent_events("ada@example.org").await.unwrap();
        let events = format!("{events:?}");
        assert_eq!(events.matches("confirmed").count(), 1, "{events}");
    })
    .await;
}

#[tokio::test]
async fn of_several_newsletters_those_that_are_ticked_are_confirmed_and_no_body_means_all() {
    both_databases(async |db| {
        let site = Site::over(db, MORE).await;
        let reader = async |address: &str| {
            let id = site
                .reader_who_is(PENDING, address, &["brief", "subh"])
                .await;
            (id, format!("/confirm/{}", site.confirmation(id).await))
        };
        let (id, path) = reader("ada@example.org").await;
        let page = site.get(&path).await;
        assert_eq!(
            page.text().matches(" checked").count(),
            2,
            "{}",
            page.text()
        );
        let none = site.post(&path, "chosen=yes").await;
        assert_eq!(none.status, 400);
        assert!(
            none.text().contains("Choose at least one"),
            "{}",
            none.text()
        );
        assert!(!none.text().contains(" checked"), "{}", none.text());
        assert_eq!(standing(&site, id).await, "brief Pending, subh Pending");
        let wrong = site.post(&path, "chosen=yes&channel=staff").await;
        assert!(wrong.text().contains("<form"), "{}", wrong.text());
        assert_eq!(standing(&site, id).await, "brief Pending, subh Pending");
        for _ in 0..2 {
            let done = site.post(&path, "chosen=yes&channel=subh").await;
            assert_eq!(done.status, 200);
            assert!(
                done.text().contains("<html lang=\"ur\" dir=\"rtl\">"),
                "{}",
                done.text()
            );
            assert_eq!(standing(&site, id).await, "brief Pending, subh Active");
        }
        // What was left out can be had with the same link.
        assert!(site.get(&path).await.text().contains("The Daily Brief"));

        for (address, body) in [("bob@example.org", ""), ("eve@example.org", "nonsense")] {
            let (id, path) = reader(address).await;
            let done = site.post(&path, body).await;
            assert_eq!(done.status, 200);
            assert_eq!(
                standing(&site, id).await,
                "brief Active, subh Active",
                "{body:?}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_link_that_is_too_old_or_whose_person_is_gone_leads_to_the_form() {
    both_databases(async |db| {
        let site = Site::over(db, "").await;
        let (now, key) = (UnixMillis::now(), site.db.token_key().await.unwrap());
        let stranger = |name: &str| format!("{name}@example.org");
        let mut paths = Vec::new();
        for name in ["late", "erased", "left", "suppressed"] {
            let id = site
                .reader_who_is(PENDING, &stranger(name), &["brief"])
                .await;
            let token = site.confirmation(id).await;
            match name {
                "late" => {
                    let week_ago = now.plus_ms(-7 * 86_400_000 - 1000);
                    paths.push((id, key.seal_confirmation(id, "brief", week_ago)));
                    continue;
                }
                "erased" => assert!(site.db.erase(&stranger(name), now).await.unwrap()),
                "left" => {
                    let done = site.post(&format!("/confirm/{token}"), "").await;
                    assert_eq!(done.status, 200);
                    site.db.unsubscribe(id, "brief", "page", now).await.unwrap();
                }
                _ => {
                    site.db
                        .suppress(&stranger(name), SuppressionReason::Complaint, "", now)
                        .await
                        .unwrap();
                }
            }
            paths.push((id, token));
        }
        for (id, token) in paths {
            let path = format!("/confirm/{token}");
            let before = standing(&site, id).await;
            let page = site.post(&path, "channel=brief").await;
            assert_eq!(page.status, 410, "{before}: {}", page.text());
            let form = "href=\"https://letters.example.org/subscribe\"";
            assert!(page.text().contains(form), "{}", page.text());
            assert_eq!(page.header("cache-control"), "no-store");
            assert_eq!(standing(&site, id).await, before);
            assert!(!before.contains("Active"), "{before}");
        }
    })
    .await;
}

#[tokio::test]
async fn a_link_that_was_cut_or_is_for_something_else_confirms_nothing() {
    both_databases(async |db| {
        let site = Site::over(db, "").await;
        let id = site
            .reader_who_is(PENDING, "ada@example.org", &["brief"])
            .await;
        let token = site.confirmation(id).await;
        let other = site.token(Purpose::Preferences, id).await;
        for wrong in [&token[1..], "x", &other, &"A".repeat(4000)] {
            for method in ["GET", "POST"] {
                let path = format!("/confirm/{wrong}");
                let page = request(&site.public, method, &path, &[], b"").await;
                assert_eq!(page.status, 404, "{method} {wrong}");
            }
        }
        assert_eq!(standing(&site, id).await, "brief Pending");
        site.db.close().await;
        let page = site.post(&format!("/confirm/{token}"), "").await;
        assert_eq!((page.status, page.header("retry-after")), (503, "120"));
    })
    .await;
}

/// Admits a sign-up for these; how many mails that made.
async fn signed_up(site: &Site, address: &str, channels: &[&str], at: UnixMillis) -> usize {
    let signup = SignUp {
        address: EmailAddress::parse(address).unwrap(),
        channels: channels.iter().map(|&channel| channel.into()).collect(),
        network: None,
        evidence: "form".into(),
    };
    let (db, hour) = (&site.db, Duration::from_secs(3600));
    let taken = db.take_signup(&signup, 30, hour, at).await.unwrap();
    assert_eq!(taken, SignUpAnswer::Taken);
    let (keys, known) = (db.token_key().await.unwrap(), ["brief".to_owned()]);
    let admitted = db.admit_signups(&keys, &known, "form", 10, at, || true);
    admitted.await.unwrap().1
}

const LATE: &str = r#"
[channels.late]
kind = "email"
title = "The Late Edition"
from = "Ravi Dispatch <late@news.example.org>"
schedule = "each"
"#;

#[tokio::test]
async fn what_was_asked_for_after_the_mail_is_not_ticked_and_no_body_leaves_it_out() {
    both_databases(async |db| {
        let site = Site::over(db, &format!("{MORE}{LATE}")).await;
        let (ada, made) = ("ada@example.org", UnixMillis::now());
        assert_eq!(signed_up(&site, ada, &["brief", "subh"], made).await, 1);
        // A stranger, who cannot take her own choice away either.
        let (all, later) = (["brief", "late", "subh"], made.plus_ms(1000));
        assert_eq!(signed_up(&site, ada, &all, later).await, 0, "asked once");
        let id = site.db.subscriber(ada).await.unwrap().unwrap().id;
        let path = format!("/confirm/{}", site.confirmation_of(id, made).await);
        let page = site.get(&path).await;
        let tick = |id: &str| format!("type=\"checkbox\" name=\"channel\" value=\"{id}\"");
        for (id, is_ticked) in [("brief", true), ("subh", true), ("late", false)] {
            let ticked = format!("{} checked>", tick(id));
            assert!(page.text().contains(&tick(id)), "{id}: {}", page.text());
            assert_eq!(page.text().contains(&ticked), is_ticked, "{id}");
        }
        // A mail program presses the button, and does it twice.
        for _ in 0..2 {
            let done = site.post(&path, "").await;
            assert_eq!(done.status, 200);
            let now = "brief Active, late Pending, subh Active";
            assert_eq!(standing(&site, id).await, now);
            assert!(done.text().contains("You are subscribed"));
        }
        // She may want it all the same. By itself it is no question of yes or no either.
        let page = site.get(&path).await;
        let alone = format!("{}>", tick("late"));
        assert!(page.text().contains(&alone), "{}", page.text());
        assert!(!page.text().contains("type=\"hidden\" name=\"channel\""));
        assert_eq!(site.post(&path, "chosen=yes").await.status, 400);
        let done = site.post(&path, "chosen=yes&channel=late").await;
        assert_eq!(done.status, 200);
        let now = "brief Active, late Active, subh Active";
        assert_eq!(standing(&site, id).await, now);
    })
    .await;
}
