//! Feeds as they are written to XML as feed-rs reads it.
//!
//! Whatever arrives becomes well-formed XML in one spelling: one vocabulary per dialect, known
//! prefixes, no declaration, no DTD, nothing feed-rs stumbles over. A well-formed feed comes out
//! meaning the same. JSON passes through. What feed-rs leaves out of its model is kept as
//! [`Facts`], what had to be mended is told as [`Repair`]s.
//!
//! Bytes become text in `decode`; `tokens` cuts it leniently; `mend` walks the tokens with a
//! stack and writes them anew, element by element, by what `vocabulary` says an element is.
//! Everything is linear in the input, without recursion and bounded: 200 levels, 256 attributes,
//! 64 entities, 16 KiB of other text before the feed.

mod attributes;
mod decode;
mod ebcdic;
mod facts;
mod json;
mod mend;
mod names;
mod people;
mod references;
mod tally;
#[cfg(test)]
mod tests;
mod tokens;
mod vocabulary;

use url::Url;

pub use decode::decode;
pub use facts::{Cloud, Facts, ItemFacts, Root, Withdrawn};
pub use tally::Repair;

/// Elements inside one another; deeper ones lose their tags and keep their text.
const MOST_DEEP: usize = 200;
/// Attributes of one element.
const MOST_ATTRIBUTES: usize = 256;
/// Entities that a document type may declare, and the letters of each.
const MOST_ENTITIES: usize = 64;
const LONGEST_ENTITY: usize = 256;
/// Bytes in which a feed must begin, whatever stands before it.
const MOST_JUNK: usize = 16 * 1024;

/// A document that feed-rs can read, and what was learned on the way.
#[derive(Debug, Clone, Default)]
pub struct Repaired {
    /// Well-formed XML without a declaration, or JSON; empty for what is neither.
    pub text: String,
    /// What feed-rs does not tell.
    pub facts: Facts,
    /// What had to be mended, each kind once.
    pub repairs: Vec<Repair>,
}

/// Reads `bytes` as a feed or sitemap. `content_type` is HTTP's, `url` where it came from.
#[must_use]
pub fn repair(bytes: &[u8], content_type: Option<&str>, url: &Url) -> Repaired {
    let decoded = decode(bytes, content_type, url);
    let mut repaired = mend(&decoded.text);
    repaired.repairs.splice(0..0, decoded.repairs);
    repaired
}

/// Reads a document that is text already.
#[must_use]
pub fn mend(text: &str) -> Repaired {
    if text.trim_start().starts_with('{') {
        return json::pass(text);
    }
    mend::Mender::new(text).run()
}
