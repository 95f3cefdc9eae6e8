//! News sitemaps over real HTTP.

use std::io::Write as _;
use std::time::Duration;

use super::kit::{Asker, Shelf, document, titles};

fn news(items: &[(u32, &str)]) -> String {
    let urls: String = items
        .iter()
        .map(|(number, title)| {
            format!(
                "<url><loc>https://news.example/story-{number}/</loc><news:news><news:publication>\
                 <news:name>News</news:name><news:language>ur</news:language></news:publication>\
                 <news:publication_date>2026-11-23T10:{number:02}:00+05:00</news:publication_date>\
                 <news:title>{title}</news:title><news:keywords>Sindh, Weather</news:keywords></news:news></url>"
            )
        })
        .collect();
    format!(
        "<?xml version='1.0' encoding='UTF-8'?><urlset xmlns='http://www.sitemaps.org/schemas/sitemap/0.9' \
         xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'>{urls}</urlset>"
    )
}

fn index(children: &[(String, &str)]) -> String {
    let children: String = children
        .iter()
        .map(|(loc, lastmod)| {
            format!("<sitemap><loc>{loc}</loc><lastmod>{lastmod}</lastmod></sitemap>")
        })
        .collect();
    format!(
        "<sitemapindex xmlns='http://www.sitemaps.org/schemas/sitemap/0.9'>{children}</sitemapindex>"
    )
}

fn asker(shelf: &Shelf, path: &str) -> Asker {
    Asker::new(&format!(
        "kind = \"sitemap\"\nurl = \"{}{path}\"\n",
        shelf.url
    ))
}

fn packed(text: &str) -> Vec<u8> {
    let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    gz.write_all(text.as_bytes()).unwrap();
    gz.finish().unwrap()
}

#[tokio::test]
async fn a_news_sitemap_gives_titles_dates_languages_and_topics() {
    let shelf = Shelf::start().await;
    shelf.put(
        "/news.xml",
        document("text/xml", news(&[(1, "One"), (2, "Rain &amp; floods")])),
    );
    let mut asker = asker(&shelf, "/news.xml");
    let polled = asker.poll().await;
    assert_eq!(titles(&polled), ["Rain &amp; floods", "One"]);
    let entry = &polled.entries[0];
    assert_eq!(entry.url.as_deref(), Some("https://news.example/story-2/"));
    assert_eq!(entry.published.unwrap().to_string(), "2026-11-23T05:02:00Z");
    assert_eq!(entry.language.as_deref(), Some("ur"));
    assert_eq!(entry.topics, ["Sindh", "Weather"]);
    assert_eq!(entry.content_html, None);
    assert!(asker.poll().await.not_modified);
}

#[tokio::test]
async fn an_index_is_read_through_and_only_what_changed_in_it_again() {
    let shelf = Shelf::start().await;
    let at = |name: &str| format!("{}{name}", shelf.url);
    shelf.put(
        "/index.xml",
        document(
            "text/xml",
            index(&[
                (at("/old.xml"), "2026-11-01"),
                (at("/sub.xml"), "2026-11-22"),
                (at("/gone.xml"), "2026-11-20"),
            ]),
        ),
    );
    shelf.put("/old.xml", document("text/xml", news(&[(1, "One")])));
    shelf.put(
        "/sub.xml",
        document("text/xml", index(&[(at("/packed.xml.gz"), "2026-11-22")])),
    );
    shelf.put(
        "/packed.xml.gz",
        document("application/gzip", packed(&news(&[(2, "Two")]))),
    );
    let mut asker = asker(&shelf, "/index.xml");
    let polled = asker.poll().await;
    assert_eq!(titles(&polled), ["Two", "One"]);
    assert!(
        polled.notes[0].contains("/gone.xml answered 404"),
        "{:?}",
        polled.notes
    );
    assert_eq!(
        shelf.asked(),
        [
            "/index.xml",
            "/sub.xml",
            "/gone.xml",
            "/old.xml",
            "/packed.xml.gz"
        ]
    );
    shelf.put(
        "/old.xml",
        document("text/xml", news(&[(1, "One"), (3, "Three")])),
    );
    shelf.put(
        "/index.xml",
        document(
            "text/xml",
            index(&[
                (at("/old.xml"), "2026-11-23"),
                (at("/sub.xml"), "2026-11-22"),
            ]),
        ),
    );
    assert_eq!(titles(&asker.poll().await), ["Three", "One"]);
    assert_eq!(shelf.asked(), ["/index.xml", "/old.xml"]);
}

#[tokio::test]
async fn a_plain_sitemap_names_its_pages_by_their_addresses() {
    let shelf = Shelf::start().await;
    let text = "<urlset><url><loc>https://news.example/2026/floods-in-sindh.html</loc><lastmod>2026-11-23</lastmod></url>\
        <url><loc>https://news.example/%D8%B3%DB%8C%D9%84%D8%A7%D8%A8-%D8%A2%DB%8C%D8%A7/</loc></url>\
        <url><loc>javascript:alert(1)</loc></url></urlset>";
    shelf.put("/s.xml", document("text/xml", text));
    let polled = asker(&shelf, "/s.xml").poll().await;
    assert_eq!(titles(&polled), ["Floods in sindh", "سیلاب آیا"]);
    assert_eq!(
        polled.entries[0].published.unwrap().to_string(),
        "2026-11-23T00:00:00Z"
    );
}

#[tokio::test]
async fn bombs_circles_and_crowds_are_bounded() {
    let shelf = Shelf::start().await;
    let at = |name: &str| format!("{}{name}", shelf.url);
    shelf.put(
        "/bomb.xml.gz",
        document("application/gzip", packed(&" ".repeat(40 * 1024 * 1024))),
    );
    let why = asker(&shelf, "/bomb.xml.gz").try_poll().await.unwrap_err();
    assert!(why.message.contains("holds more than"), "{why}");
    shelf.put(
        "/circle.xml",
        document("text/xml", index(&[(at("/circle.xml"), "2026-11-23")])),
    );
    let circle = asker(&shelf, "/circle.xml").poll().await;
    assert!(circle.entries.is_empty() && !circle.notes.is_empty());
    let many: Vec<(String, &str)> = (0..200)
        .map(|n| (at(&format!("/{n}.xml")), "2026-11-23"))
        .collect();
    shelf.put("/many.xml", document("text/xml", index(&many)));
    shelf.asked();
    let polled = asker(&shelf, "/many.xml").poll().await;
    assert!(shelf.asked().len() <= 51);
    assert!(
        polled
            .notes
            .iter()
            .any(|n| n.contains("more than 50 sitemaps")),
        "{:?}",
        polled.notes
    );
    shelf.put(
        "/cut.xml.gz",
        document("application/gzip", &packed(&news(&[(1, "x")]))[..40]),
    );
    let why = asker(&shelf, "/cut.xml.gz").try_poll().await.unwrap_err();
    assert!(why.message.contains("packed file is broken"), "{why}");
    let page = asker(&shelf, "/nowhere.xml").try_poll().await.unwrap_err();
    assert_eq!(page.status, Some(404));
}

#[tokio::test]
async fn what_a_sitemaps_answer_says_of_asking_again_is_heard_and_a_host_in_trouble_is_left() {
    let shelf = Shelf::start().await;
    let mut one = document("text/xml", news(&[(1, "x")]));
    one.headers
        .push(("cache-control", "max-age=1800".to_owned()));
    one.headers.push(("retry-after", "3600".to_owned()));
    shelf.put("/news.xml", one);
    let polled = asker(&shelf, "/news.xml").poll().await;
    assert_eq!(polled.hints.pause, Some(Duration::from_secs(1800)));
    assert_eq!(polled.retry_after, Some(Duration::from_secs(3600)));
    let children: Vec<(String, &str)> = (0..9)
        .map(|n| (format!("{}/{n}.xml", shelf.url), "2026-11-23"))
        .collect();
    shelf.put("/index.xml", document("text/xml", index(&children)));
    for n in 0..9 {
        let mut busy = document("text/plain", "");
        busy.status = 429;
        busy.headers.push(("retry-after", "7200".to_owned()));
        shelf.put(&format!("/{n}.xml"), busy);
    }
    shelf.asked();
    let mut asker = asker(&shelf, "/index.xml");
    let polled = asker.poll().await;
    assert_eq!(polled.retry_after, Some(Duration::from_secs(7200)));
    assert_eq!(
        shelf.asked().len(),
        2,
        "who said no is not asked eight times more"
    );
    let told = "8 sitemaps of the index are read in the next poll";
    assert!(
        polled.notes.iter().any(|note| note == told),
        "{:?}",
        polled.notes
    );
    for n in 0..9 {
        let path = format!("/{n}.xml");
        shelf.put(&path, document("text/xml", news(&[(n, "x")])));
    }
    assert_eq!(asker.poll().await.entries.len(), 9);
}
