//! Atom's types of text, from everything that people write for them.

use std::borrow::Cow;

use super::super::names::Ns;
use super::super::references::{self, Level};
use super::super::tally::{Repair, short};
use super::super::vocabulary::Role;
use super::{Kind, Leaf, Mender};

/// How a text construct is to be read.
#[derive(Debug, Clone, PartialEq, Eq)]
enum TextType {
    Text,
    Html,
    Xhtml,
    /// Something else than text, by its media type.
    Media(String),
}

/// What a `type` with the `mode` of Atom 0.3 means.
fn text_type(said: &str, mode: &str) -> TextType {
    let said = said
        .split(';')
        .next()
        .unwrap_or("")
        .trim()
        .to_ascii_lowercase();
    let (is_xml, is_escaped) = (mode == "xml", mode == "escaped");
    match said.as_str() {
        "" | "text" | "plain" | "text/plain" => TextType::Text,
        "html" | "text/html" if is_xml => TextType::Xhtml,
        "html" | "text/html" => TextType::Html,
        "xhtml" | "application/xhtml+xml" | "application/xhtml" | "text/xhtml" if is_escaped => {
            TextType::Html
        }
        "xhtml" | "application/xhtml+xml" | "application/xhtml" | "text/xhtml" => TextType::Xhtml,
        said if said.ends_with("+xml") || said.ends_with("/xml") => TextType::Xhtml,
        said if said.starts_with("text/") || mode == "base64" => TextType::Text,
        said if is_media_type(said) => TextType::Media(said.to_owned()),
        _ => TextType::Text,
    }
}

fn is_media_type(text: &str) -> bool {
    let is_token = |t: &str| {
        t.starts_with(|c: char| c.is_ascii_alphanumeric())
            && t.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b"!#$&-^_.+".contains(&b))
    };
    text.len() <= 100
        && text
            .split_once('/')
            .is_some_and(|(a, b)| is_token(a) && is_token(b))
}

impl<'a> Mender<'a> {
    /// Opens a text construct of Atom.
    pub(super) fn open_typed(&mut self, raw: &'a str, name: &'static str, role: Role, mark: usize) {
        let said = self.value("type");
        let mode = self
            .value("mode")
            .unwrap_or_default()
            .trim()
            .to_ascii_lowercase();
        let is_content = role == Role::Content;
        if is_content && self.has("src") {
            self.open_linked(raw, said.as_deref(), mark);
            return;
        }
        let is_known = matches!(said.as_deref(), None | Some("text" | "html" | "xhtml"));
        let mut text_type = text_type(said.as_deref().unwrap_or(""), &mode);
        if !is_known && mode.is_empty() && !(is_content && matches!(text_type, TextType::Media(_)))
        {
            self.tally
                .tell(Repair::TextType(short(said.as_deref().unwrap_or(""))));
        }
        if !is_content && matches!(text_type, TextType::Media(_)) {
            text_type = TextType::Text;
        }
        let start = self.out.len();
        self.out.push('<');
        self.out.push_str(name);
        self.own_attributes(Ns::Main, role);
        self.out.push_str(" type=\"");
        let type_at = (text_type == TextType::Text).then_some(self.out.len());
        let written: Cow<'_, str> = match &text_type {
            TextType::Text => "text".into(),
            TextType::Html | TextType::Xhtml => "html".into(),
            TextType::Media(media) => media.as_str().into(),
        };
        self.out.push_str(&written);
        self.out.push_str("\">");
        self.push(raw, Kind::Leaf(role), name, start, mark);
        self.leaf = Some(Leaf {
            at: self.stack.len() - 1,
            keeps_markup: true,
            is_xhtml: text_type == TextType::Xhtml,
            is_worked_on: type_at.is_some() || mode == "base64",
            type_at,
            is_base64: mode == "base64",
            needs_text: matches!(text_type, TextType::Media(_)),
            has_markup: false,
        });
        if text_type == TextType::Xhtml {
            self.set_level(Level::Markup);
        }
    }

    /// Content that is elsewhere: there must be nothing in it, and its type a media type.
    fn open_linked(&mut self, raw: &'a str, said: Option<&str>, mark: usize) {
        let start = self.out.len();
        self.out.push_str("<content");
        self.own_attributes(Ns::Main, Role::Content);
        let said = said.map(|s| s.trim().to_ascii_lowercase());
        let media = match said.as_deref() {
            Some("html") => Some("text/html"),
            Some("text") => Some("text/plain"),
            Some("xhtml") => Some("application/xhtml+xml"),
            Some(said) if is_media_type(said) => Some(said),
            _ => None,
        };
        if let Some(media) = media {
            self.write_attribute("type", media);
        }
        self.out.push_str("></content>");
        self.push(raw, Kind::Skip, "content", start, mark);
    }

    pub(super) fn set_level(&mut self, level: Level) {
        if let Some(frame) = self.stack.last_mut() {
            frame.level = level;
        }
    }

    /// A text that has markup after all is HTML, and what stood before the markup is text in it.
    pub(super) fn turn_to_html(&mut self, type_at: usize, inner: usize) {
        self.out
            .replace_range(type_at..type_at + "text".len(), "html");
        let before = self.out.split_off(inner);
        let text = references::unwritten(&before);
        references::literal(&mut self.out, &text, Level::Markup, &mut self.tally);
    }

    /// Base64 as the text it stands for; nothing where it is none.
    pub(super) fn decode_base64(&mut self, inner: usize) {
        let written = self.out.split_off(inner);
        let packed: Vec<u8> = references::unwritten(&written)
            .bytes()
            .filter(|b| !b.is_ascii_whitespace())
            .collect();
        let bytes = data_encoding::BASE64.decode(&packed).ok();
        if let Some(text) = bytes.and_then(|b| String::from_utf8(b).ok()) {
            references::literal(&mut self.out, &text, Level::Text, &mut self.tally);
        }
    }
}
