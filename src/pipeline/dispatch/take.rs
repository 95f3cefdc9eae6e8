//! Taking deliveries: as many as can leave soon, in fair shares of the issues that wait.

use std::sync::Arc;
use std::time::Instant;

use super::hand::{LEASE, Try};
use super::route::Routes;
use super::sending::Sending;
use super::{Dispatcher, LOCAL, REST, letters, local};
use crate::channels::email::shaping::Ready;
use crate::domain::IssueId;
use crate::pipeline::App;
use crate::store::{ReadyIssue, StoreError};

/// Mails that find no place, in one go: their domains take no more, and each that was looked at
/// has kept the dispatcher from hearing what ended.
const MOST_TURNED_BACK: usize = 500;

impl Dispatcher {
    /// Claims; how many, and whether more waits only for its turn.
    pub(super) async fn take(&mut self, app: &App) -> Result<(usize, bool), StoreError> {
        let Some(state) = &mut self.state else {
            return Ok((0, false));
        };
        if self.is_unsure {
            let (hand, now) = (app.held.all(), app.clock.now());
            app.db.release_unheard(&app.owner, &hand, now).await?;
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
            if sending.channel().is_none() {
                // A daemon that has read a newer configuration may know it.
                continue;
            }
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
        let (mut claimed, mut placed) = (0, 0);
        while !mail.is_empty() && claimed - placed < MOST_TURNED_BACK {
            let mut ready = Vec::with_capacity(mail.len());
            let Some(state) = &mut self.state else { break };
            for (priority, sending) in &mail {
                let (routes, shared) = (&mut state.routes, &mut state.shared);
                routes.take_probes(app, shared, sending).await?;
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
                placed += self.send(app, sending, tries).await?;
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
        let until = app.clock.of_leases().plus(LEASE);
        // Until it has succeeded; also should this future be dropped.
        self.is_unsure = true;
        let rows = app.db.claim_deliveries(owner, id, now, until, most).await?;
        self.is_unsure = false;
        let mut tries = Vec::with_capacity(rows.len());
        for row in rows {
            app.held.take(row.id, row.generation);
            tries.push(Try::new(row, sending.clone(), state.hand.clone(), since));
        }
        Ok(tries)
    }

    /// Finds ways for mails and has them made out; for how many there was one.
    async fn send(
        &mut self,
        app: &App,
        sending: Arc<Sending>,
        tries: Vec<Try>,
    ) -> Result<usize, StoreError> {
        let Some(state) = self.state.as_mut().filter(|_| !tries.is_empty()) else {
            return Ok(0);
        };
        let routed = state.routes.route(app, &sending, tries).await?;
        let placed = routed.len();
        while self.making.try_join_next().is_some() {}
        if !routed.is_empty() {
            self.making
                .spawn(letters::make(sending, routed, state.signing.clone()));
        }
        Ok(placed)
    }
}
