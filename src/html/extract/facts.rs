//! What a page says of itself outside its text: `<meta>`, `<link>`, `<time>`, `<html>`.

use std::collections::BTreeMap;

use url::Url;

use super::json_ld::{self, Told};
use crate::domain::{Image, UnixMillis};
use crate::html::allow::resolve;
use crate::html::text::plain;
use crate::html::tokens::Element;

/// Longer values of `<meta>` are cut off.
const MAX_VALUE: usize = 2000;
/// `<meta>` elements looked at.
const MOST_METAS: usize = 300;
/// Bytes of JSON-LD read of one page.
const MAX_JSON: usize = 512 * 1024;
/// Scripts of JSON-LD read of one page.
const MOST_SCRIPTS: usize = 20;

/// Facts as they are met.
#[derive(Default)]
pub(super) struct Facts {
    url: Option<Url>,
    metas: BTreeMap<String, Vec<String>>,
    met: usize,
    pub(super) language: Option<String>,
    pub(super) direction: Option<String>,
    canonical: Option<Url>,
    title: String,
    times: Vec<(bool, String)>,
    scripts: Vec<String>,
    json_bytes: usize,
    /// The script being read is JSON-LD.
    in_json: bool,
    titled: bool,
}

impl Facts {
    pub(super) fn new(url: &Url) -> Self {
        Self {
            url: Some(url.clone()),
            ..Self::default()
        }
    }

    /// A start tag.
    pub(super) fn see(&mut self, element: Element<'_>) {
        match element.name() {
            "html" | "body" => self.root(element),
            "meta" => self.meta(element),
            "link" => self.link(element),
            "time" => self.time(element),
            "script" => {
                let kind = element.attribute("type").unwrap_or("");
                let is_json = kind.trim().eq_ignore_ascii_case("application/ld+json");
                self.in_json = is_json && self.scripts.len() < MOST_SCRIPTS;
                if self.in_json {
                    self.scripts.push(String::new());
                }
            }
            _ => {}
        }
    }

    fn root(&mut self, element: Element<'_>) {
        let of = |name: &str| {
            let value = element.attribute(name)?.trim();
            (!value.is_empty() && value.len() <= 40).then(|| value.to_owned())
        };
        self.language = self.language.take().or_else(|| of("lang"));
        self.direction = self.direction.take().or_else(|| of("dir"));
    }

    fn meta(&mut self, element: Element<'_>) {
        self.met += 1;
        let Some(content) = element.first_of(&["content"]) else {
            return;
        };
        if self.met > MOST_METAS {
            return;
        }
        let content: String = content.trim().chars().take(MAX_VALUE).collect();
        for name in ["property", "name", "itemprop"] {
            if let Some(names) = element.attribute(name).filter(|n| n.len() <= 100) {
                for name in names.split_whitespace() {
                    let values = self.metas.entry(name.to_ascii_lowercase()).or_default();
                    values.push(content.clone());
                }
            }
        }
    }

    fn link(&mut self, element: Element<'_>) {
        let rel = element.attribute("rel").unwrap_or("");
        let is_canonical = rel
            .split_whitespace()
            .any(|r| r.eq_ignore_ascii_case("canonical"));
        if is_canonical && self.canonical.is_none() {
            let href = element.attribute("href");
            self.canonical = href.and_then(|href| self.address(href));
        }
    }

    fn time(&mut self, element: Element<'_>) {
        if self.times.len() >= 50 {
            return;
        }
        if let Some(date) = element.first_of(&["datetime"]) {
            let class = element.attribute("class").unwrap_or("");
            let prop = element.attribute("itemprop").unwrap_or("");
            let is_marked = element.attribute("pubdate").is_some()
                || prop.contains("datePublished")
                || class.contains("published")
                || class.contains("entry-date");
            let is_change = prop.contains("dateModified") || class.contains("updated");
            if !is_change || is_marked {
                self.times.push((is_marked, date.to_owned()));
            }
        }
    }

    /// Text inside a title or a script.
    pub(super) fn raw_text(&mut self, element: &str, text: &str) {
        if element == "title" {
            if !self.titled && self.title.len() < MAX_VALUE {
                self.title.push_str(text);
            }
        } else if self.in_json
            && let Some(script) = self.scripts.last_mut()
        {
            self.json_bytes += text.len();
            if self.json_bytes <= MAX_JSON {
                script.push_str(text);
            }
        }
    }

    pub(super) fn raw_end(&mut self) {
        self.titled |= !self.title.is_empty();
        self.in_json = false;
    }

    /// Everything, the most reliable word first.
    pub(super) fn told(&self) -> Told {
        let ld = json_ld::read(&self.scripts);
        let first = |names: &[&str]| self.first(names);
        let image = first(&["og:image:secure_url", "og:image", "og:image:url"])
            .or_else(|| first(&["twitter:image", "twitter:image:src", "image"]));
        let image = image.and_then(|src| self.image(&src)).map(|url| Image {
            url,
            alt: plain(&first(&["og:image:alt", "twitter:image:alt"]).unwrap_or_default()),
        });
        let ld_image = ld.image.as_ref().and_then(|image| {
            let url = self.image(&image.url)?;
            let alt = image.alt.clone();
            Some(Image { url, alt })
        });
        Told {
            title: first(&["og:title"])
                .or_else(|| ld.title.clone())
                .or_else(|| first(&["twitter:title"]))
                .or_else(|| Some(self.title.trim().to_owned()).filter(|t| !t.is_empty())),
            authors: some_list(ld.authors.clone()).unwrap_or_else(|| self.authors()),
            topics: self.topics(&ld),
            published: self.published().or(ld.published),
            updated: first(&["article:modified_time", "datemodified", "og:updated_time"])
                .and_then(|date| instant(&date))
                .or(ld.updated),
            language: self
                .language
                .clone()
                .or_else(|| ld.language.clone())
                .or_else(|| first(&["og:locale", "content-language", "inlanguage"])),
            image: image.or(ld_image),
            canonical: self.canonical.clone().or_else(|| {
                let own = first(&["og:url"])?;
                self.address(&own)
            }),
            summary: first(&["og:description", "description", "twitter:description"])
                .or_else(|| ld.summary.clone()),
            site: first(&["og:site_name", "application-name"]).or_else(|| ld.site.clone()),
            body: ld.body,
        }
    }

    fn first(&self, names: &[&str]) -> Option<String> {
        let mut values = names.iter().filter_map(|name| self.metas.get(*name));
        values.find_map(|v| v.first().cloned())
    }

    fn image(&self, src: &str) -> Option<String> {
        let url = self.address(src)?;
        matches!(url.scheme(), "http" | "https").then(|| url.into())
    }

    fn address(&self, text: &str) -> Option<Url> {
        let url = resolve(text, self.url.as_ref())?;
        matches!(url.scheme(), "http" | "https").then_some(url)
    }

    fn authors(&self) -> Vec<String> {
        let names = [
            "author",
            "article:author",
            "parsely-author",
            "dc.creator",
            "byl",
        ];
        let values = names
            .iter()
            .filter_map(|name| self.metas.get(*name))
            .flatten();
        let is_name = |name: &&String| !name.contains("://") && !name.starts_with('@');
        let mut found: Vec<String> = values.filter(is_name).map(|n| plain(n)).collect();
        if found.is_empty()
            && let Some(label) = self.first(&["twitter:label1"])
            && ["Written by", "Author", "تحریر"].contains(&label.trim())
        {
            found.extend(self.first(&["twitter:data1"]).map(|n| plain(&n)));
        }
        found.dedup();
        found.truncate(10);
        found
    }

    fn topics(&self, ld: &Told) -> Vec<String> {
        let of = |name: &str| self.metas.get(name).cloned().unwrap_or_default();
        let mut found = of("article:section");
        found.extend(of("article:tag"));
        found.extend(ld.topics.iter().cloned());
        if found.is_empty() {
            let words = self.first(&["news_keywords", "parsely-tags", "keywords"]);
            found.extend(split_words(&words.unwrap_or_default()));
        }
        tidy(found)
    }

    fn published(&self) -> Option<UnixMillis> {
        let named = [
            "article:published_time",
            "datepublished",
            "parsely-pub-date",
            "dc.date.issued",
            "dc.date",
            "pubdate",
            "publishdate",
        ];
        let named = named.iter().filter_map(|name| self.first(&[name]));
        let mut marked = self.times.iter().filter(|(is_marked, _)| *is_marked);
        let only = (self.times.len() == 1).then(|| &self.times[0].1);
        let time = marked.next().map(|(_, date)| date).or(only);
        named.chain(time.cloned()).find_map(|date| instant(&date))
    }
}

fn some_list(list: Vec<String>) -> Option<Vec<String>> {
    (!list.is_empty()).then_some(list)
}

/// Words in one text, apart by commas of any script.
pub(super) fn split_words(text: &str) -> Vec<String> {
    text.split([',', '،', ';', '؛'])
        .map(str::to_owned)
        .collect()
}

/// One-line names without repetitions.
pub(super) fn tidy(names: Vec<String>) -> Vec<String> {
    let mut out: Vec<String> = Vec::new();
    for name in names {
        let name = plain(&name);
        if !name.is_empty() && name.chars().count() <= 100 && !out.contains(&name) && out.len() < 20
        {
            out.push(name);
        }
    }
    out
}

/// A date of a page: RFC 3339 or RFC 2822; without a zone it is UTC, without a time midnight.
pub(super) fn instant(text: &str) -> Option<UnixMillis> {
    let text = text.trim();
    if text.is_empty() || text.len() > 60 {
        return None;
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant.into());
    }
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return Some(zoned.timestamp().into());
    }
    let local = text.parse::<jiff::civil::DateTime>().or_else(|_| {
        Ok::<_, jiff::Error>(
            text.parse::<jiff::civil::Date>()?
                .to_datetime(jiff::civil::Time::midnight()),
        )
    });
    let zoned = local.ok()?.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(zoned.timestamp().into())
}
