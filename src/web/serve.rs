//! The accept loop: `axum::serve` sets no timer at all, so half a request would keep its
//! connection for ever.

use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::client::Peer;
use super::guard::{Guarded, Phase};
use super::listen::{Bound, Stream};

/// What one listener allows its clients.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Connections at once; more wait in the kernel's queue.
    pub connections: usize,
    /// From the first byte of a request's head to its last.
    pub head: Duration,
    /// From one answer to the next request, and from connecting to the first.
    pub idle: Duration,
    /// How long a client may leave our bytes untaken.
    pub stall: Duration,
    /// How long open requests have to end once shutdown is called for.
    pub drain: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 1024,
            head: Duration::from_secs(5),
            idle: Duration::from_secs(15),
            stall: Duration::from_secs(15),
            drain: Duration::from_secs(10),
        }
    }
}

/// Serves `router` on `listener` until `shutdown` is called for; then takes no more
/// connections, lets open requests end (ten seconds at most) and returns.
pub async fn serve(listener: Bound, router: Router, shutdown: CancellationToken) {
    serve_within(Limits::default(), listener, router, shutdown).await;
}

/// [`serve`] with limits of one's own.
pub async fn serve_within(
    limits: Limits,
    listener: Bound,
    router: Router,
    shutdown: CancellationToken,
) {
    let room = Arc::new(Semaphore::new(limits.connections));
    // The set owns its tasks: none outlives this function.
    let mut connections = JoinSet::new();
    loop {
        let accepted = tokio::select! {
            biased;
            () = shutdown.cancelled() => break,
            // The place first: what is accepted is served at once.
            accepted = async {
                let place = room.clone().acquire_owned().await.ok()?;
                Some((place, listener.accept().await))
            } => accepted,
        };
        while connections.try_join_next().is_some() {}
        match accepted {
            Some((place, Ok((stream, peer)))) => {
                let (router, shutdown) = (router.clone(), shutdown.clone());
                connections.spawn(async move {
                    match stream {
                        Stream::Tcp(s) => converse(limits, s, peer, router, shutdown).await,
                        Stream::Unix(s) => converse(limits, s, peer, router, shutdown).await,
                    }
                    drop(place);
                });
            }
            Some((_, Err(error))) => {
                // Out of file descriptors, most likely: connections must end first.
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            None => break,
        }
    }
    drop(listener);
    let all_ended = async { while connections.join_next().await.is_some() {} };
    if tokio::time::timeout(limits.drain, all_ended).await.is_err() {
        connections.shutdown().await;
    }
}

/// One connection, request after request.
async fn converse(
    limits: Limits,
    stream: impl AsyncRead + AsyncWrite + Send + Unpin + 'static,
    peer: Peer,
    router: Router,
    shutdown: CancellationToken,
) {
    let phase = Arc::new(Phase::default());
    let io = Guarded::new(stream, phase.clone(), limits.head, limits.stall);
    let inner = TowerToHyperService::new(router);
    let service = service_fn(move |mut request: Request<Incoming>| {
        phase.answering();
        request.extensions_mut().insert(peer);
        let answer = inner.call(request);
        let phase = phase.clone();
        async move {
            let answer = answer.await;
            phase.waiting();
            answer
        }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.idle)
        .max_headers(64)
        .max_buf_size(16 * 1024)
        .serve_connection(TokioIo::new(io), service);
    let mut connection = std::pin::pin!(connection);
    let ended = tokio::select! {
        ended = connection.as_mut() => ended,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = ended {
        tracing::debug!(%error, "a connection ended early");
    }
}
