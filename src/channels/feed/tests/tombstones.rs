//! What is left of a withdrawn article.

use super::super::{Format, Tombstone, strict};
use super::{NOON, doc, item, text_of};

#[test]
fn a_withdrawn_article_leaves_a_tombstone_in_atom_alone() {
    let plain = doc(vec![item(1, "A", "<p>a</p>")]);
    let mut mourning = plain.clone();
    mourning.withdrawn.push(Tombstone {
        id: "urn:uuid:gone".into(),
        at: NOON.plus_ms(60_000),
    });
    let atom = text_of(Format::Atom, &mourning);
    strict::parse(atom.as_bytes()).unwrap();
    assert!(atom.contains("xmlns:at=\"http://purl.org/atompub/tombstones/1.0\""));
    let tombstone = format!(
        "<at:deleted-entry ref=\"urn:uuid:gone\" when=\"{}\"/>",
        NOON.plus_ms(60_000)
    );
    assert!(atom.contains(&tombstone), "{atom}");
    assert!(atom.contains(&format!("<updated>{}</updated>", NOON.plus_ms(60_000))));
    assert!(!text_of(Format::Atom, &plain).contains("tombstones"));
    for format in [Format::Rss, Format::Json] {
        assert_eq!(text_of(format, &mourning), text_of(format, &plain));
    }
}
