//! From the store's rows to what templates see ([`crate::templates::context`]).

use crate::channels::feed;
use crate::channels::social::Fitting;
use crate::config::{ChannelConfig, Config};
use crate::domain::{Article, Issue, direction_of};
use crate::templates::context::{self, Channel, Context, Links, Reader, Site};

use super::public_url;

/// Everything a rendering of `issue` sees. `articles` are those of this rendering, newest
/// first; beyond the channel's `max_articles` they become headlines.
#[must_use]
pub fn context(
    config: &Config,
    channel: &ChannelConfig,
    issue: &Issue,
    articles: &[Article],
    links: Links,
    reader: Option<Reader>,
) -> Context {
    let language = language_of(config, channel, articles);
    let most = (channel.max_articles as usize).max(1).min(articles.len());
    let (full, rest) = articles.split_at(most);
    let seen = |articles: &[Article]| articles.iter().map(context::Article::from).collect();
    Context {
        site: site(config),
        dir: direction_of(&language),
        language,
        timezone: channel.timezone.clone(),
        channel: self::channel(config, channel),
        issue: context::Issue {
            id: issue.id.0,
            number: issue.number,
            title: issue.title.clone(),
            url: issue_url(config, issue),
            date: issue.created_at,
            articles: seen(full),
            headlines: seen(rest),
        },
        article: articles.first().map(context::Article::from),
        links,
        reader,
    }
}

/// The publication.
#[must_use]
pub fn site(config: &Config) -> Site {
    Site {
        name: config.site.name.clone(),
        url: config.site.url.to_string(),
        language: config.site.language.clone(),
        timezone: config.site.timezone.clone(),
        postal_address: config.site.postal_address.clone(),
    }
}

/// A channel.
#[must_use]
pub fn channel(config: &Config, channel: &ChannelConfig) -> Channel {
    Channel {
        id: channel.id.clone(),
        title: channel.title.clone(),
        description: channel.description.clone(),
        kind: channel.kind.clone(),
        url: public_url(config, &format!("archive/{}", channel.id)),
    }
}

/// An issue's page in the archive.
#[must_use]
pub fn issue_url(config: &Config, issue: &Issue) -> String {
    public_url(
        config,
        &format!("archive/{}/{}", issue.channel, issue.number),
    )
}

/// The publication's own feed, where a channel serves one.
#[must_use]
pub fn feed_url(config: &Config) -> Option<String> {
    let feed = config.channels.values().find(|c| c.kind == feed::KIND)?;
    Some(public_url(config, &format!("feeds/{}.rss", feed.id)))
}

/// An article with what a network has room for.
#[must_use]
pub fn fitted(article: context::Article, fitting: &Fitting<'_>) -> context::Article {
    context::Article {
        title: fitting.title.to_owned(),
        summary: fitting.summary.to_owned(),
        topics: fitting.topics.to_vec(),
        url: fitting.url.to_owned(),
        ..article
    }
}

/// The language of a rendering: the articles' where they agree, else the channel's only one,
/// else the site's.
#[must_use]
pub fn language_of(config: &Config, channel: &ChannelConfig, articles: &[Article]) -> String {
    let mut languages = articles.iter().map(|a| a.revision.language.as_str());
    match (languages.next(), channel.languages.as_slice()) {
        (Some(first), _) if languages.all(|l| l == first) => first.to_owned(),
        (_, [only]) => only.clone(),
        _ => config.site.language.clone(),
    }
}
