//! An issue being sent: what is the same for all its deliveries.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tracing::warn;

use crate::channels::email::shaping::{Alarm, IssueHealth};
use crate::channels::email::smtp::Verdict;
use crate::config::{ChannelSchedule, Rate};
use crate::domain::{Issue, IssueId, RetryPolicy};
use crate::pipeline::App;
use crate::pipeline::app::{Form, OpenChannel};

/// One issue, and the house it is sent from.
pub(super) struct Sending {
    pub(super) issue: Issue,
    pub(super) patience: RetryPolicy,
    /// As it was when the issue was first met; a reload makes a new one.
    pub(super) app: App,
    is_urgent: bool,
    /// Paused by this process: what it has in hand does not leave any more.
    stopped: AtomicBool,
    /// The database has been told.
    is_told: AtomicBool,
    health: Mutex<IssueHealth>,
}

impl Sending {
    fn new(app: &App, issue: Issue) -> Self {
        let channel = app.channels.get(&issue.channel);
        let schedule = channel.and_then(|c| c.config.schedules.get(&issue.schedule));
        let alert = matches!(schedule, Some(ChannelSchedule::Each));
        let is_confirmation = issue.is_confirmation();
        let patience = match (is_confirmation, alert) {
            (true, _) => RetryPolicy::CONFIRMATION,
            (false, true) => RetryPolicy::ALERT,
            (false, false) => RetryPolicy::DIGEST,
        };
        Self {
            issue,
            patience,
            app: app.clone(),
            is_urgent: alert || is_confirmation,
            stopped: AtomicBool::new(false),
            is_told: AtomicBool::new(false),
            health: Mutex::default(),
        }
    }

    /// Whether its mail overtakes digests.
    pub(super) fn is_urgent(&self) -> bool {
        self.is_urgent
    }

    pub(super) fn is_stopped(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    /// What a relay said of one of its mails; an alarm when that is too much.
    pub(super) fn heard(&self, verdict: &Verdict) -> Option<Alarm> {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.noted(verdict)
    }

    pub(super) fn stop(&self) {
        self.stopped.store(true, Ordering::Relaxed);
    }

    /// That it is stopped stands in the database, for everybody.
    pub(super) fn told(&self) {
        self.is_told.store(true, Ordering::Relaxed);
    }

    /// Its channel, if the configuration still has it.
    pub(super) fn channel(&self) -> Option<&OpenChannel> {
        self.app.channels.get(&self.issue.channel)
    }

    /// The most messages of it over time.
    pub(super) fn rate(&self) -> Option<Rate> {
        match &self.channel()?.form {
            Form::Email(email) => email.settings.issue_rate,
            Form::Feed(_) | Form::Social(_) => None,
        }
    }

    /// Whether relays carry it.
    pub(super) fn is_mail(&self) -> bool {
        self.relays().is_some()
    }

    /// Whether more than one relay may carry it.
    pub(super) fn has_other_relays(&self) -> bool {
        match self.relays() {
            Some([]) => self.app.config.relays.len() > 1,
            named => named.is_some_and(|named| named.len() > 1),
        }
    }

    /// The relays that may carry it, if it is mail; empty for all.
    pub(super) fn relays(&self) -> Option<&[String]> {
        match &self.channel()?.form {
            Form::Email(email) => Some(&email.settings.relays),
            Form::Feed(_) | Form::Social(_) => None,
        }
    }
}

/// The issues met so far.
#[derive(Default)]
pub(super) struct Sendings(HashMap<IssueId, Arc<Sending>>);

/// Issues kept; there are rarely more than a handful at once.
const MOST_KEPT: usize = 200;

impl Sendings {
    /// What is the same for all deliveries of `issue`.
    pub(super) fn get(&mut self, app: &App, issue: Issue) -> Arc<Sending> {
        let id = issue.id;
        // One that was stopped here and is sent again was resumed: it begins anew.
        let is_over = |one: &Sending| one.is_stopped() && one.is_told.load(Ordering::Relaxed);
        if let Some(sending) = self.0.get(&id).filter(|sending| !is_over(sending)) {
            return sending.clone();
        }
        if self.0.len() >= MOST_KEPT {
            self.0.clear();
        }
        let sending = Arc::new(Sending::new(app, issue));
        if sending.channel().is_none() {
            warn!(
                issue.id = id.0,
                channel.id = sending.issue.channel,
                "not sent: its channel is not in the configuration; put it back, \
                 or `courant issues cancel {id}`"
            );
        }
        self.0.insert(id, sending.clone());
        sending
    }

    /// After a reload.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }
}
