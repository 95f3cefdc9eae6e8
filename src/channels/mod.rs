//! Where issues go: one folder or file per kind.

pub mod email;
pub mod feed;
pub mod social;
