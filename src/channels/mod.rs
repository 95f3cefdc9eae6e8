//! Where issues go: one folder or file per kind.

pub mod email;
pub mod feed;
mod file;
pub mod social;

pub use file::write_atomically;
