//! The filters Courant adds to minijinja's own.
//!
//! | filter | makes |
//! | --- | --- |
//! | `date` | an instant in words: `{{ issue.date\|date }}`, `\|date("short", lang="ur", tz="UTC")` |
//! | `number` | grouped digits: `{{ article.words\|number }}` |
//! | `plain` | one line of text from HTML |
//! | `text` | paragraphs, lists and links as text, from HTML |
//! | `first_sentences(n)` | the whole sentences within n characters |
//! | `truncate_words(n)` | the first n words, with `…` when there were more |
//! | `fit(n)` | at most n characters, cut at a word, with `…` |
//! | `wrap(n)` | lines of at most n characters for a text mail |
//! | `hashtags` | `#Topic #OtherTopic` from a list of topics |
//! | `duration` | seconds as `3 d 4 h` |
//! | `utm(id)` | an address with `utm_source`, `utm_medium`, `utm_campaign` |
//! | `safe_url` | the address if it is http, https or mailto, else nothing |

use minijinja::value::Kwargs;
use minijinja::{Environment, Error, Value};

use super::{dates, links, numbers};
use crate::{html, text};

/// Names of all filters, ours and those of minijinja worth a "did you mean".
pub(super) const NAMES: &[&str] = &[
    "date",
    "number",
    "plain",
    "text",
    "first_sentences",
    "truncate_words",
    "fit",
    "wrap",
    "hashtags",
    "duration",
    "utm",
    "safe_url",
    "default",
    "escape",
    "first",
    "format",
    "groupby",
    "indent",
    "int",
    "items",
    "join",
    "last",
    "length",
    "list",
    "lower",
    "map",
    "max",
    "min",
    "reject",
    "rejectattr",
    "replace",
    "reverse",
    "round",
    "safe",
    "select",
    "selectattr",
    "slice",
    "sort",
    "split",
    "string",
    "sum",
    "title",
    "tojson",
    "trim",
    "unique",
    "upper",
];

/// Adds every filter to the environment.
pub(super) fn add_all(env: &mut Environment<'static>) {
    env.add_filter("date", dates::date);
    env.add_filter("number", numbers::number);
    env.add_filter("wrap", wrap);
    env.add_filter("safe_url", links::safe_url);
    env.add_filter("utm", links::utm);
    env.add_filter("duration", duration);
    env.add_filter("plain", plain);
    env.add_filter("text", text_of);
    env.add_filter("first_sentences", first_sentences);
    env.add_filter("truncate_words", truncate_words);
    env.add_filter("fit", fit);
    env.add_filter("hashtags", hashtags);
    env.add_test("mail_picture", links::is_mail_picture);
}

/// Seconds in the two largest units that say something: `3 d 4 h`, `12 min 5 s`.
fn duration(seconds: u64) -> String {
    let parts = [
        (seconds / 86_400, "d"),
        (seconds / 3_600 % 24, "h"),
        (seconds / 60 % 60, "min"),
        (seconds % 60, "s"),
    ];
    let first = parts.iter().position(|(n, _)| *n > 0).unwrap_or(3);
    let shown = parts[first..].iter().take(2);
    let words = shown.map(|(n, unit)| format!("{n} {unit}"));
    words.collect::<Vec<_>>().join(" ")
}

/// One line of text from HTML: entities read, tags gone.
fn plain(markup: &Value) -> String {
    html::plain(&markup.to_string())
}

/// Text with its paragraphs, lists, headings and links, from HTML.
fn text_of(markup: &Value) -> String {
    html::to_text(&markup.to_string())
}

/// The whole sentences within `n` characters.
fn first_sentences(text: &Value, n: usize) -> String {
    html::first_sentences(&text.to_string(), n)
}

/// The first `n` words, with `…` when there were more.
fn truncate_words(text: &Value, n: usize) -> String {
    text::truncate_words(&text.to_string(), n)
}

/// At most `n` characters as readers count them, cut at a word, with `…`.
fn fit(text: &Value, n: usize) -> String {
    text::cut(&text.to_string(), n, &text::graphemes)
}

/// `#Topic #OtherTopic` from a list of topics, or from one.
fn hashtags(topics: &Value) -> Result<String, Error> {
    if let Some(topic) = topics.as_str() {
        return Ok(text::hashtags(&[topic]));
    }
    let topics: Vec<String> = topics.try_iter()?.map(|topic| topic.to_string()).collect();
    Ok(text::hashtags(&topics))
}

/// Breaks text into lines of at most `width` characters, paragraph by paragraph; a word longer
/// than that (an address) stays whole on a line of its own, because a broken link is no link.
/// `indent=` starts every line after the first.
#[allow(clippy::needless_pass_by_value)] // minijinja hands arguments over by value
fn wrap(text: &Value, width: Option<usize>, kwargs: Kwargs) -> Result<String, Error> {
    let indent = kwargs.get::<Option<String>>("indent")?.unwrap_or_default();
    kwargs.assert_all_used()?;
    let width = width.unwrap_or(72);
    let text = text.to_string();
    let mut out = String::with_capacity(text.len() + text.len() / 32);
    for (n, line) in text.lines().enumerate() {
        if n > 0 {
            out.push('\n');
        }
        let mut used = if n > 0 && !line.trim().is_empty() {
            out.push_str(&indent);
            indent.chars().count()
        } else {
            0
        };
        for (n, word) in line.split_whitespace().enumerate() {
            let length = word.chars().count();
            if n > 0 && used + 1 + length > width {
                out.push('\n');
                out.push_str(&indent);
                used = indent.chars().count();
            } else if n > 0 {
                out.push(' ');
                used += 1;
            }
            out.push_str(word);
            used += length;
        }
    }
    Ok(out)
}
