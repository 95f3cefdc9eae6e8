//! The house as it is now: what a reload replaces while the loops go on.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use crate::pipeline::App;

/// The current [`App`], shared by all tasks.
#[derive(Clone)]
pub struct Live(Arc<RwLock<App>>);

impl Live {
    /// Begins with `app`.
    #[must_use]
    pub fn new(app: App) -> Self {
        Self(Arc::new(RwLock::new(app)))
    }

    /// The house for this round of work.
    #[must_use]
    pub fn app(&self) -> App {
        self.0
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    /// Replaces it; rounds that have begun end with the old one.
    pub fn replace(&self, app: App) {
        *self.0.write().unwrap_or_else(PoisonError::into_inner) = app;
    }
}

/// When each loop last came round: what the watchdog looks at.
#[derive(Debug, Clone, Default)]
pub struct Beats(Arc<Mutex<BTreeMap<&'static str, Instant>>>);

impl Beats {
    /// `task` is alive.
    pub fn beat(&self, task: &'static str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(task, Instant::now());
    }

    /// The tasks that have not been heard of for `limit`.
    #[must_use]
    pub fn silent(&self, limit: Duration) -> Vec<&'static str> {
        let beats = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        beats
            .iter()
            .filter(|(_, at)| at.elapsed() > limit)
            .map(|(task, _)| *task)
            .collect()
    }
}
