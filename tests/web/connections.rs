//! Clients that dawdle, crowd or shout.

use std::time::{Duration, Instant};

use courant::config::Listen;
use courant::web::{Bound, Limits, Side, public_router, serve};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpStream, UnixStream};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::kit::{Reply, Site};

const REQUEST: &[u8] = b"GET / HTTP/1.1\r\nhost: x\r\n\r\n";

fn hasty() -> Limits {
    Limits {
        connections: 2,
        head: Duration::from_millis(300),
        idle: Duration::from_millis(900),
        stall: Duration::from_millis(300),
        drain: Duration::from_millis(600),
    }
}

/// How long until the server closes this connection.
async fn time_to_close(stream: &mut TcpStream) -> Duration {
    let began = Instant::now();
    let mut rest = Vec::new();
    let closed = timeout(Duration::from_secs(5), stream.read_to_end(&mut rest)).await;
    assert!(closed.is_ok(), "the connection stayed open");
    began.elapsed()
}

/// Reads one answer with a Content-Length off a connection that stays open.
async fn read_reply(stream: &mut TcpStream) -> Reply {
    let mut bytes = Vec::new();
    loop {
        let mut part = [0; 4096];
        let n = stream.read(&mut part).await.unwrap();
        assert!(n > 0, "closed in the middle of an answer");
        bytes.extend(&part[..n]);
        if !bytes.windows(4).any(|w| w == b"\r\n\r\n") {
            continue;
        }
        let reply = Reply::parse(&bytes);
        if reply.body.len() == reply.header("content-length").parse::<usize>().unwrap() {
            return reply;
        }
    }
}

#[tokio::test]
async fn half_a_head_is_cut_off_and_an_idle_connection_later() {
    let site = Site::within(hasty()).await;
    let mut half = TcpStream::connect(&site.public).await.unwrap();
    half.write_all(b"GET / HTTP/1.1\r\nhost: x\r\nx-slow: ")
        .await
        .unwrap();
    let took = time_to_close(&mut half).await;
    assert!(took < Duration::from_millis(800), "{took:?}");

    let mut dripping = TcpStream::connect(&site.public).await.unwrap();
    let began = Instant::now();
    while dripping.write_all(b"G").await.is_ok() && began.elapsed() < Duration::from_secs(5) {
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    assert!(
        began.elapsed() < Duration::from_secs(2),
        "dripping kept it open"
    );

    let mut idle = TcpStream::connect(&site.public).await.unwrap();
    let took = time_to_close(&mut idle).await;
    assert!(
        took > Duration::from_millis(600),
        "an idle one was cut at once: {took:?}"
    );
}

#[tokio::test]
async fn a_connection_serves_many_requests_with_pauses_between() {
    let site = Site::within(hasty()).await;
    let mut stream = TcpStream::connect(&site.public).await.unwrap();
    for _ in 0..3 {
        stream.write_all(REQUEST).await.unwrap();
        assert_eq!(read_reply(&mut stream).await.status, 200);
        // Longer than a head may take, shorter than idling may.
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

#[tokio::test]
async fn those_beyond_the_cap_wait_for_a_place() {
    let site = Site::within(hasty()).await;
    let crowd = [
        TcpStream::connect(&site.public).await.unwrap(),
        TcpStream::connect(&site.public).await.unwrap(),
    ];
    tokio::time::sleep(Duration::from_millis(100)).await;
    let mut third = TcpStream::connect(&site.public).await.unwrap();
    third.write_all(REQUEST).await.unwrap();
    let early = timeout(Duration::from_millis(200), read_reply(&mut third)).await;
    assert!(early.is_err(), "the cap was not held");
    drop(crowd);
    let reply = timeout(Duration::from_secs(3), read_reply(&mut third)).await;
    assert_eq!(reply.unwrap().status, 200);
}

#[tokio::test]
async fn shouting_is_refused() {
    let site = Site::open().await;
    for head in [
        format!("GET /{} HTTP/1.1\r\nhost: x\r\n\r\n", "a".repeat(40_000)),
        format!(
            "GET / HTTP/1.1\r\nhost: x\r\n{}\r\n",
            "x-h: 1\r\n".repeat(100)
        ),
        format!(
            "GET / HTTP/1.1\r\nhost: x\r\nx-h: {}\r\n\r\n",
            "a".repeat(40_000)
        ),
        "NONSENSE\r\n\r\n".to_owned(),
        "GET / HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n".to_owned(),
    ] {
        let mut stream = TcpStream::connect(&site.public).await.unwrap();
        let _ = stream.write_all(head.as_bytes()).await; // it may hang up before the end
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer).await;
        if !answer.is_empty() {
            let status = Reply::parse(&answer).status;
            assert!((400..500).contains(&status), "{status} for {head:.40}");
        }
    }
    assert_eq!(site.get("/").await.status, 200);
}

#[tokio::test]
async fn shutdown_ends_idle_connections_and_takes_no_new_ones() {
    let site = Site::within(hasty()).await;
    let mut kept = TcpStream::connect(&site.public).await.unwrap();
    kept.write_all(REQUEST).await.unwrap();
    read_reply(&mut kept).await;
    site.shutdown.cancel();
    let took = time_to_close(&mut kept).await;
    assert!(took < Duration::from_millis(500), "{took:?}");
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert!(TcpStream::connect(&site.public).await.is_err());
}

#[tokio::test]
async fn a_request_under_way_is_answered_before_the_end() {
    let site = Site::within(hasty()).await;
    let mut stream = TcpStream::connect(&site.public).await.unwrap();
    let head = "POST /unsubscribe/x HTTP/1.1\r\nhost: x\r\ncontent-length: 3\r\n\r\n";
    stream.write_all(head.as_bytes()).await.unwrap();
    tokio::time::sleep(Duration::from_millis(100)).await;
    site.shutdown.cancel();
    tokio::time::sleep(Duration::from_millis(100)).await;
    stream.write_all(b"a=b").await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Reply::parse(&answer).status, 404);
}

#[tokio::test]
async fn a_unix_socket_serves_the_same_pages() {
    let site = Site::open().await;
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("public.sock");
    let bound = Bound::bind(&Listen::Unix(path.clone()), Side::Public)
        .await
        .unwrap();
    let shutdown = CancellationToken::new();
    let server = tokio::spawn(serve(
        bound,
        public_router(site.state.clone()),
        shutdown.clone(),
    ));
    let mut stream = UnixStream::connect(&path).await.unwrap();
    let request = b"GET / HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n";
    stream.write_all(request).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    assert_eq!(Reply::parse(&answer).body, site.get("/").await.body);
    shutdown.cancel();
    server.await.unwrap();
    assert!(!path.exists(), "the socket's file stayed");
}
