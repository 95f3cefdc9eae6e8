//! Elements of Atom, and of sitemaps.

use super::Field::{Author, Content, Date, Summary, Title, Updated};
use super::Role::{self, Plain, Sets};
use super::Shape::{self, Container, Hidden, Late, Leaf, Note, Skip};
use super::{Fact, Ns, Place, media, stand_in_anywhere, timing};

/// Elements of a feed.
pub(super) fn feed(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Main, "entry" | "item") => Container("entry", Place::Item),
        (Ns::Main, "title") => Leaf("title", Role::Typed(Some(Title))),
        (Ns::Main, "subtitle" | "tagline") => Leaf("subtitle", Role::Typed(Some(Summary))),
        (Ns::Main, "rights" | "copyright") => Leaf("rights", Role::Typed(None)),
        (Ns::Main, "updated" | "modified") => Leaf("updated", Sets(Updated)),
        (Ns::Main, "generator") => Leaf("generator", Role::Generator),
        (Ns::Main, "icon") => Leaf("icon", Plain),
        (Ns::Main, "logo") => Leaf("logo", Plain),
        (Ns::Dc, "title") => Late(Title, 1),
        (Ns::Dc, "language") => Note(Fact::DcLanguage),
        _ => shared(ns, local),
    }
}

/// What feeds and entries have in common.
fn shared(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Main, "id") => Leaf("id", Plain),
        (Ns::Main, "link") => Leaf("link", Role::AtomLink),
        (Ns::Main, "author") => Container("author", Place::Person),
        (Ns::Main, "contributor") => Container("contributor", Place::Person),
        (Ns::Main, "category") => Leaf("category", Plain),
        _ => timing(ns, local),
    }
}

/// Elements of an entry.
pub(super) fn entry(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Main, "title") => Leaf("title", Role::Typed(Some(Title))),
        (Ns::Main, "summary") => Leaf("summary", Role::Typed(Some(Summary))),
        (Ns::Main, "content") => Leaf("content", Role::Content),
        (Ns::Main, "rights" | "copyright") => Leaf("rights", Role::Typed(None)),
        (Ns::Main, "updated" | "modified") => Leaf("updated", Sets(Updated)),
        (Ns::Main, "published" | "issued") => Leaf("published", Sets(Date)),
        (Ns::Main, "pubdate") => Leaf("pubDate", Sets(Date)),
        (Ns::Main, "created") => Late(Date, 3),
        (Ns::Main, "source") => Hidden(Place::Origin),
        (Ns::Main, "description") => Late(Summary, 2),
        (Ns::Comments, "commentrss") => Leaf("wfw:commentRss", Plain),
        (Ns::Media, local) => media(local),
        (Ns::Content, "encoded") => Late(Content, 1),
        (Ns::Main | Ns::Xhtml, "body") | (Ns::Xhtml, "div") => Late(Content, 2),
        (Ns::Dc, "creator") => Late(Author, 1),
        (Ns::Dc, "date") => Late(Updated, 4),
        (Ns::Main, _) => shared(ns, local),
        _ => stand_in_anywhere(ns, local),
    }
}

/// Elements of sitemaps, wherever they stand.
pub(super) fn sitemap(ns: Ns, local: &str) -> Shape {
    let leaf = |name| Leaf(name, Plain);
    let group = |name| Container(name, Place::Sitemap);
    match (ns, local) {
        (Ns::Main, "url") => group("url"),
        (Ns::Main, "sitemap") => group("sitemap"),
        (Ns::Main, "loc") => leaf("loc"),
        (Ns::Main, "lastmod") => leaf("lastmod"),
        (Ns::Main, "changefreq") => leaf("changefreq"),
        (Ns::Main, "priority") => leaf("priority"),
        (Ns::News, "news") => group("news:news"),
        (Ns::News, "publication") => group("news:publication"),
        (Ns::News, "name") => leaf("news:name"),
        (Ns::News, "language") => leaf("news:language"),
        (Ns::News, "publication_date") => leaf("news:publication_date"),
        (Ns::News, "title") => leaf("news:title"),
        (Ns::News, "keywords") => leaf("news:keywords"),
        (Ns::News, "genres") => leaf("news:genres"),
        (Ns::News, "access") => leaf("news:access"),
        (Ns::Picture, "image") => group("image:image"),
        (Ns::Picture, "loc") => leaf("image:loc"),
        (Ns::Picture, "title") => leaf("image:title"),
        (Ns::Picture, "caption") => leaf("image:caption"),
        (Ns::Xhtml, "link") => leaf("xhtml:link"),
        _ => Skip,
    }
}
