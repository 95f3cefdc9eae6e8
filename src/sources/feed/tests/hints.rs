//! When to ask again, whom to ask instead, what was taken back.

use std::time::Duration;

use super::{polling, rss};
use crate::domain::KeyKind;
use crate::net::tests::loopback::{Loopback, http};
use crate::sources::{Memory, Polled};

const HOUR: u64 = 3600;

async fn polled(headers: &str, head: &str) -> Polled {
    let body = rss(&format!("{head}<item><guid>1</guid><title>x</title></item>"))
        .replace("<rss ", "<rss xmlns:sy=\"http://purl.org/rss/1.0/modules/syndication/\" \
            xmlns:atom=\"http://www.w3.org/2005/Atom\" xmlns:at=\"http://purl.org/atompub/tombstones/1.0\" ");
    let headers = headers.to_owned();
    let site = Loopback::serve(move |_| http("200 OK", &headers, &body)).await;
    polling::poll(&site, "/feed", &Memory::default())
        .await
        .unwrap()
}

async fn pause(headers: &str, head: &str) -> Option<u64> {
    polled(headers, head).await.hints.pause.map(|p| p.as_secs())
}

#[tokio::test]
async fn the_longest_pause_that_anything_asks_for_is_told() {
    for (headers, head, seconds) in [
        ("", "", None),
        ("Cache-Control: public, max-age=600\r\n", "", Some(600)),
        ("Cache-Control: max-age=600\r\nAge: 200\r\n", "", Some(400)),
        ("Cache-Control: no-cache, max-age=600\r\n", "", None),
        ("Cache-Control: max-age=0\r\n", "", None),
        (
            "Cache-Control: max-age=99999999\r\n",
            "",
            Some(7 * 24 * HOUR),
        ),
        (
            "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\nExpires: Mon, 23 Nov 2026 11:00:00 GMT\r\n",
            "",
            Some(HOUR),
        ),
        (
            "Date: Mon, 23 Nov 2026 10:00:00 GMT\r\nExpires: 0\r\n",
            "",
            None,
        ),
        ("", "<ttl>30</ttl>", Some(1800)),
        ("", "<ttl>soon</ttl>", None),
        (
            "Cache-Control: max-age=600\r\n",
            "<ttl>30</ttl>",
            Some(1800),
        ),
        (
            "Cache-Control: max-age=3600\r\n",
            "<ttl>30</ttl>",
            Some(HOUR),
        ),
        (
            "",
            "<sy:updatePeriod> Hourly </sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>",
            Some(1800),
        ),
        (
            "",
            "<sy:updatePeriod>daily</sy:updatePeriod>",
            Some(24 * HOUR),
        ),
        ("", "<sy:updatePeriod>always</sy:updatePeriod>", None),
    ] {
        assert_eq!(pause(headers, head).await, seconds, "{headers} {head}");
    }
}

#[tokio::test]
async fn quiet_hours_and_days_are_told() {
    let head = "<skipHours><hour>0</hour><hour>23</hour><hour>24</hour><hour>x</hour></skipHours>\
        <skipDays><day>Monday</day><day>sunday</day></skipDays>";
    let hints = polled("", head).await.hints;
    assert_eq!(hints.skip_hours, 1 | 1 << 23);
    assert_eq!(hints.skip_days, 1 | 1 << 6);
    let always: String = (0..24).map(|h| format!("<hour>{h}</hour>")).collect();
    let hints = polled("", &format!("<skipHours>{always}</skipHours>"))
        .await
        .hints;
    assert_eq!(hints.skip_hours, 0);
}

#[tokio::test]
async fn an_unchanged_answer_gives_its_headers_hints() {
    let site =
        Loopback::serve(|_| http("304 Not Modified", "Cache-Control: max-age=900\r\n", "")).await;
    let memory = Memory {
        etag: Some("\"a\"".to_owned()),
        ..Memory::default()
    };
    let polled = polling::poll(&site, "/", &memory).await.unwrap();
    assert!(polled.not_modified);
    assert_eq!(polled.hints.pause, Some(Duration::from_secs(900)));
}

#[tokio::test]
async fn hubs_come_from_the_headers_first_and_then_from_the_feed() {
    let head = "<atom:link rel='hub' href='https://hub.example/feed'/><atom:link rel='self' href='https://news.example/self'/>";
    let told = polled("", head).await.hubs;
    assert_eq!(told.hubs, ["https://hub.example/feed"]);
    assert_eq!(told.topic.as_deref(), Some("https://news.example/self"));
    let headers = "Link: <https://hub.example/a,b>; title=\"x, y\"; rel=\"hub\", <https://news.example/http>; rel=self\r\n\
        Link: <javascript:x>; rel=hub, <https://hub.example/feed>; rel=\"other hub\"\r\n";
    let told = polled(headers, head).await.hubs;
    assert_eq!(
        told.hubs,
        ["https://hub.example/a,b", "https://hub.example/feed"]
    );
    assert_eq!(told.topic.as_deref(), Some("https://news.example/http"));
    assert!(polled("", "").await.hubs.hubs.is_empty());
}

#[tokio::test]
async fn what_the_feed_says_is_deleted_is_withdrawn() {
    let head = "<at:deleted-entry ref='https://news.example/?p=7' when='2026-11-23T10:00:00Z'><at:comment>Wrong</at:comment></at:deleted-entry>\
        <at:deleted-entry when='2026-11-23T10:00:00Z'/>";
    let polled = polled("", head).await;
    let [withdrawal] = &polled.withdrawn[..] else {
        panic!("{:?}", polled.withdrawn);
    };
    let guid = withdrawal.keys.iter().find(|key| key.kind == KeyKind::Guid);
    assert_eq!(guid.unwrap().value, "https://news.example/?p=7");
    assert_eq!(
        withdrawal.why,
        "the feed says that it was deleted at 2026-11-23T10:00:00Z"
    );
    assert_eq!(polled.entries.len(), 1);
}
