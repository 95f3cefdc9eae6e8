//! The contract of every function of the store, on SQLite and on PostgreSQL.
#![expect(clippy::unwrap_used, reason = "a story that cannot go on says where")]

mod articles;
mod audience;
mod freezing;
mod issues;
mod kit;
mod opening;
mod outbox;
mod recovery;
#[path = "../support/mod.rs"]
mod support;
