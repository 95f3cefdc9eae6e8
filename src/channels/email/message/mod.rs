//! One mail as bytes: RFC 5322 headers, RFC 2045 parts.
//!
//! Promises: the same [`Mail`] always gives the same bytes (a repeated try is the same
//! message, and signatures can be cached); every line ends in CRLF and none is longer than
//! 998 octets; the body is 7-bit, so no hop has a reason to encode it again; and no text
//! from outside can add a header, because values come only from types that cannot hold a
//! line break.
//!
//! The parts are encoded one by one ([`quoted_printable`]), so that what is the same for
//! every reader can be encoded once.

mod encoded_word;
mod headers;
mod mailbox;
pub mod quoted_printable;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use url::Url;

use crate::domain::{EmailAddress, HeaderText, UnixMillis};
use headers::Headers;
pub use mailbox::{Mailbox, MailboxError};

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

/// One mail to one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mail {
    /// The one sender.
    pub from: Mailbox,
    /// The one reader. A list never goes out as Bcc.
    pub to: Mailbox,
    /// Where answers go, when not to `from`.
    pub reply_to: Option<Mailbox>,
    /// The subject.
    pub subject: HeaderText,
    /// With its angle brackets; the same at every try ([`crate::domain::message_id`]).
    pub message_id: String,
    /// The instant of the first try; the same at every try.
    pub date: UnixMillis,
    /// BCP 47 tag of the text; one that is no tag is left out.
    pub language: String,
    /// For newsletters; `None` for a mail that is not a list's (a confirmation).
    pub list: Option<ListHeaders>,
    /// Where this very issue can be read on the web (RFC 5064).
    pub archived_at: Option<Url>,
    /// Gmail's `Feedback-ID`: up to four fields, the last one the sender's.
    pub feedback_id: Option<HeaderText>,
    /// The opaque key of the delivery, found again in what a bounce returns.
    pub delivery: Option<HeaderText>,
    /// The HTML part.
    pub html: String,
    /// The text part.
    pub text: String,
}

impl Mail {
    /// The bytes of the mail.
    ///
    /// # Errors
    /// A [`MailError`] for a Message-ID, list identifier or link that would not be read back
    /// as what it is. Names, subjects, addresses and bodies can hold anything their types do.
    pub fn build(&self) -> Result<Vec<u8>, MailError> {
        let boundary = boundary(&self.text, &self.html);
        let mut out = self.headers(&boundary)?.into_bytes();
        out.reserve(self.text.len() + self.html.len() * 5 / 4 + 512);
        for (subtype, body) in [("plain", &self.text), ("html", &self.html)] {
            out.extend_from_slice(b"\r\n--");
            out.extend_from_slice(boundary.as_bytes());
            out.extend_from_slice(b"\r\nContent-Type: text/");
            out.extend_from_slice(subtype.as_bytes());
            out.extend_from_slice(
                b"; charset=utf-8\r\nContent-Transfer-Encoding: quoted-printable\r\n\r\n",
            );
            quoted_printable::encode_into(&mut out, body);
        }
        out.extend_from_slice(b"\r\n--");
        out.extend_from_slice(boundary.as_bytes());
        out.extend_from_slice(b"--\r\n");
        Ok(out)
    }

    /// The headers in their one order, without the empty line after them.
    fn headers(&self, boundary: &str) -> Result<Headers, MailError> {
        let mut headers = Headers::default();
        headers.plain("Date", &headers::date(self.date));
        headers.mailbox("From", &self.from);
        headers.mailbox("To", &self.to);
        if let Some(reply_to) = &self.reply_to {
            headers.mailbox("Reply-To", reply_to);
        }
        headers.text("Subject", &self.subject);
        headers.plain("Message-ID", checked_message_id(&self.message_id)?);
        headers.plain("MIME-Version", "1.0");
        headers.plain(
            "Content-Type",
            &format!("multipart/alternative;\r\n boundary=\"{boundary}\""),
        );
        let language = self.language.replace('_', "-");
        if is_language_tag(&language) {
            headers.plain("Content-Language", &language);
        }
        if let Some(list) = &self.list {
            list.write(&mut headers)?;
        }
        if let Some(url) = &self.archived_at {
            headers.plain("Archived-At", &bracketed("Archived-At", url)?);
        }
        if let Some(feedback_id) = &self.feedback_id {
            headers.text("Feedback-ID", feedback_id);
        }
        if self.list.is_some() {
            // No standard has it, and it still keeps vacation programs quiet.
            headers.plain("Precedence", "bulk");
        }
        // RFC 3834 §5; the second is how Exchange wants to be told the same.
        headers.plain("Auto-Submitted", "auto-generated");
        headers.plain("X-Auto-Response-Suppress", "OOF, AutoReply");
        if let Some(delivery) = &self.delivery {
            headers.text("X-Courant-Delivery", delivery);
        }
        Ok(headers)
    }
}

impl ListHeaders {
    fn write(&self, headers: &mut Headers) -> Result<(), MailError> {
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
        headers.phrase("List-Id", &self.title, &format!("<{}>", self.id));
        // The https address first: some programs take only the first one they understand.
        let mut unsubscribe = bracketed("List-Unsubscribe", &self.unsubscribe)?;
        if let Some(mailto) = &self.unsubscribe_mailto {
            unsubscribe.push_str(",\r\n ");
            unsubscribe.push_str(&bracketed("List-Unsubscribe", mailto)?);
        }
        headers.plain("List-Unsubscribe", &unsubscribe);
        // RFC 8058 §3.1: exactly this.
        headers.plain("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        if let Some(archive) = &self.archive {
            headers.plain("List-Archive", &bracketed("List-Archive", archive)?);
        }
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

/// A boundary that follows from the parts. `=_` cannot come out of quoted-printable, where
/// every `=` is followed by a hex digit or a line end (RFC 2045 §6.7), so no body holds it.
fn boundary(text: &str, html: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(text.as_bytes());
    context.update(&[0]);
    context.update(html.as_bytes());
    format!("=_{}", HEXLOWER.encode(&context.finish().as_ref()[..12]))
}

/// The address of a mailbox where only that is wanted: an envelope, a log line.
impl AsRef<EmailAddress> for Mailbox {
    fn as_ref(&self) -> &EmailAddress {
        &self.address
    }
}
