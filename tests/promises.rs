//! The promises where they are hard to keep: what ordinary days never bring.

mod support;

#[path = "promises/readers.rs"]
mod readers;
