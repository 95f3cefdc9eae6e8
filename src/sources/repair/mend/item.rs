//! Items: which fields they have, and what stands in for those they have not.

use super::super::facts::{ItemFacts, MOST_ITEMS};
use super::super::references::{self, Level};
use super::super::vocabulary::{Dialect, FIELDS, Field, Place};
use super::{Kind, Mender};

/// The fields of an item, or of the feed.
#[derive(Debug, Default)]
pub(super) struct Holder {
    /// Where it starts in the new document.
    start: usize,
    /// Whether there are facts of it.
    has_facts: bool,
    /// Fields it has under their right names.
    set: [bool; FIELDS],
    /// The best stand-in for each field: its rank and its written text.
    late: [Option<(u8, String)>; FIELDS],
    /// Its address by other names: `guid`, `rdf:about`.
    pub(super) address: Option<String>,
}

impl Holder {
    pub(super) fn set(&mut self, field: Field) {
        self.set[field as usize] = true;
    }

    pub(super) fn has(&self, field: Field) -> bool {
        self.set[field as usize]
    }

    /// Keeps a stand-in if it is the best so far.
    pub(super) fn offer(&mut self, field: Field, rank: u8, written: &str) {
        let kept = &mut self.late[field as usize];
        let is_better = kept.as_ref().is_none_or(|(other, _)| rank < *other);
        if is_better && !self.set[field as usize] && !written.trim().is_empty() {
            *kept = Some((rank, written.to_owned()));
        }
    }

    fn is_there(&self, field: Field) -> bool {
        self.set[field as usize] || self.late[field as usize].is_some()
    }
}

const ALL: [Field; FIELDS] = [
    Field::Title,
    Field::Link,
    Field::Summary,
    Field::Content,
    Field::Date,
    Field::Updated,
    Field::Author,
];

/// The tags around a stand-in.
fn tags(dialect: Dialect, field: Field) -> (&'static str, &'static str) {
    match (dialect, field) {
        (Dialect::Atom, Field::Title) => ("<title type=\"text\">", "</title>"),
        (_, Field::Title) => ("<title>", "</title>"),
        (Dialect::Atom, Field::Link) => ("<link href=\"", "\"></link>"),
        (_, Field::Link) => ("<link>", "</link>"),
        (Dialect::Atom, Field::Summary) => ("<summary type=\"html\">", "</summary>"),
        (_, Field::Summary) => ("<description>", "</description>"),
        (Dialect::Atom, Field::Content) => ("<content type=\"html\">", "</content>"),
        (_, Field::Content) => ("<content:encoded>", "</content:encoded>"),
        (Dialect::Atom, Field::Date) => ("<published>", "</published>"),
        (Dialect::Rdf, Field::Date) => ("<dc:date>", "</dc:date>"),
        (_, Field::Date) => ("<pubDate>", "</pubDate>"),
        (Dialect::Atom, Field::Updated) => ("<updated>", "</updated>"),
        (Dialect::Rdf, Field::Updated) => ("<dc:date>", "</dc:date>"),
        (_, Field::Updated) => ("<atom:updated>", "</atom:updated>"),
        (Dialect::Atom, Field::Author) => ("<author><name>", "</name></author>"),
        (_, Field::Author) => ("<dc:creator>", "</dc:creator>"),
    }
}

impl Mender<'_> {
    /// An item starts here.
    pub(super) fn begin_item(&mut self) {
        self.facts.item_count += 1;
        let has_facts = self.facts.items.len() < MOST_ITEMS;
        let mut holder = Holder {
            start: self.out.len(),
            has_facts,
            ..Holder::default()
        };
        if has_facts {
            let lang = self.value("xml:lang").filter(|l| l.len() <= 35);
            self.facts.items.push(ItemFacts {
                language: lang,
                ..ItemFacts::default()
            });
        }
        holder.address = self.value("rdf:about");
        self.item = Some(holder);
    }

    /// The facts of the item that is open.
    pub(super) fn item_facts(&mut self) -> Option<&mut ItemFacts> {
        let has_facts = self.item.as_ref().is_some_and(|item| item.has_facts);
        self.facts.items.last_mut().filter(|_| has_facts)
    }

    /// Writes what stands in for the fields that are missing.
    pub(super) fn write_late(&mut self, holder: &mut Holder) {
        let Some(dialect) = self.dialect else {
            return;
        };
        for field in ALL {
            let has_date =
                dialect == Dialect::Rdf && field == Field::Updated && holder.has(Field::Date);
            let Some((_, written)) = holder.late[field as usize]
                .take()
                .filter(|_| !holder.has(field) && !has_date)
            else {
                continue;
            };
            holder.set(field);
            if dialect == Dialect::Rdf && field == Field::Date {
                holder.set(Field::Updated);
            }
            let (open, close) = tags(dialect, field);
            self.out.push_str(open);
            match field {
                Field::Author => {
                    let name = references::unwritten(&written);
                    let name = super::super::people::pad(name.trim());
                    references::literal(&mut self.out, &name, Level::Text, &mut self.tally);
                }
                Field::Link if dialect == Dialect::Atom => {
                    let address = references::unwritten(&written);
                    references::literal(
                        &mut self.out,
                        address.trim(),
                        Level::Attribute,
                        &mut self.tally,
                    );
                }
                _ => self.out.push_str(&written),
            }
            self.out.push_str(close);
        }
    }

    /// The end of an item; one of RSS 1.0 without any address is left out, as feed-rs does.
    pub(super) fn end_item(&mut self) -> bool {
        let Some(mut holder) = self.item.take() else {
            return true;
        };
        let is_rss = self.dialect != Some(Dialect::Atom);
        let is_permalink = self
            .facts
            .items
            .last()
            .is_none_or(|f| f.is_permalink != Some(false) || !holder.has_facts);
        let is_web = |a: &&String| a.starts_with("http://") || a.starts_with("https://");
        let address = holder
            .address
            .as_ref()
            .filter(is_web)
            .filter(|_| is_permalink && is_rss);
        if let Some(address) = address.map(|a| a.trim().to_owned()) {
            let mut written = String::new();
            references::literal(&mut written, &address, Level::Text, &mut self.tally);
            holder.offer(Field::Link, 9, &written);
        }
        self.write_late(&mut holder);
        if self.dialect == Some(Dialect::Rdf) && !holder.has(Field::Link) {
            self.forget_item(&holder);
            return false;
        }
        true
    }

    fn forget_item(&mut self, holder: &Holder) {
        self.out.truncate(holder.start);
        self.facts.item_count -= 1;
        if holder.has_facts {
            self.facts.items.pop();
        }
    }

    /// At the end of a document that breaks off: an item stays only when its title, its address
    /// and its text are there and closed. Answers whether one was left out.
    pub(super) fn drop_unfinished(&mut self) -> bool {
        let Some(holder) = self.item.take() else {
            return false;
        };
        let is_item = |frame: &super::Frame<'_>| frame.kind == Kind::Container(Place::Item);
        let Some(at) = self.stack.iter().position(is_item) else {
            return false;
        };
        let has_link = holder.is_there(Field::Link) || holder.address.is_some();
        let has_text = holder.is_there(Field::Summary) || holder.is_there(Field::Content);
        let is_whole = self.stack.len() == at + 1;
        if is_whole && has_link && has_text && holder.is_there(Field::Title) {
            self.item = Some(holder);
            return false;
        }
        let bindings = self.stack[at].mark;
        self.scope.leave(bindings);
        self.stack.truncate(at);
        self.leaf = None;
        self.forget_item(&holder);
        true
    }
}
