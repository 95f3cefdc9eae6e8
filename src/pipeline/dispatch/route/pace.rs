//! How many mails a second end.

use std::time::{Duration, Instant};

/// A pace, from a count that grows.
#[derive(Default)]
pub(super) struct Pace {
    seen: u64,
    at: Option<Instant>,
    pub(super) per_second: f64,
}

impl Pace {
    /// Takes it anew, if that was not done within the last `every`.
    pub(super) fn take(&mut self, ended: u64, every: Duration, now: Instant) {
        let since = *self.at.get_or_insert(now);
        let passed = now.duration_since(since);
        if passed < every {
            return;
        }
        // A count of mails is exact far beyond what is sent in a moment.
        let fresh = ended.saturating_sub(self.seen) as f64 / passed.as_secs_f64();
        self.per_second = (self.per_second + fresh) / 2.0;
        (self.seen, self.at) = (ended, Some(now));
    }
}
