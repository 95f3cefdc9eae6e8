//! Templates: minijinja behind a fence.
//!
//! A template is a program written by whoever designs the newsletter, run over text written by
//! strangers. So it gets a budget of work, of output and of depth, it sees only the values of
//! [`context`], an unknown name is an error and not an empty string, and HTML is escaped by the
//! format that is made, not by the care of the author.
//!
//! The built-in templates are part of the program. A file of the same name in the operator's
//! directory takes a built-in's place everywhere; under `builtin/…` the original stays within
//! reach, and an override that extends its own name means the original.
//!
//! What can be said in a template beyond minijinja's own language: the filters of [`filters`],
//! `date` and `number` in the reader's language, and `t("key")` for the fixed words.

mod builtin;
pub mod context;
mod dates;
mod error;
mod expression;
pub mod filters;
mod links;
mod load;
mod numbers;
mod reader;
mod references;
pub mod samples;
mod strings;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use minijinja::value::Serde;
use minijinja::{AutoEscape, Environment, UndefinedBehavior, Value};

pub use error::TemplateError;
pub use expression::Expression;

/// Work one rendering may do, in minijinja's units (about one per instruction or 64 bytes).
/// The largest built-in mail takes a twentieth of it; the tricks that try to eat the machine
/// end within milliseconds (64 bytes × this is also the memory they can reach).
const FUEL: u64 = 500_000;

/// The longest text one rendering may make, in bytes.
const OUTPUT_LIMIT: usize = 4 << 20;

/// How deep includes, macros and loops may nest, in minijinja's units (an include counts 10).
const DEPTH: usize = 200;

/// What a template makes, which decides how values are escaped in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Values are escaped for HTML text and quoted attributes.
    Html,
    /// Values stand as they are.
    Text,
    /// Values are written as JSON.
    Json,
}

impl Format {
    /// The ending that carries the format of a source without a file name to minijinja's
    /// escaping callback; it never shows in messages.
    fn mark(self) -> &'static str {
        match self {
            Self::Html => "\u{1}.html",
            Self::Text => "\u{1}.txt",
            Self::Json => "\u{1}.json",
        }
    }
}

/// Every template there is, compiled. Cloning is cheap.
#[derive(Clone)]
pub struct Templates {
    shelf: Arc<Shelf>,
}

/// The compiled templates and where they came from.
struct Shelf {
    env: Environment<'static>,
    /// Files of the operator's directory by template name.
    files: BTreeMap<String, PathBuf>,
}

impl Templates {
    /// Compiles the built-in templates and, over them, the operator's directory.
    ///
    /// # Errors
    /// The first template or strings file that cannot be read or compiled, with its place.
    pub fn load(overrides: Option<&Path>) -> Result<Self, TemplateError> {
        let mut env = environment();
        let mut strings = strings::Strings::built_in()?;
        let mut files = BTreeMap::new();
        load::built_in(&mut env)?;
        if let Some(dir) = overrides {
            files = load::directory(dir, &mut env, &mut strings)?;
        }
        env.add_function("t", strings.into_function());
        Ok(Self {
            shelf: Arc::new(Shelf { env, files }),
        })
    }

    /// Renders the template `name` (`email/digest.html`) in the format of its ending.
    ///
    /// # Errors
    /// [`TemplateError`] with the place in the template and what to do.
    pub fn render(
        &self,
        name: &str,
        context: impl serde::Serialize,
    ) -> Result<String, TemplateError> {
        let context = Value::from(Serde(context));
        let template = self.shelf.env.get_template(name);
        template
            .and_then(|template| capped(&template, &context))
            .map_err(|e| self.explain(&e, name, &context))
    }

    /// Renders a template that is no file: a subject line, a social post's text. `name` is what
    /// messages call it (`channels.brief.subject`).
    ///
    /// # Errors
    /// [`TemplateError`] with the place in the source and what to do.
    pub fn render_source(
        &self,
        name: &str,
        source: &str,
        format: Format,
        context: impl serde::Serialize,
    ) -> Result<String, TemplateError> {
        let context = Value::from(Serde(context));
        let marked = format!("{name}{}", format.mark());
        let template = self.shelf.env.template_from_named_str(&marked, source);
        template
            .and_then(|template| capped(&template, &context))
            .map_err(|e| self.explain(&e, name, &context))
    }

    /// Compiles an expression such as a channel's `where`. `name` is what messages call it.
    ///
    /// # Errors
    /// [`TemplateError`] when it is not an expression.
    pub fn expression(&self, name: &str, source: &str) -> Result<Expression, TemplateError> {
        Expression::new(self.clone(), name, source)
    }

    /// Whether there is a template of this name.
    #[must_use]
    pub fn exists(&self, name: &str) -> bool {
        self.shelf.env.get_template(name).is_ok()
    }

    /// The file a template was read from; `None` for a built-in.
    #[must_use]
    pub fn file(&self, name: &str) -> Option<&Path> {
        self.shelf.files.get(name).map(PathBuf::as_path)
    }

    /// The names of all templates, the originals under `builtin/` left out.
    #[must_use]
    pub fn names(&self) -> Vec<String> {
        let mut names: Vec<String> = self
            .shelf
            .env
            .templates()
            .map(|(name, _)| name.to_owned())
            .filter(|name| !name.starts_with(load::ORIGINALS))
            .collect();
        names.sort();
        names
    }

    /// Whether the template or one it extends, includes or imports looks at `variable`
    /// (`site`, `links.unsubscribe`). Errs towards yes: a name computed at run time counts,
    /// and so does handing on the whole object a variable is part of.
    #[must_use]
    pub fn mentions(&self, name: &str, variable: &str) -> bool {
        references::template_mentions(&self.shelf.env, name, variable)
    }

    fn explain(&self, e: &minijinja::Error, name: &str, context: &Value) -> TemplateError {
        TemplateError::explain(e, name, &self.shelf.files, &self.shelf.env, context)
    }
}

impl std::fmt::Debug for Templates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Templates")
            .field("files", &self.shelf.files)
            .finish_non_exhaustive()
    }
}

/// minijinja with everything set that keeps a template in bounds.
fn environment() -> Environment<'static> {
    let mut env = Environment::new();
    env.set_undefined_behavior(UndefinedBehavior::Strict);
    env.set_fuel(Some(FUEL));
    env.set_recursion_limit(DEPTH);
    // Only errors cost anything by it, and they get their excerpt from it.
    env.set_debug(true);
    // `debug()` prints the whole context, the reader's address and links with it.
    env.remove_global("debug");
    env.set_auto_escape_callback(escaping);
    env.set_formatter(write_value);
    let mut syntax = minijinja::syntax::SyntaxConfig::builder();
    syntax.trim_blocks(true).lstrip_blocks(true);
    if let Ok(syntax) = syntax.build() {
        env.set_syntax(syntax);
    }
    env.set_path_join_callback(load::join);
    filters::add_all(&mut env);
    env
}

/// How values are escaped in a template of this name.
fn escaping(name: &str) -> AutoEscape {
    match name.rsplit('.').next() {
        Some("txt" | "css") => AutoEscape::None,
        Some("json") => AutoEscape::Json,
        // Whatever is not known to be plain is escaped.
        _ => AutoEscape::Html,
    }
}

/// Escapes HTML like minijinja, but leaves `/` alone: an address with `&#x2f;` at every step is
/// as safe as without, half as long again, and unreadable in a mail's source.
fn write_value(
    out: &mut minijinja::Output<'_>,
    state: &mut minijinja::State<'_, '_>,
    value: &Value,
) -> Result<(), minijinja::Error> {
    if reader::print(out, state, value)? {
        return Ok(());
    }
    let text = match state.auto_escape() {
        AutoEscape::Html if !value.is_safe() => value.as_str(),
        _ => None,
    };
    let Some(mut rest) = text else {
        return minijinja::escape_formatter(out, state, value);
    };
    while let Some(at) = rest.find(['&', '<', '>', '"', '\'']) {
        out.write_str(&rest[..at])?;
        out.write_str(match rest.as_bytes()[at] {
            b'&' => "&amp;",
            b'<' => "&lt;",
            b'>' => "&gt;",
            b'"' => "&quot;",
            _ => "&#39;",
        })?;
        rest = &rest[at + 1..];
    }
    Ok(out.write_str(rest)?)
}

/// Renders into a buffer that refuses to grow past [`OUTPUT_LIMIT`].
fn capped(
    template: &minijinja::Template<'_, '_>,
    context: &Value,
) -> Result<String, minijinja::Error> {
    struct Page(Vec<u8>, Option<Arc<reader::Watch>>);
    impl std::io::Write for Page {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            self.write_all(bytes)?;
            Ok(bytes.len())
        }
        fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
            if self.0.len() + bytes.len() > OUTPUT_LIMIT {
                return Err(std::io::ErrorKind::FileTooLarge.into());
            }
            self.0.extend_from_slice(bytes);
            if let Some(watch) = &self.1 {
                watch.arrived();
            }
            Ok(())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let is_html = escaping(template.name()) == AutoEscape::Html;
    let watch = reader::Watch::over(context, is_html);
    let mut page = Page(Vec::with_capacity(8 << 10), watch);
    template.render_captured_to(context.clone(), &mut page)?;
    String::from_utf8(page.0).map_err(|_| {
        minijinja::Error::new(minijinja::ErrorKind::WriteFailure, "the text is not UTF-8")
    })
}

#[cfg(test)]
mod tests;
