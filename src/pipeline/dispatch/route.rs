//! Which relay a delivery takes, and when: windows, quotas, and the rates of everything it
//! counts against (all mail, its relay, its recipient's domain group, its issue).
//!
//! Only what can leave soon is claimed: [`Routes::survey`] says how much that is. A delivery to
//! a domain that takes no more now goes back, due when there is a place for it.

mod groups;
mod quotas;

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::hand::{Hand, Try};
use super::lane::Lane;
use super::letters::Routed;
use super::rates::{Rates, Wish, at_once};
use super::sending::Sending;
use crate::channels::email::relays::{Relays, State};
use crate::channels::email::shaping::Weights;
use crate::config::Rate;
use crate::pipeline::App;
use crate::store::StoreError;
use groups::Groups;
pub(super) use groups::Place;
use quotas::Quotas;

/// Mails in hand for one relay at most, where only this process takes deliveries.
const MOST: usize = 1000;
/// The same in connections, where daemons share them: what a lost machine leaves in doubt.
const MOST_SHARED: usize = 8;
/// Mails in hand, in connections, at least.
const LEAST: usize = 3;
/// Mails in hand, in seconds of what the relay takes.
const SUPPLY: f64 = 0.25;
/// How often the pace of a relay is taken.
const PACED: Duration = Duration::from_millis(250);

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
}

/// A lane with what it takes in this round.
struct Way {
    lane: Arc<Lane>,
    places: usize,
    target: usize,
    is_open: bool,
    probes: bool,
    pace: Pace,
}

#[derive(Default)]
struct Pace {
    seen: u64,
    at: Option<Instant>,
    per_second: f64,
}

impl Routes {
    pub(super) fn new(relays: &Relays, hand: &Arc<Hand>, is_shared: bool) -> Self {
        let ways = relays.iter().map(|relay| Way {
            lane: Lane::new(relay.clone(), hand.clone()),
            places: 0,
            target: 0,
            is_open: false,
            probes: false,
            pace: Pace::default(),
        });
        Self {
            ways: ways.collect(),
            weights: HashMap::new(),
            rates: Rates::default(),
            quotas: Quotas::default(),
            groups: Groups::default(),
            is_shared,
            room: 0,
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
            way.places = self.quotas.allow(app, &way.lane.relay, way.places).await?;
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
                way.places = way.places.min(self.rates.near(&relay_name(&way.lane)));
            }
        }
        let places: usize = self.ways.iter().map(|way| way.places).sum();
        self.room = match app.config.delivery.rate {
            Some(_) => places.min(self.rates.near("all")),
            None => places,
        };
        Ok(())
    }

    /// How many mails can be taken now.
    pub(super) fn room(&self) -> usize {
        self.room
    }

    /// Whether that is enough to be worth a look into the database.
    pub(super) fn is_worthwhile(&self) -> bool {
        let target: usize = self.ways.iter().map(|way| way.target).sum();
        self.room > 0 && self.room * 2 >= target
    }

    /// How many mails of an issue can be taken now.
    pub(super) async fn room_for(
        &mut self,
        app: &App,
        sending: &Sending,
    ) -> Result<usize, StoreError> {
        let ways = self.ways_of(sending);
        let places: usize = ways.iter().map(|way| self.ways[*way].places).sum();
        let room = places.min(self.room);
        let Some(rate) = sending.rate().filter(|_| room > 0) else {
            return Ok(room);
        };
        let name = issue_name(sending);
        self.rates.lend(app, &[wish(&name, rate, room)]).await?;
        Ok(room.min(self.rates.near(&name)))
    }

    /// Whether an issue waits only for its turn: a relay of its takes mail, as fast as it does.
    pub(super) fn is_moving(&self, sending: &Sending) -> bool {
        self.ways_of(sending)
            .iter()
            .any(|way| self.ways[*way].is_open)
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
        let ways = self.ways_of(sending);
        let mut picked = Vec::with_capacity(tries.len());
        for attempt in tries {
            match self.pick(&ways) {
                Some(way) => {
                    let relay = &self.ways[way].lane.relay;
                    let group = relay.domains.group_of(domain_of(&attempt));
                    picked.push((attempt, way, group));
                }
                None => attempt.give_back(Duration::ZERO),
            }
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

    fn pick(&mut self, ways: &[usize]) -> Option<usize> {
        let all = &self.ways;
        let picked = match ways {
            [one] => Some(0).filter(|_| all[*one].places > 0),
            _ => {
                let weights = self.weights.entry(ways.to_vec()).or_insert_with(|| {
                    Weights::new(ways.iter().map(|way| all[*way].lane.relay.weight()))
                });
                weights.pick(|i| all[ways[i]].places > 0)
            }
        };
        let way = ways[picked?];
        self.ways[way].places -= 1;
        Some(way)
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
        match self.enter(app, sending, &lane, group) {
            Ok((place, not_before)) => {
                self.quotas.used(&lane.relay);
                self.ways[way].probes = false;
                self.room = self.room.saturating_sub(1);
                Some(Routed {
                    attempt,
                    lane,
                    not_before,
                    place,
                })
            }
            Err(wait) => {
                self.ways[way].places += 1;
                attempt.give_back(wait);
                None
            }
        }
    }

    /// A place in the domain group, and the latest of the slots of all rates; or how long to
    /// wait, as when the slots that were there a moment ago have passed.
    fn enter(
        &mut self,
        app: &App,
        sending: &Sending,
        lane: &Lane,
        group: Option<usize>,
    ) -> Result<(Option<Place>, Option<Instant>), Duration> {
        let mut names = Vec::new();
        if app.config.delivery.rate.is_some() {
            names.push("all".to_owned());
        }
        if lane.relay.rate(Instant::now()).is_some() {
            names.push(relay_name(lane));
        }
        if sending.rate().is_some() {
            names.push(issue_name(sending));
        }
        if names.iter().any(|name| self.rates.near(name) == 0) {
            return Err(Duration::ZERO);
        }
        let (place, mut not_before) = match group {
            Some(group) => {
                let (place, slot) = self.groups.enter(&lane.relay, group, &mut self.rates)?;
                (Some(place), slot)
            }
            None => (None, None),
        };
        for name in names {
            not_before = not_before.max(self.rates.take(&name));
        }
        Ok((place, not_before))
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
}

impl Way {
    /// How many mails the relay's state, its window and its pace allow.
    fn look(&mut self, now: Instant, is_shared: bool) {
        let relay = &self.lane.relay;
        self.pace.take(self.lane.ended(), now);
        let window = relay.window(now).max(1);
        let most = if is_shared {
            window * MOST_SHARED
        } else {
            MOST
        };
        // Never negative, and a relay takes fewer than 2^53 a second.
        let supply = (self.pace.per_second * SUPPLY) as usize;
        let least = window * LEAST;
        self.target = supply.clamp(least, most.max(least));
        let state = relay.state(now);
        self.is_open = state == State::Open;
        self.probes = state == State::Probe;
        self.places = match state {
            State::Open => self.target.saturating_sub(self.lane.load()),
            State::Probe => usize::from(self.lane.load() == 0),
            State::Paused(_) => {
                // Another relay may have them, and an hour later this one.
                self.lane.give_up();
                0
            }
        };
        if let Some(rate) = relay.rate(now) {
            self.target = self.target.min(at_once(rate));
            let waiting = at_once(rate).saturating_sub(self.lane.waiting());
            self.places = self.places.min(waiting);
        }
    }

    fn wish(&self, now: Instant) -> Option<Wish> {
        let rate = self.lane.relay.rate(now)?;
        Some(Wish {
            name: relay_name(&self.lane),
            rate,
            count: self.places,
        })
    }
}

impl Pace {
    fn take(&mut self, ended: u64, now: Instant) {
        let since = *self.at.get_or_insert(now);
        let passed = now.duration_since(since);
        if passed < PACED {
            return;
        }
        // A count of mails is exact far beyond what is sent in a moment.
        let fresh = (ended - self.seen) as f64 / passed.as_secs_f64();
        self.per_second = (self.per_second + fresh) / 2.0;
        (self.seen, self.at) = (ended, Some(now));
    }
}

fn wish(name: &str, rate: Rate, count: usize) -> Wish {
    Wish {
        name: name.to_owned(),
        rate: rate.per_second(),
        count,
    }
}

fn relay_name(lane: &Lane) -> String {
    format!("relay/{}", lane.relay.id)
}

fn issue_name(sending: &Sending) -> String {
    format!("issue/{}", sending.issue.id)
}

/// What stands after the `@`.
fn domain_of(attempt: &Try) -> &str {
    let reader = attempt.row.reader.as_ref();
    let address = reader.map_or("", |reader| reader.address.as_str());
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}
