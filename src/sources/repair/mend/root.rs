//! The root: which dialect the document is, and the tag that it begins with.

use super::super::names::{Ns, namespace, split};
use super::super::tally::{Repair, short};
use super::super::vocabulary::{Dialect, Place};
use super::super::{Root, attributes};
use super::{Kind, Mender};

/// The namespaces that every feed declares in our spelling.
const EXTENSIONS: &str = " xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
    xmlns:dc=\"http://purl.org/dc/elements/1.1/\" \
    xmlns:media=\"http://search.yahoo.com/mrss/\" \
    xmlns:itunes=\"http://www.itunes.com/dtds/podcast-1.0.dtd\" \
    xmlns:podcast=\"https://podcastindex.org/namespace/1.0\" \
    xmlns:wfw=\"http://wellformedweb.org/CommentAPI/\"";

/// Versions of RSS that feed-rs reads; it reads all others as the last.
const VERSIONS: [&str; 3] = ["0.91", "0.92", "2.0"];

impl<'a> Mender<'a> {
    /// The first element of the document.
    pub(super) fn root(&mut self, name: &'a str, raw: &'a str, closed: bool) {
        self.entities = self.tokens.take_entities();
        let mended = attributes::read(raw, &mut self.attributes);
        self.tally.attributes += mended;
        let (prefix, local) = split(name);
        let lower = local.to_ascii_lowercase();
        let (dialect, root) = match lower.as_str() {
            "rss" => (Dialect::Rss, Root::Rss),
            "channel" if local == lower && !self.attributes.iter().any(|a| a.name == "href") => {
                (Dialect::Rss, Root::Rss)
            }
            "rdf" => (Dialect::Rdf, Root::Rdf),
            "feed" | "entry" => (Dialect::Atom, Root::Atom),
            "urlset" | "sitemapindex" => (Dialect::Sitemap, Root::Sitemap),
            other => {
                self.facts.root = if other == "html" {
                    Root::Html
                } else {
                    Root::Other
                };
                self.done = true;
                return;
            }
        };
        self.dialect = Some(dialect);
        self.facts.root = root;
        self.bind_root(prefix, dialect);
        let lang = self.attributes.iter().find(|a| a.name == "xml:lang");
        self.facts.xml_lang = lang.map(|a| short(a.value)).filter(|l| !l.is_empty());
        self.write_root(name, dialect, &lower);
        if closed {
            self.end(name);
        }
    }

    /// Writes the root's tag in our spelling.
    fn write_root(&mut self, name: &'a str, dialect: Dialect, lower: &str) {
        match dialect {
            Dialect::Rss => self.rss_root(name, lower == "channel"),
            Dialect::Rdf => {
                self.out.push_str("<rdf:RDF xmlns:rdf=\"http://www.w3.org/1999/02/22-rdf-syntax-ns#\" xmlns=\"http://purl.org/rss/1.0/\"");
                self.root_tag(name, "rdf:RDF", Place::Document, EXTENSIONS);
            }
            Dialect::Atom if lower == "entry" => {
                self.begin_item();
                self.out
                    .push_str("<entry xmlns=\"http://www.w3.org/2005/Atom\"");
                self.root_tag(name, "entry", Place::Item, EXTENSIONS);
            }
            Dialect::Atom => {
                self.out
                    .push_str("<feed xmlns=\"http://www.w3.org/2005/Atom\"");
                self.root_tag(name, "feed", Place::Channel, EXTENSIONS);
            }
            Dialect::Sitemap => {
                let own = if lower == "urlset" {
                    "urlset"
                } else {
                    "sitemapindex"
                };
                self.out.push('<');
                self.out.push_str(own);
                self.out
                    .push_str(" xmlns=\"http://www.sitemaps.org/schemas/sitemap/0.9\"");
                self.root_tag(
                    name,
                    own,
                    Place::Sitemap,
                    " xmlns:news=\"http://www.google.com/schemas/sitemap-news/0.9\" \
                     xmlns:image=\"http://www.google.com/schemas/sitemap-image/1.1\" \
                     xmlns:xhtml=\"http://www.w3.org/1999/xhtml\"",
                );
            }
        }
    }

    /// What the root binds; its own namespace is the dialect's, whatever it is called.
    fn bind_root(&mut self, prefix: &'a str, dialect: Dialect) {
        for at in 0..self.attributes.len() {
            let attribute = self.attributes[at];
            match split(attribute.name) {
                ("", "xmlns") => {
                    self.root_uri = attribute.value;
                    let ns = namespace(attribute.value, &mut self.tally);
                    let is_own = prefix.is_empty() || ns == Ns::Other || dialect == Dialect::Rdf;
                    self.scope.bind("", if is_own { Ns::Main } else { ns });
                }
                ("xmlns", bound) => {
                    let ns = namespace(attribute.value, &mut self.tally);
                    self.scope.bind(bound, ns);
                }
                _ => {}
            }
        }
        if dialect != Dialect::Rdf || prefix.is_empty() {
            self.scope.bind(prefix, Ns::Main);
        }
    }

    fn rss_root(&mut self, name: &'a str, is_channel: bool) {
        let said = self
            .attributes
            .iter()
            .find(|a| a.name.eq_ignore_ascii_case("version"))
            .map(|a| a.value.trim());
        let known = said.and_then(|said| VERSIONS.into_iter().find(|v| *v == said));
        if known.is_none() {
            self.tally
                .tell(Repair::Version(said.filter(|s| !s.is_empty()).map(short)));
        }
        self.out.push_str("<rss version=\"");
        self.out.push_str(known.unwrap_or("2.0"));
        self.out
            .push_str("\" xmlns:atom=\"http://www.w3.org/2005/Atom\"");
        self.root_tag(name, "rss", Place::Document, EXTENSIONS);
        if is_channel {
            self.open_channel(name);
        }
    }

    /// Writes the rest of the root's tag and opens it.
    fn root_tag(&mut self, raw: &'a str, name: &'static str, place: Place, declarations: &str) {
        self.out.push_str(declarations);
        self.xml_attributes();
        self.out.push('>');
        let mark = self.scope.mark();
        self.push(raw, Kind::Container(place), name, 0, mark);
    }

    /// Opens the one channel of RSS, in which everything is, wherever it stands.
    pub(super) fn open_channel(&mut self, raw: &'a str) {
        let start = self.out.len();
        self.out.push_str("<channel>");
        let mark = self.scope.mark();
        self.push(raw, Kind::Container(Place::Channel), "channel", start, mark);
    }
}
