//! Debian's smtp-source, a wire that takes its time, and one that is encrypted.

use std::process::{Command, Stdio};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::Instant;
use tokio_rustls::TlsAcceptor;

use super::support::postfix::program;
use super::support::smtp::certified;
use super::usage::Usage;

/// Sends as fast as Postfix's own generator does, over connections that are kept.
pub fn smtp_source(port: u16, connections: usize, messages: usize, size: usize) -> Usage {
    let child = Command::new(program("smtp-source"))
        .args(["-d", "-f", "b@news.example", "-t", "reader@readers.example"])
        .args(["-s", &connections.to_string(), "-m", &messages.to_string()])
        .args(["-l", &size.to_string(), &format!("127.0.0.1:{port}")])
        .stdout(Stdio::null())
        .spawn()
        .unwrap();
    Usage::of(child, Duration::from_secs(600))
}

/// A proxy that holds everything back for a while, in both directions.
pub struct Delay {
    pub port: u16,
    task: JoinHandle<()>,
}

impl Delay {
    pub async fn start(to: u16, each_way: Duration) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                near.set_nodelay(true).unwrap();
                far.set_nodelay(true).unwrap();
                let (near_in, near_out) = near.into_split();
                let (far_in, far_out) = far.into_split();
                tokio::spawn(carry(near_in, far_out, each_way));
                tokio::spawn(carry(far_in, near_out, each_way));
            }
        });
        Self { port, task }
    }
}

impl Drop for Delay {
    fn drop(&mut self) {
        self.task.abort();
    }
}

/// A proxy that takes the encryption off.
pub struct Encrypted {
    pub port: u16,
    pub certificate: CertificateDer<'static>,
    task: JoinHandle<()>,
}

impl Encrypted {
    pub async fn start(to: u16) -> Self {
        let (config, certificate) = certified(&["localhost".to_owned()]);
        let acceptor = TlsAcceptor::from(config);
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let task = tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                near.set_nodelay(true).unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let Ok(mut near) = acceptor.accept(near).await else {
                        return;
                    };
                    let mut far = TcpStream::connect(("127.0.0.1", to)).await.unwrap();
                    far.set_nodelay(true).unwrap();
                    // Either side may hang up.
                    let _ = tokio::io::copy_bidirectional(&mut near, &mut far).await;
                });
            }
        });
        Self {
            port,
            certificate,
            task,
        }
    }
}

impl Drop for Encrypted {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn carry(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    delay: Duration,
) {
    let (sender, mut chunks) = mpsc::unbounded_channel::<(Instant, Vec<u8>)>();
    tokio::spawn(async move {
        while let Some((at, chunk)) = chunks.recv().await {
            tokio::time::sleep_until(at).await;
            if to.write_all(&chunk).await.is_err() {
                return;
            }
        }
        let _ = to.shutdown().await;
    });
    let mut buffer = vec![0; 64 * 1024];
    while let Ok(n) = from.read(&mut buffer).await {
        if n == 0
            || sender
                .send((Instant::now() + delay, buffer[..n].to_vec()))
                .is_err()
        {
            return;
        }
    }
}
