//! What an answer or a failure leads to: what is remembered, when the next poll is, and what
//! the operator is told.

use std::time::Duration;

use tracing::{debug, error, info, warn};

use super::moves::{self, Move};
use super::rhythm::{self, Answered, Habit};
use super::{PollReport, hints};
use crate::domain::UnixMillis;
use crate::pipeline::App;
use crate::pipeline::app::OpenSource;
use crate::sources::{Hints, Memory, PollError, Polled};
use crate::store::{
    Change, FetchOutcome, FetchRow, NextMemory, PollResult, SourceMemory, StoreError,
};

/// Everything of a source is looked at again, without validators, after at most eight days:
/// some servers answer 304 for ever. The last day is spread.
const FULL: Duration = Duration::from_secs(7 * 86_400);
const FULL_SPREAD_MS: u64 = 86_400_000;

/// What the source is asked with.
pub(super) fn asked_with(memory: &SourceMemory, now: UnixMillis) -> Memory {
    let spread = Duration::from_millis(super::super::spread(&memory.name) % FULL_SPREAD_MS);
    let is_due = |at: UnixMillis| now.since(at) >= FULL + spread;
    let full = memory.full_at.is_none_or(is_due) || Move::of(memory).is_ripe(now);
    Memory {
        etag: memory.etag.clone().filter(|_| !full),
        last_modified: memory.last_modified.clone().filter(|_| !full),
        url_override: memory.moved_to.clone(),
        state: memory.state.clone(),
        full,
    }
}

/// What of an answer decides about the next poll.
pub(super) struct Answer {
    hints: Hints,
    retry_after: Option<Duration>,
    moved_to: Option<String>,
    not_modified: bool,
    is_full: bool,
}

impl Answer {
    pub(super) fn of(polled: &Polled, asked: &Memory) -> Self {
        Self {
            hints: polled.hints,
            retry_after: polled.retry_after,
            moved_to: polled.moved_to.clone(),
            not_modified: polled.not_modified,
            is_full: asked.full,
        }
    }

    /// Completes what is remembered after a good answer.
    pub(super) async fn settle(
        self,
        app: &App,
        source: &OpenSource,
        memory: &SourceMemory,
        report: &mut PollReport,
        result: &mut PollResult,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let next = &mut result.memory;
        let habit = habit(app, memory, &result.changes, self.not_modified, now).await?;
        next.gap_ms = habit.gap.and_then(|gap| gap.as_millis().try_into().ok());
        next.newest_at = habit.newest;
        let known = hints::read(&memory.hints);
        let hints = hints::kept(known, self.hints, self.not_modified, self.is_full);
        next.hints = hints::write(hints);
        // No longer than the pause that follows from it: a source that is due and rests would be
        // claimed and given back without end.
        let rest = self.retry_after.map(|wait| wait.min(rhythm::LONGEST));
        next.rest_until = rest.map(|wait| now.plus(wait));
        if self.is_full && !self.not_modified {
            next.full_at = Some(now);
        }
        let moved = self.moved(app, source, memory, report, now).await?;
        next.moved_to = moved.moved_to;
        next.move_heard = moved.heard;
        next.move_heard_at = moved.heard_at;
        let answered = Answered {
            config: &source.config,
            habit,
            hints,
            is_pushed: app.db.hub_alive(&memory.name, now).await?,
            retry_after: self.retry_after,
            seed: seed(&memory.name, now),
        };
        next.next_fetch_at = answered.next(now);
        Ok(())
    }

    async fn moved(
        &self,
        app: &App,
        source: &OpenSource,
        memory: &SourceMemory,
        report: &mut PollReport,
        now: UnixMillis,
    ) -> Result<Move, StoreError> {
        let known = Move::of(memory);
        if self.moved_to.is_none() && known.heard.is_none() {
            return Ok(known);
        }
        // A validator of ours that the new place knows is as good as an article.
        let is_same = self.not_modified
            || !memory.baselined
            || report.known > 0
            || (report.entries == 0 && app.db.recent_articles(&memory.name).await?.is_empty());
        let asked = memory
            .moved_to
            .as_deref()
            .and_then(|url| url::Url::parse(url).ok());
        let asked = asked.as_ref().or(source.adapter.url());
        let after = known.after(asked, self.moved_to.as_deref(), is_same, now);
        if after.moved_to != known.moved_to {
            let to = after.moved_to.as_deref().unwrap_or_default();
            warn!(
                source.name = memory.name,
                to, "the source has moved for good and is asked there from now on; change its url"
            );
        }
        if let Some(to) = after.moved_to.as_ref().or(after.heard.as_ref()) {
            report.notes.push(match (&after.heard, after.heard_at) {
                (Some(to), None) => format!(
                    "it redirects for good to {to}, where none of its articles stood; if that \
                     is meant, change its url"
                ),
                _ => format!("it has moved for good; change its url to {to}"),
            });
        }
        Ok(after)
    }
}

/// The source's habit after this answer.
async fn habit(
    app: &App,
    memory: &SourceMemory,
    changes: &[Change],
    not_modified: bool,
    now: UnixMillis,
) -> Result<Habit, StoreError> {
    let known = Habit {
        gap: memory
            .gap_ms
            .and_then(|ms| ms.try_into().ok())
            .map(Duration::from_millis),
        newest: memory.newest_at,
    };
    let fresh: Vec<UnixMillis> = changes
        .iter()
        .filter_map(|change| match change {
            Change::New { revision, .. } => Some(revision.published.min(now)),
            _ => None,
        })
        .collect();
    let is_unknown = memory.newest_at.is_none() && !not_modified;
    if fresh.is_empty() && !is_unknown {
        return Ok(known);
    }
    let recent = app.db.recent_articles(&memory.name).await?;
    Ok(Habit::of(recent.into_iter().chain(fresh)))
}

/// Another number for each source and poll.
fn seed(name: &str, now: UnixMillis) -> u64 {
    let mixed =
        super::super::spread(name) ^ now.0.unsigned_abs().wrapping_mul(0x9E37_79B9_7F4A_7C15);
    // SplitMix64's last steps: neighbouring instants must not give neighbouring pauses.
    let mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    mixed ^ (mixed >> 31)
}

/// The memory as it is, for what an answer does not change.
pub(super) fn kept(memory: &SourceMemory) -> NextMemory {
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
        gap_ms: memory.gap_ms,
        newest_at: memory.newest_at,
        ..NextMemory::default()
    }
}

/// What a good answer without news leads to.
pub(super) fn unchanged(memory: &SourceMemory, polled: &Polled, now: UnixMillis) -> PollResult {
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
pub(super) fn failed(
    memory: &SourceMemory,
    error: &PollError,
    report: &mut PollReport,
    now: UnixMillis,
) -> PollResult {
    let fails = memory.fails.saturating_add(1);
    let seed = seed(&memory.name, now);
    let pause = rhythm::pause_after(fails, error.status, error.retry_after, seed);
    let until = now.plus(pause);
    let mut message = error.message.clone();
    let mut next = NextMemory {
        next_fetch_at: until,
        fails,
        // A place that it moved to may be gone while the configured address is not.
        gone: error.gone && memory.moved_to.is_none(),
        rest_until: (error.retry_after.is_some() || error.status == Some(429)).then_some(until),
        ..kept(memory)
    };
    if moves::is_given_up(memory, error.status, now) {
        message.push_str("; it had moved there, and from now on its configured address is asked");
        next.moved_to = None;
        next.etag = None;
        next.last_modified = None;
        next.next_fetch_at = now.plus(rhythm::pause_after(1, None, error.retry_after, seed));
    }
    report.error = Some(message.clone());
    if speaks_for_host(error) {
        report.host_rests = Some(until);
    }
    next.error = Some(message.clone());
    PollResult {
        source: memory.name.clone(),
        owner: String::new(),
        changes: Vec::new(),
        memory: next,
        fetch: FetchRow {
            status: error.status,
            outcome: FetchOutcome::Error,
            bytes: 0,
            entries: 0,
            duration_ms: 0,
            note: message.chars().take(1000).collect(),
        },
    }
}

/// Writes to the log what came of a poll; what only a person can mend is an error, told once.
pub(super) fn tell(
    own: bool,
    before: &SourceMemory,
    after: &NextMemory,
    report: &PollReport,
    now: UnixMillis,
) {
    let name = &report.source;
    match &report.error {
        Some(error) if after.gone => error!(
            source.name = name,
            error,
            "the source is gone for good and is not asked any more; remove it, or give its new \
             address"
        ),
        Some(error)
            if rhythm::alarms(
                own,
                after.fails,
                before.last_ok_at,
                before.last_fetch_at,
                now,
            ) =>
        {
            error!(
                source.name = name,
                error,
                failures = after.fails,
                next_try = %after.next_fetch_at,
                "the source does not answer; nothing of it is published until it does"
            );
        }
        Some(error) => warn!(source.name = name, error, "poll failed"),
        None if before
            .last_fetch_at
            .is_some_and(|at| rhythm::is_alarming(own, before.fails, before.last_ok_at, at)) =>
        {
            info!(
                source.name = name,
                failures = before.fails,
                articles.new = report.new,
                "the source answers again"
            );
        }
        None if report.not_modified => debug!(source.name = name, "polled, nothing has changed"),
        None => info!(
            source.name = name,
            articles.new = report.new,
            articles.changed = report.changed,
            articles.held = report.held,
            "polled"
        ),
    }
}
