//! LinkedIn, the Posts API.
//!
//! Text is in the format `little`: an unescaped reserved character silently ends the post, and
//! the answer is success. LinkedIn fetches no page, so the card is ours to fill.

use serde_json::json;

use super::fitting::{Limit, LinkPlace, Manner, Parts, Render, fit};
use super::settings::{Address, check_secret, refuse, settings};
use super::{Kind, Pace, Plan, PlanError, Social, json_request, with_header, with_token};
use crate::config::{ChannelConfig, Problem, Secret};
use crate::domain::Post;
use crate::text::{cut, find_hashtags, shorten, utf16_units};

const NAME: &str = "linkedin";

const TEMPLATE: &str =
    "{{ article.title }}\n\n{{ article.summary }}\n\n{{ article.topics|hashtags }}";

/// A version of the API is served for about a year.
const VERSION: &str = "202608";

pub(super) const KIND: Kind = Kind {
    name: NAME,
    summary: "a LinkedIn member or organisation page",
    settings: Settings::SETTINGS,
    open,
};

settings! {
    Settings {
        /// Who posts: "urn:li:organization:…" or "urn:li:person:…".
        author: String,
        /// An access token with the scope w_organization_social or w_member_social.
        token: Option<Secret>,
        /// The version of the API as YYYYMM, not older than a year; 202608 unless set.
        version: Option<String>,
        /// Where the API is, when it is not "https://api.linkedin.com".
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
        "authorise an app of LinkedIn's developer portal",
    )?;
    let owners = ["urn:li:organization:", "urn:li:person:"];
    if !owners
        .iter()
        .any(|owner| settings.author.starts_with(owner))
    {
        let message = format!("`{}` cannot post on LinkedIn", settings.author);
        let help = "write it as urn:li:organization:12345 or urn:li:person:abc";
        return Err(refuse(channel, "author", message, help));
    }
    let version = settings.version.as_deref().unwrap_or(VERSION);
    if version.len() != 6 || !version.bytes().all(|b| b.is_ascii_digit()) {
        let message = format!("`{version}` is no version of the API");
        let help = "a version is a year and a month, such as \"202608\"";
        return Err(refuse(channel, "version", message, help));
    }
    let default = Address::known("https://api.linkedin.com");
    Ok(Box::new(LinkedIn {
        version: version.to_owned(),
        server: settings.server.clone().unwrap_or(default),
        settings,
    }))
}

struct LinkedIn {
    settings: Settings,
    version: String,
    server: Address,
}

impl Social for LinkedIn {
    fn kind(&self) -> &'static str {
        NAME
    }

    fn limit(&self) -> Limit {
        Limit {
            max: 3000,
            unit: "characters (UTF-16 units, with the backslashes of escaping)",
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
        let manner = Manner {
            link: LinkPlace::Card,
            escape_text: little,
            ..Manner::plain(self.limit())
        };
        let fitted = fit(post, &parts, TEMPLATE, &manner, render)?;
        let body = json!({
            "author": self.settings.author,
            "commentary": fitted.sent,
            "visibility": "PUBLIC",
            "distribution": {
                "feedDistribution": "MAIN_FEED",
                "targetEntities": [],
                "thirdPartyDistributionChannels": [],
            },
            "content": { "article": {
                "source": parts.url,
                "title": cut(&parts.title, 400, &utf16_units),
                "description": shorten(&parts.summary, 300, &utf16_units),
            } },
            "lifecycleState": "PUBLISHED",
            "isReshareDisabledByAuthor": false,
        });
        let request = with_token(json_request("POST", self.server.at("rest/posts"), body));
        let request = with_header(request, "LinkedIn-Version", &self.version);
        Ok(Plan {
            text: fitted.text,
            requests: vec![with_header(request, "X-Restli-Protocol-Version", "2.0.0")],
        })
    }
}

/// Text as `little`: reserved characters behind a backslash, hashtags of letters and digits
/// left as the markup they are.
fn little(text: &str) -> String {
    let tags = find_hashtags(text);
    let is_markup = |at: usize| {
        tags.iter()
            .any(|tag| tag.range.start == at && !tag.tag.contains('_'))
    };
    let mut escaped = String::with_capacity(text.len() + 16);
    for (at, c) in text.char_indices() {
        if "\\|{}@[]()<>#*_~".contains(c) && !(c == '#' && is_markup(at)) {
            escaped.push('\\');
        }
        escaped.push(c);
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::little;

    #[test]
    fn reserved_characters_are_escaped_and_hashtags_are_not() {
        for (text, escaped) in [
            (
                "Größe zählt (Teil 1) #Nachrichten",
                "Größe zählt \\(Teil 1\\) #Nachrichten",
            ),
            (
                "a|b {c} @d [e] <f> *g* ~h \\",
                "a\\|b \\{c\\} \\@d \\[e\\] \\<f\\> \\*g\\* \\~h \\\\",
            ),
            ("C# #1 #snake_case", "C\\# \\#1 \\#snake\\_case"),
        ] {
            assert_eq!(little(text), escaped);
        }
    }
}
