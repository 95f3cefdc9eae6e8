//! What a page says of itself in JSON-LD, in the shapes that content systems write and with
//! the mistakes they make.

use serde_json::Value;
use url::Url;

use super::facts::{instant, split_words, tidy};
use crate::domain::{Image, UnixMillis};
use crate::html::text::plain;

/// Objects looked at in one page.
const MOST_OBJECTS: usize = 500;
/// How deep an article may stand in its graph.
const MOST_DEPTH: usize = 6;

/// What a page says of its article.
#[derive(Debug, Clone, Default, PartialEq)]
pub(super) struct Told {
    pub(super) title: Option<String>,
    pub(super) authors: Vec<String>,
    pub(super) topics: Vec<String>,
    pub(super) published: Option<UnixMillis>,
    pub(super) updated: Option<UnixMillis>,
    pub(super) language: Option<String>,
    pub(super) image: Option<Image>,
    pub(super) canonical: Option<Url>,
    pub(super) summary: Option<String>,
    pub(super) site: Option<String>,
    /// The whole text as plain text.
    pub(super) body: Option<String>,
}

/// Reads what the scripts say of an article.
pub(super) fn read(scripts: &[String]) -> Told {
    let documents: Vec<Value> = scripts.iter().filter_map(|s| parse(s)).collect();
    let mut objects = Vec::new();
    for document in &documents {
        gather(document, 0, &mut objects);
    }
    let article = objects.iter().find(|object| is_article(object));
    let Some(article) = article else {
        return Told::default();
    };
    let graph = Graph { objects: &objects };
    let text = |key: &str| line(&article[key]);
    let mut topics = graph.names(&article["articleSection"]);
    topics.extend(match &article["keywords"] {
        Value::String(words) => split_words(words),
        other => graph.names(other),
    });
    Told {
        title: text("headline").or_else(|| text("name")),
        authors: tidy(graph.names(&article["author"]))
            .into_iter()
            .filter(|name| !name.contains("://"))
            .collect(),
        topics: tidy(topics),
        published: text("datePublished").and_then(|date| instant(&date)),
        updated: text("dateModified").and_then(|date| instant(&date)),
        language: text("inLanguage"),
        image: graph.image(&article["image"]),
        canonical: None,
        summary: text("description"),
        site: graph.names(&article["publisher"]).into_iter().next(),
        body: article["articleBody"].as_str().map(str::to_owned),
    }
}

/// JSON, also with what templates leave in it: comment marks, line breaks inside strings,
/// commas before a bracket, a semicolon at the end.
fn parse(script: &str) -> Option<Value> {
    let script = script.trim();
    if let Ok(value) = serde_json::from_str(script) {
        return Some(value);
    }
    let start = script.find(['{', '['])?;
    let end = script.rfind(['}', ']'])?;
    let mended = mend(script.get(start..=end)?);
    serde_json::from_str(&mended).ok()
}

fn mend(json: &str) -> String {
    let mut out = String::with_capacity(json.len());
    let (mut in_string, mut escaped) = (false, false);
    for c in json.chars() {
        if in_string {
            in_string = escaped || c != '"';
            escaped = c == '\\' && !escaped;
            out.push(if c.is_control() { ' ' } else { c });
            continue;
        }
        in_string = c == '"';
        if matches!(c, '}' | ']') {
            let kept = out.trim_end().trim_end_matches(',').len();
            out.truncate(kept);
        }
        out.push(c);
    }
    out
}

fn gather<'v>(value: &'v Value, depth: usize, objects: &mut Vec<&'v Value>) {
    if depth > MOST_DEPTH || objects.len() >= MOST_OBJECTS {
        return;
    }
    match value {
        Value::Array(items) => {
            for item in items.iter().take(MOST_OBJECTS) {
                gather(item, depth + 1, objects);
            }
        }
        Value::Object(_) => {
            objects.push(value);
            for key in [
                "@graph",
                "mainEntity",
                "mainEntityOfPage",
                "itemListElement",
            ] {
                if value[key].is_array() || value[key].is_object() {
                    gather(&value[key], depth + 1, objects);
                }
            }
        }
        _ => {}
    }
}

fn is_article(object: &Value) -> bool {
    let is = |kind: &Value| {
        let kind = kind.as_str().unwrap_or("");
        let kind = kind.rsplit(['/', ':']).next().unwrap_or(kind);
        kind.ends_with("Article") || matches!(kind, "BlogPosting" | "LiveBlogPosting" | "Report")
    };
    match &object["@type"] {
        Value::Array(kinds) => kinds.iter().any(is),
        kind => is(kind),
    }
}

fn line(value: &Value) -> Option<String> {
    let text = match value {
        Value::Array(items) => items.first()?.as_str()?,
        other => other.as_str()?,
    };
    let text: String = text.chars().take(2000).collect();
    Some(plain(&text)).filter(|text| !text.is_empty())
}

/// Objects that name each other by `@id`.
struct Graph<'g, 'v> {
    objects: &'g [&'v Value],
}

impl<'v> Graph<'_, 'v> {
    fn resolve(&self, value: &'v Value) -> &'v Value {
        let id = value["@id"].as_str();
        let is_reference = value.as_object().is_some_and(|object| object.len() <= 2);
        let found = id.filter(|_| is_reference).and_then(|id| {
            let mut others = self.objects.iter();
            others.find(|o| {
                o["@id"].as_str() == Some(id) && o.as_object().is_some_and(|o| o.len() > 2)
            })
        });
        found.copied().unwrap_or(value)
    }

    /// Names of people, organisations or things: texts, objects with a name, lists of them.
    fn names(&self, value: &'v Value) -> Vec<String> {
        let items = match value {
            Value::Array(items) => items.iter().take(30).collect(),
            other => vec![other],
        };
        let name = |item: &'v Value| {
            let item = match item {
                Value::Object(_) => &self.resolve(item)["name"],
                other => other,
            };
            line(item)
        };
        items.into_iter().filter_map(name).collect()
    }

    fn image(&self, value: &'v Value) -> Option<Image> {
        let value = match value {
            Value::Array(items) => items.first()?,
            other => other,
        };
        let value = self.resolve(value);
        let url = value
            .as_str()
            .or_else(|| value["url"].as_str())
            .or_else(|| value["contentUrl"].as_str())?;
        let alt = line(&value["caption"]).unwrap_or_default();
        Some(Image {
            url: url.to_owned(),
            alt,
        })
    }
}
