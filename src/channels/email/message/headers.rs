//! Header lines: folding, display names, dates.

use super::{Mailbox, encoded_word};
use crate::domain::{HeaderText, UnixMillis};

/// RFC 5322 §2.1.1: a line should have no more than 78 characters, without its CRLF.
const LINE: usize = 78;

/// The headers of a mail, in the order they were added.
#[derive(Default)]
pub(super) struct Headers(String);

impl Headers {
    pub(super) fn with_capacity(bytes: usize) -> Self {
        Self(String::with_capacity(bytes))
    }

    /// The lines so far, each with its CRLF; none are left.
    pub(super) fn take(&mut self) -> String {
        std::mem::take(&mut self.0)
    }

    /// Text that is whole lines, or becomes one with what follows.
    pub(super) fn whole(&mut self, lines: &str) {
        self.0.push_str(lines);
    }

    /// The lines, each with its CRLF.
    pub(super) fn into_bytes(self) -> Vec<u8> {
        self.0.into_bytes()
    }

    /// A value that is ASCII and folded where it must be: made here, not taken from outside.
    pub(super) fn plain(&mut self, name: &str, value: &str) {
        self.begin(name);
        self.0.push_str(value);
        self.0.push_str("\r\n");
    }

    /// Free text (`unstructured` in RFC 5322 §2.2.1), encoded where it is not plain.
    pub(super) fn text(&mut self, name: &str, text: &HeaderText) {
        let column = self.begin(name);
        let text = text.as_str();
        if is_plain_text(text, LINE - column) {
            self.folded(text, column);
        } else {
            encoded_word::write(&mut self.0, text, column);
        }
        self.0.push_str("\r\n");
    }

    /// A mailbox: `Name <address>`.
    pub(super) fn mailbox(&mut self, name: &str, mailbox: &Mailbox) {
        if mailbox.name.is_empty() {
            // Without a name the brackets may go, and then nothing is left to misread.
            self.plain(name, mailbox.address.as_str());
        } else {
            self.phrase(name, &mailbox.name, &format!("<{}>", mailbox.address));
        }
    }

    /// A name for people followed by what it names in angle brackets.
    pub(super) fn phrase(&mut self, name: &str, phrase: &HeaderText, named: &str) {
        let mut column = self.begin(name);
        let phrase = phrase.as_str();
        let quoted = quoted(phrase);
        if !phrase.is_empty() {
            if is_plain_text(phrase, LINE - column) && column + quoted.len() <= LINE {
                self.0.push_str(&quoted);
                column += quoted.len();
            } else {
                column = encoded_word::write(&mut self.0, phrase, column);
            }
            self.0.push_str(if column + 1 + named.len() > LINE {
                "\r\n "
            } else {
                " "
            });
        }
        self.0.push_str(named);
        self.0.push_str("\r\n");
    }

    /// Writes `Name: ` and returns the column after it.
    fn begin(&mut self, name: &str) -> usize {
        self.0.push_str(name);
        self.0.push_str(": ");
        name.len() + 2
    }

    /// Writes plain words, folding before a word that would not fit. Only words are written: a
    /// space that no word follows could become a line of white space alone, which RFC 5322 §3.2.2
    /// forbids, since it may be taken for the end of the headers.
    fn folded(&mut self, text: &str, mut column: usize) {
        for (i, word) in text.split_ascii_whitespace().enumerate() {
            if i > 0 {
                if column + 1 + word.len() > LINE {
                    self.0.push_str("\r\n");
                    column = 0;
                }
                self.0.push(' ');
                column += 1;
            }
            self.0.push_str(word);
            column += word.len();
        }
    }
}

/// Whether `text` may stand in a header as it is: ASCII, words that fit into a line (the
/// first beside the header's name), and nothing that reads like an encoded word.
fn is_plain_text(text: &str, first_room: usize) -> bool {
    text.bytes().all(|b| b == b' ' || b.is_ascii_graphic())
        && !text.contains("=?")
        && text
            .split(' ')
            .enumerate()
            .all(|(i, word)| word.len() < if i == 0 { first_room } else { LINE })
}

/// `phrase` bare where it is made of atoms, else as a quoted string (RFC 5322 §3.2.4).
fn quoted(phrase: &str) -> String {
    let is_atom = |b: u8| b.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~ ".contains(&b);
    if phrase.bytes().all(is_atom) {
        return phrase.to_owned();
    }
    let mut out = String::with_capacity(phrase.len() + 2);
    out.push('"');
    for c in phrase.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
    out
}

/// An instant as RFC 5322 §3.3 writes it, in UTC: `Mon, 23 Nov 2026 07:00:00 +0000`.
pub(super) fn date(at: UnixMillis) -> String {
    let zoned = at.timestamp().to_zoned(jiff::tz::TimeZone::UTC);
    // jiff refuses only years before 0; an instant that far off is a clock gone wrong, and
    // 1970 tells so without losing the mail.
    jiff::fmt::rfc2822::to_string(&zoned)
        .unwrap_or_else(|_| "Thu, 01 Jan 1970 00:00:00 +0000".to_owned())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The lines of a subject.
    fn lines(fold: impl FnOnce(&mut Headers)) -> Vec<String> {
        let mut headers = Headers::default();
        fold(&mut headers);
        let text = headers.take();
        text.split("\r\n").map(str::to_owned).collect()
    }

    #[test]
    fn no_space_at_the_end_or_beside_another_makes_a_line_of_its_own() {
        let full = "x".repeat(LINE - "Subject: ".len());
        let next = "y".repeat(LINE - 1);
        for text in [
            format!("{full} "),
            format!("{full}  {next}"),
            format!("{full} {next}   "),
            format!("{full}{}", " ".repeat(200)),
        ] {
            let lines = lines(|headers| {
                let column = headers.begin("Subject");
                headers.folded(&text, column);
            });
            for line in &lines {
                assert!(!line.trim().is_empty() && line.len() <= LINE, "{lines:?}");
            }
        }
    }

    proptest! {
        #[test]
        fn long_plain_text_is_folded_at_its_spaces_and_reads_back(
            text in prop_oneof!["[a-c ]{0,700}", "([a-z]{1,9} ){0,120}", "( {0,2}[!-~]{1,90}){0,30}"],
        ) {
            let text = HeaderText::clean(&text);
            let lines = lines(|headers| headers.text("Feedback-ID", &text));
            prop_assert_eq!(lines.last().unwrap(), "", "the end of the last line");
            let lines = &lines[..lines.len() - 1];
            for line in lines {
                prop_assert!(!line.trim().is_empty() && line.len() <= LINE, "{:?}", line);
            }
            let whole = lines.concat();
            if !whole.contains("=?") {
                prop_assert_eq!(whole, format!("Feedback-ID: {text}"));
            }
        }
    }
}
