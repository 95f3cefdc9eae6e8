//! Front matter of the three programs.

use super::*;
use crate::sources::folder::front_matter;

fn read(text: &str, is_jekyll: bool) -> (Fields, Vec<(usize, String)>) {
    let page = front_matter::read(text).unwrap_or_else(|e| panic!("{e}"));
    fields(&page, &TimeZone::UTC, is_jekyll)
}

fn at(date: Option<UnixMillis>) -> String {
    date.map(|d| d.to_string()[..10].to_owned())
        .unwrap_or_default()
}

#[test]
fn hugos_front_matter_is_read_with_its_chains() {
    let (page, notes) = read(
        "---\nTitle: Floods\nDate: 2026-11-20\npublishDate: 2026-11-23\nlastmod: 2026-11-24\n\
         expiryDate: 2027-01-01\nslug: floods-in-sindh\ntags: [Weather, weather, Sindh]\n\
         categories: Region\nauthors: [{name: Ayesha Khan}, a@example.org]\ncover: {image: boat.jpg, alt: A boat, relative: true}\n\
         aliases: [/old/, /older/]\nsummary: Short\nlanguage: ur\n---\n",
        false,
    );
    assert_eq!(notes, []);
    assert_eq!(page.title.as_deref(), Some("Floods"));
    assert_eq!(
        [at(page.published), at(page.updated), at(page.expires)],
        ["2026-11-23", "2026-11-24", "2027-01-01"]
    );
    assert_eq!(page.topics, ["Region", "Weather", "Sindh"]);
    assert_eq!(page.authors, ["Ayesha Khan"]);
    assert_eq!(
        page.image,
        Some(("boat.jpg".to_owned(), "A boat".to_owned()))
    );
    assert_eq!(page.aliases, ["/old/", "/older/"]);
    assert_eq!(page.kept_back, None);
    let (only_lastmod, _) = read("---\nlastmod: 2026-11-24\n---\n", false);
    assert_eq!(at(only_lastmod.published), "2026-11-24");
}

#[test]
fn zolas_front_matter_is_read() {
    let (page, notes) = read(
        "+++\ntitle = \"Floods\"\ndate = 2026-11-23T10:00:00Z\nupdated = 2026-11-24\npath = \"a/b\"\n\
         [taxonomies]\ntags = [\"Weather\"]\ncategories = [\"Region\"]\nauthors = [\"Ayesha\"]\n\
         [extra]\nimage = \"boat.jpg\"\nalt = \"A boat\"\n+++\n",
        false,
    );
    assert_eq!(notes, []);
    assert_eq!(
        [at(page.published), at(page.updated)],
        ["2026-11-23", "2026-11-24"]
    );
    assert_eq!(page.topics, ["Region", "Weather"]);
    assert_eq!(page.authors, ["Ayesha"]);
    assert_eq!(
        page.image,
        Some(("boat.jpg".to_owned(), "A boat".to_owned()))
    );
    assert_eq!(page.address.as_deref(), Some("a/b"));
}

#[test]
fn jekylls_front_matter_is_read() {
    let (page, notes) = read(
        "---\nlayout: post\ntitle: 2026\ndate: 2026-11-23 10:00:00 +0500\ncategories: region weather\n\
         tags: 'a b'\npublished: true\nimage: {path: /b.jpg, alt: A boat}\nauthor: ayesha\npermalink: /x/\n---\n",
        true,
    );
    assert_eq!(page.title.as_deref(), Some("2026"));
    assert_eq!(page.topics, ["region", "weather", "a", "b"]);
    assert_eq!(page.published.unwrap().to_string(), "2026-11-23T05:00:00Z");
    assert_eq!(page.image, Some(("/b.jpg".to_owned(), "A boat".to_owned())));
    assert_eq!(page.kept_back, None);
    assert_eq!(notes, []);
}

#[test]
fn what_is_not_to_go_out_says_why() {
    for (text, words) in [
        ("draft: true", "draft"),
        ("published: false", "not published"),
        ("published: no", "not published"),
        ("status: draft", "draft"),
        ("courant: {send: false}", "send: false"),
        ("build: {render: never}", "without an address"),
    ] {
        let (page, _) = read(&format!("---\n{text}\n---\n"), false);
        assert!(
            page.kept_back.is_some_and(|why| why.contains(words)),
            "{text}: {page:?}"
        );
    }
}

#[test]
fn a_bad_date_is_told_with_its_line_and_the_next_one_holds() {
    let (page, notes) = read(
        "---\ntitle: x\npublishDate: soon\ndate: 2026-11-23\n---\n",
        false,
    );
    assert_eq!(at(page.published), "2026-11-23");
    assert_eq!(notes.len(), 1);
    assert_eq!(notes[0].0, 3);
    assert!(
        notes[0].1.contains("`publishdate: soon` is no date"),
        "{notes:?}"
    );
}

#[test]
fn an_embargo_is_later_than_the_date_and_our_id_comes_first() {
    let (page, _) = read(
        "---\nid: other\ndate: 2026-11-23\ncourant: {id: mine, embargo: 2026-12-01}\n---\n",
        false,
    );
    assert_eq!(at(page.published), "2026-12-01");
    assert_eq!(page.id.as_deref(), Some("mine"));
    let (page, _) = read("+++\n[extra.courant]\nid = \"mine\"\n+++\n", false);
    assert_eq!(page.id.as_deref(), Some("mine"));
}
