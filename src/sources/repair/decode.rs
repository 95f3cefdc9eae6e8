//! Bytes to text: what the bytes show comes before what is said about them.

use chardetng::{EncodingDetector, Iso2022JpDetection, Utf8Detection};
use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use url::Url;

use super::tally::{Repair, short};

/// A document as text, and what was odd about its bytes.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Decoded {
    /// The text. An XML declaration still stands in it and means nothing any more.
    pub text: String,
    /// What was mended.
    pub repairs: Vec<Repair>,
}

/// The document as text: byte order mark, then UTF-8 where the bytes are, then HTTP's charset,
/// then the declaration's, then what the bytes look like.
#[must_use]
pub fn decode(bytes: &[u8], content_type: Option<&str>, url: &Url) -> Decoded {
    if let Some(text) = utf32(bytes).or_else(|| super::ebcdic::decode(bytes)) {
        return Decoded {
            text,
            repairs: Vec::new(),
        };
    }
    if let Some((encoding, skip)) = Encoding::for_bom(bytes) {
        return if encoding == UTF_8 {
            utf8(&bytes[skip..])
        } else {
            by(encoding, &bytes[skip..])
        };
    }
    if let Some(encoding) = wide(bytes) {
        return by(encoding, bytes);
    }
    let label = declared(bytes);
    // A document whose declaration could be read byte by byte is in no wide encoding.
    let declared = label
        .as_deref()
        .and_then(|l| Encoding::for_label(l.as_bytes()))
        .filter(|e| *e != UTF_16BE && *e != UTF_16LE);
    if let Some(shifts) = declared.filter(|e| !e.is_ascii_compatible() && bytes.contains(&0x1b)) {
        // ISO-2022-JP is valid UTF-8 by its bytes, and means something else.
        return by(shifts, bytes);
    }
    if let Ok(text) = std::str::from_utf8(bytes) {
        let mut repairs = Vec::new();
        let lies = declared.is_some_and(|e| e != UTF_8 && e.is_ascii_compatible());
        if lies && !text.is_ascii() {
            repairs.push(Repair::Encoding {
                said: label,
                was: "UTF-8".to_owned(),
            });
        }
        return Decoded {
            text: text.to_owned(),
            repairs,
        };
    }
    eight_bits(bytes, charset(content_type), declared, label, url)
}

/// Bytes that are not UTF-8 throughout.
fn eight_bits(
    bytes: &[u8],
    http: Option<&'static Encoding>,
    declared: Option<&'static Encoding>,
    label: Option<String>,
    url: &Url,
) -> Decoded {
    for encoding in [http, declared].into_iter().flatten() {
        if encoding != UTF_8 && encoding != UTF_16BE && encoding != UTF_16LE {
            let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
            if !had_errors {
                return Decoded {
                    text: text.into_owned(),
                    repairs: Vec::new(),
                };
            }
        }
    }
    let mended = utf8(bytes);
    let says_utf8 = http == Some(UTF_8) || declared == Some(UTF_8);
    let bad = bad_bytes(&mended);
    let letters = mended
        .text
        .chars()
        .filter(|c| !c.is_ascii())
        .count()
        .saturating_sub(bad);
    // A few bad bytes among many good letters are accidents; the other way round the good
    // letters are.
    if letters > 2 * bad || (says_utf8 && letters >= bad) {
        return mended;
    }
    if let Some(encoding) = [http, declared].into_iter().flatten().find(|e| *e != UTF_8) {
        return by(encoding, bytes);
    }
    let mut detector = EncodingDetector::new(Iso2022JpDetection::Deny);
    detector.feed(bytes, true);
    let tld = url
        .domain()
        .and_then(|d| d.rsplit('.').next())
        .map(str::as_bytes);
    let plain = tld.filter(|t| t.iter().all(u8::is_ascii_lowercase) && !t.is_empty());
    let encoding = detector.guess(plain, Utf8Detection::Deny);
    let mut decoded = by(encoding, bytes);
    decoded.repairs.insert(
        0,
        Repair::Encoding {
            said: label,
            was: encoding.name().to_owned(),
        },
    );
    decoded
}

fn bad_bytes(decoded: &Decoded) -> usize {
    let bad = decoded.repairs.iter().find_map(|r| match r {
        Repair::BadBytes(n) => Some(*n),
        _ => None,
    });
    bad.unwrap_or(0)
}

fn by(encoding: &'static Encoding, bytes: &[u8]) -> Decoded {
    let (text, had_errors) = encoding.decode_without_bom_handling(bytes);
    let bad = if had_errors {
        text.matches('\u{fffd}').count()
    } else {
        0
    };
    let repairs = if bad > 0 {
        vec![Repair::BadBytes(bad)]
    } else {
        Vec::new()
    };
    Decoded {
        text: text.into_owned(),
        repairs,
    }
}

/// UTF-8 with its accidents: a single byte of windows-1252 between ASCII is what it is there,
/// any other bad byte is a character nobody can read.
fn utf8(bytes: &[u8]) -> Decoded {
    let mut text = String::with_capacity(bytes.len());
    let mut bad = 0;
    let mut at = 0;
    for chunk in bytes.utf8_chunks() {
        text.push_str(chunk.valid());
        at += chunk.valid().len();
        let invalid = chunk.invalid();
        if !invalid.is_empty() {
            bad += 1;
            let before = at.checked_sub(1).map_or(b' ', |i| bytes[i]);
            let after = bytes.get(at + invalid.len()).copied().unwrap_or(b' ');
            match invalid {
                [byte @ 0x80..=0xfd] if before.is_ascii() && after.is_ascii() => {
                    text.push_str(&WINDOWS_1252.decode_without_bom_handling(&[*byte]).0);
                }
                _ => text.push('\u{fffd}'),
            }
            at += invalid.len();
        }
    }
    let repairs = if bad > 0 {
        vec![Repair::BadBytes(bad)]
    } else {
        Vec::new()
    };
    Decoded { text, repairs }
}

/// UTF-32, which no browser reads: by its mark or by the `<` it begins with.
fn utf32(bytes: &[u8]) -> Option<String> {
    let (from, unit): (usize, fn([u8; 4]) -> u32) = match bytes {
        [0xff, 0xfe, 0, 0, ..] => (4, u32::from_le_bytes),
        [0, 0, 0xfe, 0xff, ..] => (4, u32::from_be_bytes),
        [b'<', 0, 0, 0, ..] => (0, u32::from_le_bytes),
        [0, 0, 0, b'<', ..] => (0, u32::from_be_bytes),
        _ => return None,
    };
    let units = bytes[from..].chunks_exact(4);
    let chars = units.map(|c| char::from_u32(unit([c[0], c[1], c[2], c[3]])).unwrap_or('\u{fffd}'));
    Some(chars.collect())
}

/// UTF-16 without a mark: `<` with a zero beside it.
fn wide(bytes: &[u8]) -> Option<&'static Encoding> {
    match bytes {
        [b'<', 0, ..] => Some(UTF_16LE),
        [0, b'<', ..] => Some(UTF_16BE),
        _ => None,
    }
}

fn charset(content_type: Option<&str>) -> Option<&'static Encoding> {
    let lower = content_type?.to_ascii_lowercase();
    let (_, label) = lower.split_once("charset=")?;
    let label = label.trim_start_matches(['"', '\'', ' ']);
    let end = label.find(['"', '\'', ';', ' ']).unwrap_or(label.len());
    Encoding::for_label(&label.as_bytes()[..end])
}

/// The encoding that the XML declaration names.
fn declared(bytes: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&bytes[..bytes.len().min(1024)]);
    let at = head.find("<?xml")?;
    let declaration = &head[at..at + head[at..].find('>')?];
    let (_, label) = declaration.split_once("encoding")?;
    let label = label.trim_start_matches([' ', '=', '\t', '\n', '\r']);
    let quote = label.chars().next().filter(|c| matches!(c, '"' | '\''))?;
    let label = label[1..].split(quote).next()?.trim();
    (!label.is_empty()).then(|| short(label))
}
