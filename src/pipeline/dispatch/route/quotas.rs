//! What relays take in a day.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::channels::email::relays::Relay;
use crate::pipeline::App;
use crate::store::StoreError;

/// Between two looks at a quota that is used up: it may have been raised, or the day be over.
const AGAIN: Duration = Duration::from_secs(30);

/// The part of each relay's day that this process has taken for itself.
#[derive(Default)]
pub(super) struct Quotas(HashMap<Arc<str>, Taken>);

#[derive(Default)]
struct Taken {
    day: String,
    left: usize,
    empty_at: Option<Instant>,
}

impl Quotas {
    /// How many of `wanted` messages the relay may have today.
    pub(super) async fn allow(
        &mut self,
        app: &App,
        relay: &Relay,
        wanted: usize,
    ) -> Result<usize, StoreError> {
        let today = relay.today(app.clock.now());
        let Some(most) = today.most else {
            return Ok(wanted);
        };
        let taken = self.0.entry(relay.id.clone()).or_default();
        let day = today.date.to_string();
        if taken.day != day {
            *taken = Taken {
                day,
                ..Taken::default()
            };
        }
        let is_empty = taken.empty_at.is_some_and(|at| at.elapsed() < AGAIN);
        if taken.left < wanted && !is_empty {
            let missing = (wanted - taken.left) as i64;
            let (name, day) = (&*relay.id, &taken.day);
            let granted = app
                .db
                .take_quota(name, day, missing, i64::from(most))
                .await?;
            taken.left += usize::try_from(granted).unwrap_or(0);
            taken.empty_at = (granted < missing).then(Instant::now);
            let used = app.db.quota_used(name, day).await?;
            relay.set_quota(Some((used, most)));
        }
        Ok(wanted.min(taken.left))
    }

    /// One message of the relay's day is used.
    pub(super) fn used(&mut self, relay: &Relay) {
        if let Some(taken) = self.0.get_mut(&relay.id) {
            taken.left = taken.left.saturating_sub(1);
        }
    }
}
