//! Any bytes through the layer: it neither panics nor grows without bound, what comes out is
//! well-formed and read by feed-rs or refused, and going through it once more changes nothing.
#![no_main]

use courant::sources::repair;
use libfuzzer_sys::fuzz_target;
use quick_xml::events::{BytesStart, Event};
use url::Url;

/// What a server may say of the bytes; the length chooses, so that a seed is a feed as it is.
const SAID: [Option<&str>; 4] = [
    None,
    Some("application/rss+xml; charset=utf-8"),
    Some("text/xml; charset=\"windows-1256\""),
    Some("text/xml;charset=iso-2022-jp"),
];

fuzz_target!(|bytes: &[u8]| {
    let url = Url::parse("https://news.example.org/feed/").expect("it is an address");
    let repaired = repair::repair(bytes, SAID[bytes.len() % SAID.len()], &url);
    // A `<` becomes ten bytes in markup; a document's own entities have a megabyte.
    assert!(repaired.text.len() <= 40 * bytes.len() + 2_000_000);
    assert!(repaired.facts.items.len() <= repaired.facts.item_count);
    if repaired.facts.root != repair::Root::Json {
        well_formed(&repaired.text);
    }
    assert_eq!(repair::mend(&repaired.text).text, repaired.text);
    let parser = feed_rs::parser::Builder::new()
        .base_uri(Some(url.as_str()))
        .sanitize_content(false)
        .id_generator(|_, _, _| String::new())
        .build();
    let _ = parser.parse(repaired.text.as_bytes());
});

/// Each tag is closed by its own, each reference known, each character one of XML's.
fn well_formed(text: &str) {
    let mut reader = quick_xml::NsReader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut depth = 0_usize;
    loop {
        match reader.read_event().expect("it is well-formed") {
            Event::Start(start) => {
                depth += 1;
                attributes(&start);
            }
            Event::Empty(start) => attributes(&start),
            Event::End(_) => depth -= 1,
            Event::GeneralRef(reference) => {
                let named = ["amp", "lt", "gt", "quot", "apos"].contains(&reference.as_ref());
                let counted = reference.resolve_char_ref().expect("it is a character");
                assert!(named || counted.is_some(), "&{};", reference.as_ref());
            }
            Event::Text(text) => assert!(!text.contains("]]>")),
            Event::Eof => break,
            _ => {}
        }
    }
    assert_eq!(depth, 0);
    let is_legal = |c: char| matches!(c, '\t' | '\n' | '\r' | ' '..='\u{fffd}' | '\u{10000}'..);
    assert!(text.chars().all(is_legal));
}

fn attributes(start: &BytesStart<'_>) {
    for attribute in start.attributes() {
        let attribute = attribute.expect("each attribute stands once, and in quotes");
        assert!(!attribute.value.contains('<'));
        quick_xml::escape::unescape(&attribute.value).expect("each reference is known");
    }
}
