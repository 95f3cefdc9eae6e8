//! Posting a form to an address that a stranger named: a WebSub hub's.

use std::time::Duration;

use reqwest::header;
use url::Url;

use super::{Client, FetchError, answer, error, target};

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
        retry_after: answer::retry_after(response.headers()),
        words: line.join(" ").chars().take(200).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::net::tests::loopback::{Answer, Loopback, http};

    fn client() -> Client {
        Client::new(&["127.0.0.1/32".parse().unwrap()], "courant-test").unwrap()
    }

    async fn post(url: &Url) -> Result<Posted, FetchError> {
        client()
            .post_form(url, &[("hub.mode", "subscribe"), ("a", "ä&b")])
            .await
    }

    #[tokio::test]
    async fn a_form_is_posted_again_only_where_307_and_308_lead() {
        for (status, expected) in [
            ("307 Temporary Redirect", 202),
            ("308 Permanent Redirect", 202),
            ("302 Found", 302),
            ("303 See Other", 303),
        ] {
            let hub = Loopback::serve(move |head| {
                assert!(head.starts_with("POST"), "{head}");
                assert!(
                    head.to_lowercase()
                        .contains("application/x-www-form-urlencoded")
                );
                match head.starts_with("POST /there") {
                    true => http("202 Accepted", "Retry-After: 7\r\n", "thanks\n a lot"),
                    false => http(status, "Location: /there\r\n", ""),
                }
            });
            let posted = post(&hub.await.url("/hub")).await.unwrap();
            assert_eq!(posted.status, expected, "{status}");
            if expected == 202 {
                assert_eq!(posted.words, "thanks a lot");
                assert_eq!(posted.retry_after, Some(Duration::from_secs(7)));
            }
        }
    }

    #[tokio::test]
    async fn no_redirect_leads_inside_or_in_circles_and_no_answer_is_read_to_the_end() {
        let door = |to: &'static str| {
            Loopback::serve(move |_| {
                http("307 Temporary Redirect", &format!("Location: {to}\r\n"), "")
            })
        };
        for inside in [
            "http://127.0.0.2/",
            "http://10.0.0.1/",
            "file:///etc/passwd",
        ] {
            let refused = post(&door(inside).await.url("/hub")).await.unwrap_err();
            assert!(refused.is_refused(), "{inside}: {refused}");
        }
        let round = post(&door("/again").await.url("/hub")).await.unwrap_err();
        assert!(matches!(round, FetchError::Redirects { .. }), "{round}");
        let endless = Loopback::serve(|_| http("500 No", "", "x ".repeat(5_000_000))).await;
        let posted = post(&endless.url("/hub")).await.unwrap();
        assert_eq!((posted.status, posted.words.len()), (500, 200));
        let silent = Loopback::serve(|_| Answer::Bytes(Vec::new())).await;
        assert!(post(&silent.url("/hub")).await.is_err());
    }
}
