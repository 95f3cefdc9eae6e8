//! A source that is asked again and again, and a site of fixed documents.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use courant::config;
use courant::domain::{IdentityKey, KeyKind};
use courant::net::Client;
use courant::runtime::check_kinds;
use courant::sources::{self, Memory, PollError, Polled, Source};

/// A client that reaches this machine.
pub fn client() -> Client {
    Client::new(&["127.0.0.0/8".parse().unwrap()], "courant-test").unwrap()
}

/// A configuration with one source `s` of these keys.
pub fn configuration(keys: &str) -> Result<config::Config, String> {
    let text = format!(
        "[site]\nname = \"N\"\nurl = \"https://e.org\"\nlanguage = \"en\"\ntimezone = \"Asia/Karachi\"\n\
         postal_address = \"A\"\n[sources.s]\n{keys}"
    );
    config::from_text("courant.toml".as_ref(), &text, check_kinds).map_err(|p| p.to_string())
}

/// A source with its memory.
pub struct Asker {
    source: Box<dyn Source>,
    client: Client,
    pub memory: Memory,
}

impl Asker {
    pub fn new(keys: &str) -> Self {
        let config = configuration(keys).unwrap_or_else(|e| panic!("{e}"));
        Self {
            source: sources::open(&config.sources["s"]).unwrap(),
            client: client(),
            memory: Memory::default(),
        }
    }

    /// Asks, and remembers what the pipeline would remember.
    pub async fn try_poll(&mut self) -> Result<Polled, PollError> {
        let polled = self.source.poll(&self.memory, &self.client).await?;
        self.memory.etag.clone_from(&polled.etag);
        self.memory.last_modified.clone_from(&polled.last_modified);
        if polled.state.is_some() {
            self.memory.state.clone_from(&polled.state);
        }
        Ok(polled)
    }

    pub async fn poll(&mut self) -> Polled {
        self.try_poll().await.unwrap_or_else(|e| panic!("{e}"))
    }
}

/// The titles of what came.
pub fn titles(polled: &Polled) -> Vec<String> {
    polled.entries.iter().map(|e| e.title.clone()).collect()
}

/// The key of a kind.
pub fn key(keys: &[IdentityKey], kind: KeyKind) -> Option<&str> {
    keys.iter()
        .find(|k| k.kind == kind)
        .map(|k| k.value.as_str())
}

/// One document of a site.
#[derive(Debug, Clone, Default)]
pub struct Document {
    pub status: u16,
    pub headers: Vec<(&'static str, String)>,
    pub body: Vec<u8>,
}

/// A page or a feed as it is.
pub fn document(kind: &str, body: impl Into<Vec<u8>>) -> Document {
    Document {
        status: 200,
        headers: vec![("content-type", kind.to_owned())],
        body: body.into(),
    }
}

type Shared = Arc<Mutex<(HashMap<String, Document>, Vec<String>)>>;

/// A site of fixed documents, by path; it stops when dropped. An `ETag` is the hash of a body.
pub struct Shelf {
    pub url: String,
    shared: Shared,
    task: tokio::task::JoinHandle<()>,
}

impl Shelf {
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let shared: Shared = Arc::default();
        let router = Router::new().fallback(answer).with_state(shared.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, shared, task }
    }

    pub fn put(&self, path: &str, document: Document) {
        self.shared
            .lock()
            .unwrap()
            .0
            .insert(path.to_owned(), document);
    }

    pub fn remove(&self, path: &str) {
        self.shared.lock().unwrap().0.remove(path);
    }

    /// The paths asked for since the last call, in order.
    pub fn asked(&self) -> Vec<String> {
        std::mem::take(&mut self.shared.lock().unwrap().1)
    }
}

impl Drop for Shelf {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn answer(State(shared): State<Shared>, uri: Uri, headers: HeaderMap) -> Response {
    let mut shared = shared.lock().unwrap();
    shared.1.push(uri.path().to_owned());
    let Some(document) = shared.0.get(uri.path()).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let sum = document
        .body
        .iter()
        .fold(7u64, |h, b| h.wrapping_mul(31) + u64::from(*b));
    let etag = format!("\"{sum:x}\"");
    let asked = headers.get(header::IF_NONE_MATCH);
    if asked.is_some_and(|tag| tag.as_bytes() == etag.as_bytes()) {
        return StatusCode::NOT_MODIFIED.into_response();
    }
    let mut response = document.body.into_response();
    *response.status_mut() = StatusCode::from_u16(document.status).unwrap();
    response
        .headers_mut()
        .insert(header::ETAG, etag.parse().unwrap());
    for (name, value) in document.headers {
        response.headers_mut().append(name, value.parse().unwrap());
    }
    response
}
