//! The home page, the archive, and everything that is not there.

use courant::domain::IssueState;

use super::kit::{Site, request};
use super::signup::MORE;
use crate::support::databases::both_databases;

#[tokio::test]
async fn home_has_newsletters_before_feeds_and_none_that_is_not_for_everybody() {
    both_databases(async |db| {
        let site = Site::over(db, MORE).await;
        let page = site.get("/").await;
        let at = |title: &str| page.text().find(&format!("<h2 dir=\"auto\">{title}</h2>"));
        assert!(at("The Daily Brief").is_some(), "{}", page.text());
        assert!(at("The Daily Brief") < at("صبح نامہ"), "{}", page.text());
        assert!(at("صبح نامہ") < at("All stories"), "{}", page.text());
        assert!(at("All stories").is_some() && at("For the staff").is_none());
        assert_eq!(site.get("/archive/staff").await.status, 200);
    })
    .await;
}

#[tokio::test]
async fn home_lists_what_can_be_followed() {
    let site = Site::open().await;
    let page = site.get("/").await;
    assert_eq!(page.status, 200);
    let text = page.text();
    for there in [
        "The Daily Brief",
        "https://letters.example.org/feeds/feed.rss",
        "https://letters.example.org/archive/brief",
        "<html lang=\"en\" dir=\"ltr\">",
    ] {
        assert!(text.contains(there), "{there}");
    }
    assert!(!text.contains("toots") && !text.contains("evil.example"));
    let tag = page.header("etag");
    let again = site.get_with("/", &[("if-none-match", tag)]).await;
    assert_eq!(again.status, 304);
    assert!(
        page.header("content-security-policy")
            .contains("default-src 'none'")
    );
}

#[tokio::test]
async fn an_issue_reads_as_it_stands_today_and_only_once_published() {
    let site = Site::open().await;
    let kept = site.article("1", "Water in the Ravi", &["brief"]).await;
    let gone = site.article("2", "A mistake", &["brief"]).await;
    site.issue("brief", IssueState::Done, "Rivers <today>", &[kept, gone])
        .await;
    let new = site.article("3", "Later", &["brief"]).await;
    site.issue("brief", IssueState::Waiting, "Not yet", &[new])
        .await;
    site.correct(kept, "1", "Water in the Ravi, corrected")
        .await;
    site.db.retract_article(gone, "withdrawn").await.unwrap();

    let archive = site.get("/archive/brief").await;
    assert_eq!(archive.status, 200);
    assert!(
        archive.text().contains("Rivers &lt;today&gt;"),
        "{}",
        archive.text()
    );
    assert!(
        archive
            .text()
            .contains("https://letters.example.org/archive/brief/1")
    );
    assert!(!archive.text().contains("Not yet"));

    let page = site.get("/archive/brief/1").await;
    assert_eq!(page.status, 200);
    assert!(page.text().contains("Water in the Ravi, corrected"));
    assert!(!page.text().contains("A mistake"));
    let policy = page.header("content-security-policy");
    assert!(
        policy.contains("sandbox") && !policy.contains("allow-scripts"),
        "{policy}"
    );
    for nothing in [
        "/archive/brief/2",
        "/archive/brief/3",
        "/archive/brief/01",
        "/archive/none",
    ] {
        assert_eq!(site.get(nothing).await.status, 404, "{nothing}");
    }
}

#[tokio::test]
async fn a_long_archive_has_older_pages() {
    let site = Site::open().await;
    for n in 1..=53 {
        let title = format!("Issue {n:02}");
        let id = site.article(&title, "Water in the Ravi", &["brief"]).await;
        site.issue("brief", IssueState::Done, &title, &[id]).await;
    }
    let first = site.get("/archive/brief").await;
    assert!(first.text().contains("Issue 53") && !first.text().contains("Issue 03"));
    assert!(
        first.text().contains("archive/brief?before=4"),
        "{}",
        first.text()
    );
    let older = site.get("/archive/brief?before=4").await;
    assert!(older.text().contains("Issue 03") && !older.text().contains("Issue 04"));
    assert!(!older.text().contains("rel=\"next\""));
}

#[tokio::test]
async fn what_is_not_there_is_said_in_words_and_never_echoed() {
    let site = Site::open().await;
    for path in [
        "/confirm/x",
        "/confirm/",
        "/subscribe/",
        "/api/v1/status",
        "/metrics",
        "/../etc/passwd",
        "/%2e%2e/%2e%2e/etc/passwd",
        "/archive/..%2f..%2fetc",
        "/archive/brief/1'%20OR%201=1",
        "/archive/brief/99999999999999999999999",
        "/archive/brief/-1",
        "/archive/brief?before=x",
        "/archive/%00",
        "/archive/%ff%fe/1",
        "/feeds/..%2Fcourant.toml",
        "/feeds/%0d%0aSet-Cookie:x.rss?y",
        "/unsubscribe/%00%ff",
        "/unsubscribe/",
        "//evil.example/",
        "/<script>alert(1)</script>",
        "/archive/brief/",
        "/feeds/",
    ] {
        let reply = site.get(path).await;
        assert!(
            (400..405).contains(&reply.status),
            "{path}: {}",
            reply.status
        );
        let text = reply.text();
        assert!(
            !text.contains("<script") && !text.contains("evil.example"),
            "{path}"
        );
        assert!(!reply.headers.contains_key("set-cookie"), "{path}");
        if reply.status == 404 {
            assert!(
                text.contains("<h1") && text.contains("may have been mistyped")
                    || text.contains("newest mail"),
                "{path}: {text}"
            );
        }
    }
    for method in ["PUT", "DELETE", "TRACE", "FROBNICATE"] {
        let reply = request(&site.public, method, "/", &[], b"").await;
        assert_eq!(reply.status, 405, "{method}");
    }
}
