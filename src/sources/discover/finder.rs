//! Fetching what a site may offer: each address once, and not too many.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use url::Url;

use crate::net::{Client, Conditions, FetchError, Fetched, Limits};
use crate::sources::wordpress::rest::page_limits;

/// Addresses fetched for one discovery.
const MOST_FETCHES: usize = 40;
/// All of them together.
const LONGEST: Duration = Duration::from_secs(120);
/// What is told of what was tried.
const MOST_TOLD: usize = 60;

/// An address that was looked at in vain.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Tried {
    /// The address.
    pub url: Url,
    /// What came of it, for people.
    pub result: String,
}

/// How an address is looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Look {
    /// Wherever it redirects.
    Following,
    /// Only itself: many sites send those who ask for an unknown page home.
    Straight,
}

/// Fetches for one discovery.
pub(super) struct Finder<'a> {
    pub(super) client: &'a Client,
    seen: HashSet<Url>,
    began: Instant,
    pub(super) tried: Vec<Tried>,
}

impl<'a> Finder<'a> {
    pub(super) fn new(client: &'a Client) -> Self {
        Self {
            client,
            seen: HashSet::new(),
            began: Instant::now(),
            tried: Vec::new(),
        }
    }

    /// The address that was asked about.
    pub(super) async fn first(&mut self, url: &Url) -> Result<Fetched, FetchError> {
        let fetched = self.client.get(url, &any(), &Limits::default()).await?;
        self.mark(url);
        self.mark(&fetched.final_url);
        Ok(fetched)
    }

    /// Notes that an address has been fetched.
    pub(super) fn mark(&mut self, url: &Url) {
        self.seen.insert(url.clone());
    }

    /// Notes what came of an address.
    pub(super) fn tell(&mut self, url: &Url, result: &str) {
        if self.tried.len() < MOST_TOLD {
            self.tried.push(Tried {
                url: url.clone(),
                result: result.to_owned(),
            });
        }
    }

    /// What is at an address that was not looked at before.
    pub(super) async fn get(&mut self, url: &Url, look: Look) -> Option<Fetched> {
        let is_enough = self.seen.len() >= MOST_FETCHES || self.began.elapsed() > LONGEST;
        if is_enough || !self.seen.insert(url.clone()) {
            return None;
        }
        let limits = Limits {
            bytes: Limits::default().bytes,
            redirects: if look == Look::Straight { 0 } else { 5 },
            ..page_limits()
        };
        match self.client.get(url, &any(), &limits).await {
            Ok(fetched) if fetched.final_url == *url => Some(fetched),
            // A redirect to what was looked at already is that again.
            Ok(fetched) => self
                .seen
                .insert(fetched.final_url.clone())
                .then_some(fetched),
            Err(FetchError::Redirects { .. }) if look == Look::Straight => {
                self.tell(url, "sends elsewhere");
                None
            }
            Err(error) => {
                let result = match error.status() {
                    Some(status) if !error.is_bot_wall() => format!("answers {status}"),
                    _ => error.to_string(),
                };
                self.tell(url, &result);
                None
            }
        }
    }
}

fn any() -> Conditions {
    Conditions {
        accept: Some(
            "text/html, application/rss+xml, application/atom+xml, application/feed+json, \
             application/xml;q=0.9, */*;q=0.5",
        ),
        ..Conditions::default()
    }
}
