//! Counting and cutting text by each network's rule, and the small text work around it.
//!
//! Every network counts in its own unit: graphemes, code points, UTF-16 units, bytes, or a
//! weighted sum. The counters here take any string and never fail; [`cut`] shortens a text to
//! any of them without breaking a character, a link, a hashtag or a right-to-left run.
//!
//! `tlds.txt` holds the top-level domains X and Mastodon recognise in links (from
//! twitter-text 3.1.0, Apache-2.0).

mod atoms;
mod clean;
mod count;
mod cut;
mod emoji;
mod hashtag;
mod language;
mod links;
mod urls;
mod weighted;

#[cfg(test)]
mod tests;

pub use clean::{clean, one_line, starts_right_to_left};
pub use count::{
    bluesky_length, code_points, graphemes, mastodon_length, threads_length, utf8_bytes,
    utf16_units,
};
pub use cut::{Measure, cut, cut_at_sentence, shorten, truncate_words};
pub use hashtag::{Tag, find_hashtags, hashtag, hashtags};
pub use language::language_of;
pub use links::find_links;
pub use weighted::weighted_x;
