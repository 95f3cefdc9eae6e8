//! Bodies that publishing systems send, and bodies that nobody should.

use super::*;
use crate::domain::KeyKind;

fn article(body: &str) -> crate::domain::Entry {
    match parse(body.as_bytes()) {
        Ok(Pushed::Article(entry)) => *entry,
        other => panic!("{body}: {other:?}"),
    }
}

fn wrong(body: &str) -> Vec<String> {
    let refused = parse(body.as_bytes()).expect_err(body);
    refused.0.into_keys().collect()
}

#[test]
fn an_article_in_our_words_and_in_json_feeds_is_the_same() {
    let ours = article(
        r#"{"id": "7", "url": "https://news.example/7", "title": "A & B", "summary": "x < y",
            "content_html": "<p>Text</p>", "authors": ["Ada"], "topics": ["Region"],
            "language": "ur_PK", "published": "2026-11-23T07:00:00+05:00",
            "updated": "2026-11-23T03:00:00Z", "image": {"url": "https://news.example/7.jpg"}}"#,
    );
    let feeds = article(
        r#"{"id": 7, "url": "https://news.example/7", "title": "A & B", "summary": "x < y",
            "content_html": "<p>Text</p>", "authors": [{"name": "Ada"}], "tags": ["Region"],
            "language": "ur-PK", "date_published": "2026-11-23T02:00:00Z", "_ours": {},
            "date_modified": "2026-11-23T03:00:00Z", "image": "https://news.example/7.jpg",
            "attachments": [], "external_url": "https://elsewhere.example/"}"#,
    );
    assert_eq!(ours, feeds);
    assert_eq!(ours.title, "A &amp; B");
    assert_eq!(ours.summary_html.as_deref(), Some("x &lt; y"));
    let kinds: Vec<_> = ours.keys.iter().map(|key| key.kind).collect();
    assert_eq!(kinds, [KeyKind::Guid, KeyKind::Link]);
}

#[test]
fn plain_text_becomes_paragraphs_and_is_never_markup() {
    let entry = article(r#"{"id": "7", "content_text": "One\n<two>\r\n\r\nThree"}"#);
    let expected = "<p>One<br>&lt;two&gt;</p><p>Three</p>";
    assert_eq!(entry.content_html.as_deref(), Some(expected));
}

#[test]
fn nothing_is_a_hint_an_address_a_page_and_delete_a_withdrawal() {
    for body in ["", " \n", "{}", " { } "] {
        assert_eq!(parse(body.as_bytes()), Ok(Pushed::Look), "{body:?}");
    }
    let page = parse(br#"{"url": "https://news.example/7"}"#);
    assert!(matches!(page, Ok(Pushed::Page(url)) if url.path() == "/7"));
    let gone = Ok(Pushed::Withdrawal("7".to_owned()));
    assert_eq!(parse(br#"{"delete": "7"}"#), gone);
    assert_eq!(parse(br#"{"delete": 7}"#), gone);
}

#[test]
fn every_field_that_is_wrong_is_named_in_one_go() {
    let body = r#"{"titel": "x", "url": "/7", "published": "yesterday", "language": "!",
        "authors": [1], "topics": {"a": 1}, "image": {"src": "x"}, "content_html": 5}"#;
    let expected = [
        "authors",
        "content_html",
        "id",
        "image",
        "language",
        "published",
        "title",
        "titel",
        "topics",
        "url",
    ];
    let mut expected = expected.map(str::to_owned);
    expected.sort();
    assert_eq!(wrong(body), expected);
    let refused = parse(body.as_bytes()).unwrap_err();
    assert!(refused.0["titel"].contains("`title`"), "{refused:?}");
}

#[test]
fn hostile_bodies_are_refused_and_cost_little() {
    let deep = "[".repeat(100_000);
    let many = format!(
        r#"{{"id": 1, "title": "x", "topics": [{}""]}}"#,
        r#""a","#.repeat(60)
    );
    let strange: String = (0..5000).map(|n| format!("\"zz{n}qq\": 1,")).collect();
    let strange = format!("{{{strange}\"id\": 1}}");
    let long = format!(r#"{{"id": "{}", "title": "x"}}"#, "x".repeat(501));
    for (body, field) in [
        ("nonsense", ""),
        ("[]", ""),
        ("\"x\"", ""),
        ("7", ""),
        (&*deep, ""),
        ("{\"id\": 1", ""),
        (r#"{"title": "no name"}"#, "id"),
        (r#"{"id": "7"}"#, "title"),
        (r#"{"id": "", "title": "x"}"#, "id"),
        (r#"{"id": 1.5, "title": "x"}"#, "id"),
        (r#"{"id": true, "title": "x"}"#, "id"),
        (r#"{"delete": ""}"#, "delete"),
        (r#"{"delete": null}"#, "delete"),
        (r#"{"url": "javascript:alert(1)"}"#, "url"),
        (r#"{"url": "file:///etc/passwd", "title": "x"}"#, "url"),
        (
            r#"{"id": 1, "title": "x", "image": "data:image/png;base64,"}"#,
            "image",
        ),
        (
            r#"{"id": 1, "title": "x", "published": "2026-11-23T07:00:00"}"#,
            "published",
        ),
        (&*many, "topics"),
        (&*long, "id"),
    ] {
        let shown = &body[..body.len().min(80)];
        assert!(
            wrong(body).iter().any(|name| name == field),
            "{shown}: {:?}",
            wrong(body)
        );
    }
    assert!(wrong(&strange).len() <= 21);
    assert!(parse(&[0xff, 0xfe, b'{']).is_err());
}

fn problems(keys: &str) -> Vec<String> {
    let text = format!(
        "[site]\nname = \"S\"\nurl = \"https://s.example\"\npostal_address = \"P\"\n\
         [sources.desk]\n{keys}\n"
    );
    let path = std::path::Path::new("t.toml");
    let config = crate::config::from_text(path, &text, |_| Vec::new()).unwrap();
    let opened = crate::sources::open(&config.sources["desk"]);
    let problems = opened.err().unwrap_or_default();
    problems.into_iter().map(|p| p.message).collect()
}

#[test]
fn a_push_source_needs_a_key_that_nobody_guesses() {
    let good = "kind = \"push\"\ntoken = \"0123456789abcdef\"";
    assert_eq!(problems(good), Vec::<String>::new());
    let kept = "kind = \"push\"\nsecret = { file = \"no-such\" }";
    assert_eq!(
        problems(kept),
        Vec::<String>::new(),
        "it is read when it is needed"
    );
    assert!(problems("kind = \"push\"")[0].contains("no `token`"));
    let feed = "kind = \"feed\"\nurl = \"https://s.example/feed/\"\npush_secret = \"x\"";
    for guessable in ["kind = \"push\"\ntoken = \"hunter2\"", feed] {
        assert!(problems(guessable)[0].contains("guessed"), "{guessable}");
    }
}
