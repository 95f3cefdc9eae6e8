//! A publication whose feed the story writes: real HTTP on 127.0.0.1, with validators.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{Html, IntoResponse, Response};
use axum::routing::get;

/// An item of the feed, as the story wants it.
#[derive(Debug, Clone, Default)]
pub struct Item {
    pub guid: String,
    pub link: String,
    pub title: String,
    pub body: String,
    /// RFC 2822, or anything.
    pub date: String,
    pub topics: Vec<String>,
}

impl Item {
    /// An article with this number, dated in January 2026.
    pub fn new(number: usize) -> Self {
        Self {
            guid: format!("https://news.example/?p={number}"),
            link: format!("/story-{number}/"),
            title: format!("Story {number}"),
            body: format!("<p>What happened in story {number}, told in a few plain words.</p>"),
            date: format!(
                "Thu, 01 Jan 2026 {:02}:{:02}:00 GMT",
                number / 60 % 24,
                number % 60
            ),
            topics: vec!["News".to_owned()],
        }
    }

    pub fn titled(mut self, title: &str) -> Self {
        self.title = title.to_owned();
        self
    }

    pub fn dated(mut self, date: &str) -> Self {
        self.date = date.to_owned();
        self
    }

    pub fn about(mut self, topic: &str) -> Self {
        self.topics = vec![topic.to_owned()];
        self
    }
}

#[derive(Debug, Default)]
struct Desk {
    items: Vec<Item>,
    /// What is served instead of the feed.
    instead: Option<(u16, String)>,
    answers: Vec<u16>,
    /// Pages by their paths, and the paths that were asked for.
    pages: BTreeMap<String, String>,
    visits: Vec<String>,
    /// The `Link` header of the feed.
    links: String,
}

/// The running site; it stops when dropped.
pub struct Site {
    pub url: String,
    desk: Arc<Mutex<Desk>>,
    task: tokio::task::JoinHandle<()>,
}

impl Site {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let desk: Arc<Mutex<Desk>> = Arc::default();
        let router = Router::new()
            .route("/feed/", get(feed))
            .fallback(page)
            .with_state(desk.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, desk, task }
    }

    /// Puts an item on top of the feed.
    pub fn publish(&self, item: Item) {
        self.desk.lock().unwrap().items.insert(0, item);
    }

    /// Replaces the whole feed.
    pub fn set(&self, items: Vec<Item>) {
        self.desk.lock().unwrap().items = items;
    }

    /// Changes the item with this guid.
    pub fn edit(&self, guid: &str, change: impl Fn(&mut Item)) {
        let mut desk = self.desk.lock().unwrap();
        let item = desk
            .items
            .iter_mut()
            .find(|i| i.guid == guid)
            .expect("an item with that guid");
        change(item);
    }

    /// Serves this status and body instead of the feed from now on.
    pub fn answer_instead(&self, status: u16, body: &str) {
        self.desk.lock().unwrap().instead = Some((status, body.to_owned()));
    }

    /// Serves the feed again.
    pub fn answer_again(&self) {
        self.desk.lock().unwrap().instead = None;
    }

    /// Puts a page at a path; empty takes it away.
    pub fn show(&self, path: &str, html: &str) {
        let mut desk = self.desk.lock().unwrap();
        if html.is_empty() {
            desk.pages.remove(path);
        } else {
            desk.pages.insert(path.to_owned(), html.to_owned());
        }
    }

    /// How often a page was asked for.
    pub fn visits(&self, path: &str) -> usize {
        let desk = self.desk.lock().unwrap();
        desk.visits.iter().filter(|visit| *visit == path).count()
    }

    /// Names these hubs in the feed's headers, in this order.
    pub fn offer_hubs(&self, hubs: &[&str]) {
        let links: Vec<String> = hubs.iter().map(|hub| format!("<{hub}>; rel=hub")).collect();
        self.desk.lock().unwrap().links = format!("{}, </feed/>; rel=\"self\"", links.join(", "));
    }

    /// The feed as it is.
    pub fn document(&self) -> String {
        document(&self.desk.lock().unwrap().items)
    }

    /// The statuses answered so far.
    pub fn answers(&self) -> Vec<u16> {
        self.desk.lock().unwrap().answers.clone()
    }
}

impl Drop for Site {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn page(State(desk): State<Arc<Mutex<Desk>>>, uri: Uri) -> Response {
    let mut desk = desk.lock().unwrap();
    desk.visits.push(uri.path().to_owned());
    match desk.pages.get(uri.path()) {
        Some(page) => Html(page.clone()).into_response(),
        None => StatusCode::NOT_FOUND.into_response(),
    }
}

async fn feed(State(desk): State<Arc<Mutex<Desk>>>, headers: HeaderMap) -> Response {
    let mut desk = desk.lock().unwrap();
    if let Some((status, body)) = desk.instead.clone() {
        desk.answers.push(status);
        return (StatusCode::from_u16(status).unwrap(), body).into_response();
    }
    let body = document(&desk.items);
    let etag = format!(
        "\"{:x}\"",
        body.bytes()
            .fold(7u64, |h, b| h.wrapping_mul(31) + u64::from(b))
    );
    if headers
        .get(header::IF_NONE_MATCH)
        .is_some_and(|tag| tag.as_bytes() == etag.as_bytes())
    {
        desk.answers.push(304);
        return (StatusCode::NOT_MODIFIED, [(header::ETAG, etag)]).into_response();
    }
    desk.answers.push(200);
    let mut headers = vec![
        (header::ETAG, etag),
        (header::CONTENT_TYPE, "application/rss+xml".to_owned()),
    ];
    if !desk.links.is_empty() {
        headers.push((header::LINK, desk.links.clone()));
    }
    (axum::response::AppendHeaders(headers), body).into_response()
}

fn document(items: &[Item]) -> String {
    let items: String = items
        .iter()
        .map(|item| {
            let topics: String = item
                .topics
                .iter()
                .map(|t| format!("<category><![CDATA[{t}]]></category>"))
                .collect();
            let date = if item.date.is_empty() {
                String::new()
            } else {
                format!("<pubDate>{}</pubDate>", item.date)
            };
            let host = if item.link.starts_with("http") {
                ""
            } else {
                "https://news.example"
            };
            format!(
                "<item><title><![CDATA[{}]]></title><link>{host}{}</link>\
             <guid isPermaLink=\"false\">{}</guid>{date}{topics}\
             <content:encoded><![CDATA[{}]]></content:encoded></item>",
                item.title, item.link, item.guid, item.body
            )
        })
        .collect();
    format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?><rss version=\"2.0\" \
         xmlns:content=\"http://purl.org/rss/1.0/modules/content/\"><channel>\
         <title>News</title><link>https://news.example/</link><description>d</description>\
         <language>en</language>{items}</channel></rss>"
    )
}
