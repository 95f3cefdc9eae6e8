//! What is to be done about hubs: pure rules, no hub and no database.
//!
//! A source's hubs are a ring. A hub that does not take the request, does not confirm it or
//! refuses is followed by the next one at once; after all of them comes a pause that doubles up
//! to a day. A subscription that was confirmed keeps its hub and its callback while the lease
//! runs (asking again under the same callback is what renews it, W3C WebSub §5.1); whatever
//! begins anew has a callback that nobody has heard of.

use std::collections::{BTreeMap, HashSet};
use std::time::Duration;

use crate::domain::UnixMillis;
use crate::store::{HubOffer, HubState, HubSubscription, NextAsk};

/// The longest lease we ask for and believe.
pub const LONGEST_LEASE: Duration = Duration::from_secs(10 * 86_400);
/// How long a hub may take to verify, at first; doubles with each round of failures.
const PATIENCE: Duration = Duration::from_secs(600);
/// Between attempts with hubs that refuse or do not push.
pub const DAY: Duration = Duration::from_secs(86_400);
/// Leases are renewed no more often than this.
const SHORTEST_RENEWAL: Duration = Duration::from_secs(60);
/// Attempts to end a subscription; the lease ends it after that.
const FAREWELLS: i64 = 3;

/// What makes our subscriptions match what sources offer.
#[derive(Debug, PartialEq, Eq)]
pub enum Change {
    /// Subscribe.
    Begin(HubOffer),
    /// End this one.
    Leave(i64),
}

/// Compares what there is with what there should be: a subscription for each offer of a source
/// that is `wanted`, and no other.
#[must_use]
pub fn reconcile(
    offers: &[HubOffer],
    wanted: impl Fn(&str) -> bool,
    have: &[HubSubscription],
) -> Vec<Change> {
    let offers = offers.iter().filter(|offer| wanted(&offer.source));
    let offers: BTreeMap<&str, &HubOffer> = offers.map(|o| (o.source.as_str(), o)).collect();
    let serves = |offer: &HubOffer, s: &HubSubscription| {
        s.topic == offer.topic && offer.hubs.contains(&s.hub)
    };
    let (mut changes, mut served) = (Vec::new(), HashSet::new());
    for one in have.iter().filter(|s| s.state != HubState::Leaving) {
        match offers.get(one.source.as_str()) {
            Some(offer) if serves(offer, one) => {
                served.insert(one.source.as_str());
            }
            _ => changes.push(Change::Leave(one.id)),
        }
    }
    let unserved = offers.into_iter().filter(|(s, _)| !served.contains(s));
    changes.extend(unserved.map(|(_, offer)| Change::Begin(offer.clone())));
    changes
}

/// Whether the hub was asked and has not confirmed.
fn is_unanswered(one: &HubSubscription) -> bool {
    let answered = |at| one.verified_at.is_some_and(|verified| verified >= at);
    !one.asked.is_empty() && one.asked_at.is_some_and(|at| !answered(at))
}

/// What the hub of a due subscription is asked; `None` when the subscription is to be forgotten.
/// `fresh` is a callback and a secret that nobody can guess, to be used where new ones are needed;
/// `keeps_secrets` says whether a hub may be told a secret.
#[must_use]
pub fn next_ask(
    one: &HubSubscription,
    hubs: &[String],
    now: UnixMillis,
    fresh: (String, String),
    keeps_secrets: impl Fn(&str) -> bool,
) -> Option<NextAsk> {
    let fails = one.fails + i64::from(is_unanswered(one));
    let is_leased = one.is_leased(now);
    if one.state == HubState::Leaving {
        let ask = NextAsk {
            hub: one.hub.clone(),
            callback: one.callback.clone(),
            secret: one.secret.clone(),
            state: HubState::Leaving,
            mode: "unsubscribe",
            fails,
            next_try_at: now.plus(patience(fails, 1)),
            is_fresh: false,
        };
        return (is_leased && fails < FAREWELLS).then_some(ask);
    }
    let moves_on = if is_leased {
        one.state == HubState::Dead
    } else {
        fails > 0
    };
    let hub = if moves_on {
        after(hubs, &one.hub)
    } else {
        one.hub.clone()
    };
    let is_retry = one.state == HubState::Pending && hub == one.hub;
    let is_fresh = hub != one.hub || !(is_leased || is_retry);
    let is_first = one.asked_at.is_none();
    let secret = match &one.secret {
        Some(secret) if !is_fresh && !is_first => Some(secret.clone()),
        _ => keeps_secrets(&hub).then_some(fresh.1),
    };
    Some(NextAsk {
        callback: if is_fresh {
            fresh.0
        } else {
            one.callback.clone()
        },
        secret,
        state: if is_leased && !is_fresh {
            one.state
        } else {
            HubState::Pending
        },
        mode: "subscribe",
        fails,
        next_try_at: now.plus(patience(fails, hubs.len())),
        is_fresh,
        hub,
    })
}

/// The hub that comes after `hub`; itself when it is the only one.
fn after(hubs: &[String], hub: &str) -> String {
    let place = hubs.iter().position(|one| one == hub);
    let next = place.map_or(0, |place| (place + 1) % hubs.len());
    hubs.get(next).map_or(hub, String::as_str).to_owned()
}

/// A pause after `fails` attempts with `hubs` hubs.
fn patience(fails: i64, hubs: usize) -> Duration {
    let rounds = fails / i64::try_from(hubs.max(1)).unwrap_or(i64::MAX);
    let doublings = u32::try_from(rounds).unwrap_or(0).min(8);
    PATIENCE.saturating_mul(1 << doublings).min(DAY)
}

/// When to try after an attempt that failed at once: now with the next hub, or after a pause
/// when the round is over or a lease still runs.
#[must_use]
pub fn after_failure(
    one: &HubSubscription,
    fails: i64,
    hubs: usize,
    wait: Option<Duration>,
    now: UnixMillis,
) -> UnixMillis {
    if has_another(fails + 1, hubs) && one.state != HubState::Leaving && !one.is_leased(now) {
        return now;
    }
    let wait = wait.unwrap_or_default().min(DAY);
    now.plus(patience(fails + 1, hubs).max(wait))
}

/// When to try after a hub said that it refuses.
#[must_use]
pub fn after_refusal(fails: i64, hubs: usize, now: UnixMillis) -> UnixMillis {
    if has_another(fails + 1, hubs) {
        now
    } else {
        now.plus(DAY)
    }
}

fn has_another(fails: i64, hubs: usize) -> bool {
    i64::try_from(hubs).is_ok_and(|hubs| hubs > 1 && fails % hubs != 0)
}

/// A lease granted for so many seconds: until when it runs, and when it is renewed, at 70 % of
/// it and up to 5 % earlier, so that a hundred subscriptions made together drift apart.
#[must_use]
pub fn lease(granted: Option<u64>, spread: u64, now: UnixMillis) -> (UnixMillis, UnixMillis) {
    let lease = granted
        .map_or(LONGEST_LEASE, Duration::from_secs)
        .min(LONGEST_LEASE);
    let earlier = lease.mul_f64(0.05 * (spread % 1000) as f64 / 1000.0);
    let renewal = lease.mul_f64(0.7).saturating_sub(earlier);
    (now.plus(lease), now.plus(renewal.max(SHORTEST_RENEWAL)))
}

/// How long to wait between polls of a source whose hub works: four times as long, at most six
/// hours, or half an hour for a source of the operator's own.
#[must_use]
pub fn relaxed(every: Duration, is_own: bool) -> Duration {
    let most = Duration::from_secs(if is_own { 1800 } else { 6 * 3600 });
    every.saturating_mul(4).min(most).max(every)
}

#[cfg(test)]
mod tests;
