//! The main job told from outside, on both databases: what readers get, and never twice.

mod support;

#[path = "stories/articles.rs"]
mod articles;
#[path = "stories/cadence.rs"]
mod cadence;
#[path = "stories/trouble.rs"]
mod trouble;
