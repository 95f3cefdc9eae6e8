//! Writes HTML anew from a walk: balanced, escaped, and only what is on the list.
//!
//! The tree an HTML parser makes of the output is the stack kept here, because nothing in it
//! is mis-nested, raw or implied: that is what makes the bound on depth a promise.

use url::Url;

use super::allow::{ATTRIBUTES, attribute, escape, fits, resolve, written_as};
use super::image::{is_tracker, picture_of};
use super::tokens::{Element, Piece, is_void};

/// Open elements at once; deeper ones are left out and their text stays.
pub(super) const MAX_DEPTH: usize = 256;
struct Open {
    name: &'static str,
    /// Where its start tag begins and ends in the output.
    start: usize,
    inside: usize,
}

/// Takes pieces in, gives HTML out.
pub(super) struct Writer<'b> {
    base: Option<&'b Url>,
    out: String,
    stack: Vec<Open>,
}

impl<'b> Writer<'b> {
    /// A writer that resolves relative addresses against `base` and drops them without one.
    pub(super) fn new(base: Option<&'b Url>) -> Self {
        Self {
            base,
            out: String::new(),
            stack: Vec::new(),
        }
    }

    /// Writes one piece.
    pub(super) fn see(&mut self, piece: &Piece<'_>) {
        match piece {
            Piece::Text(text) => self.text(text),
            Piece::Close("br") => self.out.push_str("<br>"),
            Piece::Close(name) => {
                if let Some(name) = written_as(name) {
                    self.close(name);
                }
            }
            Piece::Open(element) => self.open(*element),
        }
    }

    /// Closes what is open and hands the HTML over.
    pub(super) fn finish(mut self) -> String {
        self.pop_to(0);
        self.out
    }

    fn text(&mut self, text: &str) {
        if !text.trim().is_empty() {
            self.ensure_cell();
        } else if self.wants_structure() {
            return;
        }
        escape(text, &mut self.out);
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
        if !needed || !self.make_room(name) || self.stack.len() >= MAX_DEPTH {
            return;
        }
        let start = self.out.len();
        self.out.push('<');
        self.out.push_str(name);
        self.out.push_str(&attributes);
        self.out.push('>');
        if !is_void(name) {
            self.push(name, start);
        }
    }

    fn push(&mut self, name: &'static str, start: usize) {
        let inside = self.out.len();
        self.stack.push(Open {
            name,
            start,
            inside,
        });
    }

    /// Ends what `name` ends by starting (HTML §13.2.6.4.7, as far as our list goes).
    /// `false`: it has no place here.
    fn make_room(&mut self, name: &str) -> bool {
        match name {
            "tr" | "thead" | "tbody" | "caption" | "td" | "th" => return self.table_part(name),
            "li" => self.end_open(&["li"], &["ul", "ol"]),
            "dt" | "dd" => self.end_open(&["dt", "dd"], &["dl"]),
            "a" => self.end_open(&["a"], &[]),
            _ => {}
        }
        if super::tokens::is_block(name) && name != "br" {
            self.end_open(&["p"], &["li", "dd", "blockquote", "div", "figure"]);
        }
        if matches!(name, "h2" | "h3" | "h4" | "h5" | "h6") {
            self.end_open(
                &["h2", "h3", "h4", "h5", "h6"],
                &["div", "li", "blockquote"],
            );
        }
        self.ensure_cell();
        true
    }

    /// Closes the nearest of `names`, looking no further than `fences` or a table cell.
    fn end_open(&mut self, names: &[&str], fences: &[&str]) {
        let fence = |name: &str| fences.contains(&name) || is_cell(name);
        let found = self
            .stack
            .iter()
            .rposition(|o| names.contains(&o.name) || fence(o.name));
        if let Some(at) = found
            && names.contains(&self.stack[at].name)
        {
            self.pop_to(at);
        }
    }

    fn table_part(&mut self, name: &str) -> bool {
        let Some(table) = self.stack.iter().rposition(|o| o.name == "table") else {
            return false;
        };
        let parents: &[&str] = match name {
            "td" | "th" => &["tr"],
            "tr" => &["thead", "tbody", "table"],
            _ => &["table"],
        };
        let at = (table..self.stack.len())
            .rev()
            .find(|&i| parents.contains(&self.stack[i].name))
            .unwrap_or(table);
        self.pop_to(at + 1);
        if matches!(name, "td" | "th") && self.stack[at].name != "tr" {
            self.bare("tr");
        }
        true
    }

    /// Text between cells would be moved before the table by a parser, at a cost that grows
    /// with the square of it; it gets a cell of its own instead.
    fn ensure_cell(&mut self) {
        if self.wants_structure() {
            if self.stack.last().is_some_and(|o| o.name != "tr") {
                self.bare("tr");
            }
            self.bare("td");
        }
    }

    fn wants_structure(&self) -> bool {
        let top = self.stack.last().map(|o| o.name);
        matches!(top, Some("table" | "thead" | "tbody" | "tr"))
    }

    fn bare(&mut self, name: &'static str) {
        let start = self.out.len();
        self.out.push('<');
        self.out.push_str(name);
        self.out.push('>');
        self.push(name, start);
    }

    fn close(&mut self, name: &str) {
        let fence =
            |open: &str| is_cell(open) && !matches!(name, "table" | "tr" | "tbody" | "thead");
        let found = self
            .stack
            .iter()
            .rposition(|o| o.name == name || fence(o.name));
        if let Some(at) = found
            && self.stack[at].name == name
        {
            self.pop_to(at);
        }
    }

    /// Closes everything from `at` upwards; what held nothing disappears.
    fn pop_to(&mut self, at: usize) {
        while self.stack.len() > at {
            let Some(open) = self.stack.pop() else { return };
            let is_empty = self.out[open.inside..].trim().is_empty();
            if is_empty && !matches!(open.name, "td" | "th" | "pre") {
                let space = self.out.len() > open.inside;
                self.out.truncate(open.start);
                if space {
                    self.out.push(' ');
                }
            } else {
                self.out.push_str("</");
                self.out.push_str(open.name);
                self.out.push('>');
            }
        }
    }

    fn picture(&mut self, element: Element<'_>) {
        let Some(src) = picture_of(element).and_then(|src| self.address(src)) else {
            return;
        };
        if is_tracker(element, &src) {
            return;
        }
        self.ensure_cell();
        self.out.push_str("<img");
        attribute("src", src.as_str(), &mut self.out);
        // Always there: a picture without `alt` is read out by its file name.
        attribute("alt", element.attribute("alt").unwrap_or(""), &mut self.out);
        for name in ["title", "width", "height"] {
            if let Some(value) = element.attribute(name).filter(|v| fits("img", name, v)) {
                attribute(name, value, &mut self.out);
            }
        }
        self.out.push('>');
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
        self.ensure_cell();
        self.out.push_str("<a");
        attribute("href", src.as_str(), &mut self.out);
        self.out.push('>');
        escape(&words, &mut self.out);
        self.out.push_str("</a> ");
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

fn is_cell(name: &str) -> bool {
    matches!(name, "td" | "th" | "caption" | "table")
}
