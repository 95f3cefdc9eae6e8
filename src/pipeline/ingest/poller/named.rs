//! Sources that somebody asks for by their names.

use std::collections::{BTreeMap, VecDeque};

use super::PollReport;
use crate::pipeline::App;

/// Names that are still to be claimed, by host.
pub(super) struct Named(pub(super) BTreeMap<String, VecDeque<String>>);

impl Named {
    pub(super) fn of(app: &App, names: &[String]) -> Self {
        let mut named = Self(BTreeMap::new());
        for name in names {
            named.add(app, name.clone());
        }
        named
    }

    /// Takes out those that are never asked; what is said of them.
    pub(super) fn take_unpolled(&mut self, app: &App) -> Vec<PollReport> {
        let is_unpolled = |name: &String| {
            let source = app.sources.get(name);
            source.is_some_and(|source| !source.adapter.is_polled())
        };
        let mut reports = Vec::new();
        for names in self.0.values_mut() {
            let (unpolled, polled) = std::mem::take(names).into_iter().partition(is_unpolled);
            *names = polled;
            let unpolled: VecDeque<String> = unpolled;
            reports.extend(unpolled.into_iter().map(waiting));
        }
        self.0.retain(|_, names| !names.is_empty());
        reports
    }

    pub(super) fn add(&mut self, app: &App, name: String) {
        let host = self.0.entry(app.host_of(&name, None)).or_default();
        host.push_back(name);
    }
}

/// What is said of a source that is never asked.
fn waiting(source: String) -> PollReport {
    PollReport {
        source,
        notes: vec!["it waits for pushes".to_owned()],
        ..PollReport::default()
    }
}
