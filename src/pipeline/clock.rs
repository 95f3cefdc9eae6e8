//! The clock of sending.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::domain::UnixMillis;

/// Where sending reads the time: it lasts, so that it cannot be handed one instant as the
/// other stages are.
#[derive(Debug, Clone, Default)]
pub struct Clock(Option<Arc<AtomicI64>>);

impl Clock {
    /// A clock that stands still until it is set.
    #[must_use]
    pub fn standing(at: UnixMillis) -> Self {
        Self(Some(Arc::new(AtomicI64::new(at.0))))
    }

    /// Sets a standing clock, and all its clones; the machine's own goes on as it is.
    pub fn set(&self, now: UnixMillis) {
        if let Self(Some(at)) = self {
            at.store(now.0, Ordering::Relaxed);
        }
    }

    /// Its time.
    #[must_use]
    pub fn now(&self) -> UnixMillis {
        match self {
            Self(Some(at)) => UnixMillis(at.load(Ordering::Relaxed)),
            Self(None) => UnixMillis::now(),
        }
    }
}
