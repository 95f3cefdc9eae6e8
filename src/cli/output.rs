//! What commands print: text for people, one JSON document with `--json`.

use std::io::{IsTerminal, Write};

use indicatif::{ProgressBar, ProgressStyle};
use serde::Serialize;

use crate::domain::UnixMillis;

/// Where the answer goes.
#[derive(Debug, Clone, Copy)]
pub struct Output {
    json: bool,
}

impl Output {
    /// Text, or JSON.
    #[must_use]
    pub fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether the answer is JSON.
    #[must_use]
    pub fn is_json(self) -> bool {
        self.json
    }

    /// Prints the answer: `document` as JSON, or `text`.
    ///
    /// # Errors
    /// A standard output that cannot be written to.
    pub fn answer(
        self,
        document: &impl Serialize,
        text: impl FnOnce() -> String,
    ) -> anyhow::Result<()> {
        let answer = if self.json {
            serde_json::to_string_pretty(document)?
        } else {
            text()
        };
        print(&answer)
    }

    /// A bar for long work: shown on a terminal, silent elsewhere and with `--json`.
    #[must_use]
    pub fn progress(self, length: Option<u64>, what: &str) -> ProgressBar {
        if self.json || !std::io::stderr().is_terminal() {
            return ProgressBar::hidden();
        }
        let (bar, style) = match length {
            Some(length) => (ProgressBar::new(length), "{msg} {bar:30} {pos}/{len} {eta}"),
            None => (ProgressBar::new_spinner(), "{spinner} {msg} {pos}"),
        };
        let style =
            ProgressStyle::with_template(style).unwrap_or_else(|_| ProgressStyle::default_bar());
        bar.with_style(style).with_message(what.to_owned())
    }
}

/// Prints text to standard output, ending it with a line break. A reader that went away (as
/// `head` does) is no error.
///
/// # Errors
/// Any other trouble of standard output.
pub fn print(text: &str) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    let end = if text.is_empty() || text.ends_with('\n') {
        ""
    } else {
        "\n"
    };
    match write!(out, "{text}{end}").and_then(|()| out.flush()) {
        Err(error) if error.kind() != std::io::ErrorKind::BrokenPipe => Err(error.into()),
        _ => Ok(()),
    }
}

/// `1 address`, `2 addresses`.
#[must_use]
pub fn count(n: usize, one: &str, many: &str) -> String {
    format!("{n} {}", if n == 1 { one } else { many })
}

/// An instant in a table: whole seconds, so that the columns line up.
#[must_use]
pub fn moment(at: UnixMillis) -> String {
    at.timestamp().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}

/// A title in a table, cut where it would push the line off most terminals.
#[must_use]
pub fn in_brief(title: &str) -> String {
    const MOST: usize = 64;
    crate::text::cut(title, MOST, &crate::text::graphemes)
}

/// Columns, each as wide as its widest cell; the last is not padded.
#[must_use]
pub fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let width = |text: &str| crate::text::graphemes(text);
    let widths: Vec<usize> = head
        .iter()
        .enumerate()
        .map(|(i, title)| {
            let cells = rows
                .iter()
                .filter_map(|row| row.get(i))
                .map(|cell| width(cell));
            cells.chain([width(title)]).max().unwrap_or(0)
        })
        .collect();
    let line = |cells: Vec<&str>| {
        let mut line = String::new();
        for (i, cell) in cells.iter().enumerate() {
            line.push_str(cell);
            if i + 1 < cells.len() {
                line.push_str(&" ".repeat(widths[i].saturating_sub(width(cell)) + 2));
            }
        }
        line.trim_end().to_owned() + "\n"
    };
    let mut out = line(head.to_vec());
    for row in rows {
        out.push_str(&line(row.iter().map(String::as_str).collect()));
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_lines_up_its_columns() {
        let rows = vec![
            vec!["brief".into(), "ok".into()],
            vec!["x".into(), "paused".into()],
        ];
        assert_eq!(
            table(&["CHANNEL", "STATE"], &rows),
            "CHANNEL  STATE\nbrief    ok\nx        paused\n"
        );
    }
}
