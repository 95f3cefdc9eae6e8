//! Rules of a source's own, encodings, and the smaller promises of reading a page.

use super::*;

fn url() -> Url {
    Url::parse("https://news.example/2026/01/relief-work/").unwrap()
}

fn text(number: usize) -> String {
    format!(
        "<p>Paragraph {number}: the water rose through the night, officials said, and families were moved.</p>"
    )
}

fn read(body: &str, rules: &PageRules) -> Page {
    extract(body, &url(), rules).unwrap()
}

#[test]
fn a_sources_own_rules_come_first_and_a_rule_that_names_nothing_is_said() {
    let body = format!(
        "<div class=entry-content>{}</div><div id=real>{}<p class=promo>Buy our hats now.</p></div>",
        text(1),
        text(2)
    );
    let rules = PageRules::new(&["#real"], &[".promo"]).unwrap();
    let page = read(&body, &rules);
    assert!(
        page.content_html.contains("Paragraph 2") && !page.content_html.contains("Paragraph 1")
    );
    assert!(!page.content_html.contains("hats"));
    let page = read(&body, &PageRules::new(&["#nowhere"], &[]).unwrap());
    assert!(page.content_html.contains("Paragraph"));
    assert!(page.notes[0].contains("`select` names nothing"));
}

#[test]
fn a_rule_that_is_no_selector_is_refused() {
    for rule in ["", "div[", "a:has(b)", "p >", &"x".repeat(600)] {
        assert!(PageRules::new(&[rule], &[]).is_err(), "{rule}");
    }
    assert!(PageRules::new(&["main > p:not(.x)", "a, b"], &["[data-ad]"]).is_ok());
}

#[test]
fn what_holds_a_quarter_of_the_text_is_no_furniture_whatever_it_is_called() {
    let boxed = |n| format!("<div class=\"share-related-ads\">{}</div>", text(n));
    // Each holds a tenth, and all of them together the whole.
    let body: String = (1..=10).map(boxed).collect();
    let page = read(&format!("<article>{body}</article>"), &PageRules::default());
    for n in 1..=10 {
        assert!(
            page.content_html.contains(&format!("Paragraph {n}:")),
            "{n}"
        );
    }
    let one = format!(
        "<article>{}<div class=share>{}</div></article>",
        (1..=9).map(text).collect::<String>(),
        text(10)
    );
    assert!(
        !read(&one, &PageRules::default())
            .content_html
            .contains("Paragraph 10")
    );
}

#[test]
fn json_ld_with_the_mistakes_of_templates_is_read() {
    let head = "<script type='application/ld+json'><!--\n{\"@type\":[\"NewsArticle\"],\"headline\":\"A\nlong one\",\
        \"author\":[{\"@type\":\"Person\",\"name\":\"Ayesha\"},\"Omar\"],\"datePublished\":\"2026-01-05\",\
        \"image\":[\"/a.jpg\"],\"keywords\":\"Sindh، Floods\",};\n--></script>";
    let page = read(
        &format!("{head}<article>{}</article>", text(1)),
        &PageRules::default(),
    );
    assert_eq!(page.title.as_deref(), Some("A long one"));
    assert_eq!(page.authors, ["Ayesha", "Omar"]);
    assert_eq!(page.topics, ["Sindh", "Floods"]);
    assert_eq!(page.published.unwrap().to_string(), "2026-01-05T00:00:00Z");
    assert_eq!(page.image.unwrap().url, "https://news.example/a.jpg");
}

#[test]
fn a_page_of_scripts_has_no_article_unless_its_head_has_the_text() {
    let app = "<title>App</title><div id=root></div><script>start()</script>";
    let error = extract(app, &url(), &PageRules::default()).unwrap_err();
    assert_eq!(error, ExtractError::NoText);
    let words = "The water rose through the night and families were moved to schools before dawn, \
        officials of the district said on Monday.";
    let told = format!(
        "{app}<script type=application/ld+json>{{\"@type\":\"Article\",\"articleBody\":\"{words}\\n<b>Second</b> line\"}}</script>"
    );
    let page = read(&told, &PageRules::default());
    assert!(page.content_html.starts_with("<p>The water rose"));
    assert!(page.content_html.contains("<p>&lt;b&gt;Second"));
}

#[test]
fn a_page_is_read_in_the_encoding_it_is_written_in() {
    let said = b"<meta charset=\"windows-1256\"><p>\xd3\xe1\xc7\xe3</p>";
    assert!(decode(said, None).contains("سلام"));
    assert!(
        decode(
            b"<p>\xd3\xe1\xc7\xe3</p>",
            Some("text/html; charset=windows-1256")
        )
        .contains("سلام")
    );
    assert!(decode("<meta charset=iso-8859-1><p>سلام</p>".as_bytes(), None).contains("سلام"));
    assert!(decode(b"\xff\xfe<\0p\0>\0", None).contains("<p>"));
    assert!(decode(b"caf\xe9 and more words of it, caf\xe9", None).contains("café"));
}

#[test]
fn lines_over_the_text_go_and_a_short_sentence_stays() {
    let body = format!(
        "<h1>Relief work</h1><p>By Ayesha Khan</p><p>January 5, 2026</p><p>By noon it was over.</p>{}<h3>Read more stories</h3>{}",
        text(1),
        text(2)
    );
    let page = read(&format!("<article>{body}</article>"), &PageRules::default());
    for gone in ["Relief work", "Ayesha", "January"] {
        assert!(
            !page.content_html.contains(gone),
            "{gone} in {}",
            page.content_html
        );
    }
    assert!(page.content_html.contains("By noon it was over."));
    // A heading with text after it is no heading over other articles.
    assert!(page.content_html.contains("Read more stories"));
    assert_eq!(page.title.as_deref(), Some("Relief work"));
}

#[test]
fn a_list_of_links_that_ends_the_text_is_part_of_it_and_a_poem_is_a_text() {
    let list = "<h2>The documents</h2><ul><li><a href=/a>The order of the court</a></li><li><a href=/b>The report</a></li></ul>";
    let body = format!("<div class=entry-content>{}{list}</div>", text(1));
    let page = read(&body, &PageRules::default());
    assert!(page.content_html.contains("The order of the court"));
    let poem = "<nav><a href=/>Home</a></nav><article><p>The river is wide</p><p>and the night is long</p></article>";
    let page = read(poem, &PageRules::default());
    assert!(page.content_html.contains("wide") && page.content_html.contains("long"));
}

#[test]
fn long_addresses_do_not_make_a_page_grow_without_bound() {
    let long = "x".repeat(1900);
    for unit in ["<iframe src=y></iframe>", "<img src=y>", "<a href=y>z</a>"] {
        let page = format!("<base href='/{long}/'>{}", unit.repeat(10_000));
        let tamed = tame::tame(&page, &url());
        assert!(
            tamed.html.len() <= 3 * MAX_PAGE_BYTES,
            "{unit}: {}",
            tamed.html.len()
        );
    }
    let html = "<img src=\"https://news.example/i.jpg\" alt=\"\">".repeat(10_000);
    let lead = Image {
        url: format!("https://news.example/i.jpg?{long}"),
        alt: String::new(),
    };
    let (given, _) = order::lead_picture(html.clone(), Some(lead), &[], &url());
    assert!(given.contains(&long));
    assert!(given.len() <= html.len() + 300_000, "{}", given.len());
}
