//! A host with any number of feeds, which answers as the story says and notes how it was asked.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};

/// One request as the host saw it.
#[derive(Debug, Clone)]
pub struct Asked {
    pub path: String,
    pub headers: HeaderMap,
    pub at: Instant,
}

/// An answer: status, headers, body.
pub type Answer = (u16, Vec<(&'static str, String)>, String);

type Script = Box<dyn Fn(&str) -> Answer + Send>;

struct Desk {
    script: Script,
    asked: Vec<Asked>,
    /// Requests being answered, and the most there ever were.
    open: usize,
    most: usize,
    takes: Duration,
}

/// The running host; it stops when dropped.
pub struct Host {
    pub url: String,
    desk: Arc<Mutex<Desk>>,
    task: tokio::task::JoinHandle<()>,
}

impl Host {
    /// On an address of its own: `127.0.0.NUMBER`.
    pub async fn start(number: u8, script: impl Fn(&str) -> Answer + Send + 'static) -> Self {
        let address = format!("127.0.0.{number}:0");
        let listener = tokio::net::TcpListener::bind(address).await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let desk = Arc::new(Mutex::new(Desk {
            script: Box::new(script),
            asked: Vec::new(),
            open: 0,
            most: 0,
            takes: Duration::ZERO,
        }));
        let router = Router::new().fallback(answer).with_state(desk.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, desk, task }
    }

    /// Answers otherwise from now on.
    pub fn answer(&self, script: impl Fn(&str) -> Answer + Send + 'static) {
        self.desk.lock().unwrap().script = Box::new(script);
    }

    /// Takes that long for each answer from now on.
    pub fn take(&self, takes: Duration) {
        self.desk.lock().unwrap().takes = takes;
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.desk.lock().unwrap().asked.clone()
    }

    /// The most requests that were open at a time.
    pub fn most(&self) -> usize {
        self.desk.lock().unwrap().most
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(desk): State<Arc<Mutex<Desk>>>, uri: Uri, headers: HeaderMap) -> Response {
    let ((status, fields, body), takes) = {
        let mut desk = desk.lock().unwrap();
        desk.open += 1;
        desk.most = desk.most.max(desk.open);
        desk.asked.push(Asked {
            path: uri.path().to_owned(),
            headers,
            at: Instant::now(),
        });
        ((desk.script)(uri.path()), desk.takes)
    };
    tokio::time::sleep(takes).await;
    desk.lock().unwrap().open -= 1;
    let mut response = (StatusCode::from_u16(status).unwrap(), body).into_response();
    for (name, value) in fields {
        response.headers_mut().insert(name, value.parse().unwrap());
    }
    response
}

/// A feed with these stories, by number; each has its own date, two hours after the one before.
pub fn feed(stories: impl IntoIterator<Item = usize>) -> Answer {
    let items: String = stories
        .into_iter()
        .map(|n| {
            let (day, hour) = (1 + n / 12, n % 12 * 2);
            format!(
                "<item><title>Story {n}</title><link>https://host.example/story-{n}/</link>\
                 <guid isPermaLink=\"false\">story {n}</guid>\
                 <pubDate>{day:02} Dec 2025 {hour:02}:00:00 GMT</pubDate>\
                 <description>What happened in story {n}.</description></item>"
            )
        })
        .collect();
    let body = format!(
        "<rss version=\"2.0\"><channel><title>H</title><link>https://host.example/</link>\
         <description>d</description>{items}</channel></rss>"
    );
    (200, Vec::new(), body)
}

/// An empty answer with this status and these headers.
pub fn only(status: u16, fields: &[(&'static str, &str)]) -> Answer {
    let fields = fields
        .iter()
        .map(|(name, value)| (*name, (*value).to_owned()));
    (status, fields.collect(), String::new())
}
