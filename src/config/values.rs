//! Values that are checked while they are read, so that a problem has its place by itself.

use std::path::{Path, PathBuf};

use ipnet::IpNet;
use jiff::civil::Date;
use url::Url;

use super::Listen;
use super::units::from_string;
use crate::schedule::{Schedule, ScheduleError, time_zone};

/// Text that is not empty.
#[derive(Debug)]
pub(super) struct Words(pub String);
from_string!(Words, "a string", |text: &str| match text.trim() {
    "" => Err("it is empty: write something, or leave the key out".to_owned()),
    _ => Ok(Words(text.to_owned())),
});

/// An `http` or `https` address.
#[derive(Debug)]
pub(super) struct WebUrl(pub Url);
from_string!(WebUrl, "a web address in quotes", |text: &str| {
    let url = Url::parse(text).ok();
    let url = url.filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    match url {
        Some(url) if !url.username().is_empty() || url.password().is_some() => {
            Err("this address is shown to readers and cannot hold a login".to_owned())
        }
        Some(url) => Ok(WebUrl(url)),
        None => Err(format!(
            "`{text}` is not a web address: write it in full, as `https://news.example.org`"
        )),
    }
});

/// A language, BCP 47 (RFC 5646 §2.1, its shape).
#[derive(Debug)]
pub(super) struct Language(pub String);
from_string!(Language, "a language tag in quotes", |text: &str| {
    if is_language_tag(text) {
        return Ok(Language(text.to_owned()));
    }
    let with_hyphens = text.replace('_', "-");
    Err(if is_language_tag(&with_hyphens) {
        format!("`{text}` is not a language tag: write `{with_hyphens}`")
    } else {
        format!("`{text}` is not a language tag: write it as `en`, `ur` or `pt-BR`")
    })
});

fn is_language_tag(text: &str) -> bool {
    let mut subtags = text.split('-');
    let language = subtags.next().unwrap_or_default();
    let is_language =
        (2..=3).contains(&language.len()) && language.bytes().all(|b| b.is_ascii_alphabetic());
    is_language
        && subtags
            .all(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// A time zone, by the name it has in the zone database.
#[derive(Debug)]
pub(super) struct Zone(pub String);
from_string!(Zone, "a time zone's name in quotes", |text: &str| {
    let zone = time_zone(text).map_err(|error| error.to_string())?;
    Ok::<_, String>(Zone(zone.iana_name().unwrap_or(text).to_owned()))
});

/// `"each"` or a cron expression, its zone yet to come.
#[derive(Debug)]
pub(super) enum Timing {
    Each,
    Cron(Schedule),
}
from_string!(Timing, "a schedule in quotes", |text: &str| {
    if text == "each" {
        return Ok(Timing::Each);
    }
    match Schedule::parse(text, "UTC") {
        Ok(schedule) => Ok(Timing::Cron(schedule)),
        Err(ScheduleError::FieldCount { .. }) if !text.contains(char::is_whitespace) => {
            Err(format!(
                "`{text}` is not a schedule: write `each`, or cron as `0 7 * * MON` or `@daily`"
            ))
        }
        Err(error) => Err(error.to_string()),
    }
});

/// A whole number from 1.
#[derive(Debug)]
pub(super) struct AtLeastOne(pub u32);

impl<'de> serde::Deserialize<'de> for AtLeastOne {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        match u32::deserialize(from)? {
            0 => Err(serde::de::Error::custom("it must be at least 1")),
            number => Ok(Self(number)),
        }
    }
}

/// A day of the calendar, written without quotes.
#[derive(Debug)]
pub(super) struct Day(pub Date);

impl<'de> serde::Deserialize<'de> for Day {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let written = toml::value::Datetime::deserialize(from)?;
        let day = written.date.filter(|_| written.time.is_none());
        day.and_then(|day| {
            let (year, month) = (i16::try_from(day.year).ok()?, i8::try_from(day.month).ok()?);
            Date::new(year, month, i8::try_from(day.day).ok()?).ok()
        })
        .map(Day)
        .ok_or_else(|| {
            let refusal = format!("`{written}` is not a day: write it as 2026-12-01");
            serde::de::Error::custom(refusal)
        })
    }
}

/// A network, or a single address as the network of itself.
#[derive(Debug)]
pub(super) struct Network(pub IpNet);
from_string!(Network, "a network in quotes", |text: &str| {
    let net = text.parse::<IpNet>();
    let net = net.or_else(|_| text.parse::<std::net::IpAddr>().map(IpNet::from));
    net.map(Network).map_err(|_| {
        format!("`{text}` is not a network: write it as `10.0.0.0/8`, `fd00::/8` or `127.0.0.1`")
    })
});

/// An address to listen on.
#[derive(Debug)]
pub(super) struct ListenOn(pub Listen);
from_string!(ListenOn, "an address in quotes", |text: &str| {
    if text == "systemd" {
        return Ok(ListenOn(Listen::Systemd));
    }
    if let Some(path) = text.strip_prefix("unix:").filter(|path| !path.is_empty()) {
        return Ok(ListenOn(Listen::Unix(PathBuf::from(path))));
    }
    let (host, port) = text.rsplit_once(':').unwrap_or((text, ""));
    let is_port = port.parse::<u16>().is_ok();
    let is_host = !host.is_empty() && (!host.contains(':') || host.starts_with('['));
    if is_port && is_host && !host.contains(['/', ' ']) {
        return Ok(ListenOn(Listen::Tcp(text.to_owned())));
    }
    Err(if host.is_empty() && is_port {
        format!("`{text}` lacks the address: write `0.0.0.0:{port}` for all of this machine's")
    } else {
        format!(
            "`{text}` is not an address to listen on: write it as `127.0.0.1:8080`, `[::]:8080`, \
             `unix:PATH` or `systemd`"
        )
    })
});

impl Listen {
    /// The same with a relative path made absolute.
    pub(super) fn below(self, base_dir: &Path) -> Self {
        match self {
            Self::Unix(path) => Self::Unix(base_dir.join(path)),
            other => other,
        }
    }
}
