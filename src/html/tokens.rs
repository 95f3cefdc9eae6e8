//! One walk over HTML, token by token, with html5ever's own tokenizer.
//!
//! Elements nobody is meant to read (scripts, styles, drawings, form controls) are skipped
//! with what they hold. The walk is linear: a token that grows without end, or a tag of
//! thousands of attributes (for which the tokenizer is quadratic), ends it.

use std::cell::{Cell, RefCell};

use html5ever::tendril::StrTendril;
use html5ever::tokenizer::states::RawKind;
use html5ever::tokenizer::{
    BufferQueue, Tag, TagKind, Token, TokenSink, TokenSinkResult, Tokenizer, TokenizerOpts,
};

/// What the walk sees.
pub(super) enum Piece<'a> {
    /// A start tag.
    Open(Element<'a>),
    /// An end tag.
    Close(&'a str),
    /// Text with its entities decoded; one text may come in several pieces.
    Text(&'a str),
}

/// A start tag with its attributes.
#[derive(Clone, Copy)]
pub(super) struct Element<'a> {
    tag: &'a Tag,
}

impl<'a> Element<'a> {
    /// Its name in lower case.
    pub(super) fn name(&self) -> &'a str {
        &self.tag.name
    }

    /// The value of an attribute.
    pub(super) fn attribute(&self, name: &str) -> Option<&'a str> {
        let found = self.tag.attrs.iter().find(|a| &*a.name.local == name)?;
        Some(&found.value)
    }

    /// The first of these attributes that is there and not blank.
    pub(super) fn first_of(&self, names: &[&str]) -> Option<&'a str> {
        names.iter().find_map(|name| {
            self.attribute(name)
                .map(str::trim)
                .filter(|v| !v.is_empty())
        })
    }
}

/// Elements that have no end tag (HTML §13.1.2).
pub(crate) fn is_void(name: &str) -> bool {
    matches!(
        name,
        "area"
            | "base"
            | "br"
            | "col"
            | "embed"
            | "hr"
            | "img"
            | "input"
            | "link"
            | "meta"
            | "param"
            | "source"
            | "track"
            | "wbr"
    )
}

/// Elements that stand in a line of their own.
pub(super) fn is_block(name: &str) -> bool {
    matches!(
        name,
        "address"
            | "article"
            | "aside"
            | "blockquote"
            | "body"
            | "br"
            | "caption"
            | "center"
            | "dd"
            | "details"
            | "dialog"
            | "div"
            | "dl"
            | "dt"
            | "fieldset"
            | "figcaption"
            | "figure"
            | "footer"
            | "form"
            | "h1"
            | "h2"
            | "h3"
            | "h4"
            | "h5"
            | "h6"
            | "header"
            | "hgroup"
            | "hr"
            | "html"
            | "li"
            | "main"
            | "nav"
            | "ol"
            | "p"
            | "pre"
            | "section"
            | "summary"
            | "table"
            | "tbody"
            | "td"
            | "tfoot"
            | "th"
            | "thead"
            | "tr"
            | "ul"
    )
}

/// Elements skipped with all they hold.
fn is_hidden(name: &str) -> bool {
    matches!(
        name,
        "applet"
            | "audio"
            | "button"
            | "canvas"
            | "frameset"
            | "iframe"
            | "math"
            | "noembed"
            | "noframes"
            | "noscript"
            | "object"
            | "script"
            | "select"
            | "style"
            | "svg"
            | "template"
            | "textarea"
            | "title"
            | "video"
            | "xmp"
    )
}

fn raw_kind(name: &str) -> Option<RawKind> {
    match name {
        "title" | "textarea" => Some(RawKind::Rcdata),
        "script" => Some(RawKind::ScriptData),
        "style" | "xmp" | "iframe" | "noembed" | "noframes" => Some(RawKind::Rawtext),
        _ => None,
    }
}

/// Bytes the tokenizer is fed at once.
const STEP: usize = 4096;
/// White space and quotes in one token: an upper bound of its attributes.
const MOST_SEPARATORS: usize = 16_384;

/// Calls `see` for every piece of `html`, in order.
pub(super) fn walk(html: &str, see: impl FnMut(Piece<'_>)) {
    walk_hiding(is_hidden, html, see);
}

/// The same for a whole page, whose head, scripts and pictures for those without scripts say
/// something too.
pub(super) fn walk_page(html: &str, see: impl FnMut(Piece<'_>)) {
    let hides = |name: &str| {
        let is_told = matches!(
            name,
            "audio" | "button" | "noscript" | "object" | "script" | "title" | "video"
        );
        is_hidden(name) && !is_told
    };
    walk_hiding(hides, html, see);
}

fn walk_hiding(hides: fn(&str) -> bool, html: &str, see: impl FnMut(Piece<'_>)) {
    let sink = Sink {
        hides,
        see: RefCell::new(see),
        hidden: RefCell::new(None),
        tokens: Cell::new(0),
    };
    let tokenizer = Tokenizer::new(sink, TokenizerOpts::default());
    let mut rest = html;
    let mut separators = 0;
    let mut tokens = 0;
    while !rest.is_empty() {
        let mut cut = rest.len().min(STEP);
        while !rest.is_char_boundary(cut) {
            cut -= 1;
        }
        let (step, after) = rest.split_at(cut);
        rest = after;
        let input = BufferQueue::default();
        input.push_back(StrTendril::from_slice(step));
        let _ = tokenizer.feed(&input);
        if tokenizer.sink.tokens.get() == tokens {
            separators += step
                .bytes()
                .filter(|b| b.is_ascii_whitespace() || matches!(b, b'"' | b'\'' | b'/'))
                .count();
            if separators > MOST_SEPARATORS {
                break;
            }
        } else {
            separators = 0;
            tokens = tokenizer.sink.tokens.get();
        }
    }
    tokenizer.end();
}

struct Sink<F> {
    /// Whether an element is skipped with all it holds.
    hides: fn(&str) -> bool,
    see: RefCell<F>,
    /// The element being skipped and how many of its name are open in it.
    hidden: RefCell<Option<(String, usize)>>,
    tokens: Cell<u64>,
}

impl<F: FnMut(Piece<'_>)> Sink<F> {
    fn tag(&self, tag: &Tag) -> TokenSinkResult<()> {
        let name: &str = &tag.name;
        let mut hidden = self.hidden.borrow_mut();
        let opens = tag.kind == TagKind::StartTag;
        if let Some((what, depth)) = hidden.as_mut() {
            if what == name {
                *depth = if opens { *depth + 1 } else { *depth - 1 };
                if *depth == 0 {
                    *hidden = None;
                }
            }
            return TokenSinkResult::Continue;
        }
        if !opens {
            (self.see.borrow_mut())(Piece::Close(name));
            return TokenSinkResult::Continue;
        }
        // Embeds are seen, because their address is worth a link, and then skipped too.
        (self.see.borrow_mut())(Piece::Open(Element { tag }));
        if tag.self_closing {
            return TokenSinkResult::Continue;
        }
        if (self.hides)(name) {
            *hidden = Some((name.to_owned(), 1));
        }
        raw_kind(name).map_or(TokenSinkResult::Continue, TokenSinkResult::RawData)
    }
}

impl<F: FnMut(Piece<'_>)> TokenSink for Sink<F> {
    type Handle = ();

    fn process_token(&self, token: Token, _line: u64) -> TokenSinkResult<()> {
        if !matches!(token, Token::ParseError(_)) {
            self.tokens.set(self.tokens.get() + 1);
        }
        match token {
            Token::TagToken(tag) => return self.tag(&tag),
            Token::CharacterTokens(text) if self.hidden.borrow().is_none() => {
                (self.see.borrow_mut())(Piece::Text(&text));
            }
            _ => {}
        }
        TokenSinkResult::Continue
    }
}
