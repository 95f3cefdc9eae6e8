//! The whole system on a machine with no network.

pub mod content;
pub mod publication;
