//! When to ask again, whom to ask instead, and what was taken back: what headers and feeds say
//! beside their articles.

use std::time::Duration;

use reqwest::header::{self, HeaderMap, HeaderName};
use url::Url;

use crate::domain::{UnixMillis, keys_of};
use crate::net::Fetched;
use crate::sources::repair::Facts;
use crate::sources::{Hints, Hubs, Withdrawal, links};

/// Pauses longer than this are mistakes.
const LONGEST_PAUSE: Duration = Duration::from_secs(7 * 24 * 3600);
/// Hubs that are kept.
const MOST_HUBS: usize = 8;

/// What the answer's headers ask for, of a `304` too (RFC 9111 §4.3.4).
pub(in crate::sources) fn of_answer(fetched: &Fetched) -> Hints {
    Hints {
        pause: fresh_for(fetched).and_then(pause),
        ..Hints::default()
    }
}

/// How long the answer stays fresh (RFC 9111 §4.2.1): `max-age` without its age, else `Expires`.
fn fresh_for(fetched: &Fetched) -> Option<Duration> {
    let control = fetched.cache_control.as_deref().unwrap_or("");
    let control = control.to_ascii_lowercase();
    let directives = || control.split(',').map(str::trim);
    if directives().any(|d| d == "no-store" || d.starts_with("no-cache")) {
        return None;
    }
    let seconds = |text: &str| text.trim().trim_matches('"').parse::<u64>().ok();
    if let Some(most) = directives().find_map(|d| d.strip_prefix("max-age=").and_then(seconds)) {
        let age = text(&fetched.headers, header::AGE).and_then(seconds);
        return Some(Duration::from_secs(most.saturating_sub(age.unwrap_or(0))));
    }
    let date = |text: &str| {
        let date = jiff::fmt::rfc2822::parse(text.trim()).ok()?;
        Some(UnixMillis::from(date.timestamp()))
    };
    let expires = fetched.expires.as_deref().and_then(date)?;
    let now = text(&fetched.headers, header::DATE).and_then(date);
    Some(expires.since(now.unwrap_or_else(UnixMillis::now)))
}

fn text(headers: &HeaderMap, name: HeaderName) -> Option<&str> {
    headers.get(name)?.to_str().ok()
}

fn pause(wanted: Duration) -> Option<Duration> {
    (!wanted.is_zero()).then(|| wanted.min(LONGEST_PAUSE))
}

/// The answer's hints with the feed's own: `ttl`, `sy:updatePeriod`, `skipHours`, `skipDays`.
pub(super) fn with_feeds(answer: Hints, facts: &Facts) -> Hints {
    let ttl = facts
        .ttl
        .map(|minutes| Duration::from_secs(u64::from(minutes) * 60));
    let wanted = [ttl, period(facts)].into_iter().flatten().filter_map(pause);
    let every = |bits: u32, all: u32| if bits == all { 0 } else { bits };
    Hints {
        pause: wanted.chain(answer.pause).max(),
        // A feed that is silent at every hour of every day means nothing by it.
        skip_hours: every(facts.skip_hours, (1 << 24) - 1),
        skip_days: if facts.skip_days == 0x7f {
            0
        } else {
            facts.skip_days
        },
    }
}

/// `updateFrequency` times per `updatePeriod` (RSS 1.0 module Syndication).
fn period(facts: &Facts) -> Option<Duration> {
    let hours = match facts.update_period.as_deref()? {
        "hourly" => 1,
        "daily" => 24,
        "weekly" => 24 * 7,
        "monthly" => 24 * 30,
        "yearly" => 24 * 365,
        _ => return None,
    };
    let times = u64::from(facts.update_frequency.unwrap_or(1).max(1));
    Some(Duration::from_secs(hours * 3600 / times))
}

/// Hubs and topic: HTTP's `Link` headers first, then the feed's own (WebSub §4).
pub(super) fn hubs(headers: &HeaderMap, facts: &Facts, base: &Url) -> Hubs {
    let links = links::links(headers, base);
    let by = |rel: &'static str| {
        let named = links.iter().filter(move |link| link.is(rel));
        named.map(|link| link.url.as_str())
    };
    let web = |address: &str| {
        let url = base.join(address.trim()).ok()?;
        let is_web = matches!(url.scheme(), "http" | "https") && url.as_str().len() <= 2048;
        is_web.then(|| String::from(url))
    };
    let mut hubs: Vec<String> = Vec::new();
    for hub in by("hub")
        .chain(facts.hubs.iter().map(String::as_str))
        .filter_map(web)
    {
        if hubs.len() < MOST_HUBS && !hubs.contains(&hub) {
            hubs.push(hub);
        }
    }
    let topic = by("self").chain(facts.topic.as_deref()).find_map(web);
    Hubs { hubs, topic }
}

/// What the feed takes back (RFC 6721).
pub(super) fn withdrawn(facts: &Facts) -> Vec<Withdrawal> {
    let each = facts.withdrawn.iter().map(|entry| {
        let when = entry.when.as_deref().filter(|w| !w.is_empty());
        Withdrawal {
            keys: keys_of(Some(&entry.id), Some(&entry.id), "", ""),
            why: match when {
                Some(when) => format!("the feed says that it was deleted at {when}"),
                None => "the feed says that it was deleted".to_owned(),
            },
        }
    });
    each.filter(|withdrawal| !withdrawal.keys.is_empty())
        .collect()
}
