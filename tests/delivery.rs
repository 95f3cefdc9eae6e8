//! Sending from end to end: what goes to which relay, when, and what stops it. Told over sinks
//! that keep what they were given, on both databases where the store has a part in it.

#![allow(
    clippy::unwrap_used,
    reason = "a story that cannot go on has failed, and says where"
)]

mod support;

#[path = "delivery/kit.rs"]
mod kit;

#[path = "delivery/failover.rs"]
mod failover;
#[path = "delivery/pace.rs"]
mod pace;
#[path = "delivery/probes.rs"]
mod probes;
#[path = "delivery/signed.rs"]
mod signed;
#[path = "delivery/table.rs"]
mod table;
#[path = "delivery/trouble.rs"]
mod trouble;
#[path = "delivery/turns.rs"]
mod turns;
