//! Relays and the sending of mail by example.

use std::ffi::OsStr;
use std::path::PathBuf;

use super::*;

fn configured(tables: &str) -> Config {
    loaded(&format!("{SITE}{tables}")).unwrap_or_else(|p| panic!("{p}"))
}

#[test]
fn a_relay_needs_only_an_address() {
    let config = configured("[relays.m]\nurl = \"smtp://h\"\n");
    let relay = &config.relays["m"];
    assert_eq!((relay.connections, relay.weight), (10, 1));
    assert_eq!(relay.max_messages, 100);
    assert_eq!(relay.max_age, Duration::from_secs(300));
    assert_eq!(
        (relay.rate, relay.day_quota, relay.warm_up),
        (None, None, None)
    );
    assert_eq!(relay.dkim, DkimBy::Sign);
    assert!(relay.rules.is_empty() && relay.domains.is_empty());
    assert_eq!(config.delivery.rate, None);
    assert_eq!(config.delivery.keep, Duration::from_secs(90 * 86_400));
}

#[test]
fn everything_that_shapes_mail_is_read() {
    let config = configured(
        r#"
[delivery]
rate = "200/s"
keep = "30d"
[relays.m]
url = "smtp://h"
weight = 3
max_messages = 50
max_age = "2m"
day_quota = 50000
dkim = "relay"
warm_up = { start = 200, end = 200000, days = 42, begin = 2026-12-01 }
rules = [
  { reply = "Too many \\w+", set_rate = "1/m", set_connections = 1, suspend = "10m", for = "90m" },
  { reply = '\[TSS04\]', suspend = "2h" },
]
[relays.m.domains."Gmail.com"]
rate = "20/s"
also = ["GoogleMail.com", "müller.example"]
"#,
    );
    assert_eq!(config.delivery.rate.map(|r| r.count), Some(200));
    assert_eq!(config.delivery.keep, Duration::from_secs(30 * 86_400));
    let relay = &config.relays["m"];
    assert_eq!((relay.weight, relay.max_messages), (3, 50));
    assert_eq!(relay.max_age, Duration::from_secs(120));
    assert_eq!((relay.day_quota, relay.dkim), (Some(50_000), DkimBy::Relay));
    let warm_up = relay.warm_up.unwrap();
    assert_eq!(
        (warm_up.start, warm_up.end, warm_up.days),
        (200, 200_000, 42)
    );
    assert_eq!(warm_up.begin.to_string(), "2026-12-01");
    let minutes = |n: u64| Duration::from_secs(n * 60);
    let slow: Rate = "1/m".parse().unwrap();
    assert_eq!(
        relay.rules[0].remedies,
        [
            (Remedy::SetRate(slow), minutes(90)),
            (Remedy::SetConnections(1), minutes(90)),
            (Remedy::Suspend, minutes(10)),
        ]
    );
    assert!(
        relay.rules[0]
            .reply
            .is_match("421 4.7.0 too MANY connections")
    );
    assert_eq!(relay.rules[1].remedies, [(Remedy::Suspend, minutes(120))]);
    // As recipients have them.
    let google = &relay.domains["gmail.com"];
    assert_eq!(google.also, ["googlemail.com", "xn--mller-kva.example"]);
}

#[test]
fn the_journal_lies_where_the_daemon_can_write() {
    let base = std::env::current_dir().unwrap();
    let state = OsStr::new("/var/lib/courant:/var/lib/other");
    let table = [
        ("[delivery]\njournal = \"notes\"\n", base.join("notes")),
        (
            "[database]\nurl = \"sqlite:data/courant.db?mode=rwc\"\n",
            base.join("data"),
        ),
        (
            "[database]\nurl = \"postgres:///courant\"\n",
            PathBuf::from("/var/lib/courant"),
        ),
        (
            "[database]\nurl = \"sqlite::memory:\"\n",
            PathBuf::from("/var/lib/courant"),
        ),
    ];
    for (tables, expected) in table {
        let journal = configured(tables).journal_directory(Some(state)).unwrap();
        assert_eq!(journal, expected, "{tables}");
    }
    let shared = configured("[database]\nurl = \"postgres:///courant\"\n");
    assert_eq!(shared.journal_directory(None).unwrap(), base);
    let hidden = configured("[database]\nurl = { env = \"NO_SUCH_COURANT_URL\" }\n");
    assert!(hidden.journal_directory(None).is_err());
}
