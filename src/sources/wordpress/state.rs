//! What is remembered of a WordPress site between two polls.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use url::Url;

use crate::domain::{UnixMillis, normalise_url};

/// Posts whose staying is watched.
pub(super) const MOST_KNOWN: usize = 200;
/// A withdrawal is repeated for so long, and once after that, for those who want to hear it
/// twice: between two polls there may be days.
const REPEATED_MS: i64 = 24 * 3_600_000;

/// What is kept in `Polled::state`; times are milliseconds since 1970.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct State {
    /// The home page it is of.
    pub(super) home: String,
    /// Where the REST interface is.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) root: Option<String>,
    /// When the site was first read.
    pub(super) began: i64,
    /// The highest id of a post that was there then.
    pub(super) horizon: u64,
    /// The newest change that was seen, by the site's clock.
    pub(super) modified: i64,
    /// The newest date of publication that was seen, by the site's clock.
    pub(super) published: i64,
    /// Where reading the changes stands, when there were too many for one poll.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) walk: Option<Walk>,
    /// Public posts, the last seen at the end.
    pub(super) known: Vec<u64>,
    /// Those of them that only the site's feed has shown.
    #[serde(skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) fed: BTreeSet<u64>,
    /// Posts that were public and are not, with since when.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) withdrawn: BTreeMap<u64, i64>,
    /// Since when the REST interface is closed to us, by our clock.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(super) blocked: Option<i64>,
}

/// A place in a long list of changes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Walk {
    /// The list's beginning.
    pub(super) after: i64,
    /// The page to read next.
    pub(super) page: u32,
    /// The newest change that was seen when it began.
    pub(super) top: i64,
}

impl State {
    /// What was remembered of the site at `home`; `None` when nothing was, or of another site.
    /// A move to https is none to another site, and the interface is looked for again.
    pub(super) fn read(text: Option<&str>, home: &Url) -> Option<Self> {
        let state: Self = serde_json::from_str(text?).ok()?;
        if state.home == home.as_str() {
            return Some(state);
        }
        let is_same = normalise_url(&state.home) == normalise_url(home.as_str());
        is_same.then(|| Self {
            home: home.to_string(),
            root: None,
            ..state
        })
    }

    /// Nothing yet of the site at `home`.
    pub(super) fn of(home: &Url) -> Self {
        Self {
            home: home.to_string(),
            ..Self::default()
        }
    }

    pub(super) fn written(&self) -> Option<String> {
        serde_json::to_string(self).ok()
    }

    /// Notes that a post is public.
    pub(super) fn saw(&mut self, id: u64) {
        self.known.retain(|known| *known != id);
        self.known.push(id);
        self.withdrawn.remove(&id);
        if self.known.len() > MOST_KNOWN
            && let Some(oldest) = self.known.iter().copied().min()
        {
            self.known.retain(|known| *known != oldest);
        }
    }

    /// Notes that a post is not public; `true` when it was, and that is to be said.
    pub(super) fn lost(&mut self, id: u64, now: UnixMillis) -> bool {
        if self.withdrawn.contains_key(&id) {
            return true;
        }
        if !self.known.contains(&id) {
            return false;
        }
        self.known.retain(|known| *known != id);
        self.withdrawn.insert(id, now.0);
        while self.withdrawn.len() > MOST_KNOWN {
            self.withdrawn.pop_first();
        }
        true
    }

    /// Forgets withdrawals that have been said long enough, at the end of a poll.
    pub(super) fn tidy(&mut self, now: UnixMillis) {
        self.withdrawn
            .retain(|_, since| now.0 - *since <= REPEATED_MS);
    }

    /// Notes that the site's feed shows a post; `false` when the interface has shown it. Of such
    /// a post the feed has nothing to say: it may have a summary where there was the text, and
    /// edits are read when the interface is open again.
    pub(super) fn saw_in_feed(&mut self, id: u64) -> bool {
        let by_rest = self.modified > 0 && self.known.contains(&id) && !self.fed.contains(&id);
        self.saw(id);
        if !by_rest {
            self.fed.insert(id);
            self.fed.retain(|id| self.known.contains(id));
        }
        !by_rest
    }

    /// Whether a post is from before the site was first read, and merely edited: nobody was
    /// told of it, and an edit is no news.
    pub(super) fn is_old(&self, id: u64, published: Option<UnixMillis>) -> bool {
        // The site's clock is not ours. What it published in that hour was read at first.
        let is_before = published.is_none_or(|at| at.0 < self.began - 3_600_000);
        id <= self.horizon
            && is_before
            && !self.known.contains(&id)
            && !self.withdrawn.contains_key(&id)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_post_is_old_when_it_was_there_before_us_and_nobody_knows_it() {
        let mut state = State {
            began: 3_601_000,
            horizon: 50,
            ..State::default()
        };
        assert!(state.is_old(7, Some(UnixMillis(10))));
        // A draft from before that is published now, and a new post with an old date.
        assert!(!state.is_old(7, Some(UnixMillis(2000))));
        assert!(!state.is_old(51, Some(UnixMillis(10))));
        state.saw(7);
        assert!(!state.is_old(7, Some(UnixMillis(10))));
    }

    #[test]
    fn a_loss_is_said_for_a_day_and_only_of_what_was_known() {
        let (mut state, now) = (State::default(), UnixMillis(0));
        assert!(!state.lost(1, now));
        state.saw(1);
        assert!(state.lost(1, now) && state.lost(1, now));
        // However late the next poll is, it says so once more.
        let late = UnixMillis(REPEATED_MS * 9);
        assert!(state.lost(1, late));
        state.tidy(late);
        assert!(!state.lost(1, late));
        state.saw(1);
        assert!(state.withdrawn.is_empty());
        for id in 0..500 {
            state.saw(id);
        }
        assert_eq!((state.known.len(), state.known[0]), (MOST_KNOWN, 300));
        let url = |text: &str| Url::parse(text).unwrap();
        state.home = "http://e.org/".to_owned();
        state.root = Some("http://e.org/wp-json/".to_owned());
        let text = state.written();
        let read = |home: &str| State::read(text.as_deref(), &url(home));
        assert_eq!(read("http://e.org/"), Some(state.clone()));
        assert_eq!(read("https://www.e.org/").unwrap().root, None);
        assert_eq!(read("https://e.org/blog/"), None);
    }
}
