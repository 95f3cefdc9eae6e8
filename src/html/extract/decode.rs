//! The bytes of a page as text (HTML §13.2.3.2, with a guess where nothing is said).

use encoding_rs::{Encoding, UTF_8};

/// Bytes in which a page must say its encoding.
const HEAD: usize = 4096;

/// A page as text: byte order mark, then HTTP's charset, then the page's own, then UTF-8 where
/// it is that, then what it looks like.
#[must_use]
pub fn decode(bytes: &[u8], content_type: Option<&str>) -> String {
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        return encoding
            .decode_without_bom_handling(&bytes[skip..])
            .0
            .into();
    }
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(HEAD)]);
    let said = content_type.and_then(charset).or_else(|| in_head(&head));
    if let Ok(text) = std::str::from_utf8(bytes)
        && said.is_none_or(Encoding::is_ascii_compatible)
    {
        return text.to_owned();
    }
    // UTF-8 with a bad byte is still UTF-8.
    let encoding = said.unwrap_or_else(|| {
        let mut detector = chardetng::EncodingDetector::new(chardetng::Iso2022JpDetection::Deny);
        detector.feed(bytes, true);
        detector.guess(None, chardetng::Utf8Detection::Allow)
    });
    encoding.decode_without_bom_handling(bytes).0.into()
}

fn charset(text: &str) -> Option<&'static Encoding> {
    let lower = text.to_ascii_lowercase();
    let (_, label) = lower.split_once("charset")?;
    let label = label.trim_start().strip_prefix('=')?.trim_start();
    let label = label.trim_start_matches(['"', '\'']);
    let end = label
        .find(|c: char| c.is_whitespace() || matches!(c, '"' | '\'' | ';' | '>' | '/'))
        .unwrap_or(label.len());
    Encoding::for_label(&label.as_bytes()[..end])
}

/// What a page says of itself; UTF-16 cannot be said in ASCII and means UTF-8 there.
fn in_head(head: &str) -> Option<&'static Encoding> {
    let lower = head.to_ascii_lowercase();
    let metas = lower.match_indices("<meta").map(|(at, _)| &lower[at..]);
    let tags = metas.map(|tag| &tag[..tag.find('>').unwrap_or(tag.len())]);
    let found = tags.filter_map(charset).next()?;
    Some(if found.is_ascii_compatible() {
        found
    } else {
        UTF_8
    })
}
