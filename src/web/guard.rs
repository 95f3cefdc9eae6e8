//! A connection that may not dawdle.
//!
//! hyper's one timer covers the time from the last answer to the end of the next request's
//! head, so it can bound idling or dawdling but not both. Here the stream itself watches: once
//! the first byte of a head is in, the rest must follow soon; and a peer that stops taking our
//! bytes is let go.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

/// Whether a request is being answered; shared between the stream and the service over it.
#[derive(Debug, Default)]
pub struct Phase(AtomicBool);

impl Phase {
    /// The head is complete, the answer is being made.
    pub fn answering(&self) {
        self.0.store(true, Ordering::Release);
    }

    /// The answer is made; what comes in now is the next request.
    pub fn waiting(&self) {
        self.0.store(false, Ordering::Release);
    }

    fn is_answering(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

/// A stream with two deadlines.
pub struct Guarded<S> {
    stream: S,
    phase: Arc<Phase>,
    head_time: Duration,
    stall_time: Duration,
    head: Option<Pin<Box<Sleep>>>,
    stall: Option<Pin<Box<Sleep>>>,
}

impl<S> Guarded<S> {
    /// Watches `stream`: a head takes at most `head_time` from its first byte, and a write may
    /// wait `stall_time` for the peer.
    pub fn new(stream: S, phase: Arc<Phase>, head_time: Duration, stall_time: Duration) -> Self {
        Self {
            stream,
            phase,
            head_time,
            stall_time,
            head: None,
            stall: None,
        }
    }

    /// Turns a write that waited too long into an error.
    fn watch_write<T>(
        &mut self,
        cx: &mut Context<'_>,
        written: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if written.is_ready() {
            self.stall = None;
            return written;
        }
        let time = self.stall_time;
        let stall = self.stall.get_or_insert_with(|| Box::pin(sleep(time)));
        ready!(stall.as_mut().poll(cx));
        Poll::Ready(Err(io::ErrorKind::TimedOut.into()))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Guarded<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(cx, buf);
        if self.phase.is_answering() {
            self.head = None;
            return read;
        }
        let time = self.head_time;
        if read.is_ready() {
            if buf.filled().len() > before {
                self.head.get_or_insert_with(|| Box::pin(sleep(time)));
            }
            return read;
        }
        if let Some(head) = &mut self.head {
            ready!(head.as_mut().poll(cx));
            return Poll::Ready(Err(io::ErrorKind::TimedOut.into()));
        }
        Poll::Pending
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Guarded<S> {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &[u8],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write(cx, buf);
        self.watch_write(cx, written)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let written = Pin::new(&mut self.stream).poll_write_vectored(cx, bufs);
        self.watch_write(cx, written)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        let flushed = Pin::new(&mut self.stream).poll_flush(cx);
        self.watch_write(cx, flushed)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}
