//! Feeds as they come, read through real HTTP where HTTP has a say.

mod corpus;
mod hints;
mod hostile;
mod polling;

use super::parse::{self, Parsed, parse};
use crate::domain::{Entry, KeyKind};
use url::Url;

fn base() -> Url {
    Url::parse("https://news.example.org/feed/").unwrap()
}

fn read(text: &str) -> Parsed {
    parse(text.as_bytes(), None, &base()).unwrap_or_else(|why| panic!("{why}: {text}"))
}

fn rss(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:media=\"http://search.yahoo.com/mrss/\"><channel><title>News</title>\
         <link>https://news.example.org/</link><language>en-US</language>{items}</channel></rss>"
    )
}

fn one(items: &str) -> Entry {
    let parsed = read(&rss(items));
    assert_eq!(parsed.entries.len(), 1, "{:?}", parsed.notes);
    parsed.entries[0].clone()
}

#[test]
fn an_ordinary_item_keeps_all_it_says() {
    let entry = one(
        "<item><title>Floods &amp;amp; rain &#8211; &lt;i&gt;live&lt;/i&gt;</title>\
         <link>https://news.example.org/floods/</link><guid isPermaLink=\"false\">https://news.example.org/?p=7</guid>\
         <dc:creator>Ayesha Khan</dc:creator><category>Region</category><category>region</category>\
         <category>Weather</category><pubDate>Mon, 23 Nov 2026 10:00:00 +0500</pubDate>\
         <description>Short [&amp;hellip;]</description>\
         <content:encoded><![CDATA[<p>Long <img src=\"/i.jpg\" alt=\"A boat\"></p>]]></content:encoded></item>",
    );
    assert_eq!(crate::html::plain(&entry.title), "Floods & rain – live");
    assert_eq!(
        entry.url.as_deref(),
        Some("https://news.example.org/floods/")
    );
    let keys: Vec<_> = entry
        .keys
        .iter()
        .map(|k| (k.kind, k.value.as_str()))
        .collect();
    assert_eq!(
        keys,
        [
            (KeyKind::Wordpress, "news.example.org#7"),
            (KeyKind::Guid, "https://news.example.org/?p=7"),
            (KeyKind::GuidNormalised, "news.example.org?p=7"),
            (KeyKind::Link, "news.example.org/floods"),
        ]
    );
    assert_eq!(entry.authors, ["Ayesha Khan"]);
    assert_eq!(entry.topics, ["Region", "Weather"]);
    assert_eq!(entry.published.unwrap().to_string(), "2026-11-23T05:00:00Z");
    assert_eq!(entry.language.as_deref(), Some("en-us"));
    assert!(entry.content_html.unwrap().contains("<p>Long"));
    assert_eq!(entry.summary_html.as_deref(), Some("Short [&hellip;]"));
    let image = entry.image.unwrap();
    assert_eq!(
        (image.url.as_str(), image.alt.as_str()),
        ("https://news.example.org/i.jpg", "A boat")
    );
}

#[test]
fn an_urdu_author_beside_an_address_breaks_nothing() {
    for (author, name) in [
        ("editor@example.org، اردو نیوز", "اردو نیوز"),
        ("“editor@example.org", ""),
        ("عائشہ خان،editor@example.org", "عائشہ خان"),
        ("editor@example.org (عائشہ خان)", "عائشہ خان"),
        ("عائشہ خان", "عائشہ خان"),
        ("editor@example.org", ""),
        ("ادارہ\u{a0}editor@example.org\u{a0}", "ادارہ"),
    ] {
        for tag in ["author", "dc:creator"] {
            let entry = one(&format!(
                "<item><title>خبر</title><link>https://e.org/1</link><{tag}>{author}</{tag}></item>"
            ));
            assert_eq!(entry.authors.join("/"), name, "{tag}: {author}");
        }
    }
    let json = "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"x\",\"items\":[{\"id\":\"1\",\
        \"title\":\"خبر\",\"authors\":[{\"name\":\"“editor@example.org، اردو نیوز\"}]}]}";
    assert_eq!(read(json).entries[0].authors, ["اردو نیوز"]);
}

#[test]
fn a_panic_of_the_parser_is_an_error_and_not_the_end() {
    let feed = rss("<item><title>x</title><author>“editor@example.org</author></item>");
    let why = parse::read(&feed, &base()).unwrap_err();
    assert_eq!(why, "its parser broke down on it");
}

#[test]
fn identity_holds_what_changes_and_parts_what_differs() {
    // Without a guid the corrected title must not make a new article.
    let before =
        one("<item><title>Flods</title><link>http://www.e.org/1/?utm_source=rss</link></item>");
    let after = one("<item><title>Floods</title><link>https://e.org/1</link></item>");
    assert_eq!(before.keys, after.keys);
    // Neither guid nor link nor title: still the same at every poll.
    let bare = "<item><description>Only some text here.</description></item>";
    assert_eq!(one(bare).keys, one(bare).keys);
    assert_eq!(one(bare).title, "Only some text here.");
    // A guid that is an address is one, unless it says otherwise.
    let guid = one("<item><title>x</title><guid>https://e.org/9</guid></item>");
    assert_eq!(guid.url.as_deref(), Some("https://e.org/9"));
    let id = one("<item><title>x</title><guid isPermaLink='false'>https://e.org/9</guid></item>");
    assert_eq!(id.url, None);
}

#[test]
fn repeated_and_wrongly_named_entries_are_sorted_out() {
    let twice = "<item><title>a</title><guid>1</guid><link>https://e.org/1</link></item>";
    let parsed = read(&rss(&twice.repeat(3)));
    assert_eq!(parsed.entries.len(), 1);
    assert!(
        parsed.notes[0].contains("2 entries stand in the feed twice"),
        "{:?}",
        parsed.notes
    );
    let shared: String = (1..=3)
        .map(|n| {
            format!(
                "<item><title>{n}</title><guid>same</guid><link>https://e.org/{n}</link></item>"
            )
        })
        .collect();
    let parsed = read(&rss(&shared));
    assert_eq!(parsed.entries.len(), 3);
    assert!(
        parsed
            .entries
            .iter()
            .all(|e| e.keys.iter().all(|k| k.kind == KeyKind::Link))
    );
    assert!(
        parsed.notes[0].contains("share a guid"),
        "{:?}",
        parsed.notes
    );
}

#[test]
fn bad_dates_are_no_dates_and_odd_ones_are_read() {
    let date = |text: &str| {
        one(&format!(
            "<item><guid>1</guid><title>x</title><pubDate>{text}</pubDate></item>"
        ))
        .published
    };
    assert_eq!(date("yesterday"), None);
    assert_eq!(date("0000-00-00 00:00:00"), None);
    assert_eq!(
        date("2026-11-23 10:00:00").unwrap().to_string(),
        "2026-11-23T10:00:00Z"
    );
    assert_eq!(
        date("۲۳ نومبر ۲۰۲۶").unwrap().to_string(),
        "2026-11-23T00:00:00Z"
    );
}

#[test]
fn relative_addresses_are_resolved_and_hostile_ones_are_no_addresses() {
    let link = |text: &str| {
        one(&format!(
            "<item><guid isPermaLink='false'>1</guid><title>x</title><link>{text}</link></item>"
        ))
        .url
    };
    assert_eq!(link("/a").as_deref(), Some("https://news.example.org/a"));
    assert_eq!(link("//e.org/a").as_deref(), Some("https://e.org/a"));
    assert_eq!(link("javascript:alert(1)"), None);
    assert_eq!(link("data:text/html,x"), None);
}

#[test]
fn atom_says_what_is_text_and_what_is_html() {
    let feed = "<feed xmlns='http://www.w3.org/2005/Atom' xml:lang='ur-PK'><title>N</title>\
        <generator uri='https://wordpress.org/'>WordPress</generator><author><name>ادارہ</name></author>\
        <entry><id>tag:e.org,2026:1</id><title>1 &lt; 2 &amp; &lt;b&gt;</title>\
        <link rel='replies' href='https://e.org/1/comments'/><link href='/1'/>\
        <link rel='enclosure' type='image/jpeg' href='https://e.org/b.jpg' title='A boat'/>\
        <updated>2026-11-23T10:00:00Z</updated><content type='html'>&lt;p&gt;x&lt;/p&gt;</content>\
        <summary>one\n\ntwo</summary></entry>\
        <entry><id>tag:e.org,2026:2</id><title type='html'>&lt;b&gt;bold&lt;/b&gt;</title><content type='xhtml'>\
        <div xmlns='http://www.w3.org/1999/xhtml'><p>in <b>place</b></p></div></content></entry></feed>";
    let parsed = read(feed);
    assert!(parsed.is_wordpress);
    assert_eq!(parsed.language.as_deref(), Some("ur-PK"));
    let first = &parsed.entries[0];
    assert_eq!(crate::html::plain(&first.title), "1 < 2 & <b>");
    assert_eq!(first.url.as_deref(), Some("https://news.example.org/1"));
    assert_eq!(first.content_html.as_deref(), Some("<p>x</p>"));
    assert_eq!(first.summary_html.as_deref(), Some("<p>one</p><p>two</p>"));
    assert_eq!(first.authors, ["ادارہ"]);
    assert_eq!(first.language.as_deref(), Some("ur-PK"));
    assert_eq!(first.image.as_ref().unwrap().alt, "A boat");
    assert_eq!(first.published, first.updated);
    assert_eq!(crate::html::plain(&parsed.entries[1].title), "bold");
    assert!(
        parsed.entries[1]
            .content_html
            .as_ref()
            .unwrap()
            .contains("<b>place</b>")
    );
}

#[test]
fn an_empty_content_does_not_cost_the_feed() {
    let feed = "<feed xmlns='http://www.w3.org/2005/Atom'><title>N</title><entry><id>1</id><title>a</title>\
        <content type='html'></content></entry><entry><id>2</id><title>b</title><content type='html'/></entry></feed>";
    assert_eq!(read(feed).entries.len(), 2);
}

#[test]
fn json_feed_is_read_with_its_pictures_and_languages() {
    let feed = "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"N\",\"language\":\"en\",\"items\":[\
        {\"id\":\"1\",\"url\":\"/1\",\"title\":\"A < B\",\"content_text\":\"one & two\\n\\nthree\",\
         \"image\":\"/i.jpg\",\"language\":\"ur\",\"tags\":[\"Region\"],\"date_published\":\"2026-11-23T10:00:00+05:00\",\
         \"attachments\":[{\"url\":\"https://e.org/a.mp3\",\"mime_type\":\"audio/mpeg\"}]},\
        {\"id\":\"2\",\"content_html\":\"<p>Untitled &amp; short</p>\"}]}";
    let entries = read(feed).entries;
    assert_eq!(crate::html::plain(&entries[0].title), "A < B");
    assert_eq!(
        entries[0].content_html.as_deref(),
        Some("<p>one &amp; two</p><p>three</p>")
    );
    assert_eq!(
        entries[0].url.as_deref(),
        Some("https://news.example.org/1")
    );
    assert_eq!(
        entries[0].image.as_ref().unwrap().url,
        "https://news.example.org/i.jpg"
    );
    assert_eq!(entries[0].language.as_deref(), Some("ur"));
    assert_eq!(
        entries[0].published.unwrap().to_string(),
        "2026-11-23T05:00:00Z"
    );
    assert_eq!(entries[1].title, "Untitled &amp; short");
    assert_eq!(entries[1].language.as_deref(), Some("en"));
    assert_eq!(entries[1].url, None);
}

#[test]
fn rss_of_every_age_is_read() {
    let rdf = "<rdf:RDF xmlns:rdf='http://www.w3.org/1999/02/22-rdf-syntax-ns#' xmlns='http://purl.org/rss/1.0/' \
        xmlns:dc='http://purl.org/dc/elements/1.1/'><channel><title>N</title></channel>\
        <item rdf:about='https://e.org/1'><title>x</title><link>https://e.org/1</link>\
        <dc:date>2026-11-23</dc:date></item></rdf:RDF>";
    assert_eq!(
        read(rdf).entries[0].published.unwrap().to_string(),
        "2026-11-23T00:00:00Z"
    );
    for version in ["", " version='0.91'", " version='0.93'", " version='2.1'"] {
        let feed = format!(
            "<rss{version}><channel><title>N</title><item><title>a & b</title>\
            <link>https://e.org/1</link></item></channel></rss>"
        );
        assert_eq!(read(&feed).entries[0].title, "a & b", "{version}");
    }
}

#[test]
fn media_pictures_are_found_largest_first() {
    let entry = one(
        "<item><guid>1</guid><title>x</title><media:thumbnail url='https://e.org/t.jpg' width='150'/>\
         <media:content url='https://e.org/s.jpg' type='image/jpeg' width='300'/>\
         <media:content url='https://e.org/l.jpg' type='image/jpeg' width='1200'/>\
         <media:content url='https://e.org/film.mp4' type='video/mp4' width='1920'/>\
         <description>&lt;img src='https://e.org/l.jpg' alt='A boat'&gt;</description></item>",
    );
    let image = entry.image.unwrap();
    assert_eq!(
        (image.url.as_str(), image.alt.as_str()),
        ("https://e.org/l.jpg", "A boat")
    );
    let enclosed = one(
        "<item><guid>1</guid><title>x</title><enclosure url='/e.png' type='image/png' length='1'/></item>",
    );
    assert_eq!(
        enclosed.image.unwrap().url,
        "https://news.example.org/e.png"
    );
    let sound = one(
        "<item><guid>1</guid><title>x</title><enclosure url='/e.mp3' type='audio/mpeg' length='1'/></item>",
    );
    assert_eq!(sound.image, None);
}
