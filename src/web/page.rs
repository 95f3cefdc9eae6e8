//! From a template and a context to a response.

use axum::body::Body;
use axum::extract::{Request, State as Shared};
use axum::http::header::{CACHE_CONTROL, CONTENT_TYPE};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use serde_json::{Map, Value};

use super::conditional::Representation;
use super::error::{Error, Notice};
use super::state::{Live, State};
use super::views::SiteView;
use crate::domain::{UnixMillis, direction_of};

const HTML: &str = "text/html; charset=utf-8";

/// Renders the template `name` with what every page sees (`site`, `home_url`, `language`,
/// `dir`, `timezone`) and its own context, whose names win.
///
/// # Errors
/// [`Error::Unavailable`] when the template fails, which an operator's own may.
pub fn render(live: &Live, name: &str, context: &impl Serialize) -> Result<String, Error> {
    let site = &live.config.site;
    let mut all = Map::new();
    all.insert("site".into(), json(&SiteView::of(site))?);
    all.insert("home_url".into(), live.config.server.link("").into());
    all.insert("language".into(), site.language.clone().into());
    all.insert("dir".into(), direction_of(&site.language).as_str().into());
    all.insert("timezone".into(), site.timezone.clone().into());
    if let Value::Object(own) = json(context)? {
        all.extend(own);
    }
    Ok(live.templates.render(name, all)?)
}

fn json(value: &impl Serialize) -> Result<Value, Error> {
    serde_json::to_value(value).map_err(|error| Error::Unavailable(Box::new(error)))
}

/// A page that is the same for everybody: may be kept for five minutes, then asked about.
///
/// # Errors
/// Those of [`render`].
pub fn public(
    live: &Live,
    request: &HeaderMap,
    name: &str,
    context: &impl Serialize,
) -> Result<Response, Error> {
    let html = render(live, name, context)?;
    let page = Representation::new(HTML, html.into_bytes());
    Ok(page.answer(request, "public, max-age=300", UnixMillis::now()))
}

/// A page for one reader or operator: kept by nobody.
///
/// # Errors
/// Those of [`render`].
pub fn private(live: &Live, name: &str, context: &impl Serialize) -> Result<Response, Error> {
    let html = render(live, name, context)?;
    let mut response = Response::new(Body::from(html));
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(HTML));
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(response)
}

/// For every address that nothing has.
pub async fn not_found() -> Error {
    Error::NotFound
}

/// For addresses that exist but not for this method. The router adds `Allow`.
pub async fn wrong_method() -> Response {
    let notice = Notice {
        key: "method",
        text: "This page can be read, but what was sent to it has no meaning here.".into(),
    };
    let mut response = (StatusCode::METHOD_NOT_ALLOWED, notice.text.clone()).into_response();
    response.extensions_mut().insert(notice);
    response
}

/// Middleware: puts the words of a refusal on a page. When even that page cannot be made, the
/// words go out as plain text.
pub async fn dress(Shared(state): Shared<State>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let Some(notice) = response.extensions_mut().remove::<Notice>() else {
        return response;
    };
    #[derive(Serialize)]
    struct Message {
        error: &'static str,
        text: String,
    }
    let context = Message {
        error: notice.key,
        text: notice.text,
    };
    if let Ok(html) = render(&state.live(), "web/message.html", &context) {
        *response.body_mut() = Body::from(html);
        let headers = response.headers_mut();
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(HTML));
        headers.remove(axum::http::header::CONTENT_LENGTH);
    }
    response
}
