//! The configuration: one typed, checked document, and every problem with it at once.
//!
//! [`load`] reads a TOML file (or a directory of them) and either returns a [`Config`] whose
//! every value makes sense, or all [`Problems`], each with its place, its line and what to do.
//! What only one kind of source or channel understands stays in that table's [`Settings`] and
//! is parsed by the kind itself, with the same care. Secrets are references until they are
//! used; nothing here opens a socket or a database.

mod channel;
mod checks;
mod load;
mod model;
mod node;
mod problem;
mod relay;
mod relay_url;
mod secret;
mod sections;
mod settings;
mod tables;
#[cfg(test)]
mod tests;
mod text;
mod units;
mod values;

pub use load::{from_text, load};
pub use model::{
    ChannelConfig, ChannelSchedule, Config, Database, Defaults, DeliveryConfig, FullText, Identity,
    Listen, Missed, Network, Server, SignupConfig, Site, SourceConfig, TopicFilter,
};
pub use problem::{Problem, Problems, alternatives, nearest};
pub use relay::{DkimBy, DomainLimits, RelayConfig, Remedy, ReplyRule, WarmUp};
pub use relay_url::{RelayScheme, RelayTls, RelayUrl};
pub use secret::{Secret, SecretError};
pub use settings::Settings;
pub use units::{HumanDuration, HumanSize, Rate, parse_duration, parse_size};
