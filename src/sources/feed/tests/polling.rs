//! Polling over real HTTP on the loopback.

use std::time::Duration;

use super::rss;
use crate::config;
use crate::net::Client;
use crate::net::tests::loopback::{Answer, Loopback, http};
use crate::sources::feed::Feed;
use crate::sources::{KINDS, Memory, PollError, Polled, Source, open};

fn client() -> Client {
    Client::new(&["127.0.0.0/8".parse().unwrap()], "courant-test").unwrap()
}

pub(super) async fn poll(
    site: &Loopback,
    path: &str,
    memory: &Memory,
) -> Result<Polled, PollError> {
    Feed::new(site.url(path)).poll(memory, &client()).await
}

fn feed() -> String {
    rss("<item><guid>1</guid><title>One</title><link>/1</link></item>")
}

#[tokio::test]
async fn an_unchanged_feed_is_asked_with_its_validators_and_costs_nothing() {
    let site = Loopback::serve(|head| {
        if head.contains("if-none-match: \"a\"") && head.contains("if-modified-since: Mon, 23 Nov")
        {
            http("304 Not Modified", "", "")
        } else {
            http(
                "200 OK",
                "ETag: \"a\"\r\nLast-Modified: Mon, 23 Nov 2026 10:00:00 GMT\r\n",
                feed(),
            )
        }
    })
    .await;
    let first = poll(&site, "/feed", &Memory::default()).await.unwrap();
    assert_eq!(
        first.entries[0].url.as_deref(),
        Some(site.url("/1").as_str())
    );
    assert_eq!(
        (first.status, first.bytes, first.not_modified),
        (200, feed().len(), false)
    );
    let memory = Memory {
        etag: first.etag,
        last_modified: first.last_modified,
        ..Memory::default()
    };
    let second = poll(&site, "/feed", &memory).await.unwrap();
    assert!(second.not_modified && second.entries.is_empty());
    assert_eq!(second.etag, memory.etag);
    assert_eq!(second.last_modified, memory.last_modified);
}

#[tokio::test]
async fn a_weakened_validator_is_kept_as_it_is_except_for_wordpress() {
    let wordpress = feed().replace(
        "<item>",
        "<generator>https://wordpress.org/?v=6.9</generator><item>",
    );
    for (body, kept) in [(feed(), "W/\"a\""), (wordpress, "\"a\"")] {
        let site = Loopback::serve(move |_| http("200 OK", "ETag: W/\"a\"\r\n", &body)).await;
        let polled = poll(&site, "/", &Memory::default()).await.unwrap();
        assert_eq!(polled.etag.as_deref(), Some(kept));
    }
}

#[tokio::test]
async fn a_feed_that_moved_for_good_says_where_and_is_asked_there() {
    let site = Loopback::serve(|head| {
        if head.starts_with("GET /old") {
            http("301 Moved", "Location: /new\r\n", "")
        } else {
            http("200 OK", "", feed())
        }
    })
    .await;
    let polled = poll(&site, "/old", &Memory::default()).await.unwrap();
    assert_eq!(polled.moved_to.as_deref(), Some(site.url("/new").as_str()));
    let memory = Memory {
        url_override: polled.moved_to,
        ..Memory::default()
    };
    let before = site.hits();
    let polled = poll(&site, "/old", &memory).await.unwrap();
    assert_eq!(site.hits() - before, 1);
    assert_eq!(polled.moved_to, None);
}

#[tokio::test]
async fn refusals_say_how_long_to_stay_away_and_whether_for_good() {
    let site = Loopback::serve(|head| match head.split(' ').nth(1) {
        Some("/gone") => http("410 Gone", "", ""),
        Some("/busy") => http("429 Slow", "Retry-After: 30\r\n", ""),
        Some("/page") => http(
            "200 OK",
            "Content-Type: text/html\r\n",
            "<!doctype html><p>hi",
        ),
        Some("/cut") => {
            Answer::Bytes(b"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n<rss".to_vec())
        }
        _ => http("503 Busy", "Retry-After: 60\r\n", ""),
    })
    .await;
    let memory = Memory::default();
    let gone = poll(&site, "/gone", &memory).await.unwrap_err();
    assert!(
        gone.gone && gone.message.contains("look for a new address"),
        "{gone}"
    );
    let busy = poll(&site, "/busy", &memory).await.unwrap_err();
    assert_eq!(
        (busy.retry_after, busy.status),
        (Some(Duration::from_secs(30)), Some(429))
    );
    let down = poll(&site, "/down", &memory).await.unwrap_err();
    assert_eq!(down.retry_after, Some(Duration::from_secs(60)));
    let page = poll(&site, "/page", &memory).await.unwrap_err();
    assert!(
        page.message
            .contains("/page: this is a web page, not a feed"),
        "{page}"
    );
    let cut = poll(&site, "/cut", &memory).await.unwrap_err();
    assert!(cut.message.contains("broke off"), "{cut}");
    let strict = Client::new(&[], "courant-test").unwrap();
    let refused = Feed::new(site.url("/"))
        .poll(&memory, &strict)
        .await
        .unwrap_err();
    assert!(refused.message.contains("[network]"), "{refused}");
}

#[test]
fn a_table_opens_as_a_source_or_says_all_that_is_wrong() {
    let problems = |table: &str| {
        let text = format!(
            "[site]\nname = \"N\"\nurl = \"https://e.org\"\nlanguage = \"en\"\n\
             timezone = \"UTC\"\npostal_address = \"A\"\n[sources.news]\n{table}"
        );
        let kinds = |config: &config::Config| {
            let opened = config.sources.values().map(open);
            opened.filter_map(Result::err).flatten().collect()
        };
        match config::from_text("courant.toml".as_ref(), &text, kinds) {
            Ok(_) => String::new(),
            Err(problems) => problems.to_string(),
        }
    };
    let right = problems("kind = \"feed\"\nurl = \"feed://news.example.org/feed/\"\n");
    assert_eq!(right, "");
    for (table, words) in [
        (
            "kind = \"fed\"\nurl = \"https://e.org\"\n",
            "did you mean `feed`",
        ),
        ("kind = \"feed\"\n", "url"),
        (
            "kind = \"feed\"\nurl = \"news\"\n",
            "give the feed's full address",
        ),
        (
            "kind = \"feed\"\nurl = \"ftp://e.org/\"\n",
            "no web address",
        ),
        (
            "kind = \"feed\"\nurl = \"https://a:b@e.org/\"\n",
            "user name or password",
        ),
        (
            "kind = \"feed\"\nurl = \"https://e.org\"\nulr = \"x\"\n",
            "ulr",
        ),
    ] {
        let said = problems(table);
        assert!(said.contains(words), "{table}: {said}");
    }
    assert_eq!(KINDS[0].name, "feed");
}
