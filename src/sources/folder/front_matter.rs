//! Front matter: the fields above a page's text, as YAML (`---`), TOML (`+++`) or JSON (`{`).
//!
//! It comes from people's files, but a file may come from anywhere: at most 64 KiB are read,
//! aliases and nesting are on a budget, and a mistake is told with its line.

use serde_json::{Map, Value};

/// Bytes of front matter at most.
const MOST_BYTES: usize = 64 * 1024;

/// A page's fields and its text.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Page<'a> {
    /// The fields, their names in lower case; a name that stands twice in two cases has the
    /// value of the first.
    pub fields: Map<String, Value>,
    /// The front matter as written, for telling where a field stands.
    pub written: &'a str,
    /// What follows.
    pub body: &'a str,
    /// The number of the body's first line, from 1.
    pub body_line: usize,
}

/// What is wrong with a front matter, and in which line of the file (from 1).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{line}: {message}")]
pub struct FrontMatterError {
    /// The line.
    pub line: usize,
    /// What is wrong, and what to do.
    pub message: String,
}

/// Reads a page's front matter. A text without any is all body.
///
/// # Errors
/// Front matter that does not end, is too long, or cannot be read.
pub fn read(text: &str) -> Result<Page<'_>, FrontMatterError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let first = text.split('\n').next().unwrap_or_default().trim_end();
    match first {
        "---" => fenced(text, &["---", "..."], yaml),
        "+++" => fenced(text, &["+++"], toml),
        _ if first.starts_with('{') && !is_template(first) => json(text),
        _ => Ok(Page {
            body: text,
            body_line: 1,
            ..Page::default()
        }),
    }
}

/// A text may begin with a shortcode, which is no JSON.
fn is_template(line: &str) -> bool {
    ["{{", "{%", "{#"].iter().any(|t| line.starts_with(t))
}

impl Page<'_> {
    /// The line of the file that a field stands in.
    #[must_use]
    pub fn line_of(&self, field: &str) -> usize {
        let is_field = |line: &str| {
            let line = line.trim_start_matches(|c: char| c.is_whitespace() || c == '"');
            line.get(..field.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(field))
                && line[field.len()..]
                    .trim_start_matches('"')
                    .trim_start()
                    .starts_with([':', '='])
        };
        let place = self.written.lines().position(is_field);
        place.map_or(1, |at| at + 1)
    }
}

type Reader = fn(&str) -> Result<Value, FrontMatterError>;

/// Front matter between two lines that look alike.
fn fenced<'a>(text: &'a str, ends: &[&str], reader: Reader) -> Result<Page<'a>, FrontMatterError> {
    let start = text.find('\n').map_or(text.len(), |at| at + 1);
    let mut at = start;
    for (number, line) in text[start..].split_inclusive('\n').enumerate() {
        if at > MOST_BYTES {
            return Err(too_long());
        }
        if ends.contains(&line.trim_end()) {
            let fields = reader(&text[start..at]).map_err(|e| FrontMatterError {
                line: e.line + 1,
                ..e
            })?;
            return Ok(Page {
                fields: lower(fields)?,
                written: &text[..at],
                body: &text[at + line.len()..],
                body_line: number + 3,
            });
        }
        at += line.len();
    }
    if text.len() > MOST_BYTES {
        return Err(too_long());
    }
    let fence = ends[0];
    Err(FrontMatterError {
        line: 1,
        message: format!(
            "the front matter begins with `{fence}` and does not end; it is being written, or \
             lacks a second line `{fence}`"
        ),
    })
}

fn too_long() -> FrontMatterError {
    FrontMatterError {
        line: 1,
        message: "the front matter does not end within 64 KiB; is its closing line missing?"
            .to_owned(),
    }
}

/// One JSON object at the beginning of the file.
fn json(text: &str) -> Result<Page<'_>, FrontMatterError> {
    let mut window = text.len().min(MOST_BYTES);
    while !text.is_char_boundary(window) {
        window -= 1;
    }
    let mut values = serde_json::Deserializer::from_str(&text[..window]).into_iter::<Value>();
    let value = match values.next() {
        Some(Ok(value)) => value,
        Some(Err(error)) if error.is_eof() && window < text.len() => return Err(too_long()),
        Some(Err(error)) => {
            return Err(FrontMatterError {
                line: error.line().max(1),
                message: format!("the front matter is no JSON: {error}"),
            });
        }
        None => return Ok(Page::default()),
    };
    let end = values.byte_offset();
    let body = &text[end..];
    let gap = body.len() - body.trim_start_matches(['\r', '\n']).len();
    Ok(Page {
        fields: lower(value)?,
        written: &text[..end],
        body: &body[gap..],
        body_line: text[..end + gap].matches('\n').count() + 1,
    })
}

fn yaml(text: &str) -> Result<Value, FrontMatterError> {
    let options = serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 16,
            max_events: 20_000,
            max_nodes: 10_000,
            max_aliases: 100,
            max_anchors: 100,
            max_recorded_anchor_events: 10_000,
            max_recorded_anchor_bytes: 256 * 1024,
            max_total_scalar_bytes: 256 * 1024,
            max_documents: 1,
        },
        with_snippet: false,
        // A tag `no` is Norway's, and `007` is no 7.
        strict_booleans: true,
        leading_zero_numbers_as_strings: true,
        underscored_numbers_as_strings: true,
    };
    if text.trim().is_empty() {
        return Ok(Value::Object(Map::new()));
    }
    serde_saphyr::from_str_with_options(text, options).map_err(|error| {
        // A lone `\r` ends a line of YAML, and none of the file.
        let at = error.location().map_or(0, |place| place.span().offset());
        let at = usize::try_from(at).unwrap_or(usize::MAX);
        FrontMatterError {
            line: text.chars().take(at).filter(|c| *c == '\n').count() + 1,
            message: format!(
                "the front matter is no YAML: {}",
                one_line(without_line(&error.to_string()))
            ),
        }
    })
}

fn toml(text: &str) -> Result<Value, FrontMatterError> {
    let table: toml::Table = toml::from_str(text).map_err(|error| {
        let at = error.span().map_or(0, |span| span.start.min(text.len()));
        FrontMatterError {
            line: text.as_bytes()[..at]
                .iter()
                .filter(|b| **b == b'\n')
                .count()
                + 1,
            message: format!("the front matter is no TOML: {}", one_line(error.message())),
        }
    })?;
    Ok(of_toml(toml::Value::Table(table)))
}

/// TOML's values as JSON's; dates become text. Its parser has bounded the depth.
fn of_toml(value: toml::Value) -> Value {
    match value {
        toml::Value::String(text) => Value::String(text),
        toml::Value::Integer(number) => number.into(),
        toml::Value::Float(number) => number.into(),
        toml::Value::Boolean(is) => is.into(),
        toml::Value::Datetime(at) => Value::String(at.to_string()),
        toml::Value::Array(items) => items.into_iter().map(of_toml).collect(),
        toml::Value::Table(table) => {
            let fields = table.into_iter().map(|(key, value)| (key, of_toml(value)));
            Value::Object(fields.collect())
        }
    }
}

/// YAML's own `at line 5, column 4` counts from the line after the first.
fn without_line(message: &str) -> &str {
    let is_place = |place: &str| {
        let mut words = place.split(", column ");
        words.all(|number| number.bytes().all(|b| b.is_ascii_digit()))
    };
    match message.rsplit_once(" at line ") {
        Some((what, place)) if is_place(place) => what,
        _ => message,
    }
}

fn one_line(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    words.join(" ").chars().take(200).collect()
}

/// The fields with their names in lower case, as Hugo reads them.
fn lower(value: Value) -> Result<Map<String, Value>, FrontMatterError> {
    match value {
        Value::Object(fields) => {
            let mut lower = Map::new();
            for (name, value) in fields {
                lower.entry(name.to_lowercase()).or_insert(value);
            }
            Ok(lower)
        }
        // Only comments between the lines.
        Value::Null => Ok(Map::new()),
        _ => Err(FrontMatterError {
            line: 1,
            message: "the front matter has no fields; write them as `title: …`".to_owned(),
        }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_forms_say_the_same() {
        let yaml = "---\ntitle: \"A: b\"\nDate: 2026-11-23\ntags: [x, y]\n---\nText\n";
        let toml = "+++\r\ntitle = \"A: b\"\r\ndate = 2026-11-23\r\ntags = [\"x\", \"y\"]\r\n+++\r\nText\n";
        let json =
            "{\"title\": \"A: b\",\n\"date\": \"2026-11-23\", \"tags\": [\"x\", \"y\"]}\n\nText\n";
        let wanted = read(yaml).unwrap();
        for text in [yaml, toml, json, &format!("\u{feff}{yaml}")] {
            let page = read(text).unwrap_or_else(|e| panic!("{e}: {text}"));
            assert_eq!(page.fields, wanted.fields, "{text}");
            assert_eq!(page.body, "Text\n", "{text}");
        }
        assert_eq!(wanted.line_of("date"), 3);
        assert_eq!(wanted.body_line, 6);
    }

    #[test]
    fn a_text_without_front_matter_is_all_body() {
        for text in ["# Title\n", "", "{{< figure >}}\n", "--- not\n", "----\nx"] {
            let page = read(text).unwrap();
            assert!(page.fields.is_empty() && page.body == text, "{text}");
        }
    }

    #[test]
    fn mistakes_are_told_with_their_line() {
        for (text, line, words) in [
            ("---\ntitle: x\n", 1, "does not end"),
            ("+++\ntitle = \"x\"\n---\n", 1, "does not end"),
            ("---\na: 1\nb: [1\n---\n", 0, "no YAML"),
            ("---\na: 1\na: 2\n---\n", 0, "no YAML"),
            ("+++\na = 1\nb = \n+++\n", 3, "no TOML"),
            ("{\"a\": 1,\n\"b\": }\n", 2, "no JSON"),
            ("---\n- a\n---\n", 1, "has no fields"),
        ] {
            let error = read(text).unwrap_err();
            assert!(error.message.contains(words), "{text}: {error}");
            assert!(line == 0 || error.line == line, "{text}: {error}");
            assert!(error.line <= 4, "{text}: {error}");
        }
        let error = read("---\ntitle: x\nb: [1\n---\n").unwrap_err();
        assert!(!error.message.contains("line"), "{error}");
        // A lone `\r` ends a line of YAML, and none of the file.
        let error = read("---\na: 1\rb: 2\r\r\r\nc: [\n---\n").unwrap_err();
        assert!(error.line <= 4, "{error}");
        let long = format!("---\n{}\n---\n", "a: 1 # x\n".repeat(10_000));
        assert!(read(&long).unwrap_err().message.contains("64 KiB"));
        let long = format!("{{\"a\": \"{}\"}}", "x".repeat(70_000));
        assert!(read(&long).unwrap_err().message.contains("64 KiB"));
    }

    #[test]
    fn aliases_and_nesting_are_on_a_budget() {
        let mut bomb = "---\na: &a [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for (name, of) in ["b", "c", "d", "e", "f"]
            .iter()
            .zip(["a", "b", "c", "d", "e"])
        {
            bomb += &format!(
                "{name}: &{name} [{}]\n",
                vec![format!("*{of}"); 10].join(", ")
            );
        }
        bomb += "---\n";
        assert!(read(&bomb).is_err());
        for (open, close) in [("[", "]"), ("{a: ", "}")] {
            let deep = format!("---\na: {}{}\n---\n", open.repeat(2000), close.repeat(2000));
            assert!(read(&deep).is_err());
        }
        let deep = format!("+++\na = {}{}\n+++\n", "[".repeat(5000), "]".repeat(5000));
        assert!(read(&deep).is_err());
        let deep = format!("{{\"a\": {}{}}}", "[".repeat(5000), "]".repeat(5000));
        assert!(read(&deep).is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_text_breaks_the_reader(text in "(---|\\+\\+\\+|\\{)?\\PC{0,40}\n(\\PC{0,30}\n){0,6}(---|\\+\\+\\+|\\})?\n?\\PC{0,20}") {
            if let Ok(page) = read(&text) {
                proptest::prop_assert!(text.ends_with(page.body));
            }
        }
    }
}
