//! What a site offers as a source: its feeds, its REST interface, its news sitemaps.
//!
//! One fetch of the address that was given answers most of it; what it leads to is asked once
//! each, within bounds, and judged by what comes. Nothing is fetched twice.

mod finder;
mod offer;
mod page;
mod robots;

use url::Url;

use self::finder::{Finder, Look};
use self::page::{USUAL, feeds_of_languages, home_of, named_feeds, usual_languages, usual_places};
use super::wordpress::rest;
use super::{feed, sitemap, wordpress};
use crate::html::{self, Head};
use crate::net::{Client, FetchError, Fetched};

pub use finder::Tried;
pub use offer::{Newest, Offer, Text};
pub(super) use page::is_page;

/// Sitemaps looked at.
const MOST_SITEMAPS: usize = 4;

/// What was found.
#[derive(Debug, serde::Serialize)]
pub struct Discovery {
    /// The address that answered.
    pub url: Url,
    /// The site's name.
    pub name: Option<String>,
    /// The page's language, BCP 47.
    pub language: Option<String>,
    /// What it offers, the best first.
    pub offers: Vec<Offer>,
    /// What else was looked at, and what came of it.
    pub tried: Vec<Tried>,
}

/// Looks at what the site at `url` offers.
///
/// # Errors
/// The address itself cannot be fetched: why, in words.
pub async fn discover(client: &Client, url: &Url) -> Result<Discovery, FetchError> {
    let mut finder = Finder::new(client);
    let first = finder.first(url).await?;
    let at = first.final_url.clone();
    if !is_page(&first.body) {
        return Ok(not_a_page(first, finder));
    }
    let page = String::from_utf8_lossy(&first.body).into_owned();
    let head = html::head(&page, &at);
    let mut offers = Vec::new();
    let language = head.language.as_deref().and_then(feed::language_tag);
    offers.extend(look_at_interface(&mut finder, &first, &head, language.clone()).await);
    let named = named_feeds(&first, &head);
    for (url, language) in &named {
        look_at_feed(
            &mut finder,
            url,
            language.as_deref(),
            Look::Following,
            &mut offers,
        )
        .await;
    }
    let mut of_languages = feeds_of_languages(&head, &at);
    if of_languages.is_empty() && offers.iter().any(|offer| offer.kind == "wordpress") {
        of_languages = usual_languages(&at, language.as_deref());
    }
    for (url, language) in of_languages {
        look_at_feed(
            &mut finder,
            &url,
            Some(&language),
            Look::Following,
            &mut offers,
        )
        .await;
    }
    if !offers.iter().any(|offer| offer.kind == "feed") {
        for url in usual_places(&at) {
            look_at_feed(&mut finder, &url, None, Look::Straight, &mut offers).await;
            if offers.iter().any(|offer| offer.kind == "feed") {
                break;
            }
        }
    }
    look_at_sitemaps(&mut finder, &at, &mut offers).await;
    offer::order(&mut offers, language.as_deref());
    Ok(Discovery {
        url: at,
        name: head.name,
        language,
        offers,
        tried: finder.tried,
    })
}

/// The feed of a page that stands in its place: the first that the page names, or that is in
/// a usual place. Why there is none, otherwise.
pub(super) async fn feed_of_page(client: &Client, page: &Fetched) -> Result<Fetched, String> {
    let text = String::from_utf8_lossy(&page.body);
    let head = html::head(&text, &page.final_url);
    let mut finder = Finder::new(client);
    finder.mark(&page.final_url);
    let named = named_feeds(page, &head);
    for (url, _) in &named {
        if let Some(fetched) = finder.get(url, Look::Following).await {
            match feed::examine(&fetched) {
                Ok(_) => return Ok(fetched),
                Err(why) => finder.tell(url, &why),
            }
        }
    }
    for url in USUAL
        .iter()
        .filter_map(|path| page.final_url.join("/").ok()?.join(path).ok())
    {
        if let Some(fetched) = finder.get(&url, Look::Straight).await
            && !is_page(&fetched.body)
            && feed::examine(&fetched).is_ok()
        {
            return Ok(fetched);
        }
    }
    let named = match named.len() {
        0 => "it names no feed".to_owned(),
        n => format!("the {n} feeds that it names cannot be read"),
    };
    Err(format!(
        "{named}, and there is none at the usual places ({}); look for the address of its feed, \
         or try `courant discover`",
        USUAL[..4].join(", ")
    ))
}

/// The REST interface of a page that names one, or whose generator is WordPress.
async fn look_at_interface(
    finder: &mut Finder<'_>,
    page: &Fetched,
    head: &Head,
    language: Option<String>,
) -> Option<Offer> {
    let is_wordpress = head
        .generator
        .as_deref()
        .is_some_and(|g| g.to_ascii_lowercase().contains("wordpress"));
    let mut roots = rest::named_by(page);
    if roots.is_empty() && !is_wordpress {
        return None;
    }
    let home = home_of(&page.final_url, head);
    if roots.is_empty() {
        roots.extend(home.join("wp-json/").ok());
    }
    match wordpress::probe(finder.client, &home, roots).await {
        Ok(found) if !found.entries.is_empty() => Some(Offer::wordpress(
            home,
            found.total,
            &found.entries,
            language,
        )),
        Ok(_) => {
            finder.tell(&home, "its REST interface has no posts");
            None
        }
        Err(why) => {
            finder.tell(&home, &format!("its REST interface is closed: {why}"));
            None
        }
    }
}

/// What is no page is a feed or a sitemap, or nothing.
fn not_a_page(first: Fetched, mut finder: Finder<'_>) -> Discovery {
    let at = first.final_url.clone();
    let mut offers = Vec::new();
    match feed::examine(&first) {
        Ok((entries, language)) => offers.push(Offer::feed(at.clone(), &entries, language)),
        Err(no_feed) => match sitemap::examine(first.body, &at) {
            Ok(found) => offers.push(Offer::sitemap(at.clone(), &found.entries, found.is_news)),
            Err(no_sitemap) => {
                finder.tell(&at, &no_feed);
                finder.tell(&at, &no_sitemap);
            }
        },
    }
    offer::order(&mut offers, None);
    Discovery {
        url: at,
        name: None,
        language: offers.first().and_then(|offer| offer.language.clone()),
        offers,
        tried: finder.tried,
    }
}

async fn look_at_feed(
    finder: &mut Finder<'_>,
    url: &Url,
    language: Option<&str>,
    look: Look,
    offers: &mut Vec<Offer>,
) {
    let Some(fetched) = finder.get(url, look).await else {
        return;
    };
    if is_page(&fetched.body) {
        finder.tell(url, "a web page");
        return;
    }
    match feed::examine(&fetched) {
        Ok((entries, of_feed)) => {
            let language = language.and_then(feed::language_tag).or(of_feed);
            let offer = Offer::feed(fetched.final_url, &entries, language);
            if offers.iter().all(|known| known.url != offer.url) {
                offers.push(offer);
            }
        }
        Err(why) => finder.tell(url, &why),
    }
}

/// News sitemaps, by robots.txt and in the usual places; a plain one only when there is
/// nothing else.
async fn look_at_sitemaps(finder: &mut Finder<'_>, at: &Url, offers: &mut Vec<Offer>) {
    let Ok(robots) = at.join("/robots.txt") else {
        return;
    };
    let mut named = match finder.get(&robots, Look::Following).await {
        Some(fetched) => robots::sitemaps(&String::from_utf8_lossy(&fetched.body), &robots),
        None => Vec::new(),
    };
    let usual = [
        "/news-sitemap.xml",
        "/sitemap-news.xml",
        "/sitemap_index.xml",
        "/sitemap.xml",
    ];
    let has_offers = !offers.is_empty();
    for path in usual {
        let is_wanted = named.is_empty() && !has_offers || path.contains("news");
        if let Some(url) = at
            .join(path)
            .ok()
            .filter(|url| is_wanted && !named.contains(url))
        {
            named.push(url);
        }
    }
    named.sort_by_key(|url| !url.path().contains("news"));
    let mut left = MOST_SITEMAPS;
    let mut plain = None;
    while !named.is_empty() && left > 0 {
        let url = named.remove(0);
        left -= 1;
        let Some(fetched) = finder.get(&url, Look::Following).await else {
            continue;
        };
        if is_page(&fetched.body) {
            finder.tell(&url, "a web page");
            continue;
        }
        match sitemap::examine(fetched.body, &url) {
            Ok(found) if found.is_news => {
                offers.push(Offer::sitemap(url, &found.entries, true));
                return;
            }
            Ok(found) => {
                let news = found
                    .children
                    .into_iter()
                    .filter(|c| c.path().contains("news"));
                named.splice(0..0, news.take(2));
                if !found.entries.is_empty() {
                    plain.get_or_insert(Offer::sitemap(url, &found.entries, false));
                }
            }
            Err(why) => finder.tell(&url, &why),
        }
    }
    offers.extend(plain.filter(|_| !has_offers));
}
