//! Whatever a page or an article's markup is made of, reading it ends and is bounded, and what
//! comes out of cleaning is text markup: no script, no style, no address but of the web.
#![no_main]

use courant::html::extract::{MAX_PAGE_BYTES, PageRules, decode, extract};
use courant::html::{
    MAX_ARTICLE_BYTES, clean_or_text, first_image, head, lead, plain, to_text, word_count,
};
use libfuzzer_sys::fuzz_target;
use url::Url;

/// All attributes that cleaned markup may have.
const ATTRIBUTES: [&str; 13] = [
    "href", "title", "src", "alt", "width", "height", "start", "colspan", "rowspan", "scope",
    "datetime", "dir", "lang",
];

fuzz_target!(|bytes: &[u8]| {
    let url = Url::parse("https://news.example/2026/01/story/").expect("it is an address");
    let text = decode(bytes, None);
    // An article's markup has come without its page as often as not; one of the two is enough
    // for one run.
    if bytes.len() % 2 == 1 {
        let _ = (head(&text, &url), first_image(&text, Some(&url)));
        cleaned(&text, &url);
        return;
    }
    let Ok(page) = extract(&text, &url, &PageRules::default()) else {
        return;
    };
    // Text grows by its escapes, and addresses by their base within a budget.
    assert!(page.content_html.len() <= 8 * text.len() + 3 * MAX_PAGE_BYTES);
    let title = page.title.unwrap_or_default();
    assert!(title.len() <= 8 * text.len());
    for address in page.image.iter().map(|image| image.url.as_str()) {
        assert!(is_web(address), "{address}");
    }
    cleaned(&page.content_html, &url);
});

/// Cleans, looks at what came out, and reads it as text.
fn cleaned(html: &str, base: &Url) {
    let (cleaned, _) = clean_or_text(html, Some(base));
    let cleaned = cleaned.as_str();
    assert!(cleaned.len() <= MAX_ARTICLE_BYTES);
    harmless(cleaned);
    let (again, _) = clean_or_text(cleaned, Some(base));
    harmless(again.as_str());
    let text = to_text(cleaned);
    assert!(text.len() <= 8 * cleaned.len() + 4096);
    assert!(lead(None, cleaned, 200).chars().count() <= 200);
    let _ = (plain(cleaned), word_count(cleaned));
}

fn is_web(address: &str) -> bool {
    Url::parse(address).is_ok_and(|url| matches!(url.scheme(), "http" | "https" | "mailto"))
}

/// Reads markup as a serializer writes it: every `<` that is no tag has been escaped, and every
/// value stands between `"`.
fn harmless(html: &str) {
    let mut rest = html;
    while let Some(at) = rest.find('<') {
        rest = rest[at + 1..].trim_start_matches('/');
        let end = rest.find([' ', '>']).expect("a tag ends");
        let name = &rest[..end];
        assert!(name.bytes().all(|b| b.is_ascii_alphanumeric()), "<{name}");
        let unsafe_names = [
            "script",
            "style",
            "iframe",
            "object",
            "embed",
            "svg",
            "math",
            "form",
            "input",
            "base",
            "meta",
            "link",
            "template",
            "textarea",
            "noscript",
            "title",
            "xmp",
            "plaintext",
        ];
        assert!(!unsafe_names.contains(&name), "<{name}");
        rest = &rest[end..];
        while let Some(attribute) = rest.strip_prefix(' ') {
            let (name, value) = attribute.split_once("=\"").expect("a value is quoted");
            let (value, after) = value.split_once('"').expect("a quote ends");
            assert!(name == "rel" || ATTRIBUTES.contains(&name), "{name}");
            if matches!(name, "href" | "src") {
                assert!(is_web(&value.replace("&amp;", "&")), "{value}");
            }
            rest = after;
        }
        rest = rest
            .strip_prefix('>')
            .expect("a tag ends after its attributes");
    }
}
