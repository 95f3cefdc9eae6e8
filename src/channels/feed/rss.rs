//! RSS 2.0 with the companions every reader knows: `content`, `dc`, `dcterms`, `media`, `atom`.
//!
//! The order matters to validators: the channel's own elements before any item, `description`
//! before `content:encoded`. An item has no `author` (that is an e-mail address in RSS) but
//! `dc:creator`, and no `dc:date`, which would repeat `pubDate`.

use super::text::{image_type, is_plausible, legal, line, mail_date, to_html, uri, wrapped};
use super::xml::Xml;
use super::{FeedDoc, FeedItem};

/// Writes `doc` as RSS 2.0, in UTF-8.
#[must_use]
pub fn rss(doc: &FeedDoc) -> Vec<u8> {
    let mut xml = Xml::new();
    xml.open(
        "rss",
        &[
            ("version", "2.0"),
            ("xmlns:atom", "http://www.w3.org/2005/Atom"),
            ("xmlns:content", "http://purl.org/rss/1.0/modules/content/"),
            ("xmlns:dc", "http://purl.org/dc/elements/1.1/"),
            ("xmlns:dcterms", "http://purl.org/dc/terms/"),
            ("xmlns:media", "http://search.yahoo.com/mrss/"),
        ],
    );
    xml.open("channel", &[]);
    head(&mut xml, doc);
    for one in &doc.items {
        item(&mut xml, one, doc);
    }
    xml.close("channel");
    xml.close("rss");
    xml.finish()
}

fn head(xml: &mut Xml, doc: &FeedDoc) {
    let own = uri(&doc.self_urls.rss).unwrap_or_default();
    let attributes = [
        ("href", own.as_str()),
        ("rel", "self"),
        ("type", "application/rss+xml"),
    ];
    xml.empty("atom:link", &attributes);
    xml.text("title", &[], &line(&doc.title));
    xml.text("link", &[], &uri(&doc.home_url).unwrap_or_default());
    let description = match line(&doc.description) {
        empty if empty.is_empty() => line(&doc.title),
        text => text,
    };
    xml.text("description", &[], &description);
    if !doc.language.is_empty() {
        xml.text("language", &[], &line(&doc.language));
    }
    // Of the newest change, not of this writing: the same articles must give the same bytes.
    if let Some(date) = mail_date(doc.updated()) {
        xml.text("lastBuildDate", &[], &date);
    }
    xml.text("docs", &[], "https://www.rssboard.org/rss-specification");
    xml.text("generator", &[], "Courant");
    let minutes = (doc.fresh_for.as_secs() / 60).max(1);
    xml.text("ttl", &[], &minutes.to_string());
}

fn item(xml: &mut Xml, item: &FeedItem, doc: &FeedDoc) {
    xml.open("item", &[]);
    let title = line(&item.title);
    if !title.is_empty() {
        xml.text("title", &[], &title);
    }
    if let Some(url) = uri(&item.url) {
        xml.text("link", &[], &url);
    }
    xml.text("guid", &[("isPermaLink", "false")], &item.id);
    if let Some(date) = mail_date(item.published) {
        xml.text("pubDate", &[], &date);
    }
    for author in &item.authors {
        element(xml, "dc:creator", author);
    }
    if item.language != doc.language {
        element(xml, "dc:language", &item.language);
    }
    for topic in &item.topics {
        element(xml, "category", topic);
    }
    // HTML by long habit, so plain text is escaped as HTML first. Never left out: an item
    // needs a title or a description, and some have neither.
    let summary = [&item.summary, &item.title, &item.url]
        .into_iter()
        .map(|text| legal(text).trim().to_owned())
        .find(|text| !text.is_empty())
        .unwrap_or_default();
    xml.text("description", &[], &to_html(&summary));
    let content = wrapped(&item.content_html, &item.language, &doc.language);
    if !content.is_empty() {
        xml.cdata("content:encoded", &[], &content);
    }
    if is_plausible(item.last_change()) {
        let modified = item.last_change().to_string();
        xml.text("dcterms:modified", &[], &modified);
    }
    picture(xml, item);
    xml.close("item");
}

/// The lead picture twice: `enclosure` for simple readers (length 0 is RSS for "not known"),
/// `media:content` with its description for the others.
fn picture(xml: &mut Xml, item: &FeedItem) {
    let Some(image) = &item.image else { return };
    let Some(url) = uri(&image.url) else { return };
    let kind = image_type(&url);
    let enclosure = [("url", url.as_str()), ("length", "0"), ("type", kind)];
    xml.empty("enclosure", &enclosure);
    media(xml, &url, kind, &image.alt);
}

/// Media RSS's form of a picture; Atom uses it as well.
pub(super) fn media(xml: &mut Xml, url: &str, kind: &str, alt: &str) {
    let content = [("url", url), ("medium", "image"), ("type", kind)];
    let alt = line(alt);
    if alt.is_empty() {
        return xml.empty("media:content", &content);
    }
    xml.open("media:content", &content);
    xml.text("media:description", &[("type", "plain")], &alt);
    xml.close("media:content");
}

/// A one-line element, left out when there is nothing to say: empty ones are warned about.
fn element(xml: &mut Xml, name: &str, text: &str) {
    let text = line(text);
    if !text.is_empty() {
        xml.text(name, &[], &text);
    }
}
