//! JSON Feed 1.1 (jsonfeed.org/version/1.1).

use serde::Serialize;

use super::text::{is_plausible, legal, line, uri, wrapped};
use super::{FeedDoc, FeedItem};
use crate::domain::UnixMillis;

/// Writes `doc` as JSON Feed 1.1, in UTF-8.
#[must_use]
pub fn json(doc: &FeedDoc) -> Vec<u8> {
    let feed = Feed {
        version: "https://jsonfeed.org/version/1.1",
        title: line(&doc.title),
        home_page_url: uri(&doc.home_url),
        feed_url: uri(&doc.self_urls.json),
        description: some(line(&doc.description)),
        language: some(line(&doc.language)),
        items: doc.items.iter().map(|item| Item::of(item, doc)).collect(),
    };
    let mut bytes =
        serde_json::to_vec_pretty(&feed).expect("strings and lists always have a JSON form");
    bytes.push(b'\n');
    bytes
}

#[derive(Serialize)]
struct Feed {
    version: &'static str,
    title: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    home_page_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    feed_url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    description: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
    items: Vec<Item>,
}

#[derive(Serialize)]
struct Author {
    name: String,
}

#[derive(Serialize)]
struct Item {
    id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    title: Option<String>,
    /// One of the two contents must be there, even when it is empty.
    #[serde(skip_serializing_if = "Option::is_none")]
    content_html: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    content_text: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    summary: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    image: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_published: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Option::is_none")]
    date_modified: Option<UnixMillis>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    authors: Vec<Author>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    tags: Vec<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    language: Option<String>,
}

impl Item {
    fn of(item: &FeedItem, doc: &FeedDoc) -> Self {
        let content = some(wrapped(&item.content_html, &item.language, &doc.language));
        let summary = legal(&item.summary).trim().to_owned();
        Self {
            id: item.id.clone(),
            url: uri(&item.url),
            title: some(line(&item.title)),
            content_text: content.is_none().then(|| summary.clone()),
            content_html: content,
            summary: some(summary),
            image: item.image.as_ref().and_then(|image| uri(&image.url)),
            date_published: Some(item.published).filter(|at| is_plausible(*at)),
            date_modified: Some(item.last_change()).filter(|at| is_plausible(*at)),
            authors: lines(&item.authors).map(|name| Author { name }).collect(),
            tags: lines(&item.topics).collect(),
            language: some(line(&item.language)),
        }
    }
}

fn some(text: String) -> Option<String> {
    Some(text).filter(|text| !text.is_empty())
}

fn lines(texts: &[String]) -> impl Iterator<Item = String> {
    texts
        .iter()
        .map(|text| line(text))
        .filter(|text| !text.is_empty())
}
