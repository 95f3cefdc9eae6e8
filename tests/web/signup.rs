//! Readers who come by the form.

use courant::domain::UnixMillis;
use courant::store::Db;

use super::kit::{Reply, Site};
use crate::support::databases::both_databases;

/// A second newsletter, in Urdu, and one that is not for everybody.
pub const MORE: &str = r#"
[channels.subh]
kind = "email"
title = "صبح نامہ"
description = "ہر صبح"
from = "راوی ڈسپیچ <subh@news.example.org>"
languages = ["ur"]
schedule = "each"
[channels.staff]
kind = "email"
title = "For the staff"
from = "Ravi Dispatch <staff@news.example.org>"
schedule = "each"
signup = false
"#;

/// What a form's page carries for its next POST.
pub fn token_in(page: &Reply) -> String {
    let mark = "name=\"token\" value=\"";
    let rest = page.text().split(mark).nth(1).unwrap_or_else(|| {
        panic!("no form: {} {}", page.status, page.text());
    });
    rest.split('"').next().unwrap().to_owned()
}

/// Opens the form, fills it in and presses the button; all from `network`, where one is given.
pub async fn sign_up(site: &Site, network: Option<&str>, fields: &str) -> Reply {
    let from: Vec<(&str, &str)> = network
        .map(|n| ("x-forwarded-for", n))
        .into_iter()
        .collect();
    let form = site.get_with("/subscribe", &from).await;
    let fields = format!("{fields}&token={}", token_in(&form));
    site.post_with("/subscribe", &from, &fields).await
}

pub async fn waiting(site: &Site) -> i64 {
    site.db.waiting_signups().await.unwrap()
}

#[tokio::test]
async fn the_form_works_without_scripts_and_says_what_each_field_is() {
    let site = Site::open().await;
    let page = site.get("/subscribe").await;
    assert_eq!(
        (
            page.status,
            page.header("cache-control"),
            page.header("referrer-policy")
        ),
        (200, "no-store", "no-referrer")
    );
    assert_eq!(page.header("x-robots-tag"), "", "it may be found");
    let text = page.text();
    for there in [
        "<title>Subscribe to The Daily Brief · Ravi Dispatch</title>",
        "<form method=\"post\" action=\"subscribe\"",
        "<label class=\"field\" for=\"email\">E-mail address</label>",
        "autocomplete=\"email\"",
        "aria-describedby=\"email-hint\"",
        "<input type=\"hidden\" name=\"channel\" value=\"brief\">",
    ] {
        assert!(text.contains(there), "{there}: {text}");
    }
    assert!(
        !text.contains("checkbox") && !text.contains("<script"),
        "{text}"
    );
    assert!(
        !text.contains("evil.example"),
        "a request's header is shown"
    );
    let home = site.get("/").await;
    let button = "https://letters.example.org/subscribe?channel=brief";
    assert!(home.text().contains(button), "{}", home.text());
    assert!(site.get("/archive/brief").await.text().contains(button));
}

#[tokio::test]
async fn nothing_is_ticked_but_what_was_asked_for_and_private_newsletters_are_not_offered() {
    both_databases(async |db| {
        let site = Site::over(db, MORE).await;
        let page = site.get("/subscribe").await;
        let text = page.text();
        assert!(text.contains("Subscribe to newsletters from Ravi Dispatch"));
        assert!(
            text.contains("value=\"brief\">") && text.contains("value=\"subh\">"),
            "{text}"
        );
        assert!(
            !text.contains(" checked") && !text.contains("staff"),
            "{text}"
        );
        let asked = site
            .get("/subscribe?channel=subh&channel=staff&channel=x")
            .await;
        assert!(
            asked.text().contains("value=\"subh\" checked"),
            "{}",
            asked.text()
        );
        assert_eq!(asked.text().matches(" checked").count(), 1);
        assert!(
            asked.text().contains("<html lang=\"ur\" dir=\"rtl\">"),
            "{}",
            asked.text()
        );
        assert!(!site.get("/").await.text().contains("channel=staff"));

        let refused = sign_up(&site, None, "email=ada@example.org&channel=staff").await;
        assert_eq!((refused.status, waiting(&site).await), (400, 0));
        let taken = sign_up(
            &site,
            None,
            "email=ada@example.org&channel=staff&channel=subh",
        )
        .await;
        assert_eq!((taken.status, waiting(&site).await), (200, 1));
        admit(&site.db).await;
        assert_eq!(
            channels_of(&site.db, "ada@example.org").await,
            ["subh Pending"]
        );
    })
    .await;
}

pub async fn admit(db: &Db) {
    let key = db.token_key().await.unwrap();
    let admitted = db.admit_signups(&key, &[], "form", 100, UnixMillis::now(), || true);
    admitted.await.unwrap();
}

pub async fn channels_of(db: &Db, address: &str) -> Vec<String> {
    let Some(person) = db.subscriber(address).await.unwrap() else {
        return Vec::new();
    };
    let all = db.subscriptions(person.id).await.unwrap().into_iter();
    all.map(|s| format!("{} {:?}", s.channel, s.state))
        .collect()
}

#[tokio::test]
async fn what_is_wrong_is_said_beside_the_field_with_what_was_typed() {
    both_databases(async |db| refusals(&Site::over(db, MORE).await).await).await;
}

/// What is sent, and what the page says about it and has kept of it.
const WRONG: &[(&str, &str, &str)] = &[
    (
        "email=&channel=brief",
        "Write your e-mail address",
        "value=\"brief\" checked",
    ),
    (
        "channel=brief",
        "Write your e-mail address",
        "value=\"brief\" checked",
    ),
    (
        "email=ada%22%3E%3Cb%3E&channel=subh",
        "ای میل پتا نہیں",
        "value=\"ada&quot;&gt;&lt;b&gt;\"",
    ),
    (
        "email=+ada%40localhost+&channel=brief",
        "It should look like",
        "value=\"ada@localhost\"",
    ),
    (
        "email=a%40example.org%0d%0aBcc%3Ax&channel=brief",
        "It should look like",
        "Bcc:x",
    ),
    (
        "email=ada%40example.org",
        "Choose at least one",
        "value=\"ada@example.org\"",
    ),
    (
        "email=ada%40example.org&channel=x",
        "Choose at least one",
        "value=\"ada@example.org\"",
    ),
    ("email=x", "Choose at least one", "It should look like"),
    ("", "Choose at least one", "Write your e-mail address"),
];

async fn refusals(site: &Site) {
    let which = "aria-invalid=\"true\" aria-describedby=\"which-problem\"";
    let email = "aria-describedby=\"email-problem email-hint\" aria-invalid=\"true\" autofocus";
    let long = format!("{}%40example.org", "a".repeat(60)) + &".example".repeat(30);
    let long = format!("email={long}&channel=brief");
    for (fields, problem, kept) in WRONG.iter().chain([&(&*long, "too long", "aaaaaaaa")]) {
        let page = sign_up(site, None, fields).await;
        let told = (page.status, page.header("cache-control"));
        assert_eq!(told, (400, "no-store"), "{fields}");
        let text = page.text();
        let is_told = text.contains(problem) && text.contains(kept);
        assert!(is_told, "{fields}: {text}");
        assert!(
            text.contains(which) || text.contains(email),
            "{fields}: {text}"
        );
        assert_eq!(text.matches(" autofocus").count(), 1, "{fields}");
    }
    let huge = "a".repeat(70_000);
    assert_eq!(site.post("/subscribe", &huge).await.status, 413);
    assert_eq!(waiting(site).await, 0);
}

#[tokio::test]
async fn a_form_that_is_old_or_from_elsewhere_comes_back_filled_in_and_works_then() {
    both_databases(async |db| {
        let site = Site::over(db, MORE).await;
        let key = site.db.token_key().await.unwrap();
        let now = UnixMillis::now();
        let old = key.seal_form("", now.plus_ms(-2 * 3_600_000 - 1000));
        let of_others = key.seal_form("198.51.100.0/24", now);
        for token in ["", "x", &old, &of_others] {
            let fields = format!("email=ada%40example.org&channel=brief&token={token}");
            let origin = [("origin", "https://news.example.org")];
            let page = site.post_with("/subscribe", &origin, &fields).await;
            assert_eq!(page.status, 200);
            let text = page.text();
            assert!(text.contains("press the button once more"), "{text}");
            assert!(
                text.contains("value=\"ada@example.org\"")
                    && text.contains("value=\"brief\" checked")
            );
            assert!(
                !text.contains("news.example.org\""),
                "the origin is shown: {text}"
            );
            assert_eq!(waiting(&site).await, 0);
        }
        let page = site
            .post("/subscribe", "email=ada%40example.org&channel=brief")
            .await;
        let fields = format!(
            "email=ada%40example.org&channel=brief&token={}",
            token_in(&page)
        );
        let elsewhere = [("x-forwarded-for", "198.51.100.7")];
        let page = site.post_with("/subscribe", &elsewhere, &fields).await;
        assert!(
            page.text().contains("press the button once more"),
            "another network's form"
        );
        assert_eq!(waiting(&site).await, 0);
        let page = site.post("/subscribe", &fields).await;
        assert!(
            page.text().contains("Look into your mailbox"),
            "{}",
            page.text()
        );
        assert_eq!(waiting(&site).await, 1);
    })
    .await;
}
