//! What is wrong with a configuration, where, and what to do: for people.

use std::fmt;
use std::path::PathBuf;

/// One thing to mend in the configuration.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, serde::Serialize)]
pub struct Problem {
    /// The file it stands in.
    pub file: PathBuf,
    /// Its line, from 1; 0 when it concerns the file as a whole.
    pub line: usize,
    /// Its column in characters, from 1.
    pub column: usize,
    /// What is wrong, in a sentence without its full stop.
    pub message: String,
    /// What to do about it.
    pub help: Option<String>,
    /// The line as it is written, empty when it concerns the file as a whole.
    #[serde(skip)]
    pub excerpt: String,
    /// How many characters of the line it concerns.
    #[serde(skip)]
    pub width: usize,
}

impl Problem {
    /// A problem of a file as a whole: unreadable, missing, empty.
    pub fn of_file(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            line: 0,
            column: 0,
            message: message.into(),
            help: None,
            excerpt: String::new(),
            width: 0,
        }
    }

    /// The same problem with what to do about it.
    #[must_use]
    pub fn with_help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// `courant.toml:3:7: message`, the line with a caret under the place, and `help: …`.
impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let file = self.file.display();
        if self.line == 0 {
            write!(f, "{file}: {}", self.message)?;
        } else {
            let Self { line, column, .. } = self;
            let gutter = " ".repeat(line.to_string().len());
            // Tabs stay tabs, so that the caret stands under its place.
            let indent: String = self
                .excerpt
                .chars()
                .take(column - 1)
                .map(|c| if c == '\t' { '\t' } else { ' ' })
                .collect();
            let carets = "^".repeat(self.width.max(1));
            writeln!(f, "{file}:{line}:{column}: {}", self.message)?;
            writeln!(f, " {gutter} |")?;
            writeln!(f, " {line} | {}", self.excerpt)?;
            write!(f, " {gutter} | {indent}{carets}")?;
        }
        match &self.help {
            Some(help) => write!(f, "\n  help: {help}"),
            None => Ok(()),
        }
    }
}

/// Everything that is wrong with a configuration, in the order of its files and lines.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, serde::Serialize)]
#[serde(transparent)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// The problems in the order of the files' lines, each once.
    #[must_use]
    pub fn sorted(mut problems: Vec<Problem>) -> Self {
        problems.sort();
        problems.dedup();
        Self(problems)
    }
}

impl fmt::Display for Problems {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for problem in &self.0 {
            writeln!(f, "{problem}\n")?;
        }
        match self.0.len() {
            1 => write!(f, "the configuration has one problem"),
            n => write!(f, "the configuration has {n} problems"),
        }
    }
}

/// The known word nearest to a mistyped one, if one is near.
#[must_use]
pub fn nearest<'a>(word: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let wanted = word.to_lowercase().replace('-', "_");
    known
        .into_iter()
        .map(|candidate| {
            let likeness = strsim::jaro_winkler(&wanted, &candidate.replace('-', "_"));
            (likeness, candidate)
        })
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, candidate)| candidate)
}

/// `` `a`, `b` or `c` ``, for "one of …".
#[must_use]
pub fn alternatives<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}
