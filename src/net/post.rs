//! Posting a form to an address that a stranger named: a WebSub hub's.

use std::time::Duration;

use reqwest::header;
use url::Url;

use super::{Client, FetchError, error, target};

/// From the first look-up to the last byte.
const TIME: Duration = Duration::from_secs(20);
/// Hops after the first.
const REDIRECTS: usize = 3;
/// Bytes read of an answer; the rest is left.
const MOST_BYTES: usize = 2048;

/// An answer to a form, whatever its status.
#[derive(Debug, Clone)]
pub struct Posted {
    /// The status code.
    pub status: u16,
    /// `Retry-After`, as time from now.
    pub retry_after: Option<Duration>,
    /// The beginning of the body as one line, which often says why.
    pub words: String,
}

impl Client {
    /// Posts a form, and posts it again where a 307 or 308 leads. Nothing that was to travel
    /// under TLS is sent on without it.
    ///
    /// # Errors
    /// A [`FetchError`] when the address is refused or nobody answers; any status is an answer.
    pub async fn post_form(
        &self,
        url: &Url,
        fields: &[(&str, &str)],
    ) -> Result<Posted, FetchError> {
        match tokio::time::timeout(TIME, self.post(url, fields)).await {
            Ok(result) => result,
            Err(_) => Err(FetchError::Timeout {
                url: error::shown(url),
                after: TIME,
            }),
        }
    }

    async fn post(&self, start: &Url, fields: &[(&str, &str)]) -> Result<Posted, FetchError> {
        let body = url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(fields)
            .finish();
        let mut url = start.clone();
        for _ in 0..=REDIRECTS {
            let request = self
                .client_for(&url)?
                .post(url.clone())
                .header(header::CONTENT_TYPE, "application/x-www-form-urlencoded")
                .body(body.clone());
            let response = self.sent(request, &url).await?;
            if !matches!(response.status().as_u16(), 307 | 308) {
                return Ok(read(response).await);
            }
            let next = target(&url, response.headers())?;
            if url.scheme() == "https" && next.scheme() == "http" {
                return Err(FetchError::Refused {
                    url: error::shown(&next),
                    reason: format!("{} leads there without TLS", error::shown(&url)),
                });
            }
            url = next;
        }
        Err(FetchError::Redirects {
            url: error::shown(start),
            last: error::shown(&url),
            most: REDIRECTS,
        })
    }
}

/// The status with the beginning of the body; a body that breaks off ends there.
async fn read(mut response: reqwest::Response) -> Posted {
    let mut body = Vec::new();
    while body.len() < MOST_BYTES
        && let Ok(Some(chunk)) = response.chunk().await
    {
        let room = MOST_BYTES - body.len();
        body.extend_from_slice(&chunk[..chunk.len().min(room)]);
    }
    let text = String::from_utf8_lossy(&body);
    let line: Vec<&str> = text.split_whitespace().collect();
    Posted {
        status: response.status().as_u16(),
        retry_after: super::text(response.headers(), header::RETRY_AFTER)
            .and_then(|value| super::parse_retry_after(&value, super::UnixMillis::now())),
        words: line.join(" ").chars().take(200).collect(),
    }
}
