//! Files as articles.

use super::*;

fn site() -> Site {
    Site {
        base: Some(Url::parse("https://news.example.org/blog").unwrap()),
        permalink: None,
        language: "en".to_owned(),
        zone: TimeZone::get("Asia/Karachi").unwrap(),
    }
}

fn of(path: &str, text: &str) -> Reading {
    read(path, &place(path).unwrap(), text, &site()).unwrap_or_else(|e| panic!("{e}"))
}

#[test]
fn a_page_of_hugo_is_an_article() {
    let text = "---\ntitle: Floods & rain\ndate: 2026-11-23\ntags: [Sindh]\naliases: [/old/]\n\
        image: boat.jpg\n---\nFirst words.\n\n<!--more-->\n\n![A boat](boat.jpg) and [more](other.md)\n";
    let Reading {
        entry, identity, ..
    } = of("news/floods/index.ur.md", text);
    assert_eq!(identity, "path:news/floods@ur");
    assert_eq!(
        entry.url.as_deref(),
        Some("https://news.example.org/blog/ur/news/floods/")
    );
    assert_eq!(entry.title, "Floods &amp; rain");
    assert_eq!(entry.language.as_deref(), Some("ur"));
    assert_eq!(entry.published.unwrap().to_string(), "2026-11-22T19:00:00Z");
    assert_eq!(entry.summary_html.as_deref(), Some("<p>First words.</p>\n"));
    let image = entry.image.unwrap();
    assert_eq!(
        (image.url.as_str(), image.alt.as_str()),
        (
            "https://news.example.org/blog/ur/news/floods/boat.jpg",
            "A boat"
        )
    );
    let keys: Vec<&str> = entry.keys.iter().map(|k| k.value.as_str()).collect();
    assert_eq!(
        keys,
        [
            "path:news/floods@ur",
            "news.example.org/blog/ur/news/floods",
            "news.example.org/blog/old"
        ]
    );
    assert!(
        entry
            .content_html
            .unwrap()
            .contains("href=\"https://news.example.org/blog/news/floods/other/\"")
    );
}

#[test]
fn addresses_are_those_of_the_three_programs() {
    for (path, front, url) in [
        (
            "a/My File.md",
            "",
            "https://news.example.org/blog/a/my-file/",
        ),
        ("a/b.md", "slug: c", "https://news.example.org/blog/a/c/"),
        ("a/b.md", "url: /x/y/", "https://news.example.org/blog/x/y/"),
        ("a/b.md", "path: x/y", "https://news.example.org/blog/x/y/"),
        ("a/b.en.md", "", "https://news.example.org/blog/a/b/"),
        (
            "_posts/2026-11-23-floods.md",
            "categories: region",
            "https://news.example.org/blog/region/2026/11/23/floods.html",
        ),
        (
            "_posts/2026-11-23-floods.md",
            "permalink: /:year/:title/",
            "https://news.example.org/blog/2026/floods/",
        ),
        (
            "a/b.md",
            "canonical: https://other.example/1",
            "https://other.example/1",
        ),
        (
            "a/b.md",
            "url: ../../../etc",
            "https://news.example.org/etc/",
        ),
    ] {
        let entry = of(path, &format!("---\ntitle: x\n{front}\n---\n")).entry;
        assert_eq!(entry.url.as_deref(), Some(url), "{path} {front}");
    }
}

#[test]
fn an_identity_is_the_id_then_the_slug_then_the_path() {
    for (front, identity) in [
        ("id: 7\nslug: s", "id:7"),
        ("slug: s\nlang: ur", "slug:s@ur"),
        ("title: x", "path:a/b"),
    ] {
        assert_eq!(
            of("a/b.md", &format!("---\n{front}\n---\n")).identity,
            identity
        );
    }
}

#[test]
fn a_page_without_front_matter_has_its_heading_for_a_title() {
    let entry = of("a/b-c.md", "# Floods\n\nText").entry;
    assert_eq!(
        (entry.title.as_str(), entry.content_html.as_deref()),
        ("Floods", Some("<p>Text</p>\n"))
    );
    assert_eq!(of("a/b-c.md", "Text").entry.title, "b c");
}

#[test]
fn shortcodes_left_out_are_told_with_their_line() {
    let notes = of("a.md", "---\ntitle: x\n---\n{{< chart >}}\n").notes;
    assert_eq!(notes.len(), 1);
    assert!(
        notes[0].0 == 4 && notes[0].1.contains("`chart`"),
        "{notes:?}"
    );
}
