//! Nothing fetched is trusted, from the poll to what readers see.

use std::io::Write as _;
use std::path::Path;
use std::sync::Arc;

use axum::Router;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Redirect, Response};
use axum::routing::get;
use courant::domain::UnixMillis;
use courant::net::{Client, Lookup};
use courant::pipeline::status;
use courant::store::Db;
use courant::web::export;

use crate::support::newsroom::{BRIEF, DAY_ONE, MINUTE, Newsroom};

/// A feed whose every field means harm.
const SCRIPTED: &str = "<rss version=\"2.0\" xmlns:content=\"http://purl.org/rss/1.0/modules/content/\" \
    xmlns:dc=\"http://purl.org/dc/elements/1.1/\" xmlns:media=\"http://search.yahoo.com/mrss/\"><channel><title>x</title>\
    <item><guid isPermaLink=\"false\">javascript:alert(1)</guid><link>https://news.example/story-1/</link>\
    <title><![CDATA[<script>alert(1)</script>Floods\u{202e}gnp.exe &#8;<img src=x onerror=alert(1)>in Sindh\u{2066}]]></title>\
    <dc:creator><![CDATA[Ayesha<script>alert(1)</script>\r\nBcc: all@readers.example]]></dc:creator>\
    <category><![CDATA[<svg onload=alert(1)>Region]]></category>\
    <media:thumbnail url=\"javascript:alert(1)\"/><enclosure url=\"file:///etc/passwd\" type=\"image/png\" length=\"1\"/>\
    <description><![CDATA[<p onclick=alert(1)>A summary <a href=\"java\tscript:alert(1)\">here</a>.</p>]]></description>\
    <content:encoded><![CDATA[<p style=\"x:expression(alert(1))\">The water rose.</p><script>alert(1)</script>\
    <a href=\"&#106;avascript:alert(1)\">one</a><iframe srcdoc=\"<script>alert(1)</script>\"></iframe>\
    <img src=x onerror=alert(1)><svg><script>alert(1)</script></svg><form action=https://evil.example><input></form>\
    <math><mtext><style><img src=x onerror=alert(1)></style></mtext></math><p>The last line.</p>]]></content:encoded></item>\
    <item><guid>2</guid><link>javascript:alert(1)</link><title>No way</title></item></channel></rss>";

fn feed(items: &str) -> String {
    format!("<rss version=\"2.0\"><channel><title>x</title>{items}</channel></rss>")
}

fn gzipped(unit: &[u8], times: usize) -> Vec<u8> {
    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    for _ in 0..times {
        encoder.write_all(unit).unwrap();
    }
    encoder.finish().unwrap()
}

fn rss(body: impl Into<Vec<u8>>) -> Response {
    ([(header::CONTENT_TYPE, "application/rss+xml")], body.into()).into_response()
}

async fn hostile(axum::extract::Path(name): axum::extract::Path<String>) -> Response {
    let item = "<item><guid>g</guid><title>One more</title><link>https://news.example/story-9/</link></item>";
    match name.as_str() {
        "scripted" => rss(SCRIPTED),
        "bomb" => {
            let mut answer = rss(gzipped(&[b' '; 65_536], 8_000));
            answer
                .headers_mut()
                .insert(header::CONTENT_ENCODING, "gzip".parse().unwrap());
            answer
        }
        "giant" => rss(feed(&item.repeat(17 * 1024 * 1024 / item.len()))),
        "nested" => {
            let deep = "<div>".repeat(60_000);
            rss(feed(&format!(
                "<item><guid>n</guid><title>Nested</title><link>https://news.example/story-8/</link>\
                 <description><![CDATA[{deep}Deep inside.]]></description></item>"
            )))
        }
        "name" => Redirect::temporary("http://inside.example/").into_response(),
        "literal" => Redirect::temporary("http://169.254.169.254/latest/").into_response(),
        "mapped" => Redirect::temporary("http://[::ffff:10.0.0.1]/").into_response(),
        "good" => rss(feed(item)),
        _ => StatusCode::NOT_FOUND.into_response(),
    }
}

/// Names as a hostile name server tells them: inside, and both inside and out.
fn names() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let inside = [10, 0, 0, 1].into();
            Ok(match name.as_str() {
                "rebind.example" => vec![[93, 184, 216, 34].into(), inside],
                _ => vec![inside],
            })
        })
    })
}

const SOURCES: [(&str, &str); 9] = [
    ("a-scripted", ""),
    ("b-bomb", "larger than"),
    ("c-giant", "larger than"),
    ("d-nested", ""),
    ("e-name", "private or local address"),
    ("f-literal", "private or local address"),
    ("g-mapped", "private or local address"),
    ("h-rebind", "private or local address"),
    ("i-good", ""),
];

/// A newsroom whose sources are the hostile site's.
async fn newsroom(dir: &Path) -> Newsroom {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let site = format!("http://{}", listener.local_addr().unwrap());
    let router = Router::new().route("/{name}", get(hostile));
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    let sources: String = SOURCES
        .iter()
        .map(|(id, _)| {
            let url = match &id[2..] {
                "rebind" => "http://rebind.example/".to_owned(),
                name => format!("{site}/{name}"),
            };
            format!("[sources.{id}]\nkind = \"feed\"\nurl = \"{url}\"\nbackfill = 9\n")
        })
        .collect();
    let more = format!(
        "{BRIEF}[channels.all]\nkind = \"feed\"\nexport = \"{}\"\n{sources}",
        dir.join("files").display()
    );
    let db = format!("sqlite:{}", dir.join("t.db").display());
    let mut room = Newsroom::open_unpolled(Db::open(&db).await.unwrap(), &more).await;
    let allow = ["127.0.0.0/8".parse().unwrap()];
    room.app.client = Client::with_lookup(&allow, "courant-test", names()).unwrap();
    room.reader("ada@readers.example", "instant").await;
    room
}

#[tokio::test]
async fn what_is_hostile_is_refused_with_a_reason_and_the_next_source_is_polled() {
    let dir = tempfile::tempdir().unwrap();
    let room = newsroom(dir.path()).await;
    let reports = room.look(DAY_ONE).await;
    let now = UnixMillis::now();
    let standing = status::status(&room.app.db, &room.app.config, None, now, now).await;
    let standing = standing.unwrap();
    for (id, reason) in SOURCES {
        let source = standing.sources.iter().find(|s| s.id == id).unwrap();
        let error = source.error.clone().unwrap_or_default();
        assert!(error.contains(reason), "{id}: {error}");
        assert_eq!(error.is_empty(), reason.is_empty(), "{id}: {error}");
    }
    let of = |id: &str| reports.iter().find(|r| r.source == id).unwrap();
    assert_eq!((of("i-good").new, of("d-nested").new), (1, 1));
    let scripted = of("a-scripted");
    assert_eq!(scripted.new, 2);
}

/// Nothing of a document runs, and nothing turns or rings.
fn assert_harmless(what: &str, text: &str) {
    let lower = text.to_lowercase();
    for word in [
        "alert(1)",
        "javascript:",
        "onerror",
        "onclick",
        "srcdoc",
        "<svg",
        "file:///",
        "evil.example",
    ] {
        assert!(!lower.contains(word), "{word} in {what}:\n{text}");
    }
    let bad = |c: char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{8}' | '\u{0}');
    assert!(!text.contains(bad), "{what}:\n{text}");
}

#[tokio::test]
async fn nothing_of_a_hostile_feed_reaches_mails_feeds_or_pages() {
    let dir = tempfile::tempdir().unwrap();
    let room = newsroom(dir.path()).await;
    room.look(DAY_ONE).await;
    // What took a second to read was seen a second later.
    room.tick(DAY_ONE.plus_ms(MINUTE)).await;
    let parser = mail_parser::MessageParser::default();
    let mails = room.sink.accepted();
    assert!(!mails.is_empty());
    for mail in mails {
        assert_eq!(mail.to, ["ada@readers.example"]);
        let message = parser.parse(&mail.data).unwrap();
        assert!(message.bcc().is_none());
        assert_harmless("a subject", message.subject().unwrap());
        assert_harmless("a mail", &message.body_html(0).unwrap());
        assert_harmless("a text", &message.body_text(0).unwrap());
    }
    export(&room.app, &dir.path().join("site")).await.unwrap();
    let mut folders = vec![dir.path().join("site"), dir.path().join("files")];
    let mut texts = String::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if let Ok(text) = std::fs::read_to_string(&path) {
                assert_harmless(&path.display().to_string(), &text);
                texts += &text;
            }
        }
    }
    for there in ["The last line.", "in Sindh", "Ayesha", "Deep inside."] {
        assert!(texts.contains(there), "{there}");
    }
}
