//! A network that can go silent: a TCP proxy that holds back everything without closing anything.

use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::{JoinHandle, JoinSet};

/// The proxy; its connections end when it is dropped.
pub struct Proxy {
    address: SocketAddr,
    silent: watch::Sender<bool>,
    task: JoinHandle<()>,
}

impl Proxy {
    /// Listens on a free port of 127.0.0.1, for a server on this one.
    pub async fn to(port: u16) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("it is bound");
        let (silent, hears) = watch::channel(false);
        let task = tokio::spawn(serve(listener, port, hears));
        Self {
            address,
            silent,
            task,
        }
    }

    pub fn port(&self) -> u16 {
        self.address.port()
    }

    /// From now on nothing gets through, either way, and nobody is told.
    pub fn fall_silent(&self) {
        self.silent.send_replace(true);
    }

    /// What was held back gets through, and everything after it.
    pub fn speak_again(&self) {
        self.silent.send_replace(false);
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn serve(listener: TcpListener, port: u16, silent: watch::Receiver<bool>) {
    let mut pairs = JoinSet::new();
    while let Ok((near, _)) = listener.accept().await {
        let Ok(far) = TcpStream::connect(("127.0.0.1", port)).await else {
            continue;
        };
        // Small answers must not wait for more.
        let _ = near.set_nodelay(true).and_then(|()| far.set_nodelay(true));
        let ((near_in, near_out), (far_in, far_out)) = (near.into_split(), far.into_split());
        pairs.spawn(pass(near_in, far_out, silent.clone()));
        pairs.spawn(pass(far_in, near_out, silent.clone()));
    }
}

/// Passes bytes on, except while all is silent, until one side is gone.
async fn pass(mut from: OwnedReadHalf, mut to: OwnedWriteHalf, mut silent: watch::Receiver<bool>) {
    let mut buffer = vec![0; 16 << 10];
    while let Ok(read @ 1..) = from.read(&mut buffer).await {
        let is_over = silent.wait_for(|silent| !silent).await.is_err();
        if is_over || to.write_all(&buffer[..read]).await.is_err() {
            return;
        }
    }
    // The end is held back as well.
    let _ = silent.wait_for(|silent| !silent).await;
}
