//! Where the links and hashtags of a text are, for networks that want to be told.

use std::ops::Range;

use crate::text::{find_hashtags, find_links};

/// A part of a text that means something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Mark {
    /// Where, in bytes.
    pub range: Range<usize>,
    /// What.
    pub meaning: Meaning,
}

/// What a part of a text means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Meaning {
    /// A link to this address.
    Link(String),
    /// This hashtag, without `#`.
    Hashtag(String),
}

/// The links and hashtags of a text, in order, none over another. `url` is known, so all of it
/// is one link however it ends.
pub(super) fn marks(text: &str, url: &str) -> Vec<Mark> {
    let known = text.match_indices(url).map(|(at, _)| at..at + url.len());
    let links = known
        .filter(|range| !range.is_empty())
        .chain(find_links(text))
        .map(|range| Mark {
            meaning: Meaning::Link(text[range.clone()].to_owned()),
            range,
        });
    let tags = find_hashtags(text).into_iter().map(|tag| Mark {
        range: tag.range,
        meaning: Meaning::Hashtag(tag.tag),
    });
    let mut marks: Vec<Mark> = Vec::new();
    for mark in links.chain(tags) {
        // `https://example.org/a` inside `https://example.org/a/b` is not the known link.
        let longer = match &mark.meaning {
            Meaning::Link(link) => link == url && continues(&text[mark.range.end..]),
            Meaning::Hashtag(_) => false,
        };
        let is_free = marks.iter().all(|other| {
            mark.range.end <= other.range.start || other.range.end <= mark.range.start
        });
        if is_free && !longer {
            marks.push(mark);
        }
    }
    marks.sort_by_key(|mark| mark.range.start);
    marks
}

/// Whether a link goes on here.
fn continues(rest: &str) -> bool {
    rest.starts_with(|c: char| c.is_ascii_alphanumeric() || "/?#&=%_-~".contains(c))
}
