//! `/push/SOURCE`: where a publishing system says that there is something new.
//!
//! A source that waits for pushes takes articles here; any other takes the hint and is polled.
//! Whoever asks proves to know the source's token or signs with its secret; both are compared in
//! a time that says nothing about them. Answers are JSON, and a 202 means that it is stored.

use std::collections::BTreeMap;
use std::time::Duration;

use aws_lc_rs::{constant_time, digest};
use axum::Json;
use axum::body::Bytes;
use axum::extract::{Path, Request, State as Shared};
use axum::http::header::{
    AUTHORIZATION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};
use serde::Serialize;

use super::error::Error;
use super::form::{self, FormError};
use super::state::State;
use crate::config::{Secret, SecretError};
use crate::pipeline::App;
use crate::pipeline::app::OpenSource;
use crate::pipeline::ingest::{self, PushError, Received};
use crate::pipeline::websub::signature::{self, Signature};
use crate::sources::PushKeys;
use crate::sources::push::{self, Pushed};
use crate::store::StoreError;

/// The largest article.
const MOST_BYTES: usize = 2 * 1024 * 1024;
/// From the end of the head to the end of the body.
const MOST_TIME: Duration = Duration::from_secs(15);

/// A refusal: what is wrong, and with which fields.
#[derive(Debug, Default, Serialize)]
pub struct Refusal {
    #[serde(skip)]
    status: StatusCode,
    error: String,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    fields: BTreeMap<String, String>,
}

impl Refusal {
    fn new(status: StatusCode, error: impl Into<String>) -> Self {
        Self {
            status,
            error: error.into(),
            fields: BTreeMap::new(),
        }
    }

    fn unavailable(error: impl Into<String>) -> Self {
        Self::new(StatusCode::SERVICE_UNAVAILABLE, error)
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        tracing::error!(%error, "a push could not be stored");
        Self::unavailable("nothing was stored; send it again in a minute")
    }
}

impl From<SecretError> for Refusal {
    fn from(error: SecretError) -> Self {
        tracing::error!(%error, "a push cannot be checked");
        Self::unavailable("this push cannot be checked now; the daemon's log says why")
    }
}

impl From<Error> for Refusal {
    fn from(error: Error) -> Self {
        Self::unavailable(error.to_string())
    }
}

impl From<FormError> for Refusal {
    fn from(error: FormError) -> Self {
        match error {
            FormError::TooLarge => Self::new(
                StatusCode::PAYLOAD_TOO_LARGE,
                "a push may have 2 MiB at most; nothing was stored",
            ),
            FormError::TooSlow => Self::new(
                StatusCode::REQUEST_TIMEOUT,
                "the body did not arrive in time; nothing was stored",
            ),
        }
    }
}

impl From<PushError> for Refusal {
    fn from(error: PushError) -> Self {
        let status = match error {
            PushError::Store(error) => return error.into(),
            PushError::Busy => StatusCode::SERVICE_UNAVAILABLE,
            PushError::Unusable(_) => StatusCode::UNPROCESSABLE_ENTITY,
            PushError::NoArticle => StatusCode::NOT_FOUND,
        };
        Self::new(status, error.to_string())
    }
}

impl From<push::Refused> for Refusal {
    fn from(refused: push::Refused) -> Self {
        let mut fields = refused.0;
        match fields.remove("") {
            Some(whole) => Self::new(StatusCode::BAD_REQUEST, whole),
            None => Self {
                status: StatusCode::UNPROCESSABLE_ENTITY,
                error: "the article was not taken; see `fields`".to_owned(),
                fields,
            },
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = self.status;
        let mut response = (status, Json(self)).into_response();
        let headers = response.headers_mut();
        if status == StatusCode::UNAUTHORIZED {
            headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

/// What became of a push.
#[derive(Debug, Serialize)]
pub struct Accepted {
    source: String,
    /// `new`, `held`, `changed`, `unchanged`, `withdrawn`; or `poll`: the source is looked at.
    result: &'static str,
}

/// POST `/push/{source}`.
///
/// # Errors
/// A [`Refusal`]; then nothing was stored.
pub async fn receive(
    Shared(state): Shared<State>,
    Path(source): Path<String>,
    request: Request,
) -> Result<(StatusCode, Json<Accepted>), Refusal> {
    let app = state.app()?;
    let (head, body) = request.into_parts();
    let open = app.sources.get(&source);
    let Some((open, keys)) = open.and_then(|open| Some((open, open.push_keys()?))) else {
        let error = "there is no source of this name that takes pushes";
        return Err(Refusal::new(StatusCode::NOT_FOUND, error));
    };
    let proof = Proof::of(&head.headers)?;
    // Before anything of the body is read, where that can be.
    proof.token(&keys)?;
    refuse_large(&head.headers)?;
    let body = form::bytes(body, MOST_BYTES, MOST_TIME).await?;
    proof.signature(&keys, &body)?;
    let result = taken(&app, &source, open, &head.headers, body).await?;
    Ok((StatusCode::ACCEPTED, Json(Accepted { source, result })))
}

async fn taken(
    app: &App,
    source: &str,
    open: &OpenSource,
    headers: &HeaderMap,
    body: Bytes,
) -> Result<&'static str, Refusal> {
    let now = app.clock.now();
    if open.adapter.is_polled() {
        // Publishing systems' own hooks have bodies of their own; all they say is "look".
        if let Ok(Pushed::Article(_) | Pushed::Withdrawal(_)) = push::parse(&body) {
            let error = "this source is fetched, not pushed: send an empty body to have it \
                         fetched now, or make it a source of kind \"push\"";
            return Err(Refusal::new(StatusCode::CONFLICT, error));
        }
        app.db.wish_poll(source, now).await?;
        app.wake.ingest.notify_one();
        return Ok("poll");
    }
    if !body.trim_ascii().is_empty() && !is_json(headers) {
        let error = "send JSON, with `Content-Type: application/json`";
        return Err(Refusal::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, error));
    }
    // A large article is parsed off the threads that serve others.
    let parsed = tokio::task::spawn_blocking(move || push::parse(&body)).await;
    let parsed = parsed.map_err(|_| Refusal::unavailable("our reader broke down on it"))?;
    let received = match parsed? {
        Pushed::Article(entry) => ingest::take_article(app, source, *entry, now).await?,
        Pushed::Withdrawal(id) => ingest::take_withdrawal(app, source, &id).await?,
        Pushed::Page(url) => {
            let entry = ingest::pages::read(&app.client, &url, &open.rules).await;
            let entry = entry.map_err(|why| {
                let error =
                    format!("{why}. Or send the article itself, with `title` and `content_html`");
                Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error)
            })?;
            ingest::take_article(app, source, entry, now).await?
        }
        Pushed::Look => {
            let error = "this source waits for articles: send one as a JSON object";
            return Err(Refusal::new(StatusCode::UNPROCESSABLE_ENTITY, error));
        }
    };
    Ok(match received {
        Received::New => "new",
        Received::Held => "held",
        Received::Changed => "changed",
        Received::Unchanged => "unchanged",
        Received::Withdrawn => "withdrawn",
    })
}

/// What a request shows to prove that it may.
enum Proof {
    Token(String),
    Signature(String),
}

impl Proof {
    fn of(headers: &HeaderMap) -> Result<Self, Refusal> {
        let text = |value: &HeaderValue| value.to_str().unwrap_or_default().trim().to_owned();
        if let Some(value) = headers.get(AUTHORIZATION) {
            let value = text(value);
            let token = value
                .split_once(' ')
                .filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"));
            let (_, token) = token.ok_or_else(unproven)?;
            return Ok(Self::Token(token.trim().to_owned()));
        }
        let signature = headers.get("x-courant-signature");
        Ok(Self::Signature(text(signature.ok_or_else(unproven)?)))
    }

    /// Refuses a wrong token.
    fn token(&self, keys: &PushKeys<'_>) -> Result<(), Refusal> {
        let Self::Token(token) = self else {
            return Ok(());
        };
        match keys.token {
            Some(right) if are_equal(token, &right.resolve()?) => Ok(()),
            _ => Err(disproven("the token is not this source's")),
        }
    }

    /// Refuses a wrong signature.
    fn signature(&self, keys: &PushKeys<'_>, body: &[u8]) -> Result<(), Refusal> {
        let Self::Signature(signature) = self else {
            return Ok(());
        };
        let secret = keys.secret.map(Secret::resolve).transpose()?;
        let is_sha1 = signature.to_ascii_lowercase().starts_with("sha1=");
        match signature::check(Some(signature), secret.as_deref(), body) {
            Signature::Right if !is_sha1 => Ok(()),
            _ => Err(disproven(
                "the signature is not of this body with this source's secret",
            )),
        }
    }
}

fn unproven() -> Refusal {
    let error = "say who you are: `Authorization: Bearer TOKEN` with the source's token, or \
                 `X-Courant-Signature: sha256=HEX`, the HMAC of the body with its secret";
    Refusal::new(StatusCode::UNAUTHORIZED, error)
}

fn disproven(error: &str) -> Refusal {
    Refusal::new(StatusCode::FORBIDDEN, error)
}

/// Compares digests, so that neither the text nor its length can be told from the time it takes.
fn are_equal(given: &str, right: &str) -> bool {
    let digest = |text: &str| digest::digest(&digest::SHA256, text.as_bytes());
    constant_time::verify_slices_are_equal(digest(given).as_ref(), digest(right).as_ref()).is_ok()
}

/// Refuses by the head what is larger than may be.
fn refuse_large(headers: &HeaderMap) -> Result<(), Refusal> {
    let length = headers
        .get(CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok());
    let length: Option<u64> = length.and_then(|length| length.parse().ok());
    if length.is_some_and(|length| length > MOST_BYTES as u64) {
        return Err(FormError::TooLarge.into());
    }
    Ok(())
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok());
    let kind = kind
        .unwrap_or_default()
        .split(';')
        .next()
        .unwrap_or_default();
    let kind = kind.trim().to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}
