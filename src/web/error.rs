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
    /// A reader's link whose subscription has ended.
    #[error("this subscription has ended, so there is nothing to change and nothing will be sent")]
    Ended,
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
            // An answer like any other: whoever ends a subscription gets it as well.
            Self::Ended => StatusCode::OK,
            Self::Unclear(_) => StatusCode::BAD_REQUEST,
            Self::Form(FormError::TooLarge) => StatusCode::PAYLOAD_TOO_LARGE,
            Self::Form(FormError::TooSlow) => StatusCode::REQUEST_TIMEOUT,
            Self::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        }
    }

    fn title(&self) -> &'static str {
        match self {
            Self::NotFound => "Not found",
            Self::Link(_) => "This link is not complete",
            Self::Ended => "This subscription has ended",
            Self::Unclear(_) => "That was not understood",
            Self::Form(_) => "Not saved",
            Self::Unavailable(_) => "Please try again later",
        }
    }
}

/// Rides on a response as an extension: the words that a page or a JSON document is made of
/// once the response has left its handler (see `page::dress` and `api::dress`).
#[derive(Debug, Clone)]
pub struct Notice {
    /// A few words.
    pub title: &'static str,
    /// A sentence.
    pub text: String,
}

impl IntoResponse for Error {
    fn into_response(self) -> Response {
        if let Self::Unavailable(cause) = &self {
            tracing::error!(error = %Chain(cause.as_ref()), "a request could not be answered");
        }
        let notice = Notice {
            title: self.title(),
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
