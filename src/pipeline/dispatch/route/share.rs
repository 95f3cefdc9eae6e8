//! The parts that relays have of mail which several may carry.

use super::Routes;
use crate::channels::email::shaping::Weights;

impl Routes {
    /// How many mails these ways take together, each its part: where one has its hands full,
    /// the others wait for it, or it would get what they cannot take and not its part. One at
    /// its limits is passed over.
    pub(super) fn capacity(&self, ways: &[usize], is_urgent: bool) -> usize {
        let able = || {
            ways.iter()
                .map(|at| &self.ways[*at])
                .filter(|way| way.limit_for(is_urgent) > 0)
        };
        let weight = |way: &super::Way| way.lane.relay.weight() as usize;
        let open = || able().filter(|way| !way.probes);
        let total: usize = open().map(weight).sum();
        let places = |way: &super::Way| way.places.min(way.limit_for(is_urgent));
        let each = open().map(|way| places(way).saturating_mul(total) / weight(way));
        let probes = able().filter(|way| way.probes).count();
        each.min().unwrap_or(0) + probes
    }

    /// The way of the next mail, among those that are not at their limits.
    pub(super) fn pick(&mut self, ways: &[usize], is_urgent: bool) -> Option<usize> {
        let all = &self.ways;
        let picked = match ways {
            [one] => Some(0).filter(|_| all[*one].limit_for(is_urgent) > 0),
            _ => {
                let weights = self.weights.entry(ways.to_vec()).or_insert_with(|| {
                    Weights::new(ways.iter().map(|way| all[*way].lane.relay.weight()))
                });
                weights.pick(|i| all[ways[i]].limit_for(is_urgent) > 0)
            }
        };
        let at = ways[picked?];
        let way = &mut self.ways[at];
        // The turns of one round may end one past what its connections can carry soon.
        way.places = way.places.saturating_sub(1);
        way.limit -= 1;
        way.limit_of_others = way.limit_of_others.saturating_sub(1);
        Some(at)
    }
}
