//! Rates that all daemons share, lent to this one in slots.
//!
//! The database hands out each slot of a rate once, whoever asks; a daemon asks for about as many
//! as it will use in the next half second. So a rate holds however many daemons there are, and
//! none needs to know the others.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::channels::email::shaping::{Loan, Slots};
use crate::pipeline::App;
use crate::store::StoreError;

/// How far ahead a message may be taken for its slot.
pub(super) const AHEAD: Duration = Duration::from_secs(1);
/// Slots asked for at once, in time.
const SPAN: f64 = 0.5;
/// Longer than any slot is away.
const EVER: Duration = Duration::from_secs(10 * 24 * 3600);

/// The slots of every rate in use, by the rate's name.
#[derive(Default)]
pub(super) struct Rates(HashMap<String, Slots>);

/// A wish for slots.
pub(super) struct Wish {
    /// `all`, `relay/main`, `relay/main/gmail.com`, `issue/7`.
    pub(super) name: String,
    /// Messages a second.
    pub(super) rate: f64,
    /// How many could be used now.
    pub(super) count: usize,
}

/// As many messages of a rate as are worth having in hand: half a second's, at least one.
pub(super) fn at_once(rate: f64) -> usize {
    // A rate is positive and small enough for any message count.
    (rate * SPAN).ceil().clamp(1.0, 100_000.0) as usize
}

impl Rates {
    /// Borrows what is missing.
    ///
    /// # Errors
    /// The store's.
    pub(super) async fn lend(&mut self, app: &App, wishes: &[Wish]) -> Result<(), StoreError> {
        let now = Instant::now();
        let mut wanted: Vec<(&str, i64, i64)> = Vec::new();
        for wish in wishes {
            let slots = self.0.entry(wish.name.clone()).or_default();
            let have = slots.left_within(EVER, now) as usize;
            let need = wish.count.min(at_once(wish.rate));
            // In one go and not one by one: below half of it.
            if need > 0 && have * 2 < need {
                let gap_us = (1_000_000.0 / wish.rate).ceil().clamp(1.0, 1e15) as i64;
                wanted.push((&wish.name, (need - have) as i64, gap_us));
            }
        }
        if wanted.is_empty() {
            return Ok(());
        }
        // The clock of rates is the real one, whatever a story says about leases.
        let waits = app
            .db
            .reserve(&wanted, crate::domain::UnixMillis::now())
            .await?;
        let now = Instant::now();
        for ((name, count, gap_us), wait) in wanted.iter().zip(waits) {
            let loan = Loan {
                first: now + wait,
                gap: Duration::from_micros(gap_us.unsigned_abs()),
                count: u32::try_from(*count).unwrap_or(u32::MAX),
            };
            self.0.entry((*name).to_owned()).or_default().lend(loan);
        }
        Ok(())
    }

    /// Slots of a rate that are near enough to take a message for.
    pub(super) fn near(&self, name: &str) -> usize {
        let slots = self.0.get(name);
        slots.map_or(0, |slots| slots.left_within(AHEAD, Instant::now()) as usize)
    }

    /// Takes a near slot.
    pub(super) fn take(&mut self, name: &str) -> Option<Instant> {
        self.0.get_mut(name)?.take(Instant::now())
    }

    /// Rates that nobody asks for any more, those of ended issues above all.
    pub(super) fn forget(&mut self) {
        let now = Instant::now();
        self.0.retain(|_, slots| slots.left_within(EVER, now) > 0);
    }
}
