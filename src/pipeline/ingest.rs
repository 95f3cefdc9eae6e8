//! Polling: due sources are claimed, fetched, read, and what they hold becomes articles.
//!
//! One source's trouble is its own: an error is kept in its row with the time of the next
//! try, a panic in a parser is caught below, and the others go on. Sources of one host are
//! polled one after the other.

mod poller;
mod pushed;

use std::time::{Duration, Instant};

use tracing::{info, warn};

use crate::domain::{Entry, UnixMillis};
use crate::sources::{Memory, PollError, Polled};
use crate::store::{FetchOutcome, FetchRow, NextMemory, PollResult, SourceMemory, StoreError};

use super::decide::{Prepared, decide};
use super::{App, prepare, websub};

pub use poller::{Poller, poll};
pub use pushed::{PushError, Received, take_article, take_document, take_withdrawal};

/// The first pause after an error; doubles with each further one.
const FIRST_PAUSE: Duration = Duration::from_secs(60);
/// The longest pause after errors.
const LONGEST_PAUSE: Duration = Duration::from_secs(6 * 3600);

/// What one poll of one source brought.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct PollReport {
    /// The source's name in the configuration.
    pub source: String,
    /// Articles that are news.
    pub new: usize,
    /// Known articles with a new revision.
    pub changed: usize,
    /// Articles held by the flood brake.
    pub held: usize,
    /// Articles of a first poll, which are known from now on and never news.
    pub baseline: usize,
    /// Entries read.
    pub entries: usize,
    /// Whether the server said nothing changed.
    pub not_modified: bool,
    /// What went wrong, for people.
    pub error: Option<String>,
    /// Entries that could not be used, and repairs made; for people.
    pub notes: Vec<String>,
    /// Until when its host asked everybody of ours to stay away.
    #[serde(skip)]
    pub host_rests: Option<UnixMillis>,
}

/// One source: fetch, read, decide, one commit.
async fn poll_one(
    app: &App,
    memory: SourceMemory,
    now: UnixMillis,
) -> Result<PollReport, StoreError> {
    let started = Instant::now();
    let mut report = PollReport {
        source: memory.name.clone(),
        ..PollReport::default()
    };
    let Some(source) = app.sources.get(&memory.name) else {
        return Ok(report);
    };
    let known = Memory {
        etag: memory.etag.clone(),
        last_modified: memory.last_modified.clone(),
        url_override: memory.moved_to.clone(),
        state: memory.state.clone(),
        full: false,
    };
    let polled = source.adapter.poll(&known, &app.client).await;
    if let Ok(polled) = &polled
        && !(polled.not_modified && polled.hubs.hubs.is_empty())
    {
        websub::heard(app, &memory.name, &polled.hubs).await?;
    }
    let mut result = match polled {
        Ok(polled) => read(app, &memory, polled, &mut report, now).await?,
        Err(error) => failed(&memory, &error, &mut report, now),
    };
    result.fetch.duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    result.owner.clone_from(&app.owner);
    let every = source.config.every;
    if result.memory.error.is_none() {
        // Up to a tenth earlier, so that a hundred sources set up together drift apart.
        let jitter = super::spread(&memory.name) % (every.as_millis() as u64 / 10 + 1);
        result.memory.next_fetch_at = now.plus(every).plus_ms(-(jitter as i64));
    }
    let published = websub::published(&result.changes);
    app.db.apply_poll(result, now).await?;
    websub::found_by_polling(app, &report.source, &published, now).await?;
    match &report.error {
        Some(error) => warn!(source.name = report.source, error, "poll failed"),
        None => info!(
            source.name = report.source,
            articles.new = report.new,
            articles.changed = report.changed,
            articles.held = report.held,
            "polled"
        ),
    }
    Ok(report)
}

/// A successful fetch: its entries become changes.
async fn read(
    app: &App,
    memory: &SourceMemory,
    polled: Polled,
    report: &mut PollReport,
    now: UnixMillis,
) -> Result<PollResult, StoreError> {
    report.not_modified = polled.not_modified;
    report.entries = polled.entries.len();
    report.notes.clone_from(&polled.notes);
    if let Some(to) = &polled.moved_to {
        report
            .notes
            .push(format!("it has moved for good; change its url to {to}"));
    }
    let mut result = unchanged(memory, &polled, now);
    if polled.not_modified {
        return Ok(result);
    }
    let source = memory.name.clone();
    let prepared = match prepare_all(app, &source, polled, report, now).await {
        Ok(prepared) => prepared,
        Err(error) => return Ok(failed(memory, &error, report, now)),
    };
    let keys: Vec<_> = prepared.iter().map(|p| p.keys.clone()).collect();
    let known = app.db.find_articles(&source, &keys).await?;
    let config = &app.config.sources[&source];
    let decision = decide(prepared, &known, config, !memory.baselined, now);
    report.new = decision.new;
    report.changed = decision.changed;
    report.held = decision.held;
    report.baseline = decision.baseline;
    result.fetch.outcome = if decision.new + decision.held + decision.changed > 0 {
        FetchOutcome::New
    } else {
        FetchOutcome::Unchanged
    };
    result.fetch.note = report.notes.join("; ").chars().take(1000).collect();
    result.changes = decision.changes;
    Ok(result)
}

/// The memory as it is, for what an answer does not change.
fn kept(memory: &SourceMemory) -> NextMemory {
    NextMemory {
        etag: memory.etag.clone(),
        last_modified: memory.last_modified.clone(),
        moved_to: memory.moved_to.clone(),
        baselined: memory.baselined,
        hints: memory.hints.clone(),
        move_heard: memory.move_heard.clone(),
        move_heard_at: memory.move_heard_at,
        full_at: memory.full_at,
        by_links: memory.by_links,
        ..NextMemory::default()
    }
}

/// What a good answer without news leads to.
fn unchanged(memory: &SourceMemory, polled: &Polled, now: UnixMillis) -> PollResult {
    PollResult {
        source: memory.name.clone(),
        owner: String::new(),
        changes: Vec::new(),
        memory: NextMemory {
            etag: polled.etag.clone(),
            last_modified: polled.last_modified.clone(),
            next_fetch_at: now,
            fails: 0,
            error: None,
            gone: false,
            baselined: true,
            state: polled.state.clone(),
            ..kept(memory)
        },
        fetch: FetchRow {
            status: Some(polled.status),
            outcome: FetchOutcome::NotModified,
            bytes: polled.bytes,
            entries: polled.entries.len(),
            duration_ms: 0,
            note: String::new(),
        },
    }
}

/// Cleans the entries off the async threads: a hostile body costs CPU time.
async fn prepare_all(
    app: &App,
    source: &str,
    polled: Polled,
    report: &mut PollReport,
    now: UnixMillis,
) -> Result<Vec<Prepared>, PollError> {
    let config = app.config.clone();
    let name = source.to_owned();
    let work = move || {
        let source = &config.sources[&name];
        let language = polled.feed_language.as_deref();
        let one = |entry: Entry| {
            let (revision, note) = guarded(|| {
                prepare::revision(&entry, source, &config, language, now)
                    .map_err(|unusable| unusable.to_string())
            })?;
            let keys = entry.keys;
            Ok((Prepared { keys, revision }, note))
        };
        polled
            .entries
            .into_iter()
            .filter(|entry| !entry.keys.is_empty())
            .map(one)
            .collect::<Vec<Result<(Prepared, Option<String>), String>>>()
    };
    let results = match tokio::task::spawn_blocking(work).await {
        Ok(results) => results,
        // A poll that fails is made again; one that succeeds with nothing would make a silent
        // baseline of nothing, and news of everything later.
        Err(panic) => {
            let why = format!("its entries could not be read: {panic}");
            return Err(PollError::new(why));
        }
    };
    let mut prepared = Vec::with_capacity(results.len());
    for result in results {
        match result {
            Ok((entry, note)) => {
                prepared.push(entry);
                report.notes.extend(note);
            }
            Err(unusable) => report.notes.push(unusable),
        }
    }
    Ok(prepared)
}

/// Runs `read` on one entry of a stranger's. A panic in it is a bug of ours, which costs that
/// entry and not the source.
fn guarded<T>(read: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
        .unwrap_or_else(|_| Err("an entry could not be read: our reader broke down on it".into()))
}

/// Whether an error is about all that we ask of the host: 429 always (RFC 6585 §4), 503 when it
/// names a time. Any other trouble is one source's own.
fn speaks_for_host(error: &PollError) -> bool {
    match error.status {
        Some(429) => true,
        Some(503) => error.retry_after.is_some(),
        _ => false,
    }
}

/// A failed fetch: what it says, and when the next one is.
fn failed(
    memory: &SourceMemory,
    error: &PollError,
    report: &mut PollReport,
    now: UnixMillis,
) -> PollResult {
    let fails = memory.fails + 1;
    let doublings = u32::try_from(fails - 1).unwrap_or(0).min(12);
    let pause = FIRST_PAUSE
        .saturating_mul(1 << doublings)
        .min(LONGEST_PAUSE);
    let pause = pause.max(
        error
            .retry_after
            .unwrap_or_default()
            .min(Duration::from_secs(86_400)),
    );
    report.error = Some(error.message.clone());
    if speaks_for_host(error) {
        report.host_rests = Some(now.plus(pause));
    }
    PollResult {
        source: memory.name.clone(),
        owner: String::new(),
        changes: Vec::new(),
        memory: NextMemory {
            next_fetch_at: now.plus(pause),
            fails,
            error: Some(error.message.clone()),
            gone: error.gone,
            ..kept(memory)
        },
        fetch: FetchRow {
            status: error.status,
            outcome: FetchOutcome::Error,
            bytes: 0,
            entries: 0,
            duration_ms: 0,
            note: error.message.chars().take(1000).collect(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_entry_that_breaks_the_reader_costs_only_itself() {
        let told = guarded(|| -> Result<(), String> { panic!("a bug") }).unwrap_err();
        assert!(told.contains("broke down"));
        assert_eq!(guarded(|| Ok(1)), Ok(1));
    }
}
