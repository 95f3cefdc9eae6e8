//! The publication, asked over HTTP as a reader of feeds would.

use super::*;
use tokio::net::TcpListener;

const NOON: UnixMillis = UnixMillis(1_795_000_000_000);

async fn started() -> (Publication, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    let publication = Publication::new(&base, NOON);
    tokio::spawn(publication.clone().serve(listener));
    (publication, base)
}

fn client() -> reqwest::Client {
    reqwest::Client::builder().no_proxy().build().unwrap()
}

fn read(feed: &str) -> feed_rs::model::Feed {
    feed_rs::parser::parse(feed.as_bytes()).unwrap()
}

#[tokio::test]
async fn articles_arrive_in_the_feeds_one_by_one() {
    let publication = Publication::new("http://127.0.0.1:1", NOON);
    assert_eq!(publication.remaining(), 8);
    let english = |p: &Publication| read(&feed::rss(&p.site, "en-GB")).entries.len();
    assert_eq!(english(&publication), 3);
    let first = publication.publish_next(NOON.plus_ms(1000)).unwrap();
    assert!(first.url.ends_with("/cleaner-smoke-better-bricks/"));
    assert_eq!((english(&publication), publication.remaining()), (4, 7));
    let mut count = 0;
    while publication
        .publish_next(NOON.plus_ms(2000 + count))
        .is_some()
    {
        count += 1;
    }
    assert_eq!((count, english(&publication)), (7, 8));
}

#[tokio::test]
async fn the_awkward_title_and_the_urdu_survive_the_feed() {
    let publication = Publication::new("http://127.0.0.1:1", NOON);
    while publication.publish_next(NOON).is_some() {}
    let feed = read(&feed::rss(&publication.site, "en-GB"));
    assert_eq!(feed.language.as_deref(), Some("en-gb"));
    let title = "Q&A: <b>AT&T</b> & 3 < 5 — \"what’s next?\" 🇵🇰";
    let awkward = feed
        .entries
        .iter()
        .find(|e| e.title.as_ref().unwrap().content == title);
    let awkward = awkward.unwrap();
    assert_eq!(awkward.id, "http://127.0.0.1:1/?p=6");
    let oldest = feed.entries.last().unwrap();
    assert_eq!(
        oldest.links[0].href.rsplit('/').nth(1),
        Some("every-kite-was-white")
    );
    let urdu = feed::rss(&publication.site, "ur");
    assert!(urdu.contains("<![CDATA[adab@ravidispatch.example، عائشہ صدیقی]]>"));
    assert!(urdu.contains("alt=\"شہر کے بیچ بہتی نہر"));
}

#[tokio::test]
async fn a_feed_is_served_once_and_then_only_when_it_changed() {
    let (publication, base) = started().await;
    let url = format!("{base}/feed/");
    let first = client().get(&url).send().await.unwrap();
    assert_eq!(
        first.headers()["content-type"],
        "application/rss+xml; charset=UTF-8"
    );
    let header = |name: &str| first.headers()[name].clone();
    for (ask, validator) in [
        ("if-none-match", "etag"),
        ("if-modified-since", "last-modified"),
    ] {
        let again = client()
            .get(&url)
            .header(ask, header(validator))
            .send()
            .await
            .unwrap();
        assert_eq!(again.status(), 304, "{ask}");
        assert_eq!(again.headers()["etag"], header("etag"));
        assert_eq!(again.text().await.unwrap(), "");
    }
    publication.publish_next(NOON).unwrap();
    let changed = client()
        .get(&url)
        .header("if-none-match", header("etag"))
        .send()
        .await
        .unwrap();
    assert_eq!(changed.status(), 200, "even within the same second");
}

#[tokio::test]
async fn a_correction_changes_the_text_and_keeps_guid_link_and_date() {
    let publication = Publication::new("http://127.0.0.1:1", NOON);
    assert_eq!(publication.correct(NOON), None, "it is not out yet");
    let published = publication.publish_next(NOON).unwrap();
    let before = feed::rss(&publication.site, "en-GB");
    assert_eq!(publication.correct(NOON.plus_ms(60_000)), Some(published));
    assert_eq!(publication.correct(NOON), None, "once is enough");
    let after = feed::rss(&publication.site, "en-GB");
    assert!(before.contains("fell by a half") && after.contains("Correction:"));
    let [before, after] = [before, after].map(|text| {
        let entry = read(&text).entries.remove(0);
        (entry.id, entry.links, entry.published)
    });
    assert_eq!(before, after);
}

#[tokio::test]
async fn every_link_and_picture_of_an_article_leads_somewhere() {
    let (publication, base) = started().await;
    while publication.publish_next(NOON).is_some() {}
    for standing in publication.site.newest(None).0 {
        let page = client()
            .get(publication.site.url_of(standing))
            .send()
            .await
            .unwrap();
        assert_eq!(page.status(), 200);
        let html = page.text().await.unwrap();
        let language = publication.site.articles[standing.index].language;
        assert!(html.contains(&format!("<html lang=\"{language}\"")));
        let months = ["November 2026", "نومبر 2026", "October 2026"];
        assert!(months.iter().any(|month| html.contains(month)));
        for part in html
            .split(['"'])
            .filter(|p| p.starts_with('/') || p.starts_with(&base))
        {
            let url = part.replace("&amp;", "&");
            let url = url.strip_prefix(&base).unwrap_or(&url);
            let answer = client().get(format!("{base}{url}")).send().await.unwrap();
            assert_eq!(answer.status(), 200, "{url}");
        }
    }
    let short = client().get(format!("{base}/?p=1")).send().await.unwrap();
    assert!(short.url().path().ends_with("/depot-grows-its-own-shade/"));
    for missing in [
        "/?p=99",
        "/nothing/",
        "/pictures/none.png",
        "/2026/01/nothing/",
    ] {
        let answer = client()
            .get(format!("{base}{missing}"))
            .send()
            .await
            .unwrap();
        assert_eq!(answer.status(), 404, "{missing}");
    }
}
