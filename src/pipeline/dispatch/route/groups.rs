//! Limits of recipient domains.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::hand::Try;
use super::super::rates::{AHEAD, Rates, Wish};
use super::pace::Pace;
use crate::channels::email::relays::Relay;

/// Mails in hand at least for each connection that a group may have: one on it, the rest at its
/// heels.
const PER_CONNECTION: usize = 8;
/// What a connection is thought to carry at least, where a group has no rate: for how long the
/// mails it has no place for go back. Too much costs a look or two at each of them, too little
/// leaves the connection idle until its pace is known.
const PER_SECOND: f64 = 20.0;
/// More than it carried of late, so that it is never short of mail.
const MORE: f64 = 1.5;

/// What is known of each group, by relay and the group's number there.
#[derive(Default)]
pub(super) struct Groups(HashMap<(Arc<str>, usize), Group>);

#[derive(Default)]
struct Group {
    entered: u64,
    pace: Pace,
    /// When the last mail that went back is due.
    last_due: Option<Instant>,
}

/// A mail's place among those that are counted; free again when dropped.
pub(in super::super) struct Place(Arc<AtomicUsize>);

impl Place {
    /// One more of what `count` counts.
    pub(in super::super) fn take(count: &Arc<AtomicUsize>) -> Self {
        count.fetch_add(1, Ordering::Relaxed);
        Self(count.clone())
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }
}

/// A mail's place in its group.
pub(in super::super) struct Member {
    group: usize,
    _in_hand: Place,
    on_wire: Arc<AtomicUsize>,
    connections: Option<usize>,
}

impl Member {
    /// The group's number at its relay.
    pub(in super::super) fn group(&self) -> usize {
        self.group
    }

    /// Whether a connection may carry it now. Each carries one mail of the group at a time, so
    /// mails on the wire are connections at most.
    pub(in super::super) fn may_board(&self) -> bool {
        let on_wire = self.on_wire.load(Ordering::Relaxed);
        self.connections.is_none_or(|most| on_wire < most)
    }

    /// Takes its place on the wire.
    pub(in super::super) fn board(&self) -> Place {
        Place::take(&self.on_wire)
    }
}

impl Groups {
    /// The slots wanted for these mails.
    pub(super) fn wishes<'a>(
        &self,
        mails: impl Iterator<Item = (&'a Arc<Relay>, usize)>,
    ) -> Vec<Wish> {
        let (mut wishes, now) = (HashMap::<String, Wish>::new(), Instant::now());
        for (relay, group) in mails {
            let Some(rate) = relay.loads[group].rate(now) else {
                continue;
            };
            let name = name(relay, group);
            let wish = wishes.entry(name.clone()).or_insert(Wish {
                name,
                rate,
                count: 0,
            });
            wish.count += 1;
        }
        wishes.into_values().collect()
    }

    /// Takes a place and, where the group has a rate, its slot; or says how long to wait.
    pub(super) fn enter(
        &mut self,
        relay: &Arc<Relay>,
        group: usize,
        rates: &mut Rates,
    ) -> Result<(Member, Option<Instant>), Duration> {
        let (limits, load) = (&relay.domains.groups()[group], &relay.loads[group]);
        let known = self.0.entry((relay.id.clone(), group)).or_default();
        let connections = limits.connections.map(|most| most as usize);
        let in_hand = load.in_hand.load(Ordering::Relaxed);
        let now = Instant::now();
        known.pace.take(known.entered - in_hand as u64, AHEAD, now);
        // A second's worth, because those without a place come again after a second.
        let supply = (known.pace.per_second * MORE) as usize;
        let is_full = connections.is_some_and(|most| in_hand >= supply.max(most * PER_CONNECTION));
        let rate = load.rate(now);
        let name = name(relay, group);
        if is_full || (rate.is_some() && rates.near(&name) == 0) {
            let guess = connections.map_or(PER_SECOND, |most| most as f64 * PER_SECOND);
            let guess = guess.max(known.pace.per_second * MORE);
            return Err(known.wait(rate.unwrap_or(guess)));
        }
        let slot = rate.and_then(|_| rates.take(&name));
        known.entered += 1;
        let member = Member {
            group,
            _in_hand: Place::take(&load.in_hand),
            on_wire: load.on_wire.clone(),
            connections,
        };
        Ok((member, slot))
    }
}

impl Group {
    /// Those that go back come again one after another, at the group's rate.
    fn wait(&mut self, rate: f64) -> Duration {
        let now = Instant::now();
        let last = self.last_due.unwrap_or(now).max(now + AHEAD);
        let due = last + Duration::from_secs_f64(1.0 / rate);
        self.last_due = Some(due);
        due - now
    }
}

/// What stands after the `@`.
pub(super) fn domain_of(attempt: &Try) -> &str {
    let reader = attempt.row.reader.as_ref();
    let address = reader.map_or("", |reader| reader.address.as_str());
    address.rsplit_once('@').map_or("", |(_, domain)| domain)
}

fn name(relay: &Relay, group: usize) -> String {
    format!("relay/{}/{}", relay.id, relay.domains.groups()[group].name)
}
