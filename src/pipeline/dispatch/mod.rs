//! Sending: deliveries are claimed under a lease, made out, carried, settled.
//!
//! One [`Dispatcher`] a process. It claims what can leave soon ([`route`]), has it made out
//! ([`letters`]) and put into the lanes of the relays ([`lane`]), and writes the ends down in
//! batches ([`settle`]). The commit of a claim is the intent to send; which of the claimed
//! messages were on the wire when a process died is in its journal. A daemon that is killed
//! leaves exactly those uncertain, and the rest goes back ([`recover`]).

mod hand;
mod lane;
mod letters;
mod local;
mod rates;
mod recover;
mod route;
mod sending;
mod settle;
mod shared;
mod take;

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::channels::email::Relays;
use crate::channels::email::shaping::Shares;
use crate::store::StoreError;

use super::App;
pub use hand::LEASE;
use hand::{Hand, Word};
use lane::Lane;
pub use recover::recover;
use route::Routes;
use sending::Sendings;
pub use settle::Held;
use settle::Ledger;
pub use shared::longest_rule;

/// The longest time between two looks for work.
const REST: Duration = Duration::from_secs(1);
/// Ends are heard in groups: waking up for each costs more than each.
const GATHER: Duration = Duration::from_millis(2);
/// Deliveries in hand that no relay carries.
const LOCAL: usize = 16;

/// Deliveries in hand, of one process.
#[derive(Default)]
pub struct Dispatcher {
    state: Option<State>,
    ledger: Ledger,
    sendings: Sendings,
    shares: Shares,
    /// Mails being made out, products being written.
    making: JoinSet<()>,
    local: JoinSet<()>,
    looked: Option<Instant>,
    /// Lanes of a configuration that is gone.
    retired: Vec<Arc<Lane>>,
    has_sent: bool,
    /// A claim failed, and may have been made all the same: its commit's answer was lost.
    is_unsure: bool,
}

/// What depends on the house: made at the first step, and anew after a reload.
struct State {
    hand: Arc<Hand>,
    words: UnboundedReceiver<Word>,
    relays: Arc<Relays>,
    routes: Routes,
    shared: shared::Shared,
    signing: Arc<Semaphore>,
}

/// What one step of sending did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Step {
    /// Deliveries claimed.
    pub claimed: usize,
    /// Deliveries that ended as `sent`.
    pub sent: usize,
    /// Whether nothing is in hand, and nothing waits for its turn alone.
    pub idle: bool,
}

impl Dispatcher {
    /// Claims what there is room for, hears what has ended and writes it down; waits a second at
    /// most for something to happen. After `stop` nothing more begins.
    ///
    /// # Errors
    /// The store's; what is in hand goes on, so call it again.
    pub async fn step(&mut self, app: &App, stop: &CancellationToken) -> Result<Step, StoreError> {
        self.adopt(app)?;
        let mut step = Step::default();
        let mut is_moving = false;
        if let Some(state) = &self.state {
            let owed = self.ledger.len();
            let written = self.ledger.write(&state.hand, false).await;
            // Only what is written down can end an issue, or come back to one that was cancelled.
            self.has_sent |= self.ledger.len() < owed;
            written?;
            let is_able = !state.hand.is_resting() && !self.ledger.is_stuck();
            if is_able && !stop.is_cancelled() {
                (step.claimed, is_moving) = Box::pin(self.take(app)).await?;
            }
        }
        if step.claimed == 0 && !is_moving && app.held.is_empty() {
            is_moving = self.waits_for_domains(app).await?;
        }
        let has_time = step.claimed == 0 && (is_moving || !app.held.is_empty());
        step.sent = self.listen(app, stop, has_time).await;
        let is_empty = app.held.is_empty();
        if self.has_sent && (is_empty || step.claimed == 0) {
            app.db.finish_issues(app.clock.now()).await?;
            self.has_sent = false;
        }
        self.tell_figures(app);
        step.idle = is_empty && step.claimed == 0 && !is_moving;
        Ok(step)
    }

    /// Whether the next mail is due soon, and was put off because its domain takes no more now.
    async fn waits_for_domains(&self, app: &App) -> Result<bool, StoreError> {
        let state = self.state.as_ref();
        if !state.is_some_and(|state| state.routes.puts_off()) {
            return Ok(false);
        }
        let next = app.db.next_due().await?;
        Ok(next.is_some_and(|due| due.since(app.clock.now()) <= route::FAR))
    }

    /// For `/metrics`.
    fn tell_figures(&self, app: &App) {
        let figures = &app.relays.figures;
        let relaxed = std::sync::atomic::Ordering::Relaxed;
        figures.in_hand.store(app.held.count(), relaxed);
        figures.fenced.store(self.ledger.fenced, relaxed);
        figures.uncertain.store(self.ledger.uncertain, relaxed);
        if let Some(state) = &self.state {
            figures.journal.store(state.hand.journal.length(), relaxed);
        }
    }

    /// Takes on the house: its lanes are made at the first step and after each reload.
    fn adopt(&mut self, app: &App) -> Result<(), StoreError> {
        if self
            .state
            .as_ref()
            .is_some_and(|state| Arc::ptr_eq(&state.relays, &app.relays))
        {
            return Ok(());
        }
        let is_shared = app.db.kind() == "postgres";
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (hand, words, before, shared) = match self.state.take() {
            Some(old) => {
                old.routes.lanes().for_each(|lane| lane.close());
                self.retired.retain(|lane| lane.load() > 0);
                self.retired.extend(old.routes.lanes().cloned());
                self.sendings.forget();
                (old.hand, old.words, Some(old.routes), old.shared.anew())
            }
            None => {
                // Of what a dispatcher had that panicked nobody tells the end: those leases are
                // renewed no more, and what runs out is recovered.
                app.held.forget();
                let (sender, words) = mpsc::unbounded_channel();
                let hand = Arc::new(Hand::new(app, sender)?);
                (hand, words, None, shared::Shared::new(is_shared))
            }
        };
        self.state = Some(State {
            routes: Routes::new(&app.relays, &hand, is_shared, before),
            shared,
            relays: app.relays.clone(),
            signing: Arc::new(Semaphore::new(cores)),
            hand,
            words,
        });
        Ok(())
    }

    /// Hears what has ended, after waiting for something to happen; how many were sent.
    async fn listen(&mut self, app: &App, stop: &CancellationToken, has_time: bool) -> usize {
        let Some(state) = &mut self.state else {
            return 0;
        };
        let rest = Instant::now() + REST;
        let until = self.ledger.due().map_or(rest, |due| due.min(rest));
        let first = if has_time {
            tokio::select! {
                word = state.words.recv() => word,
                () = tokio::time::sleep_until(until.into()) => None,
                () = app.wake.dispatch.notified() => {
                    self.looked = None;
                    None
                }
                () = stop.cancelled() => None,
            }
        } else {
            state.words.try_recv().ok()
        };
        if first.is_some() {
            tokio::time::sleep(GATHER).await;
        }
        let mut sent = 0;
        let mut next = first;
        while let Some(word) = next {
            sent += self.hear(word).await;
            next = self
                .state
                .as_mut()
                .and_then(|state| state.words.try_recv().ok());
        }
        sent
    }

    async fn hear(&mut self, word: Word) -> usize {
        match word {
            Word::Ended(end) => usize::from(self.ledger.note(&end)),
            Word::Alarm(sending, alarm) => {
                if alarm.pause {
                    letters::pause(&sending, &alarm.reason).await;
                }
                0
            }
        }
    }

    /// Renews the leases of what is in hand; to be called every third of [`LEASE`].
    ///
    /// # Errors
    /// The store's.
    pub async fn renew(&self, app: &App) -> Result<(), StoreError> {
        let since = Instant::now();
        recover::renew(app).await?;
        if let Some(state) = &self.state {
            state.hand.renewed(since);
            state.shared.renew(app).await?;
        }
        Ok(())
    }

    /// Finishes what has begun and gives the rest back. After `give_up` nothing is waited for:
    /// what is on the wire is uncertain.
    ///
    /// # Errors
    /// The store's.
    pub async fn finish(
        mut self,
        app: &App,
        give_up: &CancellationToken,
    ) -> Result<(), StoreError> {
        self.making.shutdown().await;
        let Some(state) = &self.state else {
            return Ok(());
        };
        let hand = state.hand.clone();
        let mut lanes = std::mem::take(&mut self.retired);
        lanes.extend(state.routes.lanes().cloned());
        let local = std::mem::take(&mut self.local);
        let mut ending = std::pin::pin!(end_of(lanes, local, give_up));
        let mut renewal = tokio::time::interval(LEASE / 3);
        loop {
            tokio::select! {
                () = &mut ending => break,
                _ = renewal.tick() => {
                    if let Err(error) = self.renew(app).await {
                        warn!(error = %error, "leases could not be renewed");
                    }
                }
            }
        }
        self.listen(app, &CancellationToken::new(), false).await;
        self.write_the_rest(&hand).await?;
        if let Some(state) = &self.state {
            state.routes.end(app).await?;
        }
        app.db.finish_issues(app.clock.now()).await?;
        app.db.release_leases(&app.owner).await?;
        if let Some(state) = &mut self.state {
            // What a relay said last holds for whoever sends next.
            state.shared.end(app).await?;
        }
        hand.journal.end();
        Ok(())
    }

    /// What ended is written down, again and again for a while: a message that was accepted
    /// and not written down is one that somebody may get twice.
    async fn write_the_rest(&mut self, hand: &Hand) -> Result<(), StoreError> {
        const INSISTENCE: [u64; 4] = [1, 2, 5, 10];
        for pause in INSISTENCE {
            match self.ledger.write(hand, true).await {
                Ok(()) => return Ok(()),
                Err(error) => error!(error = %error, "trying again in {pause} s"),
            }
            tokio::time::sleep(Duration::from_secs(pause)).await;
        }
        self.ledger.write(hand, true).await
    }
}

/// Waits for everything that is on its way, until `give_up`.
async fn end_of(lanes: Vec<Arc<Lane>>, local: JoinSet<()>, give_up: &CancellationToken) {
    lanes.iter().for_each(|lane| lane.close());
    for lane in &lanes {
        lane.done(give_up).await;
    }
    lane::done(local, give_up).await;
}

/// Sends until nothing is due, for commands that do not leave it to a daemon; answers how many
/// were sent. `progress` is told the number so far.
///
/// # Errors
/// The store's.
pub async fn drain(app: &App, mut progress: impl FnMut(usize)) -> Result<usize, StoreError> {
    let never = CancellationToken::new();
    let mut dispatcher = Dispatcher::default();
    let mut sent = 0;
    let mut renewed = Instant::now();
    let result = loop {
        match dispatcher.step(app, &never).await {
            Ok(step) => {
                sent += step.sent;
                progress(sent);
                if step.idle {
                    break Ok(sent);
                }
            }
            Err(error) => break Err(error),
        }
        if renewed.elapsed() > LEASE / 3 {
            if let Err(error) = dispatcher.renew(app).await {
                break Err(error);
            }
            renewed = Instant::now();
        }
    };
    dispatcher.finish(app, &never).await?;
    result
}
