//! Social posts: what a network is given, in plain data.

use super::{ArticleId, DeliveryId, Image, IssueId};

/// One post before any network's own rules: made by `pipeline::compose`, read by a social
/// kind's `plan`.
#[derive(Debug, Clone, PartialEq)]
pub struct Post {
    /// The channel's name in the configuration.
    pub channel: String,
    /// The issue it belongs to.
    pub issue: IssueId,
    /// The article it announces; `None` for a digest post.
    pub article: Option<ArticleId>,
    /// The outbox row, the root of every idempotency key.
    pub delivery: DeliveryId,
    /// The operator's template for the text. `None`: the kind's own default.
    pub template: Option<String>,
    /// Plain text, one line.
    pub title: String,
    /// Plain summary; what is shortened first when the text is too long.
    pub summary: String,
    /// Where the post leads.
    pub url: String,
    /// Topics as the source wrote them.
    pub topics: Vec<String>,
    /// Names of the authors.
    pub authors: Vec<String>,
    /// The lead picture.
    pub image: Option<Image>,
    /// BCP 47 tag.
    pub language: String,
    /// The instant of the post; fixed once, the same at every attempt.
    pub created_at: super::UnixMillis,
    /// The publication's name.
    pub site: String,
}

/// One HTTP request exactly as it would be sent, secrets left out.
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Request {
    /// `POST`, `PUT` …
    pub method: String,
    /// Absolute address; a secret part is written as `{token}`.
    pub url: String,
    /// Headers by name, without `Authorization`'s value (written as `Bearer {token}`).
    pub headers: std::collections::BTreeMap<String, String>,
    /// The JSON body (forms: an object of their fields).
    pub body: serde_json::Value,
}

/// The payload file and the API's row: see the contract, "Configuration".
#[derive(Debug, Clone, PartialEq, serde::Serialize, serde::Deserialize)]
pub struct Payload {
    /// The channel's name in the configuration.
    pub channel: String,
    /// `mastodon`, `bluesky` …
    pub kind: String,
    /// The issue it belongs to.
    pub issue: IssueId,
    /// The article it announces; `None` for a digest post.
    pub article: Option<ArticleId>,
    /// The text as readers will see it.
    pub text: String,
    /// What would be sent, in order.
    pub requests: Vec<Request>,
}
