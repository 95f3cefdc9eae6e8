//! Start tags.

use super::super::names::{Ns, namespace, split};
use super::super::references::Level;
use super::super::tally::Repair;
use super::super::vocabulary::{Dialect, Field, Place, Role, Shape, shape};
use super::super::{MOST_DEEP, attributes};
use super::{Kind, Leaf, Mender};

impl<'a> Mender<'a> {
    /// A start tag, wherever we are.
    pub(super) fn start(&mut self, name: &'a str, raw: &'a str, closed: bool) {
        if self.dialect.is_none() {
            self.root(name, raw, closed);
            return;
        }
        let begins_item = self.begins_item(name);
        if begins_item {
            self.leave_item();
        }
        if self.stack.len() >= MOST_DEEP {
            self.tally.too_deep += 1;
            self.beyond += usize::from(!closed);
            return;
        }
        let Some(top) = self.stack.last().copied() else {
            return;
        };
        if top.kind == Kind::Skip {
            if !closed {
                let mark = self.scope.mark();
                let start = self.out.len();
                self.push(name, Kind::Skip, "", start, mark);
            }
            return;
        }
        let mark = self.scope.mark();
        self.read_attributes(raw);
        self.bind();
        let (prefix, local) = split(name);
        let ns = self.dialect_ns(prefix);
        let place = match top.kind {
            Kind::Container(place) | Kind::Hidden(place) => place,
            _ if !self.ends_text(ns, local) => {
                self.markup(name, ns, closed, mark);
                return;
            }
            _ => {
                let leaf = self.leaf.map_or(self.stack.len() - 1, |leaf| leaf.at);
                self.close_to(leaf);
                match self.stack.last().map(|frame| frame.kind) {
                    Some(Kind::Container(place) | Kind::Hidden(place)) => place,
                    _ => return,
                }
            }
        };
        self.element(name, place, ns, local, mark);
        if closed {
            self.close_just_opened(name);
        }
    }

    /// Closes what the last tag opened, if it opened anything.
    fn close_just_opened(&mut self, name: &str) {
        let Some(frame) = self.stack.last() else {
            return;
        };
        if self.stack.len() < 2 || !std::ptr::eq(frame.raw, name) {
            return;
        }
        if self.dialect == Some(Dialect::Rss) && frame.kind == Kind::Container(Place::Channel) {
            // There is one channel, and what stands after an empty one is in it.
            self.channel_closed = true;
        } else {
            self.close();
        }
    }

    fn read_attributes(&mut self, raw: &'a str) {
        self.attributes.clear();
        if !raw.is_empty() {
            self.tally.attributes += attributes::read(raw, &mut self.attributes);
        }
    }

    /// Binds what the attributes declare.
    fn bind(&mut self) {
        for at in 0..self.attributes.len() {
            let attribute = self.attributes[at];
            match split(attribute.name) {
                ("", "xmlns") => {
                    let is_root = attribute.value.is_empty() || attribute.value == self.root_uri;
                    let ns = if is_root {
                        Ns::Main
                    } else {
                        namespace(attribute.value, &mut self.tally)
                    };
                    self.scope.bind("", ns);
                }
                ("xmlns", prefix) => {
                    let ns = namespace(attribute.value, &mut self.tally);
                    self.scope.bind(prefix, ns);
                }
                _ => {}
            }
        }
    }

    /// What a prefix means; the dialect's own namespace by any name is the main one.
    pub(super) fn dialect_ns(&mut self, prefix: &'a str) -> Ns {
        let ns = self.scope.resolve(prefix, &mut self.tally);
        match (ns, self.dialect) {
            (Ns::Rss, Some(Dialect::Rss | Dialect::Rdf)) | (Ns::Atom, Some(Dialect::Atom)) => {
                Ns::Main
            }
            (ns, _) => ns,
        }
    }

    /// Whether this is an item or entry, which is never inside of another.
    fn begins_item(&mut self, name: &'a str) -> bool {
        let (prefix, local) = split(name);
        let is_name = match self.dialect {
            Some(Dialect::Rss | Dialect::Rdf) => local.eq_ignore_ascii_case("item"),
            Some(Dialect::Atom) => local.eq_ignore_ascii_case("entry") || local == "item",
            _ => false,
        };
        let is_root = self.stack.len() < 2 && self.dialect == Some(Dialect::Atom);
        is_name && !is_root && self.dialect_ns(prefix) == Ns::Main
    }

    /// Closes whatever keeps an item from standing where items stand.
    fn leave_item(&mut self) {
        let is_entry_root = self
            .stack
            .first()
            .is_some_and(|f| f.kind == Kind::Container(Place::Item));
        if is_entry_root {
            return;
        }
        self.beyond = 0;
        let is_place = |kind: Kind| match self.dialect {
            Some(Dialect::Rdf) => kind == Kind::Container(Place::Document),
            _ => kind == Kind::Container(Place::Channel),
        };
        match self.stack.iter().rposition(|frame| is_place(frame.kind)) {
            Some(at) => self.close_to(at + 1),
            None => {
                self.close_to(1);
                self.open_channel("channel");
            }
        }
    }

    /// Whether an element begins that cannot be part of the text we are in.
    fn ends_text(&self, ns: Ns, local: &str) -> bool {
        let Some(leaf) = self.leaf else {
            return false;
        };
        let is_inside = self.stack.len() > leaf.at + 1;
        let place = if self.item.is_some() {
            Place::Item
        } else {
            Place::Channel
        };
        let Some(dialect) = self.dialect else {
            return false;
        };
        let known = || {
            let lower = local.to_ascii_lowercase();
            !matches!(shape(dialect, place, ns, &lower), Shape::Skip)
        };
        if !leaf.keeps_markup {
            return !is_inside && known();
        }
        let is_certain = match (dialect, ns) {
            (Dialect::Atom, Ns::Main) => {
                !leaf.is_xhtml
                    && matches!(
                        local,
                        "id" | "updated" | "published" | "issued" | "modified"
                    )
            }
            (_, Ns::Main) => matches!(local, "pubDate" | "guid" | "description" | "enclosure"),
            (_, Ns::Content) => local == "encoded",
            (_, Ns::Dc) => matches!(local, "creator" | "date"),
            _ => false,
        };
        let in_title = self.stack[leaf.at].kind == Kind::Leaf(Role::Sets(Field::Title));
        if in_title && !is_inside && ns == Ns::Main && local == "link" {
            return true;
        }
        is_certain
            || (!is_inside && ns == Ns::Main && matches!(local, "author" | "category") && known())
    }

    /// An element where elements are expected.
    fn element(&mut self, name: &'a str, place: Place, ns: Ns, local: &'a str, mark: usize) {
        let Some(dialect) = self.dialect else {
            return;
        };
        let mut found = shape(dialect, place, ns, local);
        if found == Shape::Skip {
            let lower = local.to_ascii_lowercase();
            if lower != local || ns == Ns::Main {
                found = shape(dialect, place, ns, &lower);
            }
        }
        let is_channels =
            || shape(dialect, Place::Channel, ns, &local.to_ascii_lowercase()) != Shape::Skip;
        if found == Shape::Skip
            && dialect == Dialect::Rss
            && place == Place::Document
            && is_channels()
        {
            // Someone left the channel out.
            self.open_channel("channel");
            found = shape(dialect, Place::Channel, ns, &local.to_ascii_lowercase());
        }
        let start = self.out.len();
        match found {
            Shape::Container("channel", _) if dialect == Dialect::Rss => {
                if self.stack.len() == 1 {
                    self.open_channel(name);
                }
            }
            Shape::Container(written, inside) => self.container(name, written, inside, ns, mark),
            Shape::Leaf(written, role) => self.leaf(name, written, role, ns, mark),
            Shape::Late(field, rank) => {
                let is_xhtml = ns == Ns::Xhtml
                    || matches!(local, "body" | "div")
                    || (ns == Ns::Atom && self.value("type").as_deref() == Some("xhtml"));
                self.push(name, Kind::Late(field, rank), "", start, mark);
                self.leaf = Some(Leaf {
                    at: self.stack.len() - 1,
                    keeps_markup: matches!(field, Field::Title | Field::Summary | Field::Content),
                    is_xhtml,
                    is_worked_on: true,
                    ..Leaf::default()
                });
                if is_xhtml {
                    self.set_level(Level::Markup);
                }
            }
            Shape::Note(fact) => self.note(name, fact, mark),
            Shape::Hidden(inside) => self.push(name, Kind::Hidden(inside), "", start, mark),
            Shape::Skip => {
                let is_void = crate::html::is_void(local) && !matches!(local, "link" | "source");
                if !is_void {
                    self.push(name, Kind::Skip, "", start, mark);
                }
            }
        }
    }

    fn container(
        &mut self,
        name: &'a str,
        written: &'static str,
        place: Place,
        ns: Ns,
        mark: usize,
    ) {
        if place == Place::Item {
            self.begin_item();
        }
        if place == Place::Channel || place == Place::Item {
            self.tell_case(name, written);
        }
        let start = self.out.len();
        self.out.push('<');
        self.out.push_str(written);
        self.own_attributes(ns, Role::Plain);
        self.out.push('>');
        self.push(name, Kind::Container(place), written, start, mark);
    }

    /// Tells of a name that differs from the right one by its capitals alone.
    fn tell_case(&mut self, name: &str, written: &'static str) {
        if name != written && name.eq_ignore_ascii_case(written) {
            self.tally.tell(Repair::Case(written.to_owned()));
        }
    }

    fn leaf(&mut self, name: &'a str, written: &'static str, role: Role, ns: Ns, mark: usize) {
        self.tell_case(name, written);
        match role {
            Role::Typed(_) | Role::Content => return self.open_typed(name, written, role, mark),
            Role::Link if self.has("href") => return self.link_in_attributes(name, mark),
            Role::AtomLink if !self.keeps_atom_link() => {
                let start = self.out.len();
                self.push(name, Kind::Skip, "", start, mark);
                return;
            }
            Role::Guid => {
                let said = self
                    .value("isPermaLink")
                    .map(|v| v.trim().eq_ignore_ascii_case("false"));
                if let Some(facts) = self.item_facts() {
                    facts.is_permalink = said.map(|is_not| !is_not);
                }
            }
            _ => {}
        }
        let start = self.out.len();
        self.out.push('<');
        self.out.push_str(written);
        self.own_attributes(ns, role);
        self.out.push('>');
        self.push(name, Kind::Leaf(role), written, start, mark);
        self.leaf = Some(Leaf {
            at: self.stack.len() - 1,
            keeps_markup: matches!(
                role,
                Role::Sets(Field::Title | Field::Summary | Field::Content)
                    | Role::ItunesText
                    | Role::MediaText
            ),
            is_worked_on: matches!(
                role,
                Role::Person | Role::Author | Role::Duration | Role::AtomLink
            ),
            needs_text: role == Role::MediaText,
            ..Leaf::default()
        });
    }
}
