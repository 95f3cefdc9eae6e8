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
//!   enough agrees ([`likeness`]), and else held for a while.
//! * An article dated ahead waits until then ([`dates`]).
//! * Many more new articles than usual in one poll are held for an operator ([`flood`]).
//! * What the source takes back is retracted when it says so a second time.

mod class;
mod dates;
mod document;
mod flood;
mod likeness;

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use crate::config::SourceConfig;
use crate::domain::{
    Article, ArticleId, ArticleState, IdentityKey, KeyKind, Revision, RevisionClass, UnixMillis,
};
use crate::store::{Change, KnownArticle};

pub(super) use dates::{publication, reason as embargo_reason};
pub(super) use document::{
    after_storm, by_address, guid_storm, tell_likenesses_apart, without_referrers,
};
pub(super) use flood::History;
use likeness::{Likeness, likeness};

/// A hold that corrections keep starting anew ends this many holds after first sight.
const MOST_HOLDS: u32 = 4;
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

/// An entry that is news, and what it looks like.
struct Fresh {
    entry: Prepared,
    suspicion: Option<String>,
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

/// The entries on their way: known articles are decided about, the others collected.
struct Sorting<'a> {
    background: &'a Background<'a>,
    now: UnixMillis,
    decision: &'a mut Decision,
    fresh: Vec<Fresh>,
    /// The articles that stand in the document by their names.
    listed: HashSet<ArticleId>,
    /// Those that an entry has been taken for.
    met: HashSet<ArticleId>,
    /// One guid twice in a document is one article, and its first text is its text: two texts
    /// taken in turns would be a correction at every poll.
    names: HashSet<IdentityKey>,
}

impl<'a> Sorting<'a> {
    fn new(background: &'a Background<'a>, now: UnixMillis, decision: &'a mut Decision) -> Self {
        let listed = background.known.iter().flatten().map(|k| k.id).collect();
        Self {
            background,
            now,
            decision,
            fresh: Vec::new(),
            listed,
            met: HashSet::new(),
            names: HashSet::new(),
        }
    }

    fn sort(&mut self, place: usize, entry: Prepared) {
        if let Some(known) = self.background.known[place].clone() {
            return self.recognise(entry, &known);
        }
        let strong = |entry: &Prepared| {
            let keys = entry.keys.iter().filter(|key| !key.kind.is_weak());
            keys.cloned().collect::<Vec<_>>()
        };
        let names = strong(&entry);
        let is_repeated = names.iter().any(|key| self.names.contains(key));
        self.names.extend(names);
        if is_repeated {
            return;
        }
        match self.look_alike(place, &entry) {
            Some((article, Likeness::Same)) => self.recognise(entry, &known(article)),
            Some((article, Likeness::Suspect(which))) => {
                let (id, title) = (article.id, &article.revision.title);
                let suspicion = Some(format!(
                    "it looks like article {id}, which {which}: “{title}”"
                ));
                self.fresh.push(Fresh { entry, suspicion });
            }
            None => {
                let suspicion = self.background.twins[place].then(|| {
                    "it looks like another article of the same poll, which has the same title \
                     and text"
                        .to_owned()
                });
                self.fresh.push(Fresh { entry, suspicion });
            }
        }
    }

    /// The article that an entry without a known name is, or looks most like.
    fn look_alike(&self, place: usize, entry: &Prepared) -> Option<(&'a Article, Likeness)> {
        let alike = &self.background.alike[place];
        let mut suspect = None;
        for (_, id) in alike {
            let Some(article) = self.background.articles.get(id) else {
                continue;
            };
            let shared: Vec<KeyKind> = alike.iter().filter(|a| a.1 == *id).map(|a| a.0).collect();
            let is_listed = self.listed.contains(id) || self.met.contains(id);
            match likeness(&entry.revision, article, &shared, is_listed) {
                Likeness::Same => return Some((article, Likeness::Same)),
                other => suspect = suspect.or(Some((article, other))),
            }
        }
        suspect
    }

    /// A known article: new names are noted, a new text is a new revision.
    fn recognise(&mut self, entry: Prepared, known: &KnownArticle) {
        if !self.met.insert(known.id) {
            return self.note_names(entry, known);
        }
        let (now, hold) = (self.now, self.background.source.hold);
        let is_doubted = self.background.doubted.contains_key(&known.id);
        if known.state == ArticleState::Retracted || is_doubted {
            self.decision.changes.push(Change::Restore {
                article: known.id,
                eligible_at: now.plus(hold),
            });
        }
        let redated = redate(&entry, known, hold, now);
        if known.hash == entry.revision.hash {
            self.note_names(entry, known);
        } else {
            self.revise(entry, known);
        }
        self.decision.changes.extend(redated);
    }

    /// A new text. While the article waits in its hold, a correction starts the hold anew, so
    /// that one edit more is swallowed too. Its date stays.
    fn revise(&mut self, entry: Prepared, known: &KnownArticle) {
        let (now, source) = (self.now, self.background.source);
        let mut revision = entry.revision;
        let before = self.background.articles.get(&known.id);
        let class = before.map_or(RevisionClass::Substantive, |before| {
            class::class(&before.revision, &revision, &source.corrections)
        });
        if revision.updated <= revision.published {
            revision.updated = now;
        }
        revision.published = known.published;
        revision.updated = revision.updated.max(known.published);
        if known.state != ArticleState::Baseline {
            self.decision.changed += 1;
        }
        let latest = known
            .first_seen_at
            .plus(source.hold.saturating_mul(MOST_HOLDS));
        let hold_ends = now.plus(source.hold).min(latest);
        let is_waiting = known.state == ArticleState::Waiting;
        let eligible_at = if known.published > now {
            hold_ends.max(known.published)
        } else {
            hold_ends
        };
        self.decision.changes.push(Change::Revise {
            article: known.id,
            keys: entry.keys,
            revision,
            class,
            eligible_at: is_waiting.then_some(eligible_at),
        });
    }

    /// Names under which a known article was not known yet.
    fn note_names(&mut self, entry: Prepared, known: &KnownArticle) {
        let strong = entry.keys.iter().filter(|key| !key.kind.is_weak());
        if known.keys_known < strong.count() {
            self.decision.changes.push(Change::Alias {
                article: known.id,
                keys: entry.keys,
            });
        }
    }
}

/// What the store would say of an article that an entry is by its looks: none of its names is
/// known.
pub(super) fn known(article: &Article) -> KnownArticle {
    KnownArticle {
        id: article.id,
        state: article.state,
        revision: article.revision.number,
        hash: article.revision.hash.clone(),
        first_seen_at: article.first_seen,
        eligible_at: article.eligible_at,
        published: article.revision.published,
        keys_known: 0,
        by_id: false,
        at_address: None,
    }
}

/// Another date of an article that still waits for its date, or does so now.
fn redate(
    entry: &Prepared,
    known: &KnownArticle,
    hold: Duration,
    now: UnixMillis,
) -> Option<Change> {
    let published = entry.revision.published;
    let is_open = matches!(known.state, ArticleState::Waiting | ArticleState::Held);
    let is_ahead = known.published > now || published > now;
    let moves = entry.is_dated && is_open && is_ahead && published != known.published;
    moves.then(|| Change::Redate {
        article: known.id,
        published,
        eligible_at: published.max(known.first_seen_at.plus(hold)),
        reason: dates::reason(published, now),
    })
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
