//! One look at a folder: which files are new, changed, moved or gone since the last one.

use std::collections::{HashMap, HashSet};
use std::path::Path;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;

use super::listing::{self, Found, Listing};
use super::page::{self, Reading, Site, is_given, path_identity};
use super::place::{Place, place};
use super::state::{Known, Stand, State};
use crate::domain::{Entry, IdentityKey, KeyKind, UnixMillis};
use crate::sources::{Polled, Withdrawal};

/// Bytes of one file at most.
const LARGEST: u64 = 2 * 1024 * 1024;
/// A file that was changed so short a time ago may still be written.
pub(super) const SETTLES_MS: i64 = 2_000;
/// A file that is gone so long is gone: git and rsync take files away and put them back.
const GONE_MS: i64 = 60_000;
/// A withdrawal is repeated for so long, and once after that, for those who want to hear it
/// twice: between two looks there may be days.
const REPEATED_MS: i64 = 24 * 3_600_000;
/// Markup of one look; what is beyond waits for the next one.
const MOST_MARKUP: usize = 64 * 1024 * 1024;
/// Notes of one look.
const MOST_NOTES: usize = 50;

/// What one look found.
#[derive(Debug, Default)]
pub(super) struct Look {
    pub(super) polled: Polled,
    /// Whether a file was passed over because it may still be written.
    pub(super) is_unsettled: bool,
}

/// Looks at the folder `root`. `known` is what the last look wrote down.
///
/// # Errors
/// A folder that cannot be read, or has lost all its pages at once, as a disk that is not
/// mounted has.
pub(super) fn scan(
    root: &Path,
    site: &Site,
    known: Option<State>,
    full: bool,
    now: UnixMillis,
) -> Result<Look, String> {
    let listing = listing::list(root).map_err(|error| {
        let root = root.display();
        format!("the folder {root} cannot be read ({error}); create it, or correct `path`")
    })?;
    let is_first = known.is_none();
    let before = known.unwrap_or_default();
    let articles = before.files.values().filter(|k| k.stand == Stand::Article);
    let articles = articles.count();
    if listing.files.is_empty() && articles > 1 {
        let root = root.display();
        return Err(format!(
            "the folder {root} is empty, although it had {articles} articles; is the disk \
             mounted? Nothing was withdrawn"
        ));
    }
    let mut scan = Scan {
        site,
        full,
        is_first,
        now,
        there: listing.files.iter().map(|f| f.path.clone()).collect(),
        moved: vanished_by_hash(&before, &listing),
        taken: HashMap::new(),
        state: before.clone(),
        look: Look::default(),
        markup: 0,
    };
    for (path, known) in &before.files {
        scan.taken.insert(known.identity.clone(), path.clone());
    }
    for note in &listing.notes {
        scan.note(note.clone());
    }
    for found in &listing.files {
        scan.file(found);
    }
    scan.vanished(&listing);
    Ok(scan.finish(&before))
}

/// The files that are not there any more, by what was in them.
fn vanished_by_hash(before: &State, listing: &Listing) -> HashMap<String, String> {
    let there: HashSet<&str> = listing.files.iter().map(|f| f.path.as_str()).collect();
    let gone = before.files.iter().filter(|(path, known)| {
        !there.contains(path.as_str()) && !is_unread(listing, path) && known.stand.was_article()
    });
    gone.map(|(path, known)| (known.hash.clone(), path.clone()))
        .collect()
}

fn is_unread(listing: &Listing, path: &str) -> bool {
    listing
        .unread
        .iter()
        .any(|folder| path.starts_with(folder.as_str()))
}

struct Scan<'a> {
    site: &'a Site,
    full: bool,
    is_first: bool,
    now: UnixMillis,
    /// The files that are there.
    there: HashSet<String>,
    /// Files that are not there any more, by their hash.
    moved: HashMap<String, String>,
    /// Which path an identity is of.
    taken: HashMap<String, String>,
    state: State,
    look: Look,
    markup: usize,
}

impl Scan<'_> {
    fn note(&mut self, note: String) {
        let notes = &mut self.look.polled.notes;
        match notes.len().cmp(&MOST_NOTES) {
            std::cmp::Ordering::Less => notes.push(note),
            std::cmp::Ordering::Equal => notes.push("and more of the kind".to_owned()),
            std::cmp::Ordering::Greater => {}
        }
    }

    fn file(&mut self, found: &Found) {
        let known = self.state.files.get(&found.path).cloned();
        if let Some(known) = &known
            && known.changed == found.changed
            && known.size == found.size
            && !self.full
            && !known.stand.is_missing()
        {
            self.unchanged(found, known.clone());
            return;
        }
        let age = self.now.0 - found.changed;
        // A date in the future is a wrong clock's, and no reason to wait for it.
        if (0..SETTLES_MS).contains(&age) {
            self.look.is_unsettled = true;
            return;
        }
        if found.size > LARGEST {
            let path = &found.path;
            self.note(format!("{path} is larger than 2 MiB and was not read"));
            return;
        }
        if self.markup > MOST_MARKUP && !self.is_first {
            return;
        }
        let Ok(bytes) = std::fs::read(&found.file) else {
            self.note(format!("{} cannot be read", found.path));
            return;
        };
        let is_as_found = std::fs::metadata(&found.file).is_ok_and(|about| {
            listing::changed(&about) == found.changed && about.len() == found.size
        });
        if !is_as_found || bytes.len() as u64 != found.size {
            self.look.is_unsettled = true;
            return;
        }
        self.look.polled.bytes += bytes.len();
        let hash = HEXLOWER.encode(&digest::digest(&digest::SHA256, &bytes).as_ref()[..16]);
        if let Some(known) = known
            .as_ref()
            .filter(|known| known.hash == hash && !self.full && !known.stand.is_missing())
        {
            let known = Known {
                changed: found.changed,
                size: found.size,
                ..known.clone()
            };
            self.unchanged(found, known);
            return;
        }
        self.changed(found, known, &bytes, hash);
    }

    /// A file as it was; its time may have come all the same.
    fn unchanged(&mut self, found: &Found, mut known: Known) {
        let expired = known.expires.is_some_and(|at| at <= self.now.0);
        if expired && known.stand == Stand::Article {
            known.stand = Stand::TakenBack(self.now.0);
        }
        if let Stand::TakenBack(since) = known.stand {
            if self.now.0 - since > REPEATED_MS {
                known.stand = Stand::KeptBack;
            }
            let why = if expired {
                "its expiry date has come"
            } else {
                "its front matter takes it back"
            };
            self.withdraw(&found.path, &known.identity, why);
        }
        self.state.files.insert(found.path.clone(), known);
    }

    fn changed(&mut self, found: &Found, known: Option<Known>, bytes: &[u8], hash: String) {
        let path = &found.path;
        // `list` lets nothing through that has no place.
        let Some(at) = place(path) else { return };
        let Ok(text) = std::str::from_utf8(bytes) else {
            self.note(format!("{path} is not UTF-8; save it as UTF-8"));
            return;
        };
        // A reader of ours that breaks down on a file costs that file.
        let read = std::panic::catch_unwind(|| page::read(path, &at, text, self.site));
        let mut reading = match read {
            Ok(Ok(reading)) => reading,
            Ok(Err(error)) => {
                self.note(format!("{path}:{error}"));
                return;
            }
            Err(_) => {
                self.note(format!("{path} was not read: our reader broke down on it"));
                return;
            }
        };
        for (line, note) in std::mem::take(&mut reading.notes) {
            self.note(format!("{path}:{line}: {note}"));
        }
        let (stood, name) = known.map(|known| (known.stand, known.identity)).unzip();
        let (identity, moved) = self.identity(path, &at, &mut reading, name, &hash);
        let expired = reading.expires.is_some_and(|at| at <= self.now);
        let why = reading
            .kept_back
            .or(expired.then_some("its expiry date has come"));
        let was_article = stood.or(moved).is_some_and(Stand::was_article);
        let stand = match why {
            None => Stand::Article,
            Some(_) if was_article => Stand::TakenBack(self.now.0),
            Some(_) => Stand::KeptBack,
        };
        match (why, stand) {
            (None, _) => self.emit(reading.entry),
            (Some(why), Stand::TakenBack(_)) => self.withdraw(path, &identity, why),
            _ => {}
        }
        let known = Known {
            changed: found.changed,
            size: found.size,
            hash,
            identity,
            expires: reading.expires.map(|at| at.0),
            stand,
        };
        self.state.files.insert(path.clone(), known);
    }

    /// The name of a file's article: what it says, save that a file that was only changed or
    /// moved stays the article it was, and that no two files are one article. With it comes
    /// where it stood before it was moved here.
    fn identity(
        &mut self,
        path: &str,
        at: &Place,
        reading: &mut Reading,
        known: Option<String>,
        hash: &str,
    ) -> (String, Option<Stand>) {
        let own = reading.identity.clone();
        let from = self.moved.remove(hash).filter(|_| known.is_none());
        let from = from.and_then(|from| self.state.files.remove(&from));
        let mut moved = from.as_ref().map(|from| from.stand);
        let former = known.or(from.map(|from| from.identity));
        let holder = self.taken.get(&own).cloned();
        let holder = holder.filter(|other| other != path && self.state.files.contains_key(other));
        let (other, left) = match holder {
            Some(holder) if self.there.contains(&holder) => (Some(holder), None),
            holder => (None, holder),
        };
        if let Some(left) = left {
            // It was moved and changed at once, and is the same by its name.
            let from = self.state.files.remove(&left);
            moved = moved.or(from.map(|from| from.stand));
        }
        let identity = if let Some(other) = other.filter(|_| former.as_ref() != Some(&own)) {
            self.note(format!(
                "{path} calls itself what {other} does (`{own}`); it goes by its path until one \
                 of them has an `id` of its own"
            ));
            path_identity(at)
        } else if own.starts_with("path:") {
            former.clone().unwrap_or(own)
        } else {
            own
        };
        let guid = |name: &str| IdentityKey::new(KeyKind::Guid, name);
        let keys = &mut reading.entry.keys;
        keys[0] = guid(&identity);
        let stays = |former: &String| !(is_given(former) && is_given(&identity));
        if let Some(former) = former.filter(|f| *f != identity && stays(f)) {
            keys.insert(1, guid(&former));
        }
        self.taken.insert(identity.clone(), path.to_owned());
        (identity, moved)
    }

    fn emit(&mut self, mut entry: Entry) {
        self.markup += entry.content_html.as_ref().map_or(0, String::len);
        if self.markup > MOST_MARKUP && self.is_first {
            // What is there at first is no news, and is known by its name alone.
            entry.content_html = None;
        }
        self.look.polled.entries.push(entry);
    }

    fn withdraw(&mut self, path: &str, identity: &str, why: &str) {
        self.look.polled.withdrawn.push(Withdrawal {
            keys: vec![IdentityKey::new(KeyKind::Guid, identity)],
            why: format!("{path}: {why}"),
        });
    }

    /// What is not there any more.
    fn vanished(&mut self, listing: &Listing) {
        let gone: Vec<String> = self
            .state
            .files
            .keys()
            .filter(|path| !self.there.contains(*path) && !is_unread(listing, path))
            .cloned()
            .collect();
        for path in gone {
            let Some(known) = self.state.files.get_mut(&path) else {
                continue;
            };
            let identity = known.identity.clone();
            let age = |since: i64| self.now.0 - since;
            let is_said = match known.stand {
                Stand::KeptBack => {
                    self.state.files.remove(&path);
                    false
                }
                Stand::Gone(since) if age(since) > REPEATED_MS => {
                    self.state.files.remove(&path);
                    true
                }
                Stand::Gone(_) => true,
                Stand::TakenBack(since) | Stand::Vanished(since) if age(since) >= GONE_MS => {
                    known.stand = Stand::Gone(self.now.0);
                    true
                }
                Stand::TakenBack(since) | Stand::Vanished(since) => {
                    known.stand = Stand::Vanished(since);
                    false
                }
                Stand::Article => {
                    known.stand = Stand::Vanished(self.now.0);
                    false
                }
            };
            if is_said {
                self.withdraw(&path, &identity, "the file is gone");
            }
        }
    }

    fn finish(self, before: &State) -> Look {
        let Self {
            state, mut look, ..
        } = self;
        let polled = &mut look.polled;
        // Newest first, as feeds have them.
        polled
            .entries
            .sort_by_key(|entry| std::cmp::Reverse(entry.published));
        polled.only_changes = true;
        polled.not_modified = polled.entries.is_empty() && polled.withdrawn.is_empty();
        polled.state = (state.files != before.files || self.is_first).then(|| state.written());
        look
    }
}
