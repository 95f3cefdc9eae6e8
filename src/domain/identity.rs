//! What makes two entries one article: keys, not dates.
//!
//! A feed's item has several names: its number in WordPress, its guid, the same guid with another
//! scheme, its page's address. All are kept; any strong hit identifies the article, so a migration
//! to https, a `www.` or a tracking parameter never makes an old article new. What two articles
//! may share by chance (their text, their title on one day) is kept too, as a weak key: it only
//! makes one look like the other.

use aws_lc_rs::digest;
use data_encoding::HEXLOWER;
use url::Url;

use super::web_address::normalise_url;
use super::words;

/// The longest name kept as it is; of longer ones a digest tells the ends apart.
const LONGEST: usize = 500;
/// Shorter texts are too easily alike ("Read more on our site").
const LEAST_TEXT: usize = 200;

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
        /// Weak: the words of the text, where there are enough of them.
        Content = "content",
        /// Weak: title and day of an article that has better names.
        Headline = "headline",
    }
}

impl KeyKind {
    /// Whether a hit only makes an article look like another, and does not identify it.
    #[must_use]
    pub fn is_weak(self) -> bool {
        matches!(self, Self::Content | Self::Headline)
    }

    /// Whether it names the article by its page's address.
    #[must_use]
    pub fn is_address(self) -> bool {
        matches!(self, Self::Link | Self::Canonical)
    }
}

/// One name of an article within its source.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct IdentityKey {
    /// What it was made of.
    pub kind: KeyKind,
    /// The name, at most 500 bytes.
    pub value: String,
}

impl IdentityKey {
    /// A name of that kind. Of what is longer than 500 bytes the beginning is kept, and a digest
    /// of all of it: long addresses may differ only at their end.
    #[must_use]
    pub fn new(kind: KeyKind, value: &str) -> Self {
        if value.len() <= LONGEST {
            let value = value.to_owned();
            return Self { kind, value };
        }
        let mut end = LONGEST - 65;
        while !value.is_char_boundary(end) {
            end -= 1;
        }
        let value = format!("{}#{}", &value[..end], sha256(value));
        Self { kind, value }
    }
}

fn sha256(text: &str) -> String {
    HEXLOWER.encode(digest::digest(&digest::SHA256, text.as_bytes()).as_ref())
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

/// The WordPress name in an address as `https://news.example/?p=123`: the guid that WordPress
/// gives, and its short link.
fn post_number(address: &str) -> Option<IdentityKey> {
    let mut site = Url::parse(address.trim()).ok()?;
    let mut named = None;
    for (name, value) in site.query_pairs() {
        match &*name {
            "p" => named = Some(value.parse::<u64>().ok()?),
            // Kinds of posts have their numbers from one and the same row.
            "post_type" => {}
            _ => return None,
        }
    }
    let number = named.filter(|_| site.path().ends_with('/') || site.path().ends_with(".php"))?;
    let home = site.path().trim_end_matches("index.php").to_owned();
    site.set_path(&home);
    site.set_query(None);
    site.set_fragment(None);
    wordpress_key(&site, number)
}

/// The strong keys of an entry, strongest first. `day` (`2026-11-23`, or empty) and `title` serve
/// only where there is neither guid nor link.
#[must_use]
pub fn keys_of(guid: Option<&str>, link: Option<&str>, title: &str, day: &str) -> Vec<IdentityKey> {
    let mut keys = Vec::with_capacity(4);
    let given = |text: Option<&str>| {
        text.map(str::trim)
            .filter(|t| !t.is_empty())
            .map(str::to_owned)
    };
    let (guid, link) = (given(guid), given(link));
    keys.extend(guid.iter().chain(&link).find_map(|text| post_number(text)));
    if let Some(guid) = guid {
        keys.push(IdentityKey::new(KeyKind::Guid, &guid));
        if let Some(normal) = normalise_url(&guid) {
            keys.push(IdentityKey::new(KeyKind::GuidNormalised, &normal));
        }
    }
    if let Some(normal) = link.as_deref().and_then(normalise_url) {
        keys.push(IdentityKey::new(KeyKind::Link, &normal));
    }
    if keys.is_empty() {
        keys.extend(title_and_day(KeyKind::TitleDay, title, day));
    }
    keys
}

/// The weak keys of an article: its text, where that is long enough to be its own, and its title
/// with the day.
#[must_use]
pub fn likeness_of(title: &str, text: &str, day: &str) -> Vec<IdentityKey> {
    let words = words_of(text).join(" ");
    let is_enough = words.chars().nth(LEAST_TEXT - 1).is_some();
    let content = is_enough.then(|| IdentityKey::new(KeyKind::Content, &sha256(&words)));
    let headline = title_and_day(KeyKind::Headline, title, day);
    content.into_iter().chain(headline).collect()
}

/// The words of a text for comparing: in small letters, without punctuation and marks.
#[must_use]
pub fn words_of(text: &str) -> Vec<String> {
    text.split(|c: char| !c.is_alphanumeric())
        .filter(|word| !word.is_empty())
        .map(str::to_lowercase)
        .collect()
}

fn title_and_day(kind: KeyKind, title: &str, day: &str) -> Option<IdentityKey> {
    let title = title.split_whitespace().collect::<Vec<_>>();
    let title = title.join(" ").to_lowercase();
    (!title.is_empty()).then(|| IdentityKey::new(kind, &format!("{title} {day}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(keys: &[IdentityKey]) -> Vec<KeyKind> {
        keys.iter().map(|key| key.kind).collect()
    }

    #[test]
    fn an_entry_without_guid_and_link_is_known_by_title_and_day() {
        let keys = keys_of(None, None, " Floods  in Sindh ", "2026-11-23");
        assert_eq!(keys.len(), 1);
        assert_eq!(keys[0].value, "floods in sindh 2026-11-23");
        assert!(keys_of(None, None, "  ", "").is_empty());
        let named = keys_of(Some("tag:x,1"), Some("https://e.org/1"), "t", "d");
        assert_eq!(kinds(&named), [KeyKind::Guid, KeyKind::Link]);
    }

    #[test]
    fn wordpress_is_known_by_the_number_of_its_post_from_feed_and_rest_alike() {
        let site = Url::parse("https://news.example/blog/").unwrap();
        let rest = wordpress_key(&site, 123).unwrap();
        assert_eq!(rest.value, "news.example/blog#123");
        for guid in [
            "http://www.news.example/blog/?p=123",
            "https://news.example/blog/?post_type=story&p=123",
            "https://news.example/blog/index.php?p=123",
        ] {
            assert_eq!(keys_of(Some(guid), None, "", "")[0], rest, "{guid}");
        }
        let by_link = keys_of(None, Some("https://news.example/blog/?p=123"), "", "");
        assert_eq!(by_link[0], rest);
        for other in [
            "https://e.org/?p=x",
            "https://e.org/?p=1&q=2",
            "?p=1",
            "urn:p=1",
        ] {
            let keys = keys_of(Some(other), None, "", "");
            assert_eq!(keys[0].kind, KeyKind::Guid, "{other}");
        }
    }

    #[test]
    fn long_addresses_that_differ_at_their_end_are_two_names() {
        let long = |end: &str| IdentityKey::new(KeyKind::Guid, &("ی".repeat(400) + end));
        assert_ne!(long("1"), long("2"));
        assert_eq!(long("1"), long("1"));
        assert!(long("1").value.len() <= 500);
    }

    #[test]
    fn a_text_is_the_same_whatever_its_quotes_and_spaces_and_too_short_to_tell_below_200() {
        let body = "“The river” rose — again; by 3 metres. ".repeat(9);
        let same = "\"the  River\" rose, again: by 3 metres ".repeat(9);
        let (one, two) = (likeness_of("T", &body, "d"), likeness_of("T ", &same, "d"));
        assert_eq!(kinds(&one), [KeyKind::Content, KeyKind::Headline]);
        assert_eq!(one, two);
        assert_eq!(kinds(&likeness_of("T", "short", "d")), [KeyKind::Headline]);
        assert!(one.iter().all(|key| key.kind.is_weak()));
    }
}
