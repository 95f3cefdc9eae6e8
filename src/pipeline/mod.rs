//! Where the store meets the adapters.
