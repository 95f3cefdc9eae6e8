//! Courant: a newsletter and multi-channel syndication daemon.
//!
//! One article goes one way, left to right, and each arrow is a committed row:
//!
//! ```text
//! sources ──► ingest ──► ledger ──► plan ──► compose ──► outbox ──► dispatch
//! ```
//!
//! The modules below are listed from the ground up; a module imports only from those of
//! lower layers (`ARCHITECTURE.md` has the picture, `tests/layers.rs` holds it).

pub mod domain;
pub mod schedule;

pub mod config;
pub mod html;
pub mod net;
pub mod text;

pub mod store;
pub mod templates;

pub mod channels;
pub mod sources;

pub mod pipeline;

pub mod web;

pub mod cli;
pub mod demo;
pub mod runtime;
