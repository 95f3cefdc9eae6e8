//! A strict reader of XML for tests: feed-rs and quick-xml forgive what readers do not.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

/// Every element's name in document order with its own text, or the first thing that is not
/// well-formed XML 1.0.
pub fn parse(document: &[u8]) -> Result<Vec<(String, String)>, String> {
    let text = std::str::from_utf8(document).map_err(|e| e.to_string())?;
    if let Some(c) = text.chars().find(|c| !is_xml(*c)) {
        return Err(format!("{c:?} is no character of XML"));
    }
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    reader.config_mut().check_comments = true;
    let mut open: Vec<usize> = Vec::new();
    let mut elements: Vec<(String, String)> = Vec::new();
    loop {
        let event = reader.read_event().map_err(|e| e.to_string())?;
        match event {
            Event::Start(start) => {
                check_attributes(&start)?;
                open.push(elements.len());
                elements.push((start.name().0.to_owned(), String::new()));
            }
            Event::Empty(empty) => {
                check_attributes(&empty)?;
                elements.push((empty.name().0.to_owned(), String::new()));
            }
            Event::End(_) => {
                open.pop().ok_or("an end without a start")?;
            }
            Event::Text(text) => {
                let text = text.into_inner();
                if text.contains("]]>") {
                    return Err("`]]>` in text".into());
                }
                append(&mut elements, &open, &text)?;
            }
            Event::CData(data) => append(&mut elements, &open, &data.into_inner())?,
            Event::GeneralRef(reference) => {
                let c = resolve(&reference.into_inner())?;
                append(&mut elements, &open, c.encode_utf8(&mut [0; 4]))?;
            }
            Event::Decl(_) if elements.is_empty() => {}
            Event::Eof if open.is_empty() && !elements.is_empty() => return Ok(elements),
            other => return Err(format!("unexpected {other:?}")),
        }
    }
}

fn append(elements: &mut [(String, String)], open: &[usize], text: &str) -> Result<(), String> {
    match open.last() {
        Some(&at) => elements[at].1.push_str(text),
        None if text.trim().is_empty() => {}
        None => return Err(format!("{text:?} outside the root")),
    }
    Ok(())
}

fn check_attributes(element: &BytesStart<'_>) -> Result<(), String> {
    for attribute in element.attributes().with_checks(true) {
        let attribute = attribute.map_err(|e| e.to_string())?;
        if attribute.value.contains('<') {
            return Err("`<` in an attribute".into());
        }
        let mut rest = attribute.value.as_ref();
        while let Some((_, after)) = rest.split_once('&') {
            let (name, tail) = after.split_once(';').ok_or("a bare `&`")?;
            resolve(name)?;
            rest = tail;
        }
    }
    Ok(())
}

fn resolve(name: &str) -> Result<char, String> {
    let bad = || format!("`&{name};` is not a reference");
    let c = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#').ok_or_else(bad)?;
            let code = match number.strip_prefix('x') {
                Some(hex) => u32::from_str_radix(hex, 16),
                None => number.parse(),
            };
            char::from_u32(code.map_err(|_| bad())?).ok_or_else(bad)?
        }
    };
    if is_xml(c) { Ok(c) } else { Err(bad()) }
}

/// XML 1.0 §2.2, to the letter.
fn is_xml(c: char) -> bool {
    matches!(c, '\t' | '\n' | '\r' | ' '..='\u{d7ff}' | '\u{e000}'..='\u{fffd}' | '\u{10000}'..)
}

#[test]
fn the_strict_reader_refuses_what_is_not_xml() {
    for bad in [
        "<a>\u{b}</a>",
        "<a>&x;</a>",
        "<a>&#11;</a>",
        "<a b='&'/>",
        "<a b='1' b='2'/>",
        "<a><b></a></b>",
        "<a>]]></a>",
        "<a/>x",
        "<a>",
        "",
    ] {
        assert!(parse(bad.as_bytes()).is_err(), "{bad:?} was taken");
    }
    let good = parse(b"<?xml version=\"1.0\"?><a b='&amp;'>1<c>2&#x26;</c><![CDATA[<]]></a>");
    let expected = [("a", "1<"), ("c", "2&")].map(|(n, t)| (n.to_owned(), t.to_owned()));
    assert_eq!(good, Ok(expected.to_vec()));
}
