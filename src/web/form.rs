//! Bodies of forms: small, in time, and in the two encodings RFC 8058 §3.2 allows.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::http::{HeaderMap, header::CONTENT_TYPE};

/// The largest form anybody sends us.
const MOST_BYTES: usize = 64 * 1024;
/// From the end of the head to the end of the body.
const MOST_TIME: Duration = Duration::from_secs(15);

/// Why a form was not read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FormError {
    /// More than 64 KiB.
    TooLarge,
    /// Not complete within 15 seconds.
    TooSlow,
}

/// A whole body of at most `most` bytes that arrives within `time`.
///
/// # Errors
/// [`FormError`] when it is too much or takes too long.
pub async fn bytes(body: Body, most: usize, time: Duration) -> Result<Bytes, FormError> {
    tokio::time::timeout(time, to_bytes(body, most))
        .await
        .map_err(|_| FormError::TooSlow)?
        .map_err(|_| FormError::TooLarge)
}

/// The fields of a form, in order; names may repeat.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Form(Vec<(String, String)>);

impl Form {
    /// Reads a body. One that is no form has no fields, which is no error: what a POST to a
    /// reader's own link asks for is mostly in the link.
    ///
    /// # Errors
    /// [`FormError`] when it is too much or takes too long.
    pub async fn read(headers: &HeaderMap, body: Body) -> Result<Self, FormError> {
        Self::read_within(MOST_TIME, headers, body).await
    }

    async fn read_within(
        time: Duration,
        headers: &HeaderMap,
        body: Body,
    ) -> Result<Self, FormError> {
        let bytes = bytes(body, MOST_BYTES, time).await?;
        let kind = headers.get(CONTENT_TYPE).and_then(|v| v.to_str().ok());
        Ok(match kind.and_then(boundary_of) {
            Some(boundary) => Self(multipart(&bytes, &boundary)),
            None => Self(urlencoded(&bytes)),
        })
    }

    /// Reads the query of an address.
    #[must_use]
    pub fn of_query(query: &str) -> Self {
        Self(urlencoded(query.as_bytes()))
    }

    /// The last value under this name.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&str> {
        let mut values = self.0.iter().rev();
        let (_, value) = values.find(|(n, _)| n == name)?;
        Some(value)
    }

    /// Every value under this name.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.0
            .iter()
            .filter(move |(n, _)| n == name)
            .map(|(_, value)| value.as_str())
    }
}

fn urlencoded(bytes: &[u8]) -> Vec<(String, String)> {
    url::form_urlencoded::parse(bytes).into_owned().collect()
}

/// The boundary of a `multipart/form-data` body (RFC 2046 §5.1.1).
fn boundary_of(content_type: &str) -> Option<String> {
    let (kind, parameters) = content_type.split_once(';')?;
    if !kind.trim().eq_ignore_ascii_case("multipart/form-data") {
        return None;
    }
    let boundary = parameter(parameters, "boundary")?;
    (!boundary.is_empty() && boundary.len() <= 70).then_some(boundary)
}

/// `name`'s value among `; name=value; name="value"`.
fn parameter(parameters: &str, name: &str) -> Option<String> {
    parameters.split(';').find_map(|one| {
        let (key, value) = one.split_once('=')?;
        key.trim()
            .eq_ignore_ascii_case(name)
            .then(|| value.trim().trim_matches('"').to_owned())
    })
}

/// The text fields of a multipart body (RFC 7578); files have no business here.
fn multipart(bytes: &Bytes, boundary: &str) -> Vec<(String, String)> {
    let text = String::from_utf8_lossy(bytes);
    let delimiter = format!("--{boundary}");
    text.split(delimiter.as_str())
        .skip(1) // the preamble
        .take_while(|part| !part.starts_with("--"))
        .filter_map(|part| {
            let part = part.trim_start_matches([' ', '\t']);
            let part = part.strip_prefix("\r\n").or(part.strip_prefix('\n'))?;
            let (head, body) = part.split_once("\r\n\r\n").or(part.split_once("\n\n"))?;
            let disposition = head.lines().find_map(|line| {
                let (name, value) = line.split_once(':')?;
                name.trim()
                    .eq_ignore_ascii_case("content-disposition")
                    .then_some(value)
            })?;
            let body = body.strip_suffix('\n').unwrap_or(body);
            let body = body.strip_suffix('\r').unwrap_or(body);
            Some((parameter(disposition, "name")?, body.to_owned()))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    async fn read(kind: Option<&str>, body: impl Into<Body>) -> Result<Form, FormError> {
        let mut headers = HeaderMap::new();
        if let Some(kind) = kind {
            headers.insert(CONTENT_TYPE, kind.parse().unwrap());
        }
        Form::read(&headers, body.into()).await
    }

    #[tokio::test]
    async fn both_encodings_of_a_one_click_body_are_read() {
        let plain = "List-Unsubscribe=One-Click";
        let form = read(Some("application/x-www-form-urlencoded"), plain).await;
        assert_eq!(form.unwrap().get("List-Unsubscribe"), Some("One-Click"));
        let parts = "--x y\r\nContent-Disposition: form-data; name=\"List-Unsubscribe\"\r\n\r\n\
                     One-Click\r\n--x y\r\ncontent-disposition: form-data; name=topics\r\n\r\n\
                     a\r\nb\r\n--x y--\r\n";
        let form = read(Some("multipart/form-data; boundary=\"x y\""), parts)
            .await
            .unwrap();
        assert_eq!(form.get("List-Unsubscribe"), Some("One-Click"));
        assert_eq!(form.get("topics"), Some("a\r\nb"));
    }

    #[tokio::test]
    async fn a_body_that_is_no_form_has_no_fields_and_a_huge_one_is_refused() {
        for (kind, body) in [
            (None, ""),
            (Some("multipart/form-data; boundary=b"), "nonsense --b"),
            (Some("multipart/form-data; boundary="), "--\r\n\r\n"),
            (
                Some("multipart/form-data; boundary=b"),
                "--b\r\n--b\r\n\r\n\r\n--b",
            ),
        ] {
            assert_eq!(
                read(kind, body).await.unwrap().get("topics"),
                None,
                "{body}"
            );
        }
        let huge = "a".repeat(MOST_BYTES + 1);
        assert_eq!(read(None, huge).await, Err(FormError::TooLarge));
    }

    #[tokio::test]
    async fn a_body_that_drips_is_cut_off() {
        struct Never;
        impl hyper::body::Body for Never {
            type Data = Bytes;
            type Error = std::convert::Infallible;
            fn poll_frame(
                self: std::pin::Pin<&mut Self>,
                _: &mut std::task::Context<'_>,
            ) -> std::task::Poll<Option<Result<hyper::body::Frame<Bytes>, Self::Error>>>
            {
                std::task::Poll::Pending
            }
        }
        let time = Duration::from_millis(20);
        let form = Form::read_within(time, &HeaderMap::new(), Body::new(Never)).await;
        assert_eq!(form, Err(FormError::TooSlow));
    }

    #[test]
    fn repeated_names_keep_every_value() {
        let form = Form::of_query("topics=a&topics=b%26c&timezone=");
        assert_eq!(form.all("topics").collect::<Vec<_>>(), ["a", "b&c"]);
        assert_eq!(form.get("timezone"), Some(""));
    }
}
