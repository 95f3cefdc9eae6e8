//! Shortcodes of Hugo and Zola and tags of Liquid, which only their own programs can render.
//!
//! Pictures, films and links become HTML; around a text they go and the text stays; all
//! others go, and are named in a note. Code is left as it is.

use std::collections::BTreeSet;

use crate::html::escape_text;

/// Bytes of one shortcode at most; what is longer is text.
const LONGEST: usize = 4096;

/// A text without shortcodes.
#[derive(Debug, Default)]
pub(super) struct Expanded {
    pub(super) text: String,
    /// Names of those that could not be rendered.
    pub(super) unknown: BTreeSet<String>,
}

/// The address of another page of the folder, by its path.
pub(super) type AddressOf<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Expands what is known and takes out the rest.
pub(super) fn expand(body: &str, address_of: AddressOf<'_>) -> Expanded {
    let mut out = Expanded::default();
    if !body.contains("{{") && !body.contains("{%") {
        out.text = body.to_owned();
        return out;
    }
    let mut start = 0;
    let mut at = 0;
    let mut fence: Option<(char, usize)> = None;
    for line in body.split_inclusive('\n') {
        let mark = fence_of(line);
        match (fence, mark) {
            (None, Some(mark)) => {
                segment(&body[start..at], address_of, &mut out);
                (start, fence) = (at, Some(mark));
            }
            (Some((sign, length)), Some((other, more))) if sign == other && more >= length => {
                at += line.len();
                out.text.push_str(&unescaped(&body[start..at]));
                (start, fence) = (at, None);
                continue;
            }
            _ => {}
        }
        at += line.len();
    }
    if fence.is_some() {
        out.text.push_str(&unescaped(&body[start..]));
    } else {
        segment(&body[start..], address_of, &mut out);
    }
    out
}

/// The sign and length of a code fence (CommonMark §4.5).
fn fence_of(line: &str) -> Option<(char, usize)> {
    let line = line.trim_start_matches(' ');
    let sign = line.chars().next().filter(|c| matches!(c, '`' | '~'))?;
    let length = line.chars().take_while(|c| *c == sign).count();
    (length >= 3).then_some((sign, length))
}

/// Hugo's way of showing a shortcode: `{{</* figure */>}}`.
fn unescaped(code: &str) -> String {
    code.replace("{{</*", "{{<")
        .replace("*/>}}", ">}}")
        .replace("{{%/*", "{{%")
        .replace("*/%}}", "%}}")
}

/// A text outside code blocks.
fn segment(text: &str, address_of: AddressOf<'_>, out: &mut Expanded) {
    let mut rest = text;
    while let Some(at) = rest.find(['{', '`']) {
        let (before, from) = rest.split_at(at);
        out.text.push_str(before);
        if from.starts_with('`') {
            let code = code_span(from);
            out.text.push_str(&unescaped(&from[..code]));
            rest = &from[code..];
            continue;
        }
        let Some((inside, after, form)) = tag(from) else {
            out.text.push('{');
            rest = &from[1..];
            continue;
        };
        rest = after;
        if form == Form::Liquid && inside == "comment" {
            rest = window(after)
                .find("endcomment")
                .and_then(|end| Some(&after[end + after[end..].find("%}")? + 2..]))
                .unwrap_or(after);
            continue;
        }
        one(inside, form, address_of, out);
    }
    out.text.push_str(rest);
}

/// The length of the code span that a text begins with; of its backticks where it has no end.
fn code_span(text: &str) -> usize {
    let ticks = text.bytes().take_while(|b| *b == b'`').count();
    let close = &text[..ticks];
    let mut at = ticks;
    let seen = window(&text[ticks..]).len() + ticks;
    while let Some(found) = text[at..seen].find(close) {
        let end = at + found + ticks;
        let more = text[end..].bytes().take_while(|b| *b == b'`').count();
        if more == 0 {
            return end;
        }
        at = end + more;
        if at >= seen {
            break;
        }
    }
    ticks
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    /// `{{< … >}}` and `{{% … %}}`
    Hugo,
    /// `{{ … }}`
    Expression,
    /// `{% … %}`
    Liquid,
}

fn window(text: &str) -> &str {
    let mut end = text.len().min(LONGEST);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

/// The tag that a text begins with: what is in it, what follows, its form.
fn tag(text: &str) -> Option<(&str, &str, Form)> {
    const FORMS: [(&str, &str, Form); 4] = [
        ("{{<", ">}}", Form::Hugo),
        ("{{%", "%}}", Form::Hugo),
        ("{{", "}}", Form::Expression),
        ("{%", "%}", Form::Liquid),
    ];
    let (open, close, form) = FORMS
        .into_iter()
        .find(|(open, ..)| text.starts_with(open))?;
    let inside = &window(text)[open.len()..];
    let end = inside.find(close)?;
    let after = &text[open.len() + end + close.len()..];
    let inside = inside[..end].trim_matches(|c: char| c.is_whitespace() || c == '-');
    Some((inside, after, form))
}

/// A shortcode's name and its arguments.
#[derive(Debug, Default)]
struct Call {
    name: String,
    named: Vec<(String, String)>,
    plain: Vec<String>,
}

impl Call {
    fn arg(&self, names: &[&str]) -> Option<&str> {
        let found = |name: &&str| self.named.iter().find(|(key, _)| key == name);
        names
            .iter()
            .find_map(found)
            .map(|(_, value)| value.as_str())
    }

    fn arg_or_first(&self, names: &[&str]) -> Option<&str> {
        self.arg(names).or(self.plain.first().map(String::as_str))
    }
}

/// `figure src="a.jpg" alt='A boat'`, `youtube(id="x")`, `include figure.html src="a.jpg"`.
fn call(inside: &str, form: Form) -> Option<Call> {
    let inside = inside.trim_end_matches('/').trim();
    let end = inside.find(|c: char| c.is_whitespace() || c == '(');
    let (name, rest) = inside.split_at(end.unwrap_or(inside.len()));
    let mut call = Call {
        name: name.to_ascii_lowercase(),
        ..Call::default()
    };
    let mut rest = rest
        .trim_start()
        .trim_start_matches('(')
        .trim_end_matches(')');
    while call.named.len() + call.plain.len() < 50 {
        rest = rest.trim_start_matches(|c: char| c.is_whitespace() || c == ',');
        if rest.is_empty() {
            break;
        }
        let word = rest.find(|c: char| c.is_whitespace() || matches!(c, '=' | ','));
        let is_quoted = rest.starts_with(['"', '\'', '`']);
        if let Some(at) = word.filter(|at| !is_quoted && rest[*at..].starts_with('=')) {
            let (value, after) = value(&rest[at + 1..]);
            call.named
                .push((rest[..at].to_ascii_lowercase(), value.to_owned()));
            rest = after;
        } else {
            let (value, after) = value(rest);
            if !value.is_empty() {
                call.plain.push(value.to_owned());
            }
            rest = after;
        }
    }
    if form == Form::Liquid && matches!(call.name.as_str(), "include" | "include_relative") {
        let file = (!call.plain.is_empty()).then(|| call.plain.remove(0))?;
        let stem = file.rsplit('/').next().unwrap_or_default();
        call.name = stem
            .split('.')
            .next()
            .unwrap_or_default()
            .to_ascii_lowercase();
    }
    Some(call)
}

/// A value, in quotes or up to white space, and what follows it.
fn value(text: &str) -> (&str, &str) {
    let quote = text
        .chars()
        .next()
        .filter(|c| matches!(c, '"' | '\'' | '`'));
    match quote {
        Some(quote) => {
            let inner = &text[1..];
            let end = inner.find(quote).unwrap_or(inner.len());
            (&inner[..end], inner.get(end + 1..).unwrap_or_default())
        }
        None => {
            let end = text.find(|c: char| c.is_whitespace() || c == ',');
            text.split_at(end.unwrap_or(text.len()))
        }
    }
}

/// Writes what one tag becomes.
fn one(inside: &str, form: Form, address_of: AddressOf<'_>, out: &mut Expanded) {
    if inside.starts_with("/*") {
        // Hugo's way of showing one.
        let shown = inside.trim_start_matches("/*").trim_end_matches("*/");
        out.text
            .push_str(&escape_text(&format!("{{{{<{shown}>}}}}")));
        return;
    }
    if inside.starts_with('/') || inside.starts_with("end") {
        if inside.ends_with("highlight") {
            out.text.push_str("\n```\n");
        }
        return;
    }
    if form == Form::Expression && !inside.contains('(') {
        expression(inside, out);
        return;
    }
    let Some(call) = call(inside, form) else {
        return;
    };
    let made = rendered(&call, address_of);
    match made {
        Some(made) => out.text.push_str(&made),
        None if out.unknown.len() < 20 => {
            let name = call.name.chars().take(40).collect::<String>();
            out.unknown.insert(name);
        }
        None => {}
    }
}

/// What a shortcode becomes, if it is a known one.
fn rendered(call: &Call, address_of: AddressOf<'_>) -> Option<String> {
    let link = |target: &str| Some(linked(target));
    match call.name.as_str() {
        "figure" | "image" | "img" | "picture" => figure(call),
        "youtube" | "youtubeplayer" => id(call.arg_or_first(&["id"]))
            .and_then(|id| link(&format!("https://www.youtube.com/watch?v={id}"))),
        "vimeo" | "vimeoplayer" => {
            id(call.arg_or_first(&["id"])).and_then(|id| link(&format!("https://vimeo.com/{id}")))
        }
        "tweet" | "twitter" | "x" => {
            let user = id(call.arg(&["user"])).unwrap_or("i");
            let number = call.arg(&["id"]).or(call.plain.last().map(String::as_str));
            id(number).and_then(|n| link(&format!("https://x.com/{user}/status/{n}")))
        }
        "instagram" => id(call.arg_or_first(&["id"]))
            .and_then(|id| link(&format!("https://www.instagram.com/p/{id}/"))),
        "gist" => match call.plain.as_slice() {
            [user, gist, ..] => id(Some(user))
                .zip(id(Some(gist)))
                .and_then(|(user, gist)| link(&format!("https://gist.github.com/{user}/{gist}"))),
            _ => None,
        },
        "ref" | "relref" | "link" | "post_url" | "get_url" => {
            call.arg_or_first(&["path"]).map(|path| {
                let path = path.trim_start_matches("@/").trim_start_matches('/');
                address_of(path).unwrap_or_default()
            })
        }
        "highlight" => {
            let language = id(call.plain.first().map(String::as_str)).unwrap_or_default();
            Some(format!("\n```{language}\n"))
        }
        "raw" | "assign" | "capture" | "if" | "else" | "elsif" | "unless" | "for" => {
            Some(String::new())
        }
        _ => None,
    }
}

/// Liquid's `{{ "/boat.jpg" | relative_url }}` is its text; variables are the site's own.
fn expression(inside: &str, out: &mut Expanded) {
    if inside.starts_with(['"', '\'']) {
        out.text.push_str(value(inside).0);
    }
}

fn figure(call: &Call) -> Option<String> {
    let src = call.arg_or_first(&["src", "path", "url", "image_path", "link"])?;
    let alt = call.arg(&["alt", "title", "caption"]).unwrap_or_default();
    let caption = call.arg(&["caption", "title"]).unwrap_or_default();
    let image = format!(
        "<img src=\"{}\" alt=\"{}\">",
        escape_text(src),
        escape_text(alt)
    );
    let caption = match caption {
        "" => String::new(),
        caption => format!("<figcaption>{}</figcaption>", escape_text(caption)),
    };
    Some(format!("\n\n<figure>{image}{caption}</figure>\n\n"))
}

fn linked(address: &str) -> String {
    let address = escape_text(address);
    format!("\n\n<p><a href=\"{address}\">{address}</a></p>\n\n")
}

/// What can be a number or a name in somebody's address.
fn id(text: Option<&str>) -> Option<&str> {
    let is_id = |text: &&str| {
        (1..=100).contains(&text.len())
            && text
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_'))
    };
    text.filter(is_id)
}

#[cfg(test)]
mod tests;
