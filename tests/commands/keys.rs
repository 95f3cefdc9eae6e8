//! `dkim`: keys that are made once, kept secret, and used as printed; and `check`, which finds
//! those that cannot sign.

use std::os::unix::fs::PermissionsExt as _;

use courant::channels::email::dkim::PrivateKey;
use serde_json::Value;

use crate::support::newsroom::configuration;
use crate::support::process::House;

const BRIEF: &str = r#"
[channels.brief]
kind = "email"
from = "News <brief@news.example>"
schedule = "0 7 * * *"
[channels.other]
kind = "email"
from = "other@letters.example"
schedule = "0 7 * * *"
"#;

/// A house whose channel `brief` has this line more.
fn house(line: &str) -> House {
    let from = "from = \"News <brief@news.example>\"";
    let channels = BRIEF.replace(from, &format!("{from}\n{line}"));
    let text = configuration("http://127.0.0.1:9", 9, "sqlite:courant.db", &channels);
    House::with(&text)
}

fn texts<'a>(value: &'a Value, key: &str) -> Vec<&'a str> {
    let keys = value["keys"].as_array().expect("a list of keys");
    keys.iter()
        .map(|k| k[key].as_str().expect("a text"))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_for_each_sender_and_used_as_printed() {
    let here = house("");
    let made = here.json(&["dkim", "--algorithm", "both"]);
    let domains = made["domains"].as_array().expect("a list");
    let names: Vec<&str> = domains
        .iter()
        .filter_map(|d| d["domain"].as_str())
        .collect();
    assert_eq!(names, ["letters.example", "news.example"]);
    let news = &domains[1];
    assert_eq!(texts(news, "selector"), ["s1", "s1-ed25519"]);
    assert_eq!(
        texts(news, "name"),
        [
            "s1._domainkey.news.example",
            "s1-ed25519._domainkey.news.example"
        ]
    );
    for (key, name) in news["keys"]
        .as_array()
        .unwrap()
        .iter()
        .zip(["s1", "s1-ed25519"])
    {
        let file = format!("dkim-news.example-{name}.pem");
        let about = std::fs::metadata(here.path(&file)).expect("the key is there");
        assert_eq!(about.permissions().mode() & 0o777, 0o600);
        let record = PrivateKey::from_pem(&here.read(&file)).unwrap().record();
        assert_eq!(key["record"], record.unwrap());
        let strings = key["strings"].as_array().unwrap().iter();
        let strings: Vec<&str> = strings.filter_map(Value::as_str).collect();
        assert_eq!(strings.concat(), key["record"].as_str().unwrap());
        assert!(strings.iter().all(|part| part.len() <= 255));
        let zone = format!(
            "{name}._domainkey.news.example. IN TXT ( \"{}\" )",
            strings.join("\" \"")
        );
        assert_eq!(key["zone"], zone);
    }
    let there = house(news["toml"].as_str().expect("a line"));
    for name in ["s1", "s1-ed25519"] {
        let file = format!("dkim-news.example-{name}.pem");
        there.write(&file, here.read(&file));
    }
    let checked = there.courant(&["check"]).done();
    assert!(checked.out.contains("all is well"), "{checked:?}");
    assert!(!checked.out.contains("warning"), "{checked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_domain_needs_no_configuration_and_no_key_is_overwritten() {
    let house = House::empty();
    let told = house
        .courant(&["dkim", "Letters.example", "--out", "keys"])
        .done();
    let file = "keys/dkim-letters.example-s1.pem";
    for words in [
        format!("{file} is a new key (rsa)"),
        "\n  s1._domainkey.letters.example\n".to_owned(),
        "\n  v=DKIM1; k=rsa; p=".to_owned(),
        format!(r#"selector = "s1", key = {{ file = "{file}" }} }}]"#),
    ] {
        assert!(told.out.contains(&words), "{words}\n{}", told.out);
    }
    let before = house.read(file);
    // Also not when only one of two is there: then neither is made.
    for algorithm in ["rsa", "both"] {
        let again = [
            "dkim",
            "letters.example",
            "--out",
            "keys",
            "--algorithm",
            algorithm,
        ];
        house
            .courant(&again)
            .refused(2, &[file, "is there already", "--selector"]);
    }
    assert_eq!(house.read(file), before);
    assert_eq!(std::fs::read_dir(house.path("keys")).unwrap().count(), 1);
    let other = [
        "dkim",
        "letters.example",
        "--selector",
        "s2",
        "--algorithm",
        "ed25519",
    ];
    let told = house.courant(&other).done();
    assert!(
        told.out.contains("sign with an RSA key as well"),
        "{}",
        told.out
    );
    assert!(house.path("dkim-letters.example-s2.pem").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_name_a_key_makes_none() {
    let house = House::empty();
    let refused = |arguments: &[&str], words: &[&str]| {
        let all = [&["dkim"], arguments].concat();
        house.courant(&all).refused(2, words);
    };
    refused(&["news"], &["`news` is not a domain", "news.example.org"]);
    refused(&["a@news.example"], &["`a@news.example` is not a domain"]);
    refused(
        &["news.example", "--selector", "s 1"],
        &["`s 1` cannot be a selector"],
    );
    refused(&[], &["there is no configuration"]);
    let feeds = configuration("http://127.0.0.1:9", 9, "sqlite:courant.db", "");
    house.write("courant.toml", feeds);
    refused(
        &[],
        &[
            "courant.toml has no e-mail channel",
            "courant dkim news.example.org",
        ],
    );
    assert_eq!(std::fs::read_dir(house.path(".")).unwrap().count(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn check_finds_keys_that_cannot_sign() {
    let key = |key: &str| {
        format!(r#"dkim = [{{ domain = "news.example", selector = "s1", key = {key} }}]"#)
    };
    let there = house(&key(r#"{ file = "gone.pem" }"#));
    let place = "courant.toml:26:";
    there
        .courant(&["check"])
        .refused(2, &[place, "the DKIM key `s1` is missing", "gone.pem"]);
    there.write("gone.pem", "no key\n");
    there
        .courant(&["check"])
        .refused(2, &[place, "cannot sign", "courant dkim"]);
    // Commands that send nothing go on without it.
    there.courant(&["status"]).done();
    let there = house(&key(r#"{ credential = "dkim" }"#));
    let told = there.courant(&["check"]).done();
    for words in [
        "warning: courant.toml:26:",
        "LoadCredential=dkim",
        "if the daemon can read it",
    ] {
        assert!(told.out.contains(words), "{words}\n{}", told.out);
    }
}
