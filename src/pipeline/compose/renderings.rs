//! The variants that are being sent, kept as they were composed.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::OnceCell;

use crate::channels::email::Pattern;
use crate::domain::{Article, IssueId};

/// The memory they may take together, in bytes.
const ROOM: usize = 16 << 20;

/// A variant of an issue, composed. Cheap to clone.
#[derive(Debug, Clone)]
pub(super) enum Edition {
    /// Its readers' mails differ in what is filled in.
    Shared(Pattern),
    /// Its template needs each reader; the articles, to run it with.
    PerReader(Arc<[Article]>),
}

impl Edition {
    fn size(&self) -> usize {
        match self {
            Self::Shared(pattern) => pattern.size(),
            Self::PerReader(articles) => {
                let bytes = |article: &Article| 2048 + 2 * article.revision.content_html.len();
                articles.iter().map(bytes).sum()
            }
        }
    }
}

type Key = (IssueId, i64);

/// The editions of the issues that are being sent, by issue and variant. Those used longest
/// ago go when there is no more room.
#[derive(Debug, Default)]
pub struct Renderings(Mutex<Kept>);

#[derive(Debug, Default)]
struct Kept {
    entries: HashMap<Key, Entry>,
    /// Grows with every use.
    uses: u64,
}

#[derive(Debug, Default)]
struct Entry {
    cell: Arc<OnceCell<Edition>>,
    used: u64,
    /// 0 while it is being made.
    size: usize,
}

impl Renderings {
    /// The edition; made once, also when many ask for it at once.
    pub(super) async fn edition<E, F>(
        &self,
        key: Key,
        make: impl FnOnce() -> F,
    ) -> Result<Edition, E>
    where
        F: Future<Output = Result<Edition, E>>,
    {
        let cell = self.cell(key);
        if let Some(edition) = cell.get() {
            return Ok(edition.clone());
        }
        match cell.get_or_try_init(make).await {
            Ok(edition) => {
                self.made_room(key, edition.size());
                Ok(edition.clone())
            }
            Err(error) => {
                self.lock().entries.remove(&key);
                Err(error)
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cell(&self, key: Key) -> Arc<OnceCell<Edition>> {
        let mut kept = self.lock();
        kept.uses += 1;
        let used = kept.uses;
        let entry = kept.entries.entry(key).or_default();
        entry.used = used;
        entry.cell.clone()
    }

    /// Takes a new edition in, and lets others go where it needs their room.
    fn made_room(&self, key: Key, size: usize) {
        let mut kept = self.lock();
        if let Some(entry) = kept.entries.get_mut(&key) {
            entry.size = size;
        }
        while kept.entries.values().map(|e| e.size).sum::<usize>() > ROOM {
            let others = kept
                .entries
                .iter()
                .filter(|(k, e)| **k != key && e.size > 0);
            let Some(oldest) = others.min_by_key(|(_, e)| e.used).map(|(k, _)| *k) else {
                break;
            };
            kept.entries.remove(&oldest);
        }
    }
}
