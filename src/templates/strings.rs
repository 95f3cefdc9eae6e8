//! The fixed words of a mail or page ("Read more", "Unsubscribe"), by language.

use std::collections::BTreeMap;
use std::path::Path;

use minijinja::value::Kwargs;
use minijinja::{Error, ErrorKind, State, Value};

use super::{TemplateError, builtin};
use crate::domain::base_language;

/// The language whose words stand in where another's are missing.
const FALLBACK: &str = "en";

/// Words by language tag in lower case, and by key.
#[derive(Debug, Default)]
pub(super) struct Strings(BTreeMap<String, BTreeMap<String, Phrase>>);

/// A phrase, with its form for exactly one where the two differ.
#[derive(Debug, Clone, serde::Deserialize)]
#[serde(untagged)]
enum Phrase {
    Always(String),
    Counted { one: String, other: String },
}

impl Phrase {
    fn for_count(&self, n: Option<i64>) -> &str {
        match self {
            Self::Always(text) => text,
            Self::Counted { one, .. } if n == Some(1) => one,
            Self::Counted { other, .. } => other,
        }
    }
}

impl Strings {
    /// The program's own words.
    pub(super) fn built_in() -> Result<Self, TemplateError> {
        let mut strings = Self::default();
        for (language, source) in builtin::STRINGS {
            let path = format!("builtin/strings/{language}.toml");
            strings.add(language, source, Path::new(&path))?;
        }
        Ok(strings)
    }

    /// Lays the words of a TOML file over those known for `language`.
    pub(super) fn add(
        &mut self,
        language: &str,
        source: &str,
        path: &Path,
    ) -> Result<(), TemplateError> {
        let phrases: BTreeMap<String, Phrase> = toml::from_str(source).map_err(|e| {
            let help = "each line is `key = \"words\"`, \
                        or `key = { one = \"…\", other = \"…\" }` where a number is counted";
            TemplateError::at(
                path,
                source,
                e.span().unwrap_or_default(),
                e.message(),
                help,
            )
        })?;
        let language = language.to_ascii_lowercase();
        self.0.entry(language).or_default().extend(phrases);
        Ok(())
    }

    /// The phrase for a language tag: the tag itself, its language, then [`FALLBACK`].
    fn find(&self, language: &str, key: &str) -> Option<&Phrase> {
        let tag = language.to_ascii_lowercase();
        [tag.as_str(), &base_language(&tag), FALLBACK]
            .into_iter()
            .find_map(|language| self.0.get(language)?.get(key))
    }

    fn nearest(&self, key: &str) -> String {
        let known = self.0.get(FALLBACK).into_iter().flat_map(BTreeMap::keys);
        known
            .map(|name| (strsim::jaro_winkler(key, name), name))
            .filter(|(score, _)| *score > 0.8)
            .max_by(|a, b| a.0.total_cmp(&b.0))
            .map(|(_, name)| format!("; did you mean `{name}`?"))
            .unwrap_or_default()
    }

    /// The template function `t("key", n=3, name="…", lang="ur")`: the words for `key` in
    /// `lang` or the rendering's language, `{n}` and `{name}` filled in; a key without words is
    /// an error unless there is a `default=`.
    pub(super) fn into_function(
        self,
    ) -> impl Fn(&State<'_, '_>, &str, Kwargs) -> Result<String, Error> + Send + Sync + 'static
    {
        move |state, key, kwargs| {
            let language = match kwargs.get::<Option<String>>("lang")? {
                Some(language) => language,
                None => rendering_language(state),
            };
            let default = kwargs.get::<Option<String>>("default")?;
            let Some(phrase) = self.find(&language, key) else {
                return default.ok_or_else(|| {
                    let near = self.nearest(key);
                    let words = format!("there are no words for `{key}` in the strings{near}");
                    Error::new(ErrorKind::InvalidOperation, words)
                });
            };
            let n = kwargs.get::<Option<i64>>("n")?;
            let mut text = phrase.for_count(n).to_owned();
            for name in kwargs.args() {
                let value: Value = kwargs.get(name)?;
                text = text.replace(&format!("{{{name}}}"), &value.to_string());
            }
            Ok(text)
        }
    }
}

/// `language` of the context, else the site's.
pub(super) fn rendering_language(state: &State<'_, '_>) -> String {
    let text = |value: Value| value.as_str().map(str::to_owned);
    state
        .lookup("language")
        .and_then(text)
        .or_else(|| {
            state
                .lookup("site")?
                .get_attr("language")
                .ok()
                .and_then(text)
        })
        .unwrap_or_else(|| FALLBACK.to_owned())
}
