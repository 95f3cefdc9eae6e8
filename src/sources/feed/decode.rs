//! Bytes to text, and the few repairs that ordinary feeds need before feed-rs reads them.
//!
//! feed-rs believes the XML declaration over the bytes, panics when a second declaration
//! names another encoding, and panics when an author's e-mail address stands beside a letter
//! that is not ASCII: `editor@example.org، ایڈیٹر`.

use std::borrow::Cow;

use encoding_rs::Encoding;

/// The document as text: byte order mark, then what the bytes themselves show, then HTTP's
/// charset, then the declaration's, then windows-1252. No XML declaration is left in it.
pub(super) fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    let text = if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        encoding.decode_without_bom_handling(&bytes[skip..]).0
    } else if let Some(encoding) = wide(bytes) {
        encoding.decode_without_bom_handling(bytes).0
    } else {
        let declared = declared(bytes);
        let shifts = declared.filter(|e| !e.is_ascii_compatible());
        match (shifts, std::str::from_utf8(bytes)) {
            // ISO-2022-JP is valid UTF-8 by its bytes, and means something else.
            (Some(encoding), _) => encoding.decode_without_bom_handling(bytes).0,
            (None, Ok(text)) => Cow::Borrowed(text),
            (None, Err(_)) => {
                let encoding = charset(content_type)
                    .filter(|e| *e != encoding_rs::UTF_8)
                    .or(declared.filter(|e| *e != encoding_rs::UTF_8));
                // Declared UTF-8 with one bad byte is still UTF-8.
                let is_utf8 =
                    encoding.is_none() && (declared.is_some() || charset(content_type).is_some());
                let fallback = if is_utf8 {
                    encoding_rs::UTF_8
                } else {
                    encoding_rs::WINDOWS_1252
                };
                encoding
                    .unwrap_or(fallback)
                    .decode_without_bom_handling(bytes)
                    .0
            }
        }
    };
    without_declarations(&text)
}

/// UTF-16 without a byte order mark: `<` with a zero beside it.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [b'<', 0, ..] => Some(encoding_rs::UTF_16LE),
        [0, b'<', ..] => Some(encoding_rs::UTF_16BE),
        _ => None,
    }
}

fn charset(content_type: Option<&str>) -> Option<&'static Encoding> {
    let lower = content_type?.to_ascii_lowercase();
    let (_, label) = lower.split_once("charset=")?;
    let label = label.trim_start_matches(['"', '\'']);
    let end = label.find(['"', '\'', ';', ' ']).unwrap_or(label.len());
    Encoding::for_label(&label.as_bytes()[..end])
}

fn declared(bytes: &[u8]) -> Option<&'static Encoding> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    let at = head.find("<?xml")?;
    let declaration = &head[at..at + head[at..].find("?>")?];
    let (_, label) = declaration.split_once("encoding")?;
    let label = label.trim_start_matches([' ', '=', '\t', '\n']);
    let quote = label.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let label = label[1..].split(quote).next()?;
    Encoding::for_label(label.trim().as_bytes())
}

/// The document from its first tag on, without XML declarations (the text is Unicode now and
/// they say otherwise) except inside CDATA, where they are somebody's text.
fn without_declarations(text: &str) -> String {
    let start = text.find(['<', '{']).unwrap_or(0);
    let text = &text[start..];
    let mut out = String::with_capacity(text.len());
    // `kept` is where the text begins that is not written yet.
    let (mut kept, mut at) = (0, 0);
    while let Some(tag) = text[at..].find('<').map(|found| at + found) {
        let rest = &text[tag..];
        if rest.starts_with("<![CDATA[") {
            at = rest.find("]]>").map_or(text.len(), |end| tag + end + 3);
        } else if rest.starts_with("<?xml ") {
            out.push_str(&text[kept..tag]);
            at = rest.find("?>").map_or(text.len(), |end| tag + end + 2);
            kept = at;
        } else {
            at = tag + 1;
        }
    }
    out.push_str(&text[kept..]);
    out
}

/// Elements whose text feed-rs takes for a person.
const PEOPLE: [&str; 7] = [
    "author",
    "dc:creator",
    "itunes:author",
    "managingEditor",
    "webMaster",
    "name",
    "itunes:name",
];

/// Puts a space between an e-mail address and a letter beside it that is not ASCII, in the
/// elements that name people and nowhere else.
pub(super) fn pad_addresses(xml: &str) -> Cow<'_, str> {
    if !xml.contains('@') {
        return Cow::Borrowed(xml);
    }
    let mut out = String::new();
    let mut rest = xml;
    while let Some((start, end)) = next_person(rest) {
        out.push_str(&rest[..start]);
        out.push_str(&pad(&rest[start..end]));
        rest = &rest[end..];
    }
    if out.is_empty() {
        return Cow::Borrowed(xml);
    }
    out.push_str(rest);
    Cow::Owned(out)
}

/// Where the text of the next element that names people starts and ends.
fn next_person(xml: &str) -> Option<(usize, usize)> {
    let mut from = 0;
    while let Some(at) = xml[from..].find('<').map(|a| from + a + 1) {
        from = at;
        let tag = &xml[at..];
        let length = tag.find(|c: char| c.is_whitespace() || matches!(c, '>' | '/'))?;
        if PEOPLE.contains(&&tag[..length]) {
            let start = at + tag.find('>')? + 1;
            if xml[..start].ends_with("/>") {
                continue;
            }
            let end = start + xml[start..].find("</")?;
            return Some((start, end));
        }
    }
    None
}

/// Pads the addresses in one text.
pub(super) fn pad(text: &str) -> String {
    let is_part = |c: char| c.is_ascii_alphanumeric() || "._%+-@".contains(c);
    let mut out = String::with_capacity(text.len() + 2);
    let mut run = String::new();
    let mut before = None;
    for c in text.chars().chain(['\u{0}']) {
        if is_part(c) {
            run.push(c);
            continue;
        }
        let is_address = run.contains('@');
        if is_address && before.is_some_and(|b: char| !b.is_ascii()) {
            out.push(' ');
        }
        out.push_str(&run);
        if is_address && !c.is_ascii() {
            out.push(' ');
        }
        run.clear();
        if c != '\u{0}' {
            out.push(c);
        }
        before = Some(c);
    }
    out
}

/// What a feed gets when feed-rs refused it as it was: bare `&` escaped, characters that XML
/// forbids taken out, and a version for an `<rss>` without a known one.
pub(super) fn repair(xml: &str) -> String {
    let mut out = String::with_capacity(xml.len() + 64);
    let mut rest = xml;
    while let Some(at) = rest.find('&') {
        push_legal(&rest[..at], &mut out);
        let after = &rest[at + 1..];
        out.push_str(if is_reference(after) { "&" } else { "&amp;" });
        rest = after;
    }
    push_legal(rest, &mut out);
    with_version(out)
}

fn push_legal(text: &str, out: &mut String) {
    let is_legal = |c: &char| {
        matches!(c, '\t' | '\n' | '\r') || (*c >= ' ' && !matches!(c, '\u{fffe}' | '\u{ffff}'))
    };
    out.extend(text.chars().filter(is_legal));
}

fn is_reference(after: &str) -> bool {
    let Some(end) = after.bytes().take(32).position(|b| b == b';') else {
        return false;
    };
    let name = &after[..end];
    match name.strip_prefix('#') {
        Some(number) => match number.strip_prefix(['x', 'X']) {
            Some(hex) => u32::from_str_radix(hex, 16)
                .ok()
                .and_then(char::from_u32)
                .is_some_and(|c| c >= ' ' || c == '\n'),
            None => number
                .parse()
                .ok()
                .and_then(char::from_u32)
                .is_some_and(|c| c >= ' ' || c == '\n'),
        },
        None => !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric()),
    }
}

/// feed-rs takes `<rss>` of four versions only; the others read like 2.0.
fn with_version(xml: String) -> String {
    let Some(at) = xml.find("<rss") else {
        return xml;
    };
    let Some(end) = xml[at..].find('>').map(|e| at + e) else {
        return xml;
    };
    let tag = &xml[at..end];
    let known = ["2.0", "0.91", "0.92"].iter().any(|v| {
        tag.contains(&format!("version=\"{v}\"")) || tag.contains(&format!("version='{v}'"))
    });
    if known {
        return xml;
    }
    let tag = tag
        .replace("version=", "said-version=")
        .replacen("<rss", "<rss version=\"2.0\"", 1);
    [&xml[..at], &tag, &xml[end..]].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bytes_win_over_what_is_said_about_them() {
        let utf8 = "<?xml version='1.0' encoding='ISO-8859-1'?><rss>Café خبر</rss>";
        assert_eq!(decode(utf8.as_bytes(), None), "<rss>Café خبر</rss>");
        let latin = b"<?xml version=\"1.0\" encoding=\"windows-1252\"?><a>Caf\xe9 \x93x\x94</a>";
        assert_eq!(decode(latin, None), "<a>Café “x”</a>");
        let arabic = b"<a>\xce\xc8\xd1</a>";
        let http = Some("text/xml; charset=\"windows-1256\"");
        assert_eq!(decode(arabic, http), "<a>خبر</a>");
        let broken = b"<?xml version='1.0' encoding='utf-8'?><a>\xd8\xae \xff b</a>";
        assert_eq!(decode(broken, None), "<a>خ \u{fffd} b</a>");
        for encoding in [u16::to_le_bytes, u16::to_be_bytes] {
            let text = "<?xml version='1.0' encoding='utf-16'?><a>خبر</a>";
            let bytes: Vec<u8> = text.encode_utf16().flat_map(encoding).collect();
            assert_eq!(decode(&bytes, None), "<a>خبر</a>");
        }
    }

    #[test]
    fn declarations_and_junk_go_and_cdata_stays() {
        let text =
            "\n Notice: x\n<?xml version='1.0'?><a><?xml encoding='x'?><![CDATA[<?xml y?>]]></a>";
        assert_eq!(
            decode(text.as_bytes(), None),
            "<a><![CDATA[<?xml y?>]]></a>"
        );
    }

    #[test]
    fn addresses_of_people_get_room_and_other_text_is_left_alone() {
        let xml = "<author>“e@x.org، ایڈیٹر</author><p>“e@x.org”</p><dc:creator a='b'>a@x.org</dc:creator>";
        assert_eq!(
            pad_addresses("<author/>“e@x.org”</x>"),
            "<author/>“e@x.org”</x>"
        );
        assert_eq!(
            pad_addresses(xml),
            "<author>“ e@x.org ، ایڈیٹر</author><p>“e@x.org”</p><dc:creator a='b'>a@x.org</dc:creator>"
        );
    }

    #[test]
    fn repairs_touch_only_what_is_broken() {
        assert_eq!(
            repair("<rss version='2.0'>a & b &amp; &#39; &#0; &eacute; \u{1}</rss>"),
            "<rss version='2.0'>a &amp; b &amp; &#39; &amp;#0; &eacute; </rss>"
        );
        assert_eq!(repair("<rss>"), "<rss version=\"2.0\">");
        assert_eq!(
            repair("<rss version='0.93' x='y'>"),
            "<rss version=\"2.0\" said-version='0.93' x='y'>"
        );
    }
}
