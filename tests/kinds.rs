//! Kinds of source over real HTTP and real files: what they make of what they are given.

#![allow(
    clippy::unwrap_used,
    reason = "a story that cannot go on has failed, and says where"
)]

mod support;

#[path = "kinds/closed.rs"]
mod closed;
#[path = "kinds/conformance.rs"]
mod conformance;
#[path = "kinds/discovery.rs"]
mod discovery;
#[path = "kinds/kit.rs"]
mod kit;
#[path = "kinds/sitemaps.rs"]
mod sitemaps;
#[path = "kinds/wordpress.rs"]
mod wordpress;
