//! What a poll means: the rules between "the feed has these entries" and "these are news".
//!
//! Pure: entries and what the store knows of them in, changes out.
//!
//! * The first poll of a source is a baseline, not news (but for `backfill` newest entries).
//! * A known article with another hash is a new revision, never a new article; what stands
//!   twice in a document counts once.
//! * A correction during the hold starts it anew, but only so often: text that changes at every
//!   poll delays an article, it does not keep it.
//! * More new articles than `flood` in one poll are held for an operator: a new content
//!   system, a rebuilt archive or changed guids must not mail everybody.

use std::collections::HashSet;
use std::time::Duration;

use crate::config::SourceConfig;
use crate::domain::{ArticleId, ArticleState, IdentityKey, Revision, UnixMillis};
use crate::store::{Change, KnownArticle};

/// A hold that corrections keep starting anew ends this many holds after first sight.
const MOST_HOLDS: u32 = 4;

/// An entry made ready: its names and its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Strongest first, never empty.
    pub keys: Vec<IdentityKey>,
    /// Its text.
    pub revision: Revision,
}

/// What a poll leads to.
#[derive(Debug, Default, PartialEq)]
pub struct Decision {
    /// For the store.
    pub changes: Vec<Change>,
    /// Articles that are news.
    pub new: usize,
    /// Articles held by the flood brake.
    pub held: usize,
    /// Articles of the silent baseline.
    pub baseline: usize,
    /// Known articles that changed.
    pub changed: usize,
}

/// Decides about the entries of one poll, in document order. `known` answers for each entry
/// what the store has under its keys. `first` is the first successful poll of the source.
#[must_use]
pub fn decide(
    entries: Vec<Prepared>,
    known: &[Option<KnownArticle>],
    source: &SourceConfig,
    first: bool,
    now: UnixMillis,
) -> Decision {
    let mut decision = Decision::default();
    let mut fresh = sorted_out(entries, known, source.hold, now, &mut decision);
    // Feeds list the newest first; those count as `backfill`, and the rest enter in the order
    // of their dates so that ledger numbers follow publication where dates allow.
    fresh.sort_by_key(|e| std::cmp::Reverse(e.revision.published));
    let news = if first {
        (source.backfill as usize).min(fresh.len())
    } else {
        fresh.len()
    };
    let flood = !first && news > source.flood as usize;
    for (index, entry) in fresh.into_iter().enumerate().rev() {
        let (state, reason) = if index >= news {
            decision.baseline += 1;
            (
                ArticleState::Baseline,
                "was there at the first poll".to_owned(),
            )
        } else if flood {
            decision.held += 1;
            (
                ArticleState::Held,
                format!("flood brake: {news} new articles in one poll"),
            )
        } else {
            decision.new += 1;
            (ArticleState::Waiting, String::new())
        };
        decision.changes.push(Change::New {
            keys: entry.keys,
            revision: entry.revision,
            state,
            eligible_at: now.plus(source.hold),
            reason,
        });
    }
    decision
}

/// Decides about the known entries; answers the others.
fn sorted_out(
    entries: Vec<Prepared>,
    known: &[Option<KnownArticle>],
    hold: Duration,
    now: UnixMillis,
    decision: &mut Decision,
) -> Vec<Prepared> {
    let mut fresh: Vec<Prepared> = Vec::new();
    // One guid twice in a document is one article, and its first text is its text: two texts
    // taken in turns would be a correction at every poll.
    let mut names: HashSet<IdentityKey> = HashSet::new();
    let mut met: HashSet<ArticleId> = HashSet::new();
    for (entry, known) in entries.into_iter().zip(known) {
        match known {
            Some(known) if met.insert(known.id) => {
                revise(entry, known, hold, now, decision);
            }
            Some(known) => note_names(entry, known, decision),
            None => {
                let repeated = entry.keys.iter().any(|key| names.contains(key));
                names.extend(entry.keys.iter().cloned());
                if !repeated {
                    fresh.push(entry);
                }
            }
        }
    }
    fresh
}

/// A known article: new names are noted, a new text is a new revision. While it waits in its
/// hold, a correction starts the hold anew, so that one edit more is swallowed too.
fn revise(
    entry: Prepared,
    known: &KnownArticle,
    hold: Duration,
    now: UnixMillis,
    decision: &mut Decision,
) {
    if known.hash == entry.revision.hash {
        note_names(entry, known, decision);
        return;
    }
    let waiting = known.state == ArticleState::Waiting;
    if known.state != ArticleState::Baseline {
        decision.changed += 1;
    }
    let latest = known.first_seen_at.plus(hold.saturating_mul(MOST_HOLDS));
    decision.changes.push(Change::Revise {
        article: known.id,
        keys: entry.keys,
        revision: entry.revision,
        eligible_at: waiting.then(|| now.plus(hold).min(latest)),
    });
}

/// Names under which a known article was not known yet.
fn note_names(entry: Prepared, known: &KnownArticle, decision: &mut Decision) {
    if known.keys_known < entry.keys.len() {
        decision.changes.push(Change::Alias {
            article: known.id,
            keys: entry.keys,
        });
    }
}

#[cfg(test)]
mod tests;
