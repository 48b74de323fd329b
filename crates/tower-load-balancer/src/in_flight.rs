use std::{
    sync::{Arc, atomic::Ordering},
    time::Duration,
};

use crate::{Latency, Verdict, state::State};

/// A request that its endpoint works on, for as long as this value exists.
#[derive(Debug)]
pub struct InFlight {
    state: Arc<State>,
    measured: Option<(Latency, Duration)>,
    in_total: bool,
}

impl InFlight {
    /// `None` when the endpoint has `limit` requests already. A request that is `measured` started at
    /// the time that is said.
    pub(crate) fn enter(
        state: &Arc<State>,
        limit: u32,
        measured: Option<(Latency, Duration)>,
        in_total: bool,
    ) -> Option<Self> {
        if !state.enter(limit) {
            return None;
        }
        if in_total {
            state.pool.in_flight.fetch_add(1, Ordering::Relaxed);
        }
        Some(Self {
            measured,
            in_total,
            state: state.clone(),
        })
    }

    pub(crate) fn endpoint(&self) -> u64 {
        self.state.id
    }

    /// Takes note of how it ended.
    pub(crate) fn judge(&mut self, verdict: Verdict) {
        if let Some((latency, started)) = self.measured.take() {
            let now = self.state.pool.now();
            let took = now.saturating_sub(started);
            let took = match verdict {
                Verdict::Success => took,
                // One that fails at once is not fast.
                Verdict::Failure | Verdict::Unavailable(_) => took.max(latency.penalty),
            };
            self.state.observe(took, now, latency.decay);
        }
        self.state.record(verdict);
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        // Nobody waited for the answer. It would have taken at least as long as this.
        if let Some((latency, started)) = self.measured.take() {
            let now = self.state.pool.now();
            let took = now.saturating_sub(started);
            if self
                .state
                .latency()
                .is_none_or(|known| known.latency() < took)
            {
                self.state.observe(took, now, latency.decay);
            }
        }
        if self.in_total {
            self.state.pool.in_flight.fetch_sub(1, Ordering::Relaxed);
        }
        self.state.leave();
    }
}
