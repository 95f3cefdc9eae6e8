//! Texts, leads, pictures and styles as people read them.

use super::super::*;
use super::base;

#[test]
fn a_document_becomes_text_that_reads_well() {
    let html = "<h2>Floods in Sindh</h2><p>Water rose by <b>two metres</b> in one night, said \
        <a href='https://e.org/ndma'>the authority</a>, and more rain is on its way to the lower \
        districts.</p><ul><li>Sukkur: 12<li>Dadu: 7<ol><li>town</li><li>villages</li></ol></ul>\
        <blockquote><p>We left everything.</p><p>All of it.</p></blockquote>\
        <img src='https://e.org/i.jpg' alt='A boat on a street'><hr>\
        <table><tr><th>Day<th>Level</tr><tr><td>Mon<td>3 m</tr></table>\
        <pre>a  b\n c</pre><p>See <a href='https://e.org/ndma'>this</a> or \
        <a href='https://e.org/'>e.org</a>.<br>End.</p><script>x()</script>";
    let expected = "Floods in Sindh\n\
        ===============\n\
        \n\
        Water rose by two metres in one night, said the authority [1], and more\n\
        rain is on its way to the lower districts.\n\
        \n\
        • Sukkur: 12\n\
        • Dadu: 7\n  1. town\n  2. villages\n\
        \n\
        > We left everything.\n\
        >\n\
        > All of it.\n\
        \n\
        [A boat on a street]\n\
        \n\
        * * *\n\
        \n\
        Day | Level\n\
        Mon | 3 m\n\
        \n\
        a  b\n c\n\
        \n\
        See this [1] or e.org.\n\
        End.\n\
        \n\
        [1] https://e.org/ndma";
    assert_eq!(to_text(html), expected);
}

#[test]
fn urdu_text_is_wrapped_by_what_is_seen() {
    let sentence = "سندھ میں سیلاب کے بعد ہزاروں افراد محفوظ مقامات پر منتقل ہو گئے ہیں۔ ";
    let text = to_text(&format!("<div dir=rtl><p>{}</p></div>", sentence.repeat(4)));
    assert!(text.lines().count() >= 3);
    assert!(text.lines().all(|l| wrap::width(l) <= 72));
    assert_eq!(
        text.split_whitespace().count(),
        sentence.split_whitespace().count() * 4
    );
}

#[test]
fn one_line_is_plain_whatever_the_title_holds() {
    for (html, expected) in [
        ("AT&amp;T &#8211; <i>news</i>", "AT&T – news"),
        ("a &lt; b &amp;amp; c", "a < b &amp; c"),
        ("5 < 6 & 7", "5 < 6 & 7"),
        ("One<br>two<p>three</p>four", "One two three four"),
        ("x\r\nBcc: y\u{202e}\u{0}z", "x Bcc: yz"),
        ("<script>x</script>ok<![CDATA[no]]>", "ok"),
        ("بِسْمِ\u{200c}اللہ", "بِسْمِ\u{200c}اللہ"),
    ] {
        assert_eq!(plain(html), expected, "{html}");
    }
}

#[test]
fn a_lead_is_whole_sentences_without_furniture() {
    let text = "The river rose. Thousands left their homes in the night. Help came late.";
    assert_eq!(
        first_sentences(text, 60),
        "The river rose. Thousands left their homes in the night."
    );
    assert_eq!(
        first_sentences("A very long first sentence that never ends", 20),
        "A very long first…"
    );
    assert_eq!(
        first_sentences("پانی چڑھ گیا۔ لوگ گھر چھوڑ گئے۔ مدد دیر سے آئی۔", 34),
        "پانی چڑھ گیا۔ لوگ گھر چھوڑ گئے۔"
    );
    let summary =
        "<p>Water rose. [&hellip;]</p><p>The post <a>Floods</a> appeared first on <a>N</a>.</p>";
    assert_eq!(lead(Some(summary), "<p>Body</p>", 200), "Water rose.");
    assert_eq!(
        lead(Some("<p>[…]</p>"), "<p>Body text.</p>", 200),
        "Body text."
    );
    assert_eq!(word_count("<p>Two words</p><p>اور تین الفاظ</p>"), 5);
}

#[test]
fn the_first_real_picture_is_found() {
    let html = "<img src='https://pixel.wp.com/b.gif'><img class=emoji src='https://e.org/s.png'>\
        <p><img src='/boat.jpg' alt='A &quot;boat&quot;'></p><img src='/b.jpg'>";
    let image = first_image(html, Some(&base())).unwrap();
    assert_eq!(image.url, "https://news.example.org/boat.jpg");
    assert_eq!(image.alt, "A \"boat\"");
    assert_eq!(first_image("<p>none</p>", None), None);
}

#[test]
fn a_page_names_its_feeds() {
    let html = "<html><head><title>x</title><link rel=alternate type='application/rss+xml' \
        href='/comments/feed/'><link rel=alternate type=application/rss+xml href='/feed/'></head>";
    let links = feed_links(html, &base());
    assert_eq!(links[0].path(), "/feed/");
    assert_eq!(links.len(), 2);
}

#[test]
fn styles_are_inlined_and_media_queries_kept() {
    let html = "<!DOCTYPE html><html lang=\"en\"><head><meta charset=\"utf-8\"><title>x</title>\
        <link rel=\"stylesheet\" href=\"http://127.0.0.1:1/x.css\">\
        <style>p { color: #123456 } @media (prefers-color-scheme: dark) { p { color: #fff } }</style>\
        </head><body><p>x</p></body></html>";
    let out = inline_css(html).unwrap();
    assert!(out.contains("<p style=\"color: #123456;\">"), "{out}");
    assert!(out.contains("@media (prefers-color-scheme: dark)"), "{out}");
    assert!(out.contains("<head><meta charset=\"utf-8\">"), "{out}");
    assert!(out.starts_with("<!DOCTYPE html>"), "{out}");
}
