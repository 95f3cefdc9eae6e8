//! Encoded words (RFC 2047): text that is not plain ASCII, in a header.

use data_encoding::BASE64;

/// RFC 2047 §2: an encoded word has at most 75 characters.
const WORD: usize = 75;
/// … and a header line that holds one at most 76.
const LINE: usize = 76;
const PREFIX: &str = "=?utf-8?";
const SUFFIX: &str = "?=";
/// `=?utf-8?B?` and `?=`.
const FRAME: usize = PREFIX.len() + 2 + SUFFIX.len();

/// How the inside of a word is written.
#[derive(Clone, Copy)]
enum Encoding {
    /// Shorter for text with few characters beyond ASCII, and readable.
    Q,
    /// Shorter for every other script.
    B,
}

/// Appends `text` to a header line that is `column` characters long, as encoded words, and
/// returns the new column. A word ends between code points, never inside one (RFC 2047 §5:
/// each word must be decodable by itself); the white space between two words is not text.
pub(super) fn write(out: &mut String, text: &str, mut column: usize) -> usize {
    let encoding = shorter(text);
    let mut rest = text;
    while !rest.is_empty() {
        let mut room = (LINE.saturating_sub(column))
            .min(WORD)
            .saturating_sub(FRAME);
        if fitting(rest, encoding, room) == 0 {
            out.push_str("\r\n ");
            column = 1;
            room = WORD - FRAME;
        }
        let (chunk, after) = rest.split_at(fitting(rest, encoding, room));
        let before = out.len();
        out.push_str(PREFIX);
        match encoding {
            Encoding::B => {
                out.push_str("B?");
                out.push_str(&BASE64.encode(chunk.as_bytes()));
            }
            Encoding::Q => {
                out.push_str("Q?");
                chunk.bytes().for_each(|byte| push_q(out, byte));
            }
        }
        out.push_str(SUFFIX);
        column += out.len() - before;
        rest = after;
        if !rest.is_empty() {
            out.push_str("\r\n ");
            column = 1;
        }
    }
    column
}

fn shorter(text: &str) -> Encoding {
    let q: usize = text.bytes().map(q_width).sum();
    if q <= text.len().div_ceil(3) * 4 {
        Encoding::Q
    } else {
        Encoding::B
    }
}

/// How many bytes of `text`, in whole code points, fit into `room` encoded characters.
fn fitting(text: &str, encoding: Encoding, room: usize) -> usize {
    let mut bytes = 0;
    let mut used = 0;
    for c in text.chars() {
        let next = bytes + c.len_utf8();
        used = match encoding {
            Encoding::B => next.div_ceil(3) * 4,
            Encoding::Q => used + text[bytes..next].bytes().map(q_width).sum::<usize>(),
        };
        if used > room {
            break;
        }
        bytes = next;
    }
    bytes
}

/// The characters that may stand for themselves even in a display name (RFC 2047 §5 (3)).
fn is_bare(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!*+-/".contains(&byte)
}

fn q_width(byte: u8) -> usize {
    if is_bare(byte) || byte == b' ' { 1 } else { 3 }
}

fn push_q(out: &mut String, byte: u8) {
    match byte {
        b' ' => out.push('_'),
        _ if is_bare(byte) => out.push(char::from(byte)),
        _ => {
            const HEX: &[u8; 16] = b"0123456789ABCDEF";
            out.push('=');
            out.push(char::from(HEX[usize::from(byte >> 4)]));
            out.push(char::from(HEX[usize::from(byte & 15)]));
        }
    }
}
