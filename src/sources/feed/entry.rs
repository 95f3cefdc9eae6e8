//! One entry of feed-rs as an article on its way in.

use feed_rs::model::{self, FeedType};
use url::Url;

use crate::domain::{Entry, Image, UnixMillis, keys_of};
use crate::html;
use crate::sources::names::distinct;
use crate::sources::repair::ItemFacts;

/// What an entry needs to know of its document.
pub(super) struct Context<'a> {
    pub(super) base: &'a Url,
    pub(super) feed: &'a model::Feed,
    pub(super) language: Option<&'a str>,
    /// What feed-rs leaves out of items of XML, in their order.
    pub(super) items: &'a [ItemFacts],
    /// What feed-rs leaves out of JSON items, in their order.
    pub(super) extras: Vec<JsonExtra>,
}

/// What feed-rs leaves out of an item of JSON Feed 1.1.
#[derive(Debug, Default, Clone)]
pub(super) struct JsonExtra {
    image: Option<String>,
    language: Option<String>,
}

/// Reads what feed-rs leaves out, item by item.
pub(super) fn json_extras(text: &str) -> Vec<JsonExtra> {
    let Ok(document) = serde_json::from_str::<serde_json::Value>(text) else {
        return Vec::new();
    };
    let items = document["items"].as_array().map_or(&[][..], Vec::as_slice);
    let text = |item: &serde_json::Value, key: &str| item[key].as_str().map(str::to_owned);
    items
        .iter()
        .map(|item| JsonExtra {
            image: text(item, "image").or_else(|| text(item, "banner_image")),
            language: text(item, "language"),
        })
        .collect()
}

/// A language tag of the right shape (RFC 5646 §2.1), `_` read as `-`.
pub(in crate::sources) fn language_tag(text: &str) -> Option<String> {
    let tag = text.trim().replace('_', "-");
    let is_shape = tag.len() <= 35
        && tag.split('-').all(|part| {
            (1..=8).contains(&part.len()) && part.bytes().all(|b| b.is_ascii_alphanumeric())
        })
        && tag.split('-').next().is_some_and(|p| p.len() >= 2);
    is_shape.then_some(tag)
}

/// Makes an article of the `at`-th entry.
pub(super) fn to_entry(entry: &model::Entry, at: usize, context: &Context<'_>) -> Entry {
    let extra = context.extras.get(at).cloned().unwrap_or_default();
    let guid = Some(entry.id.trim()).filter(|id| !id.is_empty());
    let facts = context.items.get(at);
    let url = link(entry, context).or_else(|| permalink(guid, facts, context));
    let base = url.as_ref().unwrap_or(context.base);
    let content_html = content(entry);
    let summary_html = entry.summary.as_ref().map(|t| markup(t, context));
    let body = content_html
        .as_deref()
        .or(summary_html.as_deref())
        .unwrap_or("");
    let title = title(entry, body, context);
    let published = instant(entry.published).or_else(|| instant(entry.updated));
    let day = published
        .map(|p| p.to_string()[..10].to_owned())
        .unwrap_or_default();
    let link = url.as_ref().map(Url::as_str);
    let in_text = html::first_image(body, Some(base));
    let image = extra
        .image
        .as_deref()
        .and_then(|src| web_address(src, context.base))
        .map(|url| Image {
            url: url.into(),
            alt: String::new(),
        })
        .or_else(|| media_image(entry, context.base))
        .map(|image| with_alt(image, in_text.as_ref()))
        .or(in_text);
    Entry {
        title_is_guessed: false,
        keys: keys_of(guid, link, &html::plain(&title), &day),
        url: url.map(String::from),
        title,
        authors: authors(entry, facts, context.feed),
        topics: topics(entry, facts),
        image,
        language: [
            extra.language.as_deref(),
            entry.language.as_deref(),
            facts.and_then(|f| f.language.as_deref()),
            context.language,
        ]
        .into_iter()
        .flatten()
        .find_map(language_tag),
        published,
        updated: instant(entry.updated),
        summary_html: summary_html.filter(|s| !s.trim().is_empty()),
        content_html,
    }
}

fn instant(time: Option<chrono::DateTime<chrono::Utc>>) -> Option<UnixMillis> {
    time.map(|t| UnixMillis(t.timestamp_millis()))
}

fn web_address(text: &str, base: &Url) -> Option<Url> {
    let url = base.join(text.trim()).ok()?;
    let is_web = matches!(url.scheme(), "http" | "https") && url.host().is_some();
    (is_web && url.as_str().len() <= 2048).then_some(url)
}

/// The address of the article's page: neither its comments, its files, nor the feed itself.
fn link(entry: &model::Entry, context: &Context<'_>) -> Option<Url> {
    let is_page = |link: &&model::Link| {
        let kind = link.media_type.as_deref().unwrap_or("text/html");
        link.target.is_none()
            && matches!(link.rel.as_deref(), None | Some("alternate" | ""))
            && !link.href.trim().is_empty()
            && (kind.contains("html") || kind == "text/plain")
    };
    let mut pages = entry.links.iter().filter(is_page);
    pages.find_map(|link| web_address(&link.href, context.base))
}

/// RSS 2.0: a guid is the article's address unless it says otherwise.
fn permalink(guid: Option<&str>, facts: Option<&ItemFacts>, context: &Context<'_>) -> Option<Url> {
    let guid = guid.filter(|_| facts.is_none_or(|f| f.is_permalink != Some(false)))?;
    let url = Url::parse(guid).ok()?;
    web_address(url.as_str(), context.base)
}

/// A text as HTML. RSS does not say whether its texts are HTML, so they are; Atom and JSON
/// Feed do, and what they call plain text is escaped.
fn markup(text: &model::Text, context: &Context<'_>) -> String {
    let says = matches!(context.feed.feed_type, FeedType::Atom | FeedType::JSON);
    if says && text.content_type.to_string().starts_with("text/plain") {
        paragraphs(&text.content)
    } else {
        text.content.clone()
    }
}

fn content(entry: &model::Entry) -> Option<String> {
    let content = entry.content.as_ref()?;
    let body = content.body.as_deref().filter(|b| !b.trim().is_empty())?;
    let kind = content.content_type.to_string();
    if kind.starts_with("text/plain") {
        Some(paragraphs(body))
    } else if kind.contains("html") || kind.contains("xml") {
        Some(body.to_owned())
    } else {
        // A film or a picture in base64 is nothing to read.
        None
    }
}

/// Plain text as HTML: blank lines part paragraphs.
fn paragraphs(text: &str) -> String {
    let lines = html::escape_text(text.trim()).replace("\r\n", "\n");
    if !lines.contains('\n') {
        return lines;
    }
    let parts = lines.split("\n\n").map(str::trim).filter(|p| !p.is_empty());
    parts
        .map(|p| format!("<p>{}</p>", p.replace('\n', "<br>")))
        .collect()
}

/// The title; the first words of the text where there is none, as in microblogs.
fn title(entry: &model::Entry, body: &str, context: &Context<'_>) -> String {
    let own = entry
        .title
        .as_ref()
        .map(|t| markup(t, context))
        .unwrap_or_default();
    if html::plain(&own).is_empty() {
        html::escape_text(&html::first_sentences(&html::plain(body), 80))
    } else {
        own
    }
}

fn authors(entry: &model::Entry, facts: Option<&ItemFacts>, feed: &model::Feed) -> Vec<String> {
    let people = if entry.authors.is_empty() {
        &feed.authors
    } else {
        &entry.authors
    };
    let own = facts
        .and_then(|f| f.author.as_deref())
        .filter(|_| entry.authors.is_empty());
    let named = people.iter().filter_map(|person| person.name.as_deref());
    let names = own.into_iter().chain(named.filter(|_| own.is_none()));
    let tidy = names.map(|name| {
        let name = html::plain(name);
        // What is left around an address that was cut out.
        name.trim_matches(|c: char| " ()<>[],;:،؛“”\"".contains(c))
            .to_owned()
    });
    // An address is nobody's by-line and a present to harvesters.
    distinct(tidy.filter(|name| !name.contains('@')), 20)
}

fn topics(entry: &model::Entry, facts: Option<&ItemFacts>) -> Vec<String> {
    let labels = entry.categories.iter().map(|category| {
        let label = category.label.as_deref().filter(|l| !l.trim().is_empty());
        html::plain(label.unwrap_or(&category.term))
    });
    let subjects = facts.map_or(&[][..], |f| &f.subjects);
    let subjects = subjects.iter().map(|subject| html::plain(subject));
    let all = labels.chain(subjects);
    distinct(all.filter(|topic| !topic.starts_with("http")), 50)
}

/// The largest picture among an entry's media and enclosures; thumbnails only without one.
fn media_image(entry: &model::Entry, base: &Url) -> Option<Image> {
    let mut best: Option<(u32, Image)> = None;
    for media in &entry.media {
        let words = [&media.description, &media.title];
        let alt = words
            .into_iter()
            .flatten()
            .map(|t| html::plain(&t.content))
            .find(|t| !t.is_empty());
        let full = media.content.iter().filter_map(|content| {
            let url = content.url.as_ref()?;
            let kind = content.content_type.as_ref().map(ToString::to_string);
            is_picture(kind.as_deref(), url)
                .then(|| (url.to_string(), content.width.unwrap_or(600)))
        });
        let small = media.thumbnails.iter().map(|thumbnail| {
            // Any full picture is better than any thumbnail.
            (
                thumbnail.image.uri.clone(),
                thumbnail.image.width.unwrap_or(1).min(100),
            )
        });
        for (src, width) in full.chain(small) {
            let is_better = best.as_ref().is_none_or(|(w, _)| width > *w);
            if is_better && let Some(url) = web_address(&src, base) {
                let alt = alt.clone().unwrap_or_default();
                best = Some((
                    width,
                    Image {
                        url: url.into(),
                        alt,
                    },
                ));
            }
        }
    }
    let linked = entry.links.iter().find_map(|link| {
        let kind = link.media_type.as_deref()?;
        let is_file = matches!(link.rel.as_deref(), None | Some("enclosure"));
        let url = web_address(&link.href, base)?;
        let alt = link.title.as_deref().map(html::plain).unwrap_or_default();
        (is_file && kind.starts_with("image/")).then(|| Image {
            url: url.into(),
            alt,
        })
    });
    best.map(|(_, image)| image).or(linked)
}

fn is_picture(kind: Option<&str>, url: &Url) -> bool {
    let path = url.path().to_ascii_lowercase();
    match kind {
        Some(kind) => kind.starts_with("image/") && !kind.contains("svg"),
        None => [".jpg", ".jpeg", ".png", ".webp", ".gif", ".avif"]
            .iter()
            .any(|e| path.ends_with(e)),
    }
}

/// Media have no description for those who do not see them; the same picture in the text may.
fn with_alt(image: Image, in_text: Option<&Image>) -> Image {
    match in_text {
        Some(same) if image.alt.is_empty() && same.url == image.url => same.clone(),
        _ => image,
    }
}
