//! Atom 1.0 (RFC 4287): the format with the exact rules.
//!
//! `updated` must differ between entries (validators take equal ones for a machine's careless
//! stamp, and some readers drop such entries), yet a bulk import publishes many in one second.
//! See [`stamps`]. Readers forget nothing by themselves, so an article that was withdrawn leaves a
//! tombstone (RFC 6721).

use std::collections::HashSet;

use super::rss::media;
use super::text::{image_type, is_plausible, legal, line, to_html, uri, wrapped};
use super::xml::Xml;
use super::{FeedDoc, FeedItem};
use crate::domain::UnixMillis;

/// Writes `doc` as Atom 1.0, in UTF-8.
#[must_use]
pub fn atom(doc: &FeedDoc) -> Vec<u8> {
    let mut xml = Xml::new();
    let language = line(&doc.language);
    let mut attributes = vec![
        ("xmlns", "http://www.w3.org/2005/Atom"),
        ("xmlns:media", "http://search.yahoo.com/mrss/"),
    ];
    if !doc.withdrawn.is_empty() {
        attributes.push(("xmlns:at", "http://purl.org/atompub/tombstones/1.0"));
    }
    if !language.is_empty() {
        attributes.push(("xml:lang", &language));
    }
    xml.open("feed", &attributes);
    let stamps = stamps(&doc.items);
    let deaths = doc.withdrawn.iter().map(|tombstone| tombstone.at);
    let newest = stamps.iter().copied().chain(deaths).max();
    head(&mut xml, doc, newest.unwrap_or_default());
    for tombstone in &doc.withdrawn {
        let when = tombstone.at.to_string();
        let attributes = [("ref", tombstone.id.as_str()), ("when", when.as_str())];
        xml.empty("at:deleted-entry", &attributes);
    }
    for (item, stamp) in doc.items.iter().zip(stamps) {
        entry(&mut xml, item, stamp, doc);
    }
    xml.close("feed");
    xml.finish()
}

/// An `updated` for each item, no two alike. Whole seconds get milliseconds out of the item's
/// id, so that an item keeps its stamp whatever other items come and go; what is still equal
/// then moves on by one millisecond.
fn stamps(items: &[FeedItem]) -> Vec<UnixMillis> {
    let mut taken = HashSet::new();
    // From the oldest on: new items at the top must not move the stamps below them.
    let mut stamps: Vec<_> = items
        .iter()
        .rev()
        .map(|item| {
            let mut at = item.last_change();
            if at.0 % 1000 == 0 {
                at = at.plus_ms(milliseconds_of(&item.id));
            }
            while !taken.insert(at) {
                at = at.plus_ms(1);
            }
            at
        })
        .collect();
    stamps.reverse();
    stamps
}

/// A number from 0 to 999 that belongs to this id (FNV-1a, folded).
fn milliseconds_of(id: &str) -> i64 {
    let hash = id.bytes().fold(0x811c_9dc5_u32, |hash, byte| {
        (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193)
    });
    i64::from(hash % 1000)
}

fn head(xml: &mut Xml, doc: &FeedDoc, updated: UnixMillis) {
    let own = uri(&doc.self_urls.atom).unwrap_or_default();
    xml.text("id", &[], &own);
    text_construct(xml, "title", &line(&doc.title));
    let description = line(&doc.description);
    if !description.is_empty() {
        text_construct(xml, "subtitle", &description);
    }
    xml.text("updated", &[], &updated.to_string());
    let own_link = [
        ("rel", "self"),
        ("type", "application/atom+xml"),
        ("href", own.as_str()),
    ];
    xml.empty("link", &own_link);
    if let Some(home) = uri(&doc.home_url) {
        let home_link = [
            ("rel", "alternate"),
            ("type", "text/html"),
            ("href", home.as_str()),
        ];
        xml.empty("link", &home_link);
    }
    xml.text("generator", &[], "Courant");
    // RFC 4287 §4.1.1: an author on the feed serves entries without one.
    person(xml, &doc.title);
}

fn entry(xml: &mut Xml, item: &FeedItem, updated: UnixMillis, doc: &FeedDoc) {
    let language = line(&item.language);
    let mut attributes = Vec::new();
    if !language.is_empty() && item.language != doc.language {
        attributes.push(("xml:lang", language.as_str()));
    }
    xml.open("entry", &attributes);
    xml.text("id", &[], &item.id);
    text_construct(xml, "title", &line(&item.title));
    xml.text("updated", &[], &updated.to_string());
    if is_plausible(item.published) {
        xml.text("published", &[], &item.published.to_string());
    }
    if let Some(url) = uri(&item.url) {
        let link = [
            ("rel", "alternate"),
            ("type", "text/html"),
            ("href", url.as_str()),
        ];
        xml.empty("link", &link);
    }
    for author in &item.authors {
        person(xml, author);
    }
    for topic in item.topics.iter().map(|t| line(t)) {
        if !topic.is_empty() {
            xml.empty("category", &[("term", &topic)]);
        }
    }
    text_construct(xml, "summary", legal(&item.summary).trim());
    let content = wrapped(&item.content_html, &item.language, &doc.language);
    if !content.is_empty() {
        xml.text("content", &[("type", "html")], &content);
    }
    if let Some((image, url)) = item
        .image
        .as_ref()
        .and_then(|i| uri(&i.url).map(|url| (i, url)))
    {
        media(xml, &url, image_type(&url), &image.alt);
    }
    xml.close("entry");
}

/// A text construct (RFC 4287 §3.1) of plain text. What looks like markup is declared as HTML
/// and escaped twice, because readers and validators do not believe `type="text"` then.
fn text_construct(xml: &mut Xml, name: &str, text: &str) {
    if !text.contains(['<', '>', '&']) {
        return xml.text(name, &[], text);
    }
    xml.text(name, &[("type", "html")], &to_html(text));
}

fn person(xml: &mut Xml, name: &str) {
    let name = line(name);
    if !name.is_empty() {
        xml.open("author", &[]);
        xml.text("name", &[], &name);
        xml.close("author");
    }
}
