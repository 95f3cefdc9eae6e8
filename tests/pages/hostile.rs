//! Pages that mean harm: bounded in time and stack, and nothing of them runs or leads astray.

use std::time::{Duration, Instant};

use courant::html::clean_or_text;
use courant::html::extract::{ExtractError, MAX_PAGE_BYTES, PageRules, extract};

use crate::scores::{page_url, read};

/// Repeats `unit` to `bytes`.
fn of_size(bytes: usize, unit: &str) -> String {
    unit.repeat(bytes / unit.len())
}

/// Unoptimised, on a busy machine; what grew with the square took minutes.
const PATIENCE: Duration = Duration::from_secs(60);

const SIZE: usize = 400_000;
const TEXT: &str =
    "Water rose through the night and families were moved, officials said, before dawn. ";

/// The same element inside itself, so many times.
fn deep(tag: &str, times: usize) -> String {
    format!("<{tag}>").repeat(times) + TEXT + &format!("</{tag}>").repeat(times)
}

/// `unit` with its number, so many times.
fn numbered(times: usize, unit: impl Fn(usize) -> String) -> String {
    (0..times).map(unit).collect()
}

/// Pages that are deep, unclosed or strange in their head.
fn strange() -> Vec<(&'static str, String)> {
    let json = "<script type=\"application/ld+json\">";
    let author = "{\"@type\":\"Article\",\"author\":{\"@id\":\"#a\"}},";
    let layers = "<div>".repeat(99) + &of_size(SIZE, &format!("<p>{TEXT}</p>"));
    let share = of_size(1_000_000, "share ");
    let rows = of_size(SIZE, "<tr><td>a</td><td>b</td></tr>");
    vec![
        ("rows", format!("<table>{rows}")),
        ("angle brackets", "<".repeat(100_000)),
        ("divisions", deep("div", 50_000)),
        ("bold", deep("b", 50_000)),
        ("nested tables", deep("table><tr><td", 5_000)),
        ("layers of paragraphs", layers),
        (
            "formatting",
            numbered(20_000, |n| format!("<b class=a{n}>x<p>")),
        ),
        ("an attribute", format!("<p class=\"{share}\">{TEXT}</p>")),
        (
            "a deep graph",
            format!("{json}{}", "[{\"@graph\":".repeat(100_000)),
        ),
        (
            "a wide graph",
            format!(
                "{json}{{\"@graph\":[{}]}}</script>",
                of_size(400_000, author)
            ),
        ),
        (
            "paragraphs",
            numbered(50_000, |n| format!("<p>Paragraph {n} of the page</p>")),
        ),
        (
            "classes",
            numbered(50_000, |n| format!("<div class=\"c{n} share\">{n}</div>")),
        ),
    ]
}

/// One small thing over and over.
const UNITS: [&str; 18] = [
    "<table>x",
    "<div class=a><ul><li><a href=/x><em><h2>",
    "<p a=b c='d' ",
    "<li><a href=/a>one story and another</a></li>",
    "<h3>Related Articles</h3>",
    "<img srcset='a 1w, b 2w, c 3w' data-src=x>",
    "<span>Share</span>",
    "<span>a",
    "<br>",
    "a<br><br>",
    "<p>x",
    "<span class=share>a</span>",
    "<div>a, b, c and d, said the one to the other</div>",
    "<table><tr><td>a</td><td>b</td></tr></table>",
    "<h3>Related</h3><img src=x>",
    "<div><h3>Related</h3>",
    "<dl><dt>a<dd>b",
    "<!-- -->",
];

#[test]
fn no_page_costs_more_than_its_size() {
    let repeated = UNITS.map(|unit| (unit, of_size(SIZE, unit)));
    for (name, page) in strange().into_iter().chain(repeated) {
        let began = Instant::now();
        let _ = extract(&page, &page_url(), &PageRules::default());
        let took = began.elapsed();
        if std::env::var_os("COURANT_SHOW_PAGES").is_some() {
            eprintln!("{name}: {} bytes, {took:?}", page.len());
        }
        assert!(took < PATIENCE, "{name}: {took:?}");
    }
}

#[test]
fn a_page_above_the_limit_is_not_parsed() {
    let page = of_size(MAX_PAGE_BYTES + 10, "<p>x</p>");
    let refused = extract(&page, &page_url(), &PageRules::default()).unwrap_err();
    assert!(matches!(refused, ExtractError::TooLarge { .. }));
    assert!(refused.to_string().contains("more than the 3145728"));
}

#[test]
fn nothing_of_a_page_runs_or_leads_astray() {
    let text = "Water rose through the night and families were moved to schools, officials said.";
    let page = format!(
        "<html lang=en onload=steal()><head><base href='javascript:alert(1)//'><base href='https://evil.example/x/'>\
         <meta http-equiv=refresh content='0;url=https://evil.example/'><link rel=canonical href='javascript:alert(1)'>\
         <meta property='og:image' content='javascript:alert(1)'><meta property='og:title' content='<script>alert(1)</script>Flood\u{202e}gnp.exe'></head>\
         <body onload=steal()><article><p onclick=steal() style='background:url(javascript:x)'>{text} <a href=' java\nscript:alert(1)'>one</a> \
         <a href='data:text/html,<script>x</script>'>two</a> <a href='/three' onmouseover=x()>three</a></p><p>{text}</p>\
         <img src=x onerror=steal()><svg><script>steal()</script><a xlink:href='javascript:x'>svg</a></svg><math><mtext><img src=1 onerror=x></mtext></math>\
         <iframe srcdoc='<script>steal()</script>' src='javascript:steal()'></iframe><object data='javascript:steal()'></object>\
         <noscript><p title='</noscript><img src=x onerror=steal()>'></noscript><form action='https://evil.example'><input name=password></form>\
         <p>\u{0}\u{8}\u{1b}bell\u{7} \u{202e}turned\u{202c}</p></article></body></html>"
    );
    let (page, cleaned) = read(&page);
    let lower = cleaned.to_ascii_lowercase();
    for word in [
        "script",
        "onerror",
        "onclick",
        "onload",
        "onmouseover",
        "srcdoc",
        "<form",
        "<input",
        "<svg",
        "data:",
        "style=",
    ] {
        assert!(!lower.contains(word), "{word} in {cleaned}");
    }
    assert_eq!(page.canonical, None);
    assert!(!page.title.unwrap_or_default().contains('\u{202e}'));
    assert!(cleaned.contains("three</a>"), "{cleaned}");
    assert!(!cleaned.contains(['\u{0}', '\u{7}', '\u{8}', '\u{1b}']));
}

proptest::proptest! {
    #![proptest_config(proptest::prelude::ProptestConfig { cases: 200, ..Default::default() })]

    #[test]
    fn no_bytes_break_the_reader_and_no_script_comes_out(
        parts in proptest::collection::vec((0usize..PARTS.len(), ".{0,20}"), 0..120),
    ) {
        let page: String = parts.iter().map(|(at, text)| format!("{}{text}", PARTS[*at])).collect();
        if let Ok(page) = extract(&page, &page_url(), &PageRules::default()) {
            let (cleaned, _) = clean_or_text(&page.content_html, Some(&page_url()));
            let lower = cleaned.as_str().to_ascii_lowercase();
            proptest::prop_assert!(!lower.contains("<script") && !lower.contains("onerror="));
            proptest::prop_assert!(!lower.contains("\"javascript:"));
        }
    }
}

const PARTS: [&str; 34] = [
    "<p>",
    "</p>",
    "<div class=\"entry-content\">",
    "</div>",
    "<script>alert(1)",
    "</script>",
    "<article>",
    "</article>",
    "<table>",
    "<tr>",
    "<td>",
    "</table>",
    "<a href=\"javascript:x\">",
    "</a>",
    "<img src=x onerror=alert(1)>",
    "<noscript>",
    "</noscript>",
    "<svg><style>",
    "</svg>",
    "<title>",
    "</title>",
    "<ul><li>",
    "</ul>",
    "<h2>Related Articles</h2>",
    "<picture><source srcset=\"a 1w\">",
    "</picture>",
    "<iframe src=\"//x.example\">",
    "<meta property=og:image content=",
    "\">",
    "<!--",
    "-->",
    "Water rose through the night, officials said, and families were moved to schools before dawn.",
    "<script type=\"application/ld+json\">{\"@type\":\"Article\",\"headline\":",
    "<template><plaintext>",
];
