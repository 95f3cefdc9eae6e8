//! HTML from outside: cleaned once, read as text, searched for a picture; and our own mails'
//! style sheets written into their elements.
//!
//! Everything here reads through one tokenizer walk (`tokens`) that is linear in its input
//! and bounded in depth. [`clean`] writes what it saw anew, balanced, without anything that
//! is not on its list, and only that goes through ammonia: no HTML parser sees markup from a
//! stranger (html5ever needs 18 seconds for 50,000 nested elements).

mod allow;
mod balance;
mod clean;
pub mod extract;
mod head;
mod image;
mod inline;
mod render;
mod summary;
#[cfg(test)]
mod tests;
mod text;
mod tokens;
mod wrap;
mod writer;

pub(crate) use tokens::is_void;

pub use clean::{CleanHtml, HtmlError, MAX_ARTICLE_BYTES, clean, clean_or_text};
pub use head::{Head, HeadLink, head};
pub use image::first_image;
pub use inline::{InlineError, inline_css};
pub use render::to_text;
pub use summary::{first_sentences, lead, without_feed_tail, word_count};
pub use text::{escape_text, feed_links, plain};
