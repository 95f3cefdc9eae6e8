//! What the layer does, rule by rule; that it harms nothing; that it is bounded.

mod bounds;
mod harm;
mod rules;
mod shapes;

use super::{Repaired, mend, repair};
use url::Url;

fn url() -> Url {
    Url::parse("https://news.example.org/feed/").unwrap()
}

/// A feed of RSS 2.0 around `items`, with the usual prefixes.
fn rss(items: &str) -> String {
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
         xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
         xmlns:atom=\"http://www.w3.org/2005/Atom\" \
         xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\" \
         xmlns:slash=\"http://purl.org/rss/1.0/modules/slash/\" \
         xmlns:media=\"http://search.yahoo.com/mrss/\"><channel><title>News</title>\
         <link>https://news.example.org/</link><description>All of it</description>{items}</channel></rss>"
    )
}

fn atom(entries: &str) -> String {
    format!(
        "<feed xmlns=\"http://www.w3.org/2005/Atom\" xml:lang=\"en\"><title>News</title>\
         <id>tag:news.example.org,2026:</id><updated>2026-11-23T10:00:00Z</updated>{entries}</feed>"
    )
}

/// What feed-rs makes of a text.
fn read(text: &str) -> Result<feed_rs::model::Feed, String> {
    let parser = feed_rs::parser::Builder::new()
        .base_uri(Some("https://news.example.org/feed/"))
        .sanitize_content(false)
        .id_generator(|_, _, _| String::new())
        .build();
    parser.parse(text.as_bytes()).map_err(|e| e.to_string())
}

/// Whether a text is well-formed: each tag closed, each reference known.
fn well_formed(text: &str) -> Result<(), String> {
    use quick_xml::events::Event;
    let mut reader = quick_xml::NsReader::from_str(text);
    reader.config_mut().check_comments = true;
    let mut depth = 0;
    loop {
        match reader.read_event().map_err(|e| e.to_string())? {
            Event::Start(start) => {
                depth += 1;
                attributes(&start)?;
            }
            Event::Empty(start) => attributes(&start)?,
            Event::End(_) => depth -= 1,
            Event::GeneralRef(reference) => {
                let known = ["amp", "lt", "gt", "quot", "apos"].contains(&reference.as_ref());
                let is_char = reference.resolve_char_ref().map_err(|e| e.to_string())?;
                if !known && is_char.is_none() {
                    return Err(format!("&{};", reference.as_ref()));
                }
            }
            Event::Text(text) if text.contains("]]>") => return Err("]]> in text".to_owned()),
            Event::Eof => break,
            _ => {}
        }
    }
    let is_legal =
        |c: char| (c >= ' ' && c != '\u{fffe}' && c != '\u{ffff}') || "\t\n\r".contains(c);
    if depth != 0 || !text.chars().all(is_legal) {
        return Err(format!(
            "depth {depth} at the end, or a character that XML forbids"
        ));
    }
    Ok(())
}

fn attributes(start: &quick_xml::events::BytesStart<'_>) -> Result<(), String> {
    for attribute in start.attributes() {
        let attribute = attribute.map_err(|e| e.to_string())?;
        quick_xml::escape::unescape(&attribute.value).map_err(|e| e.to_string())?;
        if attribute.value.contains('<') {
            return Err("< in an attribute".to_owned());
        }
    }
    Ok(())
}

/// A document mended, after a look at whether it came out well-formed and stays as it is.
fn mended(text: &str) -> Repaired {
    let repaired = mend(text);
    if repaired.facts.root == super::Root::Json {
        return repaired;
    }
    if let Err(why) = well_formed(&repaired.text) {
        panic!("{why}: {}", repaired.text);
    }
    assert_eq!(mend(&repaired.text).text, repaired.text, "of {text}");
    repaired
}
