//! The clock of sending.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Instant;

use tracing::warn;

use crate::domain::UnixMillis;

/// A clock that is behind by less is being corrected, not set. Milliseconds.
const STEP: i64 = 5_000;

/// Where sending reads the time: it lasts, so that it cannot be handed one instant as the
/// other stages are.
///
/// It is the machine's clock, but never goes back: when that is set back by hours, what waits
/// for its time does not wait for hours more.
#[derive(Debug, Clone)]
pub struct Clock(Arc<Kind>);

#[derive(Debug)]
enum Kind {
    Running {
        started: Instant,
        /// The time at the start, as far as the machine's clock was ever ahead of it.
        origin: AtomicI64,
        is_ahead: AtomicBool,
        /// How far the database's clock is ahead.
        database: AtomicI64,
    },
    Standing(AtomicI64),
}

impl Default for Clock {
    fn default() -> Self {
        Self(Arc::new(Kind::Running {
            started: Instant::now(),
            origin: AtomicI64::new(UnixMillis::now().0),
            is_ahead: AtomicBool::new(false),
            database: AtomicI64::new(0),
        }))
    }
}

impl Clock {
    /// A clock that stands still until it is set.
    #[must_use]
    pub fn standing(at: UnixMillis) -> Self {
        Self(Arc::new(Kind::Standing(AtomicI64::new(at.0))))
    }

    /// Sets a standing clock, and all its clones; the machine's own goes on as it is.
    pub fn set(&self, now: UnixMillis) {
        if let Kind::Standing(at) = &*self.0 {
            at.store(now.0, Ordering::Relaxed);
        }
    }

    /// Learns what the database's clock says at this moment.
    pub fn learn(&self, of_database: UnixMillis) {
        if let Kind::Running { database, .. } = &*self.0 {
            database.store(of_database.0 - self.now().0, Ordering::Relaxed);
        }
    }

    /// The time that leases go by, which is the database's: the clocks of daemons that share
    /// one may differ by more than a lease lasts, and then each would think the other dead.
    #[must_use]
    pub fn of_leases(&self) -> UnixMillis {
        match &*self.0 {
            Kind::Running { database, .. } => self.now().plus_ms(database.load(Ordering::Relaxed)),
            Kind::Standing(_) => self.now(),
        }
    }

    /// Its time.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        match &*self.0 {
            Kind::Standing(at) => UnixMillis(at.load(Ordering::Relaxed)),
            Kind::Running {
                started,
                origin,
                is_ahead,
                ..
            } => {
                let machine = UnixMillis::now();
                let (now, ahead) = running(machine, *started, origin);
                if ahead > STEP {
                    let step_s = ahead / 1000;
                    warn!(step_s, "the clock was set forward, or the machine slept");
                }
                let is_now = now.0 - machine.0 > STEP;
                if is_ahead.swap(is_now, Ordering::Relaxed) != is_now && is_now {
                    let step_s = (now.0 - machine.0) / 1000;
                    warn!(step_s, "the clock was set back; sending goes on by its own");
                }
                now
            }
        }
    }
}

/// The time, and how far the machine's clock has gone ahead since it was last looked at.
fn running(machine: UnixMillis, started: Instant, origin: &AtomicI64) -> (UnixMillis, i64) {
    let passed = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    let fresh = machine.0.saturating_sub(passed);
    let before = origin.fetch_max(fresh, Ordering::Relaxed);
    let now = UnixMillis(before.max(fresh)).plus_ms(passed);
    (now, fresh.saturating_sub(before))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leases_go_by_the_clock_of_the_database() {
        let clock = Clock::default();
        let apart = |clock: &Clock| clock.of_leases().0 - UnixMillis::now().0;
        assert!((-1000..1000).contains(&apart(&clock)));
        clock.learn(UnixMillis::now().plus_ms(600_000));
        assert!((599_000..601_000).contains(&apart(&clock)));
        let story = Clock::standing(UnixMillis(7));
        story.learn(UnixMillis(9));
        assert_eq!(story.of_leases(), UnixMillis(7));
    }

    #[test]
    fn a_clock_that_is_set_back_goes_on_and_one_that_is_set_forward_is_followed() {
        const HOUR: i64 = 3_600_000;
        let (started, noon) = (Instant::now(), UnixMillis(1_700_000_000_000));
        let origin = AtomicI64::new(noon.0);
        let at = |machine| {
            let (now, ahead) = running(machine, started, &origin);
            (now.0 - noon.0, ahead > STEP)
        };
        let is_an_hour_on = |passed: i64| (HOUR..HOUR + 1000).contains(&passed);
        let (passed, is_told) = at(noon);
        assert!((0..1000).contains(&passed) && !is_told);
        let (passed, is_told) = at(noon.plus_ms(HOUR));
        assert!(is_an_hour_on(passed) && is_told);
        let (passed, is_told) = at(noon.plus_ms(-2 * HOUR));
        assert!(is_an_hour_on(passed) && !is_told);
    }
}
