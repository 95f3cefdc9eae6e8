//! What relays take in a day.
//!
//! The database counts for all daemons. The last part of a day is kept for urgent mail: others
//! get none of it. A message's part is taken when its way is found, and
//! goes back when the relay did not get to see it.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use crate::channels::email::relays::Relay;
use crate::pipeline::App;
use crate::store::StoreError;

/// Between two looks at what is left of a day.
const LOOK: Duration = Duration::from_secs(1);

/// The day of each relay that has a limit.
#[derive(Default)]
pub(super) struct Quotas(HashMap<Arc<str>, Taken>);

#[derive(Default)]
struct Taken {
    day: String,
    most: u32,
    /// Of `most`, what only urgent mail may use.
    kept: u32,
    /// Taken and not given to a message.
    left: Arc<AtomicUsize>,
    /// What the database had left, and when.
    free: usize,
    looked: Option<Instant>,
}

/// What a relay may have today still.
#[derive(Clone, Copy)]
pub(super) struct Left {
    /// In all.
    pub(super) all: usize,
    /// Of that, for mail that is not urgent.
    pub(super) others: usize,
}

/// A message's part of its relay's day. Dropped unused it goes back.
pub(in super::super) struct Ticket(Option<Arc<AtomicUsize>>);

impl Ticket {
    /// The relay has seen the message, and counts it as we do.
    pub(in super::super) fn used(mut self) {
        self.0 = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(left) = &self.0 {
            left.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Quotas {
    /// How many messages the relay may have today still; `None` for no limit.
    pub(super) async fn left(
        &mut self,
        app: &App,
        relay: &Relay,
    ) -> Result<Option<Left>, StoreError> {
        let today = relay.today(app.clock.now());
        let Some(most) = today.most else {
            if let Some(taken) = self.0.remove(&relay.id) {
                taken.give_back(app, &relay.id).await?;
            }
            return Ok(None);
        };
        let (name, day) = (&*relay.id, today.date.to_string());
        let taken = self.0.entry(relay.id.clone()).or_default();
        let is_new = taken.day != day;
        if is_new || taken.looked.is_none_or(|at| at.elapsed() >= LOOK) {
            taken.give_back(app, name).await?;
            if is_new {
                (taken.day, taken.left) = (day, Arc::default());
            }
            let used = app.db.quota_used(name, &taken.day).await?;
            (taken.most, taken.kept) = (most, today.kept());
            taken.free = usize::try_from(i64::from(most) - used).unwrap_or(0);
            taken.looked = Some(Instant::now());
        }
        Ok(Some(taken.of_day()))
    }

    /// Takes what `count` messages need, as far as there is so much for them.
    pub(super) async fn take(
        &mut self,
        app: &App,
        relay: &Relay,
        count: usize,
        is_urgent: bool,
    ) -> Result<(), StoreError> {
        let Some(taken) = self.0.get_mut(&relay.id) else {
            return Ok(());
        };
        let missing = count.saturating_sub(taken.left.load(Ordering::Relaxed));
        if missing > 0 {
            let kept = if is_urgent { 0 } else { taken.kept };
            let most = i64::from(taken.most - kept);
            let missing = i64::try_from(missing).unwrap_or(i64::MAX);
            let granted = app
                .db
                .take_quota(&relay.id, &taken.day, missing, most)
                .await?;
            let granted = usize::try_from(granted).unwrap_or(0);
            taken.free = taken.free.saturating_sub(granted);
            taken.left.fetch_add(granted, Ordering::Relaxed);
        }
        Ok(())
    }

    /// A message's part; `None` inside where the relay has no limit, and nothing when the day
    /// is used up for it.
    pub(super) fn ticket(&self, relay: &Relay, is_urgent: bool) -> Option<Option<Ticket>> {
        let Some(taken) = self.0.get(&relay.id) else {
            return Some(None);
        };
        if !is_urgent && taken.of_day().others == 0 {
            return None;
        }
        let one_less = |left: usize| left.checked_sub(1);
        let (set, fetch) = (Ordering::Relaxed, Ordering::Relaxed);
        taken.left.fetch_update(set, fetch, one_less).ok()?;
        Some(Some(Ticket(Some(taken.left.clone()))))
    }

    /// Gives back what no message was given.
    pub(super) async fn give_back(&self, app: &App) -> Result<(), StoreError> {
        for (name, taken) in &self.0 {
            taken.give_back(app, name).await?;
        }
        Ok(())
    }
}

impl Taken {
    fn of_day(&self) -> Left {
        let all = self.free + self.left.load(Ordering::Relaxed);
        // A quota is no larger than this type.
        let others = all.saturating_sub(self.kept as usize);
        Left { all, others }
    }

    async fn give_back(&self, app: &App, name: &str) -> Result<(), StoreError> {
        let left = self.left.swap(0, Ordering::Relaxed);
        if left > 0 {
            let left = i64::try_from(left).unwrap_or(i64::MAX);
            app.db.return_quota(name, &self.day, left).await?;
        }
        Ok(())
    }
}
