//! A source's own rules for its pages, in the language of style sheets.

use std::sync::Arc;

use dom_query::Matcher;

/// Longer rules are a mistake.
const MAX_RULE: usize = 500;

/// What a source says about its pages: which elements hold the text, and which of them are
/// not text.
#[derive(Debug, Clone, Default)]
pub struct PageRules {
    pub(super) select: Vec<Arc<Matcher>>,
    pub(super) strip: Vec<Arc<Matcher>>,
}

/// A rule that cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{rule}` is no CSS selector")]
pub struct RuleError {
    /// The rule.
    pub rule: String,
}

impl PageRules {
    /// Rules from CSS selectors.
    ///
    /// # Errors
    /// The first one that cannot be read.
    pub fn new<S: AsRef<str>>(select: &[S], strip: &[S]) -> Result<Self, RuleError> {
        let read = |rules: &[S]| -> Result<Vec<_>, _> {
            rules.iter().map(|rule| matcher(rule.as_ref())).collect()
        };
        Ok(Self {
            select: read(select)?,
            strip: read(strip)?,
        })
    }
}

fn matcher(rule: &str) -> Result<Arc<Matcher>, RuleError> {
    let refused = || RuleError {
        rule: rule.chars().take(100).collect(),
    };
    // `:has()` in a chain costs more than linear time on a page that is made for it.
    if rule.trim().is_empty() || rule.len() > MAX_RULE || rule.contains(":has(") {
        return Err(refused());
    }
    Matcher::new(rule).map(Arc::new).map_err(|_| refused())
}
