//! What commands write and print: `init`, `check`, `preview`, `export`, `backup`, `status`,
//! completions and the manual page.

use serde_json::Value;

use crate::support::process::{House, execute};
use crate::{CHANNELS, Office};

/// Exactly the contract's keys.
pub fn is_a_payload(payload: &Value) {
    let keys = |value: &Value| {
        let keys = value.as_object().expect("an object").keys();
        keys.cloned().collect::<Vec<_>>()
    };
    let all = ["article", "channel", "issue", "kind", "requests", "text"];
    assert_eq!(keys(payload), all);
    let requests = payload["requests"].as_array().expect("a list");
    assert!(!requests.is_empty());
    for request in requests {
        assert_eq!(keys(request), ["body", "headers", "method", "url"]);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn init_writes_what_check_approves_and_never_overwrites() {
    let house = House::empty();
    let flags = [
        "init",
        "site",
        "--name",
        "Ravi \"Dispatch\"",
        "--url",
        "https://news.example.org",
        "--from",
        "brief@news.example.org",
        "--language",
        "ur",
        "--timezone",
        "Asia/Karachi",
        "--postal-address",
        "1 Canal Road, Lahore",
    ];
    house.courant(&flags).done();
    let written = house.read("site/courant.toml");
    let checked = house.courant(&["-c", "site", "check"]).done();
    assert!(checked.out.contains("all is well"), "{}", checked.out);
    house
        .courant(&flags)
        .refused(2, &["site/courant.toml is there already"]);
    assert_eq!(house.read("site/courant.toml"), written);
    house
        .courant(&["init", "b", "--url", "news"])
        .refused(2, &["`news` is no web address"]);
    assert!(!house.path("b").exists());
    // Without a terminal nobody is asked.
    house.courant(&["init", "c"]).done();
    house.courant(&["-c", "c/courant.toml", "check"]).done();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn check_tells_what_each_channel_will_do() {
    let office = Office::open().await;
    let table = office.house.courant(&["check"]).done().out;
    for word in [
        "CHANNEL",
        "brief",
        "email",
        "0 7 * * MON",
        "feed",
        "hook",
        "all is well",
    ] {
        assert!(table.contains(word), "{table}");
    }
    let document = office.house.json(&["check"]);
    assert_eq!(document["channels"].as_array().map(Vec::len), Some(3));
    assert_eq!(document["failures"], serde_json::json!([]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn the_configuration_is_found_by_flag_variable_and_place() {
    let office = Office::open().await;
    let elsewhere = House::empty();
    let mut by_variable = elsewhere.command(&["check"]);
    by_variable.env("COURANT_CONFIG", office.house.path("courant.toml"));
    elsewhere.told(by_variable).done();
    let flag = office.house.path("courant.toml").display().to_string();
    elsewhere.courant(&["-c", &flag, "check"]).done();
    elsewhere
        .courant(&["check"])
        .refused(2, &["there is no configuration", "courant init", "-c FILE"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn preview_shows_every_form_and_records_nothing() {
    let office = Office::with_news(2).await;
    let house = &office.house;
    let before = office.state();
    let preview = |channel: &str, form: &str| {
        house
            .courant(&["preview", channel, "--as", form])
            .done()
            .out
    };
    let html = preview("brief", "html");
    assert!(
        html.contains("<!doctype html>") || html.contains("<!DOCTYPE html>"),
        "{html}"
    );
    assert!(preview("brief", "text").contains("Story 2"));
    let eml = preview("brief", "eml");
    let mail = mail_parser::MessageParser::default()
        .parse(eml.as_bytes())
        .expect("a mail");
    assert!(mail.subject().expect("a subject").contains("Story"));
    assert!(eml.contains("List-Unsubscribe:"));
    let payload: Value = serde_json::from_str(&preview("hook", "json")).expect("JSON");
    is_a_payload(&payload);
    assert!(!preview("hook", "text").is_empty());
    assert!(preview("feed", "rss").contains("<rss"));
    assert!(preview("feed", "atom").contains("<feed"));
    let feed: Value = serde_json::from_str(&preview("feed", "json")).expect("JSON");
    assert_eq!(feed["items"].as_array().map(Vec::len), Some(2));
    for (channel, form, said) in [
        ("brief", "rss", "html, text or eml"),
        ("hook", "html", "text or json"),
        ("feed", "eml", "rss, atom or json"),
    ] {
        house
            .courant(&["preview", channel, "--as", form])
            .refused(2, &[said]);
    }
    assert_eq!(office.state(), before);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_preview_is_made_out_to_one_reader() {
    let office = Office::with_news(2).await;
    office.add("late@readers.example");
    let house = &office.house;
    let before = office.state();
    // The one who joined later has nothing yet.
    let ada = [
        "preview",
        "brief",
        "--as",
        "eml",
        "--subscriber",
        "ada@readers.example",
    ];
    assert!(
        house
            .courant(&ada)
            .done()
            .out
            .contains("ada@readers.example")
    );
    let late = ["preview", "brief", "--subscriber", "late@readers.example"];
    house.courant(&late).refused(1, &["nothing new"]);
    let unknown = ["preview", "brief", "--subscriber", "who@readers.example"];
    house
        .courant(&unknown)
        .refused(1, &["`who@readers.example` is not known"]);
    house
        .courant(&["preview", "feed", "--subscriber", "ada@readers.example"])
        .refused(2, &["no subscribers"]);
    assert_eq!(
        house.json(&["preview", "brief"])["subject"]
            .as_str()
            .map(str::is_empty),
        Some(false)
    );
    assert_eq!(office.state(), before);
    assert!(office.sink.accepted().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn export_writes_a_static_site_and_backup_a_database() {
    let office = Office::with_news(2).await;
    let house = &office.house;
    for channel in ["brief", "feed"] {
        house.courant(&["publish", channel]).done();
    }
    let written = house.json(&["export", "public"]);
    assert!(written["files"].as_u64() >= Some(5), "{written}");
    for file in ["feeds/feed.rss", "feeds/feed.atom", "feeds/feed.json"] {
        assert!(
            house.read(&format!("public/{file}")).contains("Story 2"),
            "{file}"
        );
    }

    // While the daemon runs, too.
    let daemon = house.start().await;
    house.courant(&["backup", "copy.db"]).done();
    daemon.stop().await;
    house
        .courant(&["backup", "copy.db"])
        .refused(1, &["copy.db", "exists"]);
    let copy = format!("sqlite:{}", house.path("copy.db").display());
    assert_eq!(
        execute(&copy, "UPDATE delivery SET attempts = attempts").await,
        2
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn completions_and_the_manual_page_know_the_commands() {
    let house = House::empty();
    for shell in ["bash", "zsh", "fish"] {
        let script = house.courant(&["completions", shell]).done().out;
        assert!(script.contains("subscribers"), "{shell}");
    }
    let page = house.courant(&["man"]).done().out;
    assert!(
        page.starts_with(".ie") && page.contains("courant"),
        "{page}"
    );
    let help = house.courant(&["--help"]).done().out;
    for word in ["demo", "init", "Exit status", "courant demo"] {
        assert!(help.contains(word), "{help}");
    }
    house.courant(&["frobnicate"]).refused(2, &["frobnicate"]);
    house.courant(&[]).refused(2, &["Usage"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_database_that_cannot_be_opened_is_named() {
    let sink = "[site]\nname = \"N\"\nurl = \"https://n.example\"\npostal_address = \"P\"\n";
    let house = House::with(&format!(
        "{sink}[database]\nurl = \"sqlite:no/such/dir/courant.db\"\n"
    ));
    house.courant(&["status"]).refused(1, &["no/such/dir"]);
    let nobody = format!("{sink}[database]\nurl = \"postgres://u:hush@127.0.0.1:1/x\"\n");
    house.write("courant.toml", nobody);
    let told = house.courant(&["status"]);
    told.refused(1, &["127.0.0.1"]);
    assert!(!told.err.contains("hush"), "{}", told.err);
    assert!(CHANNELS.contains("hook"));
}
