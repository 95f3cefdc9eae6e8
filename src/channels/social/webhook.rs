//! A webhook of the operator's own, by Standard Webhooks 1.0.0.
//!
//! The body is the article as data. Its `webhook-id` is the same at every attempt, so that the
//! receiver can drop what it has; time and signature belong to the attempt.

use serde_json::{Value, json};

use super::fitting::{Fitted, Limit, Manner, Parts, Render, fit};
use super::settings::{Address, check_secret, settings};
use super::{Kind, Pace, Plan, PlanError, Social, json_request, with_header};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::Post;
use crate::text::{cut, one_line, shorten, utf8_bytes};

const NAME: &str = "webhook";

const TEMPLATE: &str = "{{ article.title }}\n\n{{ article.summary }}\n\n{{ article.url }}";

/// What the specification asks a body to stay under, in bytes.
const LARGEST_BODY: usize = 20_000;

pub(super) const KIND: Kind = Kind {
    name: NAME,
    summary: "an address of your own that takes JSON, signed by Standard Webhooks",
    settings: Settings::SETTINGS,
    open,
};

settings! {
    Settings {
        /// Where to send to.
        url: Address,
        /// What signs each request, "whsec_" and 24 to 64 bytes in base64.
        secret: Option<Secret>,
    }
}

fn open(channel: &ChannelConfig) -> Result<Box<dyn Social>, Vec<Problem>> {
    let settings: Settings = channel.settings.parse()?;
    let secret = settings.secret.as_ref();
    check_secret(
        channel,
        "secret",
        secret,
        "make one and give it to the receiver too",
    )?;
    Ok(Box::new(Webhook { settings }))
}

struct Webhook {
    settings: Settings,
}

impl Social for Webhook {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> Limit {
        Limit {
            max: 4000,
            unit: "bytes",
            measure: utf8_bytes,
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
        let manner = Manner::plain(self.limit());
        let fitted = fit(post, &parts, TEMPLATE, &manner, render)?;
        let body = [4000, 1000, 0]
            .into_iter()
            .map(|room| document(post, &parts, &fitted, room))
            .find(|body| body.to_string().len() < LARGEST_BODY)
            .ok_or_else(|| PlanError::TooLong {
                length: document(post, &parts, &fitted, 0).to_string().len(),
                limit: LARGEST_BODY,
                unit: "bytes of JSON",
            })?;
        let request = json_request("POST", self.settings.url.as_str().to_owned(), body);
        let request = with_header(request, "webhook-id", &id_of(post));
        let request = with_header(request, "webhook-timestamp", "{timestamp}");
        Ok(Plan {
            text: fitted.text,
            requests: vec![with_header(request, "webhook-signature", "v1,{signature}")],
        })
    }
}

/// The same at every attempt, without a `.`, which parts what is signed.
fn id_of(post: &Post) -> String {
    format!(
        "msg_{}_{}_{}",
        post.channel, post.delivery, post.created_at.0
    )
}

/// The article as data, each text with at most `room` bytes.
fn document(post: &Post, parts: &Parts, fitted: &Fitted, room: usize) -> Value {
    let list = |items: &[String]| -> Vec<String> {
        let items = items.iter().take(room / 100);
        items
            .map(|item| cut(&one_line(item), 100, &utf8_bytes))
            .collect()
    };
    let event = match post.article {
        Some(_) => "article.published",
        None => "issue.published",
    };
    json!({
        "type": event,
        "timestamp": post.created_at,
        "data": {
            "id": post.article,
            "issue": post.issue,
            "channel": post.channel,
            "site": one_line(&post.site),
            "title": cut(&parts.title, 1000, &utf8_bytes),
            "summary": shorten(&parts.summary, room, &utf8_bytes),
            "text": fitted.sent,
            "url": parts.url,
            "language": parts.language,
            "topics": list(&post.topics),
            "authors": list(&post.authors),
            "image": parts.image,
        },
    })
}
