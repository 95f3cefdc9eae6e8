//! `discover`: what a site offers as a source, as configuration that can be copied.

use std::collections::HashSet;
use std::path::PathBuf;

use anyhow::{Context, bail};
use ipnet::IpNet;
use url::Url;

use crate::domain::base_language;
use crate::net::Client;
use crate::runtime::load_config;
use crate::sources::discover::{Discovery, Offer, Text, Tried, discover};

use super::Usage;
use super::args::DiscoverArgs;
use super::output::{Output, count};

/// Looks and prints. Exits 1 when there is nothing.
///
/// # Errors
/// An address that is none, that cannot be fetched, or behind which there is nothing.
pub async fn run(
    config: anyhow::Result<PathBuf>,
    args: &DiscoverArgs,
    out: Output,
) -> anyhow::Result<()> {
    let url = address(&args.url)?;
    let client = Client::new(&allowed(config)?, user_agent())?;
    let bar = out.progress(None, "looking");
    let found = discover(&client, &url).await;
    bar.finish_and_clear();
    let found = found.context("the site could not be read")?;
    if found.offers.is_empty() {
        bail!(
            "{} offers nothing that could be a source. Looked at:\n{}\nAsk the site's people for \
             the address of its feed.",
            found.url,
            tried(&found.tried)
        );
    }
    out.answer(&found, || text(&found))
}

/// The private networks that the configuration allows; without a configuration none.
fn allowed(config: anyhow::Result<PathBuf>) -> anyhow::Result<Vec<IpNet>> {
    match config {
        Ok(path) => Ok(load_config(&path)?.network.allow),
        Err(_) => Ok(Vec::new()),
    }
}

fn user_agent() -> &'static str {
    concat!(
        "Courant/",
        env!("CARGO_PKG_VERSION"),
        " (discover; feed fetcher)"
    )
}

/// An address as people type it.
fn address(text: &str) -> Result<Url, Usage> {
    let text = text.trim();
    let full = if text.contains("://") {
        text.to_owned()
    } else {
        format!("https://{text}")
    };
    Url::parse(&full)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host())
        .ok_or_else(|| {
            Usage(format!(
                "`{text}` is no web address; it should look like https://news.example.org"
            ))
        })
}

fn tried(tried: &[Tried]) -> String {
    let lines: Vec<String> = tried
        .iter()
        .map(|tried| format!("  {}: {}", tried.url, tried.result))
        .collect();
    match lines.is_empty() {
        true => "  the page itself".to_owned(),
        false => lines.join("\n"),
    }
}

/// The offers as configuration. The best of each language is in force, the others stand as
/// comments.
fn text(found: &Discovery) -> String {
    let name = one_line(found.name.as_deref().unwrap_or_default());
    let mut text = format!(
        "# {} offers {}.\n",
        found.url,
        match found.offers.len() {
            1 => "one source".to_owned(),
            n => format!("{n} sources, the best first"),
        }
    );
    if !name.is_empty() {
        text.push_str(&format!("# It calls itself: {name}\n"));
    }
    let mut ids = HashSet::new();
    for offer in &found.offers {
        text.push('\n');
        text.push_str(&table(offer, found, &mut ids));
    }
    text
}

/// One offer as a table with its reasons above it.
fn table(offer: &Offer, found: &Discovery, ids: &mut HashSet<String>) -> String {
    let gives = match offer.text {
        Text::Full => "whole articles",
        Text::Summaries => "summaries only",
        Text::Titles => "titles only",
    };
    let articles = usize::try_from(offer.articles).unwrap_or(usize::MAX);
    let mut text = format!(
        "# {}, {gives}: {}\n",
        count(articles, "article", "articles"),
        offer.why
    );
    if let Some(newest) = &offer.newest {
        let day = newest.published.map_or_else(
            || "without a date".to_owned(),
            |at| at.to_string()[..10].to_owned(),
        );
        text.push_str(&format!("# newest: {} ({day})\n", one_line(&newest.title)));
    }
    let mut lines = vec![
        format!("[sources.{}]", id(offer, found, ids)),
        format!("kind = \"{}\"", offer.kind),
        format!("url = {}", quoted(offer.url.as_str())),
    ];
    let own = offer.language.as_ref().or(found.language.as_ref());
    lines.extend(own.map(|language| format!("language = {}", quoted(language))));
    if offer.text != Text::Full && offer.kind != "wordpress" {
        lines.push("full_text = \"auto\"".to_owned());
    }
    let mark = if offer.is_best { "" } else { "#" };
    for line in lines {
        text.push_str(&format!("{mark}{line}\n"));
    }
    text
}

/// A name for the table: the site's, with the kind and the language where they tell it from
/// others.
fn id(offer: &Offer, found: &Discovery, ids: &mut HashSet<String>) -> String {
    let host = offer.url.host_str().unwrap_or("site");
    let host = host.trim_start_matches("www.");
    let stem = match offer.url.host() {
        Some(url::Host::Domain(_)) => host.rsplit_once('.').map_or(host, |(stem, _)| stem),
        _ => "site",
    };
    let own = found
        .language
        .as_deref()
        .map(base_language)
        .unwrap_or_default();
    let language = offer
        .language
        .as_deref()
        .map(base_language)
        .unwrap_or_default();
    let mut id: String = stem
        .to_ascii_lowercase()
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() { c } else { '-' })
        .collect();
    if !language.is_empty() && language != own && !own.is_empty() {
        id = format!("{id}-{language}");
    }
    let mut unique = id.clone();
    if ids.contains(&unique) {
        unique = format!("{id}-{}", offer.kind);
    }
    let mut number = 2;
    while !ids.insert(unique.clone()) {
        unique = format!("{id}-{number}");
        number += 1;
    }
    unique
}

/// A text of a stranger's in a comment: one line, not too long.
fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    super::output::in_brief(&words.join(" "))
}

/// A TOML string; JSON's escapes are all TOML basic-string escapes.
fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::discover::Newest;

    fn offer(kind: &'static str, url: &str, language: &str, is_best: bool) -> Offer {
        Offer {
            kind,
            url: Url::parse(url).unwrap(),
            language: Some(language.to_owned()),
            articles: 1,
            text: Text::Full,
            newest: Some(Newest {
                title: "A\nB".to_owned(),
                published: None,
            }),
            why: "w".to_owned(),
            is_best,
        }
    }

    #[test]
    fn the_offers_are_configuration_of_which_the_best_is_in_force() {
        let found = Discovery {
            url: Url::parse("https://www.news.example.org/").unwrap(),
            name: Some("The\nNews".to_owned()),
            language: Some("en".to_owned()),
            offers: vec![
                offer("wordpress", "https://www.news.example.org/", "en", true),
                offer("feed", "https://www.news.example.org/feed/", "en", false),
                offer("feed", "https://www.news.example.org/ur/feed/", "ur", true),
            ],
            tried: Vec::new(),
        };
        let text = text(&found);
        let table: toml::Table = toml::from_str(&text).unwrap_or_else(|e| panic!("{e}: {text}"));
        let sources = table["sources"].as_table().unwrap();
        let names: Vec<&String> = sources.keys().collect();
        assert_eq!(names, ["news-example", "news-example-ur"]);
        assert!(
            text.contains("#[sources.news-example-feed]\n#kind = \"feed\"\n"),
            "{text}"
        );
        assert!(text.contains("# newest: A B (without a date)"), "{text}");
        assert!(text.contains("# It calls itself: The News\n"), "{text}");
    }

    #[test]
    fn an_address_may_lack_its_scheme() {
        assert_eq!(
            address("news.example.org").unwrap().as_str(),
            "https://news.example.org/"
        );
        assert!(address("ftp://x").is_err() && address("").is_err());
    }
}
