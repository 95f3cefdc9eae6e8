//! Mails as bytes: RFC 5322 headers, RFC 2045 parts.
//!
//! What the mails of one variant share is encoded once, into a [`Pattern`]; what differs per
//! reader is filled in, which makes a [`Letter`].
//!
//! Promises: the same pattern and filling always give the same bytes (a repeated try is the
//! same message); every line ends in CRLF, none is longer than 998 octets and none begins with
//! a dot; the body is 7-bit, so no hop has a reason to encode it again; and no text from
//! outside can add a header, because values come only from types that cannot hold a line
//! break.

mod encoded_word;
mod headers;
mod letter;
mod mailbox;
mod pattern;
mod personal;
mod quoted_printable;
#[cfg(test)]
mod tests;

use url::Url;

use crate::domain::{EmailAddress, HeaderText};
use headers::Headers;
pub use letter::{Filling, Letter};
pub use mailbox::{Mailbox, MailboxError};
pub use pattern::{Pattern, Shared};
pub use personal::{Escaping, Personal};

/// Why a mail cannot be written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MailError {
    /// Not `<left@right>` in plain ASCII (RFC 5322 §3.6.4).
    #[error("`{0}` is not a Message-ID; it should look like <unique@example.org>")]
    MessageId(String),
    /// An address for a header that a mail program could not read back.
    #[error("`{url}` cannot stand in {header}: {why}")]
    Link {
        /// The header's name.
        header: &'static str,
        /// The address.
        url: String,
        /// What is wrong with it.
        why: &'static str,
    },
    /// A list identifier that RFC 2919 §3 does not allow.
    #[error("`{0}` is not a list identifier; it should look like brief.news.example.org")]
    ListId(String),
}

/// What makes a mail a list's (RFC 2369, RFC 2919, RFC 8058).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListHeaders {
    /// `brief.news.example.org`: stable for as long as the list lives; people filter by it.
    pub id: String,
    /// The list's name for people; may be empty.
    pub title: HeaderText,
    /// This reader's unsubscribe page, which also takes the one-click POST of RFC 8058.
    pub unsubscribe: Url,
    /// A `mailto:` address that unsubscribes, for mail programs that know nothing else.
    pub unsubscribe_mailto: Option<Url>,
    /// Where past issues are.
    pub archive: Option<Url>,
}

impl ListHeaders {
    fn write_id(&self, lines: &mut Headers) -> Result<(), MailError> {
        let is_label = |label: &str| {
            !label.is_empty()
                && label
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_+".contains(&b))
        };
        // RFC 2919 §3: dot-atoms with at least one dot, 255 octets at most.
        if !(self.id.contains('.') && self.id.len() <= 255 && self.id.split('.').all(is_label)) {
            return Err(MailError::ListId(self.id.clone()));
        }
        lines.phrase("List-Id", &self.title, &format!("<{}>", self.id));
        Ok(())
    }
}

/// A link for a header. A [`Url`] is ASCII without controls, but the part after `mailto:`
/// may hold spaces and angle brackets; long ones get folded by hops, which breaks them.
fn bracketed(header: &'static str, url: &Url) -> Result<String, MailError> {
    let bad = |why| MailError::Link {
        header,
        url: url.to_string().chars().take(200).collect(),
        why,
    };
    let text = url.as_str();
    if !matches!(url.scheme(), "https" | "http" | "mailto") {
        return Err(bad(
            "only https:, http: and mailto: addresses are understood",
        ));
    }
    if text
        .bytes()
        .any(|b| !b.is_ascii_graphic() || b"<>\"".contains(&b))
    {
        return Err(bad("it has spaces, quotes or angle brackets"));
    }
    if text.len() > 900 {
        return Err(bad("it is longer than 900 characters"));
    }
    Ok(format!("<{text}>"))
}

fn checked_message_id(id: &str) -> Result<&str, MailError> {
    let inner = id.strip_prefix('<').and_then(|rest| rest.strip_suffix('>'));
    let right = inner.and_then(|inner| inner.split_once('@'));
    let is_good = |part: &str| {
        !part.is_empty()
            && part
                .bytes()
                .all(|b| b.is_ascii_graphic() && !b"<>@\"(),:;\\[]".contains(&b))
    };
    match right {
        Some((left, right)) if id.len() <= 250 && is_good(left) && is_good(right) => Ok(id),
        _ => Err(MailError::MessageId(id.chars().take(80).collect())),
    }
}

/// Whether `tag` has the shape of BCP 47: subtags of one to eight letters and digits.
fn is_language_tag(tag: &str) -> bool {
    tag.len() <= 35
        && tag.split('-').all(|subtag| {
            (1..=8).contains(&subtag.len()) && subtag.bytes().all(|b| b.is_ascii_alphanumeric())
        })
}

/// The address of a mailbox where only that is wanted: an envelope, a log line.
impl AsRef<EmailAddress> for Mailbox {
    fn as_ref(&self) -> &EmailAddress {
        &self.address
    }
}
