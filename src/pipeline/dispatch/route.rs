//! Which relay a delivery takes, and when: windows, quotas, and the rates of everything it
//! counts against (all mail, its relay, its recipient's domain group, its issue).
//!
//! Only what can leave soon is claimed: [`Routes::survey`] says how much that is. A delivery to
//! a domain that takes no more now goes back, due when there is a place for it.

mod groups;
mod pace;
mod probe;
mod quotas;
mod share;
mod way;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::hand::{Hand, Try};
use super::lane::Lane;
use super::letters::Routed;
use super::rates::{Rates, Wish, at_once};
use super::sending::Sending;
use crate::channels::email::relays::{Relay, Relays};
use crate::channels::email::shaping::Weights;
use crate::config::Rate;
use crate::pipeline::App;
use crate::store::StoreError;
pub(super) use groups::{FAR, Member, Place};
use groups::{Groups, domain_of};
pub(super) use probe::Probe;
use quotas::Quotas;
pub(super) use quotas::Ticket;
use way::Way;

/// The lanes and what holds for them.
pub(super) struct Routes {
    ways: Vec<Way>,
    weights: HashMap<Vec<usize>, Weights>,
    rates: Rates,
    quotas: Quotas,
    groups: Groups,
    is_shared: bool,
    /// Mails that all rates and relays together take now.
    room: usize,
    /// Mails that are worth having in hand by the rate of all mail.
    most: usize,
}

impl Routes {
    /// The lanes of `relays`; `before` are those that they replace.
    pub(super) fn new(
        relays: &Relays,
        hand: &Arc<Hand>,
        is_shared: bool,
        before: Option<Self>,
    ) -> Self {
        let ways = relays
            .iter()
            .map(|relay| Way::new(Lane::new(relay.clone(), hand.clone())));
        Self {
            ways: ways.collect(),
            weights: HashMap::new(),
            rates: Rates::default(),
            quotas: before.map(|before| before.quotas).unwrap_or_default(),
            groups: Groups::default(),
            is_shared,
            room: 0,
            most: usize::MAX,
        }
    }

    pub(super) fn lanes(&self) -> impl Iterator<Item = &Arc<Lane>> {
        self.ways.iter().map(|way| &way.lane)
    }

    /// Looks at every relay: how many mails it takes now.
    pub(super) async fn survey(&mut self, app: &App) -> Result<(), StoreError> {
        let now = Instant::now();
        let mut wishes = Vec::new();
        for way in &mut self.ways {
            way.look(now, self.is_shared);
            let (waiting, carried) = (way.lane.waiting(), way.lane.carried());
            way.lane.relay.set_queue(waiting, carried);
            if let Some(left) = self.quotas.left(app, &way.lane.relay).await? {
                way.limit_to(left.all);
                way.limit_of_others = left.others;
                way.is_open &= left.all > 0;
            }
            wishes.extend(way.wish(now));
        }
        let wanted: usize = self.ways.iter().map(|way| way.places).sum();
        wishes.extend(
            app.config
                .delivery
                .rate
                .map(|rate| wish("all", rate, wanted)),
        );
        self.rates.lend(app, &wishes).await?;
        for way in &mut self.ways {
            if way.lane.relay.rate(now).is_some() {
                way.limit_to(self.rates.near(&relay_name(&way.lane.relay)));
            }
        }
        let places: usize = self.ways.iter().map(|way| way.places).sum();
        (self.room, self.most) = match app.config.delivery.rate {
            Some(rate) => {
                let near = self.rates.near("all");
                (places.min(near), at_once(rate.per_second()))
            }
            None => (places, usize::MAX),
        };
        Ok(())
    }

    /// How many mails can be taken now.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Whether that is enough to be worth a look into the database.
    pub(super) fn is_worthwhile(&self) -> bool {
        // One that takes nothing now would have the others wait for what it cannot have.
        let able = self.ways.iter().filter(|way| way.limit > 0);
        let target: usize = able.map(|way| way.target).sum();
        self.room > 0 && self.room * 2 >= target.min(self.most)
    }

    /// How many mails of an issue can be taken now.
    pub(super) async fn room_for(
        &mut self,
        app: &App,
        sending: &Sending,
    ) -> Result<usize, StoreError> {
        let ways = self.ways_of(sending);
        let room = self.capacity(&ways, sending.is_urgent()).min(self.room);
        let Some(rate) = sending.rate().filter(|_| room > 0) else {
            return Ok(room);
        };
        let name = issue_name(sending);
        self.rates.lend(app, &[wish(&name, rate, room)]).await?;
        Ok(room.min(self.rates.near(&name)))
    }

    /// Whether an issue waits only for its turn: a relay of its takes mail, as fast as it does.
    pub(super) fn is_moving(&self, sending: &Sending) -> bool {
        let ways = self.ways_of(sending);
        let has_day = |way: &Way| sending.is_urgent() || way.limit_of_others > 0;
        ways.iter()
            .any(|at| self.ways[*at].is_open && has_day(&self.ways[*at]))
    }

    /// Whether mail went back because its domain takes no more now.
    pub(super) fn puts_off(&self) -> bool {
        self.groups.put_off(Instant::now())
    }

    /// The ways an issue may take.
    fn ways_of(&self, sending: &Sending) -> Vec<usize> {
        let names = sending.relays().unwrap_or_default();
        let is_its =
            |way: &Way| names.is_empty() || names.iter().any(|n| **n == *way.lane.relay.id);
        let ways = self.ways.iter().enumerate();
        ways.filter(|(_, way)| is_its(way))
            .map(|(i, _)| i)
            .collect()
    }

    /// Finds a way and a time for each try; those that find none go back.
    pub(super) async fn route(
        &mut self,
        app: &App,
        sending: &Sending,
        tries: Vec<Try>,
    ) -> Result<Vec<Routed>, StoreError> {
        let (ways, is_urgent) = (self.ways_of(sending), sending.is_urgent());
        let mut picked = Vec::with_capacity(tries.len());
        for attempt in tries {
            match self.pick(&ways, is_urgent) {
                Some(way) => {
                    let relay = &self.ways[way].lane.relay;
                    let group = relay.domains.group_of(domain_of(&attempt));
                    picked.push((attempt, way, group));
                }
                None => attempt.give_back(Duration::ZERO),
            }
        }
        for way in &ways {
            let needed = picked.iter().filter(|(_, picked, _)| picked == way).count();
            let relay = &self.ways[*way].lane.relay;
            self.quotas.take(app, relay, needed, is_urgent).await?;
        }
        let wishes = self
            .groups
            .wishes(picked.iter().filter_map(|(_, way, group)| {
                let relay = &self.ways[*way].lane.relay;
                Some((relay, (*group)?))
            }));
        self.rates.lend(app, &wishes).await?;
        let routed = picked
            .into_iter()
            .filter_map(|(attempt, way, group)| self.place(app, sending, attempt, way, group));
        Ok(routed.collect())
    }

    /// Takes a place in everything the mail counts against.
    fn place(
        &mut self,
        app: &App,
        sending: &Sending,
        attempt: Try,
        way: usize,
        group: Option<usize>,
    ) -> Option<Routed> {
        let lane = self.ways[way].lane.clone();
        let names = self.rate_names(app, sending, &lane.relay);
        let has_slots = names.iter().all(|name| self.rates.near(name) > 0);
        let ticket = self.quotas.ticket(&lane.relay, sending.is_urgent());
        let Some(ticket) = ticket.filter(|_| has_slots) else {
            // Finding out took longer than a slot may be late.
            return self.turn_back(way, attempt, Duration::ZERO);
        };
        let (mut member, mut slot) = (None, None);
        if let Some(group) = group {
            let rates = &mut self.rates;
            match self.groups.enter(&lane.relay, group, sending, rates) {
                Ok((entered, at)) => (member, slot) = (Some(entered), at),
                Err(wait) => return self.turn_back(way, attempt, wait),
            }
        }
        let slots = names.iter().map(|name| self.rates.take(name));
        let not_before = slots.chain([slot]).flatten().max();
        let probe = Probe::take(&mut self.ways[way].probes, &lane.relay);
        self.room = self.room.saturating_sub(1);
        Some(Routed {
            attempt,
            assigned: lane.assign(),
            lane,
            not_before,
            member,
            ticket,
            probe,
        })
    }

    fn turn_back(&mut self, way: usize, attempt: Try, wait: Duration) -> Option<Routed> {
        let way = &mut self.ways[way];
        way.places += 1;
        way.limit = way.limit.saturating_add(1);
        way.limit_of_others = way.limit_of_others.saturating_add(1);
        attempt.give_back(wait);
        None
    }

    /// The rates that a mail of `sending` over `relay` counts against, but its domain's.
    fn rate_names(&self, app: &App, sending: &Sending, relay: &Relay) -> Vec<String> {
        let all = app.config.delivery.rate.map(|_| "all".to_owned());
        let relays = relay.rate(Instant::now()).map(|_| relay_name(relay));
        let issues = sending.rate().map(|_| issue_name(sending));
        all.into_iter().chain(relays).chain(issues).collect()
    }

    /// The round is over: probes that found no message may be had again.
    pub(super) fn end_round(&mut self) {
        let now = Instant::now();
        for way in &mut self.ways {
            if std::mem::take(&mut way.probes) {
                way.lane.relay.probe_unused(now);
            }
            way.lane.staff();
        }
        self.rates.forget();
    }

    /// Gives back what was taken for mails and is not needed.
    pub(super) async fn end(&self, app: &App) -> Result<(), StoreError> {
        self.quotas.give_back(app).await
    }
}

fn wish(name: &str, rate: Rate, count: usize) -> Wish {
    Wish {
        name: name.to_owned(),
        rate: rate.per_second(),
        count,
    }
}

fn relay_name(relay: &Relay) -> String {
    format!("relay/{}", relay.id)
}

fn issue_name(sending: &Sending) -> String {
    format!("issue/{}", sending.issue.id)
}
