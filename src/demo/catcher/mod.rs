//! A mail catcher: an SMTP server that delivers nothing and shows everything.
//!
//! It takes mail for anybody on a local port, keeps the newest in memory, shows them on a
//! page and writes them as `.eml` files. It speaks real SMTP, so the mail has gone the
//! whole way that mail goes; only the last step, the internet, is missing.

mod letter;
mod pages;
mod smtp;
#[cfg(test)]
mod tests;

pub use letter::Letter;

use crate::domain::UnixMillis;
use std::collections::VecDeque;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use tokio::net::TcpListener;
use tokio::sync::watch;

/// The largest message taken, in bytes.
pub const LARGEST_MESSAGE: usize = 10 * 1024 * 1024;
/// How many messages are kept before the oldest go.
const MOST_MESSAGES: usize = 5_000;
/// How many bytes of them.
const MOST_BYTES: usize = 256 * 1024 * 1024;

/// One message as it was handed over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CaughtMail {
    /// 1 for the first since the catcher started.
    pub number: u64,
    /// When its last byte came.
    pub at: UnixMillis,
    /// The envelope's sender; empty for bounces.
    pub from: String,
    /// The envelope's recipients.
    pub to: Vec<String>,
    /// The decoded subject.
    pub subject: String,
    /// The message, byte for byte.
    pub bytes: Vec<u8>,
}

/// The catcher; clones share one pile of mail.
#[derive(Debug, Clone)]
pub struct Catcher {
    pile: Arc<RwLock<Pile>>,
    caught: watch::Sender<u64>,
}

#[derive(Debug, Default)]
struct Pile {
    mails: VecDeque<Arc<CaughtMail>>,
    bytes: usize,
}

impl Default for Catcher {
    fn default() -> Self {
        Self::new()
    }
}

impl Catcher {
    /// A catcher with nothing in it.
    #[must_use]
    pub fn new() -> Self {
        Self {
            pile: Arc::default(),
            caught: watch::Sender::new(0),
        }
    }

    /// How many messages came in since the start, those no longer kept included.
    #[must_use]
    pub fn caught(&self) -> u64 {
        *self.caught.borrow()
    }

    /// Waits until at least `count` messages have come in since the start.
    pub async fn wait_for(&self, count: u64) {
        let mut caught = self.caught.subscribe();
        // The sender lives in `self`, so the only end is the wanted one.
        let _ = caught.wait_for(|caught| *caught >= count).await;
    }

    /// The messages kept, newest first.
    #[must_use]
    pub fn mails(&self) -> Vec<Arc<CaughtMail>> {
        let pile = self.pile.read().unwrap_or_else(PoisonError::into_inner);
        pile.mails.iter().rev().cloned().collect()
    }

    /// The message with this number, while it is kept.
    #[must_use]
    pub fn mail(&self, number: u64) -> Option<Arc<CaughtMail>> {
        let pile = self.pile.read().unwrap_or_else(PoisonError::into_inner);
        pile.mails.iter().find(|m| m.number == number).cloned()
    }

    /// Keeps a message; the oldest go when there are too many.
    fn keep(&self, from: String, to: Vec<String>, bytes: Vec<u8>) -> u64 {
        let subject = Letter::read(&bytes).subject;
        let mut pile = self.pile.write().unwrap_or_else(PoisonError::into_inner);
        let number = self.caught() + 1;
        pile.bytes += bytes.len();
        pile.mails.push_back(Arc::new(CaughtMail {
            number,
            at: UnixMillis::now(),
            from,
            to,
            subject,
            bytes,
        }));
        while pile.mails.len() > MOST_MESSAGES || pile.bytes > MOST_BYTES {
            let Some(oldest) = pile.mails.pop_front() else {
                break;
            };
            pile.bytes -= oldest.bytes.len();
        }
        // Under the lock, so that numbers and their announcement go together.
        self.caught.send_replace(number);
        number
    }

    /// Writes the messages kept to `folder` as `NNN-recipient-subject.eml`, oldest first, and
    /// says which files it wrote.
    ///
    /// # Errors
    /// When the folder or a file cannot be written.
    pub fn write_files(&self, folder: &Path) -> std::io::Result<Vec<PathBuf>> {
        std::fs::create_dir_all(folder)?;
        self.mails()
            .iter()
            .rev()
            .map(|mail| {
                let path = folder.join(mail.file_name());
                std::fs::write(&path, &mail.bytes)?;
                Ok(path)
            })
            .collect()
    }

    /// The pages `/mail` and `/mail/N`.
    pub fn router(&self) -> axum::Router {
        pages::router(self.clone())
    }

    /// Takes mail on `listener` until the task is dropped; conversations end with it.
    ///
    /// # Errors
    /// When the listener fails for good.
    pub async fn serve(self, listener: TcpListener) -> std::io::Result<()> {
        smtp::serve(self, listener).await
    }
}

impl CaughtMail {
    /// The message taken apart.
    #[must_use]
    pub fn letter(&self) -> Letter {
        Letter::read(&self.bytes)
    }

    /// `007-ada@example.org-the-daily-brief.eml`: safe on every file system, in any script.
    #[must_use]
    pub fn file_name(&self) -> String {
        let to = self.to.first().map_or("nobody", String::as_str);
        let to = slug(to, |c| matches!(c, '@' | '.' | '_' | '+'));
        let subject = slug(&self.subject, |_| false);
        let mut name = format!("{:03}", self.number);
        for part in [to, subject] {
            if !part.is_empty() {
                name.push('-');
                name.push_str(&part);
            }
        }
        name + ".eml"
    }
}

/// Letters and digits of any script and what `keep` says; everything else becomes one `-`.
/// At most 80 bytes, so that two of them fit a file name of 255.
fn slug(text: &str, keep: impl Fn(char) -> bool) -> String {
    let mut slug = String::new();
    for c in text.chars().flat_map(char::to_lowercase) {
        if slug.len() + c.len_utf8() > 80 {
            break;
        }
        if c.is_alphanumeric() || keep(c) {
            slug.push(c);
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_matches(['-', '.']).to_owned()
}
