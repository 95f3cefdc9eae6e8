//! The "relaxed" forms in which a mail is signed (RFC 6376 §3.4.2 and §3.4.4): what hops are
//! known to change (folding, the width of white space, empty lines at the end) is evened out
//! before it is hashed.
//!
//! A mail of ours is already even nearly everywhere, so whole runs of it are found that can be
//! hashed as they are, and only what is between them is looked at byte by byte.

use aws_lc_rs::digest::{Context, Digest, SHA256};

/// Bytes gathered before they are hashed: each call of the digest has its price.
const BLOCK: usize = 4096;

/// The hash of a body, which comes in parts.
pub(super) struct Body {
    digest: Context,
    ready: Vec<u8>,
    is_empty: bool,
    /// Line ends that have not been written: at the end of the body they are no part of it.
    line_ends: usize,
    /// White space that has not been written: at the end of a line it is no part of it.
    space: bool,
}

impl Body {
    pub(super) fn new() -> Self {
        Self {
            digest: Context::new(&SHA256),
            ready: Vec::with_capacity(2 * BLOCK),
            is_empty: true,
            line_ends: 0,
            space: false,
        }
    }

    /// Adds a part; lines end in CRLF, and neither of its bytes stands alone.
    pub(super) fn push(&mut self, mut part: &[u8]) {
        while let Some(&first) = part.first() {
            let mut taken = 1;
            match first {
                b' ' | b'\t' => self.space = true,
                b'\r' => {}
                b'\n' => {
                    self.line_ends += 1;
                    self.space = false;
                }
                _ => {
                    let run = even_run(part);
                    self.write(run);
                    taken = run.len();
                }
            }
            part = &part[taken..];
        }
    }

    fn write(&mut self, run: &[u8]) {
        for _ in 0..std::mem::take(&mut self.line_ends) {
            self.ready.extend_from_slice(b"\r\n");
        }
        if std::mem::take(&mut self.space) {
            self.ready.push(b' ');
        }
        self.ready.extend_from_slice(run);
        self.is_empty = false;
        if self.ready.len() >= BLOCK {
            self.digest.update(&self.ready);
            self.ready.clear();
        }
    }

    pub(super) fn finish(mut self) -> Digest {
        if !self.is_empty {
            self.ready.extend_from_slice(b"\r\n");
        }
        self.digest.update(&self.ready);
        self.digest.finish()
    }
}

/// The beginning of `part` that is the same in relaxed form, up to its last byte that is not
/// white space. `part` begins with such a byte.
fn even_run(part: &[u8]) -> &[u8] {
    const STEP: usize = 16;
    let is_uneven = |a: u8, b: u8| (a == b'\t') | ((a == b' ') & ((b == b' ') | (b == b'\r')));
    let mut end = 0;
    while let (Some(these), Some(next)) =
        (part.get(end..end + STEP), part.get(end + 1..end + STEP + 1))
    {
        // Without a way out of the loop, the compiler compares many bytes at once.
        let pairs = these.iter().zip(next);
        if pairs.fold(false, |found, (&a, &b)| found | is_uneven(a, b)) {
            break;
        }
        end += STEP;
    }
    let uneven = part[end..].windows(2).position(|w| is_uneven(w[0], w[1]));
    let run = &part[..uneven.map_or(part.len(), |at| end + at)];
    let last = run.iter().rposition(|b| !is_space(b));
    &run[..last.map_or(0, |at| at + 1)]
}

/// White space and what makes lines; not the form feed, which Rust counts among them.
fn is_space(b: &u8) -> bool {
    matches!(b, b' ' | b'\t' | b'\r' | b'\n')
}

/// Writes a header field (its lines with their CRLFs, or without the last one) in relaxed form,
/// without a CRLF.
pub(super) fn write_field(out: &mut Vec<u8>, field: &[u8]) {
    let colon = field.iter().position(|&b| b == b':');
    let (name, value) = field.split_at(colon.unwrap_or(field.len()));
    out.extend(name.trim_ascii_end().iter().map(u8::to_ascii_lowercase));
    out.push(b':');
    let value = value.get(1..).unwrap_or_default();
    let words = value.split(is_space).filter(|word| !word.is_empty());
    for (i, word) in words.enumerate() {
        if i > 0 {
            out.push(b' ');
        }
        out.extend_from_slice(word);
    }
}

/// The fields of a header block, each with its continuation lines.
pub(super) fn fields(block: &[u8]) -> Vec<&[u8]> {
    let mut fields = Vec::with_capacity(24);
    let mut begin = 0;
    let mut at = 0;
    for line in block.split_inclusive(|&b| b == b'\n') {
        let is_new = !matches!(line.first(), Some(b' ' | b'\t'));
        if is_new && at > begin {
            fields.push(&block[begin..at]);
            begin = at;
        }
        at += line.len();
    }
    if at > begin {
        fields.push(&block[begin..at]);
    }
    fields
}

/// Whether a field has this name, given in lower case.
pub(super) fn is_named(field: &[u8], name: &str) -> bool {
    let colon = field.iter().position(|&b| b == b':');
    colon.is_some_and(|at| {
        field[..at]
            .trim_ascii_end()
            .eq_ignore_ascii_case(name.as_bytes())
    })
}
