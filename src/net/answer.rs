//! What a server answers: the parts of it that are kept, and the bound that is held while the
//! body is read.

use std::time::Duration;

use reqwest::header::{self, HeaderMap};
use url::Url;

use super::{FetchError, Limits, error};
use crate::domain::UnixMillis;

/// A good answer: `2xx` with its body, or `304`.
#[derive(Debug, Clone)]
pub struct Fetched {
    /// The status code.
    pub status: u16,
    /// The address that answered, after redirects.
    pub final_url: Url,
    /// Where the asked address has moved for good: the end of the run of 301 and 308 that
    /// starts the chain. A 302, 303 or 307 ends the run, and so does a step from https to http.
    pub permanent_redirect: Option<Url>,
    /// `ETag`, byte for byte.
    pub etag: Option<String>,
    /// `Last-Modified`, byte for byte.
    pub last_modified: Option<String>,
    /// `Content-Type`.
    pub content_type: Option<String>,
    /// `Retry-After`, as time from now.
    pub retry_after: Option<Duration>,
    /// `Cache-Control`.
    pub cache_control: Option<String>,
    /// `Expires`.
    pub expires: Option<String>,
    /// All headers.
    pub headers: HeaderMap,
    /// The body, decompressed; empty for 304.
    pub body: Vec<u8>,
    /// Whether it was `304 Not Modified`.
    pub not_modified: bool,
}

pub(super) fn target(url: &Url, headers: &HeaderMap) -> Result<Url, FetchError> {
    let bad = |location: &str| FetchError::Location {
        url: error::shown(url),
        location: location.chars().take(200).collect(),
    };
    let location = text(headers, header::LOCATION).ok_or_else(|| bad(""))?;
    // `/\evil.example` is a path to one reader and a host to another.
    if location.contains('\\') {
        return Err(bad(&location));
    }
    url.join(&location).map_err(|_| bad(&location))
}

pub(super) async fn finish(
    mut response: reqwest::Response,
    url: Url,
    moved: Option<Url>,
    limits: &Limits,
) -> Result<Fetched, FetchError> {
    let status = response.status().as_u16();
    let headers = response.headers().clone();
    let retry_after = retry_after(&headers);
    if !(200..300).contains(&status) && status != 304 {
        return Err(FetchError::Status {
            url: error::shown(&url),
            status,
            retry_after,
            bot_wall: headers.contains_key("cf-mitigated"),
        });
    }
    let too_large = || FetchError::TooLarge {
        url: error::shown(&url),
        most: limits.bytes,
    };
    let most = u64::try_from(limits.bytes).unwrap_or(u64::MAX);
    if response.content_length().is_some_and(|n| n > most) {
        return Err(too_large());
    }
    let mut body = Vec::new();
    while let Some(chunk) = response
        .chunk()
        .await
        .map_err(|e| FetchError::of_body(&e, &url))?
    {
        if body.len() + chunk.len() > limits.bytes {
            return Err(too_large());
        }
        body.extend_from_slice(&chunk);
    }
    Ok(Fetched {
        status,
        final_url: url,
        permanent_redirect: moved,
        etag: text(&headers, header::ETAG),
        last_modified: text(&headers, header::LAST_MODIFIED),
        content_type: text(&headers, header::CONTENT_TYPE),
        retry_after,
        cache_control: text(&headers, header::CACHE_CONTROL),
        expires: text(&headers, header::EXPIRES),
        headers,
        body,
        not_modified: status == 304,
    })
}

pub(super) fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let value = text(headers, header::RETRY_AFTER)?;
    parse_retry_after(&value, UnixMillis::now())
}

pub(super) fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<String> {
    let value = headers.get(name)?.as_bytes();
    (value.len() <= 2048).then(|| String::from_utf8_lossy(value).trim().to_owned())
}

/// `Retry-After` in either of its forms (RFC 9110 §10.2.3), as time from `now`; a date in the
/// past is no wait at all, and no wait is longer than a week.
#[must_use]
pub fn parse_retry_after(value: &str, now: UnixMillis) -> Option<Duration> {
    let value = value.trim();
    let wait = if let Ok(seconds) = value.parse::<u64>() {
        Duration::from_secs(seconds)
    } else {
        let date = jiff::fmt::rfc2822::parse(value).ok()?;
        UnixMillis::from(date.timestamp()).since(now)
    };
    Some(wait.min(Duration::from_secs(7 * 24 * 3600)))
}
