//! The tables other than relays and channels: what may stand in them, and what they mean.

use std::path::PathBuf;
use std::time::Duration;

use serde::Deserialize;
use url::Url;

use super::model::{
    Database, Defaults, DeliveryConfig, FullText, Identity, Listen, Network, Server, SignupConfig,
    Site, SourceConfig,
};
#[cfg(test)]
use super::relay;
use super::settings::{Settings, known_keys};
use super::values::{self, AtLeastOne, Language, ListenOn, WebUrl, Words, Zone};
use super::{HumanDuration, Problem, Rate, Secret};

pub(super) type Found<'p> = &'p mut Vec<Problem>;

/// All keys of a table, those that are wrong left out.
pub(super) fn read<T: Default + serde::de::DeserializeOwned>(
    table: &Settings,
    problems: Found<'_>,
) -> T {
    let (raw, found) = table.parse_all();
    problems.extend(found);
    raw.unwrap_or_default()
}

/// Notes a key that must be there and is not (one that is there and wrong, or mistyped, is
/// noted already).
pub(super) fn demand(table: &Settings, key: &str, example: &str, problems: Found<'_>) {
    let meant = format!("did you mean `{key}`?");
    let is_mistyped = problems
        .iter()
        .any(|p| p.help.as_ref() == Some(&meant) && p.message.ends_with(table.name()));
    if !table.has(key) && !is_mistyped {
        let message = format!("{} has no `{key}`", table.name());
        let help = format!("add `{key} = \"{example}\"`");
        problems.push(table.problem(key, message, Some(help)));
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSite {
    name: Option<Words>,
    url: Option<WebUrl>,
    language: Option<Language>,
    timezone: Option<Zone>,
    postal_address: Option<Words>,
}

pub(super) fn site(table: &Settings, problems: Found<'_>) -> Site {
    let raw: RawSite = read(table, problems);
    demand(table, "name", "The Example Times", problems);
    demand(table, "url", "https://news.example.org", problems);
    demand(
        table,
        "postal_address",
        "1 Example Street, Lahore",
        problems,
    );
    let words = |words: Option<Words>| words.map_or_else(String::new, |w| w.0);
    Site {
        name: words(raw.name),
        url: raw.url.map_or_else(nowhere, |url| url.0),
        language: raw.language.map_or_else(|| "en".to_owned(), |l| l.0),
        timezone: raw.timezone.map_or_else(|| "UTC".to_owned(), |z| z.0),
        postal_address: words(raw.postal_address),
    }
}

/// Stands for an address that is wrong or missing, which is a problem noted already.
fn nowhere() -> Url {
    Url::parse("http://127.0.0.1:8080/").expect("a literal address parses")
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawServer {
    listen: Option<ListenOn>,
    base_url: Option<WebUrl>,
    admin_listen: Option<ListenOn>,
    trusted_proxies: Option<Vec<values::Network>>,
}

/// This machine, where a proxy in front mostly runs.
const LOOPBACK: [&str; 2] = ["127.0.0.0/8", "::1/128"];

pub(super) fn server(table: &Settings, problems: Found<'_>) -> Server {
    let raw: RawServer = read(table, problems);
    let listen = |on: Option<ListenOn>, default: &str| match on {
        Some(on) => on.0.below(&table.path("")),
        None => Listen::Tcp(default.to_owned()),
    };
    let server = Server {
        listen: listen(raw.listen, "127.0.0.1:8080"),
        admin_listen: listen(raw.admin_listen, "127.0.0.1:8081"),
        trusted_proxies: match raw.trusted_proxies {
            Some(networks) => networks.into_iter().map(|net| net.0).collect(),
            None => LOOPBACK.iter().filter_map(|net| net.parse().ok()).collect(),
        },
        base_url: nowhere(),
    };
    let is_any_port = matches!(&server.listen, Listen::Tcp(at) if at.ends_with(":0"));
    if server.listen == server.admin_listen && !is_any_port && server.listen != Listen::Systemd {
        let message = "`admin_listen` and `listen` are the same address";
        let help = "operators' pages need their own: change the port of one".to_owned();
        problems.push(table.problem("admin_listen", message, Some(help)));
    }
    let base_url = match raw.base_url {
        Some(url) if url.0.query().is_some() || url.0.fragment().is_some() => {
            let message = "`base_url` is the beginning of addresses and cannot have `?` or `#`";
            problems.push(table.problem("base_url", message, None));
            nowhere()
        }
        Some(url) => url.0,
        None => own_address(&server.listen).unwrap_or_else(|| {
            if !table.has("base_url") {
                let message = format!("{} has no `base_url`", table.name());
                let help = "say how the world reaches `listen`: add \
                            `base_url = \"https://letters.example.org\"`";
                problems.push(table.problem("listen", message, Some(help.to_owned())));
            }
            nowhere()
        }),
    };
    Server { base_url, ..server }
}

/// How this machine itself reaches an address it listens on.
fn own_address(listen: &Listen) -> Option<Url> {
    let Listen::Tcp(address) = listen else {
        return None;
    };
    let address = address
        .replace("0.0.0.0:", "127.0.0.1:")
        .replace("[::]:", "[::1]:");
    Url::parse(&format!("http://{address}")).ok()
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDatabase {
    url: Option<Secret>,
}

pub(super) fn database(table: &Settings, problems: Found<'_>) -> Database {
    let raw: RawDatabase = read(table, problems);
    let url = raw
        .url
        .unwrap_or_else(|| Secret::Inline("sqlite:courant.db".to_owned()));
    if let Secret::Inline(url) = &url {
        let known = ["sqlite:", "postgres://", "postgresql://"];
        let is_known = known
            .iter()
            .any(|k| url.len() > k.len() && url.starts_with(k));
        if !is_known {
            let message = "`url` names no database that Courant knows";
            let help = "write `sqlite:courant.db`, or `postgres://user@host/name`".to_owned();
            problems.push(table.problem("url", message, Some(help)));
        }
    }
    Database {
        url,
        base_dir: table.path(""),
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDefaults {
    hold: Option<HumanDuration>,
    flood: Option<AtLeastOne>,
    suspect_hold: Option<HumanDuration>,
    corrections: Option<Vec<Words>>,
}

/// How publications head a correction: in English, and in Urdu and Arabic (whose letters differ).
const CORRECTIONS: [&str; 3] = ["Correction", "تصحیح", "تصحيح"];

pub(super) fn defaults(table: &Settings, problems: Found<'_>) -> Defaults {
    let raw: RawDefaults = read(table, problems);
    Defaults {
        hold: raw.hold.map_or(Duration::from_secs(600), |d| d.0),
        flood: raw.flood.map_or(25, |n| n.0),
        suspect_hold: raw
            .suspect_hold
            .map_or(Duration::from_secs(6 * 3600), |d| d.0),
        corrections: raw.corrections.map_or_else(
            || CORRECTIONS.map(str::to_owned).to_vec(),
            |words| words.into_iter().map(|w| w.0).collect(),
        ),
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawNetwork {
    allow: Option<Vec<values::Network>>,
    host_pause: Option<HumanDuration>,
    hosts: Option<AtLeastOne>,
}

pub(super) fn network(table: &Settings, problems: Found<'_>) -> Network {
    let raw: RawNetwork = read(table, problems);
    Network {
        allow: raw.allow.into_iter().flatten().map(|net| net.0).collect(),
        host_pause: raw.host_pause.map(|d| d.0),
        hosts: raw.hosts.map_or(16, |n| n.0 as usize),
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawTemplates {
    dir: Option<PathBuf>,
}

pub(super) fn templates(table: &Settings, problems: Found<'_>) -> Option<PathBuf> {
    let raw: RawTemplates = read(table, problems);
    let dir = table.path(raw.dir?);
    if !dir.is_dir() {
        let message = format!("there is no directory {}", dir.display());
        let help = "make it, or leave `dir` out to use the built-in templates".to_owned();
        problems.push(table.problem("dir", message, Some(help)));
    }
    Some(dir)
}

/// The keys that every kind of source has.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSource {
    kind: Option<Words>,
    every: Option<HumanDuration>,
    own: Option<bool>,
    hold: Option<HumanDuration>,
    flood: Option<AtLeastOne>,
    suspect_hold: Option<HumanDuration>,
    identity: Option<Identity>,
    embargo: Option<bool>,
    corrections: Option<Vec<Words>>,
    full_text: Option<FullText>,
    select: Option<Vec<Words>>,
    strip: Option<Vec<Words>>,
    backfill: Option<u32>,
    language: Option<Language>,
    topics: Option<Vec<Words>>,
    websub: Option<bool>,
    push_token: Option<Secret>,
    push_secret: Option<Secret>,
}

pub(super) fn source(
    id: &str,
    table: Settings,
    site: &Site,
    defaults: &Defaults,
    problems: Found<'_>,
) -> Option<SourceConfig> {
    let common = known_keys::<RawSource>();
    let (raw, found) = table.parse_known::<RawSource>(&common);
    problems.extend(found);
    demand(&table, "kind", "feed", problems);
    let raw = raw?;
    let every_is_set = raw.every.is_some();
    let every = raw.every.map_or(Duration::from_secs(600), |d| d.0);
    if every < Duration::from_secs(1) {
        let message = "`every` must be a second at least";
        problems.push(table.problem("every", message, None));
    }
    Some(SourceConfig {
        id: id.to_owned(),
        kind: raw.kind?.0,
        every,
        every_is_set,
        own: raw.own.unwrap_or(false),
        hold: raw.hold.map_or(defaults.hold, |d| d.0),
        flood: raw.flood.map_or(defaults.flood, |n| n.0),
        suspect_hold: raw.suspect_hold.map_or(defaults.suspect_hold, |d| d.0),
        identity: raw.identity.unwrap_or_default(),
        embargo: raw.embargo.unwrap_or(true),
        corrections: raw.corrections.map_or_else(
            || defaults.corrections.clone(),
            |words| words.into_iter().map(|w| w.0).collect(),
        ),
        full_text: raw.full_text,
        select: raw.select.into_iter().flatten().map(|s| s.0).collect(),
        strip: raw.strip.into_iter().flatten().map(|s| s.0).collect(),
        backfill: raw.backfill.unwrap_or(0),
        language: raw.language.map(|l| l.0),
        topics: raw.topics.into_iter().flatten().map(|t| t.0).collect(),
        websub: raw.websub.unwrap_or(true),
        push_token: raw.push_token,
        push_secret: raw.push_secret,
        site_language: site.language.clone(),
        timezone: site.timezone.clone(),
        settings: table.without(common),
    })
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawDelivery {
    rate: Option<Rate>,
    journal: Option<PathBuf>,
    keep: Option<HumanDuration>,
}

pub(super) fn delivery(table: &Settings, problems: Found<'_>) -> DeliveryConfig {
    let raw: RawDelivery = read(table, problems);
    let journal = raw.journal.map(|path| table.path(path));
    if let Some(file) = journal.as_ref().filter(|path| path.is_file()) {
        let message = format!("`journal` is a directory, but {} is a file", file.display());
        problems.push(table.problem("journal", message, None));
    }
    DeliveryConfig {
        rate: raw.rate,
        journal,
        keep: raw.keep.map_or(Duration::from_secs(90 * 86_400), |d| d.0),
    }
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawSignup {
    rate: Option<Rate>,
    per_network: Option<Rate>,
}

pub(super) fn signup(table: &Settings, problems: Found<'_>) -> SignupConfig {
    let raw: RawSignup = read(table, problems);
    let each = |count, seconds| Rate {
        count,
        per: Duration::from_secs(seconds),
    };
    SignupConfig {
        rate: raw.rate.unwrap_or(each(60, 60)),
        per_network: raw.per_network.unwrap_or(each(30, 3600)),
    }
}

/// The keys of all these tables.
#[cfg(test)]
pub(super) fn known() -> Vec<String> {
    [
        known_keys::<RawSite>(),
        known_keys::<RawServer>(),
        known_keys::<RawDatabase>(),
        known_keys::<RawDefaults>(),
        known_keys::<RawNetwork>(),
        known_keys::<RawTemplates>(),
        known_keys::<RawSource>(),
        known_keys::<RawDelivery>(),
        known_keys::<RawSignup>(),
        relay::known(),
    ]
    .iter()
    .flat_map(|keys| keys.iter().cloned())
    .collect()
}
