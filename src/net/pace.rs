//! The pause between two fetches of one host.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use url::{Position, Url};

/// When each host last answered, of the fetches that belong together: those of one poll, which
/// are made one after the other.
#[derive(Debug)]
pub struct Pace {
    pause: Duration,
    answered: Mutex<HashMap<String, Instant>>,
}

impl Pace {
    /// Leaves `pause` between the end of an answer and the next request to its host.
    #[must_use]
    pub fn new(pause: Duration) -> Self {
        Self {
            pause,
            answered: Mutex::default(),
        }
    }

    /// Waits until the host of `url` may be asked.
    pub(super) async fn wait(&self, url: &Url) {
        let last = self.hosts().get(host(url)).copied();
        if let Some(last) = last {
            tokio::time::sleep_until((last + self.pause).into()).await;
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

fn host(url: &Url) -> &str {
    &url[Position::BeforeHost..Position::AfterPort]
}
