//! Names to addresses, vetted: what is vetted here is what gets connected to.

use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::pin::Pin;
use std::sync::Arc;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::guard::Guard;

/// A way of turning a name into addresses.
pub type Lookup = Arc<
    dyn Fn(String) -> Pin<Box<dyn Future<Output = std::io::Result<Vec<IpAddr>>> + Send>>
        + Send
        + Sync,
>;

/// The operating system's resolver.
pub(super) fn system() -> Lookup {
    Arc::new(|name| {
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            Ok(found.map(|address| address.ip()).collect())
        })
    })
}

/// Why a name may not be connected to; travels through reqwest's error as its source.
#[derive(Debug, thiserror::Error)]
pub(super) enum NameError {
    /// One of its addresses is closed.
    #[error("{0}")]
    Closed(String),
    /// The port is only for allow-listed addresses and this is none.
    #[error("the name leads to {0}, which is not under `[network] allow`")]
    NotAllowListed(IpAddr),
    /// No address at all.
    #[error("the name has no address")]
    Nothing,
}

/// Refuses a name when any of its addresses is closed: a mixed answer is how rebinding works.
pub(super) struct Vetting {
    pub(super) guard: Arc<Guard>,
    pub(super) lookup: Lookup,
    pub(super) only_allowed: bool,
}

impl Vetting {
    fn vet(guard: &Guard, only_allowed: bool, found: &[IpAddr]) -> Result<(), NameError> {
        if found.is_empty() {
            return Err(NameError::Nothing);
        }
        for &ip in found {
            guard.judge(ip).map_err(NameError::Closed)?;
            if only_allowed && !guard.is_allow_listed(ip) {
                return Err(NameError::NotAllowListed(ip));
            }
        }
        Ok(())
    }
}

impl Resolve for Vetting {
    fn resolve(&self, name: Name) -> Resolving {
        let looking = (self.lookup)(name.as_str().to_owned());
        let guard = Arc::clone(&self.guard);
        let only_allowed = self.only_allowed;
        Box::pin(async move {
            let found = looking.await?;
            Self::vet(&guard, only_allowed, &found)?;
            let addresses = found.into_iter().map(|ip| SocketAddr::new(ip, 0));
            Ok(Box::new(addresses) as Addrs)
        })
    }
}
