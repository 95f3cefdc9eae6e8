//! What a process has on the wire, noted in a small file of its own.
//!
//! The database knows which deliveries a process has taken; this file knows which of them have
//! left and which were answered. A line is written before the last bytes of a message may leave
//! and another when its answer came, so after a kill the messages without an answer are exactly
//! those that were in flight: only they become `uncertain`. Written bytes outlive the process
//! that wrote them, so nothing is synced; after a power cut the file may be older than the
//! truth, which the next reader sees by the machine's boot id ([`Flight::trusted`]).
//!
//! The file is locked while its process lives. A lock that can be had means that the process is
//! dead, and whoever gets it settles what it left ([`Journal::dead`]).

#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::fs::File;
use std::io::{Read, Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use super::StoreError;
use super::recover::Flight;
use crate::domain::{DeliveryId, TokenKey};

/// A file this long is written anew with what is still open.
const LONG: u64 = 4 << 20;
/// More of an answer than this is not kept: it is for people.
const REPLY: usize = 300;
const ENDING: &str = ".journal";

/// One try of one delivery: its key and the generation of its lease.
type Row = (DeliveryId, i64);

/// The journal of this process.
#[derive(Debug)]
pub struct Journal {
    path: PathBuf,
    inner: Mutex<Inner>,
}

#[derive(Debug)]
struct Inner {
    /// None after an end: a later send begins the file anew.
    file: Option<File>,
    length: u64,
    /// Tries whose end the database does not have yet; with the answer, once it came.
    open: HashMap<Row, Option<Answer>>,
    line: String,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Answer {
    Accepted(String),
    NotAccepted,
}

impl Journal {
    /// Begins the journal of `owner` in `directory`; `key` marks whose database it is about.
    ///
    /// # Errors
    /// [`StoreError::File`] naming the file that cannot be written.
    pub fn begin(directory: &Path, key: &TokenKey, owner: &str) -> Result<Self, StoreError> {
        let path = directory.join(format!("{}{owner}{ENDING}", prefix(key)));
        let begun = std::fs::create_dir_all(directory).and_then(|()| fresh(&path, &HashMap::new()));
        let (file, length) = begun.map_err(|source| trouble(&path, source))?;
        Ok(Self {
            path,
            inner: Mutex::new(Inner {
                file: Some(file),
                length,
                open: HashMap::new(),
                line: String::new(),
            }),
        })
    }

    /// Its length in bytes.
    pub fn length(&self) -> u64 {
        self.lock().length
    }

    /// The message of this try is about to leave.
    ///
    /// # Errors
    /// When that cannot be written down; then it must not leave.
    pub fn leaving(&self, id: DeliveryId, generation: i64) -> Result<(), StoreError> {
        let row = (id, generation);
        let mut inner = self.lock();
        inner
            .write(&self.path, row, None)
            .map_err(|e| trouble(&self.path, e))?;
        inner.open.insert(row, None);
        Ok(())
    }

    /// Its answer came: the relay's words where it took the message.
    ///
    /// # Errors
    /// When that cannot be written down. The answer is known all the same; should the process
    /// die before the database knows it, the delivery is uncertain.
    pub fn answered(
        &self,
        id: DeliveryId,
        generation: i64,
        accepted: Option<&str>,
    ) -> Result<(), StoreError> {
        let answer = accepted.map_or(Answer::NotAccepted, |reply| {
            let line = reply.replace(['\r', '\n'], " ");
            Answer::Accepted(line.chars().take(REPLY).collect())
        });
        let row = (id, generation);
        let mut inner = self.lock();
        let written = inner.write(&self.path, row, Some(&answer));
        inner.open.insert(row, Some(answer));
        written.map_err(|e| trouble(&self.path, e))
    }

    /// The database has the end of these tries.
    pub fn forget(&self, rows: impl IntoIterator<Item = Row>) {
        let mut inner = self.lock();
        for row in rows {
            inner.open.remove(&row);
        }
        if inner.length < LONG {
            return;
        }
        // Should it not be possible, the long file goes on being right.
        match fresh(&self.path, &inner.open) {
            Ok((file, length)) => (inner.file, inner.length) = (Some(file), length),
            Err(error) => {
                tracing::warn!(path = %self.path.display(), %error, "the journal grows on");
            }
        }
    }

    /// What this process itself has out, for leases of its own that ran out.
    #[must_use]
    pub fn flight(&self) -> Flight {
        flight_of(&self.lock().open, true)
    }

    /// Ends the journal. A file in which something is open stays for the next process.
    pub fn end(&self) {
        let mut inner = self.lock();
        if inner.open.is_empty() && inner.file.take().is_some() {
            remove(&self.path);
        }
    }

    /// The journals in `directory` about this database whose processes are dead. One that cannot
    /// be read (a command that root ran left it) is passed over: it must not keep the others, or
    /// the daemon, from their work.
    ///
    /// # Errors
    /// [`StoreError::File`] naming the directory that cannot be read.
    pub fn dead(directory: &Path, key: &TokenKey) -> Result<Vec<DeadJournal>, StoreError> {
        let listing = match std::fs::read_dir(directory) {
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            listing => listing.map_err(|e| trouble(directory, e))?,
        };
        let mut dead = Vec::new();
        for entry in listing {
            let path = entry.map_err(|e| trouble(directory, e))?.path();
            let name = path.file_name().and_then(|n| n.to_str()).unwrap_or("");
            let owner = name
                .strip_prefix(&prefix(key))
                .and_then(|rest| rest.strip_suffix(ENDING));
            let Some(owner) = owner.map(str::to_owned) else {
                continue;
            };
            match DeadJournal::take(&path, owner) {
                Ok(one) => dead.extend(one),
                // As without a journal: all it had is in doubt once its leases have ended.
                Err(error) => tracing::warn!(
                    path = %path.display(), %error,
                    "a journal cannot be read, so all that its process had taken will be \
                     uncertain; give it to the daemon's user, or remove it"
                ),
            }
        }
        Ok(dead)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// One line, whole or not at all.
    fn write(&mut self, path: &Path, row: Row, answer: Option<&Answer>) -> std::io::Result<()> {
        self.line.clear();
        push_line(&mut self.line, row, answer);
        let file = match self.file.take() {
            Some(file) => file,
            None => {
                let (file, length) = fresh(path, &self.open)?;
                self.length = length;
                file
            }
        };
        let file = self.file.insert(file);
        match file.write_all(self.line.as_bytes()) {
            Ok(()) => {
                self.length += self.line.len() as u64;
                Ok(())
            }
            Err(error) => {
                cut(file, self.length)?;
                Err(error)
            }
        }
    }
}

/// A journal that its process left behind, locked by us.
#[derive(Debug)]
pub struct DeadJournal {
    /// Whose it was, as in the lease columns.
    pub owner: String,
    /// What it had out.
    pub flight: Flight,
    path: PathBuf,
    _file: File,
}

impl DeadJournal {
    /// `None` while its process lives, or when somebody else has just dealt with it.
    fn take(path: &Path, owner: String) -> std::io::Result<Option<Self>> {
        let mut file = match File::options().read(true).append(true).open(path) {
            Ok(file) => file,
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => return Ok(None),
            Err(e) => return Err(e),
        };
        match file.try_lock() {
            Ok(()) => {}
            Err(std::fs::TryLockError::WouldBlock) => return Ok(None),
            Err(std::fs::TryLockError::Error(e)) => return Err(e),
        }
        // Its process, or another reader, may have replaced or removed it before we had the lock.
        if !is_still_at(&file, path) {
            return Ok(None);
        }
        let mut bytes = Vec::new();
        file.read_to_end(&mut bytes)?;
        let flight = read(&String::from_utf8_lossy(&bytes), &boot_id());
        Ok(Some(Self {
            owner,
            flight,
            path: path.to_owned(),
            _file: file,
        }))
    }

    /// The database has it all.
    pub fn done(self) {
        remove(&self.path);
    }
}

/// Journals of one database may lie beside those of another.
fn prefix(key: &TokenKey) -> String {
    format!("courant-{}-", key.mac8("journal"))
}

/// A new file with `open` in it, locked, in the place of `path`.
fn fresh(path: &Path, open: &HashMap<Row, Option<Answer>>) -> std::io::Result<(File, u64)> {
    let mut text = format!("boot {}\n", boot_id());
    for (row, answer) in open {
        push_line(&mut text, *row, None);
        if answer.is_some() {
            push_line(&mut text, *row, answer.as_ref());
        }
    }
    let new = path.with_extension("new");
    let mut file = options().truncate(true).open(&new)?;
    file.try_lock().map_err(std::io::Error::from)?;
    file.write_all(text.as_bytes())?;
    std::fs::rename(&new, path)?;
    Ok((file, text.len() as u64))
}

/// Half a line would spoil the next, and so would a gap before it; a full disk lets a file be
/// cut.
fn cut(file: &mut File, length: u64) -> std::io::Result<()> {
    file.set_len(length)?;
    file.seek(SeekFrom::Start(length)).map(drop)
}

/// Answers of relays may name people: for our eyes only.
fn options() -> std::fs::OpenOptions {
    use std::os::unix::fs::OpenOptionsExt;
    let mut options = File::options();
    options.create(true).write(true).mode(0o600);
    options
}

fn push_line(text: &mut String, (id, generation): Row, answer: Option<&Answer>) {
    // Writing into a string does not fail.
    let _ = match answer {
        None => writeln!(text, "> {id} {generation}"),
        Some(Answer::Accepted(reply)) => writeln!(text, "+ {id} {generation} {reply}"),
        Some(Answer::NotAccepted) => writeln!(text, "- {id} {generation}"),
    };
}

/// What a journal's text says. A last line without its end was never relied on.
fn read(text: &str, boot: &str) -> Flight {
    let mut open = HashMap::new();
    let mut trusted = false;
    let whole = text.rfind('\n').map_or("", |end| &text[..end]);
    for line in whole.lines() {
        let mut words = line.splitn(4, ' ');
        let sign = words.next();
        if sign == Some("boot") {
            // Two starts that are not known are not the same.
            trusted = !boot.is_empty() && words.next() == Some(boot);
            continue;
        }
        let mut number = || words.next().and_then(|word| word.parse::<i64>().ok());
        let (Some(id), Some(generation)) = (number(), number()) else {
            // Not our words: nothing the file does not say can be relied on.
            trusted = false;
            continue;
        };
        let answer = match sign {
            Some("+") => Some(Answer::Accepted(words.next().unwrap_or("").to_owned())),
            Some("-") => Some(Answer::NotAccepted),
            _ => None,
        };
        open.insert((DeliveryId(id), generation), answer);
    }
    flight_of(&open, trusted)
}

fn flight_of(open: &HashMap<Row, Option<Answer>>, trusted: bool) -> Flight {
    let mut flight = Flight {
        trusted,
        ..Flight::default()
    };
    for ((id, generation), answer) in open {
        match answer {
            None => flight.in_flight.push((*id, *generation)),
            Some(Answer::Accepted(reply)) => {
                flight.accepted.push((*id, *generation, reply.clone()));
            }
            Some(Answer::NotAccepted) => {}
        }
    }
    flight.in_flight.sort_unstable();
    flight.accepted.sort_unstable();
    flight
}

/// Changes with every start of the machine. Without one (no Linux, or a sandbox that hides
/// it) nothing is trusted.
fn boot_id() -> String {
    std::fs::read_to_string("/proc/sys/kernel/random/boot_id")
        .map_or_else(|_| String::new(), |id| id.trim().to_owned())
}

fn is_still_at(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    let both = (file.metadata(), std::fs::metadata(path));
    matches!(both, (Ok(a), Ok(b)) if (a.dev(), a.ino()) == (b.dev(), b.ino()))
}

fn remove(path: &Path) {
    if let Err(error) = std::fs::remove_file(path) {
        tracing::warn!(path = %path.display(), %error, "a journal could not be removed");
    }
}

fn trouble(path: &Path, source: std::io::Error) -> StoreError {
    StoreError::File {
        path: path.display().to_string(),
        source,
    }
}
