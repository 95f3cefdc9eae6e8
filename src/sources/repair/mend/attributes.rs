//! Attributes written anew.

use url::{ParseError, Url};

use super::super::names::{Ns, split};
use super::super::references::{self, Level};
use super::super::tally::{Repair, short};
use super::super::vocabulary::Role;
use super::Mender;

/// Roles of people in Podcasting 2.0 that feed-rs knows; any other would cost the feed.
const PODCAST_ROLES: &str = include_str!("podcast_roles.txt");
const PODCAST_GROUPS: [&str; 11] = [
    "administration",
    "audio post-production",
    "audio production",
    "cast",
    "community",
    "creative direction",
    "misc",
    "video post-production",
    "video production",
    "visuals",
    "writing",
];

impl<'a> Mender<'a> {
    /// The value of an attribute as characters.
    pub(super) fn value(&mut self, name: &str) -> Option<String> {
        let attribute = *self
            .attributes
            .iter()
            .find(|a| a.name.eq_ignore_ascii_case(name))?;
        let mut out = String::new();
        references::text(
            &mut out,
            attribute.value,
            Level::Text,
            &self.entities,
            &mut self.tally,
        );
        Some(references::unwritten(&out))
    }

    /// Whether there is an attribute of this name.
    pub(super) fn has(&self, name: &str) -> bool {
        self.attributes
            .iter()
            .any(|a| a.name.eq_ignore_ascii_case(name))
    }

    pub(super) fn write_attribute(&mut self, name: &str, raw: &str) {
        self.out.push(' ');
        self.out.push_str(name);
        self.out.push_str("=\"");
        references::text(
            &mut self.out,
            raw,
            Level::Attribute,
            &self.entities,
            &mut self.tally,
        );
        self.out.push('"');
    }

    /// Writes `xml:lang`, and `xml:base` where it is an address; feed-rs refuses the whole
    /// feed otherwise.
    pub(super) fn xml_attributes(&mut self) {
        for at in 0..self.attributes.len() {
            let attribute = self.attributes[at];
            match attribute.name {
                "xml:lang" => self.write_attribute("xml:lang", attribute.value),
                "xml:base" => {
                    let base = self.value("xml:base").unwrap_or_default();
                    if matches!(
                        Url::parse(&base),
                        Ok(_) | Err(ParseError::RelativeUrlWithoutBase)
                    ) {
                        self.write_attribute("xml:base", attribute.value);
                    } else {
                        self.tally.tell(Repair::Base(short(&base)));
                    }
                }
                _ => {}
            }
        }
    }

    /// Writes the attributes of an element, those without a prefix and those with its own.
    pub(super) fn own_attributes(&mut self, own: Ns, role: Role) {
        if self.attributes.is_empty() {
            return;
        }
        self.xml_attributes();
        for at in 0..self.attributes.len() {
            let attribute = self.attributes[at];
            let (prefix, local) = split(attribute.name);
            let is_own = match prefix {
                "" => local != "xmlns",
                "xml" | "xmlns" => false,
                prefix => {
                    let is_own =
                        self.scope.resolve(prefix, &mut self.tally) == own && own != Ns::Other;
                    is_own && !self.attributes.iter().any(|a| a.name == local)
                }
            };
            if is_own && let Some(value) = self.fit(local, attribute.value, role) {
                self.write_attribute(local, &value);
            }
        }
    }

    /// An attribute's value as feed-rs can take it, if it can.
    fn fit<'b>(&self, name: &str, raw: &'b str, role: Role) -> Option<std::borrow::Cow<'b, str>> {
        let lower = || raw.trim().to_ascii_lowercase();
        match (role, name) {
            (Role::Typed(_) | Role::Content, "type" | "mode") => None,
            (Role::Timed, "time" | "start" | "end") => time(raw).map(Into::into),
            (Role::MediaText, "type") => match lower().as_str() {
                "html" | "text/html" | "xhtml" => Some("html".into()),
                "plain" => Some("plain".into()),
                _ => None,
            },
            (Role::ItunesText, "type") => {
                matches!(lower().as_str(), "html" | "text/html").then_some("html".into())
            }
            (Role::PodcastPerson, "role") => {
                let said = lower();
                PODCAST_ROLES
                    .lines()
                    .any(|line| line == said)
                    .then(|| said.into())
            }
            (Role::PodcastPerson, "group") => {
                let said = lower();
                PODCAST_GROUPS.contains(&said.as_str()).then(|| said.into())
            }
            _ => Some(raw.into()),
        }
    }
}

/// A time of Media RSS or iTunes in digits that feed-rs can count; it panics on others.
pub(super) fn time(text: &str) -> Option<String> {
    let text = text.trim();
    let ascii: String = text
        .chars()
        .map(|c| match c {
            '٠'..='٩' => char::from_digit(u32::from(c) - u32::from('٠'), 10).unwrap_or(c),
            '۰'..='۹' => char::from_digit(u32::from(c) - u32::from('۰'), 10).unwrap_or(c),
            c => c,
        })
        .collect();
    let is_short = ascii
        .split(|c: char| !c.is_ascii_digit())
        .all(|run| run.len() <= 12);
    // Only what is written as it is: without a reference or a forbidden character between them,
    // two short numbers would become one long one.
    let is_plain = ascii
        .bytes()
        .all(|b| b.is_ascii_alphanumeric() || b" :.,;+-=/".contains(&b));
    (is_plain && is_short && ascii.len() <= 64).then_some(ascii)
}
