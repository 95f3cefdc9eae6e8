//! Several relays for the same mail: each gets its part, evenly mixed.

/// Smooth weighted round robin, nginx's: with weights 3 and 1 the order is a a b a, not a a a b.
#[derive(Debug, Clone)]
pub struct Weights {
    relays: Vec<(i64, i64)>,
}

impl Weights {
    /// One relay for each weight.
    #[must_use]
    pub fn new(weights: impl IntoIterator<Item = u32>) -> Self {
        let relays = weights.into_iter().map(|weight| (i64::from(weight), 0));
        Self {
            relays: relays.collect(),
        }
    }

    /// The relay whose turn it is among those that `can` take mail now.
    pub fn pick(&mut self, can: impl Fn(usize) -> bool) -> Option<usize> {
        let mut total = 0;
        let mut best: Option<usize> = None;
        for at in (0..self.relays.len()).filter(|at| can(*at)) {
            let (weight, credit) = &mut self.relays[at];
            *credit += *weight;
            total += *weight;
            let credit = *credit;
            if best.is_none_or(|best| credit > self.relays[best].1) {
                best = Some(at);
            }
        }
        let best = best?;
        self.relays[best].1 -= total;
        Some(best)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn turns_are_mixed_evenly() {
        let mut weights = Weights::new([5, 1, 1]);
        let turns: Vec<_> = (0..7).filter_map(|_| weights.pick(|_| true)).collect();
        // nginx's own example.
        assert_eq!(turns, [0, 0, 1, 0, 2, 0, 0]);
    }

    #[test]
    fn a_relay_that_cannot_is_passed_over_and_does_not_save_up_turns() {
        let mut weights = Weights::new([1, 1]);
        for _ in 0..100 {
            assert_eq!(weights.pick(|at| at == 1), Some(1));
        }
        let turns: Vec<_> = (0..4).filter_map(|_| weights.pick(|_| true)).collect();
        assert_eq!(turns, [0, 1, 0, 1]);
        assert_eq!(weights.pick(|_| false), None);
        assert_eq!(Weights::new([]).pick(|_| true), None);
    }

    proptest! {
        #[test]
        fn each_gets_its_weight_of_every_round(
            given in proptest::collection::vec(1u32..20, 1..6),
        ) {
            let mut weights = Weights::new(given.iter().copied());
            let round: u32 = given.iter().sum();
            for _ in 0..3 {
                let mut turns = vec![0; given.len()];
                for _ in 0..round {
                    turns[weights.pick(|_| true).unwrap()] += 1;
                }
                prop_assert_eq!(&turns, &given);
            }
        }
    }
}
