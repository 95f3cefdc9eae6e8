//! Discord, by a channel's webhook.
//!
//! `wait=true` always, or errors are swallowed and no id comes back. Nobody is ever mentioned.

use serde_json::{Map, Value, json};

use super::fitting::{Limit, Manner, Parts, Render, fit};
use super::settings::{check_secret, refuse, settings};
use super::{Kind, Pace, Plan, PlanError, Social, json_request};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::Post;
use crate::text::{code_points, cut, one_line, shorten};

const NAME: &str = "discord";

/// In angle brackets a link gets no card of Discord's making beside ours.
const TEMPLATE: &str = "**{{ article.title }}**\n<{{ article.url }}>";

const TEMPLATE_WITHOUT_EMBED: &str =
    "**{{ article.title }}**\n{{ article.summary }}\n{{ article.url }}";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    summary: "a Discord channel, by its webhook",
    settings: Settings::SETTINGS,
    open,
};

settings! {
    Settings {
        /// The webhook's address, which is a secret.
        webhook: Option<Secret>,
        /// The name to post under; the webhook's own unless set.
        username: Option<String>,
        /// The picture to post with, a web address; the webhook's own unless set.
        avatar_url: Option<String>,
        /// The thread of the channel to post into.
        thread_id: Option<String>,
        /// Whether a card with summary and picture follows the text; true unless set.
        embed: Option<bool>,
    }
}

fn open(channel: &ChannelConfig) -> Result<Box<dyn Social>, Vec<Problem>> {
    let settings: Settings = channel.settings.parse()?;
    let webhook = settings.webhook.as_ref();
    check_secret(
        channel,
        "webhook",
        webhook,
        "make one in the channel's settings, Integrations",
    )?;
    if let Some(name) = &settings.username {
        let lower = name.to_lowercase();
        if lower.contains("discord") || lower.contains("clyde") || code_points(name) > 80 {
            let help = "it has at most 80 characters, without `discord` or `clyde`";
            return Err(refuse(
                channel,
                "username",
                "Discord refuses this name",
                help,
            ));
        }
    }
    if let Some(thread) = &settings.thread_id
        && !thread.bytes().all(|b| b.is_ascii_digit())
    {
        let message = format!("`{thread}` is no thread");
        return Err(refuse(
            channel,
            "thread_id",
            message,
            "a thread's id is a number",
        ));
    }
    Ok(Box::new(Discord { settings }))
}

struct Discord {
    settings: Settings,
}

impl Discord {
    fn has_embed(&self) -> bool {
        self.settings.embed.unwrap_or(true)
    }
}

impl Social for Discord {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> Limit {
        Limit {
            max: 2000,
            unit: "code points",
            measure: code_points,
        }
    }

    fn default_template(&self) -> &'static str {
        if self.has_embed() {
            TEMPLATE
        } else {
            TEMPLATE_WITHOUT_EMBED
        }
    }

    fn pace(&self) -> Pace {
        self.settings.limits.unwrap_or_default()
    }

    fn plan(&self, post: &Post, render: &Render<'_>) -> Result<Plan, PlanError> {
        let parts = Parts::of(post)?;
        let manner = Manner {
            escape_value: markdown,
            ..Manner::plain(self.limit())
        };
        let fitted = fit(post, &parts, self.default_template(), &manner, render)?;
        let mut body = Map::new();
        body.insert("content".into(), fitted.sent.into());
        body.insert("allowed_mentions".into(), json!({ "parse": [] }));
        if let Some(name) = &self.settings.username {
            body.insert("username".into(), name.clone().into());
        }
        if let Some(avatar) = &self.settings.avatar_url {
            body.insert("avatar_url".into(), avatar.clone().into());
        }
        if self.has_embed() {
            body.insert("embeds".into(), json!([embed(post, &parts)]));
        }
        let thread = self.settings.thread_id.as_ref();
        let thread = thread.map_or(String::new(), |id| format!("&thread_id={id}"));
        let url = format!("{{webhook}}?wait=true{thread}");
        Ok(Plan {
            text: fitted.text,
            requests: vec![json_request("POST", url, Value::Object(body))],
        })
    }
}

/// The card: title 256, description 4096 (ours stays readable at 400), author 256, footer 2048
/// code points.
fn embed(post: &Post, parts: &Parts) -> Map<String, Value> {
    let escaped = |text: &str| code_points(&markdown(text));
    let mut embed = Map::new();
    let title = cut(&parts.title, 256, &escaped);
    embed.insert("title".into(), markdown(&title).into());
    embed.insert("url".into(), parts.url.clone().into());
    embed.insert("timestamp".into(), json!(post.created_at));
    let summary = shorten(&parts.summary, 400, &escaped);
    if !summary.is_empty() {
        embed.insert("description".into(), markdown(&summary).into());
    }
    let authors = cut(&one_line(&post.authors.join(", ")), 256, &code_points);
    if !authors.is_empty() {
        embed.insert("author".into(), json!({ "name": authors }));
    }
    let topics = cut(&one_line(&post.topics.join(" · ")), 200, &code_points);
    if !topics.is_empty() {
        embed.insert("footer".into(), json!({ "text": topics }));
    }
    if let Some(image) = &parts.image {
        embed.insert("image".into(), json!({ "url": image.url }));
    }
    embed
}

/// A value that shows as it is written, whatever Markdown it looks like.
fn markdown(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 8);
    let mut line_start = true;
    for c in text.chars() {
        let at_line_start = line_start && matches!(c, '#' | '-' | '+');
        if "\\*_~`|[]<>".contains(c) || at_line_start {
            escaped.push('\\');
        }
        escaped.push(c);
        line_start = c == '\n';
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::markdown;

    #[test]
    fn a_title_shows_as_it_is_written() {
        assert_eq!(
            markdown("*a* _b_ `c` ||d||"),
            "\\*a\\* \\_b\\_ \\`c\\` \\|\\|d\\|\\|"
        );
        assert_eq!(
            markdown("[x](https://y) <@1>"),
            "\\[x\\](https://y) \\<@1\\>"
        );
        assert_eq!(markdown("# A - b\n- c"), "\\# A - b\n\\- c");
    }
}
