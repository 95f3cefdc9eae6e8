//! Expressions outside templates: a channel's `where`.

use minijinja::Value;
use minijinja::value::Serde;

use super::{TemplateError, Templates};

/// A checked expression over an article, such as `article.words > 80`.
#[derive(Debug, Clone)]
pub struct Expression {
    templates: Templates,
    name: String,
    source: String,
}

impl Expression {
    pub(super) fn new(
        templates: Templates,
        name: &str,
        source: &str,
    ) -> Result<Self, TemplateError> {
        let expression = Self {
            templates,
            name: name.to_owned(),
            source: source.to_owned(),
        };
        // Compiled here for its errors. minijinja's handle borrows its environment, and
        // compiling anew for each article takes microseconds.
        let env = &expression.templates.shelf.env;
        if let Err(e) = env.compile_expression(source) {
            return Err(expression.explain(&e, &Value::UNDEFINED));
        }
        Ok(expression)
    }

    /// The expression as written.
    #[must_use]
    pub fn source(&self) -> &str {
        &self.source
    }

    /// Whether it holds for this context.
    ///
    /// # Errors
    /// [`TemplateError`] when it asks for something that is not there or compares what cannot
    /// be compared.
    pub fn is_true(&self, context: impl serde::Serialize) -> Result<bool, TemplateError> {
        let context = Value::from(Serde(context));
        let env = &self.templates.shelf.env;
        env.compile_expression(&self.source)
            .and_then(|compiled| compiled.eval(context.clone()))
            .and_then(|value| {
                // A bare `article.wrods` evaluates to undefined; Strict complains only on use.
                if value.is_undefined() {
                    Err(minijinja::Error::new(
                        minijinja::ErrorKind::UndefinedError,
                        format!("`{}` is undefined", self.source.trim()),
                    ))
                } else {
                    Ok(value.is_true())
                }
            })
            .map_err(|e| self.explain(&e, &context))
    }

    fn explain(&self, e: &minijinja::Error, context: &Value) -> TemplateError {
        TemplateError::expression(e, &self.name, &self.source, context)
    }
}
