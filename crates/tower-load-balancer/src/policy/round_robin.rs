use std::sync::atomic::{AtomicUsize, Ordering};

use crate::{Candidates, Policy};

/// One after the other, as often as their weights say and never bunched: of weights 3 and 1 the
/// light one has every fourth request.
#[derive(Debug, Default)]
pub struct RoundRobin {
    turn: AtomicUsize,
}

impl RoundRobin {
    /// Starts with the endpoint that was put in first.
    #[must_use]
    pub const fn new() -> Self {
        Self {
            turn: AtomicUsize::new(0),
        }
    }
}

impl<Request> Policy<Request> for RoundRobin {
    fn pick(&self, candidates: &Candidates<'_>, _: &Request) -> Option<usize> {
        candidates.in_turn(self.turn.fetch_add(1, Ordering::Relaxed))
    }
}
