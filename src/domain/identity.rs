//! What makes two entries one article: keys, not dates.
//!
//! A feed's item has several names: its guid, the same guid with another scheme, its page's
//! address. All are kept; any strong hit identifies the article, so a migration to https, a
//! `www.` or a tracking parameter never makes an old article new.

use url::Url;

use super::words;

words! {
    /// What a key was made of, strongest first.
    KeyKind {
        /// The site and the number of the post in it: what WordPress itself goes by.
        Wordpress = "wp",
        /// The source's own id, as written (RSS `guid`, Atom `id`).
        Guid = "guid",
        /// The same without what a migration changes: scheme, `www.`, trailing slash.
        GuidNormalised = "guid-norm",
        /// The page's address, normalised and without tracking parameters.
        Link = "link",
        /// The address that the page itself calls its right one, normalised like a link.
        Canonical = "canonical",
        /// Title and day, for entries that have nothing else.
        TitleDay = "title-day",
    }
}

/// One name of an article within its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdentityKey {
    /// What it was made of.
    pub kind: KeyKind,
    /// The name, at most 500 bytes of it.
    pub value: String,
}

impl IdentityKey {
    /// A name of that kind; what is longer than 500 bytes is cut.
    #[must_use]
    pub fn new(kind: KeyKind, value: &str) -> Self {
        let mut end = value.len().min(500);
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        Self {
            kind,
            value: value[..end].to_owned(),
        }
    }
}

/// The name of post `id` of the WordPress site at `site` (its home page).
#[must_use]
pub fn wordpress_key(site: &Url, id: u64) -> Option<IdentityKey> {
    let site = normalise_url(site.as_str())?;
    Some(IdentityKey::new(
        KeyKind::Wordpress,
        &format!("{site}#{id}"),
    ))
}

/// The keys of an entry, strongest first. `day` (`2026-11-23`, or empty) and `title` serve
/// only where there is neither guid nor link.
#[must_use]
pub fn keys_of(guid: Option<&str>, link: Option<&str>, title: &str, day: &str) -> Vec<IdentityKey> {
    let mut keys = Vec::with_capacity(3);
    let given = |text: Option<&str>| {
        text.map(str::trim)
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
    };
    if let Some(guid) = given(guid) {
        keys.push(IdentityKey::new(KeyKind::Guid, &guid));
        if let Some(normal) = normalise_url(&guid) {
            keys.push(IdentityKey::new(KeyKind::GuidNormalised, &normal));
        }
    }
    if let Some(normal) = given(link).as_deref().and_then(normalise_url) {
        keys.push(IdentityKey::new(KeyKind::Link, &normal));
    }
    if keys.is_empty() {
        let title: String = title
            .split_whitespace()
            .collect::<Vec<_>>()
            .join(" ")
            .to_lowercase();
        if !title.is_empty() {
            keys.push(IdentityKey::new(
                KeyKind::TitleDay,
                &format!("{title} {day}"),
            ));
        }
    }
    keys
}

/// An address without what changes when a site moves: scheme, `www.`, default port, trailing
/// slash, fragment and tracking parameters. `None` when it is no web address.
#[must_use]
pub fn normalise_url(text: &str) -> Option<String> {
    let url = Url::parse(text.trim()).ok()?;
    if !matches!(url.scheme(), "http" | "https") {
        return None;
    }
    let url = strip_tracking(url);
    let host = url.host_str()?.trim_start_matches("www.").to_owned();
    let port = url.port().map(|p| format!(":{p}")).unwrap_or_default();
    let path = url.path().trim_end_matches('/');
    let query = url.query().map(|q| format!("?{q}")).unwrap_or_default();
    Some(format!("{host}{port}{path}{query}"))
}

/// The same address without fragment and without the parameters that only say where a click
/// came from.
#[must_use]
pub fn strip_tracking(mut url: Url) -> Url {
    const EXACT: [&str; 12] = [
        "fbclid", "gclid", "dclid", "gbraid", "wbraid", "msclkid", "yclid", "twclid", "igshid",
        "mc_cid", "mc_eid", "_hsenc",
    ];
    url.set_fragment(None);
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| {
            let name = name.to_ascii_lowercase();
            !(EXACT.contains(&name.as_str())
                || name.starts_with("utm_")
                || name.starts_with("mtm_"))
        })
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    if kept.len() != url.query_pairs().count() {
        if kept.is_empty() {
            url.set_query(None);
        } else {
            url.query_pairs_mut().clear().extend_pairs(kept);
        }
    }
    url
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_move_to_https_or_a_tracking_parameter_keeps_the_name() {
        let names = [
            "http://www.example.org/a/",
            "https://example.org/a",
            "https://Example.org:443/a/?utm_source=rss&utm_medium=feed#top",
        ];
        for name in names {
            assert_eq!(
                normalise_url(name).as_deref(),
                Some("example.org/a"),
                "{name}"
            );
        }
        assert_eq!(
            normalise_url("https://example.org/?p=7").as_deref(),
            Some("example.org?p=7")
        );
        assert_eq!(normalise_url("urn:uuid:1"), None);
    }

    #[test]
    fn an_entry_without_guid_and_link_is_known_by_title_and_day() {
        let keys = keys_of(None, None, " Floods  in Sindh ", "2026-11-23");
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].value, "floods in sindh 2026-11-23");
        assert!(keys_of(None, None, "  ", "").is_empty());
        let kinds: Vec<_> = keys_of(Some("tag:x,1"), Some("https://e.org/1"), "t", "d")
            .iter()
            .map(|k| k.kind)
            .collect();
        assert_eq!(kinds, [KeyKind::Guid, KeyKind::Link]);
    }
}
