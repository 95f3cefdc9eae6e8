//! What is no feed, is broken, or means harm.

use super::{base, read, rss};
use crate::sources::feed::parse::parse;

fn why(text: &str) -> String {
    parse(text.as_bytes(), None, &base()).unwrap_err()
}

#[test]
fn what_is_no_feed_is_refused_with_what_it_is() {
    let cut = rss("<item><title>x</title><guid>1</guid></item>");
    let page = "<!DOCTYPE html><html><head><link rel='alternate' type='application/rss+xml' href='/rss'></head></html>";
    for (text, words) in [
        ("", "the answer is empty"),
        (
            page,
            "this is a web page, not a feed; its feed is at https://news.example.org/rss",
        ),
        ("<html>x", "look for the address of its feed"),
        (&cut[..cut.len() - 40], "breaks off after"),
        (
            "<urlset><url/></urlset>",
            "neither RSS nor Atom nor JSON Feed",
        ),
        ("plain words", "neither RSS nor Atom nor JSON Feed"),
        (
            "{\"version\":\"https://jsonfeed.org/version/1.1\",\"ti",
            "breaks off after",
        ),
        ("{\"hello\":1}", "cannot be read"),
    ] {
        let why = why(text);
        assert!(why.contains(words), "{text}: {why}");
    }
}

#[test]
fn an_item_without_an_end_ends_with_its_channel() {
    let parsed = read("<rss version='2.0'><channel><item><title>x</title></channel></rss>");
    assert_eq!(parsed.entries[0].title, "x");
    assert!(
        parsed.notes[0].contains("not closed, as `<item>`"),
        "{:?}",
        parsed.notes
    );
}

#[test]
fn encodings_and_second_declarations_are_survived() {
    let feed = rss("<item><guid>1</guid><title>خبر</title></item>");
    let utf16: Vec<u8> = feed.encode_utf16().flat_map(u16::to_be_bytes).collect();
    let parsed = parse(&utf16, None, &base()).unwrap();
    assert_eq!(parsed.entries[0].title, "خبر");
    let twice = feed.replace(
        "<item>",
        "<?xml version='1.0' encoding='windows-1252'?><item>",
    );
    assert_eq!(read(&twice).entries[0].title, "خبر");
    let lies = feed.replace("UTF-8", "ISO-8859-1");
    assert_eq!(read(&lies).entries[0].title, "خبر");
}

#[test]
fn ten_thousand_entries_are_read_and_bombs_are_not() {
    let item = |n: usize| {
        format!(
            "<item><guid>g{n}</guid><title>Article {n}</title><link>https://e.org/{n}</link>\
            <description>Text of article {n}</description></item>"
        )
    };
    let feed = rss(&(0..10_005).map(item).collect::<String>());
    let parsed = read(&feed);
    assert_eq!(parsed.entries.len(), 10_000);
    assert!(
        parsed.notes[0].contains("10005 entries"),
        "{:?}",
        parsed.notes
    );
    assert!(why(&rss(&"<item/>".repeat(60_000))).contains("60000 entries"));
    let laughs = "<!DOCTYPE rss [<!ENTITY a 'ha'><!ENTITY b '&a;&a;&a;'>]>".to_owned()
        + &rss("<item><guid>1</guid><title>&b;</title></item>");
    assert!(!read(&laughs).entries[0].title.contains("haha"));
}

#[test]
fn hostile_documents_are_bounded_in_time_and_stack() {
    let unit = |text: &str| text.repeat(2_000_000 / text.len());
    let atom = |content: &str| {
        format!(
            "<feed xmlns='http://www.w3.org/2005/Atom'><entry><id>1</id><content type='xhtml'>{content}"
        )
    };
    for text in [
        rss(&unit("<guid")),
        rss(&unit("<guid>")),
        rss(&unit("<author>a@b")),
        rss(&unit("<![CDATA[x]]>")),
        rss(&unit("<?xml ")),
        rss(&unit("&")),
        rss(&unit("<a>")),
        atom(&unit("<div>")),
        atom(&("<div>".repeat(60_000) + &"</div>".repeat(60_000) + "</content></entry></feed>")),
        unit("{"),
        "{\"a\":".repeat(100_000),
        unit("<"),
    ] {
        let started = std::time::Instant::now();
        let _ = parse(text.as_bytes(), None, &base());
        let start: String = text.chars().take(400).collect();
        // In an unoptimised build on a busy machine; a square would take minutes.
        assert!(
            started.elapsed().as_secs() < 60,
            "{:?}: {start}",
            started.elapsed()
        );
    }
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 128, ..Default::default() })]

    #[test]
    fn a_damaged_feed_is_read_or_refused_and_never_more(
        at in 0usize..700, cut in 0usize..40, bytes in proptest::collection::vec(0u8.., 0..12),
    ) {
        let mut feed = rss(
            "<item><title>خبر &amp; x</title><guid isPermaLink='false'>1</guid><author>a@e.org، ب</author>\
             <pubDate>Mon, 23 Nov 2026 10:00:00 PKT</pubDate><description><![CDATA[<p>x</p>]]></description></item>",
        )
        .into_bytes();
        let start = at.min(feed.len());
        let end = (start + cut).min(feed.len());
        feed.splice(start..end, bytes);
        if let Ok(parsed) = parse(&feed, None, &base()) {
            proptest::prop_assert!(parsed.entries.len() <= 1);
        }
    }
}
