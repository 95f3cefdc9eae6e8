//! The operators' page, health and metrics.

use std::collections::BTreeMap;
use std::time::Duration;

use axum::Json;
use axum::extract::State as Shared;
use axum::http::header::CONTENT_TYPE;
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};
use serde::Serialize;

use super::error::Error;
use super::metrics::exposition;
use super::page;
use super::state::State;
use crate::domain::{DeliveryState, Issue, IssueState, UnixMillis};
use crate::pipeline::status::{SourceStatus, Status, status};

/// Issues that wait for an operator are named up to so many.
const MOST_RESTING: usize = 20;

/// How things stand now.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer.
pub async fn current(state: &State) -> Result<Status, Error> {
    let live = state.live();
    let (relays, now) = (live.relays.as_deref(), UnixMillis::now());
    Ok(status(state.db(), &live.config, relays, state.started(), now).await?)
}

/// GET `/` of the operators' listener.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer.
pub async fn overview(Shared(state): Shared<State>) -> Result<Response, Error> {
    #[derive(Serialize)]
    struct Overview {
        needs_attention: Vec<String>,
        explanations: BTreeMap<String, String>,
        status: Status,
    }
    let status = current(&state).await?;
    let resting = state.db().resting_issues(MOST_RESTING).await?;
    let context = Overview {
        needs_attention: needs_attention(&status, &resting),
        explanations: status.sources.iter().map(explained).collect(),
        status,
    };
    page::private(&state.live(), "web/admin/overview.html", &context)
}

/// How a source does, in words, by its name.
fn explained(source: &SourceStatus) -> (String, String) {
    (source.id.clone(), source.explanation.clone())
}

/// What only a person can mend, with the command that does.
fn needs_attention(status: &Status, resting: &[Issue]) -> Vec<String> {
    let mut texts = Vec::new();
    for source in &status.sources {
        let (id, error) = (&source.id, source.error.as_deref().unwrap_or_default());
        match source.state {
            _ if !source.needs_attention => {}
            "failing" => texts.push(format!("Source {id} cannot be read: {error}")),
            "gone" => texts.push(format!(
                "Source {id} says it is gone for good; take it out of the configuration or \
                 give it its new address"
            )),
            _ => {}
        }
    }
    for relay in &status.relays {
        if relay.state.starts_with("paused") {
            texts.push(format!("Relay {} is {}", relay.id, relay.state));
        }
    }
    if status.held > 0 {
        texts.push(format!(
            "Articles that are held until you decide: {} (courant articles list --state held)",
            status.held
        ));
    }
    texts.extend(resting.iter().map(resting_issue));
    for (state, what) in [
        (DeliveryState::Uncertain, "may or may not have arrived"),
        (DeliveryState::Failed, "could not be made"),
    ] {
        let count = status.deliveries.get(&state).copied().unwrap_or_default();
        if count > 0 {
            texts.push(format!(
                "Deliveries that {what}: {count} (courant issues list)"
            ));
        }
    }
    texts
}

fn resting_issue(issue: &Issue) -> String {
    let (id, name, state) = (issue.id, issue.name(), issue.state);
    let command = match state {
        IssueState::Waiting => "approve",
        _ => "resume",
    };
    match issue.why_paused.as_str() {
        "" => format!("Issue {id} ({name}) is {state}: courant issues {command} {id}"),
        why => format!(
            "Issue {id} ({name}) is {state}: {why}. \
             When that is mended: courant issues {command} {id}"
        ),
    }
}

/// GET `/metrics`.
///
/// # Errors
/// [`Error::Unavailable`] when the database does not answer.
pub async fn metrics(Shared(state): Shared<State>) -> Result<Response, Error> {
    let status = current(&state).await?;
    let waiting = state.db().waiting_signups().await?;
    let text = exposition(&state, &status, waiting);
    let text = text.map_err(|error| Error::Unavailable(Box::new(error)))?;
    let kind = "application/openmetrics-text; version=1.0.0; charset=utf-8";
    Ok(([(CONTENT_TYPE, HeaderValue::from_static(kind))], text).into_response())
}

/// GET `/healthz`: the process answers. Says nothing about the database, because restarting
/// us does not mend that.
pub async fn healthz() -> &'static str {
    "ok\n"
}

/// GET `/readyz`: 200 when a write to the database succeeds within a second and we are not on
/// our way out, 503 otherwise.
pub async fn readyz(Shared(state): Shared<State>) -> Response {
    #[derive(Serialize)]
    struct Readiness {
        ready: bool,
        checks: Checks,
    }
    #[derive(Serialize)]
    struct Checks {
        database: String,
        draining: bool,
    }
    let probe = state.db().probe_write(UnixMillis::now());
    let database = match tokio::time::timeout(Duration::from_secs(1), probe).await {
        Ok(Ok(())) => "ok".to_owned(),
        Ok(Err(error)) => error.to_string(),
        Err(_) => "a write took more than a second".to_owned(),
    };
    let draining = state.is_draining();
    let ready = database == "ok" && !draining;
    let code = match ready {
        true => StatusCode::OK,
        false => StatusCode::SERVICE_UNAVAILABLE,
    };
    let checks = Checks { database, draining };
    (code, Json(Readiness { ready, checks })).into_response()
}
