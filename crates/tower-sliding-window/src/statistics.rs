use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering::Relaxed},
};

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
pub(crate) struct Counts(Arc<Counters>);

#[derive(Debug, Default)]
struct Counters {
    admitted: AtomicU64,
    denied: AtomicU64,
    waited: AtomicU64,
    shadowed: AtomicU64,
}

impl Counts {
    pub(crate) fn admitted(&self) {
        self.0.admitted.fetch_add(1, Relaxed);
    }

    pub(crate) fn denied(&self) {
        self.0.denied.fetch_add(1, Relaxed);
    }

    pub(crate) fn waited(&self) {
        self.0.waited.fetch_add(1, Relaxed);
    }

    pub(crate) fn shadowed(&self) {
        self.0.shadowed.fetch_add(1, Relaxed);
    }

    pub(crate) fn read(&self) -> Statistics {
        Statistics {
            admitted: self.0.admitted.load(Relaxed),
            denied: self.0.denied.load(Relaxed),
            waited: self.0.waited.load(Relaxed),
            shadowed: self.0.shadowed.load(Relaxed),
        }
    }
}
