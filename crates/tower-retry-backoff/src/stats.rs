use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::Stop;

/// Counters of all services made by one [`RetryLayer`](crate::RetryLayer), read at any time.
///
/// Clones share the counters.
#[derive(Debug, Clone, Default)]
pub struct Stats {
    counters: Arc<Counters>,
}

#[derive(Debug, Default)]
struct Counters {
    retries: AtomicU64,
    gave_up: AtomicU64,
    out_of_budget: AtomicU64,
}

impl Stats {
    /// Attempts started beyond the first one of each call.
    #[must_use]
    pub fn retries(&self) -> u64 {
        self.counters.retries.load(Relaxed)
    }

    /// Calls whose last result was worth another attempt, but which had to [`Stop`].
    #[must_use]
    pub fn gave_up(&self) -> u64 {
        self.counters.gave_up.load(Relaxed)
    }

    /// Those of them for which the [`Budget`](crate::Budget) had nothing left.
    #[must_use]
    pub fn out_of_budget(&self) -> u64 {
        self.counters.out_of_budget.load(Relaxed)
    }

    pub(crate) fn retry_started(&self) {
        self.counters.retries.fetch_add(1, Relaxed);
    }

    pub(crate) fn call_gave_up(&self, why: Stop) {
        self.counters.gave_up.fetch_add(1, Relaxed);
        if why == Stop::Budget {
            self.counters.out_of_budget.fetch_add(1, Relaxed);
        }
    }
}
