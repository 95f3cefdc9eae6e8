//! Sockets: TCP, Unix, or one that systemd opened for us.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, OnceLock, PoisonError};

use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use super::client::Peer;
use crate::config::Listen;

/// Which of our two listeners a socket is for. systemd tells them apart by
/// `FileDescriptorName=public` and `admin`; without names the first socket is public.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Side {
    /// Readers and feed programs.
    Public,
    /// Operators.
    Admin,
}

impl Side {
    /// `public` or `admin`: the key's name in logs and metrics.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Admin => "admin",
        }
    }
}

/// Why there is no socket.
#[derive(Debug, thiserror::Error)]
pub enum ListenError {
    /// The system refused the address.
    #[error("cannot listen on {place}: {source}; {}", advice(source))]
    Refused {
        /// The address or path.
        place: String,
        /// What the system said.
        source: io::Error,
    },
    /// `systemd` in the configuration, and systemd gave nothing.
    #[error(
        "the {side} listener is set to \"systemd\", but systemd handed over no such socket; start \
         courant by its .socket unit (FileDescriptorName={side}), or give an address"
    )]
    NotActivated {
        /// `public` or `admin`.
        side: &'static str,
    },
}

fn advice(error: &io::Error) -> &'static str {
    match error.kind() {
        io::ErrorKind::AddrInUse => "another program has it; stop that one or choose another port",
        io::ErrorKind::PermissionDenied => {
            "ports below 1024 and foreign directories need rights we do not have"
        }
        io::ErrorKind::AddrNotAvailable => "this machine has no such address",
        io::ErrorKind::NotFound => "the directory does not exist",
        _ => "check the address in [server]",
    }
}

/// A socket that listens.
#[derive(Debug)]
pub struct Bound {
    socket: Socket,
    /// The file of a Unix socket that we made and remove.
    file: Option<PathBuf>,
}

#[derive(Debug)]
enum Socket {
    Tcp(TcpListener),
    Unix(UnixListener),
}

/// A connection of either kind.
#[derive(Debug)]
pub enum Stream {
    /// TCP, without Nagle's delay.
    Tcp(TcpStream),
    /// Unix.
    Unix(UnixStream),
}

impl Bound {
    /// Listens where the configuration says. A Unix socket gets mode 0660, so that a group of
    /// operators or a proxy can use it; a stale one from a killed daemon is replaced, one that
    /// answers is not.
    ///
    /// # Errors
    /// [`ListenError`] with the place and what to do.
    pub async fn bind(listen: &Listen, side: Side) -> Result<Self, ListenError> {
        let refused = |place: String| move |source| ListenError::Refused { place, source };
        match listen {
            Listen::Tcp(address) => {
                let socket = TcpListener::bind(address.as_str())
                    .await
                    .map_err(refused(address.clone()))?;
                Ok(Self::of(Socket::Tcp(socket)))
            }
            Listen::Unix(path) => {
                let socket = bind_unix(path)
                    .await
                    .map_err(refused(path.display().to_string()))?;
                let mut bound = Self::of(Socket::Unix(socket));
                bound.file = Some(path.clone());
                Ok(bound)
            }
            Listen::Systemd => inherited(side)
                .map_err(refused("the socket of systemd".into()))?
                .map(Self::of)
                .ok_or(ListenError::NotActivated {
                    side: side.as_str(),
                }),
        }
    }

    fn of(socket: Socket) -> Self {
        Self { socket, file: None }
    }

    /// Where it listens, for people: `127.0.0.1:8080` or `unix:PATH`.
    #[must_use]
    pub fn place(&self) -> String {
        match &self.socket {
            Socket::Tcp(tcp) => tcp
                .local_addr()
                .map_or_else(|_| "tcp".to_owned(), |a| a.to_string()),
            Socket::Unix(unix) => {
                let address = unix.local_addr().ok();
                let path = address.as_ref().and_then(|a| a.as_pathname());
                path.map_or_else(|| "unix".to_owned(), |p| format!("unix:{}", p.display()))
            }
        }
    }

    /// The next connection, and who opened it.
    pub(super) async fn accept(&self) -> io::Result<(Stream, Peer)> {
        match &self.socket {
            Socket::Tcp(tcp) => {
                let (stream, address) = tcp.accept().await?;
                let _ = stream.set_nodelay(true); // only a matter of speed
                Ok((Stream::Tcp(stream), Peer::Tcp(address.ip())))
            }
            Socket::Unix(unix) => Ok((Stream::Unix(unix.accept().await?.0), Peer::Unix)),
        }
    }
}

impl Drop for Bound {
    fn drop(&mut self) {
        if let Some(path) = &self.file {
            let _ = std::fs::remove_file(path); // gone already is as good
        }
    }
}

async fn bind_unix(path: &Path) -> io::Result<UnixListener> {
    use std::os::unix::fs::{FileTypeExt as _, PermissionsExt as _};
    let is_socket = std::fs::symlink_metadata(path).is_ok_and(|m| m.file_type().is_socket());
    if is_socket {
        match UnixStream::connect(path).await {
            Ok(_) => return Err(io::ErrorKind::AddrInUse.into()),
            Err(_) => std::fs::remove_file(path)?,
        }
    }
    let socket = UnixListener::bind(path)?;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o660))?;
    Ok(socket)
}

/// The sockets systemd handed to this process, with their names, less those already taken.
struct Inherited {
    names: Vec<String>,
    sockets: listenfd::ListenFd,
}

impl Inherited {
    /// Those of the environment (`LISTEN_FDS`, sd_listen_fds(3)). For the process as the
    /// descriptors are: read once, because reading takes the variables out of the environment,
    /// so that no child believes them to be its own.
    fn shared() -> &'static Mutex<Self> {
        static SHARED: OnceLock<Mutex<Inherited>> = OnceLock::new();
        SHARED.get_or_init(|| {
            let names = sd_notify::listen_fds_with_names();
            let names = names.map(|all| all.map(|(_, name)| name).collect());
            Mutex::new(Self {
                names: names.unwrap_or_default(),
                // sd-notify hands out bare numbers; listenfd makes owned sockets of them.
                sockets: listenfd::ListenFd::from_env(),
            })
        })
    }
}

/// The socket systemd opened for this side, if it did.
fn inherited(side: Side) -> io::Result<Option<Socket>> {
    let shared = Inherited::shared().lock();
    let mut all = shared.unwrap_or_else(PoisonError::into_inner);
    let Some(index) = index_of(side, &all.names) else {
        return Ok(None);
    };
    if let Ok(Some(tcp)) = all.sockets.take_tcp_listener(index) {
        tcp.set_nonblocking(true)?;
        return Ok(Some(Socket::Tcp(TcpListener::from_std(tcp)?)));
    }
    let Some(unix) = all.sockets.take_unix_listener(index)? else {
        return Ok(None);
    };
    unix.set_nonblocking(true)?;
    Ok(Some(Socket::Unix(UnixListener::from_std(unix)?)))
}

fn index_of(side: Side, names: &[String]) -> Option<usize> {
    let named = names.iter().position(|name| name == side.as_str());
    let is_named = |name: &String| name == "public" || name == "admin";
    named.or_else(|| {
        let place = match side {
            Side::Public => 0,
            Side::Admin => 1,
        };
        names
            .get(place)
            .filter(|name| !is_named(name))
            .map(|_| place)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemds_sockets_go_by_name_and_then_by_order() {
        let names = |all: &[&str]| all.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        for (all, public, admin) in [
            (&["admin", "public"][..], Some(1), Some(0)),
            (&["courant.socket", "courant.socket"], Some(0), Some(1)),
            (&["admin"], None, Some(0)),
            (&["unknown"], Some(0), None),
            (&[], None, None),
        ] {
            assert_eq!(index_of(Side::Public, &names(all)), public, "{all:?}");
            assert_eq!(index_of(Side::Admin, &names(all)), admin, "{all:?}");
        }
    }

    #[tokio::test]
    async fn a_stale_unix_socket_is_replaced_and_a_living_one_is_not() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("courant.sock");
        drop(std::os::unix::net::UnixListener::bind(&path).unwrap());
        let listen = Listen::Unix(path.clone());
        let first = Bound::bind(&listen, Side::Public).await.unwrap();
        assert_eq!(first.place(), format!("unix:{}", path.display()));
        let second = Bound::bind(&listen, Side::Admin).await.unwrap_err();
        assert!(second.to_string().contains("another program"), "{second}");
        drop(first);
        assert!(!path.exists());
    }

    #[tokio::test]
    async fn an_address_that_cannot_be_had_is_told_with_advice() {
        let taken = Bound::bind(&Listen::Tcp("127.0.0.1:0".into()), Side::Public)
            .await
            .unwrap();
        let error = Bound::bind(&Listen::Tcp(taken.place()), Side::Public)
            .await
            .unwrap_err();
        assert!(error.to_string().contains("choose another port"), "{error}");
    }
}
