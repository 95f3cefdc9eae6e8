//! Who is polled when: due sources are claimed, a host is asked one thing at a time with a
//! pause in between, and a source that hangs keeps nobody else waiting.
//!
//! A host is what the configured address names, or the one that the source has moved to for
//! good; other redirects do not change it. No more than a
//! few sources of one host are in hand at a time, so that a host with thousands of sources has
//! the same turn as one with a single source.

mod named;

use std::cmp::Reverse;
use std::collections::{HashMap, VecDeque};
use std::time::{Duration, Instant};

use tokio::task::{Id, JoinError, JoinSet};
use tracing::{error, warn};

use self::named::Named;
use super::commits::Commits;
use super::{PollReport, poll_one};
use crate::domain::UnixMillis;
use crate::net::pause_of;
use crate::pipeline::App;
use crate::store::{SourceMemory, StoreError};

/// A claimed source is given back by itself after this long, should we die.
const LEASE: Duration = Duration::from_secs(300);
/// A source that waited this long behind others is given back: the lease would end while it is
/// fetched.
const PATIENCE: Duration = Duration::from_secs(210);
/// Sources in hand at most.
const BATCH: usize = 256;
/// Of a host that has so many in hand no more are taken.
const OF_HOST: usize = 3;
/// Between looks for what is due while there is something in hand.
const LOOK: Duration = Duration::from_millis(250);

/// Polls the sources that are due (or `only` those named, due or not) and says what came.
///
/// # Errors
/// The store's; a source's own trouble is in its report.
pub async fn poll(
    app: &App,
    only: Option<&[String]>,
    now: UnixMillis,
) -> Result<Vec<PollReport>, StoreError> {
    let (mut poller, began) = (Poller::default(), Instant::now());
    let mut named = only.map(|names| Named::of(app, names));
    let mut reports = Vec::new();
    if let Some(named) = &mut named {
        reports.extend(named.take_unpolled(app));
    }
    loop {
        let now = later(now, began);
        match &mut named {
            Some(named) => poller.take_named(app, named, now).await?,
            None => poller.take_due(app, now).await?,
        }
        if poller.is_idle() && named.as_ref().is_none_or(|named| named.0.is_empty()) {
            break;
        }
        reports.extend(poller.go_on(app).await?);
        let given_back = poller.given_back.drain(..);
        if let Some(named) = &mut named {
            given_back.for_each(|name| named.add(app, name));
        }
    }
    reports.sort_by(|a: &PollReport, b| a.source.cmp(&b.source));
    Ok(reports)
}

/// `now` of an instant ago. Stories tell their own time, in which a second takes no second.
fn later(now: UnixMillis, since: Instant) -> UnixMillis {
    now.plus(Duration::from_secs(since.elapsed().as_secs()))
}

/// A claimed source, and when it was claimed.
struct Claimed {
    memory: SourceMemory,
    now: UnixMillis,
    since: Instant,
}

/// One host's turn.
struct Host {
    waiting: VecDeque<Claimed>,
    is_asked: bool,
    /// When it may be asked again.
    free_at: Instant,
}

impl Host {
    fn in_hand(&self) -> usize {
        self.waiting.len() + usize::from(self.is_asked)
    }

    fn is_ready(&self, now: Instant) -> bool {
        !self.is_asked && !self.waiting.is_empty() && self.free_at <= now
    }
}

/// Polls in hand, of one process.
#[derive(Default)]
pub struct Poller {
    running: JoinSet<PollReport>,
    /// The host that each running poll asks.
    asking: HashMap<Id, String>,
    hosts: HashMap<String, Host>,
    commits: Option<Commits>,
    /// Sources that waited too long, since somebody last asked for them.
    given_back: Vec<String>,
    /// The last look for what is due, where that brought less than was wanted.
    looked: Option<Instant>,
}

impl Poller {
    /// Takes what is due, then waits for something to end, for a moment at most. Answers what
    /// came; nothing when there is nothing in hand.
    ///
    /// # Errors
    /// The store's, when nothing could be claimed; what is in hand goes on.
    pub async fn step(
        &mut self,
        app: &App,
        now: UnixMillis,
    ) -> Result<Vec<PollReport>, StoreError> {
        // They are as due as before.
        self.given_back.clear();
        self.take_due(app, now).await?;
        self.go_on(app).await
    }

    /// Whether nothing is in hand.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.in_hand() == 0
    }

    /// Finishes what is being fetched, begins nothing more and gives the rest back.
    pub async fn finish(mut self, app: &App) {
        let hosts = self.hosts.values_mut();
        let waiting = hosts.flat_map(|host| host.waiting.drain(..));
        let names = waiting.map(|one| one.memory.name).collect();
        give_back(app, names).await;
        while let Some(done) = self.running.join_next().await {
            if let Err(panic) = done {
                error!(error = %panic, "a poll panicked");
            }
        }
    }

    fn in_hand(&self) -> usize {
        self.hosts.values().map(Host::in_hand).sum()
    }

    /// Claims due sources when there is room for a good number of them.
    async fn take_due(&mut self, app: &App, now: UnixMillis) -> Result<(), StoreError> {
        let in_hand = self.in_hand();
        let was_just_now = self.looked.is_some_and(|at| at.elapsed() < LOOK);
        if in_hand > BATCH / 2 || (in_hand > 0 && was_just_now) {
            return Ok(());
        }
        let busy = self.hosts.iter();
        let busy = busy.filter(|(_, host)| host.in_hand() >= OF_HOST);
        let busy: Vec<&str> = busy.map(|(name, _)| name.as_str()).collect();
        let most = BATCH - in_hand;
        let claimed = app
            .db
            .claim_due(&app.owner, now, now.plus(LEASE), most, &busy)
            .await?;
        self.looked = (claimed.len() < most).then(Instant::now);
        self.queue(app, claimed, now);
        Ok(())
    }

    /// Claims the next of the named sources, a few of each host.
    async fn take_named(
        &mut self,
        app: &App,
        named: &mut Named,
        now: UnixMillis,
    ) -> Result<(), StoreError> {
        let mut room = BATCH - self.in_hand();
        if room < BATCH / 2 {
            return Ok(());
        }
        // One of each host before two of any, and first of those that have most to do: their
        // pauses are what the whole takes.
        let mut hosts: Vec<_> = named.0.iter_mut().collect();
        hosts.sort_by_key(|(_, waiting)| Reverse(waiting.len()));
        let mut names = Vec::new();
        for most in 1..=OF_HOST {
            for (host, waiting) in &mut hosts {
                let in_hand = self.hosts.get(*host).map_or(0, Host::in_hand);
                if room > 0 && in_hand < most {
                    let next = waiting.pop_front();
                    room -= usize::from(next.is_some());
                    names.extend(next);
                }
            }
        }
        named.0.retain(|_, waiting| !waiting.is_empty());
        if names.is_empty() {
            return Ok(());
        }
        let until = now.plus(LEASE);
        let claimed = app
            .db
            .claim_sources(&app.owner, now, until, names.len(), Some(&names))
            .await?;
        self.queue(app, claimed, now);
        Ok(())
    }

    fn queue(&mut self, app: &App, claimed: Vec<SourceMemory>, now: UnixMillis) {
        let since = Instant::now();
        for memory in claimed {
            let host = app.host_of(&memory.name, memory.moved_to.as_deref());
            let host = self.hosts.entry(host);
            let host = host.or_insert_with(|| Host {
                waiting: VecDeque::new(),
                is_asked: false,
                free_at: since,
            });
            host.waiting.push_back(Claimed { memory, now, since });
        }
    }

    /// Begins what may begin, and waits a moment for something to end.
    async fn go_on(&mut self, app: &App) -> Result<Vec<PollReport>, StoreError> {
        let mut reports = self.begin(app).await;
        if !reports.is_empty() || self.is_idle() {
            return Ok(reports);
        }
        let nap = self.nap(app);
        if self.running.is_empty() {
            tokio::time::sleep(nap).await;
            return Ok(reports);
        }
        let mut ended = tokio::select! {
            ended = self.running.join_next_with_id() => ended,
            // Somebody wants a poll while others are under way.
            () = app.wake.ingest.notified() => {
                self.looked = None;
                None
            }
            () = tokio::time::sleep(nap) => None,
        };
        while let Some(done) = ended {
            self.end(app, done, &mut reports).await;
            ended = self.running.try_join_next_with_id();
        }
        Ok(reports)
    }

    /// Until something may begin, [`LOOK`] at most.
    fn nap(&self, app: &App) -> Duration {
        let now = Instant::now();
        let is_full = self.running.len() >= app.config.network.hosts;
        let hosts = self.hosts.values().filter(|_| !is_full);
        let next = hosts.filter(|host| !host.is_asked && !host.waiting.is_empty());
        let next = next.map(|host| host.free_at.saturating_duration_since(now));
        next.min().map_or(LOOK, |next| next.min(LOOK))
    }

    /// Begins with the hosts that have waited longest. Answers what is said of sources that
    /// are not asked for their host's sake.
    async fn begin(&mut self, app: &App) -> Vec<PollReport> {
        let now = Instant::now();
        self.hosts
            .retain(|_, host| host.in_hand() > 0 || host.free_at > now);
        let hosts = self.hosts.iter();
        let ready = hosts.filter(|(_, host)| host.is_ready(now));
        let mut ready: Vec<(Instant, String)> = ready
            .map(|(name, host)| (host.free_at, name.clone()))
            .collect();
        ready.sort_unstable();
        let (mut reports, mut back) = (Vec::new(), Vec::new());
        let places = app.config.network.hosts.saturating_sub(self.running.len());
        for (_, name) in ready.into_iter().take(places) {
            let Some(host) = self.hosts.get_mut(&name) else {
                continue;
            };
            while let Some(claimed) = host.waiting.pop_front() {
                let at = later(claimed.now, claimed.since);
                let rests = claimed.memory.rest_until.filter(|until| *until > at);
                if claimed.since.elapsed() >= PATIENCE {
                    self.given_back.push(claimed.memory.name.clone());
                    back.push(claimed.memory.name);
                } else if let Some(until) = rests {
                    reports.push(resting(&claimed.memory.name, &name, until));
                    back.push(claimed.memory.name);
                } else {
                    host.is_asked = true;
                    let commits = self.commits.get_or_insert_with(|| {
                        // One for all: a reload keeps the database.
                        Commits::start(app.db.clone())
                    });
                    let poll = reported(app.at_pace(), claimed.memory, at, commits.clone());
                    let id = self.running.spawn(poll).id();
                    self.asking.insert(id, name);
                    break;
                }
            }
        }
        give_back(app, back).await;
        reports
    }

    /// What a poll came to. A panic is a bug, but only that source's: its lease runs out and
    /// it is polled again.
    async fn end(
        &mut self,
        app: &App,
        done: Result<(Id, PollReport), JoinError>,
        reports: &mut Vec<PollReport>,
    ) {
        let id = match &done {
            Ok((id, _)) => *id,
            Err(panic) => panic.id(),
        };
        let name = self.asking.remove(&id).unwrap_or_default();
        let host = self.hosts.get_mut(&name);
        let report = match done {
            Ok((_, report)) => Some(report),
            Err(panic) => {
                error!(error = %panic, "a poll panicked");
                None
            }
        };
        let rests = report.as_ref().and_then(|report| report.host_rests);
        reports.extend(report);
        let Some(host) = host else { return };
        host.is_asked = false;
        host.free_at = Instant::now() + pause_of(&name, app.config.network.pauses());
        let Some(until) = rests else { return };
        for waiting in host.waiting.drain(..) {
            reports.push(resting(&waiting.memory.name, &name, until));
        }
        if let Err(error) = app.db.rest_host(&name, &app.owner, until).await {
            warn!(host = name, error = %error, "the host's other sources were not put off");
        }
    }
}

/// Gives back what was claimed and is not asked; what cannot be given back is due again when
/// its lease ends.
async fn give_back(app: &App, names: Vec<String>) {
    if names.is_empty() {
        return;
    }
    if let Err(error) = app.db.give_back_sources(&names, &app.owner).await {
        warn!(error = %error, "sources that were not asked could not be given back");
    }
}

/// What is said of a source that was not asked for its host's sake.
fn resting(source: &str, host: &str, until: UnixMillis) -> PollReport {
    PollReport {
        source: source.to_owned(),
        error: Some(format!(
            "not asked: {host} wants to be left alone until {}",
            until.whole_seconds()
        )),
        ..PollReport::default()
    }
}

/// One source's report. What the store says about it (another took it over, the database went
/// away) is its own trouble too: its lease runs out and it is polled again.
async fn reported(app: App, memory: SourceMemory, now: UnixMillis, commits: Commits) -> PollReport {
    let source = memory.name.clone();
    let polled = poll_one(&app, memory, now, &commits).await;
    polled.unwrap_or_else(|error| {
        warn!(source.name = source, error = %error, "what came was not stored");
        PollReport {
            source,
            error: Some(error.to_string()),
            ..PollReport::default()
        }
    })
}
