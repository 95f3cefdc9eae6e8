//! Writes HTML anew from a walk: balanced, escaped, and only what is on the list.

use url::Url;

use super::allow::{ATTRIBUTES, attribute, escape, fits, resolve, written_as};
use super::balance::Balance;
use super::image::{is_tracker, picture_of};
use super::tokens::{Element, Piece, is_void};

/// Open elements at once; deeper ones are left out and their text stays.
pub(super) const MAX_DEPTH: usize = 256;

/// Takes pieces in, gives HTML out.
pub(super) struct Writer<'b> {
    base: Option<&'b Url>,
    html: Balance,
}

impl<'b> Writer<'b> {
    /// A writer that resolves relative addresses against `base` and drops them without one.
    pub(super) fn new(base: Option<&'b Url>) -> Self {
        Self {
            base,
            html: Balance::new(MAX_DEPTH),
        }
    }

    /// Writes one piece.
    pub(super) fn see(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Text(text) => self.text(text),
            Piece::Close("br") => self.html.out.push_str("<br>"),
            Piece::Close(name) => {
                if let Some(name) = written_as(name) {
                    self.html.close(name);
                }
            }
            Piece::Open(element) => self.open(*element),
        }
    }

    /// Bytes written so far.
    pub(super) fn len(&self) -> usize {
        self.html.out.len()
    }

    /// Closes what is open and hands the HTML over.
    pub(super) fn finish(self) -> String {
        self.html.finish()
    }

    fn text(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.html.ensure_cell();
        } else if self.html.wants_structure() {
            return;
        }
        escape(text, &mut self.html.out);
    }

    fn open(&mut self, element: Element<'_>) {
        let Some(name) = written_as(element.name()) else {
            return self.embed(element);
        };
        if matches!(name, "img") {
            return self.picture(element);
        }
        let attributes = self.attributes(name, element);
        let needed = match name {
            "a" => attributes.contains(" href="),
            "span" => !attributes.is_empty(),
            _ => true,
        };
        if !needed {
            return;
        }
        if is_void(name) {
            self.html.void(name, &attributes);
        } else {
            self.html.open(name, &attributes);
        }
    }

    fn picture(&mut self, element: Element<'_>) {
        let Some(src) = picture_of(element).and_then(|src| self.address(src)) else {
            return;
        };
        if is_tracker(element, &src) {
            return;
        }
        self.html.ensure_cell();
        self.html.out.push_str("<img");
        attribute("src", src.as_str(), &mut self.html.out);
        // Always there: a picture without `alt` is read out by its file name.
        attribute(
            "alt",
            element.attribute("alt").unwrap_or(""),
            &mut self.html.out,
        );
        for name in ["title", "width", "height"] {
            if let Some(value) = element.attribute(name).filter(|v| fits("img", name, v)) {
                attribute(name, value, &mut self.html.out);
            }
        }
        self.html.out.push('>');
    }

    /// A film or a post of elsewhere cannot be shown in a mail; its address can.
    fn embed(&mut self, element: Element<'_>) {
        if !matches!(element.name(), "iframe" | "video" | "audio" | "embed") {
            return;
        }
        let Some(src) = element
            .first_of(&["src", "data-src"])
            .and_then(|s| self.address(s))
        else {
            return;
        };
        let Some(host) = src.host_str().filter(|_| !is_tracker(element, &src)) else {
            return;
        };
        let words = element.first_of(&["title"]).unwrap_or(host).to_owned();
        self.html.ensure_cell();
        self.html.out.push_str("<a");
        attribute("href", src.as_str(), &mut self.html.out);
        self.html.out.push('>');
        escape(&words, &mut self.html.out);
        self.html.out.push_str("</a> ");
    }

    fn attributes(&self, name: &str, element: Element<'_>) -> String {
        let mut out = String::new();
        let own = ATTRIBUTES.iter().find(|(tag, _)| *tag == name);
        let own = own.map_or(&[][..], |(_, attributes)| attributes);
        for &attr in own.iter().chain(&["dir", "lang"]) {
            let Some(value) = element.attribute(attr) else {
                continue;
            };
            if attr == "href" {
                if let Some(url) = self.address(value) {
                    attribute(attr, url.as_str(), &mut out);
                }
            } else if fits(name, attr, value) {
                attribute(attr, value.trim(), &mut out);
            }
        }
        out
    }

    fn address(&self, text: &str) -> Option<Url> {
        resolve(text, self.base)
    }
}
