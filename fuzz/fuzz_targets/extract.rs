//! Whatever a page is made of, reading it ends, and what comes out of cleaning has no script.
#![no_main]

use courant::html::clean_or_text;
use courant::html::extract::{PageRules, decode, extract};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let url = url::Url::parse("https://news.example/2026/01/story/").expect("a literal address parses");
    let text = decode(bytes, None);
    if let Ok(page) = extract(&text, &url, &PageRules::default()) {
        let (cleaned, _) = clean_or_text(&page.content_html, Some(&url));
        let lower = cleaned.as_str().to_ascii_lowercase();
        assert!(!lower.contains("<script") && !lower.contains("=\"javascript:"));
    }
});
