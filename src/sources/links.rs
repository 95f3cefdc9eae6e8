//! `Link` headers (RFC 8288): what an answer says it belongs to.

use reqwest::header::{HeaderMap, LINK};
use url::Url;

/// Links kept of one answer.
const MOST_LINKS: usize = 100;

/// One link of a `Link` header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The words of `rel`, in lower case.
    pub(super) rel: Vec<String>,
    /// `type`, in lower case.
    pub(super) kind: String,
    /// `hreflang`, as written.
    pub(super) language: Option<String>,
    pub(super) title: String,
    pub(super) url: Url,
}

impl Link {
    pub(super) fn is(&self, rel: &str) -> bool {
        self.rel.iter().any(|word| word == rel)
    }
}

/// The links of an answer from `base`, in order.
pub(super) fn links(headers: &HeaderMap, base: &Url) -> Vec<Link> {
    let values = headers.get_all(LINK).iter();
    let values = values.filter_map(|value| value.to_str().ok());
    values
        .filter(|value| value.len() <= 16 * 1024)
        .flat_map(|value| parse(value, base))
        .take(MOST_LINKS)
        .collect()
}

fn parse(value: &str, base: &Url) -> Vec<Link> {
    let mut found = Vec::new();
    let mut rest = value;
    while let Some(start) = rest.find('<') {
        let Some(end) = rest[start..].find('>') else {
            break;
        };
        let target = &rest[start + 1..start + end];
        let (parameters, after) = parameters(&rest[start + end + 1..]);
        rest = after;
        let value_of = |name: &str| {
            let found = parameters.iter().find(|(key, _)| key == name);
            found.map(|(_, value)| value.clone())
        };
        let Ok(url) = base.join(target.trim()) else {
            continue;
        };
        found.push(Link {
            rel: value_of("rel")
                .unwrap_or_default()
                .split_ascii_whitespace()
                .map(str::to_ascii_lowercase)
                .collect(),
            kind: value_of("type").unwrap_or_default().to_ascii_lowercase(),
            language: value_of("hreflang"),
            title: value_of("title").unwrap_or_default(),
            url,
        });
        if found.len() == MOST_LINKS {
            break;
        }
    }
    found
}

/// `; rel="next"; type=x` up to the comma that ends it, and what follows.
fn parameters(text: &str) -> (Vec<(String, String)>, &str) {
    let mut found = Vec::new();
    let mut rest = text.trim_start();
    while let Some(after) = rest.strip_prefix(';') {
        let end = after.find(['=', ';', ',']).unwrap_or(after.len());
        let (name, after) = after.split_at(end);
        let name = name.trim().to_ascii_lowercase();
        let Some(after) = after.strip_prefix('=') else {
            rest = after;
            continue;
        };
        let after = after.trim_start();
        let (value, after) = match after.strip_prefix('"') {
            Some(quoted) => {
                let end = quoted.find('"').unwrap_or(quoted.len());
                (&quoted[..end], quoted.get(end + 1..).unwrap_or_default())
            }
            None => after.split_at(after.find([';', ',']).unwrap_or(after.len())),
        };
        found.push((name, value.trim().to_owned()));
        rest = after.trim_start();
    }
    (found, rest)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_read_with_commas_in_their_addresses_and_words_in_their_relations() {
        let base = Url::parse("https://e.org/a/").unwrap();
        let mut headers = HeaderMap::new();
        headers.append(
            LINK,
            "<https://e.org/wp-json/>; rel=\"https://api.w.org/\""
                .parse()
                .unwrap(),
        );
        headers.append(
            LINK,
            "</x?a=1,2>; title=\"a, b; c\"; rel=\"Alternate next\"; type=application/rss+xml; hreflang=ur , <b>;rel=prev;crossorigin"
                .parse()
                .unwrap(),
        );
        let links = links(&headers, &base);
        assert_eq!(links.len(), 3);
        assert!(links[0].is("https://api.w.org/"));
        assert_eq!(links[1].url.as_str(), "https://e.org/x?a=1,2");
        assert!(links[1].is("alternate") && links[1].is("next"));
        assert_eq!(links[1].title, "a, b; c");
        assert_eq!(
            (links[1].kind.as_str(), links[1].language.as_deref()),
            ("application/rss+xml", Some("ur"))
        );
        assert_eq!(links[2].url.as_str(), "https://e.org/a/b");
        for broken in ["<", "<a", "<a>;", "<a>; rel", "<a>; rel=\"x", ";;;,,,<>"] {
            headers.clear();
            headers.append(LINK, broken.parse().unwrap());
            let _ = super::links(&headers, &base);
        }
    }
}
