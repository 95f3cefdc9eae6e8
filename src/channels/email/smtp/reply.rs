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
pub struct Reply(pub(super) Response);

impl Reply {
    /// The three digits.
    #[must_use]
    pub fn code(&self) -> u16 {
        self.0.code().into()
    }

    /// The enhanced status code, where the reply begins with one of its own class
    /// (RFC 2034 §4).
    #[must_use]
    pub fn enhanced(&self) -> Option<Enhanced> {
        let mut parts = self.0.first_word()?.split('.');
        let mut part = || {
            let digits = parts.next()?;
            let is_number =
                (1..=3).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
            is_number.then(|| digits.parse().ok())?
        };
        let code = Enhanced(part()?, part()?, part()?);
        (parts.next().is_none() && code.0 == self.code() / 100).then_some(code)
    }

    /// The lines after the codes.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        self.0.message()
    }

    /// The words of all lines in lower case, for rules that must read them.
    pub(super) fn words(&self) -> String {
        self.lines().collect::<Vec<_>>().join(" ").to_lowercase()
    }
}

/// On one line: `550 5.1.1 No such user`, each enhanced code once, no control characters.
impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let enhanced = self.enhanced().and(self.0.first_word());
        let mut text = String::new();
        for (i, line) in self.lines().enumerate() {
            let repeated = if i > 0 { enhanced } else { None };
            text.push_str(repeated.and_then(|e| line.strip_prefix(e)).unwrap_or(line));
            text.push(' ');
        }
        let text = HeaderText::clean(&text);
        if text.is_empty() {
            write!(f, "{}", self.code())
        } else {
            write!(f, "{} {text}", self.code())
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
    let mut text = String::new();
    let mut start = 0;
    loop {
        let Some(length) = input[start..].iter().position(|&b| b == b'\n') else {
            let pending = input.len() - start;
            return if pending > MAX_LINE || input.len() > MAX_REPLY {
                Err(Malformed(excerpt(&input[start..])))
            } else {
                Ok(None)
            };
        };
        let line = &input[start..start + length];
        let line = line.strip_suffix(b"\r").unwrap_or(line);
        start += length + 1;
        let has_code = line.len() >= 3 && line[..3].iter().all(u8::is_ascii_digit);
        if !has_code || line.len() > MAX_LINE || start > MAX_REPLY {
            return Err(Malformed(excerpt(line)));
        }
        let (code, rest) = line.split_at(3);
        text.push_str(&String::from_utf8_lossy(code));
        let is_last = match rest.first() {
            None => true,
            Some(b' ') => true,
            Some(b'-') => false,
            Some(_) => return Err(Malformed(excerpt(line))),
        };
        text.push(if is_last { ' ' } else { '-' });
        text.push_str(&String::from_utf8_lossy(rest.get(1..).unwrap_or_default()));
        text.push_str("\r\n");
        if is_last {
            // lettre refuses codes that do not exist and lines whose codes differ.
            let response: Response = text.parse().map_err(|_| Malformed(excerpt(line)))?;
            input.drain(..start);
            return Ok(Some(Reply(response)));
        }
    }
}

fn excerpt(bytes: &[u8]) -> String {
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
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut input = bytes;
            let _ = take(&mut input);
        }
    }
}
