//! Which address a picture of a page really has.

use url::Url;

use crate::domain::Image;
use crate::html::allow::resolve;
use crate::html::text::plain;
use crate::html::tokens::Element;

/// Where scripts that load pictures late keep the address.
const LATE: [&str; 11] = [
    "data-src",
    "data-lazy-src",
    "data-original",
    "data-lazy",
    "data-echo",
    "data-cfsrc",
    "nitro-lazy-src",
    "data-ezsrc",
    "data-img-url",
    "data-large-file",
    "data-orig-file",
];
/// The same for lists of sizes.
const LATE_SETS: [&str; 4] = [
    "data-srcset",
    "data-lazy-srcset",
    "nitro-lazy-srcset",
    "data-ezsrcset",
];
/// Wider pictures are heavier than a mail bears.
const WIDEST: u32 = 1600;
/// Pictures of a page remembered for their descriptions.
const MOST: usize = 200;

/// The pictures of a page while it is read.
#[derive(Default)]
pub(super) struct Pictures {
    /// The best of `<source>` in an open `<picture>`.
    group: Option<Option<Url>>,
    /// Whether a picture was written and no word since.
    last: bool,
    seen: Vec<Image>,
}

impl Pictures {
    pub(super) fn begin_group(&mut self) {
        self.group = Some(None);
    }

    /// The address of a group that had no picture of its own.
    pub(super) fn end_group(&mut self) -> Option<Url> {
        self.group.take().flatten()
    }

    /// A `<source>` in a group.
    pub(super) fn candidate(&mut self, element: Element<'_>, base: &Url) {
        if let Some(group) = self.group.as_mut()
            && group.is_none()
        {
            *group = of_sets(element, base);
        }
    }

    /// The address of a picture: what the page shows at once if that is one, else what it
    /// loads late.
    pub(super) fn address(&mut self, element: Element<'_>, base: &Url) -> Option<Url> {
        let src = element.first_of(&["src"]);
        let now = src.filter(|src| !is_placeholder(src));
        let late = LATE
            .iter()
            .filter_map(|name| element.first_of(&[name]))
            .find(|src| !is_placeholder(src));
        let is_lazy = is_late(element);
        let first = if is_lazy { late.or(now) } else { now.or(late) };
        let group = self.group.take().flatten();
        first
            .and_then(|src| web(src, base))
            .or_else(|| of_sets(element, base))
            .or(group)
    }

    /// A picture was written.
    pub(super) fn written(&mut self, src: &Url, alt: &str) {
        self.last = true;
        if self.seen.len() < MOST {
            self.seen.push(Image {
                url: src.to_string(),
                alt: plain(alt),
            });
        }
    }

    /// All pictures that were written.
    pub(super) fn into_seen(self) -> Vec<Image> {
        self.seen
    }

    pub(super) fn has_last(&self) -> bool {
        self.last
    }

    pub(super) fn forget_last(&mut self) {
        self.last = false;
    }
}

/// Whether a picture keeps its address aside for a script.
pub(super) fn is_late(element: Element<'_>) -> bool {
    let has = |names: &[&str]| names.iter().any(|name| element.attribute(name).is_some());
    has(&LATE) || has(&LATE_SETS)
}

fn is_placeholder(src: &str) -> bool {
    const WORDS: [&str; 9] = [
        "blank.",
        "placeholder",
        "spacer.",
        "transparent.",
        "1x1.",
        "lazyload",
        "loading.gif",
        "pixel.gif",
        "grey.gif",
    ];
    src.starts_with("data:") || src == "#" || WORDS.iter().any(|word| src.contains(word))
}

fn web(src: &str, base: &Url) -> Option<Url> {
    resolve(src, Some(base)).filter(|url| matches!(url.scheme(), "http" | "https"))
}

fn of_sets(element: Element<'_>, base: &Url) -> Option<Url> {
    let sets = LATE_SETS.iter().chain(&["srcset"]);
    sets.filter_map(|name| element.attribute(name))
        .filter(|set| set.len() <= 20_000)
        .find_map(|set| widest(set, base))
}

/// The widest picture of a `srcset` that is not too wide (HTML §4.8.4.2.1).
fn widest(set: &str, base: &Url) -> Option<Url> {
    let mut best: Option<(u32, Url)> = None;
    for candidate in set.split(", ").flat_map(|part| part.split(",\n")).take(40) {
        let mut parts = candidate.trim().trim_end_matches(',').split_whitespace();
        let Some(src) = parts.next().filter(|src| !is_placeholder(src)) else {
            continue;
        };
        let size = parts.next().unwrap_or("1x");
        let number = size.trim_end_matches(['w', 'x']).parse::<f32>();
        let width = match number {
            Ok(n) if size.ends_with('x') => (n * 600.0) as u32,
            Ok(n) => n as u32,
            Err(_) => 0,
        };
        let rank = |width: u32| if width > WIDEST { 0 } else { width + 1 };
        if let Some(url) = web(src, base)
            && best.as_ref().is_none_or(|(w, _)| rank(width) > rank(*w))
        {
            best = Some((width, url));
        }
    }
    best.map(|(_, url)| url)
}

/// Hosts whose frames are advertisements.
pub(super) fn is_advert(host: &str) -> bool {
    const HOSTS: [&str; 8] = [
        "doubleclick.net",
        "googlesyndication.com",
        "googletagmanager.com",
        "amazon-adsystem.com",
        "taboola.com",
        "outbrain.com",
        "adnxs.com",
        "criteo.com",
    ];
    HOSTS
        .iter()
        .any(|ad| host == *ad || host.strip_suffix(ad).is_some_and(|h| h.ends_with('.')))
}

/// The same picture in another size: WordPress and its kin put `-300x200` before the ending and
/// `-scaled` behind the name, picture services put the size into the query.
#[must_use]
pub(super) fn stem(url: &str) -> String {
    let path = url.split(['?', '#']).next().unwrap_or(url);
    let path = path
        .trim_start_matches("https:")
        .trim_start_matches("http:");
    let (name, ending) = match path.rsplit_once('.') {
        Some((name, ending)) if ending.len() <= 5 => (name, ending),
        _ => (path, ""),
    };
    let name = name.strip_suffix("-scaled").unwrap_or(name);
    let name = match name.rsplit_once('-') {
        Some((rest, size)) if is_size(size) => rest,
        _ => name,
    };
    format!("{name}.{ending}").to_ascii_lowercase()
}

fn is_size(text: &str) -> bool {
    let digits = |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    text.split_once('x')
        .is_some_and(|(w, h)| digits(w) && digits(h))
}
