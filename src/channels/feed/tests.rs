//! What the three formats promise, told over documents no source should ever have made.

mod tombstones;

use proptest::prelude::*;
use serde_json::Value;

use super::text::{legal, line, uri};
use super::*;
use crate::domain::{ArticleId, ArticleState, Revision};

/// 2026-11-23T07:00:00Z.
const NOON: UnixMillis = UnixMillis(1_795_417_200_000);

fn item(n: i64, title: &str, html: &str) -> FeedItem {
    FeedItem {
        id: format!("urn:uuid:00000000-0000-8000-8000-{n:012}"),
        url: format!("https://news.example.org/stories/{n}"),
        title: title.into(),
        summary: "In short.".into(),
        content_html: html.into(),
        authors: vec!["Ada Byron".into()],
        topics: vec!["Region".into(), "Rivers & canals".into()],
        image: None,
        language: "en".into(),
        published: NOON,
        updated: NOON,
    }
}

fn doc(items: Vec<FeedItem>) -> FeedDoc {
    FeedDoc {
        title: "Ravi Dispatch".into(),
        home_url: "https://news.example.org".into(),
        self_urls: SelfUrls::of("https://letters.example.org/", "feed"),
        description: "News from the river".into(),
        language: "en".into(),
        fresh_for: Duration::from_secs(3600),
        items,
        withdrawn: Vec::new(),
    }
}

fn awkward() -> FeedDoc {
    let mut first = item(
        1,
        "Q&A: is 3 < 5 <b>really</b>?",
        "<p>Ends ]]> here &amp; <a href=\"https://news.example.org/x\">there</a>.</p>",
    );
    first.image = Some(Image {
        url: "https://news.example.org/pictures/ravi river|1.png".into(),
        alt: "The \"Ravi\" at <dawn>".into(),
    });
    let mut urdu = item(2, "راوی کا پانی", "<p>دریا میں پانی زیادہ ہے۔</p>");
    urdu.language = "ur".into();
    urdu.url = "https://news.example.org/خبر/2".into();
    urdu.authors = vec!["عائشہ".into(), "Bilal".into()];
    let mut bare = item(3, "", "");
    bare.summary = String::new();
    bare.authors.clear();
    bare.topics = vec![" ".into()];
    bare.updated = NOON.plus_ms(-86_400_000); // before it was published
    doc(vec![first, urdu, bare])
}

fn text_of(format: Format, doc: &FeedDoc) -> String {
    String::from_utf8(format.write(doc)).unwrap()
}

#[test]
fn the_three_formats_of_an_awkward_feed() {
    insta::assert_snapshot!("rss", text_of(Format::Rss, &awkward()));
    insta::assert_snapshot!("atom", text_of(Format::Atom, &awkward()));
    insta::assert_snapshot!("json", text_of(Format::Json, &awkward()));
}

#[test]
fn feed_rs_reads_back_the_same_items_from_each_format() {
    let doc = awkward();
    for format in Format::ALL {
        let feed = feed_rs::parser::parse(format.write(&doc).as_slice()).unwrap();
        assert_eq!(feed.title.unwrap().content, "Ravi Dispatch", "{format:?}");
        assert_eq!(feed.entries.len(), 3, "{format:?}");
        for (entry, item) in feed.entries.iter().zip(&doc.items) {
            assert_eq!(entry.id, item.id, "{format:?}");
            let title = entry.title.as_ref().map_or("", |t| t.content.as_str());
            let title = title
                .replace("&lt;", "<")
                .replace("&gt;", ">")
                .replace("&amp;", "&");
            assert_eq!(title, item.title, "{format:?}");
            assert_eq!(
                entry.published.unwrap().timestamp_millis(),
                item.published.0,
                "{format:?}"
            );
            assert_eq!(entry.authors.len(), item.authors.len(), "{format:?}");
        }
        let body = feed.entries[0].content.as_ref().unwrap();
        assert_eq!(
            body.body.as_deref(),
            Some(doc.items[0].content_html.as_str()),
            "{format:?}"
        );
    }
}

#[test]
fn an_id_survives_corrections_and_moves() {
    let article = |id, source: &str, seen| Article {
        id: ArticleId(id),
        source: source.into(),
        state: ArticleState::Released,
        first_seen: UnixMillis(seen),
        eligible_at: NOON,
        revision: Revision {
            number: seen,
            seen_at: NOON,
            url: format!("https://{seen}.example.org/"),
            title: String::new(),
            summary: String::new(),
            content_html: String::new(),
            authors: vec![],
            topics: vec![],
            image: None,
            language: "en".into(),
            published: NOON,
            updated: NOON,
            words: 0,
            hash: String::new(),
        },
    };
    let one = article(7, "dispatch", 5);
    let mut corrected = article(7, "dispatch", 5);
    corrected.revision.number = 2;
    corrected.revision.url = "https://elsewhere.example.org/".into();
    corrected.revision.title = "New".into();
    assert_eq!(item_id(&one), item_id(&corrected));
    // Written out: a change of the rule would make every article of every feed new.
    assert_eq!(
        item_id(&one),
        "urn:uuid:b8caf689-f0e6-8545-8895-765858cbbee3"
    );
    for other in [
        article(8, "dispatch", 5),
        article(7, "other", 5),
        article(7, "dispatch", 6),
    ] {
        assert_ne!(item_id(&one), item_id(&other));
    }
}

#[test]
fn fifty_items_of_one_second_have_fifty_updated_stamps_that_stay() {
    let items: Vec<_> = (0..50).map(|n| item(n, "t", "<p>x</p>")).collect();
    let stamps = |items: &[FeedItem]| -> Vec<(String, String)> {
        let xml = strict::parse(&atom(&doc(items.to_vec()))).unwrap();
        let ids = xml.iter().filter(|(n, _)| n == "id").skip(1);
        let updated = xml.iter().filter(|(n, _)| n == "updated").skip(1);
        ids.zip(updated)
            .map(|(i, u)| (i.1.clone(), u.1.clone()))
            .collect()
    };
    let all = stamps(&items);
    let unique: std::collections::HashSet<_> = all.iter().map(|(_, at)| at).collect();
    assert_eq!((all.len(), unique.len()), (50, 50));
    assert_eq!(
        stamps(&items[10..]),
        all[10..],
        "new items moved the stamps of old ones"
    );
}

#[test]
fn the_same_document_gives_the_same_bytes() {
    for format in Format::ALL {
        assert_eq!(format.write(&awkward()), format.write(&awkward()));
    }
}

#[test]
fn addresses_become_uris_or_go() {
    for (address, expected) in [
        (
            "https://news.example.org/a b",
            Some("https://news.example.org/a%20b"),
        ),
        (
            "https://bücher.example/ü?q=ü#ü",
            Some("https://xn--bcher-kva.example/%C3%BC?q=%C3%BC#%C3%BC"),
        ),
        (
            "https://e.org/a[1]|2?x=[1]|{2}^`",
            Some("https://e.org/a%5B1%5D%7C2?x=%5B1%5D%7C%7B2%7D%5E%60"),
        ),
        (
            "https://e.org/100%?50%#a#b%41",
            Some("https://e.org/100%25?50%25#a%23b%41"),
        ),
        (
            "http://[2001:db8::1]:8080/",
            Some("http://[2001:db8::1]:8080/"),
        ),
        (
            "HTTPS://NEWS.example.org",
            Some("https://news.example.org/"),
        ),
        ("javascript:alert(1)", None),
        ("data:text/html,x", None),
        ("mailto:a@example.org", None),
        ("//evil.example/", None),
        ("/relative", None),
        ("", None),
    ] {
        assert_eq!(uri(address).as_deref(), expected, "{address}");
    }
}

#[test]
fn urdu_content_says_so_and_english_is_left_alone() {
    let rss = text_of(Format::Rss, &awkward());
    assert!(rss.contains("<![CDATA[<div lang=\"ur\" dir=\"rtl\"><p>دریا"));
    assert!(rss.contains("<![CDATA[<p>Ends ]]]]><![CDATA[> here"));
    let json: Value = serde_json::from_slice(&json(&awkward())).unwrap();
    assert_eq!(json["items"][1]["language"], "ur");
}

#[test]
fn rss_keeps_to_the_rules_validators_warn_about() {
    let text = text_of(Format::Rss, &awkward());
    // Channel matter first: nothing of it may follow an item.
    let (head, items) = text.split_once("<item>").unwrap();
    assert!(head.contains("rel=\"self\"") && !items.contains("atom:link"));
    assert!(text.find("<description>").unwrap() < text.find("<content:encoded>").unwrap());
    for banned in [
        "<author>",
        "managingEditor",
        "dc:date",
        "<category></category>",
        "&lt;b&gt;",
    ] {
        assert!(!items.contains(banned), "{banned}");
    }
    assert!(items.contains("<title>Q&#x26;A: is 3 &#x3C; 5"));
    assert!(items.contains("<pubDate>Mon, 23 Nov 2026 07:00:00 GMT</pubDate>"));
    assert_eq!(text.matches("<enclosure").count(), 1);
}

/// The rules of jsonfeed.org/version/1.1 that this writer can break.
fn check_json(bytes: &[u8]) -> Result<(), String> {
    let feed: Value = serde_json::from_slice(bytes).map_err(|e| e.to_string())?;
    let is_url =
        |v: &Value| v.is_null() || v.as_str().is_some_and(|s| uri(s).as_deref() == Some(s));
    let mut ids = std::collections::HashSet::new();
    if feed["version"] != "https://jsonfeed.org/version/1.1" || !feed["title"].is_string() {
        return Err("version or title".into());
    }
    if !is_url(&feed["home_page_url"]) || !is_url(&feed["feed_url"]) {
        return Err("an address of the feed".into());
    }
    for item in feed["items"].as_array().ok_or("items")? {
        if !ids.insert(item["id"].as_str().ok_or("id")?.to_owned()) {
            return Err("an id twice".into());
        }
        if item["content_html"]
            .as_str()
            .or(item["content_text"].as_str())
            .is_none()
        {
            return Err("no content".into());
        }
        if !is_url(&item["url"]) || !is_url(&item["image"]) {
            return Err(format!("an address of {}", item["id"]));
        }
        for date in [&item["date_published"], &item["date_modified"]] {
            if date
                .as_str()
                .is_some_and(|d| d.parse::<UnixMillis>().is_err())
            {
                return Err(format!("{date} is no date"));
            }
        }
        let names = |list: &Value, key: Option<&str>| match list {
            Value::Null => true,
            Value::Array(all) => all
                .iter()
                .all(|one| key.map_or(one, |k| &one[k]).is_string()),
            _ => false,
        };
        if !names(&item["authors"], Some("name")) || !names(&item["tags"], None) {
            return Err("authors or tags".into());
        }
    }
    Ok(())
}

/// Text out of every class of code points that has ever broken a feed.
fn any_text() -> impl Strategy<Value = String> {
    let piece = prop_oneof![
        any::<char>().prop_map(String::from),
        (0_u32..0xa0).prop_map(|c| char::from_u32(c).unwrap_or(' ').to_string()),
        (0xfdd0_u32..0xfdf0).prop_map(|c| char::from_u32(c).unwrap_or(' ').to_string()),
        (0_u32..17).prop_map(|p| char::from_u32(p * 0x10000 + 0xfffe)
            .unwrap_or(' ')
            .to_string()),
        (0_u32..17).prop_map(|p| char::from_u32(p * 0x10000 + 0xffff)
            .unwrap_or(' ')
            .to_string()),
        prop::sample::select(vec![
            "]]>",
            "]]",
            ">",
            "<![CDATA[",
            "&",
            "&amp;",
            "&#11;",
            "&#x0;",
            "&nbsp;",
            "<",
            "</b>",
            "\"",
            "'",
            "\r\n",
            "\r",
            "\u{202e}",
            "\u{200f}",
            "👩‍👩‍👧",
            "🏴󠁧󠁢󠁥󠁮󠁧󠁿",
            "اردو",
            "<?xml",
            "-->",
            "%",
            "\u{feff}",
        ])
        .prop_map(String::from),
    ];
    prop::collection::vec(piece, 0..12).prop_map(|pieces| pieces.concat())
}

proptest! {
    #[test]
    fn any_text_anywhere_gives_a_feed_that_strict_readers_take(
        texts in prop::collection::vec(any_text(), 9),
        published in -70_000_000_000_000_i64..9_000_000_000_000,
        updated in 0_i64..9_000_000_000_000,
    ) {
        let mut hostile = item(1, &texts[0], &texts[1]);
        hostile.summary.clone_from(&texts[2]);
        hostile.authors = vec![texts[3].clone()];
        hostile.topics = vec![texts[4].clone()];
        hostile.url = format!("https://news.example.org/{}", texts[5]);
        hostile.language.clone_from(&texts[6]);
        hostile.image = Some(Image { url: format!("https://e.org/{}", texts[5]), alt: texts[7].clone() });
        hostile.published = UnixMillis(published);
        hostile.updated = UnixMillis(updated);
        let mut doc = doc(vec![hostile, item(2, "second", "<p>y</p>")]);
        doc.title.clone_from(&texts[8]);
        doc.description.clone_from(&texts[0]);
        doc.language.clone_from(&texts[6]);
        for format in [Format::Rss, Format::Atom] {
            let written = format.write(&doc);
            let text = std::str::from_utf8(&written).unwrap();
            prop_assert_eq!(legal(text), text);
            let read = strict::parse(&written);
            prop_assert!(read.is_ok(), "{format:?}: {read:?}");
            let title = read.unwrap().into_iter().filter(|(name, _)| name == "title").nth(1);
            if format == Format::Rss && !line(&texts[0]).is_empty() {
                prop_assert_eq!(title.unwrap().1, line(&texts[0]));
            }
        }
        prop_assert_eq!(check_json(&json(&doc)), Ok(()));
    }
}

#[test]
fn export_writes_three_whole_files_and_leaves_equal_ones_alone() {
    let dir = tempfile::tempdir().unwrap();
    let target = dir.path().join("public/feeds");
    let paths = export(&target, "feed", &awkward()).unwrap();
    let names: Vec<_> = paths
        .iter()
        .map(|p| p.file_name().unwrap().to_str().unwrap())
        .collect();
    assert_eq!(names, ["feed.rss", "feed.atom", "feed.json"]);
    let written = |n: usize| std::fs::metadata(&paths[n]).unwrap().modified().unwrap();
    let before = written(0);
    std::thread::sleep(Duration::from_millis(20));
    export(&target, "feed", &awkward()).unwrap();
    assert_eq!(written(0), before);
    export(&target, "feed", &doc(vec![])).unwrap();
    assert_eq!(std::fs::read(&paths[0]).unwrap(), rss(&doc(vec![])));
    assert_eq!(
        std::fs::read_dir(&target).unwrap().count(),
        3,
        "a temporary file stayed"
    );
    let error = export(&paths[0], "feed", &awkward()).unwrap_err();
    assert!(error.to_string().contains("feed.rss"), "{error}");
}
