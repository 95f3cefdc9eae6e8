//! Social networks and messengers: the exact requests of a post.
//!
//! A kind turns a [`Post`] into a [`Plan`]: the text, cut by that network's own rule, and the
//! HTTP requests that would publish it, in order. Planning is pure: no clock, no network, no
//! secret. Secrets stand in the requests as `{token}` or `{webhook}`, what only an earlier
//! answer or the attempt itself knows as `{creation_id}`, `{timestamp}` and `{signature}`.
//!
//! A new kind is one file here and one line in [`KINDS`].

mod bluesky;
mod discord;
mod fitting;
mod linkedin;
mod marks;
mod mastodon;
mod settings;
mod slack;
mod telegram;
mod threads;
mod webhook;
mod x;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use crate::config::{ChannelConfig, Problem};
use crate::domain::{Post, Request};

pub use fitting::{Fitting, Limit, Render};
pub use settings::{Pace, QuietHours, Setting};

/// One kind of social channel; commands, documentation and tests derive from this.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    /// The word for `kind` in the configuration.
    pub name: &'static str,
    /// What it is, in one line.
    pub summary: &'static str,
    /// The keys of its table, besides those of every channel.
    pub settings: &'static [Setting],
    /// Reads a channel's settings.
    pub open: Open,
}

/// Reads a channel's settings, or says all that is wrong with them.
pub type Open = fn(&ChannelConfig) -> Result<Box<dyn Social>, Vec<Problem>>;

/// Every kind, in the order that listings show.
pub const KINDS: &[Kind] = &[
    mastodon::KIND,
    bluesky::KIND,
    x::KIND,
    threads::KIND,
    linkedin::KIND,
    telegram::KIND,
    discord::KIND,
    slack::KIND,
    webhook::KIND,
];

/// The kind of this name.
#[must_use]
pub fn kind(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name == name)
}

/// One channel to one network.
pub trait Social: Send + Sync {
    /// The word for its kind in the configuration.
    fn kind(&self) -> &'static str;

    /// How long its posts may be, and how it counts.
    fn limit(&self) -> Limit;

    /// The template of a post where the operator has none. Like an operator's it sees
    /// `article.title`, `.summary`, `.url` and `.topics` as [`Fitting`] gives them.
    fn default_template(&self) -> &'static str;

    /// How often the operator wants it to post.
    fn pace(&self) -> Pace;

    /// The text of a post and the requests that would publish it.
    ///
    /// # Errors
    /// When the template fails, or no shortening makes the text fit.
    fn plan(&self, post: &Post, render: &Render<'_>) -> Result<Plan, PlanError>;
}

/// What would be published, and how.
#[derive(Debug, Clone, PartialEq)]
pub struct Plan {
    /// The text as readers will see it.
    pub text: String,
    /// What would be sent, in order.
    pub requests: Vec<Request>,
}

/// Why a post cannot be planned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The template does not render; the message says where and why.
    #[error("{0}")]
    Template(String),
    /// Nothing was left to publish.
    #[error("the template made no text; an empty post cannot be published")]
    Empty,
    /// Too long after everything was shortened.
    #[error(
        "the post has {length} {unit} even without summary and hashtags, and {limit} are allowed: \
         shorten the fixed text of the template"
    )]
    TooLong {
        /// Its length at the shortest.
        length: usize,
        /// What the network allows.
        limit: usize,
        /// What the network counts.
        unit: &'static str,
    },
    /// Threads refuses more than five different links.
    #[error(
        "the post has {0} different links, and five are allowed: take some out of the template"
    )]
    TooManyLinks(usize),
    /// The article has no address of the web.
    #[error("`{0}` is not a web address, so a post cannot lead there")]
    Link(String),
}

/// A request with a JSON body.
fn json_request(method: &str, url: String, body: serde_json::Value) -> Request {
    let json = ("Content-Type".to_owned(), "application/json".to_owned());
    Request {
        method: method.to_owned(),
        url,
        headers: BTreeMap::from([json]),
        body,
    }
}

/// The same request with one more header.
fn with_header(mut request: Request, name: &str, value: &str) -> Request {
    request.headers.insert(name.to_owned(), value.to_owned());
    request
}

/// The same request, authorised by the channel's token (RFC 6750 §2.1).
fn with_token(request: Request) -> Request {
    with_header(request, "Authorization", "Bearer {token}")
}
