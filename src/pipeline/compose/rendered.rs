//! What the templates made of a variant: subject and both parts, with marks where something
//! of the reader's goes.

use super::ComposeError;
use crate::channels::email::{Escaping, Personal};
use crate::domain::{HeaderText, Purpose, SubscriberId, TokenKey, UnixMillis};
use crate::html;
use crate::templates::context::{Context, Marks};
use crate::templates::{Format, Templates};

/// Nobody: the tokens sealed for them stand where readers' own go. They have the length and
/// the letters of any other token, so whatever a template does to a link, it does to all of
/// them alike; and no text from outside can contain one.
const NOBODY: SubscriberId = SubscriberId(-1);

/// The marks of a channel's mails.
pub(super) fn marks(keys: &TokenKey, channel: &str) -> Personal<String> {
    let mark = |what: &str| format!("reader-{what}-{}", keys.mac8(&format!("mark {what}")));
    Personal {
        name: mark("name"),
        address: mark("address"),
        unsubscribe: keys.seal(Purpose::Unsubscribe, NOBODY, channel),
        preferences: keys.seal(Purpose::Preferences, NOBODY, channel),
        confirm: keys.seal_confirmation(NOBODY, channel, UnixMillis(0)),
    }
}

/// The marks a template's `reader` prints.
pub(super) fn reader_marks(marks: &Personal<String>) -> Marks {
    Marks {
        name: marks.name.as_str().into(),
        address: marks.address.as_str().into(),
    }
}

/// A rendering, with marks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rendered {
    /// The subject, as its template made it.
    pub subject: String,
    /// The HTML part, CSS inlined.
    pub html: String,
    /// The text part.
    pub text: String,
    /// Its language.
    pub language: String,
}

impl Rendered {
    /// Renders the three: `subject` is the source of its template, called `place`; `name` is
    /// the template of the parts.
    pub(super) fn new(
        templates: &Templates,
        (place, subject): (&str, &str),
        name: &str,
        mut context: Context,
    ) -> Result<Self, ComposeError> {
        let subject = templates.render_source(place, subject, Format::Text, &context)?;
        // With a reader in it, it is not what the issue is called.
        if !context.reader.as_ref().is_some_and(|r| r.is_used()) {
            context.issue.title = HeaderText::clean(&subject).to_string();
        }
        let (html, text) = parts(templates, name, &context)?;
        Ok(Self {
            subject,
            html,
            text,
            language: context.language,
        })
    }

    /// How many places there are for the reader's name and address.
    pub(super) fn places(&self, marks: &Personal<String>) -> usize {
        [&self.subject, &self.html, &self.text]
            .iter()
            .map(|text| marks.people_in(text))
            .sum()
    }

    /// The same with a reader's own in the places.
    pub(super) fn filled(&self, marks: &Personal<String>, own: &Personal<&str>) -> Self {
        let subject = marks.filled(&self.subject, own, Escaping::Plain);
        Self {
            subject: HeaderText::clean(&subject).to_string(),
            html: marks.filled(&self.html, own, Escaping::Html),
            text: marks.filled(&self.text, own, Escaping::Plain),
            language: self.language.clone(),
        }
    }
}

/// The HTML part with its CSS inlined, and the text part, of the template `name`.
///
/// # Errors
/// The template's, its CSS's, or that a part came out without the link every such mail has: to
/// unsubscribe, or to confirm.
pub fn parts(
    templates: &Templates,
    name: &str,
    context: &Context,
) -> Result<(String, String), ComposeError> {
    let html = templates.render(&format!("{name}.html"), context)?;
    let html = html::inline_css(&html)
        .map_err(|error| ComposeError::Css(name.to_owned(), error.to_string()))?;
    let text = templates.render(&format!("{name}.txt"), context)?;
    let (what, link) = match (&context.links.confirm, &context.links.unsubscribe) {
        (Some(link), _) => ("confirm", link.as_str()),
        (None, link) => ("unsubscribe", link.as_deref().unwrap_or_default()),
    };
    for (part, rendered) in [("html", &html), ("txt", &text)] {
        if !rendered.contains(link) && !rendered.contains(&link.replace('&', "&amp;")) {
            return Err(ComposeError::NoLink(format!("{name}.{part}"), what));
        }
    }
    Ok((html, text))
}
