//! Where the store meets the adapters.

pub mod status;
