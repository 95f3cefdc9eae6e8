//! Mastodon and the servers that speak its API.
//!
//! The server finds links and hashtags itself and draws the card. `Idempotency-Key` makes a
//! repeated request return the first post for an hour (Mastodon API, `POST /api/v1/statuses`).

use serde_json::{Map, Value, json};

use super::fitting::{Limit, Manner, Parts, Render, fit};
use super::settings::{Address, check_secret, refuse, settings};
use super::{Kind, Pace, Plan, PlanError, Social, json_request, with_header, with_token};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::{Post, base_language};
use crate::text::{graphemes, mastodon_length, one_line};

const NAME: &str = "mastodon";

const TEMPLATE: &str = "{{ article.title }}\n\n{{ article.url }}\n\n{{ article.topics|hashtags }}";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    summary: "a Mastodon account, or one on a server that speaks Mastodon's API",
    settings: Settings::SETTINGS,
    open,
};

settings! {
    Settings {
        /// The account's server, as in "https://social.example".
        server: Address,
        /// An access token with the scope write:statuses.
        token: Option<Secret>,
        /// Who sees the posts: public (the default), unlisted, private or direct.
        visibility: Option<Visibility>,
        /// A content warning put before each post; it counts towards the length.
        content_warning: Option<String>,
        /// The most characters the server takes, when it is not 500.
        max_characters: Option<usize>,
    }
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Visibility {
    #[default]
    Public,
    Unlisted,
    Private,
    Direct,
}

fn open(channel: &ChannelConfig) -> Result<Box<dyn Social>, Vec<Problem>> {
    let settings: Settings = channel.settings.parse()?;
    let token = settings.token.as_ref();
    check_secret(
        channel,
        "token",
        token,
        "make one under Preferences, Development",
    )?;
    let mastodon = Mastodon {
        warning: one_line(settings.content_warning.as_deref().unwrap_or_default()),
        settings,
    };
    if mastodon.limit().max < 50 {
        let help = "leave `max_characters` out where the server takes 500";
        let key = if mastodon.warning.is_empty() {
            "max_characters"
        } else {
            "content_warning"
        };
        return Err(refuse(channel, key, "this leaves no room for a post", help));
    }
    Ok(Box::new(mastodon))
}

struct Mastodon {
    settings: Settings,
    warning: String,
}

impl Social for Mastodon {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> Limit {
        let max = self.settings.max_characters.unwrap_or(500);
        Limit {
            max: max.saturating_sub(graphemes(&self.warning)),
            unit: "characters",
            measure: mastodon_length,
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
        let mut body = Map::new();
        body.insert("status".into(), fitted.sent.into());
        let visibility = self.settings.visibility.unwrap_or_default();
        body.insert("visibility".into(), json!(visibility));
        // ISO 639, so without the region.
        if let Some(language) = &parts.language {
            body.insert("language".into(), base_language(language).into());
        }
        if !self.warning.is_empty() {
            body.insert("spoiler_text".into(), self.warning.clone().into());
            body.insert("sensitive".into(), true.into());
        }
        let url = self.settings.server.at("api/v1/statuses");
        let request = with_token(json_request("POST", url, Value::Object(body)));
        Ok(Plan {
            text: fitted.text,
            requests: vec![with_header(request, "Idempotency-Key", &key_of(post))],
        })
    }
}

/// The same at every attempt. The instant keeps apart two installations that post for one
/// account and number their deliveries alike.
fn key_of(post: &Post) -> String {
    format!("courant-{}-{}", post.delivery, post.created_at.0)
}
