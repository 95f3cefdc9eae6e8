//! What Courant is about, in plain types and pure rules: no I/O, no clock.
//!
//! Everything else imports from here; nothing here knows that databases, networks or
//! templates exist. Times are [`UnixMillis`], ids are newtypes over the database's 64-bit
//! keys, and text that will stand in a mail header or a page has a type that only holds
//! what is allowed there ([`EmailAddress`], [`HeaderText`]).

mod address;
mod article;
mod delivery;
mod identity;
mod issue;
mod language;
mod post;
mod subscriber;
mod time;
mod token;
mod web_address;

pub use address::{AddressError, EmailAddress, HeaderText, mask_addresses};
pub use article::{Article, ArticleState, Entry, Image, Revision, RevisionClass};
pub use delivery::{
    Delivery, DeliveryState, Outcome, RetryPolicy, Transition, UncertainPolicy, message_id,
};
pub use identity::{IdentityKey, KeyKind, keys_of, likeness_of, wordpress_key, words_of};
pub use issue::{CONFIRMATION, Issue, IssueArticle, IssueState, Slot};
pub use language::{Direction, base_language, canonical_language, direction_of};
pub use post::{Payload, Post, Request};
pub use subscriber::{Cadence, Subscriber, Subscription, SubscriptionState, SuppressionReason};
pub use time::UnixMillis;
pub use token::{ConfirmError, Purpose, TokenError, TokenKey};
pub use web_address::{normalise_url, strip_tracking, without_referrer};

/// Declares a database key that cannot be mistaken for another.
macro_rules! ids {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(
            Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord,
            serde::Serialize, serde::Deserialize,
        )]
        #[serde(transparent)]
        pub struct $name(pub i64);

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.fmt(f)
            }
        }
    )*};
}

ids! {
    /// The key of an [`Article`].
    ArticleId;
    /// The key of an [`Issue`].
    IssueId;
    /// The key of a [`Subscriber`].
    SubscriberId;
    /// The key of a [`Delivery`].
    DeliveryId;
}

/// Declares an enum whose variants are kept as words in the database and in JSON.
macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$vdoc:meta])* $variant:ident = $word:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// Every value, in the order of a thing's life.
            pub const ALL: &'static [Self] = &[$(Self::$variant),*];

            /// The word for this value in the database, in JSON and on the command line.
            #[must_use]
            pub fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)* }
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.pad(self.as_str())
            }
        }

        impl std::str::FromStr for $name {
            type Err = String;
            fn from_str(word: &str) -> Result<Self, String> {
                match word {
                    $($word => Ok(Self::$variant),)*
                    _ => Err(format!("`{word}` is not one of {}", [$($word),*].join(", "))),
                }
            }
        }

        impl serde::Serialize for $name {
            fn serialize<S: serde::Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
                to.serialize_str(self.as_str())
            }
        }

        impl<'de> serde::Deserialize<'de> for $name {
            fn deserialize<D: serde::Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
                let word = std::borrow::Cow::<'de, str>::deserialize(from)?;
                word.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}
pub(crate) use words;
