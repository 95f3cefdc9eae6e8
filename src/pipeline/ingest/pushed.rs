//! What was sent to us goes the way of what was fetched: under the source's lease, through the
//! same cleaning and the same rules, into one commit.

use std::time::{Duration, Instant};

use tracing::info;

use super::judge::{Heard, judge};
use super::outcome::kept;
use super::{PollReport, prepare_all, read};
use crate::domain::{ArticleState, Entry, UnixMillis, keys_of};
use crate::pipeline::App;
use crate::pipeline::decide::Decision;
use crate::sources::{Document, Polled};
use crate::store::{
    Change, FetchOutcome, FetchRow, NextMemory, PollResult, SourceMemory, StoreError,
};

/// A source that we took is given back by itself after this long, should we die.
const LEASE: Duration = Duration::from_secs(30);
/// The same where pages may be read, the last of which may begin late and take long.
const LEASE_WITH_PAGES: Duration = Duration::from_secs(120);
/// How long to wait for a source that somebody is polling.
const PATIENCE: Duration = Duration::from_secs(5);
/// Articles are pushed one by one; a flood is many in so short a time.
const FLOOD: Duration = Duration::from_secs(600);

/// What came of a push.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Received {
    /// The article is news.
    New,
    /// It is news, and held by the flood brake.
    Held,
    /// It was known, and has a new revision.
    Changed,
    /// It was known as it is.
    Unchanged,
    /// It has been withdrawn.
    Withdrawn,
}

/// Why a push was not taken; nothing of it was stored.
#[derive(Debug, thiserror::Error)]
pub enum PushError {
    /// Somebody polls the source just now.
    #[error("the source is busy; send it again in a few seconds")]
    Busy,
    /// Nothing can be made of the article.
    #[error("{0}")]
    Unusable(String),
    /// What is withdrawn is not known.
    #[error("the source has no article with that id")]
    NoArticle,
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes an article of a source that waits for pushes. It is durable when this returns, and the
/// same push again changes nothing.
///
/// # Errors
/// Why it was not taken.
pub async fn take_article(
    app: &App,
    source: &str,
    entry: Entry,
    now: UnixMillis,
) -> Result<Received, PushError> {
    let mut memory = claim_patiently(app, source, now)
        .await?
        .ok_or(PushError::Busy)?;
    // Whoever pushes an article means it as news, the first one too.
    memory.baselined = true;
    let polled = Polled {
        entries: vec![entry],
        ..Polled::default()
    };
    let mut report = PollReport::default();
    let prepared = prepare_all(app, source, polled, &mut report, now).await;
    let prepared = prepared.unwrap_or_else(|error| {
        report.notes.push(error.message);
        Vec::new()
    });
    let unusable = prepared.is_empty();
    let judged = judge(app, &memory, prepared, Heard::default(), now).await?;
    let mut decision = judged.decision;
    report.notes.append(&mut decision.notes);
    let recent = app
        .db
        .articles_since(source, now.plus_ms(-(FLOOD.as_millis() as i64)))
        .await?;
    brake(
        &mut decision,
        recent,
        i64::from(app.config.sources[source].flood),
    );
    let received = match &decision {
        d if d.held > 0 => Received::Held,
        d if d.new > 0 => Received::New,
        d if d.changed > 0 => Received::Changed,
        _ => Received::Unchanged,
    };
    let note = report.notes.join("; ");
    let result = pushed_result(app, &memory, decision.changes, &note, now);
    app.db.apply_poll(result, now).await?;
    if unusable {
        return Err(PushError::Unusable(note));
    }
    info!(source.name = source, ?received, "an article was pushed");
    if received != Received::Unchanged {
        app.wake.release.notify_one();
        app.wake.tidy.notify_one();
    }
    Ok(received)
}

/// Takes back the article that was pushed under `id`.
///
/// # Errors
/// Why that could not be.
pub async fn take_withdrawal(app: &App, source: &str, id: &str) -> Result<Received, PushError> {
    let keys = keys_of(Some(id), Some(id), "", "");
    let found = app.db.find_articles(source, &[keys]).await?;
    let article = found.into_iter().flatten().next();
    let article = article.ok_or(PushError::NoArticle)?;
    if article.state != ArticleState::Retracted {
        let why = "its publisher withdrew it";
        app.db.retract_article(article.id, why).await?;
        info!(
            source.name = source,
            article = article.id.0,
            "an article was withdrawn"
        );
        app.wake.release.notify_one();
        app.wake.tidy.notify_one();
    }
    Ok(Received::Withdrawn)
}

/// Takes a source's own document that a hub sent. `false` when it could not be taken and a poll
/// is needed: somebody is polling, there was no first poll, or nothing could be read in it.
///
/// # Errors
/// The store's.
pub async fn take_document(
    app: &App,
    source: &str,
    document: Document,
    now: UnixMillis,
) -> Result<bool, StoreError> {
    let Some(open) = app.sources.get(source) else {
        return Ok(false);
    };
    let read_in = open.adapter.read_pushed(document).await;
    let Ok(Some(polled)) = read_in else {
        return Ok(false);
    };
    if polled.entries.is_empty() {
        return Ok(false);
    }
    let Some(memory) = claim(app, source, now.plus(LEASE_WITH_PAGES), now).await? else {
        return Ok(false);
    };
    let mut report = PollReport {
        source: source.to_owned(),
        ..PollReport::default()
    };
    let (changes, note) = if memory.baselined {
        let result = read(&app.at_pace(), &memory, polled, &mut report, now).await?;
        (result.changes, result.fetch.note)
    } else {
        // What was there before is known from a poll, not from a push with the newest.
        (Vec::new(), "pushed before the first poll".to_owned())
    };
    let result = pushed_result(app, &memory, changes, &note, now);
    app.db.apply_poll(result, now).await?;
    info!(
        source.name = source,
        articles.new = report.new,
        articles.changed = report.changed,
        articles.held = report.held,
        "a hub pushed"
    );
    if report.new + report.changed + report.held > 0 {
        app.wake.release.notify_one();
        app.wake.tidy.notify_one();
    }
    Ok(memory.baselined && report.error.is_none())
}

/// Takes a source for ourselves; `None` while another has it.
async fn claim(
    app: &App,
    source: &str,
    until: UnixMillis,
    now: UnixMillis,
) -> Result<Option<SourceMemory>, StoreError> {
    let (owner, only) = (owner(app), [source.to_owned()]);
    let claimed = app.db.claim_sources(&owner, now, until, 1, Some(&only));
    Ok(claimed.await?.pop())
}

/// The same, for as long as a poll takes as a rule.
async fn claim_patiently(
    app: &App,
    source: &str,
    now: UnixMillis,
) -> Result<Option<SourceMemory>, StoreError> {
    let began = Instant::now();
    loop {
        let memory = claim(app, source, now.plus(LEASE), now).await?;
        if memory.is_some() || began.elapsed() > PATIENCE {
            return Ok(memory);
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

/// Not the poller's name, which may have the source in hand after its lease.
fn owner(app: &App) -> String {
    format!("{}-push", app.owner)
}

/// A commit of `changes` that leaves alone what polls remember.
fn pushed_result(
    app: &App,
    memory: &SourceMemory,
    changes: Vec<Change>,
    note: &str,
    now: UnixMillis,
) -> PollResult {
    let outcome = if changes.is_empty() {
        FetchOutcome::Unchanged
    } else {
        FetchOutcome::New
    };
    PollResult {
        source: memory.name.clone(),
        owner: owner(app),
        memory: NextMemory {
            next_fetch_at: memory.next_fetch_at.unwrap_or(now),
            fails: memory.fails,
            error: memory.error.clone(),
            gone: memory.gone,
            ..kept(memory)
        },
        fetch: FetchRow {
            status: None,
            outcome,
            bytes: 0,
            entries: changes.len(),
            duration_ms: 0,
            note: note.chars().take(1000).collect(),
        },
        changes,
    }
}

/// Holds what is more than `flood` in ten minutes.
fn brake(decision: &mut Decision, recent: i64, flood: i64) {
    let many = recent.saturating_add(i64::try_from(decision.new).unwrap_or(i64::MAX));
    if many <= flood {
        return;
    }
    for change in &mut decision.changes {
        if let Change::New { state, reason, .. } = change
            && *state == ArticleState::Waiting
        {
            *state = ArticleState::Held;
            *reason = format!("flood brake: {many} new articles in ten minutes");
            decision.new -= 1;
            decision.held += 1;
        }
    }
}
