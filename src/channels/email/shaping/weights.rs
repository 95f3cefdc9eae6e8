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
