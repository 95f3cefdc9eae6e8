//! Channels as operators write them.

use std::path::Path;

use super::*;
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
    let warnings: Vec<_> = settings
        .warnings
        .iter()
        .map(|p| (p.line, &p.message))
        .collect();
    let no_dkim = "DKIM signing is not in this version: let the relay sign, and remove `dkim`";
    assert_eq!(warnings, [(23, &no_dkim.to_owned())]);
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
fn a_sender_at_a_mailbox_provider_is_warned_about() {
    let settings = open(r#"from = "ravi@gmail.com""#).unwrap();
    assert!(settings.warnings[0].message.contains("gmail.com"));
}
