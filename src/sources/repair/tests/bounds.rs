//! Bounded and linear, whatever comes; any bytes come out well-formed.

use proptest::prelude::*;

use super::*;

/// Hostile documents of about `n` bytes each.
fn hostile(n: usize) -> Vec<String> {
    let unit = |text: &str| text.repeat(n / text.len() + 1);
    let entities: String = (0..64)
        .map(|i| format!("<!ENTITY e{i} '{}'>", "x".repeat(250)))
        .collect();
    let attributes: String = (0..n / 8).map(|i| format!(" a{i}=''")).collect();
    vec![
        rss(&unit("<item>")),
        rss(&unit("<a>")),
        rss(&format!("<item><description>{}", unit("<b>"))),
        rss(&format!("<item><description>{}", unit("<b><i></b>"))),
        rss(&format!("<item><description>{}", unit("<p>&"))),
        rss(&format!("<item><description>{}", unit("&lt;"))),
        rss(&format!("<item><title>{}", unit("<"))),
        rss(&format!("<item><title>{}", unit("<a "))),
        rss(&format!("<item><title>{}", unit("<a b=\""))),
        rss(&format!("<item><title>{}", unit("<a b=\"'"))),
        rss(&format!("<item><title>{}", unit("<![CDATA["))),
        rss(&format!("<item><title>{}", unit("<!--"))),
        rss(&format!("<item><title>{}", unit("<?x"))),
        rss(&unit("</a>")),
        rss(&format!("<item{attributes}>")),
        rss(&format!("<item><enclosure{attributes}/>")),
        rss(&unit("<x xmlns:a='b'>")),
        rss(&unit("<item><dc:title>a</dc:title>")),
        rss(&unit("<item><guid>https://e.org/</guid>")),
        format!(
            "<!DOCTYPE rss [{entities}]>{}",
            rss(&format!("<item><title>{}", unit("&e1;")))
        ),
        format!("<!DOCTYPE rss [{}", unit("<!ENTITY a 'b'>")),
        atom(&unit("<entry><content>a<b>c")),
        atom(&format!("<entry><content type='xhtml'>{}", unit("<div>"))),
        atom(&unit("<author>")),
        unit("<!DOCTYPE x["),
        rss(&unit("<!DOCTYPE x[]")),
        rss(&unit("<!")),
        unit("<rss"),
        unit("<?xml "),
    ]
}

/// How much work a document makes, counted in bytes written and facts kept.
fn work(text: &str) -> usize {
    let repaired = mend(text);
    let facts = repaired.facts.items.len() * 8 + repaired.facts.withdrawn.len();
    repaired.text.len() + facts + repaired.repairs.len()
}

#[test]
fn twice_the_attack_is_not_three_times_the_work() {
    for (small, large) in hostile(50_000).iter().zip(hostile(100_000)) {
        let (once, twice) = (work(small), work(&large));
        let start: String = small.chars().skip(500).take(60).collect();
        assert!(twice <= 3 * once + 4096, "{once} and {twice}: {start}");
        // No byte becomes more than `<` does in markup, but for entities, which have a budget.
        assert!(
            twice <= 10 * large.len() + 1_100_000,
            "{twice} of {}: {start}",
            large.len()
        );
    }
}

#[test]
fn attacks_come_out_well_formed_and_stay_so() {
    for text in hostile(3_000) {
        mended(&text);
    }
}

#[test]
fn two_megabytes_of_any_attack_take_no_time_to_speak_of() {
    for text in hostile(2_000_000) {
        let started = std::time::Instant::now();
        let _ = mend(&text);
        let start: String = text.chars().skip(500).take(60).collect();
        // Unoptimised and on a busy machine; a square would take hours.
        assert!(
            started.elapsed().as_secs() < 60,
            "{:?}: {start}",
            started.elapsed()
        );
    }
}

/// Pieces that documents are made of, right and wrong.
const PIECES: &[&str] = &[
    "<item>",
    "</item>",
    "<title>",
    "</title>",
    "<link>",
    "</link>",
    "<description>",
    "</description>",
    "<content:encoded>",
    "</content:encoded>",
    "<entry>",
    "</entry>",
    "<content type='xhtml'>",
    "<content type=\"html\">",
    "</content>",
    "<guid isPermaLink='false'>",
    "</guid>",
    "<author>",
    "</author>",
    "<name>",
    "</name>",
    "<channel>",
    "</channel>",
    "</rss>",
    "</feed>",
    "<p>",
    "</p>",
    "<br>",
    "<div xmlns='http://www.w3.org/1999/xhtml'>",
    "</div>",
    "<![CDATA[",
    "]]>",
    "]]",
    "<!--",
    "-->",
    "<?x",
    "?>",
    "&",
    "&amp;",
    "&nbsp;",
    "&#0;",
    "&#xD83D;",
    "&#xDE00;",
    "<",
    ">",
    "\"",
    "'",
    "=",
    "/",
    "خبر",
    "“a@b.org”",
    "https://e.org/1",
    "<atom:link rel='alternate' href='https://e.org/2'/>",
    "<dc:title>",
    "</dc:title>",
    "<media:title/>",
    "<source url='x'>",
    "</source>",
    "<itunes:duration>",
    "</itunes:duration>",
    "\u{1}",
    "\u{fffe}",
    " x='1' ",
    "<a b='c",
    "<dc:creator>",
    "</dc:creator>",
    "<summary mode='base64'>",
    "</summary>",
];

fn pieces() -> impl Strategy<Value = String> {
    proptest::collection::vec(proptest::sample::select(PIECES), 0..40)
        .prop_map(|pieces| pieces.concat())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_come_out_well_formed_and_stay_so(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
        mended(&repair(&bytes, None, &url()).text);
    }

    #[test]
    fn any_pieces_come_out_well_formed_and_stay_so(inside in pieces(), root in 0..4usize) {
        let document = match root {
            0 => rss(&inside),
            1 => atom(&inside),
            2 => format!("<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\">{inside}</rdf:RDF>"),
            _ => format!("<rss>{inside}"),
        };
        mended(&document);
    }

    #[test]
    fn a_damaged_feed_is_still_a_feed(at in 0usize..900, cut in 0usize..30, bytes in proptest::collection::vec(any::<u8>(), 0..10)) {
        let mut feed = rss(
            "<item><title>خبر &amp; x</title><link>https://e.org/1</link><guid isPermaLink='false'>1</guid>\
             <author>a@e.org، ب</author><description><![CDATA[<p>x</p>]]></description></item>",
        ).into_bytes();
        let start = at.min(feed.len());
        let end = (start + cut).min(feed.len());
        feed.splice(start..end, bytes);
        mended(&repair(&feed, None, &url()).text);
    }
}
