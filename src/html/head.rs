//! What a page's head says of itself and of its other forms.

use url::Url;

use super::allow::resolve;
use super::text::plain;
use super::tokens::{Piece, walk};

/// Links kept of one page.
const MOST_LINKS: usize = 200;

/// The head of a page, as far as it helps to find what the page's site offers.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Head {
    /// The language of the whole (`<html lang>`), as written.
    pub language: Option<String>,
    /// `og:site_name`, else the title.
    pub name: Option<String>,
    /// `<meta name=generator>`.
    pub generator: Option<String>,
    /// Its `<link>`s in order.
    pub links: Vec<HeadLink>,
}

/// A `<link>`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeadLink {
    /// The words of `rel`, in lower case.
    pub rel: Vec<String>,
    /// The media type, in lower case without parameters.
    pub kind: String,
    /// Where it leads, absolute.
    pub url: Url,
    /// `title`.
    pub title: String,
    /// `hreflang`, as written.
    pub language: Option<String>,
}

impl HeadLink {
    /// Whether `rel` has this word.
    #[must_use]
    pub fn is(&self, rel: &str) -> bool {
        self.rel.iter().any(|word| word == rel)
    }
}

/// Reads the head of a page, resolving its links against `base`.
#[must_use]
pub fn head(html: &str, base: &Url) -> Head {
    let mut head = Head::default();
    let mut site_name = None;
    walk(html, |piece| {
        let Piece::Open(element) = piece else { return };
        let text = |name: &str| {
            let value = element.attribute(name).map(plain).unwrap_or_default();
            (!value.is_empty()).then(|| value.chars().take(300).collect::<String>())
        };
        match element.name() {
            "html" if head.language.is_none() => head.language = text("lang"),
            "meta" => match (element.attribute("name"), element.attribute("property")) {
                (Some(name), _) if name.eq_ignore_ascii_case("generator") => {
                    head.generator = head.generator.take().or_else(|| text("content"));
                }
                (_, Some("og:site_name")) => site_name = text("content"),
                _ => {}
            },
            "link" if head.links.len() < MOST_LINKS => {
                let href = element.attribute("href").unwrap_or_default();
                let Some(url) = resolve(href, Some(base)) else {
                    return;
                };
                let rel = element.attribute("rel").unwrap_or_default();
                let kind = element.attribute("type").unwrap_or_default();
                head.links.push(HeadLink {
                    rel: rel
                        .split_ascii_whitespace()
                        .map(str::to_ascii_lowercase)
                        .collect(),
                    kind: kind
                        .split(';')
                        .next()
                        .unwrap_or_default()
                        .trim()
                        .to_ascii_lowercase(),
                    url,
                    title: text("title").unwrap_or_default(),
                    language: text("hreflang"),
                });
            }
            _ => {}
        }
    });
    head.name = site_name.or_else(|| title(html));
    head
}

/// The text of the first `<title>`; the walk passes over it, as over all that is not read.
fn title(html: &str) -> Option<String> {
    let mut window = html.len().min(200_000);
    while !html.is_char_boundary(window) {
        window -= 1;
    }
    let lower = html[..window].to_ascii_lowercase();
    let start = lower.find("<title")?;
    let open = start + lower[start..].find('>')? + 1;
    let end = open + lower[open..].find("</title")?;
    let text = plain(&html[open..end]);
    (!text.is_empty()).then(|| text.chars().take(300).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_head_says_its_language_name_generator_and_links() {
        let base = Url::parse("https://news.example.org/").unwrap();
        let page = "<!doctype html><HTML lang='ur-PK'><head><title>خبریں &amp; more</title>\
            <meta name=Generator content='WordPress 6.9'>\
            <link rel='https://api.w.org/' href='/wp-json/'>\
            <link rel='alternate nofollow' type='application/RSS+xml; charset=utf-8' title='Feed' href='feed/'>\
            <link rel=alternate hreflang=en href='/en/'><link rel=icon href='javascript:x'></head><body>x";
        let head = head(page, &base);
        assert_eq!(head.language.as_deref(), Some("ur-PK"));
        assert_eq!(head.name.as_deref(), Some("خبریں & more"));
        assert_eq!(head.generator.as_deref(), Some("WordPress 6.9"));
        assert_eq!(head.links.len(), 3);
        assert!(head.links[0].is("https://api.w.org/"));
        let feed = &head.links[1];
        assert!(feed.is("alternate") && feed.kind == "application/rss+xml");
        assert_eq!(feed.url.as_str(), "https://news.example.org/feed/");
        assert_eq!(head.links[2].language.as_deref(), Some("en"));
    }
}
