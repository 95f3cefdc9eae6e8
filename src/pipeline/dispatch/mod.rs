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

use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::sync::Semaphore;
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;
use tracing::{error, warn};

use crate::channels::email::Relays;
use crate::channels::email::shaping::{Ready, Shares};
use crate::domain::IssueId;
use crate::store::{ReadyIssue, StoreError};

use super::App;
pub use hand::LEASE;
use hand::{Hand, Try, Word};
use lane::Lane;
pub use recover::recover;
use route::Routes;
use sending::{Sending, Sendings};
use settle::Ledger;

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
            self.ledger.write(&state.hand, false).await?;
            let is_able = !state.hand.is_resting() && !self.ledger.is_stuck();
            if is_able && !stop.is_cancelled() {
                (step.claimed, is_moving) = self.take(app).await?;
            }
        }
        step.sent = self.listen(app, stop, step.claimed == 0).await;
        let is_empty = self.ledger.is_empty();
        if self.has_sent && (is_empty || step.claimed == 0) {
            app.db.finish_issues(app.clock.now()).await?;
            self.has_sent = false;
        }
        step.idle = is_empty && step.claimed == 0 && !is_moving;
        Ok(step)
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
        let journal = app.open_journal()?;
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let (hand, words) = match self.state.take() {
            Some(old) => {
                old.routes.lanes().for_each(|lane| lane.close());
                self.retired.extend(old.routes.lanes().cloned());
                self.sendings.forget();
                (old.hand, old.words)
            }
            None => {
                let (sender, words) = mpsc::unbounded_channel();
                let (db, owner) = (app.db.clone(), app.owner.clone());
                let hand = Hand::new(db, owner, app.clock.clone(), journal, sender);
                (Arc::new(hand), words)
            }
        };
        let is_shared = app.db.kind() == "postgres";
        self.state = Some(State {
            routes: Routes::new(&app.relays, &hand, is_shared),
            shared: shared::Shared::default(),
            relays: app.relays.clone(),
            signing: Arc::new(Semaphore::new(cores)),
            hand,
            words,
        });
        Ok(())
    }

    /// Claims; how many, and whether more waits only for its turn.
    async fn take(&mut self, app: &App) -> Result<(usize, bool), StoreError> {
        let Some(state) = &mut self.state else {
            return Ok((0, false));
        };
        if self.is_unsure {
            let held = self.ledger.held();
            app.db.release_unheard(&app.owner, &held).await?;
            self.is_unsure = false;
        }
        state.shared.exchange(app).await?;
        state.routes.survey(app).await?;
        let has_rested = self.looked.is_none_or(|at| at.elapsed() >= REST);
        if !(has_rested || state.routes.is_worthwhile()) {
            state.routes.end_round();
            return Ok((0, true));
        }
        self.looked = Some(Instant::now());
        let ready = app.db.ready_issues(app.clock.now()).await?;
        let claimed = self.take_ready(app, ready).await;
        if let Some(state) = &mut self.state {
            state.routes.end_round();
        }
        claimed
    }

    async fn take_ready(
        &mut self,
        app: &App,
        ready: Vec<ReadyIssue>,
    ) -> Result<(usize, bool), StoreError> {
        let mut claimed = 0;
        let mut mail: Vec<(i64, Arc<Sending>)> = Vec::new();
        for ReadyIssue {
            issue, priority, ..
        } in ready
        {
            let sending = self.sendings.get(app, issue);
            if sending.is_mail() {
                mail.push((priority, sending));
            } else {
                claimed += self.take_local(app, &sending).await?;
            }
        }
        let is_moving = |routes: &Routes| mail.iter().any(|(_, one)| routes.is_moving(one));
        let waits = self
            .state
            .as_ref()
            .is_some_and(|state| is_moving(&state.routes));
        let mails = self.take_mail(app, mail).await?;
        Ok((claimed + mails, waits))
    }

    async fn take_local(&mut self, app: &App, sending: &Arc<Sending>) -> Result<usize, StoreError> {
        while self.local.try_join_next().is_some() {}
        let room = LOCAL.saturating_sub(self.local.len());
        let tries = self.claim(app, sending, room).await?;
        let count = tries.len();
        for attempt in tries {
            self.local.spawn(local::deliver(attempt));
        }
        Ok(count)
    }

    /// Fair shares of the room there is; what an issue leaves of its share goes to the others.
    async fn take_mail(
        &mut self,
        app: &App,
        mut mail: Vec<(i64, Arc<Sending>)>,
    ) -> Result<usize, StoreError> {
        let mut claimed = 0;
        while !mail.is_empty() {
            let mut ready = Vec::with_capacity(mail.len());
            let Some(state) = &mut self.state else { break };
            for (priority, sending) in &mail {
                let waiting = state.routes.room_for(app, sending).await?;
                ready.push(Ready {
                    issue: sending.issue.id,
                    priority: *priority,
                    waiting,
                });
            }
            let shares = self.shares.split(state.routes.room(), &ready);
            let mut full: Vec<IssueId> = Vec::new();
            for (issue, share) in shares {
                let Some((_, sending)) = mail.iter().find(|(_, s)| s.issue.id == issue) else {
                    continue;
                };
                let sending = sending.clone();
                let tries = self.claim(app, &sending, share).await?;
                claimed += tries.len();
                if tries.len() == share {
                    full.push(issue);
                }
                self.send(app, sending, tries).await?;
            }
            mail.retain(|(_, sending)| full.contains(&sending.issue.id));
        }
        Ok(claimed)
    }

    async fn claim(
        &mut self,
        app: &App,
        sending: &Arc<Sending>,
        most: usize,
    ) -> Result<Vec<Try>, StoreError> {
        let Some(state) = self.state.as_ref().filter(|_| most > 0) else {
            return Ok(Vec::new());
        };
        let (since, now) = (Instant::now(), app.clock.now());
        let (owner, id) = (&app.owner, sending.issue.id);
        let until = now.plus(LEASE);
        // Until it has succeeded; also should this future be dropped.
        self.is_unsure = true;
        let rows = app.db.claim_deliveries(owner, id, now, until, most).await?;
        self.is_unsure = false;
        let mut tries = Vec::with_capacity(rows.len());
        for row in rows {
            self.ledger.take(row.id, row.generation);
            tries.push(Try::new(row, sending.clone(), state.hand.clone(), since));
        }
        Ok(tries)
    }

    /// Finds ways for mails and has them made out.
    async fn send(
        &mut self,
        app: &App,
        sending: Arc<Sending>,
        tries: Vec<Try>,
    ) -> Result<(), StoreError> {
        let Some(state) = self.state.as_mut().filter(|_| !tries.is_empty()) else {
            return Ok(());
        };
        let routed = state.routes.route(app, &sending, tries).await?;
        while self.making.try_join_next().is_some() {}
        if !routed.is_empty() {
            self.making
                .spawn(letters::make(sending, routed, state.signing.clone()));
        }
        Ok(())
    }

    /// Hears what has ended, after waiting for something to happen; how many were sent.
    async fn listen(&mut self, app: &App, stop: &CancellationToken, has_time: bool) -> usize {
        let Some(state) = &mut self.state else {
            return 0;
        };
        let rest = Instant::now() + REST;
        let until = self.ledger.due().map_or(rest, |due| due.min(rest));
        let first = if has_time && !self.ledger.is_empty() {
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
            Word::Ended(end) => {
                self.has_sent = true;
                usize::from(self.ledger.note(&end))
            }
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
        let held = self.ledger.held();
        if let Some(state) = self.state.as_ref().filter(|_| !held.is_empty()) {
            let since = Instant::now();
            let until = app.clock.now().plus(LEASE);
            app.db.renew_leases(&app.owner, &held, until).await?;
            state.hand.renewed(since);
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
        app.db.finish_issues(app.clock.now()).await?;
        app.db.release_leases(&app.owner).await?;
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
