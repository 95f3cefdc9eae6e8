//! What became of sign-ups, and how many wait.

use std::fmt;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Registry;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByResult {
    result: &'static str,
}

/// Counts what this process answered at `/subscribe`.
#[derive(Clone, Default)]
pub struct SignUpMetrics(Family<ByResult, Counter>);

impl fmt::Debug for SignUpMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SignUpMetrics").finish_non_exhaustive()
    }
}

impl SignUpMetrics {
    /// Notes one answer.
    pub fn count(&self, result: &'static str) {
        self.0.get_or_create(&ByResult { result }).inc();
    }

    /// Adds both metrics; `waiting` is what the database says.
    pub(super) fn register(&self, registry: &mut Registry, waiting: i64) {
        let help = "What became of sign-ups by the form";
        registry.register("signups", help, self.0.clone());
        let gauge: Gauge = Gauge::default();
        gauge.set(waiting);
        let help = "Sign-ups whose confirmation mail is yet to be made";
        registry.register("signups_waiting", help, gauge);
    }
}
