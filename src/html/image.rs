//! Pictures in HTML: which to show, and which only count readers.

use url::Url;

use super::allow::resolve;
use super::text::plain;
use super::tokens::{Element, Piece, walk};
use crate::domain::Image;

/// The first picture of an article that is worth showing, with its address absolute against
/// `base`; counting pixels, emoji and portraits are passed over.
#[must_use]
pub fn first_image(html: &str, base: Option<&Url>) -> Option<Image> {
    let mut found = None;
    walk(html, |piece| {
        if let Piece::Open(element) = piece
            && element.name() == "img"
            && found.is_none()
            && let Some(url) = picture_of(element).and_then(|src| resolve(src, base))
            && !is_tracker(element, &url)
            && !is_ornament(element, &url)
        {
            found = Some(Image {
                url: url.into(),
                alt: plain(element.attribute("alt").unwrap_or("")),
            });
        }
    });
    found
}

/// Where a picture is: pages that load pictures late keep the address aside and put a
/// placeholder into `src`.
pub(super) fn picture_of(element: Element<'_>) -> Option<&str> {
    let late = element.first_of(&["data-src", "data-lazy-src", "data-original"]);
    let src = element.first_of(&["src"]);
    match src {
        Some(src) if late.is_none() || !is_placeholder(src) => Some(src),
        _ => late,
    }
}

fn is_placeholder(src: &str) -> bool {
    src.starts_with("data:") || src.contains("blank.gif") || src.contains("placeholder")
}

/// Whether a picture or an embed is there to count readers: invisible by its size or style, or
/// of a service that does nothing else.
pub(super) fn is_tracker(element: Element<'_>, url: &Url) -> bool {
    const HOSTS: [&str; 12] = [
        "pixel.wp.com",
        "stats.wordpress.com",
        "pixel.quantserve.com",
        "b.scorecardresearch.com",
        "sb.scorecardresearch.com",
        "www.google-analytics.com",
        "www.googletagmanager.com",
        "ad.doubleclick.net",
        "feeds.feedburner.com",
        "pi.feedsportal.com",
        "da.feedsportal.com",
        "www.facebook.com",
    ];
    let is_tiny = |name| {
        element
            .attribute(name)
            .is_some_and(|v| matches!(v.trim().trim_end_matches("px"), "0" | "1"))
    };
    let style = element
        .attribute("style")
        .unwrap_or("")
        .to_ascii_lowercase();
    let style: String = style.split_whitespace().collect();
    let is_unseen = [
        "display:none",
        "visibility:hidden",
        "width:1px",
        "height:1px",
        "width:0",
    ]
    .iter()
    .any(|s| style.split(';').any(|part| part.starts_with(s)));
    let is_counter = element.name() == "img"
        && url.host_str().is_some_and(|host| {
            // Facebook and FeedBurner have real pictures too, on other paths.
            HOSTS.contains(&host)
                && (host != "www.facebook.com" || url.path() == "/tr")
                && (host != "feeds.feedburner.com" || url.path().starts_with("/~r"))
        });
    (is_tiny("width") || is_tiny("height")) || is_unseen || is_counter
}

fn is_ornament(element: Element<'_>, url: &Url) -> bool {
    let class = element.attribute("class").unwrap_or("");
    let is_small = ["width", "height"].iter().any(|name| {
        element
            .attribute(name)
            .and_then(|v| v.trim().parse::<u32>().ok())
            .is_some_and(|n| n < 48)
    });
    is_small
        || class
            .split_whitespace()
            .any(|c| matches!(c, "wp-smiley" | "emoji" | "avatar"))
        || url
            .host_str()
            .is_some_and(|h| h.ends_with("gravatar.com") || h == "s.w.org")
}
