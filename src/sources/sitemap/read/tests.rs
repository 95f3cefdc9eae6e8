//! Sitemaps as they are and as they should be.

use super::*;

#[test]
fn a_news_sitemap_is_read_by_its_namespaces() {
    for (news, declared) in [
        (
            "news",
            "xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'",
        ),
        (
            "n",
            "xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'",
        ),
        ("news", ""),
    ] {
        let text = format!(
            "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' {declared} \
             xmlns:image='http://www.google.com/schemas/sitemap-image/1.1'><url><loc>https://e.org/1?a=1&amp;b=2</loc>\
             <{news}:news><{news}:publication><{news}:name>The News</{news}:name><{news}:language>ur</{news}:language>\
             </{news}:publication><{news}:publication_date>2026-11-23T10:00:00+05:00</{news}:publication_date>\
             <{news}:title><![CDATA[Floods & ]]>rain &#8211; live</{news}:title><{news}:keywords>Sindh, Weather</{news}:keywords>\
             </{news}:news><image:image><image:loc>https://e.org/1.jpg</image:loc></image:image></url></urlset>"
        );
        let page = &read(&text).unwrap_or_else(|e| panic!("{e}")).urls[0];
        assert_eq!(page.loc, "https://e.org/1?a=1&b=2");
        assert_eq!(page.image, "https://e.org/1.jpg");
        let news = page.news.as_ref().unwrap();
        assert_eq!(news.title, "Floods & rain – live");
        assert_eq!(
            [&news.language, &news.date, &news.keywords],
            ["ur", "2026-11-23T10:00:00+05:00", "Sindh, Weather"]
        );
    }
}

#[test]
fn an_index_names_its_sitemaps_and_a_name_of_others_is_not_taken_for_one() {
    let index = "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'><sitemap><loc> https://e.org/a.xml\n</loc>\
        <lastmod>2026-11-23</lastmod></sitemap><sitemap/></sitemapindex>";
    let read_index = read(index).unwrap();
    assert_eq!(
        read_index.sitemaps,
        [Child {
            loc: "https://e.org/a.xml".into(),
            lastmod: "2026-11-23".into()
        }]
    );
    let foreign = "<urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' xmlns:x='urn:x'><url>\
        <x:loc>https://evil.example/</x:loc><loc>https://e.org/1</loc></url></urlset>";
    assert_eq!(read(foreign).unwrap().urls[0].loc, "https://e.org/1");
}

#[test]
fn what_is_no_sitemap_is_refused_with_what_it_is() {
    for (text, words) in [
        ("<rss version='2.0'/>", "kind = \"feed\""),
        ("<html><body>", "courant discover"),
        ("", "no `urlset`"),
        ("{}", "no `urlset`"),
        ("<a/>", "begins with `a`"),
        ("<urlset><", "cannot be read"),
    ] {
        let why = read(text).unwrap_err();
        assert!(why.contains(words), "{text}: {why}");
    }
}

#[test]
fn a_broken_or_endless_document_gives_what_it_has() {
    let cut = read("<urlset><url><loc>https://e.org/1</loc></url><url><loc").unwrap();
    assert_eq!((cut.urls.len(), cut.is_cut), (1, true));
    let many = format!(
        "<urlset>{}",
        "<url><loc>https://e.org/1</loc></url>".repeat(50_010)
    );
    let many = read(&many).unwrap();
    assert_eq!((many.urls.len(), many.is_cut), (MOST_URLS, true));
    let long = format!(
        "<urlset><url><loc>https://e.org/{}</loc></url></urlset>",
        "x".repeat(100_000)
    );
    assert_eq!(read(&long).unwrap().urls[0].loc.len(), LONGEST_FIELD);
    let bomb = "<!DOCTYPE x [<!ENTITY a 'ha'><!ENTITY b '&a;&a;'>]><urlset><url><loc>https://e.org/&b;</loc></url></urlset>";
    assert_eq!(read(bomb).unwrap().urls[0].loc, "https://e.org/");
    assert!(
        read(&"<urlset>".repeat(70_000)).is_ok_and(|s| s.urls.is_empty())
            || read(&"<urlset>".repeat(70_000)).is_err()
    );
}

proptest::proptest! {
    #[test]
    fn no_text_breaks_the_reader(text in "(<urlset>|<url>|</url>|<loc>|</loc>|<news:news>|<news:title>|&#x?[0-9]{0,7};|&|<|>|<!\\[CDATA\\[|\\]\\]>|\\PC){0,60}") {
        let _ = read(&text);
    }
}
