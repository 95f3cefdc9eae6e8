//! Conditional requests: who already has this, and in which encoding do the others get it.
//!
//! Feed readers poll for ever, most of them for nothing, so a 304 must be given to everybody
//! who can be given one, including those whose validators were mangled on the way: tags
//! without quotes, tags a proxy suffixed with `-gzip`, weak ones, and dates a reader made up
//! from its own clock. RFC 9110 §8.8 and §13 are the rules; each leniency is named below.

use axum::body::{Body, Bytes};
use axum::http::header::{
    ACCEPT_ENCODING, CACHE_CONTROL, CONTENT_ENCODING, CONTENT_TYPE, ETAG, IF_MODIFIED_SINCE,
    IF_NONE_MATCH, LAST_MODIFIED, VARY,
};
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::domain::UnixMillis;

/// One resource as it is now, in both encodings.
#[derive(Debug, Clone)]
pub struct Representation {
    media_type: &'static str,
    /// 16 hex digits over the identity body: what all encodings of one content share.
    hash: String,
    identity: Bytes,
    gzip: Bytes,
    last_modified: Option<UnixMillis>,
}

impl Representation {
    /// Hashes and compresses `body`. Takes milliseconds for a large feed, so keep the result.
    #[must_use]
    pub fn new(media_type: &'static str, body: Vec<u8>) -> Self {
        Self {
            media_type,
            hash: hash_of(&body),
            gzip: gzip(&body),
            identity: body.into(),
            last_modified: None,
        }
    }

    /// The same, last changed at `at`.
    #[must_use]
    pub fn changed_at(mut self, at: UnixMillis) -> Self {
        self.last_modified = Some(UnixMillis(at.0.div_euclid(1000) * 1000));
        self
    }

    /// Whether it has this body.
    #[must_use]
    pub fn is_of(&self, body: &[u8]) -> bool {
        self.identity == body
    }

    /// When it last changed, in whole seconds, where that is known.
    #[must_use]
    pub fn last_modified(&self) -> Option<UnixMillis> {
        self.last_modified
    }

    /// The answer to a GET or HEAD with these headers: 304 for who has it, the body otherwise.
    /// (The router leaves the body out for HEAD and keeps its length.)
    #[must_use]
    pub fn answer(
        &self,
        request: &HeaderMap,
        cache_control: &str,
        now: UnixMillis,
    ) -> Response<Body> {
        let zipped = accepts_gzip(request);
        let own_tag = format!("\"{}{}\"", self.hash, if zipped { "-gz" } else { "" });
        let known = self.known_tag(request, &own_tag, now);
        let mut response = Response::new(Body::empty());
        let headers = response.headers_mut();
        let tag = known.as_deref().unwrap_or(&own_tag);
        headers.insert(ETAG, value(tag));
        headers.insert(VARY, HeaderValue::from_static("Accept-Encoding"));
        headers.insert(CACHE_CONTROL, value(cache_control));
        if known.is_some() {
            // RFC 9110 §15.4.5: no content and nothing that describes it.
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            return response;
        }
        headers.insert(CONTENT_TYPE, HeaderValue::from_static(self.media_type));
        if let Some(at) = self.last_modified {
            headers.insert(LAST_MODIFIED, value(&http_date(at)));
        }
        if zipped {
            headers.insert(CONTENT_ENCODING, HeaderValue::from_static("gzip"));
        }
        let body = if zipped { &self.gzip } else { &self.identity };
        *response.body_mut() = Body::from(body.clone());
        response
    }

    /// The tag to confirm when the client has the current content.
    fn known_tag(&self, request: &HeaderMap, own_tag: &str, now: UnixMillis) -> Option<String> {
        // RFC 9110 §13.1.3: a date counts only where no tag was sent.
        if request.contains_key(IF_NONE_MATCH) {
            return request
                .get_all(IF_NONE_MATCH)
                .iter()
                .filter_map(|v| v.to_str().ok())
                .flat_map(|list| list.split(','))
                .find_map(|tag| self.matching_tag(tag.trim(), own_tag));
        }
        let since = request.get(IF_MODIFIED_SINCE)?.to_str().ok()?;
        let is_current = is_unmodified_since(self.last_modified?, parse_http_date(since)?, now);
        is_current.then(|| own_tag.to_owned())
    }

    /// Weak comparison, blind to encoding suffixes: mod_deflate's `-gzip` (Apache bug 45023)
    /// once turned every well-meant conditional request into a full download. The client's own
    /// spelling is echoed, so that it finds what it stored.
    fn matching_tag(&self, tag: &str, own_tag: &str) -> Option<String> {
        if tag == "*" {
            return Some(own_tag.to_owned());
        }
        let (prefix, strong) = match tag.strip_prefix("W/").or(tag.strip_prefix("w/")) {
            Some(rest) => ("W/", rest),
            None => ("", tag),
        };
        let opaque = strong.trim_matches('"');
        let suffix = opaque.strip_prefix(self.hash.as_str())?;
        let known = ["", "-gz", "-gzip", "--gzip", ";gzip", "-br", "-zstd", "-df"];
        known
            .contains(&suffix)
            .then(|| format!("{prefix}\"{opaque}\""))
    }
}

/// Equal dates mean unchanged. A later one was made up by the reader (Tiny Tiny RSS sends its
/// own clock): it is believed only when the content is at least an hour old, because then the
/// reader has surely fetched after the change. One in the future is no date at all.
fn is_unmodified_since(modified: UnixMillis, since: UnixMillis, now: UnixMillis) -> bool {
    const HOUR_MS: i64 = 3_600_000;
    since == modified || (since > modified && since <= now && modified.plus_ms(HOUR_MS) <= now)
}

fn accepts_gzip(request: &HeaderMap) -> bool {
    let mut any = false;
    for part in request
        .get_all(ACCEPT_ENCODING)
        .iter()
        .filter_map(|v| v.to_str().ok())
        .flat_map(|list| list.split(','))
    {
        let (name, parameters) = part.split_once(';').unwrap_or((part, ""));
        let weight = parameters.trim().strip_prefix("q=");
        let wanted = weight.is_none_or(|q| q.trim().parse::<f32>().is_ok_and(|q| q > 0.0));
        match name.trim().to_ascii_lowercase().as_str() {
            "gzip" | "x-gzip" => return wanted,
            "*" => any = wanted,
            _ => {}
        }
    }
    any
}

fn hash_of(body: &[u8]) -> String {
    let digest = aws_lc_rs::digest::digest(&aws_lc_rs::digest::SHA256, body);
    data_encoding::HEXLOWER.encode(&digest.as_ref()[..8])
}

/// `body` as a gzip member (RFC 1952) without a time in it: equal bodies give equal bytes.
fn gzip(body: &[u8]) -> Bytes {
    use std::io::Write as _;
    let mut encoder = flate2::write::GzEncoder::new(
        Vec::with_capacity(body.len() / 3),
        flate2::Compression::new(6),
    );
    encoder
        .write_all(body)
        .and_then(|()| encoder.finish())
        .expect("a Vec takes every byte")
        .into()
}

fn value(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static("\"\""))
}

/// RFC 9110 §5.6.7, the preferred form.
fn http_date(at: UnixMillis) -> String {
    at.timestamp()
        .strftime("%a, %d %b %Y %H:%M:%S GMT")
        .to_string()
}

fn parse_http_date(text: &str) -> Option<UnixMillis> {
    let zoned = jiff::fmt::rfc2822::DateTimeParser::new()
        .parse_zoned(text.trim())
        .ok()?;
    Some(zoned.timestamp().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3_600_000;
    const CHANGED: UnixMillis = UnixMillis(1_795_417_200_123);

    fn page() -> Representation {
        Representation::new("text/plain", b"hello hello hello".to_vec()).changed_at(CHANGED)
    }

    fn ask(headers: &[(&str, &str)], now: UnixMillis) -> Response<Body> {
        let mut map = HeaderMap::new();
        for (name, value) in headers {
            let name: axum::http::HeaderName = name.parse().unwrap();
            map.append(name, value.parse().unwrap());
        }
        page().answer(&map, "public, max-age=900", now)
    }

    #[test]
    fn every_spelling_of_the_current_tag_gets_a_304_with_that_tag() {
        let h = page().hash;
        for (sent, echoed) in [
            (format!("\"{h}\""), format!("\"{h}\"")),
            (format!("W/\"{h}\""), format!("W/\"{h}\"")),
            (format!("\"{h}-gz\""), format!("\"{h}-gz\"")),
            (format!("\"{h}-gzip\""), format!("\"{h}-gzip\"")),
            (format!("W/\"{h};gzip\""), format!("W/\"{h};gzip\"")),
            (h.clone(), format!("\"{h}\"")),
            (format!("\"old\", \"{h}-br\""), format!("\"{h}-br\"")),
            ("*".into(), format!("\"{h}\"")),
        ] {
            let response = ask(&[("if-none-match", &sent)], CHANGED);
            assert_eq!(response.status(), StatusCode::NOT_MODIFIED, "{sent}");
            assert_eq!(response.headers()[ETAG], echoed.as_str());
            assert_eq!(response.headers()[VARY], "Accept-Encoding");
            assert!(response.headers().contains_key(CACHE_CONTROL));
            assert!(!response.headers().contains_key(CONTENT_TYPE));
        }
        for sent in [
            "\"old\"",
            "",
            "\"\"",
            &format!("\"{h}x\""),
            &format!("\"x{h}\""),
        ] {
            let response = ask(&[("if-none-match", sent)], CHANGED);
            assert_eq!(response.status(), StatusCode::OK, "{sent}");
        }
    }

    #[test]
    fn a_tag_wins_over_a_date_and_dates_readers_make_up_are_weighed() {
        let date = |ms| http_date(CHANGED.plus_ms(ms));
        let later = CHANGED.plus_ms(3 * HOUR);
        for (since, now, status) in [
            (date(0), CHANGED, 304),
            (date(-1000), later, 200),
            (date(60_000), CHANGED.plus_ms(120_000), 200), // invented, content too fresh
            (date(2 * HOUR), later, 304),
            (date(9 * HOUR), later, 200), // in the future
            ("yesterday".to_owned(), later, 200),
        ] {
            let response = ask(&[("if-modified-since", &since)], now);
            assert_eq!(response.status().as_u16(), status, "{since}");
        }
        let both = [
            ("if-none-match", "\"old\""),
            ("if-modified-since", &date(0)),
        ];
        assert_eq!(ask(&both, later).status(), StatusCode::OK);
    }

    #[test]
    fn gzip_goes_to_those_who_take_it_under_its_own_tag() {
        let h = page().hash;
        for (accept, zipped) in [
            ("gzip", true),
            ("br, gzip;q=0.5", true),
            ("*", true),
            ("x-gzip", true),
            ("gzip;q=0, *", false),
            ("identity", false),
            ("deflate", false),
            ("", false),
        ] {
            let response = ask(&[("accept-encoding", accept)], CHANGED);
            let expected = format!("\"{h}{}\"", if zipped { "-gz" } else { "" });
            assert_eq!(response.headers()[ETAG], expected.as_str(), "{accept}");
            assert_eq!(response.headers().contains_key(CONTENT_ENCODING), zipped);
        }
    }
}
