use std::fmt;

use super::{seed::Seed, stats::Counters};

/// What all clones of a layer, its services, bodies and handles have in common.
pub(crate) struct Shared<St> {
    pub(crate) store: St,
    pub(crate) counters: Counters,
    pub(crate) seed: Seed,
}

impl<St> Shared<St> {
    pub(crate) fn new(store: St) -> Self {
        Self {
            store,
            counters: Counters::default(),
            seed: Seed::random(),
        }
    }
}

// The seed stays out: with it, digests of weak credentials could be searched for.
impl<St: fmt::Debug> fmt::Debug for Shared<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("store", &self.store)
            .field("counters", &self.counters)
            .finish_non_exhaustive()
    }
}
