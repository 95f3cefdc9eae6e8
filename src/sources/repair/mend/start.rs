//! Start tags.

use super::super::facts::{Cloud, MOST_HUBS, MOST_WITHDRAWN, Withdrawn, worth};
use super::super::names::{Ns, namespace, split};
use super::super::references::{self, Level};
use super::super::tally::{Repair, short};
use super::super::vocabulary::{Dialect, Fact, Field, Place, Role, Shape, shape};
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
        let is_it = self
            .stack
            .last()
            .is_some_and(|frame| std::ptr::eq(frame.raw, name));
        if is_it && self.stack.len() > 1 {
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
                    ..Leaf::default()
                });
                if is_xhtml {
                    self.set_level(Level::Markup);
                }
            }
            Shape::Note(fact) => self.note(name, fact, mark),
            Shape::Hidden(inside) => self.push(name, Kind::Hidden(inside), "", start, mark),
            Shape::Skip => {
                let is_void = super::markup::is_void(local) && !matches!(local, "link" | "source");
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

    /// `<link href="…"/>` in RSS, without a prefix.
    fn link_in_attributes(&mut self, name: &'a str, mark: usize) {
        let rel = self.value("rel").unwrap_or_default();
        let start = self.out.len();
        if matches!(rel.trim(), "" | "alternate") {
            let href = self
                .attributes
                .iter()
                .find(|a| a.name.eq_ignore_ascii_case("href"))
                .copied();
            self.out.push_str("<link>");
            let raw = href.map_or("", |a| a.value);
            references::text(
                &mut self.out,
                raw,
                Level::Text,
                &self.entities,
                &mut self.tally,
            );
            self.out.push_str("</link>");
            self.holder().set(Field::Link);
        } else {
            self.note_link(rel.trim());
        }
        self.push(name, Kind::Skip, "", start, mark);
    }

    /// Notes what Atom's link says, and answers whether it is written.
    fn keeps_atom_link(&mut self) -> bool {
        let rel = self.value("rel").unwrap_or_default();
        let rel = rel
            .trim()
            .trim_start_matches("http://www.iana.org/assignments/relation/")
            .to_owned();
        let is_page = matches!(rel.as_str(), "" | "alternate");
        match self.dialect {
            Some(Dialect::Atom) => {
                if is_page && self.has("href") {
                    self.holder().set(Field::Link);
                }
                self.note_link(&rel);
                true
            }
            _ if self.item.is_some() => {
                if is_page && let Some(href) = self.value("href") {
                    let mut written = String::new();
                    references::literal(&mut written, &href, Level::Text, &mut self.tally);
                    self.holder().offer(Field::Link, 1, &written);
                }
                false
            }
            dialect => {
                self.note_link(&rel);
                dialect == Some(Dialect::Rss)
            }
        }
    }

    /// Notes a hub or what the hubs know the feed as.
    fn note_link(&mut self, rel: &str) {
        if self.item.is_some() {
            return;
        }
        let Some(href) = self.value("href").as_deref().and_then(worth) else {
            return;
        };
        match rel {
            "hub" if self.facts.hubs.len() < MOST_HUBS && !self.facts.hubs.contains(&href) => {
                self.facts.hubs.push(href)
            }
            "self" if self.facts.topic.is_none() => self.facts.topic = Some(href),
            _ => {}
        }
    }

    /// What is only noted: some of it from the attributes, the rest from its text.
    fn note(&mut self, name: &'a str, fact: Fact, mark: usize) {
        let start = self.out.len();
        match fact {
            Fact::Cloud => {
                let [domain, port, path, protocol] = ["domain", "port", "path", "protocol"]
                    .map(|n| self.value(n).map(|v| short(&v)).unwrap_or_default());
                self.facts.cloud = Some(Cloud {
                    domain,
                    port,
                    path,
                    protocol,
                });
            }
            Fact::Withdrawn => {
                let id = self.value("ref").as_deref().and_then(worth);
                let when = self.value("when").map(|v| short(&v));
                if let Some(id) = id.filter(|_| self.facts.withdrawn.len() < MOST_WITHDRAWN) {
                    self.facts.withdrawn.push(Withdrawn { id, when });
                }
            }
            Fact::Source => {
                let address = self
                    .value("url")
                    .or_else(|| self.value("href"))
                    .as_deref()
                    .and_then(worth);
                if let (Some(address), Some(facts)) = (address, self.item_facts()) {
                    facts.source.get_or_insert_default().1 = address;
                }
            }
            _ => {}
        }
        if matches!(fact, Fact::Cloud | Fact::Withdrawn) {
            self.push(name, Kind::Skip, "", start, mark);
            return;
        }
        self.push(name, Kind::Note(fact), "", start, mark);
        self.leaf = Some(Leaf {
            at: self.stack.len() - 1,
            ..Leaf::default()
        });
    }
}
