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
    /// The condition as it was written.
    where_: String,
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
            where_: channel.where_.clone().unwrap_or_default(),
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
        Ok(self.refusal(article)?.is_none())
    }

    /// Why the channel does not take `article`, for people; `None` when it does.
    ///
    /// # Errors
    /// A `where` that fails on this article.
    pub fn refusal(&self, article: &Article) -> Result<Option<String>, TemplateError> {
        let plain = self
            .foreign_source(article)
            .or_else(|| self.wrong_topics(article))
            .or_else(|| self.wrong_language(article));
        if let (None, Some(condition)) = (&plain, &self.condition) {
            let article = context::Article::from(article);
            let holds = condition.is_true(serde_json::json!({ "article": article }))?;
            return Ok((!holds).then(|| format!("its `where` is not true of it: {}", self.where_)));
        }
        Ok(plain)
    }

    fn foreign_source(&self, article: &Article) -> Option<String> {
        let takes = self.sources.is_empty() || self.sources.contains(&article.source);
        (!takes).then(|| {
            let sources = self.sources.join(", ");
            format!(
                "it takes from {sources}, and this is from {}",
                article.source
            )
        })
    }

    fn wrong_topics(&self, article: &Article) -> Option<String> {
        let topics: Vec<String> = article
            .revision
            .topics
            .iter()
            .map(|t| topic_key(t))
            .collect();
        let has = |wanted: &&String| topics.contains(wanted);
        if !self.any.is_empty() && !self.any.iter().any(|t| has(&t)) {
            let wanted = self.any.join(", ");
            return Some(format!(
                "it takes the topics {wanted}, and this has none of them"
            ));
        }
        if let Some(missing) = self.all.iter().find(|t| !has(t)) {
            return Some(format!(
                "it demands the topic {missing}, which this does not have"
            ));
        }
        let refused = self.none.iter().find(has)?;
        Some(format!("it refuses the topic {refused}, which this has"))
    }

    fn wrong_language(&self, article: &Article) -> Option<String> {
        let language = &article.revision.language;
        let takes = self.languages.is_empty() || self.languages.iter().any(|l| speaks(l, language));
        (!takes).then(|| {
            let languages = self.languages.join(", ");
            format!("it takes the languages {languages}, and this is in {language}")
        })
    }
}

/// Topics are compared without case and surrounding space.
#[must_use]
pub fn topic_key(topic: &str) -> String {
    topic.trim().to_lowercase()
}

/// What one reader of a channel wants of what it carries.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taste {
    topics: Vec<String>,
    language: Option<String>,
}

impl Taste {
    /// Topics as the reader named them (none means all). Their language chooses only where the
    /// operator says that the channel carries several: elsewhere it would silence a reader
    /// whose language the publication does not write in.
    #[must_use]
    pub fn new(channel: &ChannelConfig, topics: &[String], language: Option<&str>) -> Self {
        let chooses = channel.languages.len() > 1
            && language.is_some_and(|l| {
                channel
                    .languages
                    .iter()
                    .any(|c| speaks(&c.to_lowercase(), l))
            });
        Self {
            topics: topics.iter().map(|topic| topic_key(topic)).collect(),
            language: language.filter(|_| chooses).map(str::to_lowercase),
        }
    }

    /// Whether the reader wants `article`.
    #[must_use]
    pub fn wants(&self, article: &Article) -> bool {
        let r = &article.revision;
        let mut topics = r.topics.iter().map(|topic| topic_key(topic));
        let spoken =
            |l: &String| speaks(l, &r.language) || base_language(l) == base_language(&r.language);
        (self.topics.is_empty() || topics.any(|topic| self.topics.contains(&topic)))
            && self.language.as_ref().is_none_or(spoken)
    }
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

    /// An article in this language, and a channel that carries these.
    fn taste(languages: &str, reader: Option<&str>) -> Taste {
        let text = format!(
            "[site]\nname = \"N\"\nurl = \"https://n.example\"\npostal_address = \"L\"\n\
             [channels.brief]\nkind = \"email\"\nschedule = \"each\"\n{languages}\n"
        );
        let path = std::path::Path::new("t.toml");
        let config = crate::config::from_text(path, &text, |_| Vec::new()).unwrap();
        Taste::new(&config.channels["brief"], &[], reader)
    }

    #[test]
    fn a_readers_language_chooses_only_on_a_channel_that_carries_several() {
        let both = "languages = [\"en\", \"ur\"]";
        assert_eq!(
            taste(both, Some("ur-PK")).language.as_deref(),
            Some("ur-pk")
        );
        assert_eq!(taste(both, None).language, None);
        assert_eq!(taste(both, Some("fr")).language, None, "nobody is silenced");
        assert_eq!(taste("", Some("ur")).language, None);
        assert_eq!(taste("languages = [\"en\"]", Some("ur")).language, None);
    }

    #[test]
    fn a_language_takes_its_regions_and_a_region_only_itself() {
        assert!(speaks("en", "en-GB"));
        assert!(speaks("en-gb", "en-GB"));
        assert!(!speaks("en-gb", "en-US"));
        assert!(!speaks("ur", "en"));
    }
}
