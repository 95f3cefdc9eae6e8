//! Why a fetch failed, in sentences for whoever looks after the source.

use std::error::Error;
use std::time::Duration;

use url::Url;

use super::guard::{Guard, odd_port};
use super::resolve::NameError;

/// Why a fetch failed: what happened, at which address, and what can be done.
#[derive(Debug, thiserror::Error)]
pub enum FetchError {
    /// An address that is not asked.
    #[error("{url} was not fetched: {reason}")]
    Refused {
        /// The address without its query.
        url: String,
        /// Why, and what to do.
        reason: String,
    },
    /// The name has no address, or its servers do not answer.
    #[error("{url}: the host was not found ({detail}); check the spelling and the machine's DNS")]
    Dns {
        /// The address.
        url: String,
        /// The resolver's words.
        detail: String,
    },
    /// Nobody answers there.
    #[error("{url}: no connection ({detail}); the server may be down")]
    Connect {
        /// The address.
        url: String,
        /// The system's words.
        detail: String,
    },
    /// The certificate or the handshake is bad.
    #[error(
        "{url}: no secure connection ({detail}); certificates are never ignored, the site has to \
         mend this"
    )]
    Tls {
        /// The address.
        url: String,
        /// The TLS library's words.
        detail: String,
    },
    /// It took too long.
    #[error("{url}: no complete answer after {} seconds", after.as_secs_f32())]
    Timeout {
        /// The address.
        url: String,
        /// The limit that was reached.
        after: Duration,
    },
    /// The body is larger than its limit.
    #[error("{url}: the answer is larger than {} and was not read to its end", size(*most))]
    TooLarge {
        /// The address.
        url: String,
        /// The limit.
        most: usize,
    },
    /// The chain of redirects has no end.
    #[error("{url}: more than {most} redirects, the last to {last}; the site sends us in circles")]
    Redirects {
        /// The first address.
        url: String,
        /// The last one.
        last: String,
        /// The limit.
        most: usize,
    },
    /// A redirect that leads nowhere.
    #[error("{url}: redirects to `{location}`, which is no address")]
    Location {
        /// The address that redirected.
        url: String,
        /// What it named.
        location: String,
    },
    /// The server refused or failed.
    #[error("{url} answered {}", status_words(*status, *bot_wall))]
    Status {
        /// The address.
        url: String,
        /// The status code.
        status: u16,
        /// How long it asked us to stay away.
        retry_after: Option<Duration>,
        /// Whether a bot wall answered instead of the site.
        bot_wall: bool,
    },
    /// The answer broke off or is not HTTP.
    #[error("{url}: the answer broke off or was garbled ({detail})")]
    Broken {
        /// The address.
        url: String,
        /// The HTTP library's words.
        detail: String,
    },
    /// The client could not be made.
    #[error("the HTTP client could not start: {0}; are the system's root certificates installed?")]
    Setup(#[source] reqwest::Error),
}

impl FetchError {
    /// How long the server asked us to stay away.
    #[must_use]
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::Status { retry_after, .. } => *retry_after,
            _ => None,
        }
    }

    /// The same refusal, where a redirect on the way to it asked for a longer wait.
    pub(super) fn waiting(mut self, wait: Option<Duration>) -> Self {
        if let Self::Status { retry_after, .. } = &mut self {
            *retry_after = (*retry_after).max(wait);
        }
        self
    }

    /// The status code the server refused with.
    #[must_use]
    pub fn status(&self) -> Option<u16> {
        match self {
            Self::Status { status, .. } => Some(*status),
            _ => None,
        }
    }

    /// Whether a bot wall answered instead of the site.
    #[must_use]
    pub fn is_bot_wall(&self) -> bool {
        matches!(self, Self::Status { bot_wall: true, .. })
    }

    /// Whether our own rules refused, so that trying again is pointless until the
    /// configuration changes.
    #[must_use]
    pub fn is_refused(&self) -> bool {
        matches!(self, Self::Refused { .. })
    }

    /// What went wrong before there was an answer.
    pub(super) fn of(error: &reqwest::Error, at: &Url, guard: &Guard) -> Self {
        let url = shown(at);
        if let Some(name) = cause::<NameError>(error) {
            return match name {
                NameError::Closed(reason) => Self::Refused {
                    url,
                    reason: reason.clone(),
                },
                NameError::NotAllowListed(ip) => {
                    let port = at.port_or_known_default().unwrap_or(0);
                    debug_assert!(!guard.is_allow_listed(*ip));
                    Self::Refused {
                        url,
                        reason: format!("{name}: {}", odd_port(port)),
                    }
                }
                NameError::Nothing => Self::Dns {
                    url,
                    detail: name.to_string(),
                },
            };
        }
        if error.is_timeout() {
            return Self::Timeout {
                url,
                after: Duration::from_secs(if error.is_connect() { 10 } else { 20 }),
            };
        }
        let detail = root(error);
        if cause::<rustls::Error>(error).is_some() {
            Self::Tls { url, detail }
        } else if error.is_dns() {
            Self::Dns { url, detail }
        } else if error.is_connect() {
            Self::Connect { url, detail }
        } else {
            Self::Broken { url, detail }
        }
    }

    /// What went wrong while the body came.
    pub(super) fn of_body(error: &reqwest::Error, at: &Url) -> Self {
        let url = shown(at);
        if error.is_timeout() {
            Self::Timeout {
                url,
                after: Duration::from_secs(20),
            }
        } else {
            Self::Broken {
                url,
                detail: root(error),
            }
        }
    }
}

fn cause<'e, T: Error + 'static>(error: &'e (dyn Error + 'static)) -> Option<&'e T> {
    let mut at = Some(error);
    while let Some(error) = at {
        // rustls's errors travel inside an io::Error, whose source() skips what it holds.
        if let Some(inner) = error
            .downcast_ref::<std::io::Error>()
            .and_then(std::io::Error::get_ref)
            && let Some(found) = cause::<T>(inner)
        {
            return Some(found);
        }
        if let Some(found) = error.downcast_ref::<T>() {
            return Some(found);
        }
        at = error.source();
    }
    None
}

/// The innermost words: the outer ones repeat the address and say "error sending request".
fn root(error: &(dyn Error + 'static)) -> String {
    let mut at = error;
    while let Some(inner) = at.source() {
        at = inner;
    }
    at.to_string()
}

/// An address for people and logs: without user, query and fragment, which may hold secrets.
pub(super) fn shown(url: &Url) -> String {
    let mut url = url.clone();
    // Both fail only for addresses that cannot have a user at all.
    let _ = url.set_username("");
    let _ = url.set_password(None);
    url.set_fragment(None);
    if url.query().is_some() {
        url.set_query(Some("…"));
    }
    url.as_str()
        .replace("?%E2%80%A6", "?…")
        .chars()
        .take(300)
        .collect()
}

/// A limit as people say it.
fn size(bytes: usize) -> String {
    const MIB: usize = 1 << 20;
    match bytes {
        0..MIB => format!("{} KiB", bytes.div_ceil(1 << 10)),
        _ => format!("{} MiB", bytes / MIB),
    }
}

fn status_words(status: u16, bot_wall: bool) -> String {
    let words = match status {
        _ if bot_wall => {
            "(a bot wall, not the site itself); ask the site to let the address of this machine \
             or our user agent through"
        }
        304 => "(not modified) although nothing was asked",
        401 | 403 => "(access refused); is it public?",
        404 => "(not found); has the address changed?",
        410 => "(gone for good); look for a new address",
        429 => "(too many requests); it will be asked less often",
        500..=599 => "(trouble at their side); it will be tried again",
        _ => "",
    };
    format!("{status} {words}").trim_end().to_owned()
}
