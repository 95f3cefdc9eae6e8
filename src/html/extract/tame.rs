//! A stranger's whole page written anew, so that a parser may see it: balanced, no deeper than
//! a bound, without scripts, with absolute addresses, and with pictures that are loaded late
//! and films of elsewhere as plain pictures and links.

use url::Url;

use super::MAX_PAGE_BYTES;
use super::facts::Facts;
use super::pictures::{Pictures, is_advert, is_late};
use crate::domain::Image;
use crate::html::allow::{attribute, escape, fits, resolve};
use crate::html::balance::Balance;
use crate::html::image::is_tracker;
use crate::html::tokens::{Element, Piece, is_void, walk_page};

/// Open elements at once in what a parser sees.
const MAX_DEPTH: usize = 100;
/// Longer attributes say nothing about an element.
const MAX_ATTRIBUTE: usize = 1000;
/// Elements written at most; the text of further ones stays. A page of 3 MiB has no more.
const MOST_ELEMENTS: usize = 60_000;
/// Bytes after which no more elements are written: each could bring a long base's address.
const MOST_BYTES: usize = 2 * MAX_PAGE_BYTES;

/// What tells furniture from text, and what operators' rules may ask for.
const KEPT: [&str; 15] = [
    "aria-label",
    "class",
    "data-component",
    "data-module",
    "data-name",
    "data-testid",
    "data-type",
    "dir",
    "id",
    "itemprop",
    "lang",
    "property",
    "rel",
    "role",
    "title",
];

/// A page that a parser may see, and what its head says.
pub(super) struct Tamed {
    pub(super) html: String,
    pub(super) facts: Facts,
    /// All pictures, furniture's too, in order.
    pub(super) pictures: Vec<Image>,
}

/// Writes `page` anew.
pub(super) fn tame(page: &str, url: &Url) -> Tamed {
    let mut tamer = Tamer {
        base: url.clone(),
        html: Balance::new(MAX_DEPTH),
        facts: Facts::new(url),
        pictures: Pictures::default(),
        raw: None,
        noscript: false,
        film: None,
        elements: 0,
    };
    walk_page(page, |piece| tamer.see(&piece));
    Tamed {
        html: tamer.html.finish(),
        facts: tamer.facts,
        pictures: tamer.pictures.into_seen(),
    }
}

struct Tamer {
    base: Url,
    html: Balance,
    facts: Facts,
    pictures: Pictures,
    /// Inside a title or a script.
    raw: Option<&'static str>,
    /// Inside what is shown to those without scripts.
    noscript: bool,
    /// Inside a film or a sound, whether its link has been written.
    film: Option<bool>,
    elements: usize,
}

impl Tamer {
    fn see(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Text(text) => self.text(text),
            Piece::Close(name) => self.close(name),
            Piece::Open(element) => self.open(*element),
        }
    }

    fn text(&mut self, text: &str) {
        if let Some(raw) = self.raw {
            return self.facts.raw_text(raw, text);
        }
        if self.noscript || self.film.is_some() {
            return;
        }
        if !text.trim().is_empty() {
            self.pictures.forget_last();
            self.html.ensure_cell();
        } else if self.html.wants_structure() {
            return;
        }
        escape(text, &mut self.html.out);
    }

    fn close(&mut self, name: &str) {
        match name {
            "title" | "script" => {
                self.raw = None;
                self.facts.raw_end();
            }
            "noscript" => self.noscript = false,
            "video" | "audio" => self.film = None,
            "picture" => {
                if let Some(late) = self.pictures.end_group() {
                    self.write_picture(&late, "", &[]);
                }
            }
            _ if self.noscript || self.film.is_some() => {}
            name => {
                if let Some((name, _)) = written_as(name) {
                    self.html.close(name);
                }
            }
        }
    }

    fn open(&mut self, element: Element<'_>) {
        self.facts.see(element);
        match element.name() {
            "title" => self.raw = Some("title"),
            "script" => self.raw = Some("script"),
            "base" => self.rebase(element),
            "noscript" => self.noscript = true,
            "picture" => self.pictures.begin_group(),
            "source" => self.source(element),
            "img" | "amp-img" => self.picture(element),
            "video" | "audio" => {
                let linked = self.embed(element);
                self.film = Some(linked);
            }
            "iframe" | "embed" | "object" | "amp-iframe" | "amp-youtube" | "lite-youtube"
            | "youtube-video" => {
                self.embed(element);
            }
            _ if self.noscript || self.film.is_some() => {}
            name => self.element(name, element),
        }
    }

    /// Relative addresses go by `<base>`, where it names a place in the web.
    fn rebase(&mut self, element: Element<'_>) {
        if let Some(href) = element.attribute("href")
            && let Some(base) = resolve(href, Some(&self.base))
            && !base.cannot_be_a_base()
        {
            self.base = base;
        }
    }

    /// Whether one more element may be written.
    fn has_room(&mut self) -> bool {
        self.elements += 1;
        self.elements <= MOST_ELEMENTS && self.html.out.len() <= MOST_BYTES
    }

    fn element(&mut self, name: &str, element: Element<'_>) {
        let Some((written, custom)) = written_as(name) else {
            return;
        };
        if !self.has_room() {
            return;
        }
        let mut attributes = self.attributes(written, element);
        if custom {
            attribute("data-tag", name, &mut attributes);
        }
        if is_void(written) {
            self.html.void(written, &attributes);
        } else {
            self.html.open(written, &attributes);
        }
    }

    fn attributes(&self, name: &str, element: Element<'_>) -> String {
        let mut out = String::new();
        for kept in KEPT {
            let value = element.attribute(kept).map(str::trim);
            if let Some(value) = value.filter(|v| !v.is_empty() && v.len() <= MAX_ATTRIBUTE)
                && fits(name, kept, value)
            {
                attribute(kept, value, &mut out);
            }
        }
        for own in ["colspan", "rowspan", "scope", "start", "datetime"] {
            if let Some(value) = element.attribute(own).filter(|v| fits(name, own, v)) {
                attribute(own, value.trim(), &mut out);
            }
        }
        if let Some(href) = element.attribute("href").filter(|_| name == "a")
            && let Some(url) = resolve(href, Some(&self.base))
        {
            attribute("href", url.as_str(), &mut out);
        }
        if is_unseen(element) {
            out.push_str(" data-unseen=\"\"");
        }
        out
    }

    fn source(&mut self, element: Element<'_>) {
        if self.film == Some(false) {
            self.film = Some(self.embed(element));
        } else if self.film.is_none() && !self.noscript {
            self.pictures.candidate(element, &self.base);
        }
    }

    fn picture(&mut self, element: Element<'_>) {
        // What stands in `noscript` repeats the picture before it, where that is known.
        if self.film.is_some() || (self.noscript && self.pictures.has_last()) {
            return;
        }
        let Some(src) = self.pictures.address(element, &self.base) else {
            self.pictures.forget_last();
            return;
        };
        if is_tracker(element, &src) && !is_late(element) {
            return;
        }
        let mut more = Vec::new();
        for name in ["title", "width", "height", "class", "id"] {
            if let Some(value) = element.attribute(name)
                && value.len() <= MAX_ATTRIBUTE
                && fits("img", name, value)
            {
                more.push((name, value));
            }
        }
        let alt = element.attribute("alt").unwrap_or("");
        self.write_picture(&src, alt, &more);
    }

    fn write_picture(&mut self, src: &Url, alt: &str, more: &[(&str, &str)]) {
        if !self.has_room() {
            return;
        }
        let mut attributes = String::new();
        attribute("src", src.as_str(), &mut attributes);
        attribute("alt", alt, &mut attributes);
        for (name, value) in more {
            attribute(name, value, &mut attributes);
        }
        self.html.void("img", &attributes);
        self.pictures.written(src, alt);
    }

    /// Writes the address of a film or a post of elsewhere as a link. `false`: it has none.
    fn embed(&mut self, element: Element<'_>) -> bool {
        if self.noscript || !self.has_room() {
            return false;
        }
        let Some(src) = film_of(element, &self.base) else {
            return false;
        };
        let Some(host) = src.host_str().filter(|host| !is_advert(host)) else {
            return false;
        };
        if is_tracker(element, &src) {
            return false;
        }
        let words = element.first_of(&["title", "aria-label"]).unwrap_or(host);
        let inline = self.html.is_in(&["p", "h1", "h2", "h3", "h4", "h5", "h6"]);
        if !inline {
            self.html.open("p", " class=\"film\"");
        }
        let mut href = String::new();
        attribute("href", src.as_str(), &mut href);
        if self.html.open("a", &href) {
            escape(words, &mut self.html.out);
            self.html.close("a");
        }
        if inline {
            self.html.out.push(' ');
        } else {
            self.html.close("p");
        }
        true
    }
}

/// Where a film is: pages that load it late keep the address aside.
fn film_of(element: Element<'_>, base: &Url) -> Option<Url> {
    let late = [
        "src",
        "data-src",
        "data-lazy-src",
        "data-litespeed-src",
        "data",
    ];
    let named = late.iter().filter_map(|name| element.attribute(name));
    let web = |url: &Url| matches!(url.scheme(), "http" | "https");
    named
        .filter_map(|src| resolve(src, Some(base)))
        .find(web)
        .filter(|url| !url.as_str().is_empty())
        .or_else(|| {
            let id = element.first_of(&["videoid", "data-videoid", "video-id"])?;
            let plain = id.len() <= 20
                && id
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'));
            plain
                .then(|| Url::parse(&format!("https://www.youtube.com/watch?v={id}")).ok())
                .flatten()
        })
}

/// Whether a page hides an element from everybody.
fn is_unseen(element: Element<'_>) -> bool {
    let style: String = element
        .attribute("style")
        .filter(|style| style.len() <= MAX_ATTRIBUTE)
        .unwrap_or("")
        .split_whitespace()
        .collect::<String>()
        .to_ascii_lowercase();
    element.attribute("hidden").is_some()
        || style
            .split(';')
            .any(|part| part.starts_with("display:none") || part.starts_with("visibility:hidden"))
}

/// The name an element is written under, and whether it was one of the page's own invention;
/// `None`: its tags go and its content stays.
fn written_as(name: &str) -> Option<(&'static str, bool)> {
    const SAME: &str = "\
        a abbr address article aside b bdi bdo blockquote br button caption center cite \
        code dd del details dialog div dl dt em fieldset figcaption figure footer form \
        h1 h2 h3 h4 h5 h6 header hr i ins kbd label li main mark nav ol p pre q rp rt \
        ruby s samp section small span strong sub summary sup table tbody td th thead \
        time tr u ul var hgroup";
    let same = SAME.split(' ').find(|same| *same == name);
    let other = match name {
        "tfoot" => "tbody",
        "strike" => "s",
        "tt" => "code",
        "font" => "span",
        "menu" => "ul",
        "search" => "form",
        _ if name.contains('-') && name.len() <= 40 => return Some(("div", true)),
        _ => return same.map(|same| (same, false)),
    };
    Some((other, false))
}
