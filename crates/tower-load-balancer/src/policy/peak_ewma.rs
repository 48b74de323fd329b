use std::time::Duration;

use super::Latency;
use crate::{Candidates, Policy, draw::Draw};

/// The better of two at random by how long its answers take times its requests in flight.
///
/// The time is a moving average to which a slow answer counts at once and a fast one bit by bit; it
/// is forgotten with time, so that one who was slow is tried again. A failure counts as a slow
/// answer, or else whoever fails at once would get all requests. One who has not answered yet is
/// compared by its requests in flight alone, so that it is neither starved nor flooded.
#[derive(Debug)]
pub struct PeakEwma {
    latency: Latency,
    draw: Draw,
}

impl PeakEwma {
    /// With a decay of 10 s, as long as it takes to tell a bad moment from a bad endpoint, and a
    /// penalty of 5 s, which is more than nearly all answers take.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            latency: Latency {
                decay: Duration::from_secs(10),
                penalty: Duration::from_secs(5),
            },
            draw: Draw::Thread,
        }
    }

    /// The time after which two thirds of a measured time are forgotten.
    #[must_use]
    pub const fn decay(mut self, decay: Duration) -> Self {
        self.latency.decay = decay;
        self
    }

    /// How long an answer a failure counts as, at least.
    #[must_use]
    pub const fn penalty(mut self, penalty: Duration) -> Self {
        self.latency.penalty = penalty;
        self
    }

    /// Draws the same numbers each time, for tests.
    #[must_use]
    pub fn seeded(mut self, seed: u64) -> Self {
        self.draw = Draw::seeded(seed);
        self
    }

    /// Whether `one` is the better choice.
    fn is_better(&self, candidates: &Candidates<'_>, one: usize, other: usize) -> bool {
        let loads = (candidates.load(one), candidates.load(other));
        let states = (candidates.state(one), candidates.state(other));
        let (Some(left), Some(right)) = (states.0.latency(), states.1.latency()) else {
            return loads.0 < loads.1;
        };
        let now = candidates.now();
        let decay = self.latency.decay;
        left.at(now, decay) * loads.0 < right.at(now, decay) * loads.1
    }
}

impl Default for PeakEwma {
    fn default() -> Self {
        Self::new()
    }
}

impl<Request> Policy<Request> for PeakEwma {
    fn pick(&self, candidates: &Candidates<'_>, _: &Request) -> Option<usize> {
        if candidates.len() == 1 {
            return candidates.open_from(0);
        }
        let (first, second) = candidates.two_drawn(&self.draw);
        match (candidates.is_open(first), candidates.is_open(second)) {
            (true, true) if self.is_better(candidates, second, first) => Some(second),
            (true, _) => Some(first),
            (false, true) => Some(second),
            (false, false) => candidates.open_from(first),
        }
    }

    fn latency(&self) -> Option<Latency> {
        Some(self.latency)
    }
}
