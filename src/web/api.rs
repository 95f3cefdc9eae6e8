//! JSON under `/api/v1`, for scripts and dashboards. Reading only: what changes things is the
//! command line.

use std::collections::BTreeMap;

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, Request, State as Shared};
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};

use super::admin::current;
use super::error::{Error, Notice};
use super::state::State;
use super::views::issue_url;
use crate::config::ChannelSchedule;
use crate::domain::{
    Article, ArticleId, ArticleState, Delivery, DeliveryState, Issue, IssueId, Payload,
    SubscriptionState, UnixMillis,
};
use crate::pipeline::status::{ChannelStatus, SourceStatus, Status};
use crate::store::ArticleFilter;

/// The hand-written description of this API, for people and generators.
pub const OPENAPI: &str = include_str!("openapi.json");

const DEFAULT_LIMIT: usize = 50;
const MOST: usize = 500;

type Answer<T> = Result<Json<T>, Error>;

/// One page of a list, newest first.
#[derive(Debug, Serialize)]
pub struct Page<T> {
    items: Vec<T>,
    /// `before` of the next page; null on the last.
    next: Option<i64>,
}

impl<T> Page<T> {
    /// A page of at most `limit`, of which there may be more when it is full.
    fn of(items: Vec<T>, limit: usize, key: impl Fn(&T) -> i64) -> Self {
        let next = items.last().filter(|_| items.len() >= limit).map(key);
        Self { items, next }
    }
}

/// What lists are asked with; each list takes the names that mean something to it.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Wanted {
    channel: Option<String>,
    source: Option<String>,
    state: Option<ArticleState>,
    before: Option<i64>,
    limit: Option<usize>,
}

impl Wanted {
    fn limit(&self) -> usize {
        self.limit.unwrap_or(DEFAULT_LIMIT).clamp(1, MOST)
    }
}

type Asked = Result<Query<Wanted>, QueryRejection>;

fn wanted(asked: Asked) -> Result<Wanted, Error> {
    match asked {
        Ok(Query(wanted)) => Ok(wanted),
        Err(rejection) => Err(Error::Unclear(rejection.body_text())),
    }
}

/// GET `/api/v1/status`.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer, as for all below.
pub async fn status(Shared(state): Shared<State>) -> Answer<Status> {
    current(&state).await.map(Json)
}

/// GET `/api/v1/sources`.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn sources(Shared(state): Shared<State>) -> Answer<Page<SourceStatus>> {
    let items = current(&state).await?.sources;
    Ok(Json(Page { items, next: None }))
}

/// A channel, with what its configuration says and who reads it.
#[derive(Debug, Serialize)]
pub struct ChannelRow {
    #[serde(flatten)]
    status: ChannelStatus,
    title: String,
    description: String,
    /// `each` or the cron expression, by name.
    schedules: BTreeMap<String, String>,
    default_schedule: String,
    timezone: String,
    subscribers: BTreeMap<&'static str, i64>,
}

/// GET `/api/v1/channels`.
///
/// # Errors
/// [`Error::Unavailable`].
pub async fn channels(Shared(state): Shared<State>) -> Answer<Page<ChannelRow>> {
    let config = state.live().config;
    let mut items = Vec::new();
    for status in current(&state).await?.channels {
        let Some(channel) = config.channels.get(&status.id) else {
            continue;
        };
        let counts = state.db().subscriber_counts(&status.id).await?;
        let expression = |schedule: &ChannelSchedule| match schedule {
            ChannelSchedule::Each => "each".to_owned(),
            ChannelSchedule::Cron(cron) => cron.expression().to_owned(),
        };
        items.push(ChannelRow {
            title: channel.title.clone(),
            description: channel.description.clone(),
            schedules: channel
                .schedules
                .iter()
                .map(|(name, schedule)| (name.clone(), expression(schedule)))
                .collect(),
            default_schedule: channel.default_schedule.clone(),
            timezone: channel.timezone.clone(),
            subscribers: SubscriptionState::ALL
                .iter()
                .map(|s| (s.as_str(), counts.get(s).copied().unwrap_or_default()))
                .collect(),
            status,
        });
    }
    Ok(Json(Page { items, next: None }))
}

/// An issue with its page and the counts of its deliveries.
#[derive(Debug, Serialize)]
pub struct IssueRow {
    #[serde(flatten)]
    issue: Issue,
    /// Its page in the archive; confirmation mail has none.
    url: Option<String>,
    deliveries: BTreeMap<&'static str, i64>,
}

async fn issue_row(state: &State, issue: Issue) -> Result<IssueRow, Error> {
    let counts = state.db().issue_counts(issue.id).await?;
    Ok(IssueRow {
        url: (!issue.is_confirmation()).then(|| issue_url(&issue, &state.live().config.server)),
        deliveries: DeliveryState::ALL
            .iter()
            .map(|s| (s.as_str(), counts.get(s).copied().unwrap_or_default()))
            .collect(),
        issue,
    })
}

/// GET `/api/v1/issues?channel=&before=&limit=`.
///
/// # Errors
/// [`Error::Unavailable`]; [`Error::Unclear`] for a query that makes no sense.
pub async fn issues(Shared(state): Shared<State>, asked: Asked) -> Answer<Page<IssueRow>> {
    let wanted = wanted(asked)?;
    let limit = wanted.limit();
    let before = wanted.before.map(IssueId);
    let channel = wanted.channel.as_deref();
    let mut items = Vec::new();
    for issue in state.db().issues(channel, before, limit).await? {
        items.push(issue_row(&state, issue).await?);
    }
    Ok(Json(Page::of(items, limit, |row| row.issue.id.0)))
}

/// An issue in full.
#[derive(Debug, Serialize)]
pub struct IssueDetail {
    #[serde(flatten)]
    row: IssueRow,
    /// In the issue's order, at the revisions that were frozen.
    articles: Vec<ArticleRow>,
    /// Deliveries that failed or are uncertain, with why; the first hundred of each.
    troubles: Vec<Delivery>,
}

/// GET `/api/v1/issues/{id}`.
///
/// # Errors
/// [`Error::Unavailable`]; [`Error::NotFound`] when there is no such issue.
pub async fn issue(Shared(state): Shared<State>, Path(id): Path<String>) -> Answer<IssueDetail> {
    let id = IssueId(id.parse().map_err(|_| Error::NotFound)?);
    let issue = state.db().issue(id).await?.ok_or(Error::NotFound)?;
    let articles = state.db().issue_articles(id).await?;
    let mut troubles = Vec::new();
    for trouble in [DeliveryState::Failed, DeliveryState::Uncertain] {
        troubles.extend(state.db().deliveries(id, Some(trouble), None, 100).await?);
    }
    Ok(Json(IssueDetail {
        row: issue_row(&state, issue).await?,
        articles: articles.iter().map(|(_, a)| ArticleRow::of(a)).collect(),
        troubles,
    }))
}

/// GET `/api/v1/payloads?channel=&before=&limit=`.
///
/// # Errors
/// [`Error::Unavailable`]; [`Error::Unclear`] for a query that makes no sense.
pub async fn payloads(Shared(state): Shared<State>, asked: Asked) -> Answer<Page<Payload>> {
    let wanted = wanted(asked)?;
    let (limit, channel) = (wanted.limit(), wanted.channel.as_deref());
    let stored = state.db().payloads(channel, wanted.before, limit).await?;
    let page = Page::of(stored, limit, |one| one.id);
    Ok(Json(Page {
        items: page.items.into_iter().map(|one| one.payload).collect(),
        next: page.next,
    }))
}

/// An article without its body.
#[derive(Debug, Serialize)]
pub struct ArticleRow {
    id: ArticleId,
    source: String,
    state: ArticleState,
    first_seen: UnixMillis,
    eligible_at: UnixMillis,
    revision: i64,
    title: String,
    url: String,
    authors: Vec<String>,
    topics: Vec<String>,
    language: String,
    published: UnixMillis,
    updated: UnixMillis,
    words: i64,
}

impl ArticleRow {
    fn of(article: &Article) -> Self {
        let revision = &article.revision;
        Self {
            id: article.id,
            source: article.source.clone(),
            state: article.state,
            first_seen: article.first_seen,
            eligible_at: article.eligible_at,
            revision: revision.number,
            title: revision.title.clone(),
            url: revision.url.clone(),
            authors: revision.authors.clone(),
            topics: revision.topics.clone(),
            language: revision.language.clone(),
            published: revision.published,
            updated: revision.updated,
            words: revision.words,
        }
    }
}

/// GET `/api/v1/articles?source=&state=&before=&limit=`.
///
/// # Errors
/// [`Error::Unavailable`]; [`Error::Unclear`] for a query that makes no sense.
pub async fn articles(Shared(state): Shared<State>, asked: Asked) -> Answer<Page<ArticleRow>> {
    let wanted = wanted(asked)?;
    let limit = wanted.limit();
    let filter = ArticleFilter {
        source: wanted.source,
        state: wanted.state,
        before: wanted.before.map(ArticleId),
    };
    let articles = state.db().articles(&filter, limit).await?;
    let items = articles.iter().map(ArticleRow::of).collect();
    Ok(Json(Page::of(items, limit, |row: &ArticleRow| row.id.0)))
}

/// GET `/api/openapi.json`.
pub async fn openapi() -> Response {
    let document = OPENAPI.replace(
        "\"{version}\"",
        concat!("\"", env!("CARGO_PKG_VERSION"), "\""),
    );
    let kind = HeaderValue::from_static("application/json");
    ([(CONTENT_TYPE, kind)], document).into_response()
}

/// Middleware: refusals under `/api` are JSON, `{"error": "…"}`.
pub async fn dress(request: Request, next: Next) -> Response {
    #[derive(Serialize)]
    struct Refusal {
        error: String,
    }
    let mut response = next.run(request).await;
    let Some(notice) = response.extensions_mut().remove::<Notice>() else {
        return response;
    };
    let status: StatusCode = response.status();
    let retry_after = response.headers().get("retry-after").cloned();
    let mut refusal = (status, Json(Refusal { error: notice.text })).into_response();
    if let Some(seconds) = retry_after {
        refusal.headers_mut().insert("retry-after", seconds);
    }
    refusal
}
