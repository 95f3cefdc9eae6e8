//! One reader's mail: the pattern of its variant, and what is the reader's own.

use super::headers::{self, Headers};
use super::pattern::{Chunk, Head, Inner, Pattern};
use super::personal::{Escaping, Personal, Which};
use super::quoted_printable::{self, Then};
use super::{MailError, Mailbox, checked_message_id};
use crate::domain::{HeaderText, UnixMillis};

/// What makes a letter of a pattern.
#[derive(Debug, Clone)]
pub struct Filling<'a> {
    /// The one reader. A list never goes out as Bcc.
    pub to: &'a Mailbox,
    /// With its angle brackets; the same at every try ([`crate::domain::message_id`]).
    pub message_id: &'a str,
    /// The instant of the first try; the same at every try.
    pub date: UnixMillis,
    /// The opaque key of the delivery, found again in what a bounce returns.
    pub delivery: Option<&'a HeaderText>,
    /// What stands in the places of the marks.
    pub own: Personal<&'a str>,
}

/// One reader's mail, ready for the wire: 7-bit (but for an address that is not), every line
/// ended by CRLF and none longer than 998 octets, none beginning with a dot.
#[derive(Debug, Clone)]
pub struct Letter {
    pattern: Pattern,
    signature: Vec<u8>,
    headers: Vec<u8>,
    /// The values of the body, encoded, one after the other …
    fills: Vec<u8>,
    /// … and where each ends.
    ends: Vec<usize>,
}

impl Pattern {
    /// Makes the pattern out to one reader.
    ///
    /// # Errors
    /// A [`MailError`] for a Message-ID or a link that would not be read back as what it is.
    pub fn letter(&self, filling: &Filling<'_>) -> Result<Letter, MailError> {
        let headers = self.0.headers(filling)?;
        let own = filling.own.each();
        let mut fills = Vec::with_capacity(256);
        let mut ends = Vec::with_capacity(self.0.fills.len());
        for &(which, escaping) in &self.0.fills {
            encode(&mut fills, own[which], escaping);
            ends.push(fills.len());
        }
        Ok(Letter {
            pattern: self.clone(),
            signature: Vec::new(),
            headers,
            fills,
            ends,
        })
    }
}

/// Appends a value of the body, which stands between soft line breaks.
fn encode(out: &mut Vec<u8>, value: &str, escaping: Escaping) {
    let needs_nothing = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_');
    if value.len() <= quoted_printable::BEFORE_BREAK && value.bytes().all(needs_nothing) {
        out.extend_from_slice(value.as_bytes());
        return;
    }
    let mut escaped = String::with_capacity(value.len() + 16);
    escaping.push(&mut escaped, value);
    quoted_printable::encode_into(out, &escaped, Then::SoftBreak);
}

impl Inner {
    fn headers(&self, filling: &Filling<'_>) -> Result<Vec<u8>, MailError> {
        let mut lines = Headers::with_capacity(2048);
        for head in &self.head {
            match head {
                Head::Fixed(fixed) => lines.whole(fixed),
                Head::Date => lines.plain("Date", &headers::date(filling.date)),
                Head::To => lines.mailbox("To", filling.to),
                Head::Subject(subject) => {
                    let subject = self.marks.filled(subject, &filling.own, Escaping::Plain);
                    lines.text("Subject", &HeaderText::clean(&subject));
                }
                Head::MessageId => {
                    lines.plain("Message-ID", checked_message_id(filling.message_id)?);
                }
                Head::Unsubscribe(cuts, rest) => {
                    self.unsubscribe(&mut lines, cuts, rest, &filling.own)?;
                }
                Head::Delivery => {
                    if let Some(delivery) = filling.delivery {
                        lines.text("X-Courant-Delivery", delivery);
                    }
                }
            }
        }
        Ok(lines.into_bytes())
    }

    /// The line that tells mail programs how this reader leaves. What is put into it is part
    /// of a link's path, so it needs no escaping and may not need any.
    fn unsubscribe(
        &self,
        lines: &mut Headers,
        cuts: &[(String, Which)],
        rest: &str,
        own: &Personal<&str>,
    ) -> Result<(), MailError> {
        for (before, which) in cuts {
            let value = own.each()[*which];
            let is_good = |b: u8| b.is_ascii_alphanumeric() || b"-_.~".contains(&b);
            // With its mark the link has 900 characters at most, and a line may have 998.
            let longest = self.marks.each()[*which].len() + 70;
            if value.is_empty() || value.len() > longest || !value.bytes().all(is_good) {
                return Err(MailError::Link {
                    header: "List-Unsubscribe",
                    url: value.chars().take(200).collect(),
                    why: "a reader's part of it should be a few letters, digits, `-` and `_`",
                });
            }
            lines.whole(before);
            lines.whole(value);
        }
        lines.whole(rest);
        Ok(())
    }
}

impl Letter {
    /// The header lines, each with its CRLF, without signatures and without the empty line.
    #[must_use]
    pub fn headers(&self) -> &[u8] {
        &self.headers
    }

    /// The body, in pieces.
    pub fn body(&self) -> impl Iterator<Item = &[u8]> + Clone {
        let inner = &*self.pattern.0;
        inner.body.iter().map(|chunk| match chunk {
            Chunk::Fixed(range) => &inner.fixed[range.clone()],
            Chunk::Fill(at) => {
                let start = at.checked_sub(1).map_or(0, |before| self.ends[before]);
                &self.fills[start..self.ends[*at]]
            }
        })
    }

    /// Puts signatures before the other headers: whole lines, each with its CRLF.
    pub fn sign_with(&mut self, signature_headers: Vec<u8>) {
        self.signature = signature_headers;
    }

    /// Octets on the wire.
    #[must_use]
    pub fn size(&self) -> usize {
        let body: usize = self.body().map(<[u8]>::len).sum();
        self.signature.len() + self.headers.len() + 2 + body
    }

    /// Appends the message as it goes over the wire, without the final dot.
    pub fn write_to(&self, out: &mut Vec<u8>) {
        out.reserve(self.size());
        out.extend_from_slice(&self.signature);
        out.extend_from_slice(&self.headers);
        out.extend_from_slice(b"\r\n");
        for chunk in self.body() {
            out.extend_from_slice(chunk);
        }
    }

    /// The whole message.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = Vec::new();
        self.write_to(&mut out);
        out
    }
}
