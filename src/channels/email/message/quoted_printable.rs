//! Quoted-printable (RFC 2045 §6.7), with two habits of mail on the way taken care of.
//!
//! Lines have at most 76 characters. A `.` at the start of a line is encoded, so that the
//! dot-stuffing of SMTP (RFC 5321 §4.5.2) never has anything to do, and so is the `F` of
//! `From ` there, which mailbox files would turn into `>From `. White space at a line's end
//! is encoded. A code point is never cut by a soft line break.

const LINE: usize = 76;
/// The longest line before a soft line break.
pub(super) const BEFORE_BREAK: usize = LINE - 1;
const HEX: &[u8; 16] = b"0123456789ABCDEF";

/// What comes after a text.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Then {
    /// The end of a line.
    LineEnd,
    /// A soft line break.
    SoftBreak,
}

/// Appends `text` in quoted-printable to `out`, which ends in a line break or is empty. Line
/// breaks of every kind become CRLF. Returns the column it ends in.
pub(super) fn encode_into(out: &mut Vec<u8>, text: &str, then: Then) -> usize {
    let mut column = 0;
    let mut rest = text;
    while let Some(c) = rest.chars().next() {
        let after = &rest[c.len_utf8()..];
        if let Some(next) = line_break(rest) {
            out.extend_from_slice(b"\r\n");
            column = 0;
            rest = next;
            continue;
        }
        // The last character of a line may fill column 76; any other leaves room for the `=`
        // of a soft break.
        let is_last = if after.is_empty() {
            then == Then::LineEnd
        } else {
            line_break(after).is_some()
        };
        let room = if is_last { LINE } else { BEFORE_BREAK };
        if column + width(c, column, rest, is_last) > room {
            out.extend_from_slice(b"=\r\n");
            column = 0;
        }
        let before = out.len();
        if is_plain(c, column, rest, is_last) {
            // Plain characters are ASCII.
            out.push(rest.as_bytes()[0]);
        } else {
            for &byte in &rest.as_bytes()[..c.len_utf8()] {
                push_hex(out, byte);
            }
        }
        column += out.len() - before;
        rest = after;
    }
    column
}

/// What follows the line break that `text` begins with.
fn line_break(text: &str) -> Option<&str> {
    text.strip_prefix("\r\n")
        .or_else(|| text.strip_prefix('\n'))
        .or_else(|| text.strip_prefix('\r'))
}

fn is_plain(c: char, column: usize, rest: &str, is_last: bool) -> bool {
    match c {
        ' ' | '\t' => !is_last,
        '.' => column > 0,
        'F' => column > 0 || !rest.starts_with("From "),
        '=' => false,
        _ => c.is_ascii_graphic(),
    }
}

fn push_hex(out: &mut Vec<u8>, byte: u8) {
    let (high, low) = (HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]);
    out.extend([b'=', high, low]);
}

/// Columns `c` takes at `column`.
fn width(c: char, column: usize, rest: &str, is_last: bool) -> usize {
    if is_plain(c, column, rest, is_last) {
        1
    } else {
        3 * c.len_utf8()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn encode(text: &str) -> Vec<u8> {
        let mut out = Vec::new();
        encode_into(&mut out, text, Then::LineEnd);
        out
    }

    fn encoded(text: &str) -> String {
        String::from_utf8(encode(text)).unwrap()
    }

    /// A decoder by the letter of RFC 2045, written apart from the encoder.
    fn decoded(encoded: &[u8]) -> Vec<u8> {
        let text = String::from_utf8(encoded.to_vec()).unwrap();
        let mut out = Vec::new();
        let joined = text.replace("=\r\n", "");
        let mut bytes = joined.bytes();
        while let Some(b) = bytes.next() {
            if b == b'=' {
                let hex = [bytes.next().unwrap(), bytes.next().unwrap()];
                out.push(u8::from_str_radix(std::str::from_utf8(&hex).unwrap(), 16).unwrap());
            } else {
                out.push(b);
            }
        }
        out
    }

    #[test]
    fn dots_from_lines_and_trailing_spaces_are_protected() {
        assert_eq!(encoded(".\n..x\na.b"), "=2E\r\n=2E.x\r\na.b");
        assert_eq!(
            encoded("From me\nFrom: x\nSo From y"),
            "=46rom me\r\nFrom: x\r\nSo From y"
        );
        assert_eq!(encoded("a \nb\t\r\nc "), "a=20\r\nb=09\r\nc=20");
        assert_eq!(encoded("1=1\rxä"), "1=3D1\r\nx=C3=A4");
    }

    #[test]
    fn a_dot_after_a_soft_break_is_protected_too() {
        let text = format!("{}.{}From here", "a".repeat(75), "b".repeat(72));
        let lines = encoded(&text);
        assert!(
            lines
                .split("\r\n")
                .all(|l| !l.starts_with('.') && !l.starts_with("From "))
        );
        assert_eq!(decoded(lines.as_bytes()), text.as_bytes());
    }

    #[test]
    fn a_full_line_needs_no_soft_break() {
        let line = "x".repeat(76);
        assert_eq!(
            encoded(&format!("{line}\n{line}")),
            format!("{line}\r\n{line}")
        );
    }

    proptest! {
        #[test]
        fn every_text_comes_back_and_every_line_is_short(
            text in "(?s)([ -~]|[\\r\\n\\t .=F]|From |[اب💌é]|\\PC|.){0,400}"
        ) {
            let bytes = encode(&text);
            prop_assert!(bytes.is_ascii());
            for line in String::from_utf8(bytes.clone()).unwrap().split("\r\n") {
                prop_assert!(line.len() <= LINE, "{line:?}");
                prop_assert!(!line.starts_with('.') && !line.starts_with("From "));
                prop_assert!(!line.ends_with([' ', '\t']));
                prop_assert!(!line.contains(['\r', '\n']));
            }
            let lines = text.replace("\r\n", "\n").replace('\r', "\n").replace('\n', "\r\n");
            prop_assert_eq!(decoded(&bytes), lines.into_bytes());
        }
    }
}
