//! Answers that are not what was asked for, in words.

use axum::http::header::{CACHE_CONTROL, RETRY_AFTER};
use axum::http::{HeaderValue, StatusCode};
use axum::response::{IntoResponse, Response};

use super::form::FormError;
use crate::domain::TokenError;
use crate::store::StoreError;
use crate::templates::TemplateError;

/// Why a request got no proper answer.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Nothing has this address.
    #[error("there is nothing at this address; it may have been mistyped or taken down")]
    NotFound,
    /// A reader's link was cut or made up.
    #[error(transparent)]
    Link(#[from] TokenError),
    /// What was asked cannot be meant.
    #[error("{0}")]
    Unclear(String),
    /// The form was too long or too slow.
    #[error("{}", match .0 {
        FormError::TooLarge => "the form is too long; nothing was changed",
        FormError::TooSlow => "the form did not arrive in time; nothing was changed, please try again",
    })]
    Form(FormError),
    /// The database did not answer, or a page could not be made.
    #[error("this does not work right now; nothing was changed, please try again in a few minutes")]
    Unavailable(#[source] Box<dyn std::error::Error + Send + Sync>),
}

impl From<FormError> for Error {
    fn from(error: FormError) -> Self {
        Self::Form(error)
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl From<TemplateError> for Error {
    fn from(error: TemplateError) -> Self {
        Self::Unavailable(Box::new(error))
    }
}

impl Error {
    fn status(&self) -> StatusCode {
        match self {
            Self::NotFound | Self::Link(_) => StatusCode::NOT_FOUND,
            Self::Unclear(_) => StatusCode::BAD_REQUEST,
            Self::Form(FormError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Form(FormError::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    /// What the fixed words of templates know it by.
    fn key(&self) -> &'static str {
        match self {
            Self::NotFound => "not_found",
            Self::Link(_) => "link",
            Self::Unclear(_) => "unclear",
            Self::Form(FormError::TooLarge) => "form_large",
            Self::Form(FormError::TooSlow) => "form_slow",
            Self::Unavailable(_) => "unavailable",
        }
    }
}

/// Rides on a response as an extension: what a page or a JSON document is made of once the
/// response has left its handler (see `page::dress` and `api::dress`).
#[derive(Debug, Clone)]
pub struct Notice {
    /// The fixed words `error_KEY_title` and `error_KEY` say it in the language of the page.
    pub key: &'static str,
    /// A sentence in English: for programs, and where no page can be made.
    pub text: String,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Unavailable(cause) = &self {
            tracing::error!(error = %Chain(cause.as_ref()), "a request could not be answered");
        }
        let notice = Notice {
            key: self.key(),
            text: sentence(&self.to_string()),
        };
        let status = self.status();
        let mut response = (status, notice.text.clone()).into_response();
        response.extensions_mut().insert(notice);
        let headers = response.headers_mut();
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
        if status == StatusCode::SERVICE_UNAVAILABLE {
            // RFC 8058's senders try again after this; mail providers do.
            headers.insert(RETRY_AFTER, HeaderValue::from_static("120"));
        }
        response
    }
}

/// An error and its causes on one line.
struct Chain<'a>(&'a (dyn std::error::Error + 'static));

impl std::fmt::Display for Chain<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.0)?;
        let mut next = self.0.source();
        while let Some(cause) = next {
            write!(f, ": {cause}")?;
            next = cause.source();
        }
        Ok(())
    }
}

/// An error's words as a sentence for a page.
fn sentence(words: &str) -> String {
    let mut chars = words.chars();
    let Some(first) = chars.next() else {
        return String::new();
    };
    let mut text: String = first.to_uppercase().chain(chars).collect();
    if !text.ends_with(['.', '!', '?']) {
        text.push('.');
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::templates::Templates;

    #[test]
    fn every_error_has_words_of_its_own_in_english_and_in_urdu() {
        let cause = || Box::new(std::io::Error::other("down"));
        let errors = [
            Error::NotFound,
            Error::Link(TokenError),
            Error::Form(FormError::TooLarge),
            Error::Form(FormError::TooSlow),
            Error::Unavailable(cause()),
        ];
        let keys = errors.iter().map(Error::key).chain(["method"]);
        let site = serde_json::json!({"name": "R", "url": "/", "postal_address": ""});
        let templates = Templates::load(None).unwrap();
        for key in keys {
            let page = |language: &str, dir: &str| {
                let context = serde_json::json!({
                    "site": site, "language": language, "dir": dir, "error": key, "text": "BARE",
                });
                let page = templates.render("web/message.html", context).unwrap();
                assert!(!page.contains("BARE"), "{language} has no words for {key}");
                page.split("<h1>").nth(1).unwrap().to_owned()
            };
            let is_urdu = |c: char| ('\u{600}'..='\u{6ff}').contains(&c);
            assert!(!page("en", "ltr").contains(is_urdu), "{key}");
            let words = page("ur", "rtl");
            let said: Vec<&str> = words.split("</").take(2).collect();
            assert!(
                said.iter().all(|part| part.contains(is_urdu)),
                "{key}: {words}"
            );
        }
    }
}
