//! Hubs in the headers of an answer: `Link: <…>; rel="hub"` (W3C WebSub §4, RFC 8288), and a
//! feed that a hub sent us.

use reqwest::header::{HeaderMap, LINK};
use url::Url;

use super::parse;
use crate::sources::{Document, Hubs, PollError, Polled};

/// Links looked at; a page that preloads its pictures may have hundreds.
const MOST_LINKS: usize = 200;
/// Hubs kept.
const MOST_HUBS: usize = 8;

/// The hubs that an answer's headers name. Without a `rel=self` the hubs know the feed by the
/// address that answered.
pub(super) fn of_headers(headers: &HeaderMap, at: &Url) -> Hubs {
    let mut found = Hubs::default();
    let values = headers.get_all(LINK).into_iter();
    let texts = values.filter_map(|value| std::str::from_utf8(value.as_bytes()).ok());
    for (target, rels) in texts.flat_map(links).take(MOST_LINKS) {
        let Ok(url) = at.join(target) else { continue };
        if !matches!(url.scheme(), "http" | "https") || url.as_str().len() > 2000 {
            continue;
        }
        let is = |wanted: &str| {
            rels.split_whitespace()
                .any(|rel| rel.eq_ignore_ascii_case(wanted))
        };
        if is("hub")
            && found.hubs.len() < MOST_HUBS
            && !found.hubs.iter().any(|h| h == url.as_str())
        {
            found.hubs.push(url.to_string());
        }
        if is("self") && found.topic.is_none() {
            found.topic = Some(url.to_string());
        }
    }
    if !found.hubs.is_empty() && found.topic.is_none() {
        found.topic = Some(at.to_string());
    }
    found
}

/// The links of one `Link` value: each with its target and the words of its `rel`.
fn links(mut rest: &str) -> impl Iterator<Item = (&str, &str)> {
    std::iter::from_fn(move || {
        let (_, after) = rest.split_once('<')?;
        let (target, after) = after.split_once('>')?;
        let end = place_of(b',', after);
        rest = &after[end..];
        Some((target.trim(), rel_of(&after[..end])))
    })
}

/// Where `separator` first stands outside quotes; the end where it does not.
fn place_of(separator: u8, text: &str) -> usize {
    let mut is_quoted = false;
    for (place, byte) in text.bytes().enumerate() {
        match byte {
            b'"' => is_quoted = !is_quoted,
            _ if byte == separator && !is_quoted => return place,
            _ => {}
        }
    }
    text.len()
}

/// The value of `rel` among `; name=value; name="value"`.
fn rel_of(mut parameters: &str) -> &str {
    while !parameters.is_empty() {
        let (one, rest) = parameters.split_at(place_of(b';', parameters));
        parameters = rest.get(1..).unwrap_or_default();
        if let Some((name, value)) = one.split_once('=')
            && name.trim().eq_ignore_ascii_case("rel")
        {
            return value.trim().trim_matches('"');
        }
    }
    ""
}

/// Reads a feed that came without being asked for.
pub(super) async fn read(document: Document, at: Url) -> Result<Polled, PollError> {
    let bytes = document.body.len();
    let told = at.clone();
    let work = move || parse::parse(&document.body, document.content_type.as_deref(), &at);
    // A parser of strangers' input may panic; the task is its guard beside catch_unwind.
    let parsed = tokio::task::spawn_blocking(work)
        .await
        .map_err(|_| PollError::new(format!("{told}: the feed's parser broke down on a push")))?
        .map_err(|why| PollError::new(format!("{told}: a push: {why}")))?;
    Ok(Polled {
        entries: parsed.entries,
        feed_language: parsed.language,
        notes: parsed.notes,
        bytes,
        ..Polled::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn named(values: &[&str]) -> Hubs {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(LINK, value.parse().unwrap());
        }
        of_headers(&headers, &Url::parse("https://news.example/feed/").unwrap())
    }

    #[test]
    fn hubs_and_the_feeds_own_name_are_read_from_any_spelling_of_links() {
        let expected = Hubs {
            hubs: vec![
                "https://a.example/".into(),
                "https://news.example/hub".into(),
            ],
            topic: Some("https://news.example/feed/self".into()),
        };
        let spelled: [&[&str]; 4] = [
            &["<https://a.example/>; rel=hub, </hub>; rel=\"hub\", <self>; rel=self"],
            &[
                "<https://a.example/>; rel=\"hub\"",
                "</hub>;REL=\"HUB\"",
                "<self>;rel=\"self\"",
            ],
            &[
                "</x.css>; title=\"a, <b>; rel=hub\"; rel=preload, <https://a.example/>;rel=hub",
                "</hub>; title=\"x\"; rel=\"something hub\"",
                "<self>; rel=\"alternate self\"",
            ],
            &[
                "<https://a.example/>; rel=hub, <https://a.example/>; rel=hub, </hub>; rel=hub, \
               <self>; rel=self, <other>; rel=self",
            ],
        ];
        for values in spelled {
            assert_eq!(named(values), expected, "{values:?}");
        }
    }

    #[test]
    fn without_its_own_name_a_feed_is_known_by_its_address_and_without_hubs_there_is_nothing() {
        let alone = named(&["<https://a.example/>; rel=hub"]);
        assert_eq!(alone.topic.as_deref(), Some("https://news.example/feed/"));
        for values in [
            "",
            "<",
            "<x",
            "<javascript:1>; rel=hub",
            "<//[>; rel=hub",
            "x; rel=hub",
            "<a>; rel=\"hub",
            "<mailto:a@b>;rel=hub",
        ] {
            let found = named(&[values]);
            assert!(
                found.hubs.len() <= 1 && !format!("{found:?}").contains("script"),
                "{values}"
            );
        }
        let many = "<https://a.example/?1>; rel=hub, ".repeat(5000);
        assert_eq!(named(&[&many]).hubs.len(), 1);
    }
}
