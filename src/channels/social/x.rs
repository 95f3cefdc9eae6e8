//! X, API v2.
//!
//! There is no idempotency key and no language; unknown fields are refused. The page's own
//! meta tags make the card.

use serde_json::json;

use super::fitting::{Limit, Manner, Parts, Render, fit};
use super::settings::{Address, check_secret, settings};
use super::{Kind, Pace, Plan, PlanError, Social, json_request, with_token};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::Post;
use crate::text::weighted_x;

const NAME: &str = "x";

const TEMPLATE: &str = "{{ article.title }}\n\n{{ article.url }}\n\n{{ article.topics|hashtags }}";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    summary: "an account on X; its API costs money for each post, more with a link",
    settings: Settings::SETTINGS,
    open,
};

settings! {
    Settings {
        /// A user access token with the scopes tweet.write and users.read.
        token: Option<Secret>,
        /// The most weighted characters, when the account may write more than 280.
        max_characters: Option<usize>,
        /// Where the API is, when it is not "https://api.x.com".
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
        "authorise an app of the developer portal",
    )?;
    let default = Address::known("https://api.x.com");
    let server = settings.server.clone().unwrap_or(default);
    Ok(Box::new(X { settings, server }))
}

struct X {
    settings: Settings,
    server: Address,
}

impl Social for X {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> Limit {
        Limit {
            max: self.settings.max_characters.unwrap_or(280),
            unit: "weighted characters",
            measure: weighted_x,
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
        let body = json!({ "text": fitted.sent });
        let request = json_request("POST", self.server.at("2/tweets"), body);
        Ok(Plan {
            text: fitted.text,
            requests: vec![with_token(request)],
        })
    }
}
