//! What was found, judged: how much of an article it gives, and what to choose.

use url::Url;

use crate::domain::{Entry, UnixMillis, base_language};
use crate::html;

/// How much of its articles a source gives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Text {
    /// Whole articles.
    Full,
    /// Their beginnings.
    Summaries,
    /// Only what they are called.
    Titles,
}

/// An article that shows what to expect.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Newest {
    /// Plain text.
    pub title: String,
    /// When it was published.
    pub published: Option<UnixMillis>,
}

/// Something that can be a source.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Offer {
    /// The kind of source.
    pub kind: &'static str,
    /// Its `url`.
    pub url: Url,
    /// Its language, BCP 47, where it says it.
    pub language: Option<String>,
    /// How many articles it has.
    pub articles: u64,
    /// How much of them it gives.
    pub text: Text,
    /// Its newest article.
    pub newest: Option<Newest>,
    /// What speaks for it or against it.
    pub why: String,
    /// Whether it is the best of its language: with it, the others are not needed.
    pub is_best: bool,
}

impl Offer {
    pub(super) fn wordpress(
        url: Url,
        total: Option<u64>,
        entries: &[Entry],
        language: Option<String>,
    ) -> Self {
        let offer = Self::of("wordpress", url, entries, language);
        Self {
            articles: total.unwrap_or(offer.articles),
            text: Text::Full,
            why: "the texts come without the theme around them, and corrections and withdrawals \
                  of older articles are seen"
                .to_owned(),
            ..offer
        }
    }

    pub(super) fn feed(url: Url, entries: &[Entry], language: Option<String>) -> Self {
        let offer = Self::of("feed", url, entries, language);
        let why = match offer.text {
            _ if entries.is_empty() => "it is empty now",
            Text::Full => "it has the whole articles",
            Text::Summaries => "with full_text the articles are read from their pages",
            Text::Titles => "with full_text the articles are read from their pages",
        };
        Self {
            why: why.to_owned(),
            ..offer
        }
    }

    pub(super) fn sitemap(url: Url, entries: &[Entry], is_news: bool) -> Self {
        let why = if is_news {
            "it has titles and dates of the last two days; the texts are read from the pages"
        } else {
            "it has only addresses: titles and texts are read from the pages, and so are pages \
             that are no articles; take it only when there is nothing else"
        };
        Self {
            text: Text::Titles,
            why: why.to_owned(),
            ..Self::of("sitemap", url, entries, None)
        }
    }

    fn of(kind: &'static str, url: Url, entries: &[Entry], language: Option<String>) -> Self {
        let newest = entries.iter().max_by_key(|entry| entry.published);
        let own = entries.iter().find_map(|entry| entry.language.clone());
        Self {
            kind,
            url,
            language: language.or(own),
            articles: entries.len() as u64,
            text: text(entries),
            newest: newest.map(|entry| Newest {
                title: html::plain(&entry.title),
                published: entry.published,
            }),
            why: String::new(),
            is_best: false,
        }
    }

    /// The lower the better.
    fn rank(&self) -> (u8, Text, std::cmp::Reverse<Option<UnixMillis>>) {
        let kind = match (self.kind, self.text, self.articles) {
            (_, _, 0) => 9,
            ("wordpress", ..) => 0,
            ("feed", Text::Full, _) => 1,
            ("feed", ..) => 2,
            _ => 3,
        };
        let newest = self.newest.as_ref().and_then(|n| n.published);
        (kind, self.text, std::cmp::Reverse(newest))
    }
}

/// How much most of these articles give.
fn text(entries: &[Entry]) -> Text {
    let given = |entry: &Entry| {
        let content = entry.content_html.as_deref().unwrap_or_default();
        let summary = entry.summary_html.as_deref().unwrap_or_default();
        let plain = html::plain(content);
        let cut = ["[…]", "[...]", "…", "Read more", "مزید پڑھیں"];
        let is_cut = cut.iter().any(|end| plain.trim_end().ends_with(end));
        match html::word_count(content) {
            words if words >= 80 && !is_cut => Text::Full,
            0 if html::word_count(summary) < 5 => Text::Titles,
            _ => Text::Summaries,
        }
    };
    let mut all: Vec<Text> = entries.iter().take(50).map(given).collect();
    all.sort_unstable();
    all.get(all.len() / 2).copied().unwrap_or(Text::Titles)
}

/// Puts the best first, those of the page's own language before others, and marks the best of
/// each language.
pub(super) fn order(offers: &mut [Offer], language: Option<&str>) {
    let of = |offer: &Offer| {
        let own = offer.language.as_deref().or(language).unwrap_or_default();
        base_language(own)
    };
    let own = language.map(base_language).unwrap_or_default();
    offers.sort_by_key(|offer| (of(offer) != own && !own.is_empty(), offer.rank()));
    let mut seen = std::collections::HashSet::new();
    for offer in offers {
        offer.is_best = offer.articles > 0 && seen.insert(of(offer));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(content: &str, language: &str) -> Entry {
        Entry {
            title: "A &amp; B".to_owned(),
            content_html: Some(content.to_owned()),
            language: Some(language.to_owned()),
            ..Entry::default()
        }
    }

    #[test]
    fn the_best_of_each_language_is_marked_and_the_pages_own_comes_first() {
        let url = |path: &str| Url::parse("https://e.org").unwrap().join(path).unwrap();
        let long = format!("<p>{}</p>", "word ".repeat(100));
        let mut offers = vec![
            Offer::sitemap(url("s"), &[entry("", "en")], true),
            Offer::feed(url("ur"), &[entry(&long, "ur")], None),
            Offer::feed(url("short"), &[entry("<p>word […]</p>", "en")], None),
            Offer::feed(url("full"), &[entry(&long, "en-GB")], None),
            Offer::wordpress(url("/"), Some(900), &[entry(&long, "en")], None),
        ];
        order(&mut offers, Some("en"));
        let shown: Vec<(&str, bool)> = offers.iter().map(|o| (o.url.path(), o.is_best)).collect();
        assert_eq!(
            shown,
            [
                ("/", true),
                ("/full", false),
                ("/short", false),
                ("/s", false),
                ("/ur", true)
            ]
        );
        assert_eq!(offers[0].articles, 900);
        assert_eq!(offers[2].text, Text::Summaries);
        assert_eq!(offers[1].newest.as_ref().unwrap().title, "A & B");
    }
}
