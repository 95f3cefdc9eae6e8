//! Feed programs, well-behaved and otherwise.

use std::io::Read as _;
use std::time::Duration;

use courant::domain::IssueState;

use super::kit::{Site, request};

async fn site_with_a_feed() -> Site {
    let site = Site::open().await;
    let id = site.article("1", "Water in the Ravi", &["feed"]).await;
    site.issue("feed", IssueState::Done, "one", &[id]).await;
    site
}

/// Past the moment for which a built feed is given out without a look.
async fn a_moment_later() {
    tokio::time::sleep(Duration::from_millis(1100)).await;
}

#[tokio::test]
async fn each_format_is_served_whole_with_its_type_and_validators() {
    let site = site_with_a_feed().await;
    for (ending, kind) in [
        ("rss", "application/rss+xml; charset=utf-8"),
        ("atom", "application/atom+xml; charset=utf-8"),
        ("json", "application/feed+json"),
    ] {
        let reply = site.get(&format!("/feeds/feed.{ending}")).await;
        assert_eq!(reply.status, 200, "{ending}");
        assert_eq!(reply.header("content-type"), kind);
        assert_eq!(
            reply.header("last-modified"),
            "Mon, 23 Nov 2026 07:00:00 GMT"
        );
        assert_eq!(
            reply.header("cache-control"),
            "public, max-age=900, stale-if-error=86400"
        );
        assert_eq!(reply.header("vary"), "Accept-Encoding");
        assert_eq!(reply.header("access-control-allow-origin"), "*");
        assert_eq!(reply.header("x-content-type-options"), "nosniff");
        assert!(!reply.headers.contains_key("set-cookie"));
        assert!(!reply.headers.contains_key("server"));
        let feed = feed_rs::parser::parse(reply.body.as_slice()).unwrap();
        assert_eq!(
            feed.entries[0].title.as_ref().unwrap().content,
            "Water in the Ravi"
        );
        let own = format!("https://letters.example.org/feeds/feed.{ending}");
        assert!(reply.text().contains(&own), "{ending} does not name itself");
        assert!(!reply.text().contains("evil.example"));
    }
}

#[tokio::test]
async fn whoever_has_the_feed_gets_a_304_whatever_became_of_the_tag() {
    let site = site_with_a_feed().await;
    let path = "/feeds/feed.rss";
    let gzip = ("accept-encoding", "gzip, deflate, br");
    let plain = site.get(path).await;
    let zipped = site.get_with(path, &[gzip]).await;
    let (plain_tag, zipped_tag) = (plain.header("etag"), zipped.header("etag"));
    assert_eq!(
        zipped_tag,
        format!("\"{}-gz\"", plain_tag.trim_matches('"'))
    );
    for tag in [
        plain_tag.to_owned(),
        zipped_tag.to_owned(),
        format!("W/{plain_tag}"),
        plain_tag.trim_matches('"').to_owned(),
        format!("\"other\", {zipped_tag}"),
        "*".to_owned(),
    ] {
        for headers in [
            vec![("if-none-match", &*tag)],
            vec![gzip, ("if-none-match", &*tag)],
        ] {
            let reply = site.get_with(path, &headers).await;
            assert_eq!(reply.status, 304, "{headers:?}");
            assert_eq!(reply.body, b"", "{headers:?}");
            assert!(reply.headers.contains_key("etag") && reply.headers.contains_key("date"));
            assert_eq!(reply.header("vary"), "Accept-Encoding");
            assert!(!reply.headers.contains_key("content-type"));
            assert!(!reply.headers.contains_key("content-encoding"));
        }
    }
    let modified = plain.header("last-modified");
    let since = site
        .get_with(path, &[("if-modified-since", modified)])
        .await;
    assert_eq!(since.status, 304);
    let old_tag = [
        ("if-none-match", "\"old\""),
        ("if-modified-since", modified),
    ];
    assert_eq!(site.get_with(path, &old_tag).await.status, 200);
}

#[tokio::test]
async fn gzip_holds_the_same_bytes_and_head_the_same_headers() {
    let site = site_with_a_feed().await;
    for headers in [vec![], vec![("accept-encoding", "gzip")]] {
        let got = site.get_with("/feeds/feed.atom", &headers).await;
        let head = request(&site.public, "HEAD", "/feeds/feed.atom", &headers, b"").await;
        assert_eq!((head.status, head.body.len()), (200, 0));
        for name in [
            "etag",
            "content-length",
            "content-type",
            "last-modified",
            "cache-control",
        ] {
            assert_eq!(head.header(name), got.header(name), "{name}");
            assert_ne!(got.header(name), "", "{name}");
        }
        assert_eq!(got.header("content-length"), got.body.len().to_string());
    }
    let plain = site.get("/feeds/feed.atom").await;
    let zipped = site
        .get_with("/feeds/feed.atom", &[("accept-encoding", "gzip")])
        .await;
    assert_eq!(zipped.header("content-encoding"), "gzip");
    let mut unzipped = Vec::new();
    flate2::read::GzDecoder::new(zipped.body.as_slice())
        .read_to_end(&mut unzipped)
        .unwrap();
    assert_eq!(unzipped, plain.body);
    assert!(zipped.body.len() < plain.body.len() / 2);
}

#[tokio::test]
async fn a_query_leads_to_the_one_address_and_post_nowhere() {
    let site = site_with_a_feed().await;
    let reply = site.get("/feeds/feed.rss?utm_source=x&t=1").await;
    assert_eq!((reply.status, reply.header("location")), (301, "feed.rss"));
    let reply = site.post("/feeds/feed.rss", "x=1").await;
    assert_eq!(reply.status, 405);
    assert_eq!(reply.header("allow"), "GET,HEAD");
    for nothing in [
        "/feeds/feed",
        "/feeds/feed.xml",
        "/feeds/brief.rss",
        "/feeds/none.rss",
    ] {
        assert_eq!(site.get(nothing).await.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn a_feed_changes_with_its_content_and_never_without() {
    let site = site_with_a_feed().await;
    let first = site.get("/feeds/feed.json").await;
    a_moment_later().await;
    let again = site.get("/feeds/feed.json").await;
    assert_eq!(first.body, again.body);
    assert_eq!(first.header("etag"), again.header("etag"));
    let id = courant::domain::ArticleId(first_id(&site).await);
    site.correct(id, "1", "Water in the Ravi (corrected)").await;
    a_moment_later().await;
    let corrected = site.get("/feeds/feed.json").await;
    assert_eq!(
        corrected.json()["items"][0]["title"],
        "Water in the Ravi (corrected)"
    );
    assert_eq!(
        corrected.json()["items"][0]["id"],
        first.json()["items"][0]["id"]
    );
    assert_eq!(
        corrected.header("last-modified"),
        "Mon, 23 Nov 2026 07:01:00 GMT"
    );
    site.db
        .retract_article(id, "withdrawn by its source")
        .await
        .unwrap();
    a_moment_later().await;
    let withdrawn = site.get("/feeds/feed.json").await;
    assert_eq!(withdrawn.json()["items"].as_array().unwrap().len(), 0);
    assert_ne!(withdrawn.header("etag"), corrected.header("etag"));
}

async fn first_id(site: &Site) -> i64 {
    let filter = courant::store::ArticleFilter::default();
    site.db.articles(&filter, 1).await.unwrap()[0].id.0
}

#[tokio::test]
async fn while_the_database_is_away_readers_get_the_last_feed() {
    let site = site_with_a_feed().await;
    let before = site.get("/feeds/feed.rss").await;
    site.db.close().await;
    a_moment_later().await;
    let after = site.get("/feeds/feed.rss").await;
    assert_eq!((after.status, after.body), (200, before.body));
    let never_built = site.get("/feeds/feed.atom").await;
    assert_eq!(never_built.status, 503);
    assert_eq!(never_built.header("retry-after"), "120");
}
