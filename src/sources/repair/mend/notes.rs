//! What is noted of an element and not written: links to hubs, sources, withdrawals.

use super::super::facts::{Cloud, MOST_HUBS, MOST_WITHDRAWN, Withdrawn, worth};
use super::super::references::{self, Level};
use super::super::tally::short;
use super::super::vocabulary::{Dialect, Fact, Field};
use super::{Kind, Leaf, Mender};

impl<'a> Mender<'a> {
    /// `<link href="…"/>` in RSS, without a prefix.
    pub(super) fn link_in_attributes(&mut self, name: &'a str, mark: usize) {
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
    pub(super) fn keeps_atom_link(&mut self) -> bool {
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
                self.facts.hubs.push(href);
            }
            "self" if self.facts.topic.is_none() => self.facts.topic = Some(href),
            _ => {}
        }
    }

    /// What is only noted: some of it from the attributes, the rest from its text.
    pub(super) fn note(&mut self, name: &'a str, fact: Fact, mark: usize) {
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
