//! A post as WordPress's REST interface writes it, as an article on its way in.
//!
//! Plugins change what stands in a post, so each part is looked for and none is relied on.

use serde_json::Value;
use url::Url;

use crate::domain::{Entry, Image, UnixMillis, keys_of, wordpress_key};
use crate::html;
use crate::sources::feed::language_tag;
use crate::sources::names::distinct;

/// Names kept of one list.
const MOST_NAMES: usize = 50;

/// A post.
#[derive(Debug, Clone)]
pub(super) struct Post {
    pub(super) id: u64,
    /// Whether everybody may read it.
    pub(super) is_public: bool,
    /// Whether it will be, at its date.
    pub(super) is_scheduled: bool,
    /// Why it is not, for an operator.
    pub(super) why: &'static str,
    pub(super) published: Option<UnixMillis>,
    pub(super) modified: Option<UnixMillis>,
    pub(super) entry: Entry,
}

/// Reads one post of the site at `home`; `None` without an id.
pub(super) fn post(value: &Value, home: &Url) -> Option<Post> {
    let id = value["id"].as_u64()?;
    let status = value["status"].as_str().unwrap_or("publish");
    let is_protected = value["content"]["protected"].as_bool().unwrap_or(false);
    let published = instant(&value["date_gmt"]);
    let modified = instant(&value["modified_gmt"]);
    let title = rendered(&value["title"]).unwrap_or_default();
    let link = value["link"].as_str().and_then(|link| home.join(link).ok());
    // The guid is escaped for HTML here and not in the site's feed.
    let guid = rendered(&value["guid"]).map(|guid| html::plain(&guid));
    let day = published.map(|p| p.to_string()[..10].to_owned());
    let mut keys: Vec<_> = wordpress_key(home, id).into_iter().collect();
    for key in keys_of(
        guid.as_deref(),
        link.as_ref().map(Url::as_str),
        &html::plain(&title),
        &day.unwrap_or_default(),
    ) {
        if !keys.contains(&key) {
            keys.push(key);
        }
    }
    let content = rendered(&value["content"]).filter(|c| !c.trim().is_empty());
    let entry = Entry {
        title_is_guessed: false,
        keys,
        url: link.map(String::from),
        image: image(value, home),
        title,
        summary_html: rendered(&value["excerpt"]).filter(|e| !html::plain(e).is_empty()),
        content_html: content,
        authors: authors(value),
        topics: topics(value),
        language: language(value),
        published,
        updated: modified,
    };
    Some(Post {
        id,
        is_public: status == "publish" && !is_protected,
        is_scheduled: status == "future" && !is_protected,
        why: match status {
            _ if is_protected => "it is behind a password now",
            "trash" => "it was moved to the trash",
            "private" => "it was made private",
            "future" => "it was put off to a later date",
            _ => "it was turned into a draft",
        },
        published,
        modified,
        entry,
    })
}

fn rendered(value: &Value) -> Option<String> {
    let text = value["rendered"].as_str().or(value.as_str())?;
    Some(text.to_owned())
}

/// `date_gmt` has no offset and is in UTC; `date` would be the site's own time.
fn instant(value: &Value) -> Option<UnixMillis> {
    let text = value.as_str()?.trim_end_matches('Z');
    let instant: UnixMillis = format!("{text}Z").parse().ok()?;
    (instant.0 > 0).then_some(instant)
}

/// What `_embed` put beside a post.
fn embedded<'a>(value: &'a Value, name: &str) -> &'a [Value] {
    value["_embedded"][name]
        .as_array()
        .map_or(&[], Vec::as_slice)
}

fn authors(value: &Value) -> Vec<String> {
    let names = embedded(value, "author")
        .iter()
        .filter_map(|a| a["name"].as_str());
    let yoast = &value["yoast_head_json"];
    let said = yoast["author"]
        .as_str()
        .or(yoast["twitter_misc"]["Written by"].as_str());
    let mut found = distinct(names.map(html::plain), MOST_NAMES);
    if found.is_empty() {
        found = distinct(said.into_iter().map(html::plain), MOST_NAMES);
    }
    // An address is nobody's by-line and a present to harvesters.
    found.retain(|name| !name.contains('@'));
    found
}

/// Categories before tags, without the one that means none.
fn topics(value: &Value) -> Vec<String> {
    let lists = embedded(value, "wp:term")
        .iter()
        .filter_map(Value::as_array);
    let terms = lists
        .flatten()
        .filter(|term| term["taxonomy"] != "post_format" && term["slug"] != "uncategorized");
    distinct(
        terms
            .filter_map(|term| term["name"].as_str())
            .map(html::plain),
        MOST_NAMES,
    )
}

/// Polylang's word, WPML's, Yoast's.
fn language(value: &Value) -> Option<String> {
    [
        &value["lang"],
        &value["wpml_language"],
        &value["wpml_current_locale"],
        &value["yoast_head_json"]["og_locale"],
    ]
    .into_iter()
    .filter_map(Value::as_str)
    .find_map(language_tag)
}

/// The featured image with its description; Yoast's where none is embedded. A size that fits
/// a page is taken before the full one, which may be a camera's.
fn image(value: &Value, home: &Url) -> Option<Image> {
    let web = |text: &str| {
        let url = home.join(text).ok()?;
        matches!(url.scheme(), "http" | "https").then(|| url.to_string())
    };
    let media = embedded(value, "wp:featuredmedia").first();
    let featured = media.and_then(|media| {
        let sizes = media["media_details"]["sizes"].as_object();
        let fitting = sizes
            .into_iter()
            .flat_map(serde_json::Map::values)
            .filter_map(|size| Some((size["width"].as_u64()?, size["source_url"].as_str()?)))
            .filter(|(width, _)| (1000..=2048).contains(width))
            .min_by_key(|(width, _)| *width);
        let source = fitting
            .map(|(_, url)| url)
            .or(media["source_url"].as_str())?;
        Some(Image {
            url: web(source)?,
            alt: html::plain(media["alt_text"].as_str().unwrap_or_default()),
        })
    });
    featured.or_else(|| {
        let source = value["yoast_head_json"]["og_image"][0]["url"].as_str()?;
        Some(Image {
            url: web(source)?,
            alt: String::new(),
        })
    })
}

#[cfg(test)]
mod tests;
