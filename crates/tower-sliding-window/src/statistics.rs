use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

use crate::metrics::Metrics;

/// What the services of one layer have decided since it was made.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Statistics {
    /// Requests charged to a key.
    pub admitted: u64,
    /// Requests refused by a quota, or because too many or too long waits were ahead, or because
    /// they cost more than a limit.
    pub denied: u64,
    /// Requests that had to wait, however that ended.
    pub waited: u64,
    /// Requests that were let pass, uncharged, where they would have been refused; see
    /// [`RateLimitLayer::shadow`](crate::RateLimitLayer::shadow).
    pub shadowed: u64,
}

/// Counters: relaxed, since nothing is decided by them.
#[derive(Debug, Clone, Default)]
pub(crate) struct Counts {
    counters: Arc<Counters>,
    metrics: Metrics,
}

#[derive(Debug, Default)]
struct Counters {
    admitted: AtomicU64,
    denied: AtomicU64,
    waited: AtomicU64,
    shadowed: AtomicU64,
}

impl Counts {
    pub(crate) fn name(&mut self, name: &'static str) {
        self.metrics = Metrics::named(name);
    }

    pub(crate) fn admitted(&self) {
        self.counters.admitted.fetch_add(1, Relaxed);
        self.metrics.admitted();
    }

    pub(crate) fn denied(&self) {
        self.counters.denied.fetch_add(1, Relaxed);
        self.metrics.denied();
    }

    pub(crate) fn waited(&self) {
        self.counters.waited.fetch_add(1, Relaxed);
        self.metrics.waited();
    }

    pub(crate) fn shadowed(&self) {
        self.counters.shadowed.fetch_add(1, Relaxed);
        self.metrics.shadowed();
    }

    pub(crate) fn read(&self) -> Statistics {
        Statistics {
            admitted: self.counters.admitted.load(Relaxed),
            denied: self.counters.denied.load(Relaxed),
            waited: self.counters.waited.load(Relaxed),
            shadowed: self.counters.shadowed.load(Relaxed),
        }
    }
}
