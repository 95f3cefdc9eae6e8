//! The contract of every function of the store, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

mod admission;
mod amending;
mod articles;
mod astray;
mod audience;
mod crowd;
mod doubts;
mod freezing;
mod issues;
mod kit;
mod opening;
mod outbox;
mod pruning;
mod random;
mod recovery;
mod shaping;
mod signup;
#[path = "../support/mod.rs"]
mod support;
mod turns;
mod upgrading;
mod wishes;
