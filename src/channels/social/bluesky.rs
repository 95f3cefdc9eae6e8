//! Bluesky: a record in the account's repository.
//!
//! The record's key is our own, made of the post's instant and delivery, and `putRecord` with
//! `swapRecord: null` writes it only where nothing is: so a repeated request is harmless, where
//! `createRecord` would post twice. The server checks no facets; ours are right by making.

mod tid;

use serde_json::{Map, Value, json};

use super::fitting::{Limit, LinkPlace, Manner, Parts, Render, fit};
use super::marks::{Mark, Meaning, marks};
use super::settings::{Address, check_secret, refuse, settings};
use super::{Kind, Pace, Plan, PlanError, Social, json_request, with_token};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::Post;
use crate::text::{bluesky_length, cut, graphemes, hashtag, shorten};

const NAME: &str = "bluesky";

const TEMPLATE: &str = "{{ article.title }}\n\n{{ article.topics|hashtags }}";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    summary: "a Bluesky account, or one on another server of the AT Protocol",
    settings: Settings::SETTINGS,
    open,
};

settings! {
    Settings {
        /// The account's handle or DID, as in "news.example.org".
        handle: String,
        /// An app password, made under Settings, Privacy and security.
        password: Option<Secret>,
        /// The account's server, when it is not "https://bsky.social".
        server: Option<Address>,
        /// Whether a card leads to the article; true unless set.
        card: Option<bool>,
    }
}

fn open(channel: &ChannelConfig) -> Result<Box<dyn Social>, Vec<Problem>> {
    let mut settings: Settings = channel.settings.parse()?;
    let password = settings.password.as_ref();
    check_secret(
        channel,
        "password",
        password,
        "make an app password in Bluesky's settings",
    )?;
    settings.handle = settings.handle.trim_start_matches('@').to_owned();
    let is_handle = settings.handle.contains('.') && !settings.handle.contains(['/', ' ', '@']);
    if !is_handle && !settings.handle.starts_with("did:") {
        let message = format!("`{}` is no handle", settings.handle);
        let help = "write it as name.bsky.social, or as the account's did:plc:…";
        return Err(refuse(channel, "handle", message, help));
    }
    let default = Address::known("https://bsky.social");
    let server = settings.server.clone().unwrap_or(default);
    Ok(Box::new(Bluesky { settings, server }))
}

struct Bluesky {
    settings: Settings,
    server: Address,
}

impl Bluesky {
    fn has_card(&self) -> bool {
        self.settings.card.unwrap_or(true)
    }
}

impl Social for Bluesky {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> Limit {
        Limit {
            max: 300,
            unit: "characters (3000 bytes at most)",
            measure: bluesky_length,
        }
    }

    fn default_template(&self) -> &'static str {
        if self.has_card() {
            TEMPLATE
        } else {
            "{{ article.title }}\n\n{{ article.url }}\n\n{{ article.topics|hashtags }}"
        }
    }

    fn pace(&self) -> Pace {
        self.settings.limits.unwrap_or_default()
    }

    fn plan(&self, post: &Post, render: &Render<'_>) -> Result<Plan, PlanError> {
        let parts = Parts::of(post)?;
        let link = if self.has_card() {
            LinkPlace::Card
        } else {
            LinkPlace::Text
        };
        let manner = Manner {
            link,
            ..Manner::plain(self.limit())
        };
        let fitted = fit(post, &parts, self.default_template(), &manner, render)?;
        let mut record = record(post, &fitted.sent, &parts);
        if self.has_card() {
            record.insert("embed".into(), card(&parts));
        }
        let body = json!({
            "repo": self.settings.handle,
            "collection": "app.bsky.feed.post",
            "rkey": tid::of(post.created_at, post.delivery),
            "validate": true,
            "swapRecord": null,
            "record": record,
        });
        let url = self.server.at("xrpc/com.atproto.repo.putRecord");
        Ok(Plan {
            text: fitted.text,
            requests: vec![with_token(json_request("POST", url, body))],
        })
    }
}

fn record(post: &Post, text: &str, parts: &Parts) -> Map<String, Value> {
    let mut record = Map::new();
    record.insert("$type".into(), "app.bsky.feed.post".into());
    record.insert("text".into(), text.into());
    // A zone is required, and a retry must write the same bytes.
    let created = post.created_at.timestamp();
    let created = created.strftime("%Y-%m-%dT%H:%M:%S%.3fZ").to_string();
    record.insert("createdAt".into(), created.into());
    if let Some(language) = &parts.language {
        record.insert("langs".into(), json!([language]));
    }
    let marks = marks(text, &parts.url);
    let unseen = unseen_tags(post, &marks);
    if !unseen.is_empty() {
        record.insert("tags".into(), json!(unseen));
    }
    if !marks.is_empty() {
        record.insert("facets".into(), marks.into_iter().map(facet).collect());
    }
    record
}

/// `app.bsky.richtext.facet`: offsets in UTF-8 bytes.
fn facet(mark: Mark) -> Value {
    let feature = match mark.meaning {
        Meaning::Link(uri) => json!({ "$type": "app.bsky.richtext.facet#link", "uri": uri }),
        Meaning::Hashtag(tag) => json!({ "$type": "app.bsky.richtext.facet#tag", "tag": tag }),
    };
    json!({
        "index": { "byteStart": mark.range.start, "byteEnd": mark.range.end },
        "features": [feature],
    })
}

/// Topics that the text has no room for can still be found by: at most eight.
fn unseen_tags(post: &Post, marks: &[Mark]) -> Vec<String> {
    let seen = |tag: &str| {
        marks.iter().any(|mark| {
            matches!(&mark.meaning, Meaning::Hashtag(t) if t.to_lowercase() == tag.to_lowercase())
        })
    };
    let mut unseen: Vec<String> = Vec::new();
    for tag in post.topics.iter().filter_map(|topic| hashtag(topic)) {
        let tag = tag.trim_start_matches('#').to_owned();
        if !seen(&tag) && !unseen.contains(&tag) {
            unseen.push(tag);
        }
    }
    unseen.truncate(8);
    unseen
}

/// `app.bsky.embed.external`. The server fetches nothing: what is not here is not on the card.
fn card(parts: &Parts) -> Value {
    json!({
        "$type": "app.bsky.embed.external",
        "external": {
            "uri": parts.url,
            "title": cut(&parts.title, 300, &graphemes),
            "description": shorten(&parts.summary, 300, &graphemes),
        },
    })
}
