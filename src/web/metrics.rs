//! `/metrics`: what only this process knows (requests) is counted here; everything else is read
//! from the database when it is asked for, so that it is the same whichever daemon is asked and
//! survives every restart.

mod domains;
mod signups;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use axum::extract::{MatchedPath, Request, State as Shared};
use axum::middleware::Next;
use axum::response::Response;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::Registry;

use super::listen::Side;
use super::state::State;
use crate::channels::email::Relays;
use crate::channels::email::relays::Figures;
use crate::pipeline::status::Status;
pub use signups::SignUpMetrics;

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct RequestLabels {
    listener: &'static str,
    /// The route's pattern, never the address: addresses hold tokens and have no end.
    route: String,
    method: &'static str,
    status: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Listener {
    listener: &'static str,
}

type Gauges<L> = Family<L, Gauge>;

/// Counts requests.
#[derive(Clone)]
pub struct HttpMetrics {
    requests: Family<RequestLabels, Counter>,
    durations: Family<Listener, Histogram>,
    in_flight: Gauges<Listener>,
}

impl Default for HttpMetrics {
    fn default() -> Self {
        Self {
            requests: Family::default(),
            durations: Family::new_with_constructor(|| {
                Histogram::new([0.001, 0.005, 0.025, 0.1, 0.5, 2.5, 10.0])
            }),
            in_flight: Family::default(),
        }
    }
}

impl fmt::Debug for HttpMetrics {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HttpMetrics").finish_non_exhaustive()
    }
}

impl HttpMetrics {
    fn register(&self, registry: &mut Registry) {
        registry.register(
            "http_requests",
            "Requests answered, by route and class of status",
            self.requests.clone(),
        );
        registry.register(
            "http_request_duration_seconds",
            "Time from a request's head to its answer's",
            self.durations.clone(),
        );
        registry.register(
            "http_in_flight",
            "Requests being answered",
            self.in_flight.clone(),
        );
    }
}

/// Middleware: counts the request under its route.
pub async fn count(
    Shared((state, side)): Shared<(State, Side)>,
    request: Request,
    next: Next,
) -> Response {
    let began = Instant::now();
    let metrics = state.metrics();
    let listener = Listener {
        listener: side.as_str(),
    };
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or_else(|| "none".to_owned(), |path| path.as_str().to_owned());
    let method = method_label(request.method());
    let in_flight = InFlight::enter(metrics.in_flight.get_or_create_owned(&listener));
    let response = next.run(request).await;
    drop(in_flight);
    let labels = RequestLabels {
        listener: side.as_str(),
        route,
        method,
        status: class(response.status().as_u16()),
    };
    metrics.requests.get_or_create(&labels).inc();
    let seconds = began.elapsed().as_secs_f64();
    metrics.durations.get_or_create(&listener).observe(seconds);
    response
}

/// Counts down also when the client goes away and the request is dropped half-way.
struct InFlight(Gauge);

impl InFlight {
    fn enter(gauge: Gauge) -> Self {
        gauge.inc();
        Self(gauge)
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// A client may invent methods without end; labels may not.
fn method_label(method: &axum::http::Method) -> &'static str {
    match method.as_str() {
        "GET" => "GET",
        "HEAD" => "HEAD",
        "POST" => "POST",
        _ => "other",
    }
}

fn class(status: u16) -> &'static str {
    match status / 100 {
        1 => "1xx",
        2 => "2xx",
        3 => "3xx",
        4 => "4xx",
        _ => "5xx",
    }
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByState {
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct BySource {
    source: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByRelay {
    relay: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByResult {
    relay: String,
    result: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByQueue {
    relay: String,
    state: &'static str,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ByChannel {
    channel: String,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Build {
    version: String,
    database: &'static str,
}

/// The whole of `/metrics` in the OpenMetrics text format; `waiting` is the number of sign-ups.
///
/// # Errors
/// When formatting fails, which for a `String` it does not.
pub fn exposition(state: &State, status: &Status, waiting: i64) -> Result<String, fmt::Error> {
    let mut registry = Registry::with_prefix("courant");
    state.metrics().register(&mut registry);
    state.signups().register(&mut registry, waiting);
    process(&mut registry, state, status);
    sources(&mut registry, status);
    deliveries(&mut registry, status);
    if let Some(known) = &state.live().relays {
        sending(&mut registry, &known.figures);
        relays(&mut registry, status, known);
        domains::domains(&mut registry, known);
    }
    let mut text = String::new();
    encode(&mut text, &registry)?;
    Ok(text)
}

fn process(registry: &mut Registry, state: &State, status: &Status) {
    let build = Gauges::default();
    build
        .get_or_create(&Build {
            version: status.version.to_owned(),
            database: state.db().kind(),
        })
        .set(1);
    registry.register("build_info", "The running version", build);
    let uptime: Gauge = Gauge::default();
    uptime.set(i64::try_from(status.uptime_s).unwrap_or(i64::MAX));
    registry.register("uptime_seconds", "Time since the start", uptime);
    let start: Gauge<f64, AtomicU64> = Gauge::default();
    #[expect(
        clippy::cast_precision_loss,
        reason = "milliseconds fit 53 bits until the year 287396"
    )]
    start.set(state.started().0 as f64 / 1000.0);
    registry.register("start_time_seconds", "When it started, Unix time", start);
}

fn sources(registry: &mut Registry, status: &Status) {
    let by_state = Gauges::<ByState>::default();
    let articles = Gauges::<BySource>::default();
    let failures = Gauges::<BySource>::default();
    let failing = Gauges::<BySource>::default();
    let fetched = Gauges::<BySource>::default();
    for state in crate::pipeline::status::SOURCE_STATES {
        let _ = by_state.get_or_create(&ByState { state }); // zero is told, too
    }
    for source in &status.sources {
        let label = BySource {
            source: source.id.clone(),
        };
        by_state
            .get_or_create(&ByState {
                state: source.state,
            })
            .inc();
        articles.get_or_create(&label).set(source.articles);
        failures.get_or_create(&label).set(source.fails);
        failing
            .get_or_create(&label)
            .set(source.needs_attention.into());
        if let Some(at) = source.last_fetch {
            fetched.get_or_create(&label).set(at.0 / 1000);
        }
    }
    registry.register("sources", "Sources, by state", by_state);
    registry.register("articles", "Articles known, by source", articles);
    let help = "Failed fetches since the last good one";
    registry.register("source_consecutive_failures", help, failures);
    let help = "1 while the source is gone or does not answer";
    registry.register("source_failing", help, failing);
    let help = "When the source was last fetched, Unix time";
    registry.register("source_last_fetch_timestamp_seconds", help, fetched);
}

fn deliveries(registry: &mut Registry, status: &Status) {
    let by_state = Gauges::<ByState>::default();
    for (state, count) in &status.deliveries {
        by_state
            .get_or_create(&ByState {
                state: state.as_str(),
            })
            .set(*count);
    }
    registry.register("deliveries", "Deliveries, by state", by_state);
    let next = Gauges::<ByChannel>::default();
    for channel in &status.channels {
        if let Some(at) = channel.next_run {
            let label = ByChannel {
                channel: channel.id.clone(),
            };
            next.get_or_create(&label).set(at.0 / 1000);
        }
    }
    let help = "When the channel's schedule runs next, Unix time";
    registry.register("schedule_next_run_timestamp_seconds", help, next);
}

/// Whatever its channel: what the dispatcher of this process holds.
fn sending(registry: &mut Registry, figures: &Figures) {
    let in_hand: Gauge = Gauge::default();
    in_hand.set(whole(figures.in_hand.load(Ordering::Relaxed)));
    let help = "Deliveries that this process has leased";
    registry.register("deliveries_in_flight", help, in_hand);
    let fenced: Counter = Counter::default();
    fenced.inc_by(figures.fenced.load(Ordering::Relaxed));
    let help = "Results that came after their lease had passed on";
    registry.register("lease_fenced_writes", help, fenced);
    let uncertain: Counter = Counter::default();
    uncertain.inc_by(figures.uncertain.load(Ordering::Relaxed));
    let help = "Messages handed over whose answer never came";
    registry.register("deliveries_uncertain", help, uncertain);
    let journal: Gauge = Gauge::default();
    let length = figures.journal.load(Ordering::Relaxed);
    journal.set(i64::try_from(length).unwrap_or(i64::MAX));
    let help = "Length of the journal of what is on the wire";
    registry.register("journal_size_bytes", help, journal);
}

fn whole(count: usize) -> i64 {
    i64::try_from(count).unwrap_or(i64::MAX)
}

fn relays(registry: &mut Registry, status: &Status, known: &Relays) {
    let messages = Family::<ByResult, Counter>::default();
    let failures = Family::<ByRelay, Counter>::default();
    let queue = Gauges::<ByQueue>::default();
    for relay in known.status() {
        let label = ByRelay {
            relay: relay.id.clone(),
        };
        let counts = relay.counts;
        for (result, count) in [
            ("accepted", counts.accepted),
            ("deferred", counts.deferred),
            ("refused", counts.refused),
            ("unknown", counts.unknown),
        ] {
            let relay = relay.id.clone();
            let label = ByResult { relay, result };
            messages.get_or_create(&label).inc_by(count);
        }
        failures.get_or_create(&label).inc_by(counts.troubles);
        let (waiting, carried) = relay.queue;
        for (state, count) in [("waiting", waiting), ("carried", carried)] {
            let relay = relay.id.clone();
            let label = ByQueue { relay, state };
            queue.get_or_create(&label).set(whole(count));
        }
    }
    let help = "What became of the messages that this process gave a relay";
    registry.register("smtp_messages", help, messages);
    let help = "Connections to a relay that failed before they could carry a message";
    registry.register("smtp_connection_failures", help, failures);
    let help = "Mails made out that wait for a connection, and that connections carry";
    registry.register("delivery_queue_depth", help, queue);
    limits(registry, status);
}

/// What each relay is given at most, and whether it is paused.
fn limits(registry: &mut Registry, status: &Status) {
    let connections = Gauges::<ByRelay>::default();
    let window = Gauges::<ByRelay>::default();
    let rate = Family::<ByRelay, Gauge<f64, AtomicU64>>::default();
    let paused = Gauges::<ByRelay>::default();
    let used = Gauges::<ByRelay>::default();
    let quota = Gauges::<ByRelay>::default();
    for relay in &status.relays {
        let label = ByRelay {
            relay: relay.id.clone(),
        };
        let open = connections.get_or_create_owned(&label);
        open.set(whole(relay.connections));
        window.get_or_create(&label).set(whole(relay.window));
        if let Some(per_second) = relay.rate_per_s {
            rate.get_or_create(&label).set(per_second);
        }
        let is_paused = relay.state.starts_with("paused");
        paused.get_or_create(&label).set(i64::from(is_paused));
        if let (Some(count), Some(most)) = (relay.quota_used, relay.quota) {
            used.get_or_create(&label).set(count);
            quota.get_or_create(&label).set(i64::from(most));
        }
    }
    registry.register(
        "smtp_connections",
        "Connections open to a relay",
        connections,
    );
    let help = "Connections that a relay may have now";
    registry.register("smtp_connections_limit", help, window);
    let help = "Messages a second that a relay is given at most; absent without a limit";
    registry.register("smtp_rate_limit", help, rate);
    let help = "Whether a relay is given nothing now";
    registry.register("smtp_relay_paused", help, paused);
    let help = "Messages given to a relay today, by all daemons";
    registry.register("smtp_quota_used", help, used);
    let help = "Messages that a relay may be given today";
    registry.register("smtp_quota_limit", help, quota);
}
