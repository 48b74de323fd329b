use crate::{Candidates, Policy, draw::Draw};

/// Up to so many are all looked at: it costs hardly more than to draw two of them.
const FEW: usize = 16;

/// The one with the fewest requests in flight for its weight: of all when there are at most 16,
/// otherwise of two at random, which is nearly as even and takes the same time for any number.
#[derive(Debug)]
pub struct LeastPending {
    draw: Draw,
}

impl LeastPending {
    /// Draws from the generator of the thread.
    #[must_use]
    pub const fn new() -> Self {
        Self { draw: Draw::Thread }
    }

    /// Draws the same numbers each time, for tests.
    #[must_use]
    pub fn seeded(seed: u64) -> Self {
        Self {
            draw: Draw::seeded(seed),
        }
    }
}

impl Default for LeastPending {
    fn default() -> Self {
        Self::new()
    }
}

impl<Request> Policy<Request> for LeastPending {
    fn pick(&self, candidates: &Candidates<'_>, _: &Request) -> Option<usize> {
        if candidates.len() <= FEW {
            return self.least_of_all(candidates);
        }
        let (first, second) = candidates.two_drawn(&self.draw);
        // No weight makes another one less loaded, and idle endpoints share by weight alone.
        if candidates.in_flight(first) == 0 && candidates.is_open(first) {
            return Some(first);
        }
        match (candidates.is_open(first), candidates.is_open(second)) {
            (true, true) if candidates.load(second) < candidates.load(first) => Some(second),
            (true, _) => Some(first),
            (false, true) => Some(second),
            (false, false) => self.least_of_all(candidates),
        }
    }
}

impl LeastPending {
    fn least_of_all(&self, candidates: &Candidates<'_>) -> Option<usize> {
        // Whoever is drawn wins a tie.
        let drawn = candidates.drawn(&self.draw);
        let is_open = candidates.is_open(drawn);
        if candidates.in_flight(drawn) == 0 && is_open {
            return Some(drawn);
        }
        let mut least = is_open.then(|| (candidates.load(drawn), drawn));
        for index in 0..candidates.len() {
            let load = candidates.load(index);
            if least.is_none_or(|(least, _)| load < least) && candidates.is_open(index) {
                least = Some((load, index));
            }
        }
        least.map(|(_, index)| index)
    }
}
