//! Telegram: a bot that writes to a channel or group.
//!
//! Formatting goes as `entities` with offsets in UTF-16 units, never as `parse_mode`: nothing
//! needs escaping, and no title can break a message.

use serde_json::{Map, Value, json};

use super::fitting::{Limit, Manner, Parts, Render, fit};
use super::marks::{Meaning, marks};
use super::settings::{Address, check_secret, refuse, settings};
use super::{Kind, Pace, Plan, PlanError, Social, json_request};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::Post;
use crate::text::utf16_units;

const NAME: &str = "telegram";

const TEMPLATE: &str = "{{ article.title }}\n\n{{ article.summary }}\n\n{{ article.url }}\n\n\
                        {{ article.topics|hashtags }}";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    summary: "a Telegram channel or group, through a bot",
    settings: Settings::SETTINGS,
    open,
};

settings! {
    Settings {
        /// The channel: "@name", or the number of a private one, as in -1001234567890.
        chat_id: ChatId,
        /// The bot's token, from @BotFather; the bot must be an administrator of the channel.
        token: Option<Secret>,
        /// Whether posts arrive without a sound; false unless set.
        silent: Option<bool>,
        /// Where the API is, when it is not "https://api.telegram.org".
        server: Option<Address>,
    }
}

#[derive(Debug, Clone, PartialEq, Eq, serde::Deserialize, serde::Serialize)]
#[serde(
    untagged,
    expecting = "a chat is \"@name\" or a number such as -1001234567890"
)]
pub(super) enum ChatId {
    Number(i64),
    Name(String),
}

fn open(channel: &ChannelConfig) -> Result<Box<dyn Social>, Vec<Problem>> {
    let mut settings: Settings = channel.settings.parse()?;
    let token = settings.token.as_ref();
    check_secret(channel, "token", token, "@BotFather gives one to each bot")?;
    if let ChatId::Name(name) = &settings.chat_id {
        match name.parse() {
            Ok(number) => settings.chat_id = ChatId::Number(number),
            Err(_) if name.len() > 1 && name.starts_with('@') => {}
            Err(_) => {
                let message = format!("`{name}` is no chat");
                let help = "write a public channel as \"@name\", a private one by its number";
                return Err(refuse(channel, "chat_id", message, help));
            }
        }
    }
    let default = Address::known("https://api.telegram.org");
    let server = settings.server.clone().unwrap_or(default);
    Ok(Box::new(Telegram { settings, server }))
}

struct Telegram {
    settings: Settings,
    server: Address,
}

impl Social for Telegram {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> Limit {
        Limit {
            max: 4096,
            unit: "characters (UTF-16 units)",
            measure: utf16_units,
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
        body.insert("chat_id".into(), json!(self.settings.chat_id));
        let entities = entities(&fitted.sent, &parts);
        if !entities.is_empty() {
            body.insert("entities".into(), entities.into());
        }
        let preview = json!({ "url": parts.url, "prefer_large_media": true });
        body.insert("link_preview_options".into(), preview);
        let silent = self.settings.silent.unwrap_or(false);
        body.insert("disable_notification".into(), silent.into());
        body.insert("text".into(), fitted.sent.into());
        let url = self.server.at("bot{token}/sendMessage");
        Ok(Plan {
            text: fitted.text,
            requests: vec![json_request("POST", url, Value::Object(body))],
        })
    }
}

/// The title in bold where the text begins with it, and each link to the whole of its address:
/// Telegram's own detection stops at brackets. Hashtags it finds alone.
fn entities(text: &str, parts: &Parts) -> Vec<Value> {
    let mut entities = Vec::new();
    if !parts.title.is_empty() && text.starts_with(parts.title.as_str()) {
        let length = utf16_units(&parts.title);
        entities.push(json!({ "type": "bold", "offset": 0, "length": length }));
    }
    for mark in marks(text, &parts.url) {
        if let Meaning::Link(url) = mark.meaning {
            let offset = utf16_units(&text[..mark.range.start]);
            let length = utf16_units(&text[mark.range]);
            entities.push(json!({
                "type": "text_link", "offset": offset, "length": length, "url": url,
            }));
        }
    }
    entities
}
