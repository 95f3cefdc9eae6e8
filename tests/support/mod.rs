//! What the stories in `tests/` are told with.
#![allow(dead_code, reason = "each test binary uses a part of it")]

pub mod databases;
pub mod newsroom;
pub mod postgres;
pub mod site;
pub mod smtp;
