//! The stages, and the only place where the store meets the adapters.
//!
//! [`ingest`] fetches sources and stores what is new; [`release`] lets articles out of their
//! hold into the ledgers of the channels that take them; [`plan`] freezes issues for the
//! people they concern, and [`signup`] asks those who signed up to confirm; [`compose`] makes
//! mails of them; [`dispatch`] sends, exports and settles. Each stage takes rows, commits rows,
//! and may die at any point: the next daemon takes the rows up. `*_due`, `poll`, `plan` and
//! `dispatch` are one step each, so that the daemon's loops, the commands and the tests run the
//! same code.

pub mod app;
pub mod audience;
pub mod check;
mod clock;
pub mod compose;
mod decide;
pub mod dispatch;
pub mod draft;
pub mod explain;
pub mod housekeeping;
pub mod ingest;
pub mod plan;
mod prepare;
pub mod publish;
pub mod release;
pub mod select;
pub mod signup;
pub mod status;
pub mod views;
mod warnings;
pub mod websub;

pub use app::{App, OpenError, Wake};
pub use clock::Clock;

use crate::config::Config;

/// An address on the public pages: `base_url` with `path` under it.
#[must_use]
pub fn public_url(config: &Config, path: &str) -> String {
    format!(
        "{}/{path}",
        config.server.base_url.as_str().trim_end_matches('/')
    )
}

/// A number made of a name, the same on every machine: spreads things that start together.
fn spread(name: &str) -> u64 {
    // FNV-1a, 64 bits.
    name.bytes().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
