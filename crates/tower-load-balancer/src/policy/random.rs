use crate::{Candidates, Policy, draw::Draw};

/// Any of them, by weight.
#[derive(Debug)]
pub struct Random {
    draw: Draw,
}

impl Random {
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

impl Default for Random {
    fn default() -> Self {
        Self::new()
    }
}

impl<Request> Policy<Request> for Random {
    fn pick(&self, candidates: &Candidates<'_>, _: &Request) -> Option<usize> {
        let drawn = candidates.drawn(&self.draw);
        if candidates.is_open(drawn) {
            return Some(drawn);
        }
        candidates.open_from(self.draw.below(candidates.len()))
    }
}
