//! What a web page says of its site: the feeds that it names, its other languages.

use url::Url;

use crate::domain::base_language;
use crate::html::Head;
use crate::net::Fetched;
use crate::sources::wordpress::rest;
use crate::sources::{feed, links};

/// Feeds that a page names, of which so many are looked at.
const MOST_FEEDS: usize = 8;
/// Languages that a page names, of which so many are looked at.
const MOST_LANGUAGES: usize = 4;
/// The media types of feeds.
const FEED_TYPES: [&str; 4] = [
    "application/rss+xml",
    "application/atom+xml",
    "application/feed+json",
    "application/json",
];

/// Where feeds usually are, below a site's root and below a page.
pub(super) const USUAL: [&str; 9] = [
    "feed/",
    "rss.xml",
    "feed.xml",
    "atom.xml",
    "index.xml",
    "rss/",
    "feed.atom",
    "index.rss",
    "rss/feed.xml",
];

/// Whether a document is a web page.
pub(in crate::sources) fn is_page(body: &[u8]) -> bool {
    let start = String::from_utf8_lossy(&body[..body.len().min(2000)]).to_ascii_lowercase();
    let start = start.trim_start_matches('\u{feff}').trim_start();
    let mut start = start;
    while let Some((_, after)) = start
        .strip_prefix("<!--")
        .and_then(|comment| comment.split_once("-->"))
    {
        start = after.trim_start();
    }
    start.starts_with("<!doctype html") || start.starts_with("<html") || start.starts_with("<head")
}

/// The home page of the site that a page belongs to, by its interface's address.
pub(super) fn home_of(at: &Url, head: &Head) -> Url {
    let root = head.links.iter().find(|link| link.is(rest::RELATION));
    let by_root = root.and_then(|root| {
        let path = root.url.path().split("wp-json").next()?.to_owned();
        let mut home = root.url.clone();
        home.set_query(None);
        home.set_path(&path);
        (home.host() == at.host()).then_some(home)
    });
    by_root.unwrap_or_else(|| at.join("/").unwrap_or_else(|_| at.clone()))
}

/// The feeds that a page names, in its answer's headers and in its head, without those of
/// comments.
pub(super) fn named_feeds(page: &Fetched, head: &Head) -> Vec<(Url, Option<String>)> {
    let of_headers = links::links(&page.headers, &page.final_url);
    let of_headers = of_headers
        .into_iter()
        .filter(|link| link.is("alternate"))
        .map(|link| (link.url, link.kind, link.title, link.language));
    let of_head = head
        .links
        .iter()
        .filter(|link| link.is("alternate"))
        .map(|link| {
            (
                link.url.clone(),
                link.kind.clone(),
                link.title.clone(),
                link.language.clone(),
            )
        });
    let mut named: Vec<(Url, Option<String>)> = Vec::new();
    for (mut url, kind, title, language) in of_headers.chain(of_head) {
        url.set_fragment(None);
        let is_feed = FEED_TYPES.contains(&kind.as_str())
            && !(kind == "application/json" && url.path().contains("/wp-json"));
        let is_new = named.iter().all(|(known, _)| *known != url);
        if is_feed && is_new && !is_of_comments(&url, &title) && named.len() < MOST_FEEDS {
            named.push((url, language));
        }
    }
    named
}

fn is_of_comments(url: &Url, title: &str) -> bool {
    let title = title.to_lowercase();
    url.path().contains("comments")
        || title.contains("comments")
        || title.contains("تبصرے")
        || title.contains("تعليقات")
}

/// The feeds below the pages that are this page in other languages.
pub(super) fn feeds_of_languages(head: &Head, at: &Url) -> Vec<(Url, String)> {
    let pages = head.links.iter().filter(|link| {
        link.is("alternate")
            && (link.kind.is_empty() || link.kind == "text/html")
            && link.url != *at
    });
    let feeds = pages.filter_map(|link| {
        let language = feed::language_tag(link.language.as_deref()?)?;
        let mut home = link.url.clone();
        home.set_query(None);
        if !home.path().ends_with('/') {
            home.set_path(&format!("{}/", home.path()));
        }
        Some((home.join("feed/").ok()?, language))
    });
    feeds
        .filter(|(_, tag)| tag != "x-default")
        .take(MOST_LANGUAGES)
        .collect()
}

/// Where a site that says nothing of its languages often has the feeds of two of them.
pub(super) fn usual_languages(at: &Url, own: Option<&str>) -> Vec<(Url, String)> {
    let own = own.map(base_language);
    let others = ["en", "ur"]
        .into_iter()
        .filter(|tag| own.as_deref() != Some(tag));
    others
        .filter_map(|tag| Some((at.join(&format!("/{tag}/feed/")).ok()?, tag.to_owned())))
        .collect()
}

pub(super) fn usual_places(at: &Url) -> Vec<Url> {
    let mut places: Vec<Url> = Vec::new();
    for base in [at.join("/").ok(), at.join(".").ok()].into_iter().flatten() {
        for path in USUAL {
            if let Ok(url) = base.join(path)
                && !places.contains(&url)
            {
                places.push(url);
            }
        }
    }
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_told_from_a_feed_by_its_beginning() {
        for page in [
            "<!DOCTYPE HTML>",
            "\u{feff} <html lang=ur>",
            "<!-- x --> <!doctype html>",
            "<head>",
        ] {
            assert!(is_page(page.as_bytes()), "{page}");
        }
        for other in [
            "<?xml version='1.0'?><rss>",
            "{}",
            "",
            "<rss><!doctype html>",
            "<!-- never closed",
        ] {
            assert!(!is_page(other.as_bytes()), "{other}");
        }
    }

    #[test]
    fn feeds_of_comments_are_not_offered() {
        let url = |text: &str| Url::parse(text).unwrap();
        assert!(is_of_comments(&url("https://e.org/comments/feed/"), ""));
        assert!(is_of_comments(
            &url("https://e.org/x"),
            "News » Comments Feed"
        ));
        assert!(!is_of_comments(&url("https://e.org/feed/"), "News » Feed"));
    }
}
