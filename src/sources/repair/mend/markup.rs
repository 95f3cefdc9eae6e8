//! Markup in texts, written as the text that it should have been.

use super::super::names::{Ns, split};
use super::super::references::{self, Level};
use super::super::tally::count;
use super::{Kind, Mender};
use crate::html::is_void;

impl<'a> Mender<'a> {
    /// An element inside a text.
    pub(super) fn markup(&mut self, name: &'a str, ns: Ns, closed: bool, mark: usize) {
        let Some(mut leaf) = self.leaf else {
            return;
        };
        let (prefix, local) = split(name);
        let start = self.out.len();
        let is_first = !leaf.has_markup && self.stack.len() == leaf.at + 1;
        let is_html = prefix.is_empty() || matches!(ns, Ns::Xhtml | Ns::Main);
        let is_name = local.starts_with(|c: char| c.is_ascii_alphabetic())
            && local
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-');
        let is_wrapper = is_first && leaf.is_xhtml && local == "div";
        if is_first {
            leaf.has_markup = true;
            if !leaf.is_xhtml {
                let raw = self.stack[leaf.at].raw;
                count(&mut self.tally.raw_markup, raw);
            }
            let type_at = leaf.type_at.take();
            self.leaf = Some(leaf);
            if let Some(type_at) = type_at {
                self.turn_to_html(type_at, self.stack[leaf.at].inner);
                self.set_level(Level::Markup);
            }
        }
        if !leaf.keeps_markup || !is_html || !is_name || is_wrapper {
            if !leaf.keeps_markup && !self.out[self.stack[leaf.at].inner..].is_empty() {
                self.out.push(' ');
            }
            if !closed && !is_void(local) {
                self.push(name, Kind::Tagless, "", start, mark);
            }
            return;
        }
        self.markup_tag(local);
        if is_void(local) {
            return;
        }
        self.push(name, Kind::Markup, "", start, mark);
        self.set_level(Level::Markup);
        if closed {
            self.close();
        }
    }

    /// Writes a start tag as text.
    fn markup_tag(&mut self, local: &str) {
        self.out.push_str("&lt;");
        self.out.push_str(local);
        for at in 0..self.attributes.len() {
            let attribute = self.attributes[at];
            if attribute.name == "xmlns" || attribute.name.contains(':') {
                continue;
            }
            self.out.push(' ');
            self.out.push_str(attribute.name);
            self.out.push_str("=\"");
            references::text(
                &mut self.out,
                attribute.value,
                Level::MarkupAttribute,
                &self.entities,
                &mut self.tally,
            );
            self.out.push('"');
        }
        self.out.push_str("&gt;");
    }
}
