//! Limits of recipient domains.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use super::super::hand::Try;
use super::super::rates::{AHEAD, Rates, Wish};
use super::super::sending::Sending;
use super::pace::Pace;
use crate::channels::email::relays::Relay;
use crate::domain::IssueId;

/// Mails in hand at least for each connection that a group may have: one on it, the rest at its
/// heels.
const PER_CONNECTION: usize = 8;
/// What a connection is thought to carry at least, where a group has no rate: for how long the
/// mails it has no place for go back. Too much costs a look or two at each of them, too little
/// leaves the connection idle until its pace is known.
const PER_SECOND: f64 = 20.0;
/// More than it carried of late, so that it is never short of mail.
const MORE: f64 = 1.5;

/// The longest time for which a mail without a place goes back: by then there may be room for it
/// that nobody expects now (a rate has recovered, an issue was cancelled).
pub(in super::super) const FAR: Duration = Duration::from_secs(10 * 60);

/// What is known of each group, by relay and the group's number there.
#[derive(Default)]
pub(super) struct Groups(HashMap<(Arc<str>, usize), Group>);

#[derive(Default)]
struct Group {
    entered: u64,
    pace: Pace,
    /// When the last mail that went back is due, by issue.
    last_due: HashMap<IssueId, Instant>,
    /// The same of those that overtake.
    urgent_due: Option<Instant>,
    urgent_in_hand: Arc<AtomicUsize>,
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
    _urgent: Option<Place>,
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

    /// Whether mails that went back are not due yet, or were a moment ago.
    pub(super) fn put_off(&self, now: Instant) -> bool {
        let mut all = self.0.values().flat_map(|group| group.last_due.values());
        all.any(|due| *due + AHEAD > now)
    }

    /// Takes a place for a mail of `sending` and, where the group has a rate, its slot; or says
    /// how long to wait. While urgent mail waits, others get none.
    pub(super) fn enter(
        &mut self,
        relay: &Arc<Relay>,
        group: usize,
        sending: &Sending,
        rates: &mut Rates,
    ) -> Result<(Member, Option<Instant>), Duration> {
        let (limits, load) = (&relay.domains.groups()[group], &relay.loads[group]);
        let known = self.0.entry((relay.id.clone(), group)).or_default();
        let connections = limits.connections.map(|most| most as usize);
        let (is_urgent, now) = (sending.is_urgent(), Instant::now());
        let all_in_hand = load.in_hand.load(Ordering::Relaxed);
        let left = known.entered.saturating_sub(all_in_hand as u64);
        known.pace.take(left, AHEAD, now);
        // Urgent mail does not wait for what was in hand before it came.
        let in_hand = match is_urgent {
            true => known.urgent_in_hand.load(Ordering::Relaxed),
            false => all_in_hand,
        };
        // A second's worth, because those without a place come again after a second.
        let supply = (known.pace.per_second * MORE) as usize;
        let is_full = connections.is_some_and(|most| in_hand >= supply.max(most * PER_CONNECTION));
        let rate = load.rate(now);
        let name = name(relay, group);
        let gives_way = !is_urgent && known.urgent_due.is_some_and(|due| due > now);
        if is_full || gives_way || (rate.is_some() && rates.near(&name) == 0) {
            let guess = connections.map_or(PER_SECOND, |most| most as f64 * PER_SECOND);
            let guess = guess.max(known.pace.per_second * MORE);
            return Err(known.wait(sending.issue.id, is_urgent, rate.unwrap_or(guess), now));
        }
        let slot = rate.and_then(|_| rates.take(&name));
        known.entered += 1;
        let member = Member {
            group,
            _in_hand: Place::take(&load.in_hand),
            _urgent: is_urgent.then(|| Place::take(&known.urgent_in_hand)),
            on_wire: load.on_wire.clone(),
            connections,
        };
        Ok((member, slot))
    }
}

impl Group {
    /// Those of an issue that go back come again one after another, at the group's rate; beyond
    /// [`FAR`] from the beginning. Others come after the urgent ones.
    fn wait(&mut self, issue: IssueId, is_urgent: bool, rate: f64, now: Instant) -> Duration {
        let soon = now + AHEAD;
        let from = match self.urgent_due {
            Some(due) if !is_urgent => due.max(soon),
            _ => soon,
        };
        let step = Duration::from_secs_f64(1.0 / rate).min(FAR);
        self.last_due.retain(|_, due| *due + AHEAD > now);
        let last = self.last_due.get(&issue).copied().unwrap_or(from).max(from);
        let due = match last + step {
            due if due > now + FAR => from + step,
            due => due,
        };
        self.last_due.insert(issue, due);
        if is_urgent {
            self.urgent_due = self.urgent_due.max(Some(due));
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn those_that_go_back_come_one_after_another_and_none_is_put_off_for_long() {
        let now = Instant::now();
        for rate in [20.0, 0.1, 1.0 / 3600.0] {
            let mut group = Group::default();
            let waits: Vec<_> = (0..20_000)
                .map(|_| group.wait(IssueId(1), false, rate, now))
                .collect();
            let step = Duration::from_secs_f64(1.0 / rate).min(FAR);
            assert_eq!(waits[0], AHEAD + step);
            assert!(waits.iter().all(|wait| *wait <= FAR + AHEAD), "{rate}");
            let most = waits.iter().filter(|wait| **wait <= AHEAD + step).count();
            assert!(rate < 1.0 || most <= 2, "{most} at once");
        }
    }

    #[test]
    fn an_issue_does_not_wait_for_another_and_none_comes_before_urgent_mail() {
        let now = Instant::now();
        let mut group = Group::default();
        for _ in 0..1000 {
            group.wait(IssueId(1), false, 10.0, now);
        }
        let step = Duration::from_millis(100);
        assert_eq!(group.wait(IssueId(2), false, 10.0, now), AHEAD + step);
        for _ in 0..50 {
            group.wait(IssueId(3), true, 10.0, now);
        }
        let urgent = group.wait(IssueId(4), true, 10.0, now);
        assert_eq!(urgent, AHEAD + step);
        let wait = group.wait(IssueId(5), false, 10.0, now);
        assert_eq!(wait, AHEAD + step * 51);
    }
}
