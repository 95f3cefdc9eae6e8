//! From files to a checked [`Config`]: read, join, check each table, check them together.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use toml::de::DeTable;

use super::model::Config;
use super::node::{Entries, merge, taken_over};
use super::sections::Sections;
use super::text::Text;
use super::{Problem, Problems};

/// Loads a file, or a directory's `*.toml` in name order.
///
/// `kinds` is the second stage: what only the kinds of sources and channels can check. It is
/// asked also when the first stage found problems, with defaults in the place of what is wrong.
///
/// # Errors
/// Every problem, in the order of the files' lines.
pub fn load(path: &Path, kinds: impl Fn(&Config) -> Vec<Problem>) -> Result<Config, Problems> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let is_directory = absolute.is_dir();
    let base_dir = if is_directory {
        absolute.as_path()
    } else {
        absolute.parent().unwrap_or(&absolute)
    };
    let files = if is_directory {
        toml_files(path)?
    } else {
        vec![path.to_owned()]
    };
    let mut document = Document::new(base_dir);
    for file in files {
        match std::fs::read_to_string(&file) {
            Ok(text) => document.add(&file, &text),
            Err(error) => document.problems.push(unreadable(&file, &error)),
        }
    }
    document.into_config(path, kinds)
}

/// Loads a configuration from its text, as if it were read from the file `path`.
///
/// # Errors
/// As [`load`].
pub fn from_text(
    path: &Path,
    text: &str,
    kinds: impl Fn(&Config) -> Vec<Problem>,
) -> Result<Config, Problems> {
    let absolute = std::path::absolute(path).unwrap_or_else(|_| path.to_owned());
    let mut document = Document::new(absolute.parent().unwrap_or(&absolute));
    document.add(path, text);
    document.into_config(path, kinds)
}

fn toml_files(directory: &Path) -> Result<Vec<PathBuf>, Problems> {
    let entries = std::fs::read_dir(directory)
        .map_err(|error| Problems(vec![unreadable(directory, &error)]))?;
    let mut files: Vec<PathBuf> = entries
        .filter_map(|entry| Some(entry.ok()?.path()))
        .filter(|path| path.extension().is_some_and(|e| e == "toml") && path.is_file())
        .collect();
    files.sort();
    if files.is_empty() {
        let problem = Problem::of_file(directory, "there is no *.toml file in this directory")
            .with_help("`courant init` writes a first one");
        return Err(Problems(vec![problem]));
    }
    Ok(files)
}

fn unreadable(path: &Path, error: &std::io::Error) -> Problem {
    let problem = Problem::of_file(path, format!("this file cannot be read: {error}"));
    match error.kind() {
        std::io::ErrorKind::NotFound => {
            problem.with_help("name another with `-c`, or write a first one with `courant init`")
        }
        _ => problem,
    }
}

/// The files, read and joined.
struct Document {
    text: Text,
    root: Entries,
    base_dir: Arc<Path>,
    problems: Vec<Problem>,
    /// A file is not TOML: what was understood of it is no ground for further complaints.
    is_broken: bool,
}

impl Document {
    fn new(base_dir: &Path) -> Self {
        Self {
            text: Text::default(),
            root: Entries::new(),
            base_dir: base_dir.into(),
            problems: Vec::new(),
            is_broken: false,
        }
    }

    fn add(&mut self, path: &Path, text: &str) {
        let begins = self.text.add(path, text.to_owned());
        let (table, errors) = DeTable::parse_recoverable(text);
        for error in errors {
            let place = error.span().unwrap_or_default();
            let place = place.start + begins..place.end + begins;
            let (message, help) = if error.message() == "duplicate key" {
                let key = error.span().and_then(|span| text.get(span));
                let message = format!("`{}` is there twice", key.unwrap_or_default());
                (message, Some("keep one of the two".to_owned()))
            } else {
                self.is_broken = true;
                (format!("this is not TOML: {}", error.message()), None)
            };
            self.problems.push(self.text.problem(place, message, help));
        }
        let table = taken_over(table.into_inner(), begins, &self.base_dir);
        merge(&mut self.root, table, &self.text, &mut self.problems);
    }

    fn into_config(
        self,
        path: &Path,
        kinds: impl Fn(&Config) -> Vec<Problem>,
    ) -> Result<Config, Problems> {
        // A file that is not TOML, or is not there, leaves gaps that are no news.
        let is_incomplete = self.is_broken || self.problems.iter().any(|p| p.line == 0);
        if is_incomplete {
            return Err(Problems::sorted(self.problems));
        }
        let mut problems = self.problems;
        let sections = Sections::new(self.root, self.text, &self.base_dir);
        let config = sections.config(path, &mut problems);
        problems.extend(kinds(&config));
        if problems.is_empty() {
            Ok(config)
        } else {
            Err(Problems::sorted(problems))
        }
    }
}
