//! What a poll means: the rules between "the feed has these entries" and "these are news".
//!
//! Pure: entries and what the store knows of them in, changes out.
//!
//! * The first poll of a source is a baseline, not news (but for `backfill` newest entries).
//! * A known article with another hash is a new revision, never a new article; what stands
//!   twice in a document counts once.
//! * A correction during the hold starts it anew, but only so often: text that changes at every
//!   poll delays an article, it does not keep it.
//! * An entry that no name leads to, but its text or its title does, is the same article where
//!   enough agrees ([`likeness`]), and else held for a while; so is one that has a known article's
//!   guid or address, and nothing else of it.
//! * An article dated ahead waits until then ([`dates`]).
//! * Many more new articles than usual in one poll are held for an operator ([`flood`]).
//! * What the source takes back is retracted when it says so a second time.

mod class;
mod dates;
mod document;
mod flood;
mod likeness;
mod sorting;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::config::SourceConfig;
use crate::domain::{Article, ArticleId, ArticleState, IdentityKey, KeyKind, Revision, UnixMillis};
use crate::store::{Change, KnownArticle};

pub(super) use dates::{publication, reason as embargo_reason};
pub(super) use document::{
    after_storm, by_address, guid_storm, tell_addresses_apart, tell_likenesses_apart,
    without_referrers,
};
pub(super) use flood::History;
use sorting::{Fresh, Sorting};

/// A withdrawal is believed when it is heard once more so long after.
const CONFIRMED_AFTER: Duration = Duration::from_secs(600);

/// An entry made ready: its names and its text.
#[derive(Debug, Clone, PartialEq)]
pub struct Prepared {
    /// Strongest first; at least one that identifies it.
    pub keys: Vec<IdentityKey>,
    /// Its text.
    pub revision: Revision,
    /// Whether the source gave it a date.
    pub is_dated: bool,
}

/// What is known around a document.
#[derive(Debug)]
pub(super) struct Background<'a> {
    /// The source's table.
    pub source: &'a SourceConfig,
    /// Whether this is its first successful poll.
    pub is_first: bool,
    /// For each entry the article that its names lead to.
    pub known: Vec<Option<KnownArticle>>,
    /// For each entry the articles that it shares weak keys with.
    pub alike: Vec<Vec<(KeyKind, ArticleId)>>,
    /// For each entry whether one before it has its title and text.
    pub twins: Vec<bool>,
    /// The texts of those that changed or look alike.
    pub articles: HashMap<ArticleId, Article>,
    /// What the source brought before.
    pub history: History,
    /// Articles that the source says it has taken back, and how we know.
    pub withdrawn: Vec<(ArticleId, String)>,
    /// The articles it had taken back before, and since when.
    pub doubted: HashMap<ArticleId, UnixMillis>,
}

/// What a poll leads to.
#[derive(Debug, Default, PartialEq)]
pub struct Decision {
    /// For the store.
    pub changes: Vec<Change>,
    /// Articles that are news.
    pub new: usize,
    /// Articles held, by the flood brake or because they look like another one.
    pub held: usize,
    /// Articles of the silent baseline.
    pub baseline: usize,
    /// Known articles that changed.
    pub changed: usize,
    /// Articles that are retracted now, and how we know.
    pub retracted: Vec<(ArticleId, String)>,
    /// Why the new articles are held, where the flood brake holds them.
    pub flood: Option<String>,
    /// What an operator should know, in sentences.
    pub notes: Vec<String>,
}

/// Decides about the entries of one poll, in document order.
#[must_use]
pub(super) fn decide(
    entries: Vec<Prepared>,
    background: &Background<'_>,
    now: UnixMillis,
) -> Decision {
    let mut decision = Decision::default();
    let mut sorting = Sorting::new(background, now, &mut decision);
    for (place, entry) in entries.into_iter().enumerate() {
        sorting.sort(place, entry);
    }
    let (fresh, met) = (sorting.fresh, sorting.met);
    enter(fresh, background, now, &mut decision);
    withdraw(background, &met, now, &mut decision);
    decision
}

/// Lets the new articles in: as news, as the baseline, or held.
fn enter(
    mut fresh: Vec<Fresh>,
    background: &Background<'_>,
    now: UnixMillis,
    decision: &mut Decision,
) {
    let source = background.source;
    // Feeds list the newest first; those count as `backfill`, and the rest enter in the order
    // of their dates so that ledger numbers follow publication where dates allow.
    fresh.sort_by_key(|f| std::cmp::Reverse(f.entry.revision.published));
    let news = if background.is_first {
        (source.backfill as usize).min(fresh.len())
    } else {
        fresh.len()
    };
    let arrived = fresh.iter().filter(|f| f.suspicion.is_none()).count();
    let flood = (!background.is_first)
        .then(|| flood::brake(arrived, &background.history, source.flood))
        .flatten();
    for (index, Fresh { entry, suspicion }) in fresh.into_iter().enumerate().rev() {
        let published = entry.revision.published;
        let eligible_at = published.max(now.plus(source.hold));
        let (state, reason, held_until) = match (&flood, suspicion) {
            _ if index >= news => {
                decision.baseline += 1;
                let reason = "was there at the first poll".to_owned();
                (ArticleState::Baseline, reason, None)
            }
            (Some(flood), _) => (ArticleState::Held, flood.clone(), None),
            (None, Some(suspicion)) => {
                let until = eligible_at.max(now.plus(source.suspect_hold));
                (ArticleState::Held, suspicion, Some(until))
            }
            (None, None) => (ArticleState::Waiting, dates::reason(published, now), None),
        };
        decision.new += usize::from(state == ArticleState::Waiting);
        decision.held += usize::from(state == ArticleState::Held);
        if !reason.is_empty() && state != ArticleState::Baseline && flood.is_none() {
            decision
                .notes
                .push(format!("“{}”: {reason}", entry.revision.title));
        }
        decision.changes.push(Change::New {
            keys: entry.keys,
            revision: entry.revision,
            state,
            eligible_at: held_until.unwrap_or(eligible_at),
            reason,
            held_until,
        });
    }
    decision.notes.extend(flood.clone());
    decision.flood = flood;
}

/// What the source has taken back, unless the document has it. One word may be a mistake; it is
/// believed when it is heard again later.
fn withdraw(
    background: &Background<'_>,
    met: &HashSet<ArticleId>,
    now: UnixMillis,
    decision: &mut Decision,
) {
    let mut heard = HashSet::new();
    for (article, why) in &background.withdrawn {
        if met.contains(article) || !heard.insert(*article) {
            continue;
        }
        let since = background.doubted.get(article);
        let confirmed = since.is_some_and(|since| now.since(*since) >= CONFIRMED_AFTER);
        if confirmed {
            decision.retracted.push((*article, why.clone()));
        }
        decision.changes.push(Change::Withdraw {
            article: *article,
            why: why.clone(),
            confirmed,
        });
    }
}

#[cfg(test)]
mod tests;
