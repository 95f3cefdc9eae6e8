//! The whole system on a machine with no network.

pub mod catcher;
pub mod content;
pub mod publication;
