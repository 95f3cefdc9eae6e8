//! `/websub/callback/ID`: where the hubs that we are subscribed with talk to us.
//!
//! A hub's GET is a question that the protocol has as a GET (W3C WebSub §5.3); it confirms what
//! we asked for and nothing else. Answers are plain text, whatever was in the question.

use std::time::Duration;

use axum::body::Body;
use axum::extract::{Path, Query, Request, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::error::Error;
use super::form;
use super::state::State;
use crate::pipeline::websub::{self, Intent, Known, Verdict};

/// The largest document a hub may push.
const MOST_BYTES: usize = 3 * 1024 * 1024;
/// From the end of the head to the end of the body.
const MOST_TIME: Duration = Duration::from_secs(30);
/// Longer than any callback of ours.
const MOST_ID: usize = 100;

/// GET `/websub/callback/{id}`: do we mean it?
///
/// # Errors
/// [`Error::NotFound`] for whatever we did not ask for; [`Error::Unavailable`].
pub async fn verify(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    Query(query): Query<Vec<(String, String)>>,
) -> Result<Response, Error> {
    let app = state.app()?;
    if id.len() > MOST_ID {
        return Err(Error::NotFound);
    }
    let mut intent = Intent::default();
    for (name, value) in query {
        match &*name {
            "hub.mode" => intent.mode = value,
            "hub.topic" => intent.topic = value,
            "hub.challenge" => intent.challenge = value,
            "hub.lease_seconds" => intent.lease_seconds = value.trim().parse().ok(),
            "hub.reason" => intent.reason = value,
            _ => {}
        }
    }
    match websub::verify(&app, &id, &intent, app.clock.now()).await? {
        Verdict::Confirmed(challenge) => Ok(plain(StatusCode::OK, challenge)),
        Verdict::Noted => Ok(plain(StatusCode::OK, String::new())),
        Verdict::Unknown => Err(Error::NotFound),
    }
}

/// POST `/websub/callback/{id}`: there is something new. Answered at once; what is wrong with a
/// push is nobody's business but ours.
///
/// # Errors
/// [`Error::Form`] for too much or too slow; [`Error::Unavailable`].
pub async fn push(
    Shared(state): Shared<State>,
    Path(id): Path<String>,
    request: Request,
) -> Result<Response, Error> {
    let app = state.app()?;
    let (head, body): (_, Body) = request.into_parts();
    // Nobody's push is not read.
    if id.len() > MOST_ID || app.db.hub_subscription(&id).await?.is_none() {
        return Ok(gone());
    }
    let body = form::bytes(body, MOST_BYTES, MOST_TIME).await?;
    let header = |name: &str| head.headers.get(name).and_then(|value| value.to_str().ok());
    let kind = header(CONTENT_TYPE.as_str()).map(str::to_owned);
    let signature = header("x-hub-signature");
    let now = app.clock.now();
    match websub::pushed(&app, &id, signature, kind, body.into(), now).await? {
        Known::Yes => Ok(plain(StatusCode::ACCEPTED, String::new())),
        Known::No => Ok(gone()),
    }
}

/// A hub that is told so may forget the subscription (W3C WebSub §7).
fn gone() -> Response {
    let words = "nobody is subscribed here any more\n".to_owned();
    plain(StatusCode::GONE, words)
}

fn plain(status: StatusCode, text: String) -> Response {
    let kind = HeaderValue::from_static("text/plain; charset=utf-8");
    let store = HeaderValue::from_static("no-store");
    (status, [(CONTENT_TYPE, kind), (CACHE_CONTROL, store)], text).into_response()
}
