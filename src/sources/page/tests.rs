//! What a page's word about its own address is worth, and what an entry takes from a page.

use std::path::Path;

use super::*;
use crate::config;
use crate::domain::Image;
use crate::net::tests::loopback::{Loopback, http};

fn read_with(canonical: &str) -> Read {
    Read {
        page: Page {
            canonical: Url::parse(canonical).ok(),
            ..Page::default()
        },
        url: Url::parse("https://news.example/2026/01/relief-work/amp/").unwrap(),
    }
}

#[test]
fn a_canonical_address_names_the_article_only_where_it_is_about_it() {
    let own = Some("https://news.example/?p=7");
    for (canonical, value) in [
        (
            "https://www.news.example/2026/01/relief-work/",
            Some("news.example/2026/01/relief-work"),
        ),
        ("https://news.example/?p=7", Some("news.example?p=7")),
        ("https://news.example/", None),
        ("https://news.example/pakistan/", None),
        (
            "https://news.example/2026/01/another-story-altogether/",
            None,
        ),
    ] {
        let key = canonical_key(own, &read_with(canonical));
        assert_eq!(key.map(|k| k.value).as_deref(), value, "{canonical}");
    }
}

#[test]
fn facts_fill_only_what_the_entry_has_not() {
    let mut read = read_with("https://news.example/2026/01/relief-work/");
    read.page.content_html = "<p>All of it.</p>".into();
    read.page.authors = vec!["Page".into()];
    read.page.language = Some("ur".into());
    read.page.image = Some(Image {
        url: "https://news.example/a.jpg".into(),
        alt: "Boats".into(),
    });
    let mut entry = Entry {
        title: "Feed".into(),
        authors: vec!["Feed".into()],
        image: Some(Image {
            url: "https://news.example/a.jpg".into(),
            alt: String::new(),
        }),
        ..Entry::default()
    };
    complete(&mut entry, &read);
    assert_eq!(
        (entry.title.as_str(), &entry.authors[0][..]),
        ("Feed", "Feed")
    );
    assert_eq!(entry.language.as_deref(), Some("ur"));
    assert_eq!(entry.image.unwrap().alt, "Boats");
    assert_eq!(entry.content_html.as_deref(), Some("<p>All of it.</p>"));
}

#[tokio::test]
async fn what_is_no_web_page_is_said_to_be_none() {
    let site = Loopback::serve(|head| {
        if head.starts_with("GET /a.pdf") {
            http(
                "200 OK",
                "Content-Type: application/pdf
",
                "%PDF",
            )
        } else {
            http(
                "200 OK",
                "Content-Type: text/html
",
                "<script>app()</script>",
            )
        }
    })
    .await;
    let client = Client::new(&["127.0.0.0/8".parse().unwrap()], "test").unwrap();
    let rules = PageRules::default();
    for (path, words) in [
        ("/a.pdf", "no web page but `application/pdf`"),
        ("/app", "no text that could be an article"),
    ] {
        let error = read(&client, &site.url(path), &rules).await.unwrap_err();
        assert!(error.message.contains(words), "{}", error.message);
    }
}

#[test]
fn a_rule_that_cannot_be_read_is_shown_at_its_place() {
    let text = "[site]\nname = \"News\"\nurl = \"https://news.example\"\npostal_address = \"1 Canal Road\"\n\
        [sources.news]\nkind = \"feed\"\nurl = \"https://news.example/feed/\"\n\
        select = [\".a\", \"div[\"]\nstrip = [\"p:has(a)\"]\n";
    let check = |config: &config::Config| rules(&config.sources["news"]).unwrap_err();
    let problems = config::from_text(Path::new("t.toml"), text, check).unwrap_err();
    let told = problems.to_string();
    for words in [
        "t.toml:8:17: `div[` is no CSS selector",
        "t.toml:9:10: `p:has(a)` is no CSS selector",
    ] {
        assert!(told.contains(words), "{told}");
    }
}
