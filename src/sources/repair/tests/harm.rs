//! Well-formed feeds mean the same behind the layer as without it.

use feed_rs::model::{Entry, Feed};

use super::shapes::{Shape, every_shape};
use super::*;

/// Both readings of a document, without it and behind it.
fn both(shape: &Shape) -> (Feed, Feed) {
    let raw = read(&shape.text).unwrap_or_else(|why| panic!("{}: {why}", shape.name));
    let repaired = mend(&shape.text);
    assert!(
        repaired.repairs.is_empty(),
        "{}: {:?}",
        shape.name,
        repaired.repairs
    );
    if !shape.text.starts_with('{') {
        mended(&shape.text);
    }
    let behind = read(&repaired.text).unwrap_or_else(|why| panic!("{}: {why}", shape.name));
    (raw, behind)
}

fn assert_same(name: &str, raw: &[Entry], behind: &[Entry]) {
    assert_eq!(raw.len(), behind.len(), "{name}");
    for (a, b) in raw.iter().zip(behind) {
        assert_eq!(a, b, "{name}");
    }
}

#[test]
fn sixty_well_formed_feeds_are_read_as_without_the_layer() {
    let shapes = every_shape();
    assert!(shapes.len() >= 60, "there are {} shapes", shapes.len());
    for shape in shapes.iter().filter(|s| !s.is_xhtml) {
        let (raw, behind) = both(shape);
        assert!(
            raw.entries.len() >= 2,
            "{} has {} entries",
            shape.name,
            raw.entries.len()
        );
        assert_same(&shape.name, &raw.entries, &behind.entries);
        assert_eq!(raw.title, behind.title, "{}", shape.name);
        assert_eq!(raw.description, behind.description, "{}", shape.name);
        assert_eq!(raw.links, behind.links, "{}", shape.name);
        assert_eq!(raw.language, behind.language, "{}", shape.name);
        assert_eq!(raw.authors, behind.authors, "{}", shape.name);
        assert_eq!(raw.generator, behind.generator, "{}", shape.name);
        assert_eq!(raw.ttl, behind.ttl, "{}", shape.name);
        assert_eq!(raw.feed_type, behind.feed_type, "{}", shape.name);
    }
}

/// feed-rs writes XHTML as XML, where a reader of HTML sees `<br></br>` as two line breaks and
/// an attribute with quotes cut short. The layer makes HTML of it; the article is the same.
#[test]
fn xhtml_gives_the_same_article_as_html() {
    let shapes = every_shape();
    let xhtml: Vec<&Shape> = shapes.iter().filter(|s| s.is_xhtml).collect();
    assert!(xhtml.len() >= 4);
    for shape in xhtml {
        let (mut raw, mut behind) = both(shape);
        for (a, b) in raw.entries.iter_mut().zip(&mut behind.entries) {
            let clean = |entry: &Entry| {
                let body = entry
                    .content
                    .as_ref()
                    .and_then(|c| c.body.clone())
                    .unwrap_or_default();
                let body = body.replace("</br>", "").replace("</img>", "");
                crate::html::clean(&body, None).unwrap().into_string()
            };
            assert_eq!(clean(a), clean(b), "{}", shape.name);
            a.content = None;
            b.content = None;
        }
        assert_same(&shape.name, &raw.entries, &behind.entries);
    }
}

/// The prototype took the `type` of Media RSS for Atom's.
#[test]
fn types_of_media_in_atom_are_left_alone() {
    let feed = atom(
        "<entry xmlns:media=\"http://search.yahoo.com/mrss/\"><id>1</id><title type=\"html\">x</title>\
         <media:content url=\"https://e.org/v.mp4\" type=\"video/mp4\"/><media:title type=\"html\">&lt;b&gt;c&lt;/b&gt;</media:title>\
         <media:description type=\"plain\">d</media:description></entry>",
    );
    let (raw, behind) = (read(&feed).unwrap(), read(&mended(&feed).text).unwrap());
    assert_same("media in Atom", &raw.entries, &behind.entries);
    let kind = behind.entries[0].media[0].content[0]
        .content_type
        .as_ref()
        .unwrap();
    assert_eq!(kind.to_string(), "video/mp4");
}
