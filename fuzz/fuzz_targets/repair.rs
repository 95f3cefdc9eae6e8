//! Any bytes through the layer: it neither panics nor grows without bound, what comes out is
//! read by feed-rs or refused, and going through it once more changes nothing.
#![no_main]

use courant::sources::repair;
use libfuzzer_sys::fuzz_target;
use url::Url;

fuzz_target!(|bytes: &[u8]| {
    let url = Url::parse("https://news.example.org/feed/").expect("it is an address");
    let repaired = repair::repair(bytes, None, &url);
    // A `<` becomes ten bytes in markup; a document's own entities have a megabyte.
    assert!(repaired.text.len() <= 40 * bytes.len() + 2_000_000);
    if repaired.facts.root != repair::Root::Json {
        assert_eq!(repair::mend(&repaired.text).text, repaired.text);
    }
    let parser = feed_rs::parser::Builder::new()
        .base_uri(Some(url.as_str()))
        .sanitize_content(false)
        .id_generator(|_, _, _| String::new())
        .build();
    let _ = parser.parse(repaired.text.as_bytes());
});
