//! The pause between two fetches of one host.

use std::collections::HashMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use ipnet::IpNet;
use url::{Position, Url};

/// When each host last answered, of the fetches that belong together: those of one poll, which
/// are made one after the other.
#[derive(Debug)]
pub struct Pace {
    pause: Duration,
    spared: Vec<IpNet>,
    answered: Mutex<HashMap<String, Instant>>,
}

impl Pace {
    /// Leaves a pause between the end of an answer and the next request to its host, unless that
    /// is an address of one of these networks.
    #[must_use]
    pub fn new((pause, spared): (Duration, &[IpNet])) -> Self {
        Self {
            pause,
            spared: spared.to_vec(),
            answered: Mutex::default(),
        }
    }

    /// Waits until the host of `url` may be asked.
    pub(super) async fn wait(&self, url: &Url) {
        let last = self.hosts().get(host(url)).copied();
        if let Some(last) = last {
            tokio::time::sleep_until(
                (last + pause_of(host(url), (self.pause, &self.spared))).into(),
            )
            .await;
        }
    }

    /// Notes that the host of `url` has answered, or has not.
    pub(super) fn note(&self, url: &Url) {
        self.hosts().insert(host(url).to_owned(), Instant::now());
    }

    fn hosts(&self) -> std::sync::MutexGuard<'_, HashMap<String, Instant>> {
        // A map of instants is whole whatever panicked beside it.
        self.answered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The pause for a host, with or without a port: none for an address of these networks.
#[must_use]
pub fn pause_of(host: &str, (pause, spared): (Duration, &[IpNet])) -> Duration {
    let address: Option<IpAddr> = host.parse::<SocketAddr>().map(|at| at.ip()).ok();
    let address = address.or_else(|| host.trim_matches(['[', ']']).parse().ok());
    match address {
        Some(ip) if spared.iter().any(|net| net.contains(&ip)) => Duration::ZERO,
        _ => pause,
    }
}

fn host(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn allowed_addresses_need_no_pause_and_names_and_others_do() {
        let second = Duration::from_secs(1);
        let allow: Vec<IpNet> = vec!["10.0.0.0/8".parse().unwrap(), "fd00::/8".parse().unwrap()];
        let pause = |host| pause_of(host, (second, &allow));
        for host in ["10.1.2.3", "10.1.2.3:8080", "[fd00::1]", "[fd00::1]:80"] {
            assert_eq!(pause(host), Duration::ZERO, "{host}");
        }
        for host in [
            "news.example",
            "news.example:8080",
            "192.0.2.1:80",
            "[2001:db8::1]",
        ] {
            assert_eq!(pause(host), second, "{host}");
        }
        assert_eq!(pause_of("10.1.2.3", (second, &[])), second);
    }
}
