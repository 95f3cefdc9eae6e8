//! SIGTERM and SIGINT ask for a shutdown, SIGHUP for a reload.

use tokio::signal::unix::{Signal, SignalKind, signal};
use tracing::{error, info, warn};

use crate::config::Config;
use crate::pipeline::{App, audience};
use crate::web::State;

use super::live::Live;
use super::open::{load_config, open_over};
use super::supervisor::Shutdown;
use super::systemd;

/// The signals we answer to. From [`Signals::catch`] on none of them ends the process by itself.
pub struct Signals {
    terminate: Signal,
    interrupt: Signal,
    hangup: Signal,
}

impl Signals {
    /// Takes the signals over; they wait until [`listen`] looks.
    ///
    /// # Errors
    /// When the operating system refuses signal handlers.
    pub fn catch() -> std::io::Result<Self> {
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }
}

/// Listens until the shutdown is over. A second SIGTERM or SIGINT ends the grace period at once.
pub async fn listen(mut signals: Signals, live: Live, pages: State, shutdown: Shutdown) {
    loop {
        tokio::select! {
            _ = signals.terminate.recv() => stop(&shutdown),
            _ = signals.interrupt.recv() => stop(&shutdown),
            _ = signals.hangup.recv() => reload(&live, &pages).await,
            () = shutdown.drain.cancelled() => return,
        }
    }
}

fn stop(shutdown: &Shutdown) {
    if shutdown.intake.is_cancelled() {
        info!("asked again: not waiting any longer");
        shutdown.drain.cancel();
    } else {
        shutdown.intake.cancel();
    }
}

/// Reads the configuration anew. A file that does not check is refused and the old one stays.
async fn reload(live: &Live, pages: &State) {
    systemd::reloading();
    let old = live.app();
    let path = old.config.path.clone();
    let loaded = match load_config(&path) {
        Ok(config) => {
            for key in needs_restart(&old.config, &config) {
                error!(
                    key,
                    "a change of this key needs a restart; the old value stays in force"
                );
            }
            succeed(&old, config).await
        }
        Err(problems) => Err(anyhow::Error::new(problems)),
    };
    match loaded {
        Ok(app) => {
            for warning in app.warnings.iter() {
                warn!("{warning}");
            }
            if let Err(error) = audience::forget_schedules(&app).await {
                error!(error = %error, "readers of schedules that are gone still wait for them");
            }
            let relays = Some(app.relays.clone());
            pages.reload(app.config.clone(), app.templates.clone(), relays);
            pages.take_in_for(app.clone());
            live.replace(app);
            info!(path = %path.display(), "configuration reloaded");
            old.wake.release.notify_one();
            old.wake.tidy.notify_one();
        }
        Err(problem) => {
            error!(path = %path.display(), "reload refused, the old configuration stays:\n{problem:#}");
        }
    }
    systemd::ready("running");
}

/// A house of the new configuration, over the same database and journal.
async fn succeed(old: &App, config: Config) -> anyhow::Result<App> {
    let mut app = open_over(config, old.db.clone(), old.owner.clone(), old.wake.clone()).await?;
    (app.journal, app.journals) = (old.journal.clone(), old.journals.clone());
    (app.held, app.clock) = (old.held.clone(), old.clock.clone());
    app.check_sending()?;
    Ok(app)
}

/// Keys that are only read at the start.
fn needs_restart(old: &Config, new: &Config) -> Vec<&'static str> {
    let mut keys = Vec::new();
    if old.database.url().ok() != new.database.url().ok() {
        keys.push("database.url");
    }
    if old.server.listen != new.server.listen {
        keys.push("server.listen");
    }
    if old.delivery.journal != new.delivery.journal {
        keys.push("delivery.journal");
    }
    if old.server.admin_listen != new.server.admin_listen {
        keys.push("server.admin_listen");
    }
    keys
}
