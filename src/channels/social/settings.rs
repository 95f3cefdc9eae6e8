//! What the tables of social channels have in common: how their keys are declared and read.

use serde::Deserialize;
use serde::de::Error as _;
use url::Url;

use crate::config::{ChannelConfig, HumanDuration, Problem, Secret};

/// One key of a kind's table, for people.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Setting {
    /// The key.
    pub key: &'static str,
    /// What it means.
    pub meaning: &'static str,
    /// Whether there must be one.
    pub required: bool,
}

/// Declares a kind's settings once: the struct that is read and the keys that documentation
/// lists. An `Option` may be left out; each table has `limits` too.
macro_rules! settings {
    ($(#[doc = $about:literal])* $name:ident {
        $($(#[doc = $doc:literal])+ $key:ident: $type:ty,)*
    }) => {
        $(#[doc = $about])*
        #[derive(Debug, Clone, serde::Deserialize)]
        #[serde(deny_unknown_fields)]
        pub(super) struct $name {
            $($(#[doc = $doc])+ pub(super) $key: $type,)*
            /// How often to post.
            pub(super) limits: Option<$crate::channels::social::Pace>,
        }

        impl $name {
            pub(super) const SETTINGS: &'static [$crate::channels::social::Setting] = &[
                $($crate::channels::social::Setting {
                    key: stringify!($key),
                    meaning: concat!($($doc),+).trim_ascii(),
                    required: !$crate::channels::social::settings::is_optional(stringify!($type)),
                },)*
                $crate::channels::social::settings::LIMITS,
            ];
        }
    };
}
pub(super) use settings;

/// The key that each kind has.
pub(super) const LIMITS: Setting = Setting {
    key: "limits",
    meaning: "How often to post: { per_hour = 6, gap = \"5m\", quiet = \"23:00-06:00\" }.",
    required: false,
};

/// Whether a key of this type may be left out.
pub(super) const fn is_optional(type_name: &str) -> bool {
    matches!(
        type_name.as_bytes(),
        [b'O', b'p', b't', b'i', b'o', b'n', ..]
    )
}

/// How often a channel may post; more waits for its turn.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Pace {
    /// The most posts in any hour.
    pub per_hour: Option<u32>,
    /// The least time between two posts.
    pub gap: Option<HumanDuration>,
    /// The hours without posts, on the channel's clock.
    pub quiet: Option<QuietHours>,
}

/// The hours from one time of day to another, over midnight where the second is earlier.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct QuietHours {
    /// Their first minute.
    pub from: jiff::civil::Time,
    /// The first minute after them.
    pub until: jiff::civil::Time,
}

impl QuietHours {
    /// Whether this time of day is one of them.
    #[must_use]
    pub fn cover(self, time: jiff::civil::Time) -> bool {
        if self.from <= self.until {
            self.from <= time && time < self.until
        } else {
            self.from <= time || time < self.until
        }
    }
}

impl<'de> Deserialize<'de> for QuietHours {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        let time = |text: &str| jiff::civil::Time::strptime("%H:%M", text.trim()).ok();
        text.split_once('-')
            .and_then(|(from, until)| {
                Some(Self {
                    from: time(from)?,
                    until: time(until)?,
                })
            })
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "`{text}` is no span of hours; write it as 23:00-06:00"
                ))
            })
    }
}

/// The address of a server, to which paths are added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Address(String);

impl Address {
    /// An address that is part of the program.
    pub(super) fn known(address: &str) -> Self {
        Self(address.to_owned())
    }

    /// The address of a path on this server.
    pub(super) fn at(&self, path: &str) -> String {
        format!("{}/{path}", self.0.trim_end_matches('/'))
    }

    pub(super) fn as_str(&self) -> &str {
        &self.0
    }
}

impl<'de> Deserialize<'de> for Address {
    fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let text = String::deserialize(from)?;
        Url::parse(&text)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.fragment().is_none())
            .map(|url| Self(url.into()))
            .ok_or_else(|| {
                D::Error::custom(format!(
                    "`{text}` is no web address; write it as https://social.example"
                ))
            })
    }
}

/// A problem when the channel is to publish and lacks what that takes.
pub(super) fn check_secret(
    channel: &ChannelConfig,
    key: &str,
    secret: Option<&Secret>,
    where_from: &str,
) -> Result<(), Vec<Problem>> {
    if !channel.publish || secret.is_some() {
        return Ok(());
    }
    Err(vec![channel.settings.problem(
        "publish",
        format!("`publish = true` needs a `{key}`"),
        Some(format!(
            "{where_from}; write it as {key} = {{ env = \"NAME\" }}, {{ file = \"PATH\" }} or \
             {{ credential = \"NAME\" }}. Without it, `publish = false` makes payloads only"
        )),
    )])
}

/// A problem with the value of one key.
pub(super) fn refuse(
    channel: &ChannelConfig,
    key: &str,
    message: impl Into<String>,
    help: impl Into<String>,
) -> Vec<Problem> {
    vec![
        channel
            .settings
            .problem(key, message.into(), Some(help.into())),
    ]
}
