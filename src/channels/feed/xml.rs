//! A quick-xml writer for elements, one per line, whose text is escaped the way feed readers
//! take best.

use std::borrow::Cow;

use quick_xml::Writer;
use quick_xml::events::{BytesCData, BytesDecl, BytesEnd, BytesStart, BytesText, Event};

/// Attributes of an element, values not yet escaped.
pub type Attributes<'a> = &'a [(&'a str, &'a str)];

/// An XML document in the making.
pub struct Xml(Writer<Vec<u8>>);

impl Xml {
    /// A document with its declaration. One element per line, because validators and people
    /// report by line.
    pub fn new() -> Self {
        let mut xml = Self(Writer::new_with_indent(
            Vec::with_capacity(64 * 1024),
            b' ',
            1,
        ));
        xml.put(Event::Decl(BytesDecl::new("1.0", Some("utf-8"), None)));
        xml
    }

    /// Opens an element.
    pub fn open(&mut self, name: &str, attributes: Attributes<'_>) {
        self.put(Event::Start(start(name, attributes)));
    }

    /// Closes it.
    pub fn close(&mut self, name: &str) {
        self.put(Event::End(BytesEnd::new(name)));
    }

    /// An element without content.
    pub fn empty(&mut self, name: &str, attributes: Attributes<'_>) {
        self.put(Event::Empty(start(name, attributes)));
    }

    /// An element with text. `&`, `<` and `>` are written as hexadecimal references: readers
    /// that decode twice and validators that suspect markup both leave those alone.
    pub fn text(&mut self, name: &str, attributes: Attributes<'_>, text: &str) {
        self.open(name, attributes);
        self.put(Event::Text(BytesText::from_escaped(escape(text))));
        self.close(name);
    }

    /// An element with HTML in CDATA, split wherever the HTML holds `]]>`.
    pub fn cdata(&mut self, name: &str, attributes: Attributes<'_>, html: &str) {
        self.open(name, attributes);
        for part in BytesCData::escaped(html) {
            self.put(Event::CData(part));
        }
        self.close(name);
    }

    /// The finished document.
    pub fn finish(self) -> Vec<u8> {
        let mut bytes = self.0.into_inner();
        bytes.push(b'\n');
        bytes
    }

    fn put(&mut self, event: Event<'_>) {
        self.0
            .write_event(event)
            .expect("a Vec takes every byte and names are constants");
    }
}

fn start<'a>(name: &'a str, attributes: Attributes<'_>) -> BytesStart<'a> {
    let mut element = BytesStart::new(name);
    for (key, value) in attributes {
        // quick-xml escapes the value; on one line because a parser would fold it anyway.
        element.push_attribute((*key, super::text::line(value).as_str()));
    }
    element
}

fn escape(text: &str) -> Cow<'_, str> {
    if !text.contains(['&', '<', '>']) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(
        text.replace('&', "&#x26;")
            .replace('<', "&#x3C;")
            .replace('>', "&#x3E;"),
    )
}
