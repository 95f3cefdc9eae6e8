//! End tags, and what is done with an element when it ends.

use super::super::facts::{MOST_SUBJECTS, day, hour, worth};
use super::super::names::split;
use super::super::people::pad;
use super::super::references::{self, Level};
use super::super::tally::count;
use super::super::vocabulary::{Dialect, Fact, Field, Place, Role};
use super::attributes::time;
use super::{Frame, Kind, Mender};

impl<'a> Mender<'a> {
    /// An end tag, wherever we are.
    pub(super) fn end(&mut self, name: &'a str) {
        let Some(root) = self.stack.first() else {
            return;
        };
        let is_root = root.raw == name && (self.stack.len() == 1 || self.no_markup_is(name));
        if is_root {
            self.close_root();
            self.done = true;
            return;
        }
        let is_channel =
            self.dialect == Some(Dialect::Rss) && split(name).1.eq_ignore_ascii_case("channel");
        if is_channel {
            // Items that stand after it are its items all the same.
            self.channel_closed = true;
            if let Some(at) = self
                .stack
                .iter()
                .position(|f| f.kind == Kind::Container(Place::Channel))
            {
                self.beyond = 0;
                self.close_to(at + 1);
            }
            return;
        }
        let is_item = self.item.is_some() && matches!(split(name).1, "item" | "entry");
        if self.beyond > 0 && !is_item {
            self.beyond -= 1;
            return;
        }
        // An end tag inside an item closes nothing outside of it.
        let from = self
            .stack
            .iter()
            .rposition(|f| f.kind == Kind::Container(Place::Item))
            .unwrap_or(1);
        let inside = self.stack.get(from.min(self.stack.len())..).unwrap_or(&[]);
        let find = |same: fn(&str, &str) -> bool| inside.iter().rposition(|f| same(f.raw, name));
        let found = find(|a, b| a == b).or_else(|| find(str::eq_ignore_ascii_case));
        if let Some(at) = found {
            self.beyond = 0;
            self.close_to(from + at + 1);
            self.close();
        } else if !crate::html::is_void(name) {
            count(&mut self.tally.stray_ends, name);
        }
    }

    /// Closes everything, the root last; RSS has a channel, even an empty one.
    pub(super) fn close_root(&mut self) {
        self.beyond = 0;
        self.close_to(1);
        if self.dialect == Some(Dialect::Rss) && !self.out.ends_with("</channel>") {
            self.open_channel("channel");
            self.close();
        }
        self.close();
    }

    /// Whether no open markup has this name, so that an end tag means the root.
    fn no_markup_is(&self, name: &str) -> bool {
        !self
            .stack
            .iter()
            .skip(1)
            .any(|f| f.raw == name && matches!(f.kind, Kind::Markup | Kind::Tagless))
    }

    /// Closes the innermost element.
    pub(super) fn close(&mut self) {
        let Some(frame) = self.stack.last().copied() else {
            return;
        };
        match frame.kind {
            Kind::Markup => {
                self.out.push_str("&lt;/");
                self.out.push_str(split(frame.raw).1);
                self.out.push_str("&gt;");
            }
            Kind::Tagless => {
                if self.leaf.is_some_and(|leaf| !leaf.keeps_markup) {
                    self.out.push(' ');
                }
            }
            Kind::Container(place) => self.close_container(frame, place),
            Kind::Leaf(role) => self.close_leaf(frame, role),
            Kind::Late(field, rank) => {
                let written = self.out.split_off(frame.start);
                self.holder().offer(field, rank, &written);
            }
            Kind::Note(fact) => {
                let written = self.out.split_off(frame.start);
                self.note_text(fact, &references::unwritten(&written));
            }
            Kind::Hidden(_) | Kind::Skip => {}
        }
        self.stack.pop();
        self.scope.leave(frame.mark);
        if self.leaf.is_some_and(|leaf| leaf.at >= self.stack.len()) {
            self.leaf = None;
        }
    }

    fn close_container(&mut self, frame: Frame<'a>, place: Place) {
        match place {
            Place::Item if !self.end_item() => return,
            Place::Channel => {
                let mut holder = std::mem::take(&mut self.feed);
                self.write_late(&mut holder);
                self.feed = holder;
            }
            Place::Person if frame.name == "author" && self.out.len() > frame.inner => {
                self.holder().set(Field::Author);
            }
            _ => {}
        }
        self.end_tag(frame.name);
    }

    fn end_tag(&mut self, name: &str) {
        self.out.push_str("</");
        self.out.push_str(name);
        self.out.push('>');
    }

    fn close_leaf(&mut self, frame: Frame<'a>, role: Role) {
        let leaf = self.leaf.unwrap_or_default();
        if leaf.is_base64 {
            self.decode_base64(frame.inner);
        }
        match role {
            Role::Person | Role::Author => self.make_room(frame.inner),
            Role::Duration => {
                let text = references::unwritten(&self.out[frame.inner..]);
                let Some(duration) = time(&text) else {
                    self.out.truncate(frame.start);
                    return;
                };
                self.out.truncate(frame.inner);
                references::literal(&mut self.out, &duration, Level::Text, &mut self.tally);
            }
            Role::AtomLink => {
                self.close_atom_link(frame);
                return;
            }
            _ => {}
        }
        let inner = &self.out[frame.inner..];
        let is_empty = inner.trim().is_empty();
        if inner.is_empty() && leaf.needs_text {
            self.out.truncate(frame.start);
            return;
        }
        if !is_empty {
            self.keep(frame, role);
        }
        self.end_tag(frame.name);
    }

    /// Notes what an element of text with something in it was.
    fn keep(&mut self, frame: Frame<'a>, role: Role) {
        let text = |mender: &Self| worth(&references::unwritten(&mender.out[frame.inner..]));
        match role {
            Role::Sets(field) | Role::Typed(Some(field)) => self.holder().set(field),
            Role::Content => self.holder().set(Field::Content),
            Role::Link => self.holder().set(Field::Link),
            Role::Author => self.holder().set(Field::Author),
            Role::Byline => {
                let name = text(self);
                if let Some(facts) = self.item_facts() {
                    facts.author = name;
                }
            }
            Role::MediaText if frame.name == "media:title" && self.is_in_item() => {
                self.offer_copy(frame, Field::Title);
            }
            Role::ItunesText if frame.name == "itunes:summary" => {
                self.offer_copy(frame, Field::Summary);
            }
            Role::Guid => {
                let guid = text(self);
                self.holder().address = guid;
            }
            Role::Language => self.facts.language = text(self),
            Role::Generator => self.facts.generator = text(self),
            Role::Ttl => self.facts.ttl = text(self).and_then(|t| t.parse().ok()),
            _ => {}
        }
    }

    /// Whether the innermost element is the item's own.
    fn is_in_item(&self) -> bool {
        let parent = self
            .stack
            .len()
            .checked_sub(2)
            .map(|at| self.stack[at].kind);
        parent == Some(Kind::Container(Place::Item))
    }

    fn offer_copy(&mut self, frame: Frame<'a>, field: Field) {
        let holder = self.item.as_mut().unwrap_or(&mut self.feed);
        holder.offer(field, 4, &self.out[frame.inner..]);
    }

    /// Room around addresses, where feed-rs would break down.
    fn make_room(&mut self, inner: usize) {
        let written = &self.out[inner..];
        if written.contains('@') || written.contains("&#64;") || written.contains("&#x40;") {
            let text = references::unwritten(written);
            let padded = pad(&text).into_owned();
            self.out.truncate(inner);
            references::literal(&mut self.out, &padded, Level::Text, &mut self.tally);
        }
    }

    /// Atom's link with its address as text instead of in `href`.
    fn close_atom_link(&mut self, frame: Frame<'a>) {
        let has_address = self.out[frame.start..frame.inner].contains(" href=");
        let inner = self.out.split_off(frame.inner);
        let address = references::unwritten(&inner);
        if !has_address && !address.trim().is_empty() && self.out.ends_with('>') {
            self.out.pop();
            self.out.push_str(" href=\"");
            references::literal(
                &mut self.out,
                address.trim(),
                Level::Attribute,
                &mut self.tally,
            );
            self.out.push_str("\">");
            self.holder().set(Field::Link);
        }
        self.end_tag(frame.name);
    }

    /// Notes a text that is not written.
    fn note_text(&mut self, fact: Fact, text: &str) {
        let Some(text) = worth(text) else {
            return;
        };
        match fact {
            Fact::SkipHour => self.facts.skip_hours |= hour(&text),
            Fact::SkipDay => self.facts.skip_days |= day(&text),
            Fact::UpdatePeriod => self.facts.update_period = Some(text.to_ascii_lowercase()),
            Fact::UpdateFrequency => self.facts.update_frequency = text.parse().ok(),
            Fact::DcLanguage => self.facts.dc_language = Some(text),
            _ => {
                if let Some(facts) = self.item_facts() {
                    match fact {
                        Fact::ItemLanguage => facts.language = Some(text).filter(|t| t.len() <= 35),
                        Fact::Subject if facts.subjects.len() < MOST_SUBJECTS => {
                            facts.subjects.push(text);
                        }
                        Fact::Comments => facts.comments = text.parse().ok(),
                        Fact::Source | Fact::SourceName => {
                            facts.source.get_or_insert_default().0 = text;
                        }
                        _ => {}
                    }
                }
            }
        }
    }
}
