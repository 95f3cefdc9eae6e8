//! Rules one by one.

use super::super::{Cloud, Repair, Root, Withdrawn, decode};
use super::*;

fn inner<'a>(text: &'a str, name: &str) -> &'a str {
    let at = text
        .find("<item>")
        .or_else(|| text.find("<entry>"))
        .unwrap_or(0);
    let from = at
        + text[at..]
            .find(&format!("<{name}"))
            .unwrap_or_else(|| panic!("no {name} in {text}"));
    let from = from + text[from..].find('>').unwrap() + 1;
    &text[from..from + text[from..].find(&format!("</{name}>")).unwrap()]
}

#[test]
fn references_are_written_as_xml_knows_them() {
    for (written, becomes) in [
        ("a & b", "a &amp; b"),
        (
            "a &amp; b &lt; &#8217; &#x41;",
            "a &amp; b &lt; &#8217; &#x41;",
        ),
        ("&nbsp;&eacute;&nosuch;", "\u{a0}é&amp;nosuch;"),
        ("&#150;&#x93;x", "–“x"),
        ("&#0;x&#xffff;", "x"),
        ("&#xD83D;&#xDE00;", "😀"),
        ("&#65 &#x41", "A A"),
        ("1 < 2 > 1", "1 &lt; 2 > 1"),
        ("]]>", "]]&gt;"),
        ("&LT;b&GT;", "&lt;b>"),
        ("<![CDATA[a & <b>]]>", "<![CDATA[a & <b>]]>"),
        ("<![CDATA[]]>", ""),
    ] {
        let text = mended(&rss(&format!("<item><title>{written}</title></item>"))).text;
        assert_eq!(inner(&text, "title"), becomes, "{written}");
    }
}

#[test]
fn markup_in_a_text_becomes_the_text_it_should_have_been() {
    for (written, becomes) in [
        ("<p>a &amp; b</p>", "&lt;p&gt;a &amp;amp; b&lt;/p&gt;"),
        ("a &amp; b<br/>c", "a &amp; b&lt;br&gt;c"),
        (
            "<a href='x?a&b=\"'>y</a>",
            "&lt;a href=\"x?a&amp;amp;b=&amp;quot;\"&gt;y&lt;/a&gt;",
        ),
        ("<b>a<i>b</b>c", "&lt;b&gt;a&lt;i&gt;b&lt;/i&gt;&lt;/b&gt;c"),
        (
            "<p><![CDATA[1 < 2]]></p>",
            "&lt;p&gt;1 &amp;lt; 2&lt;/p&gt;",
        ),
        ("<x:p>a</x:p>", "a"),
    ] {
        let text = mended(&rss(&format!(
            "<item><description>{written}</description></item>"
        )))
        .text;
        assert_eq!(inner(&text, "description"), becomes, "{written}");
    }
    let text = mended(&atom("<entry><title>a &lt; <b>b</b></title></entry>")).text;
    assert!(
        text.contains("<title type=\"html\">a &amp;lt; &lt;b&gt;b&lt;/b&gt;</title>"),
        "{text}"
    );
}

#[test]
fn facts_are_told_item_by_item() {
    let facts = mended(&rss(
        "<ttl> 60 </ttl><skipHours><hour>3</hour></skipHours><skipDays><day>Tuesday</day></skipDays>\
         <sy:updatePeriod>hourly</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>\
         <cloud domain='e.org' port='80' path='/r' protocol='http-post' registerProcedure=''/>\
         <atom:link rel='hub' href='https://hub.example/'/><atom:link rel='self' href='https://e.org/feed'/>\
         <generator>WordPress &amp; co</generator><language>en</language><dc:language>ur</dc:language>\
         <item><title>1</title><guid isPermaLink='false'>1</guid><slash:comments>7</slash:comments></item>\
         <item><title>2</title><guid>2</guid><source url='https://o.example/feed'>Other &amp; co</source>\
         <dc:subject>Region</dc:subject></item>",
    ))
    .facts;
    assert_eq!(
        (facts.root, facts.ttl, facts.item_count),
        (Root::Rss, Some(60), 2)
    );
    assert_eq!((facts.skip_hours, facts.skip_days), (1 << 3, 1 << 1));
    assert_eq!(
        (facts.update_period.as_deref(), facts.update_frequency),
        (Some("hourly"), Some(2))
    );
    let cloud = Cloud {
        domain: "e.org".into(),
        port: "80".into(),
        path: "/r".into(),
        protocol: "http-post".into(),
    };
    assert_eq!(facts.cloud, Some(cloud));
    assert_eq!(facts.hubs, ["https://hub.example/"]);
    assert_eq!(facts.topic.as_deref(), Some("https://e.org/feed"));
    assert_eq!(facts.generator.as_deref(), Some("WordPress & co"));
    assert_eq!(
        (facts.language.as_deref(), facts.dc_language.as_deref()),
        (Some("en"), Some("ur"))
    );
    assert_eq!(
        (facts.items[0].is_permalink, facts.items[0].comments),
        (Some(false), Some(7))
    );
    let source = ("Other & co".to_owned(), "https://o.example/feed".to_owned());
    assert_eq!(facts.items[1].source.as_ref(), Some(&source));
    assert_eq!(facts.items[1].subjects, ["Region"]);
}

#[test]
fn atom_tells_its_hubs_sources_and_withdrawals() {
    let facts = mended(&atom(
        "<link rel='hub' href='https://hub.example/'/><link rel='self' href='/atom'/>\
         <at:deleted-entry xmlns:at='http://purl.org/atompub/tombstones/1.0' ref='tag:e.org,2026:7' when='2026-11-23T10:00:00Z'/>\
         <entry><title>1</title><source><title>Other</title><link href='https://o.example/'/></source></entry>",
    ))
    .facts;
    assert_eq!(
        (facts.hubs[0].as_str(), facts.topic.as_deref()),
        ("https://hub.example/", Some("/atom"))
    );
    let gone = Withdrawn {
        id: "tag:e.org,2026:7".into(),
        when: Some("2026-11-23T10:00:00Z".into()),
    };
    assert_eq!(facts.withdrawn, [gone]);
    assert_eq!(facts.xml_lang.as_deref(), Some("en"));
    let source = facts.items[0].source.clone().unwrap();
    assert_eq!(source.0, "Other");
}

#[test]
fn the_right_name_of_a_field_is_better_than_any_other() {
    let text = mended(&rss(
        "<item><dc:title>other</dc:title><title>right</title><media:title>caption</media:title></item>\
         <item><media:title>caption</media:title><dc:title>other</dc:title></item>",
    ))
    .text;
    assert!(
        text.contains("<item><title>right</title><media:title>caption</media:title></item>"),
        "{text}"
    );
    assert!(
        text.contains("</media:title><title>other</title></item>"),
        "{text}"
    );
}

#[test]
fn what_stands_after_an_empty_channel_is_in_it() {
    for text in [
        "<rss version='2.0'><channel/><item><title>a</title></item></rss>",
        "<rss version='2.0'><channel/><title>News</title></channel><item><title>a</title></item></rss>",
        "<rss<channel/<item><title>a</title><link>https://e.org/</link><description>b</description></item>",
    ] {
        let repaired = mended(text);
        assert_eq!(repaired.text.matches("<channel>").count(), 1, "{text}");
        assert_eq!(read(&repaired.text).unwrap().entries.len(), 1, "{text}");
    }
}

#[test]
fn names_in_json_have_room_whatever_stands_beside_them() {
    let deep = format!("{}{}", "[".repeat(500), "]".repeat(500));
    for beside in [
        "1e999",
        "\"\\ud800\"",
        deep.as_str(),
        "\"name\"",
        "{\"name\":1}",
    ] {
        for (key, name) in [
            ("name", "a@e.org، ب"),
            ("name", "a@e.org\\u060c ب"),
            ("n\\u0061me", "“a\\u0040e.org”"),
        ] {
            let text = format!(
                "{{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"a@e.org،\",\"x\":{beside},\
                 \"authors\":[{{\"{key}\" : \"{name}\"}}],\"items\":[]}}"
            );
            let mended = mend(&text).text;
            let feed = std::panic::catch_unwind(|| read(&mended)).expect("feed-rs does not panic");
            assert_eq!(
                feed.unwrap().authors[0].email.as_deref(),
                Some("a@e.org"),
                "{text}"
            );
            assert!(mended.contains("\"title\":\"a@e.org،\""), "{mended}");
            assert_eq!(mend(&mended).text, mended, "{text}");
        }
    }
    for text in [
        "{\"name\":\"a@e.org،",
        "{\"name\"",
        "{\"name\":\"\\",
        "{\"@\"",
    ] {
        assert_eq!(mend(text).text, text);
    }
}

#[test]
fn times_that_feed_rs_cannot_count_are_left_out_however_they_are_written() {
    for between in [
        "", "&#0;", "&#57;", "&#x39;", "&nosuch;", "\u{1}", "&#x669;",
    ] {
        let time = format!("9999999999{between}9999999999");
        let feed = rss(&format!(
            "<item><title>a</title><media:thumbnail url='https://e.org/t.jpg' time='{time}'/>\
             <itunes:duration>{time}</itunes:duration></item>"
        ));
        let text = mended(&feed).text;
        let told = std::panic::catch_unwind(|| read(&text)).expect("feed-rs does not panic");
        assert_eq!(told.unwrap().entries.len(), 1, "{between}");
        assert!(!text.contains(" time="), "{text}");
    }
    for odd in ["9>", "9\"", "9<", "9&amp;"] {
        let text = mended(&rss(&format!(
            "<item><media:thumbnail time='{odd}'/></item>"
        )))
        .text;
        assert!(!text.contains(" time="), "{text}");
    }
    let text = mended(&rss(
        "<item><media:thumbnail url='x' time='12:05:01.123'/></item>",
    ))
    .text;
    assert!(text.contains(" time=\"12:05:01.123\""), "{text}");
}

#[test]
fn brackets_that_come_together_end_no_section() {
    for odd in ["]]>", "]\u{0}]>", "]]\u{0}>", "]&#0;]>"] {
        let text = mended(&rss(&format!("<item><title>a{odd}b</title></item>"))).text;
        assert!(text.contains("<title>a]]&gt;b</title>"), "{text}");
    }
}

#[test]
fn repairs_are_sentences_and_each_is_told_once() {
    let feed = format!(
        "<rss><channel>{}</channel></rss>",
        "<item><x:y/><title>a & b &nbsp;</title></item>".repeat(3)
    );
    let told: Vec<String> = mended(&feed)
        .repairs
        .iter()
        .map(Repair::to_string)
        .collect();
    assert_eq!(
        told,
        [
            "the feed has 3 `&` that should be `&amp;`",
            "the feed uses 3 names for characters that XML does not know, as `&nbsp;`",
            "the feed does not say which version of RSS it is",
            "the feed uses the prefix `x` without declaring it",
        ]
    );
}

#[test]
fn bytes_win_over_what_is_said_about_them() {
    let text = |bytes: &[u8], http: Option<&str>| decode(bytes, http, &url()).text;
    let utf8 = "<?xml version='1.0' encoding='ISO-8859-1'?><rss>Café خبر</rss>";
    assert_eq!(text(utf8.as_bytes(), None), utf8);
    let latin = b"<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>Caf\xe9 \x93x\x94</a>";
    assert!(text(latin, None).ends_with("<a>Café “x”</a>"));
    let arabic = b"<a>\xce\xc8\xd1</a>";
    assert_eq!(
        text(arabic, Some("text/xml; charset=\"windows-1256\"")),
        "<a>خبر</a>"
    );
    let broken = b"<?xml version='1.0' encoding='utf-8'?><a>\xd8\xae\xd8\xae\xd8\xae\xd8\xae \xff \x96 b</a>";
    assert!(text(broken, None).ends_with("<a>خخخخ \u{fffd} – b</a>"));
    for encoding in [u16::to_le_bytes, u16::to_be_bytes] {
        let utf16 = "<?xml version='1.0' encoding='utf-16'?><a>خبر</a>";
        let bytes: Vec<u8> = utf16.encode_utf16().flat_map(encoding).collect();
        assert_eq!(text(&bytes, None), utf16);
    }
}

#[test]
fn sitemaps_come_out_in_one_spelling() {
    let sitemap = "<?xml version='1.0'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.84' \
        xmlns:n='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>https://e.org/1?a&b</loc>\
        <n:news><n:publication><n:name>N</n:name><n:language>ur</n:language></n:publication>\
        <n:publication_date>2026-11-23</n:publication_date><n:title>خبر</n:title></n:news></url></urlset>";
    let repaired = mended(sitemap);
    assert_eq!(repaired.facts.root, Root::Sitemap);
    assert!(
        repaired
            .text
            .contains("<loc>https://e.org/1?a&amp;b</loc><news:news><news:publication>")
    );
    assert!(repaired.text.contains("<news:title>خبر</news:title>"));
}

#[test]
fn what_is_no_feed_is_named_and_gives_nothing() {
    for (text, root) in [
        ("<!doctype html><html><body>", Root::Html),
        ("<svg/>", Root::Other),
        ("words", Root::None),
        ("", Root::None),
    ] {
        let repaired = mend(text);
        assert_eq!(
            (repaired.text.as_str(), repaired.facts.root),
            ("", root),
            "{text}"
        );
    }
    assert_eq!(repair(b"{\"a\":1}", None, &url()).facts.root, Root::Json);
}
