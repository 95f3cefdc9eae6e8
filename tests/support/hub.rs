//! A WebSub hub that the story plays: real HTTP on 127.0.0.1, in both directions.

use std::sync::{Arc, Mutex};

use axum::Form;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use tokio::io::{AsyncReadExt, AsyncWriteExt};

/// What a subscriber asked for.
#[derive(Debug, Clone)]
pub struct Asked {
    pub mode: String,
    pub topic: String,
    pub callback: String,
    pub lease: String,
    pub secret: Option<String>,
}

/// How the hub answers requests.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Manner {
    /// 202, and the story verifies when it wants to.
    #[default]
    Waits,
    /// 202, and it verifies at once.
    Confirms,
    /// This status, and some words.
    Answers(u16),
    /// 307 to its other address.
    Redirects,
    /// Nothing, ever.
    Hangs,
}

#[derive(Debug, Default)]
struct Desk {
    manner: Manner,
    asked: Vec<Asked>,
}

/// The running hub; it stops when dropped.
pub struct Hub {
    pub url: String,
    desk: Arc<Mutex<Desk>>,
    task: tokio::task::JoinHandle<()>,
}

impl Hub {
    pub async fn start(manner: Manner) -> Self {
        Self::on("127.0.0.1", manner).await
    }

    /// On another address of this machine.
    pub async fn on(address: &str, manner: Manner) -> Self {
        let listener = tokio::net::TcpListener::bind((address, 0)).await.unwrap();
        let url = format!("http://{}/hub", listener.local_addr().unwrap());
        let desk = Arc::new(Mutex::new(Desk {
            manner,
            asked: Vec::new(),
        }));
        let router = Router::new()
            .route("/hub", post(asked))
            .route("/moved", post(asked_there))
            .with_state(desk.clone());
        let task = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        Self { url, desk, task }
    }

    pub fn behaves(&self, manner: Manner) {
        self.desk.lock().unwrap().manner = manner;
    }

    /// What it was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.desk.lock().unwrap().asked.clone()
    }

    /// The last thing it was asked.
    pub fn last(&self) -> Asked {
        self.asked().pop().expect("the hub was asked something")
    }
}

impl Drop for Hub {
    fn drop(&mut self) {
        self.task.abort();
    }
}

type Fields = Form<Vec<(String, String)>>;

async fn asked(State(desk): State<Arc<Mutex<Desk>>>, fields: Fields) -> Response {
    let manner = desk.lock().unwrap().manner;
    if manner == Manner::Redirects {
        let to = [(header::LOCATION, "/moved")];
        return (StatusCode::TEMPORARY_REDIRECT, to).into_response();
    }
    take(&desk, manner, fields).await
}

async fn asked_there(State(desk): State<Arc<Mutex<Desk>>>, fields: Fields) -> Response {
    take(&desk, Manner::Waits, fields).await
}

async fn take(desk: &Mutex<Desk>, manner: Manner, Form(fields): Fields) -> Response {
    let field = |name: &str| {
        let found = fields.iter().find(|(n, _)| n == &format!("hub.{name}"));
        found.map(|(_, value)| value.clone())
    };
    let asked = Asked {
        mode: field("mode").unwrap_or_default(),
        topic: field("topic").unwrap_or_default(),
        callback: field("callback").unwrap_or_default(),
        lease: field("lease_seconds").unwrap_or_default(),
        secret: field("secret"),
    };
    desk.lock().unwrap().asked.push(asked.clone());
    match manner {
        Manner::Hangs => std::future::pending().await,
        Manner::Answers(status) => {
            (StatusCode::from_u16(status).unwrap(), "not here\n").into_response()
        }
        Manner::Confirms => {
            tokio::spawn(async move { asked.verify("challenge-1", 864_000).await });
            StatusCode::ACCEPTED.into_response()
        }
        Manner::Waits | Manner::Redirects => StatusCode::ACCEPTED.into_response(),
    }
}

impl Asked {
    /// Asks the subscriber whether it meant it; its status, its media type and what it said.
    pub async fn verify(&self, challenge: &str, lease: u64) -> (u16, String, String) {
        let query = [
            ("hub.mode", self.mode.as_str()),
            ("hub.topic", &self.topic),
            ("hub.challenge", challenge),
            ("hub.lease_seconds", &lease.to_string()),
        ];
        self.question(&query).await
    }

    /// Tells the subscriber that it is refused.
    pub async fn deny(&self, reason: &str) -> (u16, String, String) {
        let query = [
            ("hub.mode", "denied"),
            ("hub.topic", &self.topic),
            ("hub.reason", reason),
        ];
        self.question(&query).await
    }

    async fn question(&self, query: &[(&str, &str)]) -> (u16, String, String) {
        let mut url = url::Url::parse(&self.callback).unwrap();
        url.query_pairs_mut().extend_pairs(query);
        send("GET", url.as_str(), &[], b"").await
    }

    /// Pushes a document, signed as `signature` says.
    pub async fn push(&self, body: &str, signature: Option<&str>) -> u16 {
        let kind = ("content-type", "application/rss+xml");
        let mut headers = vec![kind];
        headers.extend(signature.map(|signature| ("x-hub-signature", signature)));
        send("POST", &self.callback, &headers, body.as_bytes())
            .await
            .0
    }

    /// Pushes a document signed with the secret it was told.
    pub async fn push_signed(&self, body: &str) -> u16 {
        let signature = sha256(self.secret.as_deref().expect("it was told a secret"), body);
        self.push(body, Some(&signature)).await
    }
}

/// `sha256=…` of a body.
pub fn sha256(secret: &str, body: &str) -> String {
    use aws_lc_rs::hmac;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret.as_bytes());
    let tag = hmac::sign(&key, body.as_bytes());
    format!("sha256={}", data_encoding::HEXLOWER.encode(tag.as_ref()))
}

/// One request on a connection of its own: status, `Content-Type`, body.
pub async fn send(
    method: &str,
    url: &str,
    headers: &[(&str, &str)],
    body: &[u8],
) -> (u16, String, String) {
    let url = url::Url::parse(url).unwrap();
    let place = format!("{}:{}", url.host_str().unwrap(), url.port().unwrap_or(80));
    let target = &url[url::Position::BeforePath..];
    let mut text = format!("{method} {target} HTTP/1.1\r\nhost: {place}\r\nconnection: close\r\n");
    for (name, value) in headers {
        text.push_str(&format!("{name}: {value}\r\n"));
    }
    if method == "POST" {
        text.push_str(&format!("content-length: {}\r\n", body.len()));
    }
    text.push_str("\r\n");
    let mut stream = tokio::net::TcpStream::connect(&place).await.unwrap();
    stream.write_all(text.as_bytes()).await.unwrap();
    // A server that refuses early may not read it all.
    let _ = stream.write_all(body).await;
    let mut answer = Vec::new();
    let _ = stream.read_to_end(&mut answer).await;
    let answer = String::from_utf8_lossy(&answer).into_owned();
    let (head, body) = answer.split_once("\r\n\r\n").expect("an HTTP answer");
    let status = head.split(' ').nth(1).and_then(|code| code.parse().ok());
    let kind = head.lines().find_map(|line| {
        let (name, value) = line.split_once(':')?;
        name.eq_ignore_ascii_case("content-type")
            .then(|| value.trim().to_owned())
    });
    (
        status.expect("a status"),
        kind.unwrap_or_default(),
        body.to_owned(),
    )
}
