//! `[relays.ID]`: an SMTP server that takes our mail, and how much of it at a time.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::civil::Date;
use regex::{Regex, RegexBuilder};
use serde::Deserialize;

use super::settings::Settings;
#[cfg(test)]
use super::settings::known_keys;
use super::tables::{Found, demand, read};
use super::units::from_string;
use super::values::{AtLeastOne, Day};
use super::{HumanDuration, Rate, RelayUrl, Secret};
use crate::domain::EmailAddress;

/// `[relays.ID]`: an SMTP server that takes our mail.
#[derive(Debug, Clone)]
pub struct RelayConfig {
    /// Its name in the configuration.
    pub id: String,
    /// Where it is and how to talk to it.
    pub url: RelayUrl,
    /// What to log in with; there is a user in the URL when there is one.
    pub password: Option<Secret>,
    /// The most connections at a time; 10 unless set.
    pub connections: u32,
    /// The most messages over time, of all daemons together.
    pub rate: Option<Rate>,
    /// Its part of the mail where several relays may carry it; 1 unless set.
    pub weight: u32,
    /// The most messages over one connection; 100 unless set.
    pub max_messages: u32,
    /// How long a connection is used; 5 minutes unless set.
    pub max_age: Duration,
    /// The most messages on one day of the site's zone.
    pub day_quota: Option<u32>,
    /// How its daily mail grows while its address is new to the world.
    pub warm_up: Option<WarmUp>,
    /// What to do about certain replies; the first rule that matches holds.
    pub rules: Vec<ReplyRule>,
    /// Who signs.
    pub dkim: DkimBy,
    /// Limits of single recipient domains, by the domain that names the group.
    pub domains: BTreeMap<String, DomainLimits>,
}

/// `[relays.ID.domains."DOMAIN"]`: limits of a domain, or of several that are one provider.
#[derive(Debug, Clone, PartialEq, Eq, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DomainLimits {
    /// The most messages over time to these domains, of all daemons together.
    pub rate: Option<Rate>,
    /// The most connections at a time that carry mail for these domains.
    pub connections: Option<u32>,
    /// Further domains that share these limits.
    #[serde(default)]
    pub also: Vec<String>,
}

/// A relay's first weeks: so many messages on the first day, and each day more by the same
/// factor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WarmUp {
    /// The most messages on the first day.
    pub start: u32,
    /// The most messages on the last day.
    pub end: u32,
    /// How many days it lasts, at least two.
    pub days: u32,
    /// The first day.
    pub begin: Date,
}

/// What to do when a relay answers in certain words.
#[derive(Debug, Clone)]
pub struct ReplyRule {
    /// The words, found anywhere in a reply as logs show it. Case does not matter.
    pub reply: Regex,
    /// What to do, and for how long.
    pub remedies: Vec<(Remedy, Duration)>,
}

/// What a [`ReplyRule`] does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Remedy {
    /// Send no faster than this.
    SetRate(Rate),
    /// Use no more connections than this.
    SetConnections(u32),
    /// Send nothing.
    Suspend,
}

/// Whose DKIM signatures a relay's mail carries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum DkimBy {
    /// Ours, by the keys of the channel.
    #[default]
    Sign,
    /// The relay's own: it would refuse or double ours.
    Relay,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRelay {
    url: Option<RelayUrl>,
    password: Option<Secret>,
    connections: Option<AtLeastOne>,
    rate: Option<Rate>,
    weight: Option<AtLeastOne>,
    max_messages: Option<AtLeastOne>,
    max_age: Option<HumanDuration>,
    day_quota: Option<AtLeastOne>,
    warm_up: Option<RawWarmUp>,
    rules: Option<Vec<RawRule>>,
    dkim: Option<DkimBy>,
    domains: Option<BTreeMap<String, DomainLimits>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawWarmUp {
    start: AtLeastOne,
    end: AtLeastOne,
    days: AtLeastOne,
    begin: Day,
}

pub(super) fn relay(id: &str, table: &Settings, problems: Found<'_>) -> Option<RelayConfig> {
    let raw: RawRelay = read(table, problems);
    demand(table, "url", "smtp://mail.example.org", problems);
    let url = raw.url?;
    check_login(&url, raw.password.is_some(), table, problems);
    let max_age = raw.max_age.map_or(Duration::from_secs(300), |d| d.0);
    if max_age < Duration::from_secs(1) {
        let message = "`max_age` must be a second at least";
        problems.push(table.problem("max_age", message, None));
    }
    let rules = raw.rules.into_iter().flatten();
    Some(RelayConfig {
        id: id.to_owned(),
        url: if raw.password.is_some() {
            url.with_password()
        } else {
            url
        },
        password: raw.password,
        connections: raw.connections.map_or(10, |n| n.0),
        rate: raw.rate,
        weight: raw.weight.map_or(1, |n| n.0),
        max_messages: raw.max_messages.map_or(100, |n| n.0),
        max_age,
        day_quota: raw.day_quota.map(|n| n.0),
        warm_up: raw.warm_up.map(|warm_up| warm_up.checked(table, problems)),
        rules: rules.map(|rule| rule.checked(table, problems)).collect(),
        dkim: raw.dkim.unwrap_or_default(),
        domains: groups(raw.domains.unwrap_or_default(), table, problems),
    })
}

fn check_login(url: &RelayUrl, has_password: bool, table: &Settings, problems: Found<'_>) {
    match &url.user {
        None if has_password => {
            let message = "there is a password, but nobody to log in as";
            let help = format!(
                "write the user into the url: `{}://USER@{}`",
                url.scheme.as_str(),
                url.host
            );
            problems.push(table.problem("password", message, Some(help)));
        }
        Some(user) if !has_password && !table.has("password") => {
            let message = format!("there is no password to log in as `{user}`");
            let help = "add `password = { file = \"…\" }`, or take the user out of the url";
            problems.push(table.problem("url", message, Some(help.to_owned())));
        }
        _ => {}
    }
}

impl RawWarmUp {
    fn checked(self, table: &Settings, problems: Found<'_>) -> WarmUp {
        let warm_up = WarmUp {
            start: self.start.0,
            end: self.end.0,
            days: self.days.0,
            begin: self.begin.0,
        };
        // Something stands in for a key that is missing or wrong.
        if problems.iter().any(|p| p.message.contains("`warm_up")) {
            return warm_up;
        }
        if warm_up.end < warm_up.start {
            let message = "`warm_up` ends with less mail than it begins with";
            let help = "give `end` the mail of the last day, which is more than `start`";
            problems.push(table.problem("warm_up", message, Some(help.to_owned())));
        }
        if warm_up.days < 2 {
            let message = "`warm_up` needs two `days` at least, its first and its last";
            problems.push(table.problem("warm_up", message, None));
        }
        warm_up
    }
}

/// The groups with their domains as recipients have them: lower case, A-labels.
fn groups(
    raw: BTreeMap<String, DomainLimits>,
    table: &Settings,
    problems: Found<'_>,
) -> BTreeMap<String, DomainLimits> {
    let mut group_of: BTreeMap<String, String> = BTreeMap::new();
    let mut groups = BTreeMap::new();
    for (name, mut limits) in raw {
        if limits.connections == Some(0) {
            let message = format!("`connections` of `{name}` must be at least 1");
            problems.push(table.problem_at("domains", &name, message, None));
        }
        let mut domains = Vec::new();
        for written in std::iter::once(&name).chain(&limits.also) {
            let Ok(address) = EmailAddress::parse(&format!("a@{written}")) else {
                let message = format!("`{written}` is not a domain");
                let help = "write the part after the @, as [relays.ID.domains.\"gmail.com\"]";
                problems.push(table.problem_at("domains", written, message, Some(help.to_owned())));
                continue;
            };
            let domain = address.domain().to_owned();
            match group_of.insert(domain.clone(), name.clone()) {
                None => domains.push(domain),
                Some(first) => {
                    let message = format!("`{domain}` is in the group `{first}` already");
                    let help = "a domain's mail is counted in one group: keep one of the two";
                    let help = Some(help.to_owned());
                    problems.push(table.problem_at("domains", written, message, help));
                }
            }
        }
        if !domains.is_empty() {
            let group = domains.remove(0);
            limits.also = domains;
            groups.insert(group, limits);
        }
    }
    groups
}

/// The largest automaton a rule may need: a pattern that is larger is a mistake.
const LARGEST_PATTERN: usize = 1 << 20;

struct ReplyWords(Regex);
from_string!(
    ReplyWords,
    "a regular expression in quotes",
    |text: &str| {
        if text.trim().is_empty() {
            return Err(
                "it is empty and would match every reply: write words of the reply".to_owned(),
            );
        }
        let regex = RegexBuilder::new(text)
            .case_insensitive(true)
            .size_limit(LARGEST_PATTERN)
            .build();
        regex.map(ReplyWords).map_err(|error| match error {
            regex::Error::CompiledTooBig(_) => {
                format!("`{text}` is too large for a rule: repeat less in it")
            }
            // The parser draws a picture of several lines; the last one says what is wrong.
            error => {
                let error = error.to_string();
                let why = error.lines().last().unwrap_or_default();
                let why = why.strip_prefix("error: ").unwrap_or(why);
                format!("`{text}` is not a regular expression: {why}")
            }
        })
    }
);

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    reply: ReplyWords,
    set_rate: Option<Rate>,
    set_connections: Option<AtLeastOne>,
    suspend: Option<HumanDuration>,
    #[serde(rename = "for")]
    lasts: Option<HumanDuration>,
}

impl RawRule {
    fn checked(self, table: &Settings, problems: Found<'_>) -> ReplyRule {
        let rate = self.set_rate.map(Remedy::SetRate);
        let connections = self.set_connections.map(|n| Remedy::SetConnections(n.0));
        let set: Vec<Remedy> = rate.into_iter().chain(connections).collect();
        let wrong = match (set.is_empty(), &self.lasts, &self.suspend) {
            (true, None, None) => {
                Some("this rule does nothing: add `set_rate`, `set_connections` or `suspend`")
            }
            (true, Some(_), _) => Some(
                "`for` goes with `set_rate` and `set_connections`; `suspend` says its own time",
            ),
            (false, None, _) => {
                Some("`set_rate` and `set_connections` need a time: add `for = \"90m\"`")
            }
            _ => None,
        };
        if let Some(message) = wrong {
            problems.push(table.problem_at("rules", self.reply.0.as_str(), message, None));
        }
        let lasts = self.lasts.map_or(Duration::ZERO, |d| d.0);
        let mut remedies: Vec<_> = set.into_iter().map(|remedy| (remedy, lasts)).collect();
        remedies.extend(self.suspend.map(|d| (Remedy::Suspend, d.0)));
        ReplyRule {
            reply: self.reply.0,
            remedies,
        }
    }
}

/// The keys of a relay that are written in its own table.
#[cfg(test)]
pub(super) fn known() -> std::sync::Arc<[String]> {
    let keys = known_keys::<RawRelay>();
    keys.iter()
        .filter(|key| *key != "domains")
        .cloned()
        .collect()
}
