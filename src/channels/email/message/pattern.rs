//! What the mails of one variant have in common, encoded once.

use std::sync::Arc;

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use url::Url;

use super::headers::Headers;
use super::personal::{Escaping, Personal, Which};
use super::quoted_printable::{self, Then};
use super::{ListHeaders, MailError, Mailbox, bracketed, is_language_tag};
use crate::domain::HeaderText;

/// What the mails of one variant have in common. Subject, both parts and the unsubscribe link
/// hold marks where something of the reader's goes.
#[derive(Debug, Clone)]
pub struct Shared<'a> {
    /// The one sender.
    pub from: &'a Mailbox,
    /// Where answers go, when not to `from`.
    pub reply_to: Option<&'a Mailbox>,
    /// The subject.
    pub subject: &'a str,
    /// BCP 47 tag of the text; one that is no tag is left out.
    pub language: &'a str,
    /// For newsletters; `None` for a mail that is not a list's (a confirmation).
    pub list: Option<&'a ListHeaders>,
    /// Where this very issue can be read on the web (RFC 5064).
    pub archived_at: Option<&'a Url>,
    /// Gmail's `Feedback-ID`: up to four fields, the last one the sender's.
    pub feedback_id: Option<&'a HeaderText>,
    /// The HTML part.
    pub html: &'a str,
    /// The text part.
    pub text: &'a str,
    /// The marks. Nothing else in the texts may look like one.
    pub marks: &'a Personal<String>,
}

/// The mails of one variant before they are made out to readers. Cloning is cheap.
#[derive(Debug, Clone)]
pub struct Pattern(pub(super) Arc<Inner>);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) head: Vec<Head>,
    /// The fixed bytes of the body, one after the other.
    pub(super) fixed: Vec<u8>,
    pub(super) body: Vec<Chunk>,
    /// What the body is filled with; a value that stands in several places is encoded once.
    pub(super) fills: Vec<(Which, Escaping)>,
    pub(super) marks: Personal<String>,
}

/// A piece of the headers.
#[derive(Debug)]
pub(super) enum Head {
    /// Whole lines that every mail has.
    Fixed(String),
    Date,
    To,
    /// A subject with marks in it; any other is fixed.
    Subject(String),
    MessageId,
    /// The pieces of the line before each mark, and what follows.
    Unsubscribe(Vec<(String, Which)>, String),
    Delivery,
}

/// A piece of the body.
#[derive(Debug, Clone)]
pub(super) enum Chunk {
    Fixed(std::ops::Range<usize>),
    /// By its place in [`Inner::fills`].
    Fill(usize),
}

impl Pattern {
    /// Encodes what is shared.
    ///
    /// # Errors
    /// A [`MailError`] for a list identifier or link that would not be read back as what it
    /// is. Names, subjects and bodies can hold anything their types do.
    pub fn new(shared: &Shared<'_>) -> Result<Self, MailError> {
        let boundary = boundary(shared.text, shared.html);
        let head = head(shared, &boundary)?;
        let mut body = Body::default();
        let parts = [
            ("plain", shared.text, Escaping::Plain),
            ("html", shared.html, Escaping::Html),
        ];
        for (subtype, text, escaping) in parts {
            body.fixed(&format!(
                "--{boundary}\r\nContent-Type: text/{subtype}; charset=utf-8\r\n\
                 Content-Transfer-Encoding: quoted-printable\r\n\r\n"
            ));
            body.part(text, shared.marks, escaping);
            body.fixed("\r\n");
        }
        body.fixed(&format!("--{boundary}--\r\n"));
        body.close();
        Ok(Self(Arc::new(Inner {
            head,
            fixed: body.bytes,
            body: body.chunks,
            fills: body.fills,
            marks: shared.marks.clone(),
        })))
    }

    /// The memory it takes, nearly.
    #[must_use]
    pub fn size(&self) -> usize {
        self.0.fixed.len() + 2048
    }
}

/// The headers in their one order.
fn head(shared: &Shared<'_>, boundary: &str) -> Result<Vec<Head>, MailError> {
    let mut head = vec![Head::Date];
    let mut lines = Headers::default();
    lines.mailbox("From", shared.from);
    head.extend([Head::Fixed(lines.take()), Head::To]);
    if let Some(reply_to) = shared.reply_to {
        lines.mailbox("Reply-To", reply_to);
    }
    if shared.marks.cut(shared.subject).0.is_empty() {
        lines.text("Subject", &HeaderText::clean(shared.subject));
        head.push(Head::Fixed(lines.take()));
    } else {
        let subject = Head::Subject(shared.subject.to_owned());
        head.extend([Head::Fixed(lines.take()), subject]);
    }
    head.push(Head::MessageId);
    lines.plain("MIME-Version", "1.0");
    lines.plain(
        "Content-Type",
        &format!("multipart/alternative;\r\n boundary=\"{boundary}\""),
    );
    let language = shared.language.replace('_', "-");
    if is_language_tag(&language) {
        lines.plain("Content-Language", &language);
    }
    if let Some(list) = shared.list {
        list.write_id(&mut lines)?;
        let unsubscribe = unsubscribe(list, shared.marks)?;
        head.extend([Head::Fixed(lines.take()), unsubscribe]);
        // RFC 8058 §3.1: exactly this.
        lines.plain("List-Unsubscribe-Post", "List-Unsubscribe=One-Click");
        if let Some(archive) = &list.archive {
            lines.plain("List-Archive", &bracketed("List-Archive", archive)?);
        }
    }
    if let Some(url) = shared.archived_at {
        lines.plain("Archived-At", &bracketed("Archived-At", url)?);
    }
    if let Some(feedback_id) = shared.feedback_id {
        lines.text("Feedback-ID", feedback_id);
    }
    if shared.list.is_some() {
        // No standard has it, and it still keeps vacation programs quiet.
        lines.plain("Precedence", "bulk");
    }
    // RFC 3834 §5; the second is how Exchange wants to be told the same.
    lines.plain("Auto-Submitted", "auto-generated");
    lines.plain("X-Auto-Response-Suppress", "OOF, AutoReply");
    head.extend([Head::Fixed(lines.take()), Head::Delivery]);
    Ok(head)
}

fn unsubscribe(list: &ListHeaders, marks: &Personal<String>) -> Result<Head, MailError> {
    // The https address first: some programs take only the first one they understand.
    let mut value = bracketed("List-Unsubscribe", &list.unsubscribe)?;
    if let Some(mailto) = &list.unsubscribe_mailto {
        value.push_str(",\r\n ");
        value.push_str(&bracketed("List-Unsubscribe", mailto)?);
    }
    let mut line = Headers::default();
    line.plain("List-Unsubscribe", &value);
    let line = line.take();
    let (cuts, rest) = marks.cut(&line);
    let owned = |(before, which): (&str, Which)| (before.to_owned(), which);
    let cuts = cuts.into_iter().map(owned).collect();
    Ok(Head::Unsubscribe(cuts, rest.to_owned()))
}

/// A body in the making.
#[derive(Default)]
struct Body {
    bytes: Vec<u8>,
    chunks: Vec<Chunk>,
    fills: Vec<(Which, Escaping)>,
    /// Where the fixed chunk that is being written begins.
    start: usize,
}

impl Body {
    fn fixed(&mut self, text: &str) {
        self.bytes.extend_from_slice(text.as_bytes());
    }

    /// One part, quoted-printable. A place for a value has a line of its own, between soft
    /// line breaks, so that a value of any length leaves the lines around it as they are.
    fn part(&mut self, text: &str, marks: &Personal<String>, escaping: Escaping) {
        let (cuts, rest) = marks.cut(text);
        for (before, which) in cuts {
            if quoted_printable::encode_into(&mut self.bytes, before, Then::SoftBreak) > 0 {
                self.fixed("=\r\n");
            }
            self.close();
            let fill = (which, escaping);
            let known = self.fills.iter().position(|known| *known == fill);
            let at = known.unwrap_or_else(|| {
                self.fills.push(fill);
                self.fills.len() - 1
            });
            self.chunks.push(Chunk::Fill(at));
            self.fixed("=\r\n");
        }
        quoted_printable::encode_into(&mut self.bytes, rest, Then::LineEnd);
    }

    /// Ends the fixed chunk.
    fn close(&mut self) {
        let end = self.bytes.len();
        if end > self.start {
            self.chunks.push(Chunk::Fixed(self.start..end));
            self.start = end;
        }
    }
}

/// A boundary that follows from the parts. `=_` cannot come out of quoted-printable, where
/// every `=` is followed by a hex digit or a line end (RFC 2045 §6.7), so no body holds it.
pub(super) fn boundary(text: &str, html: &str) -> String {
    let mut context = digest::Context::new(&digest::SHA256);
    context.update(text.as_bytes());
    context.update(&[0]);
    context.update(html.as_bytes());
    format!("=_{}", HEXLOWER.encode(&context.finish().as_ref()[..12]))
}
