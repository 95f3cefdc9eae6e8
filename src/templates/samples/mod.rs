//! Sample issues: what `courant check` renders every template with, and what the design of the
//! built-in ones was judged by.
//!
//! Together they hold what real issues hold sooner or later: too much, nothing, another
//! script, two languages in one mail, and text made to break out of its place.

mod stories;

use super::context::{Article, Channel, Context, Issue, Links, Reader, Site};
use crate::domain::{Image, UnixMillis, direction_of};
use stories::{ENGLISH, HOSTILE, Story, URDU};

/// A sample issue and what it is a sample of.
#[derive(Debug, Clone, PartialEq)]
pub struct Sample {
    /// `long`, `empty`, `urdu` or `hostile`.
    pub name: &'static str,
    /// What a template sees. Whoever renders for a configured channel puts its own `site` and
    /// `channel` in.
    pub context: Context,
}

/// Monday, 23 November 2026, 07:00 in Karachi.
const MORNING: UnixMillis = UnixMillis(1_795_399_200_000);

/// All samples; each has at least one article, as every issue has that is not made by hand.
#[must_use]
pub fn contexts() -> Vec<Sample> {
    vec![
        sample("long", "en", long()),
        sample("empty", "en", (vec![blank()], Vec::new())),
        sample("urdu", "ur", urdu()),
        sample(
            "hostile",
            "en",
            (articles(HOSTILE, "en", 0), articles(HOSTILE, "en", 50)),
        ),
    ]
}

/// An issue without any article, as `publish --empty` makes.
#[must_use]
pub fn without_articles() -> Context {
    sample("none", "en", (Vec::new(), Vec::new())).context
}

/// Twenty articles, one of them in another script, and headlines beyond them.
fn long() -> (Vec<Article>, Vec<Article>) {
    let mut shown = articles(ENGLISH, "en", 0);
    shown.insert(3, articles(&URDU[1..2], "ur", 30).remove(0));
    let mut shown: Vec<Article> = shown.iter().cycle().take(20).cloned().collect();
    for (n, article) in shown.iter_mut().enumerate() {
        article.id = n as i64 + 1;
    }
    let mut headlines = articles(&ENGLISH[1..6], "en", 60);
    headlines.extend(articles(&URDU[..1], "ur", 70));
    (shown, headlines)
}

/// Urdu, with one English article among the rest.
fn urdu() -> (Vec<Article>, Vec<Article>) {
    let mut shown = articles(URDU, "ur", 0);
    shown.insert(2, articles(&ENGLISH[2..3], "en", 30).remove(0));
    (shown, articles(&URDU[1..4], "ur", 60))
}

/// An article of which the source gave nothing but the address.
fn blank() -> Article {
    let story = Story {
        title: "",
        summary: "",
        body: "",
        authors: &[],
        topics: &[],
        picture: None,
    };
    article(&story, "en", 1)
}

fn articles(stories: &[Story], language: &str, first: i64) -> Vec<Article> {
    stories
        .iter()
        .zip(first + 1..)
        .map(|(story, id)| article(story, language, id))
        .collect()
}

fn article(story: &Story, language: &str, id: i64) -> Article {
    let hour = 3_600_000;
    Article {
        id,
        title: story.title.to_owned(),
        url: format!("https://news.example.org/2026/11/{language}-{id}?from=home&lang={language}"),
        summary: story.summary.to_owned(),
        content: story.body.to_owned(),
        authors: owned(story.authors),
        topics: owned(story.topics),
        image: story.picture.map(|(url, alt)| Image {
            url: url.to_owned(),
            alt: alt.to_owned(),
        }),
        language: language.to_owned(),
        dir: direction_of(language),
        published: MORNING.plus_ms(-id * hour),
        updated: MORNING.plus_ms(-id * hour / 2),
        words: story.body.split_whitespace().count() as i64,
        source: "dispatch".to_owned(),
        revision: 1 + i64::from(id % 4 == 0),
    }
}

fn owned(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

fn sample(
    name: &'static str,
    language: &str,
    (articles, headlines): (Vec<Article>, Vec<Article>),
) -> Sample {
    let lead = articles.first().cloned();
    let title = match (&lead, articles.len()) {
        (Some(lead), n @ 2..) if language == "ur" => format!("{} اور مزید {}", lead.title, n - 1),
        (Some(lead), n @ 2..) => format!("{} and {} more", lead.title, n - 1),
        (Some(lead), _) => lead.title.clone(),
        (None, _) => String::new(),
    };
    let public = "https://letters.example.org";
    let context = Context {
        site: site(language),
        language: language.to_owned(),
        dir: direction_of(language),
        timezone: "Asia/Karachi".to_owned(),
        channel: channel(language),
        issue: Issue {
            id: 341,
            number: 12,
            title,
            url: format!("{public}/archive/brief/12"),
            date: MORNING,
            articles,
            headlines,
        },
        article: lead,
        links: Links {
            web: Some(format!("{public}/archive/brief/12")),
            unsubscribe: Some(format!("{public}/unsubscribe/dQAAAAAAAAAqYnJpZWY")),
            preferences: Some(format!("{public}/preferences/cAAAAAAAAAAqYnJpZWY")),
            feed: Some(format!("{public}/feeds/feed.rss")),
            confirm: None,
        },
        reader: Some(Reader::new("Ayesha O’Neil <b>", "ayesha@example.org")),
    };
    Sample { name, context }
}

fn site(language: &str) -> Site {
    let urdu = language == "ur";
    Site {
        name: if urdu {
            "راوی ڈسپیچ"
        } else {
            "Ravi Dispatch"
        }
        .to_owned(),
        url: "https://news.example.org/".to_owned(),
        language: language.to_owned(),
        timezone: "Asia/Karachi".to_owned(),
        postal_address: if urdu {
            "1 کینال روڈ، لاہور"
        } else {
            "1 Canal Road, Lahore"
        }
        .to_owned(),
    }
}

fn channel(language: &str) -> Channel {
    let (title, description) = match language {
        "ur" => ("آج کا خلاصہ", "ہر صبح دن کی اہم خبریں۔"),
        _ => ("The Daily Brief", "The day's stories, every morning."),
    };
    Channel {
        id: "brief".to_owned(),
        title: title.to_owned(),
        description: description.to_owned(),
        kind: "email".to_owned(),
        url: "https://letters.example.org/archive/brief".to_owned(),
    }
}
