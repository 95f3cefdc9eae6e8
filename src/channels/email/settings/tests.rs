//! Channels as operators write them.

use std::path::Path;

use super::*;
use crate::channels::email::dkim::{Algorithm, PrivateKey};
use crate::config::{Config, from_text};

fn config(keys: &str) -> Config {
    let text = format!(
        r#"
[site]
name = "Ravi Dispatch"
url = "https://news.example.org"
postal_address = "1 Canal Road, Lahore"

[sources.dispatch]
kind = "feed"
url = "https://news.example.org/feed/"

[relays.main]
url = "smtp://mail.example.org"

[channels.brief]
kind = "email"
schedule = "0 7 * * *"
{keys}"#
    );
    from_text(Path::new("courant.toml"), &text, |_| Vec::new()).unwrap()
}

fn open(keys: &str) -> Result<EmailSettings, Vec<String>> {
    EmailSettings::open(&config(keys).channels["brief"])
        .map_err(|problems| problems.into_iter().map(|p| p.message).collect())
}

#[test]
fn the_contracts_keys_are_understood() {
    let settings = open(
        r#"
from = "Ravi Dispatch <brief@news.example.org>"
reply_to = "editor@news.example.org"
subject = "{{ issue.articles[0].title }}"
relays = ["main"]
bounce_domain = "Bounces.news.example.org"
dkim = [{ domain = "news.example.org", selector = "s1", key = { file = "dkim.pem" } }]
"#,
    )
    .unwrap();
    assert_eq!(settings.from.name.as_str(), "Ravi Dispatch");
    assert_eq!(settings.relays, ["main"]);
    assert_eq!(
        settings.envelope_from("7k2"),
        "b+7k2@bounces.news.example.org"
    );
    assert_eq!(settings.list_id("brief"), "brief.news.example.org");
    let [key] = &settings.dkim[..] else {
        panic!("one key: {settings:?}")
    };
    assert_eq!(
        (key.domain.as_str(), key.selector.as_str()),
        ("news.example.org", "s1")
    );
    assert!(settings.warnings.is_empty());
}

#[test]
fn only_a_sender_is_needed() {
    let settings = open(r#"from = "brief@news.example.org""#).unwrap();
    assert_eq!(settings.subject, None);
    assert_eq!(settings.envelope_from("7k2"), "brief@news.example.org");
    assert!(settings.relays.is_empty() && settings.warnings.is_empty());
}

#[test]
fn every_problem_is_told_in_one_go() {
    assert_eq!(
        open("from = \"Ravi\"\nreply_to = \"a@b\"\nbounce_domain = \"a@b.org\"").unwrap_err(),
        [
            "`Ravi` is not an e-mail address; it should look like name@example.org",
            "`a@b` has no public domain; it should look like name@example.org",
            "`a@b.org` is not a domain",
        ]
    );
    let unknown = open("from = \"a@example.org\"\nreplyto = \"b@example.org\"").unwrap_err();
    assert!(unknown[0].contains("replyto"), "{unknown:?}");
    assert!(open("").unwrap_err()[0].contains("from"));
}

#[test]
fn a_name_may_be_in_any_script_and_an_address_of_ours_in_ascii_alone() {
    let settings = open("from = \"خبریں <news@example.org>\"").unwrap();
    assert_eq!(settings.from.name.as_str(), "خبریں");
    let told = open("from = \"خبر@example.org\"\nreply_to = \"مدیر@example.org\"");
    assert_eq!(
        told.unwrap_err(),
        [
            "most mailboxes take no mail from an address like خبر@example.org",
            "most mailboxes take no mail from an address like مدیر@example.org",
        ]
    );
}

#[test]
fn a_sender_at_a_mailbox_provider_is_warned_about() {
    let settings = open(r#"from = "ravi@gmail.com""#).unwrap();
    assert!(settings.warnings[0].message.contains("gmail.com"));
}

const FROM: &str = "from = \"brief@news.example.org\"\n";

#[test]
fn keys_that_cannot_speak_for_the_sender_are_found_without_reading_them() {
    let key = r#"key = { file = "/nowhere/dkim.pem" } }"#;
    let dkim = |keys: &str| open(&format!("{FROM}dkim = [{keys}]"));
    for good in ["news.example.org", "example.org", "News.Example.ORG"] {
        let settings = dkim(&format!(r#"{{ domain = "{good}", selector = "s1", {key}"#));
        assert_eq!(settings.unwrap().dkim.len(), 1, "{good}");
    }
    for bad in [
        "other.example.org",
        "ews.example.org",
        "brief.news.example.org",
    ] {
        let told = dkim(&format!(r#"{{ domain = "{bad}", selector = "s1", {key}"#)).unwrap_err();
        let words = format!("a signature of {bad} does not speak for mail from news.example.org");
        assert_eq!(told, [words]);
    }
    let told = dkim(&format!(
        r#"{{ domain = "org", selector = "s 1", {key}, {{ domain = "example.org", selector = "s2", {key}, {{ domain = "Example.org", selector = "s2", {key}"#
    ));
    assert_eq!(
        told.unwrap_err(),
        [
            "`s 1` cannot be a selector",
            "`org` is not a domain",
            "two keys of Example.org have the selector `s2`",
        ]
    );
    let told = dkim(r#"{ domain = "example.org", key = "k" }"#).unwrap_err();
    assert!(told[0].contains("selector"), "{told:?}");
}

#[test]
fn the_signer_has_every_key_or_says_which_cannot_be_used() {
    let dir = tempfile::tempdir().unwrap();
    let file = |name: &str| dir.path().join(name).display().to_string();
    let pem = PrivateKey::generate(Algorithm::Ed25519).unwrap().to_pem();
    std::fs::write(file("good.pem"), pem.unwrap()).unwrap();
    std::fs::write(file("bad.pem"), "s3cret").unwrap();
    let signer = |keys: &[&str]| {
        let keys: Vec<String> = keys
            .iter()
            .map(|name| {
                let file = file(&format!("{name}.pem"));
                format!(r#"{{ domain = "example.org", selector = "{name}", key = {{ file = "{file}" }} }}"#)
            })
            .collect();
        let config = config(&format!("{FROM}dkim = [\n{}\n]", keys.join(",\n")));
        let channel = &config.channels["brief"];
        EmailSettings::open(channel).unwrap().signer(channel)
    };
    assert!(signer(&[]).unwrap().is_none());
    assert!(signer(&["good"]).unwrap().is_some());
    let problems = signer(&["good", "bad", "gone"]).unwrap_err();
    let told: Vec<(usize, &str)> = problems.iter().map(|p| (p.line, &*p.message)).collect();
    let [(20, bad), (21, gone)] = told[..] else {
        panic!("{told:?}")
    };
    assert!(
        bad.contains("`bad` cannot sign: it is no private key"),
        "{bad}"
    );
    assert!(gone.contains("gone.pem cannot be read"), "{gone}");
    // Of a key in the configuration itself, nothing is shown.
    let inline = r#"dkim = [{ domain = "example.org", selector = "s1", key = "s3cret" }]"#;
    let config = config(&format!("{FROM}{inline}"));
    let channel = &config.channels["brief"];
    let settings = EmailSettings::open(channel).unwrap();
    let problems = settings.signer(channel).unwrap_err();
    assert_eq!(problems.len(), 1);
    assert!(!format!("{problems:?} {settings:?}").contains("s3cret"));
}
