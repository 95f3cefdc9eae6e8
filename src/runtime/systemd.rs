//! Talking to systemd (`Type=notify`): ready, reloading, stopping, alive. Silent elsewhere.

use sd_notify::NotifyState;

/// Everything is up: database migrated, listeners bound.
pub fn ready(status: &str) {
    tell(&[NotifyState::Ready, NotifyState::Status(status)]);
}

/// A reload has begun; [`ready`] ends it.
pub fn reloading() {
    match NotifyState::monotonic_usec_now() {
        Ok(now) => tell(&[NotifyState::Reloading, now]),
        Err(_) => tell(&[NotifyState::Reloading]),
    }
}

/// Shutting down.
pub fn stopping() {
    tell(&[NotifyState::Stopping]);
}

/// Still alive; told only while every loop is.
pub fn alive() {
    tell(&[NotifyState::Watchdog]);
}

/// How often systemd wants to hear [`alive`], if at all.
#[must_use]
pub fn watchdog_interval() -> Option<std::time::Duration> {
    sd_notify::watchdog_enabled().map(|limit| limit / 3)
}

fn tell(states: &[NotifyState<'_>]) {
    if let Err(error) = sd_notify::notify(states) {
        tracing::debug!(error = %error, "systemd was not told");
    }
}
