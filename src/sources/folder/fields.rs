//! Front matter as Hugo, Zola and Jekyll write it, as an article's fields.

use jiff::tz::TimeZone;
use serde_json::{Map, Value};

use super::dates;
use super::front_matter::Page;
use crate::domain::UnixMillis;
use crate::sources::names::distinct;

/// Names kept of one list.
const MOST_NAMES: usize = 50;

/// Dates of publication, the first that is there.
const PUBLISHED: [&str; 5] = [
    "publishdate",
    "pubdate",
    "published",
    "date",
    "date_published",
];
/// Dates of the last change.
const UPDATED: [&str; 5] = [
    "lastmod",
    "modified",
    "updated",
    "last_modified_at",
    "date_modified",
];
/// Addresses of the original.
const CANONICAL: [&str; 5] = [
    "canonical",
    "canonicalurl",
    "canonical_url",
    "externalurl",
    "external_url",
];

/// What a page's front matter says.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Fields {
    pub(super) title: Option<String>,
    /// An id that stays, whatever else changes.
    pub(super) id: Option<String>,
    pub(super) slug: Option<String>,
    /// The path or address of the page on its site.
    pub(super) address: Option<String>,
    /// The address of the original, when it is another site's.
    pub(super) canonical: Option<String>,
    /// Former paths.
    pub(super) aliases: Vec<String>,
    pub(super) published: Option<UnixMillis>,
    pub(super) updated: Option<UnixMillis>,
    /// From when on it is no article any more.
    pub(super) expires: Option<UnixMillis>,
    /// Why it is no article, if it says so.
    pub(super) kept_back: Option<&'static str>,
    pub(super) summary: Option<String>,
    pub(super) topics: Vec<String>,
    /// The categories alone, which Jekyll puts into addresses.
    pub(super) categories: Vec<String>,
    pub(super) authors: Vec<String>,
    pub(super) language: Option<String>,
    pub(super) image: Option<(String, String)>,
}

/// Reads a page's fields. Names that Jekyll writes into one string are parted at white space
/// when `is_jekyll`. What cannot be read is left out, with a note and its line.
pub(super) fn fields(
    page: &Page<'_>,
    zone: &TimeZone,
    is_jekyll: bool,
) -> (Fields, Vec<(usize, String)>) {
    let reader = Reader {
        page,
        zone,
        is_jekyll,
    };
    let mut notes = Vec::new();
    // Zola lets fields of others stand only in `extra`.
    let extra = page.fields.get("extra");
    let ours = page.fields.get("courant").or_else(|| extra?.get("courant"));
    let ours = ours.and_then(Value::as_object);
    let ours = |name: &str| ours.and_then(|o| o.get(name));
    // Hugo's chains (gohugo.io/configuration/front-matter); Jekyll's `published` is no date.
    let published = reader.date(&PUBLISHED, &mut notes);
    let updated = reader.date(&UPDATED, &mut notes);
    let expires = reader.date(&["expirydate", "unpublishdate", "expires"], &mut notes);
    let embargo = ours("embargo").and_then(text_of).and_then(|text| {
        let date = dates::parse(&text, zone);
        if date.is_none() {
            notes.push((page.line_of("embargo"), unreadable("embargo", &text)));
        }
        date
    });
    let (names, categories) = reader.topics();
    let fields = Fields {
        title: reader.text(&["title"]),
        id: ours("id")
            .and_then(text_of)
            .or_else(|| reader.text(&["id", "uuid", "guid"])),
        slug: reader.text(&["slug"]),
        address: reader.text(&["url", "permalink", "path"]),
        canonical: reader
            .text(&CANONICAL)
            .filter(|url| url.starts_with("http")),
        aliases: reader.list(&["aliases", "redirect_from"]),
        published: later(published.or(updated), embargo),
        updated,
        expires,
        kept_back: kept_back(&page.fields, ours("send")),
        summary: reader.text(&["summary", "description", "excerpt"]),
        topics: distinct(categories.iter().chain(&names).cloned(), MOST_NAMES),
        categories,
        authors: authors(&page.fields),
        language: reader.text(&["lang", "language", "locale"]),
        image: image(&page.fields),
    };
    (fields, notes)
}

struct Reader<'a> {
    page: &'a Page<'a>,
    zone: &'a TimeZone,
    is_jekyll: bool,
}

impl Reader<'_> {
    /// The first of these fields that is text, or Zola's `extra` has.
    fn text(&self, names: &[&str]) -> Option<String> {
        let extra = self.page.fields.get("extra").and_then(Value::as_object);
        let own = names
            .iter()
            .find_map(|name| text_of(self.page.fields.get(*name)?));
        own.or_else(|| names.iter().find_map(|name| text_of(extra?.get(*name)?)))
    }

    fn date(&self, names: &[&str], notes: &mut Vec<(usize, String)>) -> Option<UnixMillis> {
        for name in names {
            let Some(text) = self.page.fields.get(*name).and_then(text_of) else {
                continue;
            };
            if let Some(date) = dates::parse(&text, self.zone) {
                return Some(date);
            }
            notes.push((self.page.line_of(name), unreadable(name, &text)));
        }
        None
    }

    fn list(&self, names: &[&str]) -> Vec<String> {
        let mut list = Vec::new();
        for value in names.iter().filter_map(|name| self.page.fields.get(*name)) {
            match value {
                Value::Array(items) => list.extend(items.iter().filter_map(text_of)),
                value => list.extend(text_of(value)),
            }
        }
        list.truncate(MOST_NAMES);
        list
    }

    /// Its tags and its categories.
    fn topics(&self) -> (Vec<String>, Vec<String>) {
        let fields = &self.page.fields;
        let (mut names, mut categories) = (Vec::new(), Vec::new());
        for name in ["tags", "tag", "topics", "topic"] {
            self.names(fields.get(name), &mut names);
        }
        for name in ["categories", "category"] {
            self.names(fields.get(name), &mut categories);
        }
        if let Some(Value::Object(taxonomies)) = fields.get("taxonomies") {
            for (name, value) in taxonomies.iter().filter(|(name, _)| *name != "authors") {
                let is_category = name == "categories";
                let list = if is_category {
                    &mut categories
                } else {
                    &mut names
                };
                self.names(Some(value), list);
            }
        }
        (names, categories)
    }

    /// Names of a list, or of one string.
    fn names(&self, value: Option<&Value>, into: &mut Vec<String>) {
        match value {
            Some(Value::Array(items)) => into.extend(items.iter().filter_map(text_of)),
            Some(value) => {
                let Some(text) = text_of(value) else { return };
                let part: fn(char) -> bool = if text.contains([',', '،']) {
                    |c| matches!(c, ',' | '،')
                } else if self.is_jekyll {
                    char::is_whitespace
                } else {
                    |_| false
                };
                into.extend(text.split(part).map(|t| t.trim().to_owned()));
            }
            None => {}
        }
        into.retain(|name| !name.is_empty());
        into.truncate(MOST_NAMES);
    }
}

fn unreadable(name: &str, text: &str) -> String {
    let text: String = text.chars().take(60).collect();
    format!("`{name}: {text}` is no date; write it as 2026-11-23T10:00:00+05:00")
}

/// Text, a number or a truth value that is meant as text.
fn text_of(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text.trim().to_owned(),
        Value::Number(number) => number.to_string(),
        _ => return None,
    };
    (!text.is_empty()).then_some(text)
}

fn later(date: Option<UnixMillis>, embargo: Option<UnixMillis>) -> Option<UnixMillis> {
    match (date, embargo) {
        (Some(date), Some(embargo)) => Some(date.max(embargo)),
        (date, embargo) => date.or(embargo),
    }
}

/// Why a page is no article.
fn kept_back(fields: &Map<String, Value>, send: Option<&Value>) -> Option<&'static str> {
    let is = |name: &str, wanted: bool| match fields.get(name) {
        Some(Value::Bool(is)) => *is == wanted,
        Some(Value::String(text)) => {
            let words = if wanted {
                ["true", "yes", "on"]
            } else {
                ["false", "no", "off"]
            };
            words
                .iter()
                .any(|word| text.trim().eq_ignore_ascii_case(word))
        }
        _ => false,
    };
    let status = fields
        .get("status")
        .and_then(Value::as_str)
        .unwrap_or_default();
    if is("draft", true) || status.eq_ignore_ascii_case("draft") {
        return Some("it is a draft");
    }
    if is("published", false) || status.eq_ignore_ascii_case("private") {
        return Some("its front matter says that it is not published");
    }
    if is("headless", true) {
        return Some("it is a page without an address");
    }
    let build = fields.get("build").or_else(|| fields.get("_build"));
    let render = build.and_then(|b| b.get("render"));
    if render.is_some_and(|r| r == "never" || r == &Value::Bool(false)) {
        return Some("it is a page without an address");
    }
    (send == Some(&Value::Bool(false))).then_some("its front matter says `send: false`")
}

/// People, as a name, a list of names, or with their fields.
fn authors(fields: &Map<String, Value>) -> Vec<String> {
    let name_of = |value: &Value| -> Option<String> {
        match value {
            Value::Object(person) => person.get("name").and_then(text_of),
            value => text_of(value),
        }
    };
    let taxonomy = fields.get("taxonomies").and_then(|t| t.get("authors"));
    let extra = fields.get("extra").and_then(|e| e.get("author"));
    let places = ["authors", "author", "byline"].map(|name| fields.get(name));
    let found = places.into_iter().flatten().chain(taxonomy).chain(extra);
    let names = found.flat_map(|value| match value {
        Value::Array(people) => people.iter().filter_map(name_of).collect::<Vec<_>>(),
        value => name_of(value).into_iter().collect(),
    });
    // An address is nobody's by-line and a present to harvesters.
    distinct(names.filter(|name| !name.contains('@')), MOST_NAMES)
}

/// Fields that name a lead picture.
const IMAGES: [&str; 12] = [
    "image",
    "cover",
    "featured_image",
    "featuredimage",
    "feature_image",
    "feature",
    "banner",
    "header",
    "thumbnail",
    "og_image",
    "images",
    "extra",
];
/// Fields that describe it.
const ALTS: [&str; 7] = [
    "image_alt",
    "imagealt",
    "featured_image_alt",
    "featuredimagealt",
    "feature_image_alt",
    "cover_alt",
    "alt",
];
/// Where it is, in a table of its own.
const SOURCES: [&str; 8] = [
    "src",
    "image",
    "path",
    "url",
    "file",
    "feature",
    "overlay_image",
    "teaser",
];

/// The lead picture and its description.
fn image(fields: &Map<String, Value>) -> Option<(String, String)> {
    let said = ALTS.iter().find_map(|name| text_of(fields.get(*name)?));
    let found = IMAGES.iter().find_map(|name| match fields.get(*name)? {
        Value::Array(items) => one_image(items.first()?),
        value => one_image(value),
    });
    let (src, alt) = found.or_else(|| bundled_image(fields))?;
    Some((src, alt.or(said).unwrap_or_default()))
}

/// A picture as its address, or as a table.
fn one_image(value: &Value) -> Option<(String, Option<String>)> {
    let Value::Object(object) = value else {
        return Some((text_of(value)?, None));
    };
    let src = SOURCES
        .iter()
        .find_map(|name| text_of(object.get(*name)?))?;
    let alt = ["alt", "image_alt", "image_description", "caption"]
        .iter()
        .find_map(|name| text_of(object.get(*name)?));
    Some((src, alt))
}

/// The picture among a bundle's resources (Hugo).
fn bundled_image(fields: &Map<String, Value>) -> Option<(String, Option<String>)> {
    let resources = fields.get("resources")?.as_array()?;
    let is_lead = |resource: &&Value| {
        let name = resource["name"].as_str().unwrap_or_default();
        ["featured", "cover", "thumbnail", "header"]
            .iter()
            .any(|word| name.contains(word))
    };
    let resource = resources.iter().take(MOST_NAMES).find(is_lead)?;
    let title = resource["title"].as_str().map(str::to_owned);
    Some((text_of(&resource["src"])?, title))
}

#[cfg(test)]
mod tests;
