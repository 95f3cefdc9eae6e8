//! One article's web page, read: for sources that name pages and not their text.
//!
//! The page is fetched by the guarded client like everything else, must be HTML, and is read
//! off the async threads by [`crate::html::extract`].

use std::time::Duration;

use url::Url;

use crate::config::{Problem, SourceConfig};
use crate::domain::{Entry, IdentityKey, KeyKind, keys_of, normalise_url};
use crate::html::escape_text;
use crate::html::extract::{MAX_PAGE_BYTES, Page, PageRules, decode, extract};
use crate::net::{Client, Conditions, Limits};

use super::PollError;

const ACCEPT: &str = "text/html, application/xhtml+xml;q=0.9";
/// The longest a page may take.
const TIME: Duration = Duration::from_secs(30);

/// A page and where it was found.
#[derive(Debug, Clone)]
pub struct Read {
    /// What it holds.
    pub page: Page,
    /// The address that answered, after redirects.
    pub url: Url,
}

/// The rules that a source's table has for its pages.
///
/// # Errors
/// Each rule that cannot be read, at its place.
pub fn rules(config: &SourceConfig) -> Result<PageRules, Vec<Problem>> {
    let mut problems = Vec::new();
    for (key, rules) in [("select", &config.select), ("strip", &config.strip)] {
        for rule in rules {
            if let Err(error) = PageRules::new(&[rule], &[]) {
                let help = "write it as in a style sheet, like \".story-body\" or \
                            \"div.promo, #newsletter\"; `:has()` is not understood";
                let help = Some(help.to_owned());
                problems.push(
                    config
                        .settings
                        .problem_at(key, rule, error.to_string(), help),
                );
            }
        }
    }
    if !problems.is_empty() {
        return Err(problems);
    }
    Ok(PageRules::new(&config.select, &config.strip).unwrap_or_default())
}

/// Fetches and reads the page at `url`.
///
/// # Errors
/// Why it could not be fetched, or that there is no article in it.
pub async fn read(client: &Client, url: &Url, rules: &PageRules) -> Result<Read, PollError> {
    let conditions = Conditions {
        accept: Some(ACCEPT),
        ..Conditions::default()
    };
    let limits = Limits {
        bytes: MAX_PAGE_BYTES,
        time: TIME,
        redirects: 5,
    };
    let fetched = client.get(url, &conditions, &limits).await?;
    let at = fetched.final_url.clone();
    let kind = fetched.content_type.as_deref().unwrap_or("text/html");
    let kind = kind.split(';').next().unwrap_or("").trim().to_lowercase();
    if !matches!(kind.as_str(), "text/html" | "application/xhtml+xml") {
        let kind: String = kind.chars().take(60).collect();
        return Err(PollError::new(format!("{at} is no web page but `{kind}`")));
    }
    let rules = rules.clone();
    let work = move || {
        let text = decode(&fetched.body, fetched.content_type.as_deref());
        let read = || extract(&text, &fetched.final_url, &rules);
        std::panic::catch_unwind(std::panic::AssertUnwindSafe(read))
    };
    // A parser of strangers' input may panic; that costs the page and not the source.
    match tokio::task::spawn_blocking(work).await {
        Ok(Ok(Ok(page))) => Ok(Read { page, url: at }),
        Ok(Ok(Err(why))) => Err(PollError::new(format!("{at}: {why}"))),
        Ok(Err(_)) | Err(_) => {
            let why = format!("{at}: the reader of pages broke down on it");
            Err(PollError::new(why))
        }
    }
}

/// The article of a page that nothing else is known of.
///
/// # Errors
/// As [`read`].
pub async fn entry(client: &Client, url: &Url, rules: &PageRules) -> Result<Entry, PollError> {
    let read = read(client, url, rules).await?;
    let title = read.page.title.clone().unwrap_or_default();
    let mut entry = Entry {
        keys: keys_of(None, Some(read.url.as_str()), &title, ""),
        url: Some(read.url.to_string()),
        ..Entry::default()
    };
    complete(&mut entry, &read);
    Ok(entry)
}

/// Gives an entry the text of its page, and of the page's facts those it has not itself.
pub fn complete(entry: &mut Entry, read: &Read) {
    let page = &read.page;
    entry.content_html = Some(page.content_html.clone());
    if (entry.title_is_guessed || entry.title.trim().is_empty())
        && let Some(title) = page.title.as_deref()
    {
        entry.title = escape_text(title);
    }
    if entry.summary_html.is_none() {
        entry.summary_html = page.summary.as_deref().map(escape_text);
    }
    if entry.authors.is_empty() {
        entry.authors.clone_from(&page.authors);
    }
    if entry.topics.is_empty() {
        entry.topics.clone_from(&page.topics);
    }
    match (&mut entry.image, &page.image) {
        (Some(own), Some(image)) if own.alt.is_empty() && own.url == image.url => {
            own.alt.clone_from(&image.alt);
        }
        (own @ None, image) => own.clone_from(image),
        _ => {}
    }
    entry.language = entry.language.take().or_else(|| page.language.clone());
    entry.published = entry.published.or(page.published);
    entry.updated = entry.updated.or(page.updated);
    if let Some(key) = canonical_key(entry.url.as_deref(), read)
        && !entry.keys.contains(&key)
    {
        entry.keys.push(key);
    }
}

/// The name a page has by its own word, where that is about this page: sites point whole
/// sections to their home page by mistake, and all their articles would be one.
fn canonical_key(url: Option<&str>, read: &Read) -> Option<IdentityKey> {
    let canonical = read.page.canonical.as_ref()?;
    let normal = normalise_url(canonical.as_str())?;
    let own = [url, Some(read.url.as_str())].into_iter().flatten();
    let is_own = own.filter_map(normalise_url).any(|own| own == normal);
    let name = |url: &Url| {
        let segments = url.path_segments()?;
        segments
            .filter(|s| s.len() >= 8 && !s.starts_with("index."))
            .max_by_key(|s| s.len())
            .map(str::to_owned)
    };
    let named = name(canonical);
    let addresses = [url.and_then(|u| Url::parse(u).ok()), Some(read.url.clone())];
    let shares = named.is_some() && addresses.iter().flatten().any(|own| name(own) == named);
    (is_own || shares).then(|| IdentityKey::new(KeyKind::Canonical, &normal))
}

#[cfg(test)]
mod tests;
