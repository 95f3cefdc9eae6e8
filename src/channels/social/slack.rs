//! Slack, by an incoming webhook.
//!
//! Only `&`, `<` and `>` are escaped, so that an operator's template may use `*bold*`, and a
//! feed's title cannot call `<!channel>`.

use serde_json::{Map, Value, json};

use super::fitting::{Limit, Manner, Parts, Render, fit};
use super::marks::{Meaning, marks};
use super::settings::{check_secret, settings};
use super::{Kind, Pace, Plan, PlanError, Social, json_request};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::{Image, Post};
use crate::text::{code_points, cut, one_line};

const NAME: &str = "slack";

const TEMPLATE: &str = "*{{ article.title }}*\n{{ article.summary }}\n{{ article.url }}";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    summary: "a Slack channel, by an incoming webhook",
    settings: Settings::SETTINGS,
    open,
};

settings! {
    Settings {
        /// The webhook's address, which is a secret.
        webhook: Option<Secret>,
    }
}

fn open(channel: &ChannelConfig) -> Result<Box<dyn Social>, Vec<Problem>> {
    let settings: Settings = channel.settings.parse()?;
    let webhook = settings.webhook.as_ref();
    check_secret(
        channel,
        "webhook",
        webhook,
        "add Incoming Webhooks to a Slack app",
    )?;
    Ok(Box::new(Slack { settings }))
}

struct Slack {
    settings: Settings,
}

impl Social for Slack {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> Limit {
        // A section's text; the fallback text could be longer.
        Limit {
            max: 3000,
            unit: "characters (with their escapes)",
            measure: code_points,
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
            escape_text: mrkdwn,
            ..Manner::plain(self.limit())
        };
        let fitted = fit(post, &parts, TEMPLATE, &manner, render)?;
        let mut blocks = vec![json!({
            "type": "section",
            "text": { "type": "mrkdwn", "text": fitted.sent },
        })];
        blocks.extend(parts.image.as_ref().map(|image| picture(image, &parts)));
        let topics = cut(&one_line(&post.topics.join(" · ")), 200, &code_points);
        if !topics.is_empty() {
            blocks.push(json!({
                "type": "context",
                "elements": [{ "type": "plain_text", "text": topics }],
            }));
        }
        let mut body = Map::new();
        body.insert("text".into(), fitted.sent.into());
        body.insert("blocks".into(), blocks.into());
        body.insert("unfurl_links".into(), false.into());
        body.insert("unfurl_media".into(), false.into());
        let request = json_request("POST", "{webhook}".to_owned(), Value::Object(body));
        Ok(Plan {
            text: fitted.text,
            requests: vec![request],
        })
    }
}

/// An image block wants an alternative text, of 2000 characters at most.
fn picture(image: &Image, parts: &Parts) -> Value {
    let alt = if image.alt.is_empty() {
        &parts.title
    } else {
        &image.alt
    };
    json!({
        "type": "image",
        "image_url": image.url,
        "alt_text": cut(alt, 2000, &code_points),
    })
}

/// Text as `mrkdwn`: the three characters escaped, links as `<https://…>`.
fn mrkdwn(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len() + 16);
    let mut at = 0;
    for mark in marks(text, "") {
        if let Meaning::Link(link) = mark.meaning {
            push_escaped(&mut escaped, &text[at..mark.range.start]);
            escaped.push('<');
            // `|` would begin the link's label.
            push_escaped(&mut escaped, &link.replace('|', "%7C"));
            escaped.push('>');
            at = mark.range.end;
        }
    }
    push_escaped(&mut escaped, &text[at..]);
    escaped
}

fn push_escaped(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            c => out.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::mrkdwn;

    #[test]
    fn nothing_from_outside_is_a_command() {
        assert_eq!(mrkdwn("<!channel> R&D"), "&lt;!channel&gt; R&amp;D");
        assert_eq!(
            mrkdwn("see https://a.b/?x=1&y=|2, ok"),
            "see <https://a.b/?x=1&amp;y=%7C2>, ok"
        );
    }
}
