//! What was mended, counted while a document is read and told in plain words afterwards.

use std::fmt;

/// Distinct words (names, prefixes) that one document's notes tell.
const MOST_WORDS: usize = 8;

/// Something a feed does wrong that was put right, for the people who own the feed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Repair {
    /// It says one encoding and uses another.
    Encoding {
        /// What it says, or nothing.
        said: Option<String>,
        /// What it is.
        was: String,
    },
    /// Bytes that are nothing in its encoding.
    BadBytes(usize),
    /// Bytes of something else before it.
    Junk(usize),
    /// `&` that starts no reference.
    BareAmpersands(usize),
    /// `<` that starts no tag.
    BareLess(usize),
    /// Entities that XML does not know, with the first of them.
    Entities(usize, String),
    /// References to characters that do not exist or that XML forbids.
    References(usize),
    /// Characters that XML forbids.
    Characters(usize),
    /// A prefix that is used and not declared.
    Prefix(String),
    /// A namespace that is spelled differently everywhere else.
    Namespace(String),
    /// Elements that are not closed, with the name of the first.
    Unclosed(usize, String),
    /// End tags without a start, with the name of the first.
    StrayEnds(usize, String),
    /// A `<![CDATA[` without `]]>`.
    Cdata,
    /// Attributes that had to be mended or left out.
    Attributes(usize),
    /// Elements deeper than we follow.
    TooDeep(usize),
    /// A version of RSS that does not exist, or none.
    Version(Option<String>),
    /// A name in the wrong case, as it should be.
    Case(String),
    /// Markup that is not escaped in elements of text, with the name of the first.
    RawMarkup(usize, String),
    /// A `type` that Atom does not know.
    TextType(String),
    /// An `xml:base` that is no address.
    Base(String),
    /// It breaks off; whether an article went with it.
    Truncated {
        /// Whether the last article was left for the next time.
        dropped: bool,
    },
}

fn several(n: usize, one: &str, many: &str) -> String {
    if n == 1 {
        format!("one {one}")
    } else {
        format!("{n} {many}")
    }
}

impl Repair {
    /// What there is several of.
    fn counted(&self) -> Option<String> {
        Some(match self {
            Self::BadBytes(n) => format!(
                "the feed has {} that mean nothing in its encoding",
                several(*n, "byte", "bytes")
            ),
            Self::Junk(n) => format!(
                "{} of something else stand before the feed",
                several(*n, "byte", "bytes")
            ),
            Self::BareAmpersands(n) => {
                format!(
                    "the feed has {} that should be `&amp;`",
                    several(*n, "`&`", "`&`")
                )
            }
            Self::BareLess(n) => format!(
                "the feed has {} that should be `&lt;`",
                several(*n, "`<`", "`<`")
            ),
            Self::Entities(n, name) => format!(
                "the feed uses {} that XML does not know, as `&{name};`",
                several(*n, "name for a character", "names for characters")
            ),
            Self::References(n) => format!(
                "the feed has {} to characters that do not exist",
                several(*n, "reference", "references")
            ),
            Self::Characters(n) => {
                format!(
                    "the feed has {} that XML forbids",
                    several(*n, "character", "characters")
                )
            }
            Self::Unclosed(n, name) => format!(
                "the feed has {} not closed, as `<{name}>`",
                several(*n, "element that is", "elements that are")
            ),
            Self::StrayEnds(n, name) => format!(
                "the feed closes {} not open, as `</{name}>`",
                several(*n, "element that is", "elements that are")
            ),
            Self::Attributes(n) => {
                format!(
                    "the feed has {} not written as XML asks",
                    several(*n, "attribute", "attributes")
                )
            }
            Self::TooDeep(n) => format!(
                "the feed has {} deeper than anything that is read",
                several(*n, "element", "elements")
            ),
            Self::RawMarkup(n, name) => format!(
                "the feed has markup that is not escaped in {}, as `<{name}>`",
                several(*n, "element", "elements")
            ),
            _ => return None,
        })
    }

    /// What is told once.
    fn told(&self) -> String {
        match self {
            Self::Encoding {
                said: Some(said),
                was,
            } => {
                format!("the feed says that it is written in {said} and is written in {was}")
            }
            Self::Encoding { said: None, was } => {
                format!(
                    "the feed does not say in which encoding it is written; it was read as {was}"
                )
            }
            Self::Prefix(prefix) => {
                format!("the feed uses the prefix `{prefix}` without declaring it")
            }
            Self::Namespace(uri) => {
                format!("the feed names a namespace `{uri}`, which others spell differently")
            }
            Self::Cdata => "a `<![CDATA[` of the feed is not closed with `]]>`".to_owned(),
            Self::Version(Some(version)) => format!("there is no version `{version}` of RSS"),
            Self::Version(None) => "the feed does not say which version of RSS it is".to_owned(),
            Self::Case(name) => format!("the feed writes `<{name}>` with other capitals"),
            Self::TextType(kind) => {
                format!("the feed has text of the type `{kind}`, which Atom does not know")
            }
            Self::Base(base) => format!("the feed's `xml:base` `{base}` is no address"),
            Self::Truncated { dropped: true } => {
                "the feed breaks off; its last article is left for the next time".to_owned()
            }
            Self::Truncated { dropped: false } => "the feed breaks off before its end".to_owned(),

            counted => counted.counted().unwrap_or_default(),
        }
    }
}

impl fmt::Display for Repair {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.counted().unwrap_or_else(|| self.told()))
    }
}

/// Counts with the first word of each, and lists of words.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) junk: usize,
    pub(super) ampersands: usize,
    pub(super) less: usize,
    pub(super) entities: (usize, String),
    pub(super) references: usize,
    pub(super) characters: usize,
    pub(super) unclosed: (usize, String),
    pub(super) stray_ends: (usize, String),
    pub(super) cdata: bool,
    pub(super) attributes: usize,
    pub(super) too_deep: usize,
    pub(super) raw_markup: (usize, String),
    /// Bytes that the document's own entities have become.
    pub(super) expanded: usize,
    words: Vec<Repair>,
}

/// Counts one more and keeps the first word.
pub(super) fn count(counter: &mut (usize, String), word: &str) {
    if counter.0 == 0 {
        counter.1 = short(word);
    }
    counter.0 += 1;
}

/// A word of a stranger's, short enough to be told.
pub(super) fn short(word: &str) -> String {
    word.chars().take(80).filter(|c| !c.is_control()).collect()
}

impl Tally {
    /// Tells something once.
    pub(super) fn tell(&mut self, repair: Repair) {
        let same =
            |other: &&Repair| std::mem::discriminant(*other) == std::mem::discriminant(&repair);
        if self.words.iter().filter(same).count() < MOST_WORDS && !self.words.contains(&repair) {
            self.words.push(repair);
        }
    }

    /// All of it.
    pub(super) fn repairs(self) -> Vec<Repair> {
        let number = |n: usize, make: fn(usize) -> Repair| (n > 0).then(|| make(n));
        let named = |(n, word): (usize, String), make: fn(usize, String) -> Repair| {
            (n > 0).then(|| make(n, word))
        };
        let counted = [
            number(self.junk, Repair::Junk),
            number(self.ampersands, Repair::BareAmpersands),
            number(self.less, Repair::BareLess),
            named(self.entities, Repair::Entities),
            number(self.references, Repair::References),
            number(self.characters, Repair::Characters),
            named(self.unclosed, Repair::Unclosed),
            named(self.stray_ends, Repair::StrayEnds),
            self.cdata.then_some(Repair::Cdata),
            number(self.attributes, Repair::Attributes),
            number(self.too_deep, Repair::TooDeep),
            named(self.raw_markup, Repair::RawMarkup),
        ];
        counted.into_iter().flatten().chain(self.words).collect()
    }
}
