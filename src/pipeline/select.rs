//! Which articles a channel takes: sources, topics, languages and `where`.
//!
//! The answer is asked once, when an article leaves its hold, and kept as a ledger row; later
//! edits of the configuration change what comes, not what has come.

use crate::config::ChannelConfig;
use crate::domain::{Article, base_language};
use crate::templates::{Expression, TemplateError, Templates, context};

/// A channel's selection, its `where` compiled.
#[derive(Debug)]
pub struct Select {
    sources: Vec<String>,
    any: Vec<String>,
    all: Vec<String>,
    none: Vec<String>,
    languages: Vec<String>,
    condition: Option<Expression>,
}

impl Select {
    /// The selection of `channel`.
    ///
    /// # Errors
    /// A `where` that is no template expression.
    pub fn new(channel: &ChannelConfig, templates: &Templates) -> Result<Self, TemplateError> {
        let fold = |topics: &[String]| topics.iter().map(|t| topic_key(t)).collect();
        Ok(Self {
            sources: channel.sources.clone(),
            any: fold(&channel.topics.any),
            all: fold(&channel.topics.all),
            none: fold(&channel.topics.none),
            languages: channel.languages.iter().map(|l| l.to_lowercase()).collect(),
            condition: channel
                .where_
                .as_deref()
                .map(|source| {
                    templates.expression(&format!("channels.{}.where", channel.id), source)
                })
                .transpose()?,
        })
    }

    /// Whether the channel takes `article`.
    ///
    /// # Errors
    /// A `where` that fails on this article.
    pub fn takes(&self, article: &Article) -> Result<bool, TemplateError> {
        let topics: Vec<String> = article
            .revision
            .topics
            .iter()
            .map(|t| topic_key(t))
            .collect();
        let has = |wanted: &String| topics.contains(wanted);
        let selected = (self.sources.is_empty() || self.sources.contains(&article.source))
            && (self.any.is_empty() || self.any.iter().any(has))
            && self.all.iter().all(has)
            && !self.none.iter().any(has)
            && (self.languages.is_empty()
                || self
                    .languages
                    .iter()
                    .any(|l| speaks(l, &article.revision.language)));
        match &self.condition {
            Some(condition) if selected => {
                let article = context::Article::from(article);
                condition.is_true(serde_json::json!({ "article": article }))
            }
            _ => Ok(selected),
        }
    }
}

/// Topics are compared without case and surrounding space.
#[must_use]
pub fn topic_key(topic: &str) -> String {
    topic.trim().to_lowercase()
}

/// Whether a reader who asked for `topics` (as [`topic_key`]s; none means all) wants `article`.
#[must_use]
pub fn wants(topics: &[String], article: &Article) -> bool {
    topics.is_empty()
        || article
            .revision
            .topics
            .iter()
            .any(|t| topics.contains(&topic_key(t)))
}

/// Whether a text in `language` suits someone who asked for `wanted`: `en` takes `en-GB`,
/// `en-GB` takes only itself (RFC 4647 §3.3.1, basic filtering).
fn speaks(wanted: &str, language: &str) -> bool {
    let language = language.to_lowercase();
    language == wanted || (!wanted.contains('-') && base_language(&language) == *wanted)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_language_takes_its_regions_and_a_region_only_itself() {
        assert!(speaks("en", "en-GB"));
        assert!(speaks("en-gb", "en-GB"));
        assert!(!speaks("en-gb", "en-US"));
        assert!(!speaks("ur", "en"));
    }
}
