//! Polling: due sources are claimed, fetched, read, and what they hold becomes articles.
//!
//! One source's trouble is its own: an error is kept in its row with the time of the next
//! try, a panic in a parser is caught below, and the others go on. `poller` says whose turn it
//! is, `rhythm` when the next one is, `moves` whether a redirect is believed.

mod commits;
mod hints;
mod judge;
mod moves;
mod outcome;
pub mod pages;
mod poller;
mod pushed;
mod rhythm;

use std::time::{Duration, Instant};

use crate::domain::{Entry, UnixMillis};
use crate::sources::{PollError, Polled};
use crate::store::{FetchOutcome, PollResult, SourceMemory, StoreError};

use self::commits::Commits;
use self::outcome::{Answer, failed, unchanged};

use super::decide::Prepared;
use super::{App, prepare, websub};

pub use poller::{Poller, poll};
pub use pushed::{PushError, Received, take_article, take_document, take_withdrawal};
pub use rhythm::is_alarming;

/// What one poll of one source brought.
#[derive(Debug, Clone, Default, PartialEq, serde::Serialize)]
pub struct PollReport {
    /// The source's name in the configuration.
    pub source: String,
    /// Articles that are news.
    pub new: usize,
    /// Known articles with a new revision.
    pub changed: usize,
    /// Articles held by the flood brake, or because they look like another one.
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
    /// Entries that are known articles.
    #[serde(skip)]
    pub known: usize,
}

/// One source: fetch, read, decide, one commit.
async fn poll_one(
    app: &App,
    memory: SourceMemory,
    now: UnixMillis,
    commits: &Commits,
) -> Result<PollReport, StoreError> {
    let started = Instant::now();
    let mut report = PollReport {
        source: memory.name.clone(),
        ..PollReport::default()
    };
    let Some(source) = app.sources.get(&memory.name) else {
        return Ok(report);
    };
    let asked = outcome::asked_with(&memory, now);
    let polled = source.adapter.poll(&asked, &app.client).await;
    // What the server asks for counts from its answer, which may have taken a minute.
    let now = now.plus(Duration::from_secs(started.elapsed().as_secs()));
    if let Ok(polled) = &polled
        && !(polled.not_modified && polled.hubs.hubs.is_empty())
    {
        websub::heard(app, &memory.name, &polled.hubs).await?;
    }
    let mut result = match polled {
        Ok(polled) => {
            let answer = Answer::of(&polled, &asked);
            let mut result = read(app, &memory, polled, &mut report, now).await?;
            if result.memory.error.is_none() {
                answer
                    .settle(app, source, &memory, &mut report, &mut result, now)
                    .await?;
            }
            result
        }
        Err(error) => failed(&memory, &error, &mut report, now),
    };
    result.fetch.duration_ms = i64::try_from(started.elapsed().as_millis()).unwrap_or(i64::MAX);
    result.owner.clone_from(&app.owner);
    let next = result.memory.clone();
    let published = websub::published(&result.changes);
    commits.write(result, now).await?;
    if next.moved_to != memory.moved_to {
        let to = next.moved_to.as_deref();
        app.settle_host(&memory.name, to, now).await?;
    }
    websub::found_by_polling(app, &report.source, &published, now).await?;
    outcome::tell(source.config.own, &memory, &next, &report, now);
    Ok(report)
}

/// A successful fetch: its entries become changes.
async fn read(
    app: &App,
    memory: &SourceMemory,
    mut polled: Polled,
    report: &mut PollReport,
    now: UnixMillis,
) -> Result<PollResult, StoreError> {
    report.not_modified = polled.not_modified;
    report.entries = polled.entries.len();
    report.notes.clone_from(&polled.notes);
    let mut result = unchanged(memory, &polled, now);
    let heard = judge::Heard {
        withdrawn: std::mem::take(&mut polled.withdrawn),
        shared_guids: polled.shared_guids,
    };
    if polled.not_modified && heard.withdrawn.is_empty() {
        return Ok(result);
    }
    let source = memory.name.clone();
    let not_modified = polled.not_modified;
    let own = pages::Own::of(app, memory, &polled);
    let mut prepared = match prepare_all(app, &source, polled, report, now).await {
        Ok(prepared) => prepared,
        Err(error) => return Ok(failed(memory, &error, report, now)),
    };
    if let Some(own) = own {
        pages::fill(app, own, &mut prepared, &mut result, report, now).await?;
    }
    let judged = judge::judge(app, memory, prepared, heard, now).await?;
    let decision = judged.decision;
    report.known = judged.known;
    result.memory.by_links = judged.by_links;
    if judged.asks_anew {
        (result.memory.etag, result.memory.last_modified) = (None, None);
    }
    report.notes.extend(decision.notes);
    report.new = decision.new;
    report.changed = decision.changed;
    report.held = decision.held;
    report.baseline = decision.baseline;
    result.fetch.outcome = if not_modified {
        FetchOutcome::NotModified
    } else if decision.new + decision.held + decision.changed > 0 {
        FetchOutcome::New
    } else {
        FetchOutcome::Unchanged
    };
    result.fetch.note = report.notes.join("; ").chars().take(1000).collect();
    result.changes = decision.changes;
    Ok(result)
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
            guarded(|| {
                prepare::prepared(entry, source, &config, language, now)
                    .map_err(|unusable| unusable.to_string())
            })
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
