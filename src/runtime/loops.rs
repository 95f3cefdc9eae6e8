//! Each stage as a loop: look for work, do it, wait for a bell or the clock.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use anyhow::Context;
use axum::Router;
use tokio::sync::Notify;
use tokio_util::sync::CancellationToken;
use tracing::{error, info, warn};

use crate::domain::UnixMillis;
use crate::pipeline::{
    App, audience, dispatch, housekeeping, ingest, plan, release, signup, websub,
};
use crate::store::DaemonLock;
use crate::web;

use super::live::{Beats, Live};
use super::supervisor::{OnExit, Shutdown, Supervisor};
use super::{signals, systemd};

/// How long senders may take to finish what they have begun.
const GRACE: Duration = Duration::from_secs(60);
/// A loop looks for work at least this often, bell or not: another process may have made it.
const LOOK: Duration = Duration::from_secs(1);
/// A loop that has not come round for this long is stuck.
const STUCK: Duration = Duration::from_secs(900);
/// Between looks at what hubs are to be asked.
const HUBS: Duration = Duration::from_secs(15);
/// Between rounds of housekeeping.
const TIDY: Duration = Duration::from_secs(60);

type BoxFuture = std::pin::Pin<Box<dyn Future<Output = anyhow::Result<()>> + Send>>;

/// Why a daemon could not start, or not go on.
#[derive(Debug, thiserror::Error)]
pub enum DaemonError {
    /// Another one has the SQLite file.
    #[error("{0}")]
    Locked(String),
    /// The SQLite file is another one than at the start.
    #[error("{0}")]
    Replaced(String),
}

/// A daemon with its listeners bound, not yet working.
pub struct Daemon {
    live: Live,
    pages: web::State,
    public: web::Bound,
    admin: web::Bound,
    signals: signals::Signals,
    _lock: Option<DaemonLock>,
}

impl Daemon {
    /// Takes the SQLite file for itself, takes back what a killed predecessor held, and binds
    /// the listeners.
    ///
    /// # Errors
    /// Another daemon on the same file; an address that is taken.
    pub async fn bind(app: App) -> anyhow::Result<Self> {
        app.check_sending()?;
        let lock = app
            .db
            .lock_for_daemon()
            .map_err(|e| DaemonError::Locked(e.to_string()))?;
        // With the lock held nobody else can be a daemon on this file: what daemons hold in
        // it was held by one that is dead.
        let prefix = lock.is_some().then_some("run-");
        dispatch::recover(&app, prefix).await?;
        let clock = app.db.clock(app.clock.now()).await?;
        let mended = app
            .db
            .mend_times(clock, dispatch::longest_rule(&app))
            .await?;
        if mended > 0 {
            warn!(
                mended,
                "what the clock had put off while it ran ahead is due now"
            );
        }
        audience::forget_schedules(&app).await?;
        let server = &app.config.server;
        let public = web::Bound::bind(&server.listen, web::Side::Public).await?;
        let admin = web::Bound::bind(&server.admin_listen, web::Side::Admin).await?;
        let (config, templates) = (app.config.clone(), app.templates.clone());
        let (db, now) = (app.db.clone(), UnixMillis::now());
        let pages = web::State::new(config.clone(), templates.clone(), db, now).await?;
        pages.reload(config, templates, Some(app.relays.clone()));
        pages.take_in_for(app.clone());
        Ok(Self {
            live: Live::new(app),
            pages,
            public,
            admin,
            // Before anybody is told that we run: a signal that comes now is ours to answer.
            signals: signals::Signals::catch()?,
            _lock: lock,
        })
    }

    /// The address of the public listener.
    #[must_use]
    pub fn public_address(&self) -> String {
        self.public.place()
    }

    /// The address of the operators' listener.
    #[must_use]
    pub fn admin_address(&self) -> String {
        self.admin.place()
    }

    /// The house it works on.
    #[must_use]
    pub fn live(&self) -> Live {
        self.live.clone()
    }

    /// Works until `stop`, a signal, or a failure it cannot go on without.
    ///
    /// # Errors
    /// Tasks that had to be ended.
    pub async fn run(self, stop: CancellationToken) -> anyhow::Result<()> {
        let mut supervisor = Supervisor::default();
        let shutdown = supervisor.shutdown();
        let beats = Beats::default();
        info!(
            public = self.public.place(),
            admin = self.admin.place(),
            "running"
        );
        spawn_stages(&mut supervisor, &self.live, &beats);
        let router = web::public_router(self.pages.clone());
        supervisor.spawn(
            "public pages",
            OnExit::StopDaemon,
            serving(self.public, router, |s| s.intake),
        );
        // Operators and balancers see the daemon drain: their pages go last.
        let router = web::admin_router(self.pages.clone());
        supervisor.attend(
            "operators' pages",
            OnExit::StopDaemon,
            serving(self.admin, router, |s| s.drain),
        );
        let (live, pages) = (self.live.clone(), self.pages.clone());
        let caught = Mutex::new(Some(self.signals));
        supervisor.attend("signals", OnExit::Restart, move |s| {
            let (live, pages) = (live.clone(), pages.clone());
            let caught = caught.lock().unwrap_or_else(PoisonError::into_inner).take();
            async move {
                let signals = caught.map_or_else(signals::Signals::catch, Ok)?;
                signals::listen(signals, live, pages, s).await;
                Ok(())
            }
        });
        let live = self.live.clone();
        supervisor.spawn("watchdog", OnExit::Restart, move |s| {
            watch(live.clone(), beats.clone(), s)
        });
        let pages = self.pages.clone();
        let ending = tokio::spawn(async move {
            tokio::select! {
                () = stop.cancelled() => shutdown.intake.cancel(),
                () = shutdown.intake.cancelled() => {}
            }
            pages.start_draining();
            systemd::stopping();
        });
        systemd::ready("running");
        let left = supervisor.run(GRACE).await;
        ending.abort();
        anyhow::ensure!(left.is_empty(), "these tasks had to be ended: {left:?}");
        let place = self.live.app().db.check_place();
        place.map_err(|error| DaemonError::Replaced(error.to_string()))?;
        Ok(())
    }
}

fn spawn_stages(supervisor: &mut Supervisor, live: &Live, beats: &Beats) {
    let (l, b) = (live.clone(), beats.clone());
    supervisor.spawn("ingest", OnExit::Restart, move |s| {
        ingest_loop(l.clone(), b.clone(), s)
    });
    let (l, b) = (live.clone(), beats.clone());
    supervisor.spawn("hubs", OnExit::Restart, move |s| {
        hubs_loop(l.clone(), b.clone(), s)
    });
    let (l, b) = (live.clone(), beats.clone());
    supervisor.spawn("plan", OnExit::Restart, move |s| {
        plan_loop(l.clone(), b.clone(), s)
    });
    let (l, b) = (live.clone(), beats.clone());
    supervisor.spawn("dispatch", OnExit::Restart, move |s| {
        dispatch_loop(l.clone(), b.clone(), s)
    });
    let (l, b) = (live.clone(), beats.clone());
    supervisor.spawn("housekeeping", OnExit::Restart, move |s| {
        tidy_loop(l.clone(), b.clone(), s)
    });
}

/// A listener's task, until the step of the shutdown that `end` picks. Without its listener
/// the daemon would only look alive, so the task is started once.
fn serving(
    bound: web::Bound,
    router: Router,
    end: fn(Shutdown) -> CancellationToken,
) -> impl Fn(Shutdown) -> BoxFuture + Send + 'static {
    let bound = Mutex::new(Some(bound));
    move |shutdown| {
        let bound = bound.lock().unwrap_or_else(PoisonError::into_inner).take();
        let (router, end) = (router.clone(), end(shutdown));
        Box::pin(async move {
            let bound = bound.context("the listener is gone")?;
            web::serve(bound, router, end).await;
            Ok(())
        })
    }
}

/// Waits for the bell, `LOOK`, or the shutdown; whether to go on.
async fn wait(bell: &Notify, most: Duration, shutdown: &Shutdown) -> bool {
    tokio::select! {
        () = bell.notified() => true,
        () = tokio::time::sleep(most) => true,
        () = shutdown.intake.cancelled() => false,
    }
}

async fn ingest_loop(live: Live, beats: Beats, shutdown: Shutdown) -> anyhow::Result<()> {
    let mut poller = ingest::Poller::default();
    while !shutdown.intake.is_cancelled() {
        beats.beat("ingest");
        let app = live.app();
        let reports = poller.step(&app, app.clock.now()).await?;
        if reports.iter().any(|r| r.new + r.changed + r.held > 0) {
            app.wake.release.notify_one();
        }
        if reports.iter().any(|r| r.changed > 0) {
            app.wake.tidy.notify_one();
        }
        if reports.is_empty() && poller.is_idle() {
            wait(&app.wake.ingest, LOOK, &shutdown).await;
        }
    }
    let app = live.app();
    tokio::select! {
        () = poller.finish(&app) => {}
        () = shutdown.drain.cancelled() => {}
    }
    Ok(())
}

async fn hubs_loop(live: Live, beats: Beats, shutdown: Shutdown) -> anyhow::Result<()> {
    loop {
        beats.beat("hubs");
        let app = live.app();
        // A request that is cut off is made again; nobody waits for a slow hub at the end.
        tokio::select! {
            done = websub::step(&app, app.clock.now()) => done?,
            () = shutdown.intake.cancelled() => return Ok(()),
        }
        if !wait(&app.wake.hubs, HUBS, &shutdown).await {
            return Ok(());
        }
    }
}

async fn plan_loop(live: Live, beats: Beats, shutdown: Shutdown) -> anyhow::Result<()> {
    loop {
        beats.beat("plan");
        let app = live.app();
        release::release_due(&app, app.clock.now()).await?;
        // Planning must not wait for it.
        let asked = signup::admit(&app, UnixMillis::now()).await;
        let asked = asked.unwrap_or_else(|error| {
            error!(error = %error, "sign-ups could not be admitted; they wait");
            0
        });
        let planned = plan::plan(&app, UnixMillis::now()).await?;
        if asked > 0 || planned.iter().any(|p| p.result.is_ok()) {
            app.wake.dispatch.notify_one();
        }
        if !wait(&app.wake.release, LOOK, &shutdown).await {
            if let Err(error) = signup::give_up(&app).await {
                warn!(error = %error, "sign-ups were not handed on; they wait for a minute");
            }
            return Ok(());
        }
    }
}

async fn dispatch_loop(live: Live, beats: Beats, shutdown: Shutdown) -> anyhow::Result<()> {
    let mut dispatcher = dispatch::Dispatcher::default();
    let mut renewed = Instant::now();
    while !shutdown.intake.is_cancelled() {
        beats.beat("dispatch");
        let app = live.app();
        // The loop itself must not end over it: with the dispatcher would go what is on the wire.
        let idle = match dispatcher.step(&app, &shutdown.intake).await {
            Ok(step) => step.idle,
            Err(error) => {
                error!(error = %error, "nothing could be taken to send");
                true
            }
        };
        if renewed.elapsed() > dispatch::LEASE / 3 {
            match dispatcher.renew(&app).await {
                Ok(()) => renewed = Instant::now(),
                Err(error) => error!(error = %error, "leases could not be renewed"),
            }
        }
        if idle {
            wait(&app.wake.dispatch, LOOK, &shutdown).await;
        }
    }
    Ok(dispatcher.finish(&live.app(), &shutdown.drain).await?)
}

async fn tidy_loop(live: Live, beats: Beats, shutdown: Shutdown) -> anyhow::Result<()> {
    loop {
        beats.beat("housekeeping");
        let app = live.app();
        dispatch::recover(&app, None).await?;
        housekeeping::tidy(&app, UnixMillis::now()).await?;
        if !wait(&app.wake.tidy, TIDY, &shutdown).await {
            return Ok(());
        }
    }
}

/// Tells systemd that we live, as long as every loop comes round and the database answers.
async fn watch(live: Live, beats: Beats, shutdown: Shutdown) -> anyhow::Result<()> {
    let interval = systemd::watchdog_interval();
    let quiet = Notify::new();
    loop {
        let silent = beats.silent(STUCK);
        let answered = live.app().db.probe(UnixMillis::now()).await;
        match answered {
            Ok(()) if silent.is_empty() => systemd::alive(),
            Ok(()) => warn!(tasks = ?silent, "these tasks are stuck; systemd is not told we live"),
            Err(error) => warn!(error = %error, "the database does not answer"),
        }
        if live.app().db.check_place().is_err() {
            // Whatever is done from here on is forgotten, and then done again.
            shutdown.intake.cancel();
        }
        if !wait(&quiet, interval.unwrap_or(TIDY), &shutdown).await {
            return Ok(());
        }
    }
}
