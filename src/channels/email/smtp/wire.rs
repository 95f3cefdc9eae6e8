//! The stream under a conversation: buffered both ways, with a deadline for every wait.
//!
//! Writes are collected and leave when an answer is waited for, so that a command is one
//! packet, and with `TCP_NODELAY` it leaves at once: without the two, each message stalls
//! for the 40 ms of a delayed acknowledgement. The kernel asks a peer that is silent whether it
//! still lives, so that one that has vanished does not last until the answer's deadline.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use rustls::ClientConfig;
use rustls::pki_types::ServerName;
use socket2::{SockRef, TcpKeepalive};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

use super::reply::{self, Malformed, Reply};

/// How long a broken connection is listened to: what it said is in our buffers or lost.
const LAST_WORDS: Duration = Duration::from_millis(200);
/// A connection that is silent for so long is asked for a sign of life. Firewalls and load
/// balancers that forget what is quiet hear from it too.
const SILENT: Duration = Duration::from_secs(30);
/// Between one such question and the next.
const ASKS_EVERY: Duration = Duration::from_secs(10);
/// So many questions without an answer are the end where there is no [`UNHEARD`].
const ASKS: u32 = 3;
/// What is written or asked and not acknowledged for so long ends the connection; Linux goes by
/// this and not by the number of questions. No less than a step forward of a message may take
/// ([`Timeouts`](super::Timeouts)`::block`): a relay that lives but reads nothing meanwhile would
/// be cut off as well.
const UNHEARD: Duration = Duration::from_secs(180);

/// Why a wait ended without what was waited for.
#[derive(Debug, thiserror::Error)]
pub(super) enum WireError {
    #[error("nothing came for {} s", .0.as_secs())]
    Timeout(Duration),
    #[error("the relay closed the connection")]
    Closed,
    #[error("the connection broke: {0}")]
    Io(#[from] std::io::Error),
    #[error("the relay's answer `{0}` is not SMTP")]
    Malformed(String),
    #[error("the relay answered `{0}` before it was asked")]
    OutOfStep(String),
}

impl WireError {
    /// Whether the other side had hung up, as relays do with idle connections.
    pub(super) fn is_hang_up(&self) -> bool {
        match self {
            Self::Closed => true,
            Self::Io(error) => error.kind() != std::io::ErrorKind::TimedOut,
            _ => false,
        }
    }

    /// Whether what came made no sense, rather than nothing coming.
    pub(super) fn is_nonsense(&self) -> bool {
        matches!(self, Self::Malformed(_) | Self::OutOfStep(_))
    }
}

/// What a look at the connection without waiting shows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Glance {
    /// Nothing to read: as it should be between an answer and the next command.
    Quiet,
    /// Something came that nobody asked for.
    Unasked,
    /// The other side has hung up.
    Gone,
}

enum Transport {
    Plain(TcpStream),
    Tls(Box<TlsStream<TcpStream>>),
}

/// A connection's bytes.
pub(super) struct Wire {
    transport: Transport,
    input: Vec<u8>,
    output: Vec<u8>,
    /// How much of `output` the transport has taken.
    taken: usize,
    /// Where in `output` the last message put ends, its final dot included.
    message_end: usize,
}

impl Wire {
    pub(super) fn new(tcp: TcpStream) -> std::io::Result<Self> {
        tcp.set_nodelay(true)?;
        notice_the_dead(&tcp)?;
        Ok(Self {
            transport: Transport::Plain(tcp),
            input: Vec::new(),
            output: Vec::new(),
            taken: 0,
            message_end: 0,
        })
    }

    /// Encrypts what follows. What was read in plain and not used is an attack on the
    /// encrypted session (CVE-2011-0411), and an error.
    pub(super) async fn encrypt(
        self,
        config: Arc<ClientConfig>,
        host: ServerName<'static>,
        within: Duration,
    ) -> Result<Self, WireError> {
        if !self.input.is_empty() {
            return Err(self.out_of_step());
        }
        let Transport::Plain(tcp) = self.transport else {
            return Err(WireError::Malformed("STARTTLS inside TLS".to_owned()));
        };
        let handshake = TlsConnector::from(config).connect(host, tcp);
        let stream = timeout(within, handshake)
            .await
            .map_err(|_| WireError::Timeout(within))??;
        Ok(Self {
            transport: Transport::Tls(Box::new(stream)),
            input: Vec::new(),
            output: Vec::new(),
            taken: 0,
            message_end: 0,
        })
    }

    /// Adds bytes to what leaves next.
    pub(super) fn put(&mut self, bytes: &[u8]) {
        self.output.extend_from_slice(bytes);
    }

    /// Adds a message by `write`, and the final dot.
    pub(super) fn put_message(&mut self, write: impl FnOnce(&mut Vec<u8>)) {
        write(&mut self.output);
        // Without a line of its own the dot would be text, and the relay would wait for more.
        if !self.output.ends_with(b"\r\n") {
            self.output.extend_from_slice(b"\r\n");
        }
        self.output.extend_from_slice(b".\r\n");
        self.message_end = self.output.len();
    }

    /// Writes what was put. Each step forward may take `each`.
    pub(super) async fn flush(&mut self, each: Duration) -> Result<(), WireError> {
        let late = |_| WireError::Timeout(each);
        while self.taken < self.output.len() {
            let bytes = &self.output[self.taken..];
            let wrote = timeout(each, self.transport.write(bytes))
                .await
                .map_err(late)??;
            if wrote == 0 {
                return Err(WireError::Closed);
            }
            self.taken += wrote;
        }
        timeout(each, self.transport.flush())
            .await
            .map_err(late)??;
        self.output.clear();
        self.taken = 0;
        Ok(())
    }

    /// Whether the final dot may have left. While this is false the relay cannot have the
    /// whole message. Asked after a failed [`flush`](Self::flush).
    pub(super) fn may_have_all(&self) -> bool {
        self.taken >= self.message_end
    }

    /// Writes what was put, then reads one reply; all of it within `within`. Nothing may have
    /// been there before.
    pub(super) async fn answer(&mut self, within: Duration) -> Result<Reply, WireError> {
        if !self.input.is_empty() {
            return Err(self.out_of_step());
        }
        self.hear(within).await
    }

    /// The same, where other replies are owed as well.
    pub(super) async fn hear(&mut self, within: Duration) -> Result<Reply, WireError> {
        let deadline = Instant::now() + within;
        timeout_at(deadline, async {
            if !self.output.is_empty() {
                self.flush(within).await?;
            }
            self.read_reply().await
        })
        .await
        .map_err(|_| WireError::Timeout(within))?
    }

    async fn read_reply(&mut self) -> Result<Reply, WireError> {
        loop {
            let whole = reply::take(&mut self.input);
            if let Some(reply) = whole.map_err(|bad| WireError::Malformed(bad.0))? {
                return Ok(reply);
            }
            self.input.reserve(1024);
            if self.transport.read_buf(&mut self.input).await? == 0 {
                return Err(WireError::Closed);
            }
        }
    }

    /// What the relay said before it hung up on what was being written, if anything.
    pub(super) async fn last_words(&mut self) -> Option<Reply> {
        timeout(LAST_WORDS, self.read_reply()).await.ok()?.ok()
    }

    /// The codes of the replies that are here and not read yet; `None` is one that is not
    /// whole. It and an error are the last.
    pub(super) fn codes_here(&self) -> impl Iterator<Item = Result<Option<u16>, Malformed>> {
        let mut rest = self.input.as_slice();
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let first = reply::first(rest);
            let length = match first {
                Ok(Some((_, length))) => length,
                Ok(None) | Err(_) => rest.len(),
            };
            rest = &rest[length..];
            Some(first.map(|whole| whole.map(|(code, _)| code)))
        })
    }

    /// Looks, without waiting, whether all is quiet as it should be while no reply is owed.
    pub(super) fn quiet(&mut self) -> Result<(), WireError> {
        match self.glance() {
            Glance::Quiet => Ok(()),
            Glance::Unasked => Err(self.out_of_step()),
            Glance::Gone => Err(WireError::Closed),
        }
    }

    /// Writes as much of `bytes` as can go without waiting.
    pub(super) fn part_with(&mut self, bytes: &[u8]) {
        let mut context = Context::from_waker(Waker::noop());
        let mut transport = Pin::new(&mut self.transport);
        // Nothing depends on it: the relay notices the closed connection as well.
        let _ = transport.as_mut().poll_write(&mut context, bytes);
        let _ = transport.as_mut().poll_flush(&mut context);
    }

    /// Looks whether something came, without waiting.
    pub(super) fn glance(&mut self) -> Glance {
        if !self.input.is_empty() {
            return Glance::Unasked;
        }
        let mut bytes = [0; 512];
        let mut buffer = ReadBuf::new(&mut bytes);
        let mut context = Context::from_waker(Waker::noop());
        match Pin::new(&mut self.transport).poll_read(&mut context, &mut buffer) {
            Poll::Pending => Glance::Quiet,
            Poll::Ready(Ok(())) if !buffer.filled().is_empty() => {
                self.input.extend_from_slice(buffer.filled());
                Glance::Unasked
            }
            Poll::Ready(_) => Glance::Gone,
        }
    }

    fn out_of_step(&self) -> WireError {
        WireError::OutOfStep(reply::excerpt(&self.input))
    }
}

/// Without this a peer that vanished is noticed when the final dot's answer is overdue.
fn notice_the_dead(tcp: &TcpStream) -> std::io::Result<()> {
    let socket = SockRef::from(tcp);
    let asks = TcpKeepalive::new()
        .with_time(SILENT)
        .with_interval(ASKS_EVERY)
        .with_retries(ASKS);
    socket.set_tcp_keepalive(&asks)?;
    #[cfg(target_os = "linux")]
    socket.set_tcp_user_timeout(Some(UNHEARD))?;
    Ok(())
}

impl AsyncRead for Transport {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_read(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_read(cx, buf),
        }
    }
}

impl AsyncWrite for Transport {
    fn poll_write(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<std::io::Result<usize>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_write(cx, buf),
            Self::Tls(stream) => Pin::new(stream).poll_write(cx, buf),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_flush(cx),
            Self::Tls(stream) => Pin::new(stream).poll_flush(cx),
        }
    }

    fn poll_shutdown(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        match self.get_mut() {
            Self::Plain(stream) => Pin::new(stream).poll_shutdown(cx),
            Self::Tls(stream) => Pin::new(stream).poll_shutdown(cx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channels::email::smtp::Timeouts;

    #[tokio::test]
    async fn a_relay_that_vanished_is_noticed_by_the_kernel() {
        let relay = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let tcp = TcpStream::connect(relay.local_addr().unwrap())
            .await
            .unwrap();
        let wire = Wire::new(tcp).unwrap();
        let Transport::Plain(tcp) = &wire.transport else {
            panic!("it is not encrypted yet");
        };
        let socket = SockRef::from(tcp);
        assert!(socket.keepalive().unwrap() && tcp.nodelay().unwrap());
        let asks = (
            socket.tcp_keepalive_time().unwrap(),
            socket.tcp_keepalive_interval().unwrap(),
            socket.tcp_keepalive_retries().unwrap(),
        );
        assert_eq!(asks, (SILENT, ASKS_EVERY, ASKS));
        #[cfg(target_os = "linux")]
        assert_eq!(socket.tcp_user_timeout().unwrap(), Some(UNHEARD));
        let within = Timeouts::default();
        assert!(within.block <= UNHEARD && UNHEARD < within.dot);
    }
}
