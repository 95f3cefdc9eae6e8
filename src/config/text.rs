//! The text of the configuration's files, and where in it something stands.
//!
//! Several files are read as one document. Every place in it is one number: the byte in its
//! file plus where that file begins in the whole. So a value carries its file wherever it goes.

use std::ops::Range;
use std::path::{Path, PathBuf};

use super::Problem;

/// The files of a configuration, end to end.
#[derive(Debug, Default)]
pub(super) struct Text {
    files: Vec<File>,
}

#[derive(Debug)]
struct File {
    begins: usize,
    path: PathBuf,
    text: String,
}

impl Text {
    /// Adds a file; returns where it begins in the whole.
    pub fn add(&mut self, path: &Path, text: String) -> usize {
        // One byte between files, so that the end of one is not the beginning of the next.
        let begins = self.files.last().map_or(0, |f| f.begins + f.text.len() + 1);
        self.files.push(File {
            begins,
            path: path.to_owned(),
            text,
        });
        begins
    }

    /// A problem at a place.
    pub fn problem(
        &self,
        place: Range<usize>,
        message: impl Into<String>,
        help: Option<String>,
    ) -> Problem {
        let Some(file) = self.files.iter().rfind(|f| f.begins <= place.start) else {
            let mut problem = Problem::of_file("", message);
            problem.help = help;
            return problem;
        };
        let start = floor_char(&file.text, place.start - file.begins);
        let end = floor_char(&file.text, place.end.saturating_sub(file.begins)).max(start);
        let (before, after) = file.text.split_at(start);
        let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
        let line_end = after
            .find('\n')
            .map_or(file.text.len(), |newline| start + newline);
        let excerpt = file.text[line_start..line_end].trim_end_matches('\r');
        Problem {
            file: file.path.clone(),
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
            message: message.into(),
            help,
            excerpt: without_secrets(excerpt),
            width: file.text[start..end.min(line_end)].chars().count(),
        }
    }

    /// `courant.toml:3`, for pointing at a second place.
    pub fn line_of(&self, place: usize) -> String {
        let problem = self.problem(place..place, "", None);
        format!("{}:{}", problem.file.display(), problem.line)
    }
}

fn floor_char(text: &str, at: usize) -> usize {
    text.floor_char_boundary(at.min(text.len()))
}

/// Whether a key of this name holds a secret.
pub(super) fn is_secret_key(key: &str) -> bool {
    ["password", "token", "secret", "key", "webhook"]
        .iter()
        .any(|word| key.to_ascii_lowercase().contains(word))
}

/// A line fit to be shown: strings after a secret's key, and passwords in URLs, are starred.
fn without_secrets(line: &str) -> String {
    if let Some((key, value)) = line.split_once('=')
        && is_secret_key(key)
        && !value.trim_start().starts_with(['"', '\'', '{', '['])
    {
        // Somebody forgot the quotes.
        let stars = value.chars().map(|c| if c == ' ' { ' ' } else { '*' });
        return format!("{key}={}", stars.collect::<String>());
    }
    let mut shown = String::with_capacity(line.len());
    let mut rest = line;
    while let Some(at) = rest.find(['"', '\'']) {
        let (before, string) = rest.split_at(at);
        let quote = &string[..1];
        let ends = end_of_string(&string[1..], quote);
        let (inside, after) = match ends {
            Some(end) => (&string[1..=end], Some(&string[end + 2..])),
            None => (&string[1..], None),
        };
        let key = before.trim_end().strip_suffix('=').unwrap_or_default();
        let key = key.trim_end().rsplit([' ', '.', ',', '{']).next();
        shown.push_str(before);
        shown.push_str(quote);
        if key.is_some_and(is_secret_key) {
            shown.extend(inside.chars().map(|_| '*'));
        } else {
            shown.push_str(&without_password(inside));
        }
        let Some(after) = after else {
            return shown;
        };
        shown.push_str(quote);
        rest = after;
    }
    shown + rest
}

/// Where a string ends: at its quote, unless that is escaped (only in `"…"`).
fn end_of_string(inside: &str, quote: &str) -> Option<usize> {
    let mut escaped = false;
    for (at, c) in inside.char_indices() {
        if !escaped && quote.starts_with(c) {
            return Some(at);
        }
        escaped = !escaped && c == '\\' && quote == "\"";
    }
    None
}

/// `smtp://user:***@host`.
fn without_password(text: &str) -> String {
    let found = text.split_once("://").and_then(|(scheme, rest)| {
        let (login, host) = rest.rsplit_once('@')?;
        let (user, password) = login.split_once(':')?;
        let stars = "*".repeat(password.chars().count());
        Some(format!("{scheme}://{user}:{stars}@{host}"))
    });
    found.unwrap_or_else(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_is_found_again_in_its_file() {
        let mut text = Text::default();
        text.add(Path::new("a.toml"), "x = 1\n".to_owned());
        let begins = text.add(Path::new("b.toml"), "y = 1\nзима = 2\n".to_owned());
        let problem = text.problem(begins + 6..begins + 14, "m", None);
        assert_eq!((problem.line, problem.column, problem.width), (2, 1, 4));
        let shown = "b.toml:2:1: m\n   |\n 2 | зима = 2\n   | ^^^^";
        assert_eq!(problem.to_string(), shown);
        assert_eq!(text.line_of(0), "a.toml:1");
        // A place past the end is the end.
        assert_eq!(
            text.problem(9999..9999, "m", None).file,
            Path::new("b.toml")
        );
    }

    #[test]
    fn lines_are_shown_without_the_secrets_in_them() {
        let table = [
            (r#"password = "abc""#, r#"password = "***""#),
            (r#"bot_token = "abc # open"#, r#"bot_token = "**********"#),
            (
                r#"p = { url = "smtp://u:abc@h", token='x' }"#,
                r#"p = { url = "smtp://u:***@h", token='*' }"#,
            ),
            (r#"token = "a\"bc" "#, r#"token = "*****" "#),
            ("password = abc", "password = ***"),
            (r#"name = "abc" # "q""#, r#"name = "abc" # "q""#),
        ];
        for (line, shown) in table {
            assert_eq!(without_secrets(line), shown);
        }
    }
}
