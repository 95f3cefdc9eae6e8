//! What an element is, by dialect, by the place it stands in and by its name.

mod atom;

use super::names::Ns;

/// The vocabulary a document is written in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Dialect {
    Rss,
    Rdf,
    Atom,
    Sitemap,
}

/// Where an element stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// The root of RSS and RDF.
    Document,
    /// A channel, or Atom's feed.
    Channel,
    /// An item or entry.
    Item,
    Person,
    Picture,
    /// `skipHours` and `skipDays`.
    Pauses,
    /// Atom's `source`.
    Origin,
    /// Atom's author in RSS.
    Byline,
    /// Something of Media RSS, iTunes or Podcasting with parts.
    Group,
    /// Anywhere in a sitemap.
    Sitemap,
}

/// What an item must have; found under its right name, or else under another.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Field {
    Title,
    Link,
    Summary,
    Content,
    Date,
    Updated,
    Author,
}

/// How many fields there are.
pub(super) const FIELDS: usize = 7;

/// What an element of text needs beside being written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Role {
    Plain,
    /// It is one of the fields.
    Sets(Field),
    /// A person that is noted, because feed-rs takes it for a credit.
    Byline,
    Guid,
    /// RSS's link, which some write as Atom's.
    Link,
    /// Atom's link.
    AtomLink,
    /// A text that feed-rs reads a person from.
    Person,
    /// The same of an item.
    Author,
    /// Atom's text constructs.
    Typed(Option<Field>),
    /// Atom's content.
    Content,
    Duration,
    /// Attributes with times in them.
    Timed,
    /// A text of Media RSS, which must not be empty.
    MediaText,
    /// A text of iTunes, whose type must be one of Atom's.
    ItunesText,
    /// A person of Podcasting, whose role must be known.
    PodcastPerson,
    Language,
    Generator,
    Ttl,
}

/// What is only noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fact {
    SkipHour,
    SkipDay,
    UpdatePeriod,
    UpdateFrequency,
    DcLanguage,
    ItemLanguage,
    Subject,
    Comments,
    Source,
    SourceName,
    Cloud,
    Withdrawn,
}

/// What becomes of an element.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shape {
    /// Written, with elements in it.
    Container(&'static str, Place),
    /// Written, with text in it.
    Leaf(&'static str, Role),
    /// Kept for the end of its item; the lower number is the better stand-in.
    Late(Field, u8),
    /// Noted and not written.
    Note(Fact),
    /// Not written itself; its elements are looked at.
    Hidden(Place),
    /// Not written, with all that is in it.
    Skip,
}

use Field::{Author, Content, Date, Summary, Title, Updated};
use Role::{Plain, Sets};
use Shape::{Container, Hidden, Late, Leaf, Note, Skip};

/// What the element `local` of `ns` is at `place`. The name is in lower case.
pub(super) fn shape(dialect: Dialect, place: Place, ns: Ns, local: &str) -> Shape {
    match (place, dialect) {
        (Place::Document, Dialect::Rdf) => rdf_document(ns, local),
        (Place::Document, _) => rss_document(ns, local),
        (Place::Channel, Dialect::Atom) => atom::feed(ns, local),
        (Place::Channel, _) => rss_channel(dialect, ns, local),
        (Place::Item, Dialect::Atom) => atom::entry(ns, local),
        (Place::Item, Dialect::Rdf) => rdf_item(ns, local),
        (Place::Item, _) => rss_item(ns, local),
        (Place::Sitemap, _) => atom::sitemap(ns, local),
        _ => part(place, ns, local),
    }
}

fn rdf_document(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Main, "channel") => Container("channel", Place::Channel),
        (Ns::Main, "item") => Container("item", Place::Item),
        (Ns::Main, "image") => Container("image", Place::Picture),
        _ => Skip,
    }
}

fn rss_document(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Main, "channel") => Container("channel", Place::Channel),
        _ => Skip,
    }
}

fn part(place: Place, ns: Ns, local: &str) -> Shape {
    match (place, ns, local) {
        (Place::Person, _, "name") => Leaf("name", Plain),
        (Place::Person, _, "uri" | "url" | "homepage") => Leaf("uri", Plain),
        (Place::Person, _, "email") => Leaf("email", Plain),
        (Place::Picture, Ns::Main, "url") => Leaf("url", Plain),
        (Place::Picture, Ns::Main, "title") => Leaf("title", Plain),
        (Place::Picture, Ns::Main, "link") => Leaf("link", Plain),
        (Place::Picture, Ns::Main, "width") => Leaf("width", Plain),
        (Place::Picture, Ns::Main, "height") => Leaf("height", Plain),
        (Place::Picture, Ns::Main, "description") => Leaf("description", Plain),
        (Place::Pauses, Ns::Main, "hour") => Note(Fact::SkipHour),
        (Place::Pauses, Ns::Main, "day") => Note(Fact::SkipDay),
        (Place::Origin, Ns::Main, "title") => Note(Fact::SourceName),
        (Place::Origin, Ns::Main, "link") => Note(Fact::Source),
        (Place::Byline, Ns::Atom, "name") => Late(Author, 1),
        (Place::Group, Ns::Itunes, "email") => Leaf("itunes:email", Plain),
        (Place::Group, Ns::Itunes, "name") => Leaf("itunes:name", Role::Person),
        (Place::Group, Ns::Itunes, "category") => Container("itunes:category", Place::Group),
        (Place::Group, Ns::Media, local) => media(local),
        _ => Skip,
    }
}

fn rss_channel(dialect: Dialect, ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Main, "item") => Container("item", Place::Item),
        (Ns::Main, "title") => Leaf("title", Sets(Title)),
        (Ns::Main, "link") => Leaf("link", Role::Link),
        (Ns::Main, "description") => Leaf("description", Sets(Summary)),
        (Ns::Main, "tagline" | "subtitle") => Late(Summary, 2),
        (Ns::Main, "language") => Leaf("language", Role::Language),
        (Ns::Main, "copyright") => Leaf("copyright", Plain),
        (Ns::Main, "managingeditor" | "editor") => Leaf("managingEditor", Role::Person),
        (Ns::Main, "webmaster") => Leaf("webMaster", Role::Person),
        (Ns::Main, "pubdate") => Leaf("pubDate", Sets(Date)),
        (Ns::Main, "lastbuilddate") => Leaf("lastBuildDate", Sets(Updated)),
        (Ns::Main, "updated") => Leaf("updated", Sets(Updated)),
        (Ns::Main, "category") => Leaf("category", Plain),
        (Ns::Main, "generator") => Leaf("generator", Role::Generator),
        (Ns::Main, "ttl") => Leaf("ttl", Role::Ttl),
        (Ns::Main, "image") if dialect == Dialect::Rss => Container("image", Place::Picture),
        (Ns::Main, "skiphours" | "skipdays") => Hidden(Place::Pauses),
        (Ns::Main, "cloud") => Note(Fact::Cloud),
        (Ns::Atom, "link") => Leaf("atom:link", Role::AtomLink),
        (Ns::Dc, "title") => Late(Title, 1),
        (Ns::Dc, "description") => Late(Summary, 1),
        (Ns::Dc, "date") if dialect == Dialect::Rdf => Leaf("dc:date", Sets(Date)),
        (Ns::Dc, "creator") if dialect == Dialect::Rdf => Leaf("dc:creator", Role::Person),
        (Ns::Dc, "rights") if dialect == Dialect::Rdf => Leaf("dc:rights", Plain),
        (Ns::Dc, "language") if dialect == Dialect::Rdf => Leaf("dc:language", Role::Language),
        (Ns::Dc, "date") => Late(Date, 1),
        (Ns::Dc, "language") => Note(Fact::DcLanguage),
        (Ns::Itunes, "author") => Leaf("itunes:author", Role::Person),
        (Ns::Itunes, "image") => Leaf("itunes:image", Plain),
        (Ns::Itunes, "explicit") => Leaf("itunes:explicit", Plain),
        (Ns::Itunes, "category") => Container("itunes:category", Place::Group),
        (Ns::Itunes, "owner") => Container("itunes:owner", Place::Group),
        (Ns::Itunes, "summary") => Late(Summary, 3),
        (Ns::Podcast, "person") => Leaf("podcast:person", Role::PodcastPerson),
        _ => timing(ns, local),
    }
}

/// What any feed may say about its times.
fn timing(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Syndication, "updateperiod") => Note(Fact::UpdatePeriod),
        (Ns::Syndication, "updatefrequency") => Note(Fact::UpdateFrequency),
        (Ns::Tombstone, "deleted-entry") => Note(Fact::Withdrawn),
        _ => Skip,
    }
}

fn rss_item(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Main, "title") => Leaf("title", Sets(Title)),
        (Ns::Main, "link") => Leaf("link", Role::Link),
        (Ns::Main, "description") => Leaf("description", Sets(Summary)),
        (Ns::Main, "author") => Leaf("author", Role::Author),
        (Ns::Main, "category") => Leaf("category", Plain),
        (Ns::Main, "guid") => Leaf("guid", Role::Guid),
        (Ns::Main, "enclosure") => Leaf("enclosure", Plain),
        (Ns::Main, "pubdate") => Leaf("pubDate", Sets(Date)),
        (Ns::Main, "updated") => Leaf("updated", Sets(Updated)),
        (Ns::Main, "comments") => Leaf("comments", Plain),
        (Ns::Dc, "date") => Leaf("dc:date", Sets(Date)),
        (Ns::Dc, "creator") => Leaf("dc:creator", Role::Author),
        (Ns::Atom, "updated") => Leaf("atom:updated", Sets(Updated)),
        (Ns::Content, "encoded") => Leaf("content:encoded", Sets(Content)),
        (Ns::Comments, "commentrss") => Leaf("wfw:commentRss", Plain),
        (Ns::Itunes, local) => itunes_item(local),
        (Ns::Media, local) => media(local),
        (Ns::Podcast, "person") => Leaf("podcast:person", Role::PodcastPerson),
        (Ns::Podcast, "season") => Leaf("podcast:season", Plain),
        (Ns::Podcast, "episode") => Leaf("podcast:episode", Plain),
        (Ns::Podcast, "transcript") => Leaf("podcast:transcript", Plain),
        _ => stand_in(ns, local),
    }
}

fn rdf_item(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Main, "title") => Leaf("title", Sets(Title)),
        (Ns::Main, "link") => Leaf("link", Role::Link),
        (Ns::Main, "description") => Leaf("description", Sets(Summary)),
        (Ns::Content, "encoded") => Leaf("content:encoded", Sets(Content)),
        (Ns::Dc, "creator") => Leaf("dc:creator", Role::Author),
        (Ns::Dc, "date") => Leaf("dc:date", Sets(Date)),
        (Ns::Dc, "description") => Leaf("dc:description", Plain),
        (Ns::Dc, "rights") => Leaf("dc:rights", Plain),
        (Ns::Main, "pubdate") => Late(Date, 1),
        (Ns::Main, "author") => Late(Author, 1),
        _ => stand_in(ns, local),
    }
}

/// What stands in for fields of an item of RSS, and what is noted of it.
fn stand_in(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Main | Ns::Xhtml, "body") | (Ns::Xhtml, "div") | (Ns::Main, "fullitem") => {
            Late(Content, 1)
        }
        (Ns::Main, "content") => Late(Content, 3),
        (Ns::Main, "summary" | "abstract") => Late(Summary, 2),
        (Ns::Main, "date" | "published" | "issued") => Late(Date, 2),
        (Ns::Main, "created") => Late(Date, 4),
        (Ns::Main, "modified") => Late(Updated, 2),
        (Ns::Main, "source") => Note(Fact::Source),
        (Ns::Atom, "link") => Leaf("atom:link", Role::AtomLink),
        (Ns::Atom, "author") => Hidden(Place::Byline),
        (Ns::Atom, "title") => Late(Title, 3),
        (Ns::Atom, "summary") => Late(Summary, 3),
        (Ns::Atom, "content") => Late(Content, 2),
        (Ns::Atom, "published" | "issued") => Late(Date, 1),
        (Ns::Atom, "created") => Late(Date, 4),
        (Ns::Atom, "updated" | "modified") => Late(Updated, 1),
        _ => stand_in_anywhere(ns, local),
    }
}

fn stand_in_anywhere(ns: Ns, local: &str) -> Shape {
    match (ns, local) {
        (Ns::Dc, "title") => Late(Title, 1),
        (Ns::Dc, "description") => Late(Summary, 1),
        (Ns::Dc, "author" | "contributor") => Late(Author, 2),
        (Ns::Dc, "publisher") => Late(Author, 3),
        (Ns::Dc, "subject") => Note(Fact::Subject),
        (Ns::Dc, "language") => Note(Fact::ItemLanguage),
        (Ns::Terms, "issued" | "date") => Late(Date, 3),
        (Ns::Terms, "created" | "available" | "datesubmitted") => Late(Date, 5),
        (Ns::Terms, "modified") => Late(Updated, 3),
        (Ns::Terms, "abstract") => Late(Summary, 4),
        (Ns::Itunes, "author") => Late(Author, 2),
        (Ns::Itunes, "summary") => Late(Summary, 4),
        (Ns::Itunes, "subtitle") => Late(Summary, 5),
        (Ns::Slash, "comments") => Note(Fact::Comments),
        _ => timing(ns, local),
    }
}

fn itunes_item(local: &str) -> Shape {
    match local {
        "title" => Leaf("itunes:title", Role::ItunesText),
        "summary" => Leaf("itunes:summary", Role::ItunesText),
        "image" => Leaf("itunes:image", Plain),
        "duration" => Leaf("itunes:duration", Role::Duration),
        "author" => Leaf("itunes:author", Role::Byline),
        "episode" => Leaf("itunes:episode", Plain),
        "season" => Leaf("itunes:season", Plain),
        _ => stand_in_anywhere(Ns::Itunes, local),
    }
}

fn media(local: &str) -> Shape {
    match local {
        "group" => Container("media:group", Place::Group),
        "content" => Container("media:content", Place::Group),
        "community" => Container("media:community", Place::Group),
        "title" => Leaf("media:title", Role::MediaText),
        "description" => Leaf("media:description", Role::MediaText),
        "thumbnail" => Leaf("media:thumbnail", Role::Timed),
        "text" => Leaf("media:text", Role::Timed),
        "credit" => Leaf("media:credit", Plain),
        "rating" => Leaf("media:rating", Plain),
        "player" => Leaf("media:player", Plain),
        "starrating" => Leaf("media:starRating", Plain),
        "statistics" => Leaf("media:statistics", Plain),
        _ => Skip,
    }
}
