//! DKIM signatures (RFC 6376, RFC 8463): the domain's word that a mail is from it.
//!
//! A [`Signer`] has one key or several, and writes a `DKIM-Signature` header for each: RSA,
//! which every mailbox reads, and beside it Ed25519, which some do. Both are made over the
//! relaxed form of headers and body, with nothing left out (no `l=`) and no end (no `x=`).
//!
//! Promises: what a mailbox acts upon or shows cannot be changed or added without breaking the
//! signatures; among it are both unsubscribe headers, which RFC 8058 §4 requires. The same
//! mail, keys and second make the same signatures. The body is read once for all keys, and is
//! never copied as a whole.

mod canonical;
mod key;
#[cfg(test)]
mod tests;

use aws_lc_rs::digest::{Context, SHA256};
use data_encoding::BASE64;

use crate::domain::UnixMillis;
pub use key::{Algorithm, KeyError, PrivateKey};

/// RFC 5322 §2.1.1: a line should have no more than 78 characters, without its CRLF.
const LINE: usize = 78;

/// The headers that are signed, in their order. Those marked are signed once more than they
/// are there, so that adding one breaks the signature (RFC 6376 §8.15); of the others a relay
/// may add its own (providers do so with `Feedback-ID`).
const SIGNED: [(&str, bool); 16] = [
    ("from", true),
    ("to", true),
    ("cc", true),
    ("subject", true),
    ("date", true),
    ("message-id", false),
    ("reply-to", true),
    ("mime-version", true),
    ("content-type", true),
    ("content-language", false),
    ("list-id", false),
    ("list-unsubscribe", true),
    ("list-unsubscribe-post", true),
    ("archived-at", false),
    ("feedback-id", false),
    ("auto-submitted", false),
];

/// Why a mail was not signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SignError {
    /// RFC 6376 §5.4: the From field must be signed.
    #[error("the mail has no From header, so it cannot be signed")]
    NoSender,
    /// The cryptography refused.
    #[error("the DKIM key could not sign: see that it is the key that `courant dkim` made")]
    Refused,
}

/// The keys that sign a channel's mail.
#[derive(Debug)]
pub struct Signer(Vec<SigningKey>);

/// A key with its place in the DNS.
#[derive(Debug)]
pub struct SigningKey {
    /// The domain that signs (`d=`), the sender's or one above it.
    pub domain: String,
    /// The name of the key below the domain (`s=`).
    pub selector: String,
    /// The key itself.
    pub key: PrivateKey,
}

impl Signer {
    /// A signer with these keys.
    #[must_use]
    pub fn new(keys: Vec<SigningKey>) -> Self {
        Self(keys)
    }

    /// The `DKIM-Signature` headers of a mail, one for each key, to stand before its others.
    ///
    /// `headers` is the header block without the empty line after it, `body` everything after
    /// that line, in as many parts as it has. Both are as they travel, before dots are doubled:
    /// every line ends in CRLF.
    ///
    /// # Errors
    /// A [`SignError`] for a mail without a sender, or a key that fails.
    pub fn sign<'a>(
        &self,
        headers: &[u8],
        body: impl Iterator<Item = &'a [u8]>,
        at: UnixMillis,
    ) -> Result<Vec<u8>, SignError> {
        let mut canonical = canonical::Body::new();
        body.for_each(|part| canonical.push(part));
        let body_hash = BASE64.encode(canonical.finish().as_ref());
        let (names, canonical) = signed_headers(headers)?;
        let mut digest = Context::new(&SHA256);
        digest.update(&canonical);
        let mut signatures = Vec::with_capacity(1024 * self.0.len());
        for key in &self.0 {
            let mut header = key.unsigned(&names, &body_hash, at);
            let mut digest = digest.clone();
            let mut own = Vec::with_capacity(1024);
            canonical::write_field(&mut own, header.text.as_bytes());
            digest.update(&own);
            let signature = key.key.sign(&digest.finish());
            header.fill(&BASE64.encode(&signature.map_err(|_| SignError::Refused)?));
            signatures.extend_from_slice(header.text.as_bytes());
            signatures.extend_from_slice(b"\r\n");
        }
        Ok(signatures)
    }
}

/// The names for `h=`, and the headers they name in relaxed form. A name without a header left
/// stands for nothing, and so nothing is what it must stay.
fn signed_headers(block: &[u8]) -> Result<(Vec<&'static str>, Vec<u8>), SignError> {
    let fields = canonical::fields(block);
    let mut names = Vec::with_capacity(2 * SIGNED.len());
    let mut canonical = Vec::with_capacity(block.len() + 64);
    for (name, is_closed) in SIGNED {
        // RFC 6376 §5.4.2: several of one name are taken from the bottom up.
        let own = fields.iter().rev().filter(|f| canonical::is_named(f, name));
        let before = names.len();
        for field in own {
            names.push(name);
            canonical::write_field(&mut canonical, field);
            canonical.extend_from_slice(b"\r\n");
        }
        if name == "from" && names.len() == before {
            return Err(SignError::NoSender);
        }
        if is_closed {
            names.push(name);
        }
    }
    Ok((names, canonical))
}

impl SigningKey {
    /// The name of the key's TXT record.
    #[must_use]
    pub fn record_name(&self) -> String {
        format!("{}._domainkey.{}", self.selector, self.domain)
    }

    /// The header up to and with `b=`.
    fn unsigned(&self, names: &[&str], body_hash: &str, at: UnixMillis) -> Folded {
        let mut header = Folded::default();
        header.piece("DKIM-Signature: v=1;");
        header.word(&format!("a={}-sha256;", self.key.algorithm()));
        header.word("c=relaxed/relaxed;");
        header.word(&format!("d={};", self.domain));
        header.word(&format!("s={};", self.selector));
        header.word(&format!("t={};", at.0.max(0) / 1000));
        header.word(&format!("bh={body_hash};"));
        let ends = std::iter::repeat_n(":", names.len().saturating_sub(1)).chain([";"]);
        for (i, (name, end)) in names.iter().zip(ends).enumerate() {
            if i == 0 {
                header.word(&format!("h={name}{end}"));
            } else {
                header.piece(&format!("{name}{end}"));
            }
        }
        header.word("b=");
        header
    }
}

/// Whether `text` can name a key: labels of the DNS with dots between (RFC 6376 §3.1). No
/// standard has the underscore, and it is in use.
#[must_use]
pub fn is_selector(text: &str) -> bool {
    let is_label = |label: &str| {
        let is_inner = |b: u8| b.is_ascii_alphanumeric() || b"-_".contains(&b);
        (1..=63).contains(&label.len())
            && label.bytes().all(is_inner)
            && !label.starts_with('-')
            && !label.ends_with('-')
    };
    text.len() <= 100 && text.split('.').all(is_label)
}

/// A header that is folded as it is written.
#[derive(Default)]
struct Folded {
    text: String,
    column: usize,
}

impl Folded {
    /// Adds a piece, on a new line where it would not fit.
    fn piece(&mut self, piece: &str) {
        if self.column > 1 && self.column + piece.len() > LINE {
            self.text.push_str("\r\n ");
            self.column = 1;
        }
        self.text.push_str(piece);
        self.column += piece.len();
    }

    /// Adds a piece apart from the one before.
    fn word(&mut self, word: &str) {
        if self.column + 1 + word.len() <= LINE {
            self.text.push(' ');
            self.column += 1;
        }
        self.piece(word);
    }

    /// Adds text that may be folded anywhere.
    fn fill(&mut self, mut text: &str) {
        while !text.is_empty() {
            let room = LINE.saturating_sub(self.column);
            let (now, later) = text.split_at(room.min(text.len()));
            self.text.push_str(now);
            self.column += now.len();
            text = later;
            if !text.is_empty() {
                self.text.push_str("\r\n ");
                self.column = 1;
            }
        }
    }
}
