//! The guarded client: the only way Courant fetches anything an outsider named.
//!
//! A feed's address, a redirect, an image and a hub are input from strangers. Each hop is
//! vetted before it is asked (scheme, user, port, literal address in every disguise) and each
//! name's addresses are vetted when the connection is made, so a name that changes its mind
//! between the look-up and the connection gains nothing. Proxies of the environment are
//! ignored, redirects are followed by hand, and bodies are counted while they are inflated.
//!
//! This is not the client of SMTP relays and webhooks an operator wrote into the
//! configuration: those are trusted.

mod answer;
mod error;
mod guard;
mod login;
mod pace;
mod post;
mod resolve;
#[cfg(test)]
pub(crate) mod tests;

use std::sync::Arc;
use std::time::Duration;

use ipnet::IpNet;
use reqwest::header;
use url::Url;

pub use answer::{Fetched, parse_retry_after};
pub use error::FetchError;
pub use guard::Guard;
pub use login::Login;
pub use pace::{Pace, pause_of};
pub use post::Posted;
pub use resolve::Lookup;

use answer::{finish, retry_after, target};

/// Chooses aws-lc-rs for all TLS of this process. Call it once, before the first client;
/// further calls change nothing.
pub fn install_crypto() {
    // An error means that a provider is installed already: it was this function.
    let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
}

/// What the answer must be to be worth sending (RFC 9110 §13).
#[derive(Debug, Clone, Default)]
pub struct Conditions {
    /// The validator of the last answer, byte for byte: sent as `If-None-Match`.
    pub etag: Option<String>,
    /// The date of the last answer, byte for byte: sent as `If-Modified-Since`.
    pub last_modified: Option<String>,
    /// Media types, as in `Accept`; none means any.
    pub accept: Option<&'static str>,
}

/// How much of our time and memory one fetch may take.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Bytes of the body after decompression.
    pub bytes: usize,
    /// From the first look-up to the last byte, redirects included.
    pub time: Duration,
    /// Hops after the first.
    pub redirects: usize,
}

impl Default for Limits {
    /// A feed's limits: 15 MiB, a minute, five redirects.
    fn default() -> Self {
        Self {
            bytes: 15 * 1024 * 1024,
            time: Duration::from_secs(60),
            redirects: 5,
        }
    }
}

/// Fetches what strangers named. Cheap to clone; one per process keeps connections together.
#[derive(Clone)]
pub struct Client {
    /// Connects to public and allow-listed addresses.
    public: reqwest::Client,
    /// Connects to allow-listed addresses only: for ports that are nobody's business outside.
    allowed: reqwest::Client,
    guard: Arc<Guard>,
    /// The pause between fetches, where they belong together.
    pace: Option<Arc<Pace>>,
}

impl Client {
    /// A client that calls itself `user_agent` and may reach the addresses of `allow` although
    /// they are private or local.
    ///
    /// # Errors
    /// [`FetchError::Setup`] when the TLS library cannot start, for one when the machine has
    /// no root certificates.
    pub fn new(allow: &[IpNet], user_agent: &str) -> Result<Self, FetchError> {
        Self::with_lookup(allow, user_agent, resolve::system())
    }

    /// The same with another way of turning names into addresses.
    ///
    /// # Errors
    /// As [`Client::new`].
    pub fn with_lookup(
        allow: &[IpNet],
        user_agent: &str,
        lookup: Lookup,
    ) -> Result<Self, FetchError> {
        Self::guarded(Guard::new(allow), user_agent, lookup)
    }

    /// The same client, which may ask public addresses on `ports`, too: those that the
    /// configuration names.
    #[must_use]
    pub fn with_ports(self, ports: Vec<u16>) -> Self {
        let guard = Guard::clone(&self.guard).with_ports(ports);
        Self {
            guard: Arc::new(guard),
            ..self
        }
    }

    /// The same client, which leaves a pause between two fetches of one host.
    #[must_use]
    pub fn at_pace(&self, pace: &Arc<Pace>) -> Self {
        Self {
            pace: Some(Arc::clone(pace)),
            ..self.clone()
        }
    }

    // `lookup` and `guard` are kept by the resolvers of both clients.
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a constructor takes what it keeps"
    )]
    fn guarded(guard: Guard, user_agent: &str, lookup: Lookup) -> Result<Self, FetchError> {
        install_crypto();
        let guard = Arc::new(guard);
        let build = |only_allowed| {
            reqwest::Client::builder()
                .no_proxy()
                .redirect(reqwest::redirect::Policy::none())
                .dns_resolver(Arc::new(resolve::Vetting {
                    guard: Arc::clone(&guard),
                    lookup: Arc::clone(&lookup),
                    only_allowed,
                }))
                .connect_timeout(Duration::from_secs(10))
                .read_timeout(Duration::from_secs(20))
                .pool_idle_timeout(Duration::from_secs(15))
                // A host is asked one thing at a time.
                .pool_max_idle_per_host(1)
                .user_agent(user_agent)
                .build()
                .map_err(FetchError::Setup)
        };
        Ok(Self {
            public: build(false)?,
            allowed: build(true)?,
            guard,
            pace: None,
        })
    }

    /// Fetches `url`, following at most `limits.redirects` redirects.
    ///
    /// # Errors
    /// A [`FetchError`] for anything but `2xx` and `304`: it says what happened at which
    /// address and what can be done.
    pub async fn get(
        &self,
        url: &Url,
        conditions: &Conditions,
        limits: &Limits,
    ) -> Result<Fetched, FetchError> {
        self.get_as(None, url, conditions, limits).await
    }

    /// The same with a login, which only its own host gets to see.
    ///
    /// # Errors
    /// As [`Client::get`].
    pub async fn get_as(
        &self,
        login: Option<&Login>,
        url: &Url,
        conditions: &Conditions,
        limits: &Limits,
    ) -> Result<Fetched, FetchError> {
        if let Some(pace) = &self.pace {
            pace.wait(url).await;
        }
        let following = self.follow(login, url, conditions, limits);
        let result = tokio::time::timeout(limits.time, following).await;
        if let Some(pace) = &self.pace {
            pace.note(url);
        }
        result.unwrap_or_else(|_| {
            Err(FetchError::Timeout {
                url: error::shown(url),
                after: limits.time,
            })
        })
    }

    async fn follow(
        &self,
        login: Option<&Login>,
        start: &Url,
        conditions: &Conditions,
        limits: &Limits,
    ) -> Result<Fetched, FetchError> {
        let mut url = start.clone();
        let mut moved = None;
        let mut permanent = true;
        let mut wait = None;
        for _ in 0..=limits.redirects {
            let response = self.ask(login, &url, conditions).await?;
            let status = response.status().as_u16();
            if !matches!(status, 301 | 302 | 303 | 307 | 308) {
                return finish(response, url, moved, limits)
                    .await
                    .map(|fetched| Fetched {
                        retry_after: fetched.retry_after.max(wait),
                        ..fetched
                    })
                    .map_err(|error| error.waiting(wait));
            }
            wait = wait.max(retry_after(response.headers()));
            let next = target(&url, response.headers())?;
            permanent = permanent
                && matches!(status, 301 | 308)
                && !(url.scheme() == "https" && next.scheme() == "http");
            if permanent {
                moved = Some(next.clone());
            }
            url = next;
        }
        Err(FetchError::Redirects {
            url: error::shown(start),
            last: error::shown(&url),
            most: limits.redirects,
        })
    }

    /// One hop: vetted, sent, and the address that answered vetted again.
    async fn ask(
        &self,
        login: Option<&Login>,
        url: &Url,
        wanted: &Conditions,
    ) -> Result<reqwest::Response, FetchError> {
        let mut request = self.client_for(url)?.get(url.clone());
        for (name, value) in [
            (header::IF_NONE_MATCH, wanted.etag.as_deref()),
            (header::IF_MODIFIED_SINCE, wanted.last_modified.as_deref()),
            (header::ACCEPT, wanted.accept),
            (header::AUTHORIZATION, login.and_then(|l| l.for_url(url))),
        ] {
            // A validator is the server's own text; one that is no header value is not sent.
            if let Some(value) = value.and_then(|v| header::HeaderValue::from_str(v).ok()) {
                request = request.header(name, value);
            }
        }
        self.sent(request, url).await
    }

    /// The client that may ask `url`, after vetting it.
    fn client_for(&self, url: &Url) -> Result<&reqwest::Client, FetchError> {
        Ok(if self.guard.check(url)? {
            &self.allowed
        } else {
            &self.public
        })
    }

    /// Sends a request to `url`, and vets the address that answered.
    async fn sent(
        &self,
        request: reqwest::RequestBuilder,
        url: &Url,
    ) -> Result<reqwest::Response, FetchError> {
        let response = request
            .send()
            .await
            .map_err(|e| FetchError::of(&e, url, &self.guard))?;
        if let Some(peer) = response.remote_addr() {
            self.guard
                .judge(peer.ip())
                .map_err(|reason| FetchError::Refused {
                    url: error::shown(url),
                    reason,
                })?;
        }
        Ok(response)
    }

    /// The rules it goes by.
    #[must_use]
    pub fn guard(&self) -> &Guard {
        &self.guard
    }
}

impl std::fmt::Debug for Client {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Client")
            .field("guard", &self.guard)
            .finish_non_exhaustive()
    }
}
