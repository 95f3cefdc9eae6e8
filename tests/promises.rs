//! The promises where they are hard to keep: what ordinary days never bring.

#![allow(
    clippy::unwrap_used,
    reason = "a promise that cannot be tried has failed, and says where"
)]

mod support;

#[path = "promises/feeds.rs"]
mod feeds;
#[path = "promises/hostile.rs"]
mod hostile;
#[path = "promises/leases.rs"]
mod leases;
#[path = "promises/pace.rs"]
mod pace;
#[path = "promises/polling.rs"]
mod polling;
#[path = "promises/readers.rs"]
mod readers;
#[path = "promises/relays.rs"]
mod relays;
#[path = "promises/sources.rs"]
mod sources;
