//! One connection to a relay, told from outside: whatever the relay does, the verdict is true.

// Helpers of tests may unwrap as tests do.
#![allow(clippy::unwrap_used)]

mod support;

#[path = "smtp/faults.rs"]
mod faults;
#[path = "smtp/kit.rs"]
mod kit;
#[path = "smtp/pipelining.rs"]
mod pipelining;
#[path = "smtp/postfix.rs"]
mod postfix;
#[path = "smtp/protection.rs"]
mod protection;
#[path = "smtp/scripts.rs"]
mod scripts;
#[path = "smtp/table.rs"]
mod table;
#[path = "smtp/transactions.rs"]
mod transactions;
