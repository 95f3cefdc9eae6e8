//! Who is polled when: due sources are claimed, hosts are asked one thing at a time, and a
//! source that hangs keeps nobody else waiting.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, Semaphore};
use tokio::task::{JoinError, JoinSet};
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use super::{PollReport, poll_one};
use crate::domain::UnixMillis;
use crate::pipeline::App;
use crate::store::{SourceMemory, StoreError};

/// A claimed source is given back by itself after this long, should we die.
const LEASE: Duration = Duration::from_secs(180);
/// A source that waited this long behind others of its host is left to the next claim: the
/// lease would end while it is fetched.
const PATIENCE: Duration = Duration::from_secs(90);
/// Sources in hand at most.
const BATCH: usize = 64;
/// Hosts spoken to at the same time.
const HOSTS: usize = 16;

/// Polls the sources that are due (or `only` those named, due or not) and says what came.
///
/// # Errors
/// The store's; a source's own trouble is in its report.
pub async fn poll(
    app: &App,
    only: Option<&[String]>,
    now: UnixMillis,
) -> Result<Vec<PollReport>, StoreError> {
    let mut poller = Poller::default();
    let mut reports = Vec::new();
    match only {
        None => poller.take(app, None, now).await?,
        Some(names) => {
            let (polled, pushed): (Vec<_>, Vec<_>) = names.iter().cloned().partition(|name| {
                let source = app.sources.get(name);
                source.is_none_or(|source| source.adapter.is_polled())
            });
            reports.extend(pushed.into_iter().map(waiting));
            for names in polled.chunks(BATCH) {
                poller.take(app, Some(names), now).await?;
                reports.extend(poller.rest().await);
            }
        }
    }
    reports.extend(poller.rest().await);
    reports.sort_by(|a: &PollReport, b| a.source.cmp(&b.source));
    Ok(reports)
}

/// Polls in hand, of one process.
pub struct Poller {
    running: JoinSet<Vec<PollReport>>,
    at_once: Arc<Semaphore>,
    /// One at a time; with the time until which the host wants to be left alone.
    hosts: HashMap<String, Arc<Mutex<Option<UnixMillis>>>>,
    stop: CancellationToken,
}

impl Default for Poller {
    fn default() -> Self {
        Self {
            running: JoinSet::new(),
            at_once: Arc::new(Semaphore::new(HOSTS)),
            hosts: HashMap::new(),
            stop: CancellationToken::new(),
        }
    }
}

impl Poller {
    /// Takes what is due, then waits for something to end, at most a second. Answers what
    /// came; nothing when there is nothing in hand.
    ///
    /// # Errors
    /// The store's, when nothing could be claimed; what is in hand goes on.
    pub async fn step(
        &mut self,
        app: &App,
        now: UnixMillis,
    ) -> Result<Vec<PollReport>, StoreError> {
        if self.running.len() < BATCH {
            self.take(app, None, now).await?;
        }
        let mut ended = tokio::select! {
            ended = self.running.join_next() => ended,
            // Somebody wants a poll while others are under way.
            () = app.wake.ingest.notified(), if !self.running.is_empty() => None,
            () = tokio::time::sleep(Duration::from_secs(1)) => None,
        };
        let mut reports = Vec::new();
        while let Some(done) = ended {
            reports.extend(joined(done));
            ended = self.running.try_join_next();
        }
        if self.running.is_empty() {
            self.hosts.clear();
        }
        Ok(reports)
    }

    /// Whether nothing is in hand.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.running.is_empty()
    }

    /// Finishes what is being fetched and begins nothing more.
    pub async fn finish(mut self) {
        self.stop.cancel();
        self.rest().await;
    }

    /// Claims sources and starts on them, those of one host in one task.
    async fn take(
        &mut self,
        app: &App,
        only: Option<&[String]>,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let until = now.plus(LEASE);
        let claimed = app.db.claim_sources(&app.owner, now, until, BATCH, only);
        let mut hosts: BTreeMap<String, Vec<SourceMemory>> = BTreeMap::new();
        for memory in claimed.await? {
            hosts
                .entry(app.host_of(&memory.name))
                .or_default()
                .push(memory);
        }
        for (host, memories) in hosts {
            let turn = self.hosts.entry(host.clone()).or_default().clone();
            let (app, at_once, stop) = (app.clone(), self.at_once.clone(), self.stop.clone());
            let claimed = Instant::now();
            self.running.spawn(async move {
                let mut rests = turn.lock().await;
                let _place = at_once.acquire().await;
                let mut reports = Vec::with_capacity(memories.len());
                for memory in memories {
                    if claimed.elapsed() >= PATIENCE || stop.is_cancelled() {
                        break;
                    }
                    let report = match *rests {
                        Some(until) if now < until => resting(&memory.name, &host, until),
                        _ => reported(&app, memory, now).await,
                    };
                    if report.host_rests.is_some() {
                        *rests = report.host_rests;
                        rest_host(&app, &host, report.host_rests).await;
                    }
                    reports.push(report);
                }
                reports
            });
        }
        Ok(())
    }

    /// Waits for everything in hand.
    async fn rest(&mut self) -> Vec<PollReport> {
        let mut reports = Vec::new();
        while let Some(done) = self.running.join_next().await {
            reports.extend(joined(done));
        }
        reports
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

/// What is said of a source that was not asked for its host's sake.
fn resting(source: &str, host: &str, until: UnixMillis) -> PollReport {
    PollReport {
        source: source.to_owned(),
        error: Some(format!(
            "not asked: {host} wants to be left alone until {until}"
        )),
        ..PollReport::default()
    }
}

/// Puts off all sources of a host, for every daemon; the one that was told so included.
async fn rest_host(app: &App, host: &str, until: Option<UnixMillis>) {
    let of_host = |name: &&String| app.host_of(name) == host;
    let names: Vec<String> = app.sources.keys().filter(of_host).cloned().collect();
    let until = until.unwrap_or_default();
    if let Err(error) = app.db.rest_sources(&names, &app.owner, until).await {
        warn!(host, error = %error, "the host's other sources were not put off");
    }
}

/// One source's report. What the store says about it (another took it over, the database went
/// away) is its own trouble too: its lease runs out and it is polled again.
async fn reported(app: &App, memory: SourceMemory, now: UnixMillis) -> PollReport {
    let source = memory.name.clone();
    poll_one(app, memory, now).await.unwrap_or_else(|error| {
        warn!(source.name = source, error = %error, "what came was not stored");
        PollReport {
            source,
            error: Some(error.to_string()),
            ..PollReport::default()
        }
    })
}

/// A task's reports. A panic is a bug, but only that host's: its leases run out and its
/// sources are polled again.
fn joined(result: Result<Vec<PollReport>, JoinError>) -> Vec<PollReport> {
    result.unwrap_or_else(|panic| {
        error!(error = %panic, "a poll panicked");
        Vec::new()
    })
}
