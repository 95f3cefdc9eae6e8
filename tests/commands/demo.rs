//! `demo --once`: the whole system, and its products as files.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::products::is_a_payload;
use crate::support::process::House;

/// Files below a directory with this ending.
fn files(dir: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).unwrap_or_else(|e| panic!("{}: {e}", dir.display())) {
        let path = entry.expect("the directory was just opened").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.to_string_lossy().ends_with(ending) {
            found.push(path);
        }
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn one_cycle_of_the_demo_writes_every_kind_of_product() {
    let house = House::empty();
    let summary = house.json(&["demo", "--once", "--dir", "out"]);
    let out = house.path("out");
    let count = |name: &str| summary[name].as_u64().expect("a number") as usize;
    assert!(count("articles") >= 12, "{summary}");
    assert_eq!(summary["corrected"], true);

    let mails = files(&out.join("mail"), ".eml");
    assert_eq!(mails.len(), count("mails"));
    let mut languages = Vec::new();
    let mut asked = 0;
    for path in &mails {
        let bytes = std::fs::read(path).expect("it was listed");
        let mail = mail_parser::MessageParser::default()
            .parse(&bytes)
            .expect("a mail");
        assert!(mail.body_html(0).is_some() && mail.body_text(0).is_some());
        asked += usize::from(
            mail.body_text(0)
                .is_some_and(|text| text.contains("/confirm/")),
        );
        assert!(bytes.len() < 90 * 1024 * 2, "{}", path.display());
        let language = mail.header("Content-Language").and_then(|h| h.as_text());
        languages.push(language.expect("every mail names its language").to_owned());
    }
    assert_eq!(asked, 1, "one has just signed up and is asked to confirm");
    assert!(languages.iter().any(|l| l.starts_with("en")) && languages.iter().any(|l| l == "ur"));

    for (ending, begins) in [(".rss", "<?xml"), (".atom", "<?xml"), (".json", "{")] {
        let feeds = files(&out.join("feeds"), ending);
        assert!(!feeds.is_empty(), "{ending}");
        let text = std::fs::read_to_string(&feeds[0]).expect("feeds are UTF-8");
        assert!(text.trim_start().starts_with(begins), "{text}");
    }
    assert!(!files(&out.join("archive"), ".html").is_empty());

    has_posts_of_every_kind(&out, count("posts"));

    // It begins in an empty directory, and leaves what is there alone.
    let before = house.read("out/courant.toml");
    house
        .courant(&["demo", "--once", "--dir", "out"])
        .refused(2, &["courant.toml", "empty"]);
    assert_eq!(house.read("out/courant.toml"), before);
    house
        .courant(&["demo", "--listen", "here"])
        .refused(2, &["`here` is no address"]);
}

fn has_posts_of_every_kind(out: &Path, count: usize) {
    let posts = files(&out.join("posts"), ".json");
    assert_eq!(posts.len(), count);
    let mut kinds = std::collections::BTreeSet::new();
    for path in posts {
        let text = std::fs::read_to_string(&path).expect("payloads are UTF-8");
        let payload: Value = serde_json::from_str(&text).expect("payloads are JSON");
        is_a_payload(&payload);
        kinds.insert(payload["kind"].as_str().expect("a kind").to_owned());
    }
    let all = [
        "bluesky", "discord", "linkedin", "mastodon", "slack", "telegram", "threads", "webhook",
        "x",
    ];
    assert_eq!(kinds.iter().map(String::as_str).collect::<Vec<_>>(), all);
}
