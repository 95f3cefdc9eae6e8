//! What sites offer, and feed sources that are given a home page.

use courant::sources::discover::{Discovery, Text, discover};
use url::Url;

use super::kit::{Asker, Document, Shelf, client, document, titles};
use crate::support::wordpress::{Door, WpSite};

const MINUTE: i64 = 60_000;

fn rss(titles: &[&str], words: usize) -> Vec<u8> {
    let text = "word ".repeat(words);
    let items: String = titles
        .iter()
        .map(|t| {
            format!(
                "<item><title>{t}</title><link>https://news.example/{t}</link><pubDate>Mon, 23 Nov 2026 10:00:00 +0500</pubDate>\
                 <description>&lt;p&gt;What happened there in a few words [&amp;hellip;]&lt;/p&gt;</description>\
                 <content:encoded><![CDATA[<p>{text}</p>]]></content:encoded></item>"
            )
        })
        .collect();
    format!(
        "<?xml version='1.0'?><rss version='2.0' xmlns:content='http://purl.org/rss/1.0/modules/content/'>\
         <channel><title>News</title><language>en</language>{items}</channel></rss>"
    )
    .into_bytes()
}

fn feed(titles: &[&str], words: usize) -> Document {
    document("application/rss+xml", rss(titles, words))
}

fn page(head: &str) -> Document {
    document(
        "text/html; charset=utf-8",
        format!(
            "<!doctype html><html lang=en><head><title>The News</title>{head}</head><body>News"
        ),
    )
}

fn link(path: &str, title: &str) -> String {
    format!("<link rel=alternate type='application/rss+xml' title='{title}' href='{path}'>")
}

async fn look(url: &str) -> Discovery {
    discover(&client(), &Url::parse(url).unwrap())
        .await
        .unwrap_or_else(|e| panic!("{e}"))
}

fn offers(found: &Discovery) -> Vec<(&str, &str)> {
    found
        .offers
        .iter()
        .map(|o| (o.kind, o.url.path()))
        .collect()
}

#[tokio::test]
async fn a_wordpress_site_offers_its_interface_before_its_feed() {
    let site = WpSite::start().await;
    for id in 1..=30 {
        site.publish(
            id,
            courant::domain::UnixMillis::now().plus_ms(-MINUTE * (40 - id as i64)),
        );
    }
    let found = look(&site.url).await;
    assert_eq!(offers(&found), [("wordpress", "/"), ("feed", "/feed/")]);
    assert_eq!(found.offers[0].articles, 30);
    assert_eq!(found.offers[0].newest.as_ref().unwrap().title, "Story 30");
    assert!(found.offers[0].is_best && !found.offers[1].is_best);
    assert_eq!(
        (found.name.as_deref(), found.language.as_deref()),
        (Some("The News"), Some("en"))
    );
    // The feed of comments is not so much as asked for.
    assert!(site.asked().iter().all(|a| !a.path.contains("comments")));
    site.door(Door::Closed(401));
    let found = look(&site.url).await;
    assert_eq!(offers(&found), [("feed", "/feed/")]);
    assert!(
        found
            .tried
            .iter()
            .any(|t| t.result.contains("REST interface is closed")),
        "{:?}",
        found.tried
    );
}

#[tokio::test]
async fn a_full_feed_comes_before_summaries_and_each_address_is_fetched_once() {
    let shelf = Shelf::start().await;
    let head = link("/short.xml", "Short")
        + &link("/full.xml", "Full")
        + &link("/full.xml#x", "Again")
        + &link("/comments.xml", "Comments on everything");
    shelf.put("/", page(&head));
    shelf.put("/short.xml", feed(&["a"], 0));
    shelf.put("/full.xml", feed(&["a", "b"], 100));
    let found = look(&shelf.url).await;
    assert_eq!(
        offers(&found),
        [("feed", "/full.xml"), ("feed", "/short.xml")]
    );
    assert_eq!(
        (found.offers[0].text, found.offers[1].text),
        (Text::Full, Text::Summaries)
    );
    let asked = shelf.asked();
    let mut once = asked.clone();
    once.sort_unstable();
    once.dedup();
    assert_eq!(asked.len(), once.len(), "{asked:?}");
    assert!(!asked.contains(&"/comments.xml".to_owned()));
}

#[tokio::test]
async fn languages_headers_and_news_sitemaps_are_found() {
    let shelf = Shelf::start().await;
    let mut home = page(
        "<link rel=alternate hreflang=ur href='/ur/'><link rel=alternate hreflang=en href='/'>",
    );
    home.headers.push((
        "link",
        "</header.json>; rel=alternate; type=\"application/feed+json\"".to_owned(),
    ));
    shelf.put("/", home);
    shelf.put("/ur/feed/", feed(&["a"], 100));
    shelf.put("/header.json", document("application/feed+json",
        "{\"version\":\"https://jsonfeed.org/version/1.1\",\"title\":\"N\",\"items\":[{\"id\":\"1\",\"title\":\"x\",\"content_text\":\"y\"}]}"));
    shelf.put(
        "/robots.txt",
        document("text/plain", format!("Sitemap: {}/index.xml\n", shelf.url)),
    );
    shelf.put("/index.xml", document("text/xml", format!("<sitemapindex><sitemap><loc>{}/posts.xml</loc></sitemap><sitemap><loc>{}/my-news.xml</loc></sitemap></sitemapindex>", shelf.url, shelf.url)));
    shelf.put("/my-news.xml", document("text/xml", "<urlset xmlns:news='http://www.google.com/schemas/sitemap-news/0.9'><url><loc>https://e.org/1</loc><news:news><news:title>N</news:title></news:news></url></urlset>"));
    let found = look(&shelf.url).await;
    assert_eq!(
        offers(&found),
        [
            ("feed", "/header.json"),
            ("sitemap", "/my-news.xml"),
            ("feed", "/ur/feed/")
        ]
    );
    let best: Vec<bool> = found.offers.iter().map(|o| o.is_best).collect();
    assert_eq!(best, [true, false, true]);
}

#[tokio::test]
async fn usual_places_are_looked_at_and_a_redirect_home_is_no_feed() {
    let shelf = Shelf::start().await;
    shelf.put("/", page(""));
    for path in ["/feed/", "/rss.xml"] {
        shelf.put(
            path,
            Document {
                status: 302,
                headers: vec![("location", "/".to_owned())],
                body: Vec::new(),
            },
        );
    }
    shelf.put("/atom.xml", feed(&["a"], 100));
    let found = look(&shelf.url).await;
    assert_eq!(offers(&found), [("feed", "/atom.xml")]);
    assert!(
        found
            .tried
            .iter()
            .any(|t| t.url.path() == "/feed/" && t.result == "sends elsewhere")
    );
    shelf.remove("/atom.xml");
    let nothing = look(&shelf.url).await;
    assert!(nothing.offers.is_empty() && nothing.tried.len() > 5);
}

#[tokio::test]
async fn a_feed_or_a_sitemap_is_what_it_is() {
    let shelf = Shelf::start().await;
    shelf.put("/f", feed(&["a"], 100));
    shelf.put(
        "/s",
        document(
            "text/xml",
            "<urlset><url><loc>https://e.org/1</loc></url></urlset>",
        ),
    );
    shelf.put("/x", document("text/plain", "hello"));
    assert_eq!(
        offers(&look(&format!("{}/f", shelf.url)).await),
        [("feed", "/f")]
    );
    assert_eq!(
        offers(&look(&format!("{}/s", shelf.url)).await),
        [("sitemap", "/s")]
    );
    assert_eq!(shelf.asked(), ["/f", "/s"]);
    let nothing = look(&format!("{}/x", shelf.url)).await;
    assert!(
        nothing.offers.is_empty() && nothing.tried.len() == 2,
        "{:?}",
        nothing.tried
    );
}

#[tokio::test]
async fn a_bot_wall_is_called_one() {
    let shelf = Shelf::start().await;
    shelf.put(
        "/",
        Document {
            status: 403,
            headers: vec![("cf-mitigated", "challenge".to_owned())],
            body: Vec::new(),
        },
    );
    let error = discover(&client(), &Url::parse(&shelf.url).unwrap())
        .await
        .unwrap_err();
    assert!(error.to_string().contains("bot wall"), "{error}");
}

#[tokio::test]
async fn a_feed_source_with_a_home_page_reads_its_feed_and_remembers_it() {
    let shelf = Shelf::start().await;
    shelf.put("/", page(&link("/the-feed.xml", "Feed")));
    shelf.put("/the-feed.xml", feed(&["a"], 100));
    let mut asker = Asker::new(&format!("kind = \"feed\"\nurl = \"{}/\"\n", shelf.url));
    let polled = asker.poll().await;
    assert_eq!(titles(&polled), ["a"]);
    assert!(
        polled.notes[0].contains("its feed is at http://"),
        "{:?}",
        polled.notes
    );
    assert_eq!(shelf.asked(), ["/", "/the-feed.xml"]);
    assert!(asker.poll().await.not_modified);
    assert_eq!(shelf.asked(), ["/the-feed.xml"]);
    shelf.remove("/the-feed.xml");
    shelf.put("/", page(&link("/moved.xml", "Feed")));
    shelf.put("/moved.xml", feed(&["a", "b"], 100));
    assert_eq!(titles(&asker.poll().await), ["a", "b"]);
    shelf.remove("/moved.xml");
    shelf.put("/", page(""));
    let error = asker.try_poll().await.unwrap_err();
    assert!(
        error
            .message
            .contains("this is a web page, not a feed; it names no feed"),
        "{error}"
    );
}

/// Runs `courant discover` with a configuration that allows this machine.
async fn command(url: &str, more: &[&str]) -> (i32, String, String) {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("courant.toml");
    let text = "[site]\nname = \"N\"\nurl = \"https://e.org\"\npostal_address = \"A\"\n\
        [network]\nallow = [\"127.0.0.0/8\"]\n";
    std::fs::write(&path, text).unwrap();
    let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_courant"));
    command
        .arg("-c")
        .arg(&path)
        .args(["discover", url])
        .args(more);
    // The site that is looked at lives on this thread.
    let output = tokio::task::spawn_blocking(move || command.output());
    let output = output.await.unwrap().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    let code = output.status.code().unwrap();
    (code, text(output.stdout), text(output.stderr))
}

#[tokio::test]
async fn the_command_prints_configuration_that_loads_or_what_was_tried() {
    let shelf = Shelf::start().await;
    shelf.put(
        "/",
        page(&(link("/short.xml", "S") + &link("/full.xml", "F"))),
    );
    shelf.put("/short.xml", feed(&["a"], 0));
    shelf.put("/full.xml", feed(&["b"], 100));
    let (code, out, err) = command(&shelf.url, &[]).await;
    assert_eq!(code, 0, "{err}");
    assert!(
        out.contains("[sources.site]\nkind = \"feed\"\n") && out.contains("#full_text = \"auto\""),
        "{out}"
    );
    let keys = out.split("[sources.site]\n").nth(1).unwrap();
    super::kit::configuration(keys).unwrap_or_else(|e| panic!("{e}: {out}"));
    let (_, out, _) = command(&shelf.url, &["--json"]).await;
    let found: serde_json::Value = serde_json::from_str(&out).unwrap();
    assert_eq!(found["offers"][0]["kind"], "feed");
    assert_eq!(found["offers"][0]["text"], "full");
    shelf.put("/", page(""));
    let (code, _, err) = command(&shelf.url, &[]).await;
    assert!(
        code == 1 && err.contains("offers nothing") && err.contains("/rss.xml: answers 404"),
        "{err}"
    );
    let (code, _, err) = command("not a site", &[]).await;
    assert!(code == 2 && err.contains("no web address"), "{err}");
}
