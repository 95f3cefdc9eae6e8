//! From an article to an issue and back: `poll`, `articles`, `publish`, `issues`.

use serde_json::{Value, json};

use crate::Office;
use crate::support::smtp::{Fault, Rule, Step};

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn poll_prints_what_is_new() {
    let office = Office::with_news(2).await;
    let again = office.house.courant(&["poll", "news"]).done();
    assert!(again.out.contains("not modified"), "{}", again.out);
    office.site.edit("https://news.example/?p=1", |item| {
        item.title = "Story 1, corrected".to_owned();
    });
    office.site.publish(crate::Item::new(3));
    let report = office.house.json(&["poll"]);
    let row = &report[0];
    assert_eq!(row["source"], "news");
    assert_eq!(
        (&row["new"], &row["changed"]),
        (&json!(1), &json!(1)),
        "{row}"
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_article_is_listed_held_released_and_ignored() {
    let office = Office::open().await;
    // More than `flood` at once are held.
    let text = office.house.read("courant.toml");
    let text = text.replace("hold = \"0s\"", "hold = \"0s\"\nflood = 2");
    office.house.write("courant.toml", text);
    for number in 1..=3 {
        office.site.publish(crate::Item::new(number));
    }
    let house = &office.house;
    assert_eq!(house.json(&["poll"])[0]["held"], 3);
    let held = house.json(&["articles", "list", "--state", "held"]);
    let ids: Vec<String> = held
        .as_array()
        .expect("a list")
        .iter()
        .map(|a| a["id"].to_string())
        .collect();
    assert_eq!(ids.len(), 3);

    house.courant(&["articles", "ignore", &ids[0]]).done();
    assert_eq!(
        house.json(&["articles", "release", &ids[1]])["released"],
        json!([ids[1].parse::<i64>().expect("a number")])
    );
    house.courant(&["articles", "release", "held"]).done();
    let state = |id: &str| house.json(&["articles", "show", id])["article"]["state"].clone();
    assert_eq!(state(&ids[0]), "ignored");
    assert_eq!(state(&ids[1]), "released");
    assert_eq!(state(&ids[2]), "released");
    let shown = house.courant(&["articles", "show", &ids[1]]).done().out;
    assert!(shown.contains("brief: number 1 of its ledger"), "{shown}");
    let ignored = house.courant(&["articles", "show", &ids[0]]).done().out;
    assert!(ignored.contains("ignored by an operator"), "{ignored}");
    house
        .courant(&["articles", "release", &ids[0]])
        .refused(1, &["is ignored"]);
    house
        .courant(&["articles", "hold", &ids[1]])
        .refused(1, &["is released"]);
    house
        .courant(&["articles", "show", "99"])
        .refused(1, &["no article 99"]);
    house
        .courant(&["articles", "release", "all"])
        .refused(2, &["`all`"]);
    let list = house.courant(&["articles"]).done().out;
    assert_eq!(list.lines().count(), 4, "{list}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn publish_mails_everybody_once_and_then_has_nothing_new() {
    let office = Office::with_news(2).await;
    office.add("bo@readers.example");
    let house = &office.house;
    // A rehearsal and a test change nothing.
    let before = office.state();
    let rehearsal = house.json(&["publish", "brief", "--dry-run"]);
    assert_eq!(
        rehearsal["articles"].as_array().map(Vec::len),
        Some(2),
        "{rehearsal}"
    );
    assert_eq!(
        rehearsal["recipients"], 1,
        "bo has joined after the news: {rehearsal}"
    );
    let test = [
        "publish",
        "brief",
        "--test",
        "me@news.example",
        "you@news.example",
    ];
    house.courant(&test).done();
    let to: Vec<String> = office
        .sink
        .accepted()
        .into_iter()
        .flat_map(|m| m.to)
        .collect();
    assert_eq!(to, ["me@news.example", "you@news.example"]);
    assert_eq!(office.state(), before);

    let done = house.json(&["publish", "brief"]);
    assert_eq!(
        (&done["issue"], &done["deliveries"]),
        (&json!(1), &json!({"sent": 1}))
    );
    house
        .courant(&["publish", "brief"])
        .refused(1, &["nothing new"]);
    house
        .courant(&["publish", "brief", "--test", "me@news.example"])
        .refused(1, &["nothing new", "--empty"]);
    house
        .courant(&["publish", "brief", "--test", "me@news.example", "--empty"])
        .done();
    house
        .courant(&["publish", "brief", "--empty"])
        .refused(2, &["--test"]);
    assert_eq!(office.sink.accepted().len(), 4);
    is_listed_and_ended(&office);
}

/// The only issue is told, and cannot be changed any more.
fn is_listed_and_ended(office: &Office) {
    let house = &office.house;
    let list = house.json(&["issues", "list"]);
    assert_eq!(list.as_array().map(Vec::len), Some(1));
    assert_eq!(list[0]["deliveries"]["sent"], 1);
    let shown = house.json(&["issues", "show", "1"]);
    assert_eq!(shown["articles"].as_array().map(Vec::len), Some(2));
    let text = house.courant(&["issues", "show", "1"]).done().out;
    assert!(
        text.contains("Story 2") && text.contains("sent: 1"),
        "{text}"
    );
    for (command, state) in [("pause", "done"), ("resume", "done"), ("approve", "done")] {
        house
            .courant(&["issues", command, "1"])
            .refused(1, &["issue 1", state]);
    }
    house
        .courant(&["issues", "cancel", "1"])
        .refused(1, &["issue 1", "ended"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_post_and_a_feed_are_published_as_files() {
    let office = Office::with_news(1).await;
    let house = &office.house;
    house.courant(&["publish", "hook"]).done();
    let payload: Value =
        serde_json::from_str(&house.read("posts/hook/hook-000001.json")).expect("JSON");
    crate::products::is_a_payload(&payload);
    assert!(!payload.to_string().contains("c2VjcmV0"), "{payload}");
    house.courant(&["publish", "feed"]).done();
    house
        .courant(&["publish", "hook", "--test", "me@news.example"])
        .refused(2, &["hook", "webhook"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn an_issue_waits_for_approval_is_paused_resumed_retried_and_cancelled() {
    let with_approval =
        crate::CHANNELS.replacen("default_schedule", "approve = true\ndefault_schedule", 1);
    let office = Office::with(&with_approval).await;
    let house = &office.house;
    office.add("ada@readers.example");
    office.site.publish(crate::Item::new(1));
    house.courant(&["poll"]).done();
    let made = house.courant(&["publish", "brief"]).done().out;
    assert!(made.contains("courant issues approve 1"), "{made}");
    let state = || house.json(&["issues", "show", "1"])["issue"]["state"].clone();
    assert_eq!(state(), "waiting");
    house
        .courant(&["issues", "pause", "1"])
        .refused(1, &["issue 1 is waiting"]);
    house.courant(&["issues", "approve", "1"]).done();
    assert_eq!(state(), "sending");
    house.courant(&["issues", "pause", "1"]).done();
    house
        .courant(&["issues", "approve", "1"])
        .refused(1, &["issue 1 is paused"]);
    house.courant(&["issues", "resume", "1"]).done();

    // The reader's server says no for good; the operator mends it and tries again.
    let no = Rule::at(Step::Rcpt, Fault::reply("550 5.7.1 not welcome"));
    office.sink.set_rules(vec![no]);
    let daemon = house.start().await;
    crate::support::process::until("it failed", crate::support::process::SOON, async || {
        (daemon.count(&["failed"]).await == 1).then_some(())
    })
    .await;
    office.sink.set_rules(Vec::new());
    let shown = house.courant(&["issues", "show", "1"]).done().out;
    assert!(
        shown.contains("ada@readers.example"),
        "who failed is not named:\n{shown}"
    );
    assert!(shown.contains("not welcome"), "{shown}");
    assert_eq!(house.json(&["issues", "retry", "1"])["retried"], 1);
    crate::support::process::until("it is sent", crate::support::process::SOON, async || {
        (office.sink.accepted().len() == 1).then_some(())
    })
    .await;
    daemon.stop().await;
    is_cancelled(&office);
}

/// A second issue, cancelled while it waits.
fn is_cancelled(office: &Office) {
    let house = &office.house;
    office.site.publish(crate::Item::new(2));
    house.courant(&["poll"]).done();
    let second = house.json(&["publish", "brief"])["issue"].to_string();
    let cancelled = house.json(&["issues", "cancel", &second]);
    let said = (&cancelled["state"], &cancelled["deliveries"]);
    assert_eq!(said, (&json!("cancelled"), &json!(1)));
    for command in ["approve", "pause", "resume", "retry"] {
        house
            .courant(&["issues", command, &second])
            .refused(1, &["is cancelled"]);
    }
    house
        .courant(&["issues", "show", "99"])
        .refused(1, &["no issue 99"]);
    assert_eq!(office.sink.accepted().len(), 1);
}
