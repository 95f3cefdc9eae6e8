//! A relay's replies (RFC 5321 §4.2) and the enhanced status codes in them (RFC 3463).

use lettre::transport::smtp::response::Response;

use crate::domain::HeaderText;

/// More than any reply needs, less than a relay gone mad could send.
const MAX_LINE: usize = 2_000;
const MAX_REPLY: usize = 100_000;

/// An enhanced status code: class, subject, detail.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Enhanced(pub u16, pub u16, pub u16);

/// One whole reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    code: u16,
    /// What follows the codes, a line each.
    text: String,
}

impl Reply {
    /// The three digits.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.code
    }

    /// The enhanced status code, where the reply begins with one of its own class
    /// (RFC 2034 §4).
    #[must_use]
    pub fn enhanced(&self) -> Option<Enhanced> {
        let mut parts = self.first_word()?.split('.');
        let mut part = || {
            let digits = parts.next()?;
            let is_number =
                (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| digits.parse().ok())?
        };
        let code = Enhanced(part()?, part()?, part()?);
        (parts.next().is_none() && code.0 == self.code / 100).then_some(code)
    }

    /// The lines after the codes.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.text.split('\n')
    }

    /// The words of all lines in lower case, for rules that must read them.
    pub(super) fn words(&self) -> String {
        self.text.replace('\n', " ").to_lowercase()
    }

    fn first_word(&self) -> Option<&str> {
        self.lines().next()?.split_whitespace().next()
    }

    /// The same for lettre, whose login mechanisms read what the relay asks.
    pub(super) fn to_lettre(&self) -> Option<Response> {
        let last = self.lines().last()?;
        format!("{} {last}\r\n", self.code).parse().ok()
    }
}

/// On one line: `550 5.1.1 No such user`, each enhanced code once, no control characters.
impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let enhanced = self.enhanced().and(self.first_word());
        let mut text = String::new();
        for (i, line) in self.lines().enumerate() {
            let repeated = if i > 0 { enhanced } else { None };
            text.push_str(repeated.and_then(|e| line.strip_prefix(e)).unwrap_or(line));
            text.push(' ');
        }
        let text = HeaderText::clean(&text);
        if text.is_empty() {
            write!(f, "{}", self.code)
        } else {
            write!(f, "{} {text}", self.code)
        }
    }
}

/// What is not a reply at all; the text quotes what was there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Malformed(pub(super) String);

/// Takes the first whole reply off `input`, or `None` when more bytes are needed.
///
/// Stricter than the wire on what counts, laxer on form: a bare LF ends a line, a code may
/// stand alone (RFC 5321 §4.2.1 allows it), and bytes that are not UTF-8 do not hide a code.
pub(super) fn take(input: &mut Vec<u8>) -> Result<Option<Reply>, Malformed> {
    let Some((code, length)) = first(input)? else {
        return Ok(None);
    };
    let mut text = String::new();
    for (i, line) in input[..length - 1].split(|&b| b == b'\n').enumerate() {
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        if i > 0 {
            text.push('\n');
        }
        text.push_str(&String::from_utf8_lossy(line.get(4..).unwrap_or_default()));
    }
    input.drain(..length);
    Ok(Some(Reply { code, text }))
}

/// The code of the first whole reply in `input` and how many bytes it has, or `None` when more
/// are needed.
pub(super) fn first(input: &[u8]) -> Result<Option<(u16, usize)>, Malformed> {
    let mut start = 0;
    let mut code = None;
    loop {
        let rest = &input[start..];
        let Some(length) = rest.iter().position(|&b| b == b'\n') else {
            return if rest.len() > MAX_LINE || input.len() > MAX_REPLY {
                Err(Malformed(excerpt(rest)))
            } else {
                Ok(None)
            };
        };
        let line = &rest[..length];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        start += length + 1;
        let own = code_of(line).filter(|own| code.is_none_or(|code| code == *own));
        let (Some(own), true) = (own, line.len() <= MAX_LINE && start <= MAX_REPLY) else {
            return Err(Malformed(excerpt(line)));
        };
        match line.get(3) {
            None | Some(b' ') => return Ok(Some((own, start))),
            Some(b'-') => code = Some(own),
            Some(_) => return Err(Malformed(excerpt(line))),
        }
    }
}

/// Only codes that RFC 5321 §4.2 knows the digits of.
fn code_of(line: &[u8]) -> Option<u16> {
    let [a @ b'2'..=b'5', b @ b'0'..=b'5', c @ b'0'..=b'9'] = *line.first_chunk()? else {
        return None;
    };
    Some(
        [a, b, c]
            .iter()
            .fold(0, |n, d| n * 10 + u16::from(d - b'0')),
    )
}

/// What is quoted of bytes that are no reply: a short line without control characters.
pub(super) fn excerpt(bytes: &[u8]) -> String {
    let text: String = String::from_utf8_lossy(bytes).chars().take(80).collect();
    HeaderText::clean(&text).as_str().to_owned()
}

#[cfg(test)]
pub(super) fn reply(text: &str) -> Reply {
    let mut bytes = format!("{text}\r\n").into_bytes();
    take(&mut bytes).unwrap().unwrap()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_reply_is_read_whole_or_not_at_all() {
        let whole = b"250-first\r\n250-\r\n250 last\r\n421 bye\r\n";
        for cut in 0..25 {
            assert_eq!(take(&mut whole[..cut].to_vec()), Ok(None), "{cut}");
        }
        let mut input = whole.to_vec();
        assert_eq!(
            take(&mut input).unwrap().unwrap().to_string(),
            "250 first last"
        );
        assert_eq!(take(&mut input).unwrap().unwrap().to_string(), "421 bye");
        assert_eq!(take(&mut input), Ok(None));
    }

    #[test]
    fn sloppy_forms_are_read_and_wrong_ones_refused() {
        for (bytes, read) in [
            (&b"250\r\n"[..], "250"),
            (b"250 ok\n", "250 ok"),
            (b"550 5.1.1 caf\xe9\r\n", "550 5.1.1 caf\u{fffd}"),
            (b"550-5.7.1 no\r\n550 5.7.1 spam\r\n", "550 5.7.1 no spam"),
        ] {
            assert_eq!(
                take(&mut bytes.to_vec()).unwrap().unwrap().to_string(),
                read
            );
        }
        for bytes in [
            &b"hello\r\n"[..],
            b"\r\n",
            b"25 ok\r\n",
            b"250-a\r\n550 b\r\n",
            b"250_ok\r\n",
            b"999 ok\r\n",
            b"150 ok\r\n",
        ] {
            assert!(take(&mut bytes.to_vec()).is_err(), "{bytes:?}");
        }
        assert!(take(&mut vec![b'2'; 3000]).is_err());
        let endless = b"250-x\r\n".repeat(20_000);
        assert!(take(&mut endless.clone()).is_err());
    }

    #[test]
    fn enhanced_codes_count_only_where_they_agree() {
        assert_eq!(reply("550 5.1.1 no").enhanced(), Some(Enhanced(5, 1, 1)));
        assert_eq!(
            reply("451 4.7.651 no").enhanced(),
            Some(Enhanced(4, 7, 651))
        );
        for text in [
            "550 4.1.1 no",
            "550 no",
            "550 5.1 no",
            "550 5.1.1.1 no",
            "550 5.1.x",
        ] {
            assert_eq!(reply(text).enhanced(), None, "{text}");
        }
    }

    proptest! {
        #[test]
        fn lettre_reads_the_same(lines in "([1-6][0-6][0-9][- ][a-z0-9. ]{0,8}\r\n){1,3}") {
            let mut input = lines.clone().into_bytes();
            let ours = take(&mut input);
            let read = &lines[..lines.len() - input.len()];
            match (ours, read.parse::<Response>()) {
                (Ok(Some(ours)), Ok(theirs)) => {
                    prop_assert_eq!(ours.code(), u16::from(theirs.code()));
                    let theirs: Vec<&str> = theirs.message().collect();
                    prop_assert_eq!(ours.lines().collect::<Vec<_>>(), theirs);
                }
                (Ok(Some(ours)), Err(error)) => panic!("{ours} and {error}"),
                (Ok(None) | Err(_), theirs) => prop_assert!(theirs.is_err(), "{:?}", theirs),
            }
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut input = bytes;
            let _ = take(&mut input);
        }
    }
}
