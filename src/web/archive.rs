//! The home page and the archive: what can be followed, and what has been published.

use axum::extract::{Path, Query, State as Shared};
use axum::http::HeaderMap;
use axum::response::Response;
use serde::{Deserialize, Serialize};

use super::error::Error;
use super::page;
use super::state::{Live, State};
use super::views::{ChannelView, IssueLine, Tongue, issue_url, title_of};
use crate::channels::feed;
use crate::config::ChannelConfig;
use crate::domain::{Article, ArticleState, Issue, IssueState, UnixMillis};
use crate::templates::context;

/// Issues on one page of an archive.
const PAGE: usize = 50;

/// GET `/`.
///
/// # Errors
/// [`Error::Unavailable`] when the template fails.
pub async fn home(Shared(state): Shared<State>, headers: HeaderMap) -> Result<Response, Error> {
    #[derive(Serialize)]
    struct Home {
        channels: Vec<ChannelView>,
    }
    let live = state.live();
    let channels = live.config.channels.values();
    let mut channels: Vec<&ChannelConfig> = channels.filter(|c| can_be_followed(c)).collect();
    channels.sort_by_key(|channel| channel.kind == feed::KIND);
    let channels = channels
        .into_iter()
        .map(|channel| ChannelView::of(channel, &live.config))
        .collect();
    page::public(&live, &headers, "web/home.html", &Home { channels })
}

/// Newsletters that are for everybody, and feeds; posts are followed where they are posted.
fn can_be_followed(channel: &ChannelConfig) -> bool {
    channel.signup || channel.kind == feed::KIND
}

/// `?before=NUMBER` of an archive's older pages.
#[derive(Debug, Default, Deserialize)]
pub struct Older {
    before: Option<String>,
}

/// GET `/archive/{channel}`.
///
/// # Errors
/// [`Error::NotFound`] for an unknown channel or a page that is no number.
pub async fn archive(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    Query(older): Query<Older>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    #[derive(Serialize)]
    struct Archive {
        #[serde(flatten)]
        tongue: Tongue,
        channel: ChannelView,
        issues: Vec<IssueLine>,
        older_url: Option<String>,
    }
    let live = state.live();
    let config = &live.config;
    let channel = config.channels.get(&id).ok_or(Error::NotFound)?;
    let before = older.before.as_deref().map(number).transpose()?;
    let mut issues = state.db().archive(&id, before, PAGE + 1).await?;
    let has_more = issues.len() > PAGE;
    issues.truncate(PAGE);
    let view = ChannelView::of(channel, config);
    let older_url = issues.last().filter(|_| has_more).map(|last| {
        let path = format!("archive/{id}?before={}", last.number);
        config.server.link(&path)
    });
    let context = Archive {
        tongue: view.tongue(),
        issues: issues
            .iter()
            .map(|issue| IssueLine::of(issue, channel, &config.server))
            .collect(),
        channel: view,
        older_url,
    };
    page::public(&live, &headers, "web/archive.html", &context)
}

/// A positive number written the one usual way, so that each page has one address.
fn number(text: &str) -> Result<i64, Error> {
    let number: i64 = text.parse().map_err(|_| Error::NotFound)?;
    if number > 0 && number.to_string() == text {
        Ok(number)
    } else {
        Err(Error::NotFound)
    }
}

/// GET `/archive/{channel}/{number}`.
///
/// # Errors
/// [`Error::NotFound`] for an unknown channel or issue, and for an issue that was never
/// published (waiting, cancelled).
pub async fn issue(
    Shared(state): Shared<State>,
    Path((id, text)): Path<(String, String)>,
    headers: HeaderMap,
) -> Result<Response, Error> {
    let live = state.live();
    let channel = live.config.channels.get(&id).ok_or(Error::NotFound)?;
    let issue = state.db().issue_by_number(&id, number(&text)?).await?;
    let issue = issue.filter(is_public).ok_or(Error::NotFound)?;
    let articles = articles_of(&state, &issue).await?;
    let context = issue_page(&live, channel, &issue, &articles);
    page::public(&live, &headers, "web/issue.html", &context)
}

fn is_public(issue: &Issue) -> bool {
    matches!(
        issue.state,
        IssueState::Sending | IssueState::Paused | IssueState::Done
    )
}

/// The issue's articles as they read today: a correction shows, what was withdrawn does not.
async fn articles_of(state: &State, issue: &Issue) -> Result<Vec<Article>, Error> {
    let frozen = state.db().issue_articles(issue.id).await?;
    let mut articles = Vec::with_capacity(frozen.len());
    for (line, _) in frozen {
        let newest = state.db().article(line.article).await?;
        articles.extend(newest.filter(|article| {
            !matches!(
                article.state,
                ArticleState::Retracted | ArticleState::Ignored
            )
        }));
    }
    Ok(articles)
}

/// What the issue's page sees beside what every page sees.
#[derive(Debug, Serialize)]
struct IssuePage {
    #[serde(flatten)]
    tongue: Tongue,
    channel: ChannelView,
    issue: IssueView,
    article: Option<context::Article>,
    links: Links,
    reader: Option<()>,
}

#[derive(Debug, Serialize)]
struct IssueView {
    id: i64,
    number: i64,
    title: String,
    url: String,
    date: UnixMillis,
    articles: Vec<context::Article>,
    headlines: Vec<context::Article>,
}

#[derive(Debug, Serialize)]
struct Links {
    web: String,
    unsubscribe: Option<String>,
    preferences: Option<String>,
    feed: Option<String>,
}

fn issue_page(live: &Live, channel: &ChannelConfig, issue: &Issue, all: &[Article]) -> IssuePage {
    let view = ChannelView::of(channel, &live.config);
    let most = usize::try_from(channel.max_articles).unwrap_or(usize::MAX);
    let (shown, rest) = all.split_at(all.len().min(most));
    let url = issue_url(issue, &live.config.server);
    IssuePage {
        tongue: view.tongue(),
        links: Links {
            web: url.clone(),
            unsubscribe: None,
            preferences: None,
            feed: view.feed_url().map(str::to_owned),
        },
        issue: IssueView {
            id: issue.id.0,
            number: issue.number,
            title: title_of(issue, channel),
            url,
            date: issue.created_at,
            articles: shown.iter().map(context::Article::from).collect(),
            headlines: rest.iter().map(context::Article::from).collect(),
        },
        article: shown.first().map(context::Article::from),
        channel: view,
        reader: None,
    }
}
