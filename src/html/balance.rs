//! HTML written anew, balanced: what is opened is closed, in order and no deeper than a bound.
//!
//! The tree an HTML parser makes of the output is the stack kept here, because nothing in it
//! is mis-nested, raw or implied: that is what makes the bound on depth a promise, and the
//! parser's work linear.

use super::tokens::is_block;

struct Open {
    name: &'static str,
    /// Where its start tag begins and ends in the output.
    start: usize,
    inside: usize,
}

/// Open elements and the HTML so far.
pub(super) struct Balance {
    /// The HTML so far.
    pub(super) out: String,
    stack: Vec<Open>,
    most: usize,
}

impl Balance {
    /// Nothing yet; elements that are open inside `most` others lose their tags.
    pub(super) fn new(most: usize) -> Self {
        Self {
            out: String::new(),
            stack: Vec::new(),
            most,
        }
    }

    /// Writes a start tag with its `attributes` (escaped, each with a space before it) and ends
    /// what ends by it. `false`: it has no place here and was left out.
    pub(super) fn open(&mut self, name: &'static str, attributes: &str) -> bool {
        if !self.make_room(name) || self.stack.len() >= self.most {
            return false;
        }
        let start = self.tag(name, attributes);
        self.push(name, start);
        true
    }

    /// Writes an element that has no end tag.
    pub(super) fn void(&mut self, name: &'static str, attributes: &str) {
        if self.make_room(name) && self.stack.len() < self.most {
            self.tag(name, attributes);
        }
    }

    /// Whether an element of one of these names is open.
    pub(super) fn is_in(&self, names: &[&str]) -> bool {
        self.stack.iter().any(|open| names.contains(&open.name))
    }

    fn tag(&mut self, name: &str, attributes: &str) -> usize {
        let start = self.out.len();
        self.out.push('<');
        self.out.push_str(name);
        self.out.push_str(attributes);
        self.out.push('>');
        start
    }

    fn push(&mut self, name: &'static str, start: usize) {
        let inside = self.out.len();
        self.stack.push(Open {
            name,
            start,
            inside,
        });
    }

    /// Ends what `name` ends by starting (HTML §13.2.6.4.7, as far as our lists go).
    /// `false`: it has no place here.
    fn make_room(&mut self, name: &str) -> bool {
        match name {
            "tr" | "thead" | "tbody" | "caption" | "td" | "th" => return self.table_part(name),
            "li" => self.end_open(&["li"], &["ul", "ol"]),
            "dt" | "dd" => self.end_open(&["dt", "dd"], &["dl"]),
            "a" => self.end_open(&["a"], &[]),
            _ => {}
        }
        if is_block(name) && name != "br" {
            self.end_open(&["p"], FENCES);
        }
        if matches!(name, "h1" | "h2" | "h3" | "h4" | "h5" | "h6") {
            self.end_open(&["h1", "h2", "h3", "h4", "h5", "h6"], FENCES);
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
    pub(super) fn ensure_cell(&mut self) {
        if self.wants_structure() {
            if self.stack.last().is_some_and(|o| o.name != "tr") {
                self.bare("tr");
            }
            self.bare("td");
        }
    }

    /// Whether only a row or a cell may come next.
    pub(super) fn wants_structure(&self) -> bool {
        let top = self.stack.last().map(|o| o.name);
        matches!(top, Some("table" | "thead" | "tbody" | "tr"))
    }

    fn bare(&mut self, name: &'static str) {
        let start = self.tag(name, "");
        self.push(name, start);
    }

    /// Writes the end tag of the nearest open `name`, and of what is open inside it.
    pub(super) fn close(&mut self, name: &str) {
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

    /// Closes what is open and hands the HTML over.
    pub(super) fn finish(mut self) -> String {
        self.pop_to(0);
        self.out
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
}

/// Elements that a paragraph outside them is not ended inside of.
const FENCES: &[&str] = &[
    "li",
    "dd",
    "blockquote",
    "div",
    "figure",
    "article",
    "aside",
    "details",
    "footer",
    "form",
    "header",
    "main",
    "nav",
    "section",
];

fn is_cell(name: &str) -> bool {
    matches!(name, "td" | "th" | "caption" | "table")
}
