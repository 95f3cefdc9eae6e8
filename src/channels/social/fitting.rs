//! Making a post fit: what is dropped and shortened, in which order, until a network takes it.
//!
//! The template is the operator's, so its parts are unknown here. What is known are the values
//! it is rendered with: the template is rendered again with fewer hashtags, then a shorter
//! summary, then none, then a shorter title, and each result is counted by the network's rule.

use std::cell::RefCell;

use super::PlanError;
use crate::domain::{Image, Post};
use crate::text::{clean, cut, find_links, graphemes, one_line, shorten, starts_right_to_left};

/// The values of a post that a template is rendered with. They replace `article.title`,
/// `.summary`, `.url` and `.topics`, which may be shorter here than the article's own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Fitting<'a> {
    /// One line.
    pub title: &'a str,
    /// Plain text; empty when there was no room.
    pub summary: &'a str,
    /// As the source wrote them, to be made hashtags.
    pub topics: &'a [String],
    /// In ASCII, so that every network recognises all of it; empty where a card leads there
    /// and the text had no room.
    pub url: &'a str,
}

/// Renders a template's source with the values it is given; the error is a sentence.
pub type Render<'a> = dyn Fn(&str, &Fitting<'_>) -> Result<String, String> + 'a;

/// How long a network's posts may be.
#[derive(Debug, Clone, Copy)]
pub struct Limit {
    /// The most it takes.
    pub max: usize,
    /// What it counts, in the plural.
    pub unit: &'static str,
    /// How it counts.
    pub measure: fn(&str) -> usize,
}

/// Where the link of a post is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum LinkPlace {
    /// In the text only: it stays whatever else goes.
    Text,
    /// On a card as well: when nothing else helps, the text goes without.
    Card,
}

/// How a network wants its text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Manner {
    pub limit: Limit,
    pub link: LinkPlace,
    /// Escapes a value before it is put into the template, which may use the network's markup.
    pub escape_value: fn(&str) -> String,
    /// Escapes the rendered text, where markup is not the operator's to write.
    pub escape_text: fn(&str) -> String,
}

impl Manner {
    /// Plain text, with the link in it.
    pub(super) fn plain(limit: Limit) -> Self {
        Self {
            limit,
            link: LinkPlace::Text,
            escape_value: str::to_owned,
            escape_text: str::to_owned,
        }
    }
}

/// The text of a post, fitted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Fitted {
    /// As readers see it.
    pub text: String,
    /// As it is sent, escaped.
    pub sent: String,
}

/// The parts of a post as any network may have them: clean, the address checked.
#[derive(Debug, Clone)]
pub(super) struct Parts {
    pub title: String,
    pub summary: String,
    pub url: String,
    pub image: Option<Image>,
    /// BCP 47, where the article has such a tag.
    pub language: Option<String>,
}

impl Parts {
    pub(super) fn of(post: &Post) -> Result<Self, PlanError> {
        let url = web_address(&post.url).ok_or_else(|| PlanError::Link(one_line(&post.url)))?;
        let picture = |image: &Image| {
            let alt = one_line(&image.alt);
            web_address(&image.url).map(|url| Image { url, alt })
        };
        let (title, summary) = words_of(post);
        Ok(Self {
            title,
            summary,
            url,
            image: post.image.as_ref().and_then(picture),
            language: Some(post.language.clone()).filter(|tag| is_language_tag(tag)),
        })
    }
}

/// Title and summary. A note has no title: its text stands there, and not a second time below;
/// what has neither goes by the publication's name.
fn words_of(post: &Post) -> (String, String) {
    /// Graphemes of a note's text that serve as its title.
    const MOST: usize = 280;
    let (title, summary) = (one_line(&post.title), tidy(&post.summary));
    if !title.is_empty() {
        (title, summary)
    } else if summary.is_empty() {
        (one_line(&post.site), summary)
    } else {
        (cut(&one_line(&summary), MOST, &graphemes), String::new())
    }
}

/// An address in ASCII: other letters as A-labels and percent signs.
fn web_address(text: &str) -> Option<String> {
    let url = url::Url::parse(text).ok()?;
    matches!(url.scheme(), "http" | "https").then(|| url.into())
}

/// BCP 47 in shape: Bluesky refuses a whole post for `e`.
fn is_language_tag(tag: &str) -> bool {
    let mut subtags = tag.split('-');
    let letters = |s: &str| s.bytes().all(|b| b.is_ascii_alphabetic());
    subtags
        .next()
        .is_some_and(|first| (2..=3).contains(&first.len()) && letters(first))
        && subtags
            .all(|s| (1..=8).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_alphanumeric()))
}

/// The post's text by its template (`default` where it has none), shortened until it fits.
pub(super) fn fit(
    post: &Post,
    parts: &Parts,
    default: &str,
    manner: &Manner,
    render: &Render<'_>,
) -> Result<Fitted, PlanError> {
    let fitter = Fitter {
        template: post.template.as_deref().unwrap_or(default),
        manner,
        render,
        failure: RefCell::new(None),
    };
    let whole = Fitting {
        title: &parts.title,
        summary: &parts.summary,
        topics: &post.topics,
        url: &parts.url,
    };
    let fitted = fitter.fit(whole);
    match fitter.failure.into_inner() {
        Some(failure) => Err(PlanError::Template(failure)),
        None => fitted.and_then(|fitted| {
            if fitted.text.is_empty() {
                Err(PlanError::Empty)
            } else {
                Ok(fitted)
            }
        }),
    }
}

struct Fitter<'a> {
    template: &'a str,
    manner: &'a Manner,
    render: &'a Render<'a>,
    /// The first error of the template: measuring cannot return one.
    failure: RefCell<Option<String>>,
}

impl Fitter<'_> {
    fn fit(&self, whole: Fitting<'_>) -> Result<Fitted, PlanError> {
        let bare = Fitting {
            summary: "",
            topics: &[],
            ..whole
        };
        let last = match self.manner.link {
            LinkPlace::Text => bare,
            LinkPlace::Card => Fitting { url: "", ..bare },
        };
        self.with_fewer_topics(whole)
            .or_else(|| self.with_shorter_summary(whole))
            .or_else(|| self.fitted(bare))
            .or_else(|| self.fitted(last))
            .or_else(|| self.with_shorter_title(last))
            .ok_or_else(|| PlanError::TooLong {
                length: self.length(Fitting { title: "", ..last }),
                limit: self.manner.limit.max,
                unit: self.manner.limit.unit,
            })
    }

    /// Hashtags go from the right, one by one.
    fn with_fewer_topics(&self, whole: Fitting<'_>) -> Option<Fitted> {
        let with = |kept| {
            self.fitted(Fitting {
                topics: &whole.topics[..kept],
                ..whole
            })
        };
        let all = whole.topics.len();
        with(all).or_else(|| {
            let mut fitted = with(0)?;
            // The most that fit lie in `fits..fits_not`.
            let (mut fits, mut fits_not) = (0, all);
            while fits + 1 < fits_not {
                let middle = usize::midpoint(fits, fits_not);
                match with(middle) {
                    Some(more) => (fits, fitted) = (middle, more),
                    None => fits_not = middle,
                }
            }
            Some(fitted)
        })
    }

    fn with_shorter_summary(&self, whole: Fitting<'_>) -> Option<Fitted> {
        let topics = &[];
        let length = |summary: &str| {
            self.length(Fitting {
                summary,
                topics,
                ..whole
            })
        };
        let limit = self.manner.limit.max;
        if length("") > limit {
            return None;
        }
        let summary = &shorten(whole.summary, limit, &length);
        self.fitted(Fitting {
            summary,
            topics,
            ..whole
        })
    }

    fn with_shorter_title(&self, last: Fitting<'_>) -> Option<Fitted> {
        let length = |title: &str| self.length(Fitting { title, ..last });
        let limit = self.manner.limit.max;
        if length("") > limit {
            return None;
        }
        let title = &cut(last.title, limit, &length);
        // A post that leads somewhere without a word where is none.
        (!title.is_empty())
            .then(|| self.fitted(Fitting { title, ..last }))
            .flatten()
    }

    /// The text with these values, if the network takes it.
    fn fitted(&self, fitting: Fitting<'_>) -> Option<Fitted> {
        let sent = self.sent(fitting)?;
        if (self.manner.limit.measure)(&sent) > self.manner.limit.max {
            return None;
        }
        let text = self.rendered(fitting)?;
        Some(Fitted { text, sent })
    }

    fn length(&self, fitting: Fitting<'_>) -> usize {
        self.sent(fitting)
            .map_or(0, |sent| (self.manner.limit.measure)(&sent))
    }

    fn sent(&self, fitting: Fitting<'_>) -> Option<String> {
        let title = (self.manner.escape_value)(fitting.title);
        let summary = (self.manner.escape_value)(fitting.summary);
        let rendered = self.rendered(Fitting {
            title: &title,
            summary: &summary,
            ..fitting
        })?;
        Some((self.manner.escape_text)(&rendered))
    }

    fn rendered(&self, fitting: Fitting<'_>) -> Option<String> {
        if self.failure.borrow().is_some() {
            return None;
        }
        match (self.render)(self.template, &fitting) {
            Ok(text) => Some(tidy(&text)),
            Err(failure) => {
                *self.failure.borrow_mut() = Some(failure);
                None
            }
        }
    }
}

/// Text without what empty values leave behind: spaces at line ends, more than one empty line.
/// In a right-to-left line a link gets a line of its own, or its parts change places.
pub(super) fn tidy(text: &str) -> String {
    let mut tidied = String::with_capacity(text.len());
    let mut after_empty = false;
    for line in clean(text).lines() {
        let line = with_links_apart(line.trim_end());
        let mut lines = line.lines().filter(|l| !l.trim().is_empty()).peekable();
        if lines.peek().is_none() {
            after_empty = true;
        }
        for line in lines {
            if !tidied.is_empty() {
                tidied.push_str(if after_empty { "\n\n" } else { "\n" });
            }
            after_empty = false;
            tidied.push_str(line);
        }
    }
    tidied.trim().to_owned()
}

fn with_links_apart(line: &str) -> String {
    if !starts_right_to_left(line) {
        return line.to_owned();
    }
    let mut apart = String::with_capacity(line.len() + 2);
    let mut at = 0;
    for link in find_links(line) {
        apart.push_str(line[at..link.start].trim());
        apart.push('\n');
        apart.push_str(&line[link.clone()]);
        apart.push('\n');
        at = link.end;
    }
    apart.push_str(line[at..].trim());
    apart
}
