//! What may stand in cleaned HTML: elements, attributes, the form of their values, addresses.

use url::Url;

/// Longer addresses are no links.
const MAX_URL: usize = 2048;

/// Elements written as they are.
pub(super) const TAGS: [&str; 53] = [
    "a",
    "abbr",
    "b",
    "bdi",
    "blockquote",
    "br",
    "caption",
    "cite",
    "code",
    "dd",
    "del",
    "div",
    "dl",
    "dt",
    "em",
    "figcaption",
    "figure",
    "h2",
    "h3",
    "h4",
    "h5",
    "h6",
    "hr",
    "i",
    "img",
    "ins",
    "kbd",
    "li",
    "mark",
    "ol",
    "p",
    "pre",
    "q",
    "rp",
    "rt",
    "ruby",
    "s",
    "samp",
    "small",
    "span",
    "strong",
    "sub",
    "sup",
    "table",
    "tbody",
    "td",
    "th",
    "thead",
    "time",
    "tr",
    "u",
    "ul",
    "var",
];

/// The attributes of each element besides `dir` and `lang`; ammonia is given the same list.
pub(super) const ATTRIBUTES: [(&str, &[&str]); 7] = [
    ("a", &["href", "title"]),
    ("abbr", &["title"]),
    ("img", &["src", "alt", "title", "width", "height"]),
    ("ol", &["start"]),
    ("td", &["colspan", "rowspan"]),
    ("th", &["colspan", "rowspan", "scope"]),
    ("time", &["datetime"]),
];

/// An absolute `http`, `https` or `mailto` address of `text` seen from `base`.
pub(super) fn resolve(text: &str, base: Option<&Url>) -> Option<Url> {
    let text = text.trim();
    if text.is_empty() || text.len() > MAX_URL {
        return None;
    }
    let url = match base {
        Some(base) => base.join(text).ok()?,
        None => Url::parse(text).ok()?,
    };
    let has_user = !url.username().is_empty() || url.password().is_some();
    let is_short = url.as_str().len() <= MAX_URL;
    let is_known = matches!(url.scheme(), "http" | "https" | "mailto");
    (is_known && is_short && !has_user).then_some(url)
}

/// Whether an attribute's value is of the form it must have.
pub(super) fn fits(tag: &str, name: &str, value: &str) -> bool {
    let value = value.trim();
    let is_number = |most: usize| {
        (1..=most).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_digit())
    };
    match name {
        "dir" => matches!(value, "ltr" | "rtl" | "auto"),
        "lang" => {
            (1..=35).contains(&value.len())
                && value
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b == b'-')
        }
        "width" | "height" => {
            is_number(4)
                || value
                    .strip_suffix('%')
                    .is_some_and(|v| v.len() < 4 && v.bytes().all(|b| b.is_ascii_digit()))
        }
        "colspan" | "rowspan" => is_number(2),
        "start" => is_number(6),
        "scope" => matches!(value, "row" | "col" | "rowgroup" | "colgroup"),
        "datetime" => value.len() <= 40 && value.is_ascii(),
        "title" => tag != "img" || value.len() <= 500,
        _ => true,
    }
}

/// The name an element is written under; `None`: its tags go and its content stays.
pub(super) fn written_as(name: &str) -> Option<&'static str> {
    let name = match name {
        // The page an article stands on has its own h1.
        "h1" => "h2",
        "strike" => "s",
        "tt" => "code",
        "acronym" => "abbr",
        "tfoot" => "tbody",
        "bdo" => "span",
        "address" | "article" | "aside" | "center" | "details" | "footer" | "header" | "main"
        | "section" | "summary" => "div",
        other => other,
    };
    TAGS.into_iter().find(|tag| *tag == name)
}

/// Writes one attribute, escaped.
pub(super) fn attribute(name: &str, value: &str, out: &mut String) {
    out.push(' ');
    out.push_str(name);
    out.push_str("=\"");
    escape(value, out);
    out.push('"');
}

/// Text as HTML: what has a meaning is escaped, what has no place in a document goes.
pub(super) fn escape(text: &str, out: &mut String) {
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() || c == '\u{feff}' => {}
            c => out.push(c),
        }
    }
}
