//! A rendering that readers share, with slots where their own addresses go.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::ComposeError;
use crate::domain::{HeaderText, IssueId};
use crate::html;
use crate::templates::Templates;
use crate::templates::context::{Context, Links};

/// Stand where a reader's own addresses go; nobody can own the domain (RFC 2606 §2).
pub(super) const UNSUBSCRIBE_SLOT: &str = "https://slot.courant.invalid/unsubscribe";
pub(super) const PREFERENCES_SLOT: &str = "https://slot.courant.invalid/preferences";
/// Renderings kept.
const MOST_KEPT: usize = 64;

/// A rendering, with slots or made for one reader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rendered {
    /// The subject.
    pub subject: HeaderText,
    /// The HTML part, CSS inlined.
    pub html: String,
    /// The text part.
    pub text: String,
    /// Its language.
    pub language: String,
}

impl Rendered {
    /// The same with the reader's own addresses in their slots.
    pub(super) fn filled(&self, links: &Links) -> (String, String) {
        let slots = [
            (
                UNSUBSCRIBE_SLOT,
                links.unsubscribe.as_deref().unwrap_or_default(),
            ),
            (
                PREFERENCES_SLOT,
                links.preferences.as_deref().unwrap_or_default(),
            ),
        ];
        let mut filled = (self.html.clone(), self.text.clone());
        for (slot, url) in slots {
            filled.0 = filled.0.replace(slot, &url.replace('&', "&amp;"));
            filled.1 = filled.1.replace(slot, url);
        }
        filled
    }
}

/// The renderings of the issues that are being sent.
#[derive(Debug, Default)]
pub struct Renderings(Mutex<HashMap<(IssueId, i64), Arc<Rendered>>>);

impl Renderings {
    pub(super) fn get(&self, key: (IssueId, i64)) -> Option<Arc<Rendered>> {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(&key)
            .cloned()
    }

    pub(super) fn keep(&self, key: (IssueId, i64), rendered: Arc<Rendered>) {
        let mut kept = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if kept.len() >= MOST_KEPT {
            kept.clear();
        }
        kept.insert(key, rendered);
    }
}

/// The HTML part with its CSS inlined, and the text part, of the template `name`.
///
/// # Errors
/// The template's, its CSS's, or that a part came out without the unsubscribe link.
pub fn parts(
    templates: &Templates,
    name: &str,
    context: &Context,
) -> Result<(String, String), ComposeError> {
    let html = templates.render(&format!("{name}.html"), context)?;
    let html = html::inline_css(&html)
        .map_err(|error| ComposeError::Css(name.to_owned(), error.to_string()))?;
    let text = templates.render(&format!("{name}.txt"), context)?;
    let link = context.links.unsubscribe.as_deref().unwrap_or_default();
    for (part, rendered) in [("html", &html), ("txt", &text)] {
        if !rendered.contains(link) && !rendered.contains(&link.replace('&', "&amp;")) {
            return Err(ComposeError::NoWayOut(format!("{name}.{part}")));
        }
    }
    Ok((html, text))
}
