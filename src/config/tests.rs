//! The configuration by example.

mod files;
mod relays;
mod wrong;

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::*;
use crate::domain::UnixMillis;

fn loaded(text: &str) -> Result<Config, Problems> {
    from_text(Path::new("courant.toml"), text, |_| Vec::new())
}

#[test]
fn the_contracts_document_loads_as_it_stands() {
    let config = loaded(include_str!("tests/contract.toml")).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(config.site.name, "Ravi Dispatch");
    assert_eq!(config.site.timezone, "Asia/Karachi");
    assert_eq!(
        config.server.link("/feeds/feed.rss"),
        "https://letters.example.org/feeds/feed.rss"
    );
    assert_eq!(config.defaults.hold, Duration::from_secs(600));

    let source = &config.sources["dispatch"];
    assert_eq!(
        (source.kind.as_str(), source.flood, source.backfill),
        ("feed", 25, 0)
    );

    let relay = &config.relays["main"];
    assert_eq!(relay.url.user.as_deref(), Some("user"));
    assert_eq!((relay.url.port, relay.url.tls), (465, RelayTls::Required));
    assert_eq!(
        relay.password,
        Some(Secret::Credential("relay-main".to_owned()))
    );
    assert_eq!(relay.rate.map(|r| r.to_string()).as_deref(), Some("50/s"));
    assert_eq!(relay.domains["gmail.com"].rate.map(|r| r.count), Some(20));

    let brief = &config.channels["brief"];
    assert_eq!(brief.topics.any, ["Pakistan", "Region"]);
    assert_eq!(
        (brief.default_schedule.as_str(), brief.schedules.len()),
        ("daily", 3)
    );
    assert_eq!(brief.schedules["instant"], ChannelSchedule::Each);
    let ChannelSchedule::Cron(daily) = &brief.schedules["daily"] else {
        panic!("daily is cron");
    };
    let now: UnixMillis = "2026-11-21T00:00:00Z".parse().unwrap();
    assert_eq!(
        daily.next_after(now).unwrap().to_string(),
        "2026-11-21T02:00:00Z"
    );
    assert!(brief.local_time && !brief.approve);

    let mastodon = &config.channels["mastodon"];
    assert_eq!(mastodon.schedules["main"], ChannelSchedule::Each);
    assert!(mastodon.publish);
    let base = std::env::current_dir().unwrap();
    assert_eq!(mastodon.payloads, Some(base.join("public/posts")));
    assert!(config.database.url().unwrap().ends_with("/courant.db"));
}

/// A document with the demanded things, for tests of the others.
const SITE: &str = "[site]\nname = \"S\"\nurl = \"https://s.example\"\npostal_address = \"P\"\n";

#[test]
fn a_site_is_enough_and_everything_else_has_its_default() {
    let config = loaded(SITE).unwrap_or_else(|p| panic!("{p}"));
    assert_eq!(
        (config.site.language.as_str(), config.site.timezone.as_str()),
        ("en", "UTC")
    );
    assert_eq!(
        config.server.listen,
        Listen::Tcp("127.0.0.1:8080".to_owned())
    );
    assert_eq!(config.server.base_url.as_str(), "http://127.0.0.1:8080/");
    assert_eq!(
        config.server.admin_listen,
        Listen::Tcp("127.0.0.1:8081".to_owned())
    );
    assert!(config.sources.is_empty() && config.channels.is_empty());
    let trusted = &config.server.trusted_proxies;
    assert_eq!(format!("{trusted:?}"), "[127.0.0.0/8, ::1/128]");
    let signup = config.signup;
    assert_eq!(
        (signup.rate.to_string(), signup.per_network.to_string()),
        ("60/m".into(), "30/h".into())
    );
}

#[test]
fn readers_may_sign_up_for_newsletters_that_are_not_private() {
    let table = "schedule = \"each\"\n";
    let text = format!(
        "{SITE}[channels.open]\nkind = \"email\"\n{table}[channels.closed]\nkind = \"email\"\n\
         signup = false\n{table}[channels.feed]\nkind = \"feed\"\n"
    );
    let config = loaded(&text).unwrap_or_else(|p| panic!("{p}"));
    let open = config.channels.values().filter(|channel| channel.signup);
    assert_eq!(
        open.map(|channel| &*channel.id).collect::<Vec<_>>(),
        ["open"]
    );
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MastodonKeys {
    server: String,
    token: Secret,
    #[serde(default)]
    visibility: Option<Visibility>,
}

#[derive(Debug, Deserialize, PartialEq)]
#[serde(rename_all = "lowercase")]
enum Visibility {
    Public,
    Unlisted,
}

/// A kind's own stage: parses, and asks one thing more.
fn mastodon(config: &Config) -> Vec<Problem> {
    let channels = config.channels.values();
    channels
        .flat_map(|channel| match channel.settings.parse::<MastodonKeys>() {
            Ok(keys) if keys.server.starts_with("https://") => Vec::new(),
            Ok(keys) if keys.visibility == Some(Visibility::Public) => panic!("{:?}", keys.token),
            Ok(_) => vec![channel.settings.problem("server", "no TLS", None)],
            Err(problems) => problems,
        })
        .collect()
}

#[test]
fn a_kinds_own_keys_are_read_with_all_their_problems() {
    let table = [
        (
            "servr = \"https://m\"\nvisibility = \"publik\"\ntitel = \"x\"\n",
            vec![
                "courant.toml:5:1: [channels.m] has no `token`",
                "courant.toml:7:1: unknown key `servr` in [channels.m]",
                "courant.toml:8:14: `visibility` cannot be `publik`",
                "courant.toml:9:1: unknown key `titel` in [channels.m]",
            ],
        ),
        (
            "server = \"http://m\"\ntoken = \"t\"\nvisibility = \"unlisted\"\n",
            vec!["courant.toml:7:10: no TLS"],
        ),
        (
            "server = \"https://m\"\ntoken = { enf = \"X\" }\n",
            vec!["courant.toml:8:11: unknown key `enf` in `token` of [channels.m]"],
        ),
        (
            "server = \"https://m\"\ntoken = { env = \"X\", file = \"y\" }\n",
            vec![
                "courant.toml:8:9: `token`: a secret is in one place only: keep one of `env`, \
                 `file` and `credential`",
            ],
        ),
        (
            "server = 5\ntoken = 12345\n",
            vec![
                "courant.toml:7:10: `server` must be a string, not the number `5`",
                "courant.toml:8:9: `token` must be a string, { env = \"NAME\" }, { file = \"PATH\" } \
                 or { credential = \"NAME\" }",
            ],
        ),
    ];
    for (keys, expected) in table {
        let text = format!("{SITE}[channels.m]\nkind = \"mastodon\"\n{keys}");
        let found = from_text(Path::new("courant.toml"), &text, mastodon).unwrap_err();
        assert_eq!(heads(&found), expected);
        assert!(!found.to_string().contains("12345"), "{found}");
    }
    let suggestion = format!("{SITE}[channels.m]\nkind = \"mastodon\"\ntitel = \"x\"\n");
    let found = from_text(Path::new("courant.toml"), &suggestion, mastodon).unwrap_err();
    assert!(
        found.to_string().contains("help: did you mean `title`?"),
        "{found}"
    );
}

fn heads(problems: &Problems) -> Vec<String> {
    let heads = problems.0.iter().map(|p| p.to_string());
    heads
        .map(|p| p.lines().next().unwrap_or_default().to_owned())
        .collect()
}

/// The keys that Courant itself knows (a kind's own are the kind's to explain).
fn keys_everywhere() -> Vec<String> {
    [tables::known(), channel::known()].concat()
}
