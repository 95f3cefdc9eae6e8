//! Public and operators' pages, feeds, the API: what the world sees of Courant over HTTP.
//!
//! Two routers on two listeners, so that what is for operators is not one forgotten check away
//! from everybody. GET never changes anything, but for the questions of WebSub's hubs; the few
//! POSTs change rows through the store and never send. [`serve`] is the accept loop with the deadlines that axum's own has not;
//! `conditional` decides who gets a 304; `headers` what browsers may do with a page. Pages are
//! rendered by templates from the views in `views`, so no other value can reach them.

mod admin;
mod api;
mod archive;
mod client;
mod conditional;
mod confirm;
mod error;
mod export;
mod feeds;
mod form;
mod guard;
mod headers;
mod listen;
mod metrics;
mod page;
mod preferences;
mod push;
mod readers;
mod routes;
mod serve;
mod signup;
mod state;
mod views;
mod websub;

pub use export::{ExportError, export};
pub use listen::{Bound, ListenError, Side};
pub use routes::{admin_router, public_router};
pub use serve::{Limits, serve, serve_within};
pub use state::State;
