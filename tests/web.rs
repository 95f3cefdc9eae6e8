//! What readers, feed programs, mail providers, operators and attackers get over HTTP: told to
//! a real server on loopback, over a real database.

#![expect(clippy::unwrap_used, reason = "a story that cannot be told has failed")]

#[path = "web/house.rs"]
mod house;
#[path = "web/kit.rs"]
mod kit;
mod support;

#[path = "web/admin.rs"]
mod admin;
#[path = "web/archive.rs"]
mod archive;
#[path = "web/bad_hubs.rs"]
mod bad_hubs;
#[path = "web/confirm.rs"]
mod confirm;
#[path = "web/connections.rs"]
mod connections;
#[path = "web/feeds.rs"]
mod feeds;
#[path = "web/hubs.rs"]
mod hubs;
#[path = "web/push.rs"]
mod push;
#[path = "web/readers.rs"]
mod readers;
#[path = "web/signup.rs"]
mod signup;
#[path = "web/signup_abuse.rs"]
mod signup_abuse;
