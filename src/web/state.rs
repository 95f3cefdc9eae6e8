//! What every page needs: the live configuration and templates, the database, the token key.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use super::error::Error;
use super::feeds::FeedCache;
use super::metrics::{HttpMetrics, SignUpMetrics};
use crate::channels::email::Relays;
use crate::config::Config;
use crate::domain::{TokenKey, UnixMillis};
use crate::pipeline::App;
use crate::store::{Db, StoreError};
use crate::templates::Templates;

/// What a reload replaces, always all together.
#[derive(Clone)]
pub struct Live {
    /// The configuration in force.
    pub config: Arc<Config>,
    /// The templates in force.
    pub templates: Arc<Templates>,
    /// The relays this process sends through; none where it does not send.
    pub relays: Option<Arc<Relays>>,
}

/// Shared by all requests of both listeners; clones are the same state.
#[derive(Clone)]
pub struct State(Arc<Inner>);

struct Inner {
    live: RwLock<Live>,
    app: RwLock<Option<App>>,
    db: Db,
    key: TokenKey,
    started: UnixMillis,
    is_draining: AtomicBool,
    metrics: HttpMetrics,
    signups: SignUpMetrics,
    feeds: FeedCache,
}

impl State {
    /// Reads the installation's key from the database, making it at the first start.
    ///
    /// # Errors
    /// [`StoreError`] when the database cannot be read.
    pub async fn new(
        config: Arc<Config>,
        templates: Arc<Templates>,
        db: Db,
        started: UnixMillis,
    ) -> Result<Self, StoreError> {
        let key = db.token_key().await?;
        Ok(Self(Arc::new(Inner {
            live: RwLock::new(Live {
                config,
                templates,
                relays: None,
            }),
            app: RwLock::default(),
            db,
            key,
            started,
            is_draining: AtomicBool::new(false),
            metrics: HttpMetrics::default(),
            signups: SignUpMetrics::default(),
            feeds: FeedCache::new(Duration::from_secs(1)),
        })))
    }

    /// Puts a new configuration, its templates and its relays in force; requests under way keep
    /// the old.
    pub fn reload(
        &self,
        config: Arc<Config>,
        templates: Arc<Templates>,
        relays: Option<Arc<Relays>>,
    ) {
        *self.0.live.write().unwrap_or_else(PoisonError::into_inner) = Live {
            config,
            templates,
            relays,
        };
        self.0.feeds.forget();
    }

    /// Takes pushes in for this house from now on.
    pub fn take_in_for(&self, app: App) {
        *self.0.app.write().unwrap_or_else(PoisonError::into_inner) = Some(app);
    }

    /// The house that pushes are for.
    ///
    /// # Errors
    /// [`Error::Unavailable`] where only pages are served.
    pub(super) fn app(&self) -> Result<App, Error> {
        let app = self.0.app.read().unwrap_or_else(PoisonError::into_inner);
        let nobody = || Error::Unavailable("this process takes no pushes in".into());
        app.clone().ok_or_else(nobody)
    }

    /// The time: the house's own, where there is one.
    pub(super) fn now(&self) -> UnixMillis {
        self.app()
            .map_or_else(|_| UnixMillis::now(), |app| app.clock.now())
    }

    /// From now on `/readyz` says no, so that a balancer sends nobody here any more.
    pub fn start_draining(&self) {
        self.0.is_draining.store(true, Ordering::Release);
    }

    /// The configuration and templates in force.
    pub(super) fn live(&self) -> Live {
        self.0
            .live
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }

    pub(super) fn db(&self) -> &Db {
        &self.0.db
    }

    pub(super) fn key(&self) -> &TokenKey {
        &self.0.key
    }

    pub(super) fn started(&self) -> UnixMillis {
        self.0.started
    }

    pub(super) fn is_draining(&self) -> bool {
        self.0.is_draining.load(Ordering::Acquire)
    }

    pub(super) fn metrics(&self) -> &HttpMetrics {
        &self.0.metrics
    }

    pub(super) fn signups(&self) -> &SignUpMetrics {
        &self.0.signups
    }

    pub(super) fn feeds(&self) -> &FeedCache {
        &self.0.feeds
    }
}
