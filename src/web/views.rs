//! What the pages see: a list of what may be shown.

use serde::Serialize;

use crate::config::{ChannelConfig, Config, Server, Site};
use crate::domain::{Direction, Issue, UnixMillis, direction_of};

/// The publication.
#[derive(Debug, Serialize)]
pub struct SiteView<'a> {
    name: &'a str,
    url: &'a str,
    language: &'a str,
    timezone: &'a str,
    postal_address: &'a str,
}

impl<'a> SiteView<'a> {
    /// `[site]`, as templates know it.
    pub fn of(site: &'a Site) -> Self {
        Self {
            name: &site.name,
            url: site.url.as_str(),
            language: &site.language,
            timezone: &site.timezone,
            postal_address: &site.postal_address,
        }
    }
}

/// The three addresses of a feed.
#[derive(Debug, Serialize)]
pub struct FeedUrls {
    rss: String,
    atom: String,
    json: String,
}

/// What a page is written in: the language and its direction, as layouts know them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Tongue {
    language: String,
    dir: Direction,
}

impl Tongue {
    /// By a language's tag.
    pub fn of(language: &str) -> Self {
        Self {
            language: language.to_owned(),
            dir: direction_of(language),
        }
    }
}

/// A channel, on the pages about it and in the list of all.
#[derive(Debug, Serialize)]
pub struct ChannelView {
    id: String,
    title: String,
    description: String,
    kind: String,
    /// The one language of its articles, else the site's.
    #[serde(flatten)]
    tongue: Tongue,
    /// Its archive, under the name mails use for it.
    url: String,
    archive_url: String,
    /// The form to sign up, where readers may.
    subscribe_url: Option<String>,
    feed_urls: Option<FeedUrls>,
}

/// A newsletter that may be ticked.
#[derive(Debug, Serialize)]
pub struct ChannelChoice {
    /// The newsletter.
    #[serde(flatten)]
    pub view: ChannelView,
    /// Whether it is.
    pub chosen: bool,
}

/// What a page about several channels is written in: their language where they share one, else
/// the site's.
pub fn common_tongue<'a>(
    mut channels: impl Iterator<Item = &'a ChannelView>,
    config: &Config,
) -> Tongue {
    let first = channels.next().map(ChannelView::tongue);
    first
        .filter(|tongue| channels.all(|channel| channel.tongue == *tongue))
        .unwrap_or_else(|| Tongue::of(&config.site.language))
}

impl ChannelView {
    /// A configured channel.
    pub fn of(channel: &ChannelConfig, config: &Config) -> Self {
        let server = &config.server;
        let language = match channel.languages.as_slice() {
            [only] => only,
            _ => &config.site.language,
        };
        let feed = |ending| server.link(&format!("feeds/{}.{ending}", channel.id));
        let archive = server.link(&format!("archive/{}", channel.id));
        Self {
            id: channel.id.clone(),
            title: channel.title.clone(),
            description: channel.description.clone(),
            kind: channel.kind.clone(),
            tongue: Tongue::of(language),
            url: archive.clone(),
            archive_url: archive,
            subscribe_url: channel
                .signup
                .then(|| server.link(&format!("subscribe?channel={}", channel.id))),
            feed_urls: (channel.kind == crate::channels::feed::KIND).then(|| FeedUrls {
                rss: feed("rss"),
                atom: feed("atom"),
                json: feed("json"),
            }),
        }
    }

    /// A channel by its id, which old mails may know though the configuration no longer does.
    pub fn named(id: &str, config: &Config) -> Self {
        match config.channels.get(id) {
            Some(channel) => Self::of(channel, config),
            None => Self {
                id: id.to_owned(),
                title: id.to_owned(),
                description: String::new(),
                kind: String::new(),
                tongue: Tongue::of(&config.site.language),
                url: config.server.link(""),
                archive_url: config.server.link(""),
                subscribe_url: None,
                feed_urls: None,
            },
        }
    }

    /// What pages about it are written in.
    pub fn tongue(&self) -> Tongue {
        self.tongue.clone()
    }

    /// The RSS address, where the channel is a feed.
    pub fn feed_url(&self) -> Option<&str> {
        self.feed_urls.as_ref().map(|urls| urls.rss.as_str())
    }
}

/// A line of an archive.
#[derive(Debug, Serialize)]
pub struct IssueLine {
    number: i64,
    title: String,
    date: UnixMillis,
    url: String,
}

impl IssueLine {
    /// An issue of `channel`; one that was composed without a title bears the channel's.
    pub fn of(issue: &Issue, channel: &ChannelConfig, server: &Server) -> Self {
        Self {
            number: issue.number,
            title: title_of(issue, channel),
            date: issue.created_at,
            url: issue_url(issue, server),
        }
    }
}

/// The issue's title, or the channel's where it has none.
pub fn title_of(issue: &Issue, channel: &ChannelConfig) -> String {
    if issue.title.is_empty() {
        channel.title.clone()
    } else {
        issue.title.clone()
    }
}

/// The issue's page in the archive.
pub fn issue_url(issue: &Issue, server: &Server) -> String {
    server.link(&format!("archive/{}/{}", issue.channel, issue.number))
}
