//! What went wrong in a template, told to the person who edits it.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::{Path, PathBuf};

use minijinja::{Environment, ErrorKind, Value};

/// A template that cannot be read, compiled or rendered.
///
/// Displayed as what, where, the line with the place under it, and what to do:
///
/// ```text
/// templates/email/digest.html:3:14: `isue.title` is not there
///   3 | <h1>{{ isue.title }}</h1>
///     |        ^^^^^^^^^^
///   help: did you mean `issue`?
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TemplateError {
    // Boxed: it travels in `Result`s whose good side is small.
    report: Box<Report>,
}

#[derive(Debug, Clone, Default, PartialEq, Eq)]
struct Report {
    template: String,
    file: Option<PathBuf>,
    /// Line and column from 1, the column in characters; 0 where unknown.
    line: usize,
    column: usize,
    message: String,
    excerpt: Option<Excerpt>,
    help: Option<String>,
    /// The templates that led here, innermost first, as `name:line`.
    via: Vec<String>,
}

/// A source line and the part of it that is meant, in characters.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Excerpt {
    text: String,
    start: usize,
    length: usize,
}

impl TemplateError {
    /// The template's name.
    #[must_use]
    pub fn template(&self) -> &str {
        &self.report.template
    }

    /// The operator's file it came from; `None` for a built-in or a line of the configuration.
    #[must_use]
    pub fn file_path(&self) -> Option<&Path> {
        self.report.file.as_deref()
    }

    /// Line in the template, from 1; 0 where there is none.
    #[must_use]
    pub fn line(&self) -> usize {
        self.report.line
    }

    /// Column in characters, from 1; 0 where unknown.
    #[must_use]
    pub fn column(&self) -> usize {
        self.report.column
    }

    /// What is wrong, in one sentence.
    #[must_use]
    pub fn message(&self) -> &str {
        &self.report.message
    }

    /// What to do about it.
    #[must_use]
    pub fn help(&self) -> Option<&str> {
        self.report.help.as_deref()
    }

    /// Something about a file or directory as a whole.
    pub(super) fn file(path: &Path, message: &str, help: &str) -> Self {
        Self::from(Report {
            template: path.display().to_string(),
            file: Some(path.to_owned()),
            message: message.to_owned(),
            help: Some(help.to_owned()),
            ..Report::default()
        })
    }

    /// Something at a byte range of a file's text.
    pub(super) fn at(
        path: &Path,
        text: &str,
        range: std::ops::Range<usize>,
        message: &str,
        help: &str,
    ) -> Self {
        let mut report = Report {
            template: path.display().to_string(),
            file: Some(path.to_owned()),
            message: message.to_owned(),
            help: Some(help.to_owned()),
            ..Report::default()
        };
        report.point(text, range);
        Self::from(report)
    }

    /// An error of compiling, before there is anything to render with.
    pub(super) fn compile(e: &minijinja::Error, name: &str, file: Option<&Path>) -> Self {
        let files = file.map(|f| (name.to_owned(), f.to_owned()));
        let files: BTreeMap<_, _> = files.into_iter().collect();
        Self::explain(e, name, &files, &Environment::empty(), &Value::UNDEFINED)
    }

    /// Makes a report of minijinja's error; `called` is what the caller asked to render.
    pub(super) fn explain(
        e: &minijinja::Error,
        called: &str,
        files: &BTreeMap<String, PathBuf>,
        env: &Environment<'_>,
        context: &Value,
    ) -> Self {
        let (cause, via) = innermost(e);
        let template = cause.name().map_or(called, shown_name).to_owned();
        let report = Report {
            file: files.get(&template).cloned(),
            template,
            line: cause.line().unwrap_or(0),
            via,
            ..Report::default()
        };
        let source = cause.template_source().unwrap_or_default();
        report.finish(cause, source, env, context)
    }

    /// Makes a report of an error in an expression, which has no template around it.
    pub(super) fn expression(
        e: &minijinja::Error,
        called: &str,
        source: &str,
        context: &Value,
    ) -> Self {
        let report = Report {
            template: called.to_owned(),
            line: 1,
            ..Report::default()
        };
        report.finish(e, source, &Environment::empty(), context)
    }
}

impl From<Report> for TemplateError {
    fn from(report: Report) -> Self {
        Self {
            report: Box::new(report),
        }
    }
}

impl Report {
    /// Adds the place in the source and the words.
    fn finish(
        mut self,
        cause: &minijinja::Error,
        source: &str,
        env: &Environment<'_>,
        context: &Value,
    ) -> TemplateError {
        match cause.range() {
            Some(range) => self.point(source, range),
            None => self.point_line(source),
        }
        let meant = self.excerpt.as_ref().map_or("", Excerpt::meant);
        (self.message, self.help) = words_for(cause, meant, env, context);
        TemplateError::from(self)
    }

    /// Sets line, column and excerpt from a byte range of the source.
    fn point(&mut self, source: &str, range: std::ops::Range<usize>) {
        let Some(before) = source.get(..range.start) else {
            return self.point_line(source);
        };
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        let text = source[line_start..].lines().next().unwrap_or_default();
        let start = source[line_start..range.start].chars().count();
        let meant = source.get(range.clone()).unwrap_or_default();
        let meant = meant.lines().next().unwrap_or_default();
        self.line = before.matches('\n').count() + 1;
        self.column = start + 1;
        self.excerpt = Some(Excerpt {
            text: text.to_owned(),
            start,
            length: meant.chars().count().max(1),
        });
    }

    /// Sets an excerpt of the whole line where only the line is known.
    fn point_line(&mut self, source: &str) {
        let Some(text) = self.line.checked_sub(1).and_then(|n| source.lines().nth(n)) else {
            return;
        };
        let start = text.chars().take_while(|c| c.is_whitespace()).count();
        self.excerpt = Some(Excerpt {
            text: text.to_owned(),
            start,
            length: text.trim().chars().count().max(1),
        });
    }
}

impl Excerpt {
    /// The part of the line that is meant.
    fn meant(&self) -> &str {
        let byte = |n: usize| {
            let at = self.text.char_indices().nth(n);
            at.map_or(self.text.len(), |(at, _)| at)
        };
        &self.text[byte(self.start)..byte(self.start + self.length)]
    }
}

/// A template's name without the mark that carries its format.
fn shown_name(name: &str) -> &str {
    name.split('\u{1}').next().unwrap_or(name)
}

/// The error that started it, and the places it passed through on its way out.
fn innermost(e: &minijinja::Error) -> (&minijinja::Error, Vec<String>) {
    let mut cause = e;
    let mut via = Vec::new();
    while let Some(inner) = std::error::Error::source(cause)
        .and_then(|source| source.downcast_ref::<minijinja::Error>())
    {
        if let Some(name) = cause.name() {
            via.push(format!(
                "{}:{}",
                shown_name(name),
                cause.line().unwrap_or(0)
            ));
        }
        cause = inner;
    }
    via.reverse();
    (cause, via)
}

/// The sentence and the advice for each kind of error.
fn words_for(
    e: &minijinja::Error,
    meant: &str,
    env: &Environment<'_>,
    context: &Value,
) -> (String, Option<String>) {
    let detail = e.detail().unwrap_or_default();
    match e.kind() {
        ErrorKind::UndefinedError => undefined(meant, detail, context),
        ErrorKind::TemplateNotFound => {
            let name = quoted(detail).unwrap_or(detail);
            let help = near(name, env.templates().map(|(name, _)| name)).unwrap_or_else(|| {
                "templates are named by their path below the templates directory, \
                 such as `email/digest.html`"
                    .to_owned()
            });
            (format!("there is no template `{name}`"), Some(help))
        }
        ErrorKind::UnknownFilter => {
            let name = detail.split_whitespace().nth(1).unwrap_or(detail);
            let help = near(name, super::filters::NAMES.iter().copied());
            (format!("there is no filter `{name}`"), help)
        }
        ErrorKind::OutOfFuel => (
            "the template does more work than one page may take".to_owned(),
            Some("look for a loop within a loop, or text that is multiplied".to_owned()),
        ),
        ErrorKind::WriteFailure => (
            format!(
                "the text grows beyond {} MiB",
                super::OUTPUT_LIMIT / (1 << 20)
            ),
            Some("look for a loop within a loop, or full articles where summaries do".to_owned()),
        ),
        _ if detail.contains("recursion limit") => (
            "templates include or extend each other without end".to_owned(),
            Some("to build on a built-in, extend it as `builtin/email/digest.html`".to_owned()),
        ),
        // Our own filters say all there is to say.
        ErrorKind::InvalidOperation if !detail.is_empty() => (detail.to_owned(), None),
        kind if detail.is_empty() => (kind.to_string(), None),
        kind => (format!("{kind}: {detail}"), None),
    }
}

fn undefined(meant: &str, detail: &str, context: &Value) -> (String, Option<String>) {
    let is_path = |text: &str| {
        !text.is_empty()
            && text
                .chars()
                .all(|c| c.is_alphanumeric() || "_.[]'\"".contains(c))
    };
    // minijinja names the value where it can; its span is the whole expression.
    let named = detail.split('`').nth(1).filter(|text| is_path(text));
    let path = named.or_else(|| Some(meant).filter(|text| is_path(text)));
    let Some(path) = path else {
        let what = if detail.is_empty() { meant } else { detail };
        return (format!("a value is not there: {what}"), None);
    };
    let known = known_names(context);
    let wrong = path
        .split(['.', '['])
        .map(|segment| segment.trim_matches([']', '\'', '"']))
        .find(|segment| !known.contains(*segment) && segment.parse::<u32>().is_err())
        .unwrap_or(path);
    let help = near(wrong, known.iter().map(String::as_str)).unwrap_or_else(|| {
        format!("if it may be missing, write `{{% if {path} is defined %}}` around it")
    });
    (format!("`{path}` is not there"), Some(help))
}

/// Every name in the context and in what it holds, three levels down.
fn known_names(context: &Value) -> BTreeSet<String> {
    fn walk(value: &Value, depth: usize, names: &mut BTreeSet<String>) {
        let Ok(items) = value.try_iter() else { return };
        if value.kind() == minijinja::value::ValueKind::Map {
            for key in items {
                names.extend(key.as_str().map(str::to_owned));
                if let (true, Ok(inner)) = (depth > 0, value.get_item(&key)) {
                    walk(&inner, depth - 1, names);
                }
            }
        } else if let (true, Some(first)) = (depth > 0, { items }.next()) {
            walk(&first, depth - 1, names);
        }
    }
    let mut names = BTreeSet::new();
    walk(context, 4, &mut names);
    names
}

/// The part of a message between its first quotes.
fn quoted(text: &str) -> Option<&str> {
    text.split(['"', '\'']).nth(1)
}

/// "did you mean", when a known name is close to `word`.
fn near<'a>(word: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    known
        .map(|name| (strsim::jaro_winkler(word, name), name))
        .filter(|(score, name)| *score > 0.8 && *name != word)
        .max_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, name)| format!("did you mean `{name}`?"))
}

impl fmt::Display for TemplateError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let report = &*self.report;
        match &report.file {
            Some(path) => write!(f, "{}", path.display())?,
            None => f.write_str(&report.template)?,
        }
        if report.line > 0 {
            write!(f, ":{}", report.line)?;
        }
        if report.column > 0 {
            write!(f, ":{}", report.column)?;
        }
        write!(f, ": {}", report.message)?;
        if let Some(excerpt) = &report.excerpt {
            let number = report.line.to_string();
            let gap = " ".repeat(number.len());
            // A tab before the place must be as wide in the line below it.
            let indent: String = excerpt.text.chars().take(excerpt.start).collect();
            let indent = indent.replace(|c: char| c != '\t', " ");
            let caret = "^".repeat(excerpt.length);
            write!(
                f,
                "\n  {number} | {}\n  {gap} | {indent}{caret}",
                excerpt.text
            )?;
        }
        for place in &report.via {
            write!(f, "\n  reached from {place}")?;
        }
        if let Some(help) = &report.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for TemplateError {}
