//! The walk: tokens in, a document in one spelling out.
//!
//! A stack of what is open knows for each element what it became; what is open at the end is
//! closed, what closes nothing is passed over. Fields that an item has only under another name
//! wait in its [`Holder`] until its end.

mod attributes;
mod close;
mod item;
mod markup;
mod notes;
mod root;
mod start;
mod text;
mod types;

use self::item::Holder;
use super::attributes::Attribute;
use super::names::Scope;
use super::references::Level;
use super::tally::{Tally, count};
use super::tokens::{Entities, Token, Tokens};
use super::vocabulary::{Dialect, Fact, Field, Place, Role};
use super::{Facts, Repair, Repaired};

/// What an open element became.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Container(Place),
    Leaf(Role),
    Late(Field, u8),
    Note(Fact),
    Hidden(Place),
    Skip,
    /// HTML inside a text, written as text.
    Markup,
    /// The same without its tags.
    Tagless,
}

/// An open element.
#[derive(Debug, Clone, Copy)]
struct Frame<'a> {
    /// Its name as it is written.
    raw: &'a str,
    kind: Kind,
    /// Its name as we write it.
    name: &'static str,
    /// Where it starts in the new document, and where what is in it does.
    start: usize,
    inner: usize,
    /// The bindings in force outside of it.
    mark: usize,
    /// How text in it is written.
    level: Level,
}

/// What the innermost element of text allows; there is one at a time.
#[derive(Debug, Clone, Copy, Default)]
struct Leaf {
    /// Its place on the stack.
    at: usize,
    /// Its elements are markup, and not just text in the way.
    keeps_markup: bool,
    /// Its elements and text are XHTML.
    is_xhtml: bool,
    /// CDATA sections are written as text, because the text is worked on.
    is_worked_on: bool,
    /// Where its `type="text"` says `text`, should it turn out to have markup.
    type_at: Option<usize>,
    is_base64: bool,
    /// It may not be there without text.
    needs_text: bool,
    has_markup: bool,
}

/// The walk over one document.
pub(super) struct Mender<'a> {
    tokens: Tokens<'a>,
    entities: Entities,
    tally: Tally,
    scope: Scope<'a>,
    attributes: Vec<Attribute<'a>>,
    stack: Vec<Frame<'a>>,
    leaf: Option<Leaf>,
    /// Elements that are open beyond the deepest we follow.
    beyond: usize,
    out: String,
    facts: Facts,
    dialect: Option<Dialect>,
    /// The default namespace that the root declares.
    root_uri: &'a str,
    feed: Holder,
    item: Option<Holder>,
    channel_closed: bool,
    done: bool,
}

impl<'a> Mender<'a> {
    /// A walk over `text`.
    pub(super) fn new(text: &'a str) -> Self {
        let mut tally = Tally::default();
        let tokens = Tokens::new(text, &mut tally);
        Self {
            tokens,
            entities: Entities::new(),
            tally,
            scope: Scope::default(),
            attributes: Vec::new(),
            stack: Vec::new(),
            leaf: None,
            beyond: 0,
            out: String::with_capacity(text.len() + 1024),
            facts: Facts::default(),
            dialect: None,
            root_uri: "",
            feed: Holder::default(),
            item: None,
            channel_closed: false,
            done: false,
        }
    }

    /// Walks, and answers with the new document.
    pub(super) fn run(mut self) -> Repaired {
        while !self.done {
            let open = self.stack.last().map_or("", |frame| frame.raw);
            let Some(token) = self.tokens.next(open, &mut self.tally) else {
                break;
            };
            match token {
                Token::Start {
                    name,
                    attributes,
                    closed,
                } => self.start(name, attributes, closed),
                Token::End(name) => self.end(name),
                Token::Text(text) => self.text(text),
                Token::Cdata(text) => self.cdata(text),
            }
        }
        self.finish();
        Repaired {
            text: self.out,
            facts: self.facts,
            repairs: self.tally.repairs(),
        }
    }

    /// Closes what is still open when the document ends.
    fn finish(&mut self) {
        if self.dialect.is_none() || self.done {
            return;
        }
        let is_whole = self.channel_closed && self.item.is_none();
        if !is_whole {
            self.facts.truncated = true;
            let dropped = self.drop_unfinished();
            self.tally.tell(Repair::Truncated { dropped });
        }
        self.close_root();
    }

    /// The holder of the fields at this place: the item's, or else the feed's.
    fn holder(&mut self) -> &mut Holder {
        self.item.as_mut().unwrap_or(&mut self.feed)
    }

    fn push(&mut self, raw: &'a str, kind: Kind, name: &'static str, start: usize, mark: usize) {
        let level = self.stack.last().map_or(Level::Text, |frame| frame.level);
        let inner = self.out.len();
        self.stack.push(Frame {
            raw,
            kind,
            name,
            start,
            inner,
            mark,
            level,
        });
    }

    /// Closes all but the outermost `length` elements, which nothing in the document closes.
    fn close_to(&mut self, length: usize) {
        while self.stack.len() > length {
            let frame = self.stack[self.stack.len() - 1];
            let is_told = !matches!(frame.kind, Kind::Skip | Kind::Container(Place::Channel));
            if is_told {
                count(&mut self.tally.unclosed, frame.raw);
            }
            self.close();
        }
    }
}
