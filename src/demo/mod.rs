//! The whole system on a machine with no network.
