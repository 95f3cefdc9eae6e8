//! What of a stranger's HTML may stand on our pages and in our mails.

use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

use url::Url;

use super::allow::{ATTRIBUTES, TAGS, escape};
use super::text::plain;
use super::tokens::walk;
use super::writer::Writer;

/// More HTML than this in one article is refused, before and after cleaning.
pub const MAX_ARTICLE_BYTES: usize = 512 * 1024;

/// HTML that [`clean`] made: safe to put on a page or into a mail as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct CleanHtml(String);

impl CleanHtml {
    /// The HTML.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// The HTML, owned.
    #[must_use]
    pub fn into_string(self) -> String {
        self.0
    }

    /// Whether nothing was left.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl std::fmt::Display for CleanHtml {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

/// Why HTML was not cleaned.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum HtmlError {
    /// It is larger than any article.
    #[error(
        "the HTML has {bytes} bytes, more than the {MAX_ARTICLE_BYTES} that an article may have; \
         only its text is used"
    )]
    TooLarge {
        /// Its size.
        bytes: usize,
    },
}

/// Cleans HTML from outside: only elements and attributes of text remain (with `dir` and
/// `lang`), addresses are absolute (against `base`; relative ones go without it) and of
/// http, https or mailto, pictures that only count readers are gone, embedded films become
/// links, headings start at `h2`. Elements nested deeper than 256 lose their tags, not their
/// text. The work is linear in the size.
///
/// # Errors
/// [`HtmlError::TooLarge`] above [`MAX_ARTICLE_BYTES`]; [`clean_or_text`] goes on from there.
pub fn clean(html: &str, base: Option<&Url>) -> Result<CleanHtml, HtmlError> {
    let refuse_large = |bytes: usize| {
        if bytes > MAX_ARTICLE_BYTES {
            Err(HtmlError::TooLarge { bytes })
        } else {
            Ok(())
        }
    };
    refuse_large(html.len())?;
    let mut writer = Writer::new(base);
    // Every short link may become its base's long one, a hundred times the article.
    let mut most = 0;
    walk(html, |piece| {
        if most <= 2 * MAX_ARTICLE_BYTES {
            writer.see(&piece);
            most = writer.len();
        }
    });
    if most > 2 * MAX_ARTICLE_BYTES {
        refuse_large(most)?;
    }
    let written = writer.finish();
    refuse_large(written.len())?;
    let cleaned = SANITIZER.clean(written.trim()).to_string();
    refuse_large(cleaned.len())?;
    Ok(CleanHtml(cleaned))
}

/// Cleans HTML, or where it is refused keeps its text as one paragraph, so that no article is
/// lost to its markup. Says why when it had to.
#[must_use]
pub fn clean_or_text(html: &str, base: Option<&Url>) -> (CleanHtml, Option<HtmlError>) {
    match clean(html, base) {
        Ok(cleaned) => (cleaned, None),
        Err(error) => {
            let text = plain(html);
            let mut end = text.len().min(MAX_ARTICLE_BYTES / 8);
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            let mut out = String::from("<p>");
            escape(&text[..end], &mut out);
            out.push_str(if end < text.len() { "…</p>" } else { "</p>" });
            (CleanHtml(out), Some(error))
        }
    }
}

/// ammonia with the writer's own list: the second lock on the same door.
static SANITIZER: LazyLock<ammonia::Builder<'static>> = LazyLock::new(|| {
    let attributes: HashMap<&str, HashSet<&str>> = ATTRIBUTES
        .iter()
        .map(|(tag, names)| (*tag, names.iter().copied().collect()))
        .collect();
    let mut builder = ammonia::Builder::empty();
    builder
        .tags(TAGS.into_iter().collect())
        .tag_attributes(attributes)
        .generic_attributes(HashSet::from(["dir", "lang"]))
        .url_schemes(HashSet::from(["http", "https", "mailto"]))
        .url_relative(ammonia::UrlRelative::Deny)
        .link_rel(Some("noopener noreferrer nofollow ugc"))
        .clean_content_tags(HashSet::from(["script", "style"]))
        .strip_comments(true);
    builder
});
