//! What holds for every kind of source.

use std::time::Duration;

use courant::sources::KINDS;
use proptest::prelude::*;

use super::kit::{Asker, Shelf, configuration, document};

/// The keys without which a kind does not open.
fn needed(kind: &str, at: &str) -> String {
    match kind {
        "folder" => format!("kind = \"folder\"\npath = \"{at}\"\n"),
        kind => format!("kind = \"{kind}\"\nurl = \"{at}\"\n"),
    }
}

#[test]
fn every_kind_opens_with_what_it_needs_and_refuses_what_it_does_not_know() {
    for kind in KINDS.iter().filter(|kind| kind.name != "push") {
        let right = needed(kind.name, "https://news.example.org/");
        configuration(&right).unwrap_or_else(|e| panic!("{}: {e}", kind.name));
        let common = "every = \"10s\"\nhold = \"1m\"\nflood = 3\nbackfill = 1\nlanguage = \"ur\"\ntopics = [\"News\"]\n";
        configuration(&format!("{right}{common}")).unwrap_or_else(|e| panic!("{}: {e}", kind.name));
        let said = configuration(&format!("{right}ulr = \"x\"\n")).unwrap_err();
        assert!(
            said.contains("ulr") && said.contains("help"),
            "{}: {said}",
            kind.name
        );
        let without = configuration(&format!("kind = \"{}\"\n", kind.name)).unwrap_err();
        assert!(without.contains("no `"), "{}: {without}", kind.name);
    }
}

#[test]
fn keys_that_mean_nothing_are_refused_with_what_to_write() {
    for (keys, words) in [
        (
            "kind = \"wordpress\"\nurl = \"news\"\n",
            "address of the site's home page",
        ),
        (
            "kind = \"wordpress\"\nurl = \"https://e.org\"\nuser = \"ada\"\n",
            "`user` needs `application_password` beside it",
        ),
        (
            "kind = \"wordpress\"\nurl = \"http://e.org\"\nuser = \"ada\"\napplication_password = \"x\"\n",
            "in the clear",
        ),
        (
            "kind = \"wordpress\"\nurl = \"https://e.org\"\npost_type = \"../users\"\n",
            "no kind of post",
        ),
        (
            "kind = \"sitemap\"\nurl = \"ftp://e.org\"\n",
            "sitemap's full address",
        ),
        ("kind = \"folder\"\npath = \"\"\n", "`path` is empty"),
        (
            "kind = \"folder\"\npath = \"x\"\nbase_url = \"news\"\n",
            "no web address",
        ),
        (
            "kind = \"folder\"\npath = \"x\"\npermalink = \"/:yaer/\"\n",
            "`:yaer` is no part",
        ),
    ] {
        let said = configuration(keys).unwrap_err();
        assert!(said.contains(words), "{keys}: {said}");
    }
}

fn nonsense() -> impl Strategy<Value = Vec<u8>> {
    let pieces = prop_oneof![
        Just(b"<urlset>".to_vec()),
        Just(b"<url><loc>https://e.org/1</loc></url>".to_vec()),
        Just(b"<rss><channel><item>".to_vec()),
        Just(b"<!doctype html><link rel=alternate type=application/rss+xml href=/x>".to_vec()),
        Just(b"[{\"id\": 1, \"title\": ".to_vec()),
        Just(b"---\ntitle: ".to_vec()),
        Just(b"\n---\n".to_vec()),
        Just(b"\x1f\x8b\x08\x00".to_vec()),
        proptest::collection::vec(any::<u8>(), 0..40),
    ];
    proptest::collection::vec(pieces, 0..8).prop_map(|pieces| pieces.concat())
}

#[test]
fn random_bytes_break_no_kind() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let shelf = runtime.block_on(Shelf::start());
    let dir = tempfile::tempdir().unwrap();
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig::with_cases(48));
    let case = |bytes: Vec<u8>| {
        let file = dir.path().join("page.md");
        std::fs::write(&file, &bytes).unwrap();
        let settled = std::time::SystemTime::now() - Duration::from_secs(60);
        std::fs::File::options()
            .write(true)
            .open(&file)
            .unwrap()
            .set_modified(settled)
            .unwrap();
        for path in ["/", "/wp-json/wp/v2/posts", "/feed/"] {
            shelf.put(path, document("application/xml", bytes.clone()));
        }
        for kind in KINDS.iter().filter(|kind| kind.name != "push") {
            let at = match kind.name {
                "folder" => dir.path().display().to_string(),
                _ => format!("{}/", shelf.url),
            };
            let mut asker = Asker::new(&needed(kind.name, &at));
            if let Ok(polled) = runtime.block_on(asker.try_poll()) {
                prop_assert!(polled.entries.len() <= 10_000 && polled.withdrawn.len() <= 10_000);
            }
        }
        Ok(())
    };
    runner.run(&nonsense(), case).unwrap();
}
