//! What the stories in `tests/` are told with.
#![allow(dead_code, reason = "each test binary uses a part of it")]
#![allow(clippy::unwrap_used, reason = "a story may stop at the first surprise")]

pub mod databases;
pub mod disk;
pub mod dkimpy;
pub mod host;
pub mod hub;
pub mod newsroom;
pub mod postfix;
pub mod postgres;
pub mod process;
pub mod proxy;
pub mod site;
pub mod smtp;
pub mod wordpress;
