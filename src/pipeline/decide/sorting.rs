//! The entries of a document, one by one: which are known articles, and what came of those.

use std::collections::{HashMap, HashSet};
use std::time::Duration;

use super::class::{class, differ, plain};
use super::likeness::{Likeness, likeness};
use super::{Background, Decision, Prepared, dates};
use crate::domain::{
    Article, ArticleId, ArticleState, IdentityKey, KeyKind, RevisionClass, UnixMillis, words_of,
};
use crate::store::{Change, KnownArticle};

/// A hold that corrections keep starting anew ends this many holds after first sight.
const MOST_HOLDS: u32 = 4;
/// With more than so many of a hundred words others, a text is another one.
const ANOTHER: usize = 80;

/// An entry that is news, and what it looks like.
pub(super) struct Fresh {
    pub(super) entry: Prepared,
    pub(super) suspicion: Option<String>,
}

/// The entries on their way: known articles are decided about, the others collected.
pub(super) struct Sorting<'a> {
    background: &'a Background<'a>,
    now: UnixMillis,
    decision: &'a mut Decision,
    pub(super) fresh: Vec<Fresh>,
    /// The articles that stand in the document by their names.
    listed: HashSet<ArticleId>,
    /// Those that an entry has been taken for.
    pub(super) met: HashSet<ArticleId>,
    /// One guid twice in a document is one article, and its first text is its text: two texts
    /// taken in turns would be a correction at every poll.
    names: HashSet<IdentityKey>,
}

impl<'a> Sorting<'a> {
    pub(super) fn new(
        background: &'a Background<'a>,
        now: UnixMillis,
        decision: &'a mut Decision,
    ) -> Self {
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

    pub(super) fn sort(&mut self, place: usize, entry: Prepared) {
        if let Some(known) = &self.background.known[place] {
            return match contradiction(&entry, known, &self.background.articles) {
                Some(suspicion) => self.take_for_another(entry, known, suspicion),
                None => self.recognise(entry, known),
            };
        }
        if self.is_repeated(&entry) {
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

    /// Whether an entry before it had one of its names.
    fn is_repeated(&mut self, entry: &Prepared) -> bool {
        let strong = entry.keys.iter().filter(|key| !key.kind.is_weak());
        let is_repeated = strong.clone().any(|key| self.names.contains(key));
        self.names.extend(strong.cloned());
        is_repeated
    }

    /// An entry that has one name of a known article and nothing else of it: another article, by
    /// its other names.
    fn take_for_another(&mut self, mut entry: Prepared, known: &KnownArticle, suspicion: String) {
        entry
            .keys
            .retain(|key| key.kind.is_weak() || key.kind.is_address() == known.by_id);
        if !self.is_repeated(&entry) {
            let suspicion = Some(suspicion);
            self.fresh.push(Fresh { entry, suspicion });
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
            class(&before.revision, &revision, &source.corrections)
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

/// Why an entry is not the article that one of its names leads to, if it is not: its guid is
/// known and its address is not, or the other way round, and title, date and most of the text are
/// others. Some systems use a guid or an address again and again.
fn contradiction(
    entry: &Prepared,
    known: &KnownArticle,
    articles: &HashMap<ArticleId, Article>,
) -> Option<String> {
    let by_address = known.at_address == Some(known.id);
    let is_other = |key: &&IdentityKey| {
        !key.kind.is_weak() && key.kind.is_address() == known.by_id && known.by_id != by_address
    };
    entry.keys.iter().find(is_other)?;
    let article = articles.get(&known.id)?;
    let (before, after) = (&article.revision, &entry.revision);
    let is_another = entry.is_dated
        && before.published != after.published
        && words_of(&before.title) != words_of(&after.title)
        && !differ(&plain(before), &plain(after), ANOTHER);
    is_another.then(|| {
        let what = if by_address { "address" } else { "guid" };
        format!(
            "it has the {what} of article {}, but another title, date and text: “{}”",
            known.id, before.title
        )
    })
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
