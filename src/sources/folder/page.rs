//! One file as an article on its way in.

use jiff::tz::TimeZone;
use url::Url;

use super::fields::{Fields, fields};
use super::front_matter;
use super::markdown;
use super::place::{Parts, Place, permalink, place};
use super::shortcodes::{AddressOf, expand};
use crate::domain::{Entry, IdentityKey, Image, KeyKind, UnixMillis, normalise_url};
use crate::html;
use crate::sources::feed::language_tag;

/// How the folder's site makes addresses, and its clock.
#[derive(Debug, Clone)]
pub(super) struct Site {
    /// The address that pages' paths are below; without it pages have none of their own.
    pub(super) base: Option<Url>,
    /// The pattern of a page's path.
    pub(super) permalink: Option<String>,
    /// The language of pages without one; a page in another has it in its path.
    pub(super) language: String,
    pub(super) zone: TimeZone,
}

/// What a file says.
#[derive(Debug)]
pub(super) struct Reading {
    pub(super) entry: Entry,
    /// The name it is known by.
    pub(super) identity: String,
    pub(super) expires: Option<UnixMillis>,
    /// Why it is no article, if it says so.
    pub(super) kept_back: Option<&'static str>,
    /// What is odd in it, with the line.
    pub(super) notes: Vec<(usize, String)>,
}

/// Whether an identity was given by the author, and so is nobody else's.
pub(super) fn is_given(identity: &str) -> bool {
    identity.starts_with("id:")
}

/// The identity of a page that has nothing but its path.
pub(super) fn path_identity(place: &Place) -> String {
    let mut parts = place.sections.clone();
    parts.push(place.slug.clone());
    format!(
        "path:{}{}",
        parts.join("/"),
        suffix(place.language.as_deref())
    )
}

fn suffix(language: Option<&str>) -> String {
    language.map(|tag| format!("@{tag}")).unwrap_or_default()
}

/// Reads the text of the file at `path`, whose place is `place`.
///
/// # Errors
/// The line and what is wrong with its front matter.
pub(super) fn read(
    path: &str,
    at: &Place,
    text: &str,
    site: &Site,
) -> Result<Reading, front_matter::FrontMatterError> {
    let page = front_matter::read(text)?;
    let (fields, mut notes) = fields(&page, &site.zone, at.is_jekyll);
    let folder = path.rsplit_once('/').map_or("", |(folder, _)| folder);
    let address_of = |target: &str| address_of(folder, target, site);
    let expanded = expand(page.body, &address_of);
    if !expanded.unknown.is_empty() {
        let names: Vec<String> = expanded.unknown.iter().map(|n| format!("`{n}`")).collect();
        let message = format!(
            "shortcodes that only the site's own program can render were left out: {}",
            names.join(", ")
        );
        notes.push((page.body_line, message));
    }
    let title = fields.title.as_deref();
    let (summary, body, heading) = rendered(at, expanded.text, title, &address_of);
    let title = fields.title.clone().or(heading);
    let title = title.unwrap_or_else(|| at.slug.replace(['-', '_'], " "));
    let language = at
        .language
        .clone()
        .or_else(|| fields.language.as_deref().and_then(language_tag));
    let identity = match (&fields.id, &fields.slug) {
        (Some(id), _) => format!("id:{id}{}", suffix(language.as_deref())),
        (None, Some(slug)) => format!("slug:{slug}{}", suffix(language.as_deref())),
        (None, None) => path_identity(at),
    };
    let url = address(&fields, at, &title, language.as_deref(), site);
    let day = || {
        let day = at.day?.to_zoned(site.zone.clone()).ok()?;
        Some(UnixMillis::from(day.timestamp()))
    };
    let entry = Entry {
        title_is_guessed: false,
        keys: keys(&identity, url.as_ref(), &fields, site),
        title: html::escape_text(&title),
        image: image(&fields, &body, url.as_ref().or(site.base.as_ref())),
        url: url.map(String::from),
        summary_html: fields.summary.as_deref().map(html::escape_text).or(summary),
        content_html: Some(body),
        authors: fields.authors,
        topics: fields.topics,
        language,
        published: fields.published.or_else(day),
        updated: fields.updated,
    };
    Ok(Reading {
        entry,
        identity,
        expires: fields.expires,
        kept_back: fields.kept_back,
        notes,
    })
}

/// A page's summary and text as HTML, and its first heading.
fn rendered(
    at: &Place,
    text: String,
    title: Option<&str>,
    address_of: AddressOf<'_>,
) -> (Option<String>, String, Option<String>) {
    if at.is_html {
        return (None, text, None);
    }
    let page = markdown::render(&text, title, address_of);
    let title = title.or(page.heading.as_deref());
    let summary = before_more(&text).map(|text| markdown::render(text, title, address_of).html);
    (summary, page.html, page.heading)
}

/// The part of a text above `<!--more-->`.
fn before_more(text: &str) -> Option<&str> {
    let at = text
        .find("<!--more-->")
        .or_else(|| text.find("<!-- more -->"))?;
    Some(&text[..at])
}

fn keys(identity: &str, url: Option<&Url>, fields: &Fields, site: &Site) -> Vec<IdentityKey> {
    let mut keys = vec![IdentityKey::new(KeyKind::Guid, identity)];
    let former = fields.aliases.iter().filter_map(|alias| below(site, alias));
    for address in url.cloned().into_iter().chain(former) {
        let key = normalise_url(address.as_str()).map(|u| IdentityKey::new(KeyKind::Link, &u));
        if let Some(key) = key.filter(|key| !keys.contains(key)) {
            keys.push(key);
        }
    }
    keys
}

/// A path of the site as its address; an address as it is.
fn below(site: &Site, path: &str) -> Option<Url> {
    if let Ok(url) = Url::parse(path) {
        return matches!(url.scheme(), "http" | "https").then_some(url);
    }
    let base = site.base.as_ref()?;
    // A base without a slash at its end names a folder all the same.
    let mut folder = base.clone();
    if !folder.path().ends_with('/') {
        folder.set_path(&format!("{}/", base.path()));
    }
    let path = path.trim_start_matches('/');
    let url = folder.join(&format!("./{path}")).ok()?;
    (url.origin() == base.origin()).then_some(url)
}

/// The page's address: the original's, the one it names, or the one its place makes.
fn address(
    fields: &Fields,
    at: &Place,
    title: &str,
    language: Option<&str>,
    site: &Site,
) -> Option<Url> {
    let canonical = fields.canonical.as_deref().and_then(|c| Url::parse(c).ok());
    if let Some(url) = canonical.filter(|u| matches!(u.scheme(), "http" | "https")) {
        return Some(url);
    }
    let slug = match &fields.slug {
        Some(slug) => slug.clone(),
        None if at.is_jekyll => at.slug.clone(),
        None => urlised(&at.slug),
    };
    let is_other = |tag: &str| !site.language.eq_ignore_ascii_case(tag);
    let published = fields
        .published
        .map(|p| p.timestamp().to_zoned(site.zone.clone()).date());
    let parts = Parts {
        place: at,
        slug: &slug,
        title,
        day: published.or(at.day),
        categories: &fields.categories,
        language: at
            .language
            .as_deref()
            .or(language)
            .filter(|tag| at.language.is_some() && is_other(tag)),
    };
    let pattern = match fields.address.as_deref() {
        Some("pretty") => "/:categories/:year/:month/:day/:title/",
        Some("date") => "/:categories/:year/:month/:day/:title.html",
        Some("none") => "/:categories/:title.html",
        Some(address) if address.contains("://") => return below(site, address),
        Some(address) => address,
        None => match site.permalink.as_deref() {
            Some(pattern) => pattern,
            None if at.is_jekyll => "/:categories/:year/:month/:day/:title.html",
            None => "/:lang/:sections/:slug/",
        },
    };
    let mut path = permalink(pattern, &parts);
    // Zola's `path` has no slash at its end, its addresses do.
    let last = path.rsplit('/').next().unwrap_or_default();
    if !path.ends_with('/') && !last.contains('.') {
        path.push('/');
    }
    below(site, &path)
}

/// A file's name in an address, as Hugo and Zola write it.
fn urlised(name: &str) -> String {
    let words: Vec<String> = name.split_whitespace().map(str::to_lowercase).collect();
    words.join("-")
}

/// The address of another page of the folder, by its path from the page's own folder or from
/// the root.
fn address_of(folder: &str, target: &str, site: &Site) -> Option<String> {
    let mut parts: Vec<&str> = match target.starts_with('.') {
        true => folder.split('/').collect(),
        false if target.contains('/') => Vec::new(),
        false => folder.split('/').collect(),
    };
    for part in target.split('/') {
        match part {
            "" | "." => {}
            ".." => drop(parts.pop()),
            part => parts.push(part),
        }
    }
    parts.retain(|part| !part.is_empty());
    let mut path = parts.join("/");
    if !path.contains('.') {
        path.push_str(".md");
    }
    let at = place(&path)?;
    let url = address(&Fields::default(), &at, &at.slug.clone(), None, site)?;
    Some(url.into())
}

fn image(fields: &Fields, body: &str, base: Option<&Url>) -> Option<Image> {
    let in_text = html::first_image(body, base);
    let Some((src, alt)) = &fields.image else {
        return in_text;
    };
    let url = match base {
        Some(base) => base.join(src).ok()?,
        None => Url::parse(src).ok()?,
    };
    if !matches!(url.scheme(), "http" | "https") {
        return in_text;
    }
    let url = String::from(url);
    let alt = match in_text.filter(|same| alt.is_empty() && same.url == url) {
        Some(same) => same.alt,
        None => alt.clone(),
    };
    Some(Image { url, alt })
}

#[cfg(test)]
mod tests;
