//! The main job told from outside, on both databases: what readers get, and never twice.

#![allow(
    clippy::unwrap_used,
    reason = "a story that cannot go on has failed, and says where"
)]

mod support;

#[path = "stories/arrivals.rs"]
mod arrivals;
#[path = "stories/articles.rs"]
mod articles;
#[path = "stories/cadence.rs"]
mod cadence;
#[path = "stories/identity.rs"]
mod identity;
#[path = "stories/outlets.rs"]
mod outlets;
#[path = "stories/pages.rs"]
mod pages;
#[path = "stories/personal.rs"]
mod personal;
#[path = "stories/signup.rs"]
mod signup;
#[path = "stories/trouble.rs"]
mod trouble;
#[path = "stories/withdrawals.rs"]
mod withdrawals;
#[path = "stories/zones.rs"]
mod zones;
