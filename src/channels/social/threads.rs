//! Threads: a container is made, then published.
//!
//! The container's id is what a lost answer is looked up by, so it is kept between the two
//! requests. Each post may carry one topic, which is no part of the text.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::fitting::{Limit, LinkPlace, Manner, Parts, Render, fit};
use super::settings::{Address, check_secret, refuse, settings};
use super::{Kind, Pace, Plan, PlanError, Social};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::{Post, Request};
use crate::text::{cut, find_links, graphemes, one_line, threads_length};

const NAME: &str = "threads";

const TEMPLATE: &str = "{{ article.title }}\n\n{{ article.summary }}\n\n{{ article.url }}";

/// The most different links in text and attachment.
const MOST_LINKS: usize = 5;

pub(super) const KIND: Kind = Kind {
    name: NAME,
    summary: "a Threads profile",
    settings: Settings::SETTINGS,
    open,
};

settings! {
    Settings {
        /// The profile's numeric user id.
        user: String,
        /// A long-lived access token with the scope threads_content_publish.
        token: Option<Secret>,
        /// Where the API is, when it is not "https://graph.threads.net/v1.0".
        server: Option<Address>,
    }
}

fn open(channel: &ChannelConfig) -> Result<Box<dyn Social>, Vec<Problem>> {
    let settings: Settings = channel.settings.parse()?;
    let token = settings.token.as_ref();
    check_secret(
        channel,
        "token",
        token,
        "authorise an app with the Threads use case",
    )?;
    if settings.user.is_empty() || !settings.user.bytes().all(|b| b.is_ascii_digit()) {
        let message = format!("`{}` is no user id of Threads", settings.user);
        let help = "it is a number; the API's /me answers with it";
        return Err(refuse(channel, "user", message, help));
    }
    let default = Address::known("https://graph.threads.net/v1.0");
    let server = settings.server.clone().unwrap_or(default);
    Ok(Box::new(Threads { settings, server }))
}

struct Threads {
    settings: Settings,
    server: Address,
}

impl Threads {
    /// A request whose body is a form.
    fn form(&self, path: &str, mut fields: Map<String, Value>) -> Request {
        fields.insert("access_token".into(), "{token}".into());
        let form = "application/x-www-form-urlencoded".to_owned();
        Request {
            method: "POST".to_owned(),
            url: self.server.at(&format!("{}/{path}", self.settings.user)),
            headers: BTreeMap::from([("Content-Type".to_owned(), form)]),
            body: Value::Object(fields),
        }
    }
}

impl Social for Threads {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> Limit {
        Limit {
            max: 500,
            unit: "characters (an emoji counts its bytes)",
            measure: threads_length,
        }
    }

    fn default_template(&self) -> &'static str {
        TEMPLATE
    }

    fn pace(&self) -> Pace {
        self.settings.limits.unwrap_or_default()
    }

    fn plan(&self, post: &Post, render: &Render<'_>) -> Result<Plan, PlanError> {
        let parts = Parts::of(post)?;
        let manner = Manner {
            link: LinkPlace::Card,
            ..Manner::plain(self.limit())
        };
        let fitted = fit(post, &parts, TEMPLATE, &manner, render)?;
        let in_text = find_links(&fitted.sent);
        let mut links: BTreeSet<&str> =
            in_text.into_iter().map(|link| &fitted.sent[link]).collect();
        links.insert(&parts.url);
        if links.len() > MOST_LINKS {
            return Err(PlanError::TooManyLinks(links.len()));
        }
        let mut container = Map::new();
        container.insert("media_type".into(), "TEXT".into());
        container.insert("text".into(), fitted.sent.clone().into());
        container.insert("link_attachment".into(), parts.url.clone().into());
        if let Some(topic) = post.topics.iter().find_map(|topic| topic_tag(topic)) {
            container.insert("topic_tag".into(), topic.into());
        }
        let mut publish = Map::new();
        publish.insert("creation_id".into(), json!("{creation_id}"));
        Ok(Plan {
            text: fitted.text,
            requests: vec![
                self.form("threads", container),
                self.form("threads_publish", publish),
            ],
        })
    }
}

/// A topic as Threads takes it: 1 to 50 characters without `.` and `&`.
fn topic_tag(topic: &str) -> Option<String> {
    let topic = one_line(&topic.replace(['.', '&'], " "));
    let topic = if graphemes(&topic) > 50 {
        let shorter = cut(&topic, 50, &graphemes);
        shorter.trim_end_matches('…').to_owned()
    } else {
        topic
    };
    (!topic.is_empty()).then_some(topic)
}
