//! Namespaces: what people write for them, and which prefix means which.

use super::tally::{Repair, Tally, short};

/// Bindings of prefixes that are in force at one place.
const MOST_BINDINGS: usize = 128;

/// A namespace that means something to us.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Ns {
    /// The vocabulary of the dialect: RSS's, Atom's, the sitemap's.
    Main,
    Rss,
    Atom,
    Content,
    Dc,
    Terms,
    Media,
    Itunes,
    Podcast,
    Comments,
    Slash,
    Syndication,
    Tombstone,
    Xhtml,
    Rdf,
    Xml,
    News,
    Picture,
    /// Any other.
    Other,
}

/// The spelling of each that feed-rs knows, by its beginning in lower case without the scheme.
const KNOWN: [(&str, Ns, &str); 28] = [
    (
        "purl.org/rss/1.0/modules/content",
        Ns::Content,
        "http://purl.org/rss/1.0/modules/content/",
    ),
    (
        "purl.org/rss/1.0/modules/slash",
        Ns::Slash,
        "http://purl.org/rss/1.0/modules/slash/",
    ),
    (
        "purl.org/rss/1.0/modules/syndication",
        Ns::Syndication,
        "http://purl.org/rss/1.0/modules/syndication/",
    ),
    ("purl.org/rss/1.0/modules", Ns::Other, ""),
    ("purl.org/rss/1.0", Ns::Rss, "http://purl.org/rss/1.0/"),
    ("purl.org/net/rss1.1", Ns::Other, ""),
    (
        "my.netscape.com/rdf/simple/0.9",
        Ns::Rss,
        "http://my.netscape.com/rdf/simple/0.9/",
    ),
    ("my.netscape.com/publish/formats/rss-0.91", Ns::Rss, ""),
    (
        "channel.netscape.com/rdf/simple/0.9",
        Ns::Rss,
        "http://channel.netscape.com/rdf/simple/0.9/",
    ),
    ("backend.userland.com/rss", Ns::Rss, ""),
    ("blogs.law.harvard.edu/tech/rss", Ns::Rss, ""),
    (
        "www.w3.org/2005/atom",
        Ns::Atom,
        "http://www.w3.org/2005/Atom",
    ),
    ("purl.org/atom/app", Ns::Other, ""),
    ("purl.org/atom/ns", Ns::Atom, "http://purl.org/atom/ns#"),
    ("purl.org/atom", Ns::Atom, ""),
    ("purl.org/dc/terms", Ns::Terms, "http://purl.org/dc/terms/"),
    (
        "purl.org/dc/elements",
        Ns::Dc,
        "http://purl.org/dc/elements/1.1/",
    ),
    (
        "search.yahoo.com/mrss",
        Ns::Media,
        "http://search.yahoo.com/mrss/",
    ),
    (
        "www.itunes.com/dtds/podcast-1.0.dtd",
        Ns::Itunes,
        "http://www.itunes.com/dtds/podcast-1.0.dtd",
    ),
    ("example.com/dtds/podcast-1.0.dtd", Ns::Itunes, ""),
    (
        "podcastindex.org/namespace/1.0",
        Ns::Podcast,
        "https://podcastindex.org/namespace/1.0",
    ),
    (
        "github.com/podcastindex-org/podcast-namespace/blob/main/docs/1.0.md",
        Ns::Podcast,
        "",
    ),
    (
        "wellformedweb.org/commentapi",
        Ns::Comments,
        "http://wellformedweb.org/CommentAPI/",
    ),
    (
        "purl.org/atompub/tombstones/1.0",
        Ns::Tombstone,
        "http://purl.org/atompub/tombstones/1.0",
    ),
    (
        "www.w3.org/1999/xhtml",
        Ns::Xhtml,
        "http://www.w3.org/1999/xhtml",
    ),
    (
        "www.w3.org/1999/02/22-rdf-syntax-ns",
        Ns::Rdf,
        "http://www.w3.org/1999/02/22-rdf-syntax-ns#",
    ),
    (
        "www.google.com/schemas/sitemap-news",
        Ns::News,
        "http://www.google.com/schemas/sitemap-news/0.9",
    ),
    (
        "www.google.com/schemas/sitemap-image",
        Ns::Picture,
        "http://www.google.com/schemas/sitemap-image/1.1",
    ),
];

/// The namespace that `uri` means, however it is spelled.
pub(super) fn namespace(uri: &str, tally: &mut Tally) -> Ns {
    let uri = uri.trim();
    let lower = uri
        .get(..uri.len().min(120))
        .unwrap_or("")
        .to_ascii_lowercase();
    let rest = lower
        .strip_prefix("http://")
        .or_else(|| lower.strip_prefix("https://"))
        .unwrap_or(&lower);
    let is = |start: &str| {
        rest.strip_prefix(start).is_some_and(|after| {
            after.is_empty()
                || after.starts_with(['/', '#', '-', '.', '2'])
                || start.ends_with(['/', '#'])
        })
    };
    let Some((_, ns, spelling)) = KNOWN.iter().find(|(start, _, _)| is(start)) else {
        return Ns::Other;
    };
    if !spelling.is_empty() && *spelling != uri {
        tally.tell(Repair::Namespace(short(uri)));
    }
    *ns
}

/// What everybody means by a prefix.
fn customary(prefix: &str) -> Ns {
    match prefix.to_ascii_lowercase().as_str() {
        "rss" => Ns::Rss,
        "atom" | "atom10" | "atom03" | "a10" => Ns::Atom,
        "content" => Ns::Content,
        "dc" => Ns::Dc,
        "dcterms" | "dct" => Ns::Terms,
        "media" | "mrss" => Ns::Media,
        "itunes" => Ns::Itunes,
        "podcast" => Ns::Podcast,
        "wfw" => Ns::Comments,
        "slash" => Ns::Slash,
        "sy" => Ns::Syndication,
        "at" => Ns::Tombstone,
        "xhtml" | "html" => Ns::Xhtml,
        "rdf" => Ns::Rdf,
        "news" => Ns::News,
        "image" => Ns::Picture,
        _ => Ns::Other,
    }
}

/// The prefixes in force, innermost last.
#[derive(Debug, Default)]
pub(super) struct Scope<'a> {
    bindings: Vec<(&'a str, Ns)>,
    undeclared: Vec<(&'a str, Ns)>,
}

impl<'a> Scope<'a> {
    /// How many bindings there are, to return to.
    pub(super) fn mark(&self) -> usize {
        self.bindings.len()
    }

    /// Leaves what was bound since `mark`.
    pub(super) fn leave(&mut self, mark: usize) {
        self.bindings.truncate(mark);
    }

    /// Binds `prefix`, empty for the default.
    pub(super) fn bind(&mut self, prefix: &'a str, ns: Ns) {
        if self.bindings.len() < MOST_BINDINGS {
            self.bindings.push((prefix, ns));
        }
    }

    /// What `prefix` means here; nothing declared is what everybody means by it.
    pub(super) fn resolve(&mut self, prefix: &'a str, tally: &mut Tally) -> Ns {
        let find = |list: &[(&str, Ns)]| {
            list.iter()
                .rev()
                .find(|(p, _)| *p == prefix)
                .map(|(_, ns)| *ns)
        };
        if let Some(ns) = find(&self.bindings) {
            return ns;
        }
        match prefix {
            "" => return Ns::Main,
            "xml" => return Ns::Xml,
            _ => {}
        }
        find(&self.undeclared).unwrap_or_else(|| {
            let ns = customary(prefix);
            if self.undeclared.len() < MOST_BINDINGS {
                self.undeclared.push((prefix, ns));
            }
            tally.tell(Repair::Prefix(short(prefix)));
            ns
        })
    }
}

/// A name as prefix and local part.
pub(super) fn split(name: &str) -> (&str, &str) {
    name.split_once(':').unwrap_or(("", name))
}
