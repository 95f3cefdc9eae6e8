//! The body of a push: one article in our words or JSON Feed's, a withdrawal, an address, or
//! nothing but "look again".

use std::collections::BTreeMap;

use serde_json::{Map, Value};
use url::Url;

use crate::config::nearest;
use crate::domain::{Entry, Image, UnixMillis, keys_of};
use crate::html;

/// Names of what an article has; those of JSON Feed that mean nothing to us are passed over.
const NAMES: [&str; 27] = [
    "id",
    "url",
    "title",
    "content_html",
    "content_text",
    "summary",
    "authors",
    "author",
    "topics",
    "tags",
    "language",
    "published",
    "date_published",
    "updated",
    "date_modified",
    "image",
    "banner_image",
    "delete",
    "external_url",
    "attachments",
    // Of JSON Feed's extensions and of the document around its items.
    "version",
    "icon",
    "favicon",
    "home_page_url",
    "feed_url",
    "description",
    "user_comment",
];
/// Most authors or topics of one article.
const MOST_NAMES: usize = 50;
/// Most characters of an id.
const MOST_ID: usize = 500;

/// What a push means.
#[derive(Debug, Clone, PartialEq)]
pub enum Pushed {
    /// Nothing but that there is something new.
    Look,
    /// A page that has to be read.
    Page(Url),
    /// An article.
    Article(Box<Entry>),
    /// The id of an article that its publisher takes back.
    Withdrawal(String),
}

/// What is wrong with a push, by the names of its fields; the empty name is the whole.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Refused(pub BTreeMap<String, String>);

impl Refused {
    fn whole(message: impl Into<String>) -> Self {
        Self([(String::new(), message.into())].into())
    }
}

/// Reads the body of a push; an empty one is [`Pushed::Look`].
///
/// # Errors
/// Everything that is wrong, so that it can be mended in one go.
pub fn parse(body: &[u8]) -> Result<Pushed, Refused> {
    if body.trim_ascii().is_empty() {
        return Ok(Pushed::Look);
    }
    let value: Value = serde_json::from_slice(body)
        .map_err(|e| Refused::whole(format!("the body is not JSON: {e}")))?;
    let Value::Object(object) = value else {
        let message = "the body must be one JSON object, an article";
        return Err(Refused::whole(message));
    };
    if object.is_empty() {
        return Ok(Pushed::Look);
    }
    let mut fields = Fields {
        object: &object,
        wrong: BTreeMap::new(),
    };
    let pushed = fields.pushed();
    match pushed {
        Some(pushed) if fields.wrong.is_empty() => Ok(pushed),
        _ => Err(Refused(fields.wrong)),
    }
}

/// An object that is read name by name, with what is wrong so far.
struct Fields<'a> {
    object: &'a Map<String, Value>,
    wrong: BTreeMap<String, String>,
}

impl<'a> Fields<'a> {
    fn pushed(&mut self) -> Option<Pushed> {
        self.refuse_unknown();
        if self.object.contains_key("delete") {
            return self.id("delete").map(Pushed::Withdrawal);
        }
        let url = self.address("url");
        if let Some(url) = &url
            && self.object.len() == 1
        {
            return Some(Pushed::Page(url.clone()));
        }
        let entry = self.entry(url.as_ref());
        if entry.keys.is_empty() {
            self.refuse(
                "id",
                "an article needs an `id` or a `url`, to know it again",
            );
        }
        let is_empty = html::plain(&entry.title).is_empty()
            && entry.content_html.is_none()
            && entry.summary_html.is_none();
        if is_empty {
            self.refuse(
                "title",
                "an article needs a `title` or a text (`content_html`, `content_text`, `summary`)",
            );
        }
        Some(Pushed::Article(Box::new(entry)))
    }

    fn entry(&mut self, url: Option<&Url>) -> Entry {
        let id = self.id("id");
        let title = self.text("title").unwrap_or_default();
        let published = self
            .date("published")
            .or_else(|| self.date("date_published"));
        let updated = self.date("updated").or_else(|| self.date("date_modified"));
        let text = self.text("content_text").map(paragraphs);
        let mut authors = self.names("authors");
        authors.extend(self.names("author"));
        let mut topics = self.names("topics");
        topics.extend(self.names("tags"));
        let link = url.map(Url::as_str);
        // Neither the title nor the day is a name here: a push without id and address is refused.
        Entry {
            title_is_guessed: false,
            keys: keys_of(id.as_deref(), link, "", ""),
            url: link.map(str::to_owned),
            title: html::escape_text(title.trim()),
            summary_html: self.text("summary").map(html::escape_text),
            content_html: self.text("content_html").map(str::to_owned).or(text),
            authors,
            topics,
            image: self.image("image").or_else(|| self.image("banner_image")),
            language: self.language(),
            published,
            updated,
        }
    }

    fn refuse(&mut self, name: &str, message: impl Into<String>) {
        self.wrong.entry(name.to_owned()).or_insert(message.into());
    }

    /// A name that is not known is a mistyped one, and what it holds would be missing silently.
    fn refuse_unknown(&mut self) {
        for name in self.object.keys() {
            if NAMES.contains(&name.as_str()) || name.starts_with('_') {
                continue;
            }
            let message = match nearest(name, NAMES) {
                Some(known) => format!("nothing has this name; did you mean `{known}`?"),
                None => "nothing has this name; names of your own begin with `_`".to_owned(),
            };
            let name: String = name.chars().take(100).collect();
            self.wrong.insert(name, message);
            if self.wrong.len() >= 20 {
                return;
            }
        }
    }

    fn value(&self, name: &str) -> Option<&'a Value> {
        self.object.get(name).filter(|value| !value.is_null())
    }

    /// A text that is not blank.
    fn text(&mut self, name: &str) -> Option<&'a str> {
        match self.value(name)? {
            Value::String(text) => Some(text.as_str()).filter(|text| !text.trim().is_empty()),
            _ => {
                self.refuse(name, "this must be a string");
                None
            }
        }
    }

    /// A text or a whole number, as systems have it that count their articles.
    fn id(&mut self, name: &str) -> Option<String> {
        let id = match self.value(name) {
            Some(Value::Number(number)) if number.is_i64() || number.is_u64() => number.to_string(),
            Some(Value::String(text)) => text.trim().to_owned(),
            Some(_) => {
                self.refuse(name, "this must be a string or a whole number");
                return None;
            }
            None => String::new(),
        };
        if id.chars().count() > MOST_ID {
            self.refuse(name, format!("this may have {MOST_ID} characters at most"));
            return None;
        }
        if id.is_empty() && self.object.contains_key(name) {
            self.refuse(name, "this is empty");
        }
        Some(id).filter(|id| !id.is_empty())
    }

    fn address(&mut self, name: &str) -> Option<Url> {
        let text = self.text(name)?;
        let url = web_address(text);
        if url.is_none() {
            self.refuse(
                name,
                "this must be a full web address, like https://news.example.org/story",
            );
        }
        url
    }

    fn date(&mut self, name: &str) -> Option<UnixMillis> {
        let text = self.text(name)?;
        let date: Option<UnixMillis> = text.trim().parse().ok();
        if date.is_none() {
            self.refuse(
                name,
                "this must be a time with its zone, like 2026-11-23T07:00:00+05:00",
            );
        }
        date
    }

    fn language(&mut self) -> Option<String> {
        let tag = self.text("language")?.trim().replace('_', "-");
        let is_tag = tag.len() <= 35
            && tag.split('-').all(|part| {
                (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
            })
            && tag.split('-').next().is_some_and(|part| part.len() >= 2);
        if !is_tag {
            self.refuse(
                "language",
                "this must be a language tag, like `en` or `ur-PK`",
            );
        }
        Some(tag).filter(|_| is_tag)
    }

    /// One name or several, each a text or an object with `name`.
    fn names(&mut self, name: &str) -> Vec<String> {
        let list = match self.value(name) {
            None => return Vec::new(),
            Some(Value::Array(list)) => list.as_slice(),
            Some(one) => std::slice::from_ref(one),
        };
        if list.len() > MOST_NAMES {
            self.refuse(name, format!("this may name {MOST_NAMES} at most"));
            return Vec::new();
        }
        let mut names = Vec::with_capacity(list.len());
        for one in list {
            match one.as_str().or_else(|| one.get("name")?.as_str()) {
                Some(text) => names.push(html::escape_text(text)),
                None => self.refuse(name, "these must be strings, or objects with a `name`"),
            }
        }
        names
    }

    /// An address, or an object with `url` and `alt`.
    fn image(&mut self, name: &str) -> Option<Image> {
        let value = self.value(name)?;
        let (url, alt) = match value {
            Value::Object(object) => (object.get("url"), object.get("alt")),
            _ => (Some(value), None),
        };
        let url = url.and_then(Value::as_str).and_then(web_address);
        if url.is_none() {
            self.refuse(
                name,
                "this must be a picture's full web address, or an object with `url` and `alt`",
            );
        }
        let alt = alt.and_then(Value::as_str).unwrap_or_default();
        Some(Image {
            url: url?.into(),
            alt: alt.chars().take(1000).collect(),
        })
    }
}

fn web_address(text: &str) -> Option<Url> {
    let url = Url::parse(text.trim()).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    (is_web && url.as_str().len() <= 2000).then_some(url)
}

/// Plain text as HTML: blank lines part paragraphs.
fn paragraphs(text: &str) -> String {
    let lines = html::escape_text(text.trim()).replace("\r\n", "\n");
    let parts = lines.split("\n\n").map(str::trim).filter(|p| !p.is_empty());
    parts
        .map(|p| format!("<p>{}</p>", p.replace('\n', "<br>")))
        .collect()
}
