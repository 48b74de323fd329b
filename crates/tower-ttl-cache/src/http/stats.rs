use std::sync::atomic::{AtomicU64, Ordering};

use super::store::Usage;

/// What a cache has done since it was made, and what it holds now.
///
/// The counters are read one after the other: a snapshot taken under load may be off by the calls
/// that ended in between.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Stats {
    /// Requests answered from the store.
    pub hits: u64,
    /// Requests that might have been answered from the store and were not.
    pub misses: u64,
    /// Requests that went past the store.
    pub bypassed: u64,
    /// Responses put into the store.
    pub stores: u64,
    /// Responses that were fit to be stored and were not: too large, or their URI was invalidated
    /// while they were under way.
    pub refused: u64,
    /// Operations of the store that failed. The requests went on without it.
    pub store_errors: u64,
    /// Entries pushed out to keep the bounds of the store.
    pub evictions: u64,
    /// Entries in the store, those past their lifetime included. A response that varies takes one
    /// more for the list of headers it varies on.
    pub entries: u64,
    /// Bytes of all entries, as [`Entry::size`](crate::store::Entry::size) counts them.
    pub bytes: u64,
}

impl Stats {
    /// Hits as a share of hits and misses, from 0 to 1; 0 before the first of either. Bypassed
    /// requests are in neither.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let asked = self.hits.saturating_add(self.misses);
        if asked == 0 {
            0.0
        } else {
            self.hits as f64 / asked as f64
        }
    }
}

/// Counters only, nothing is ordered by them: relaxed.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: Counter,
    pub(crate) misses: Counter,
    pub(crate) bypassed: Counter,
    pub(crate) stores: Counter,
    pub(crate) refused: Counter,
    pub(crate) store_errors: Counter,
}

impl Counters {
    pub(crate) fn snapshot(&self, usage: Usage) -> Stats {
        Stats {
            hits: self.hits.read(),
            misses: self.misses.read(),
            bypassed: self.bypassed.read(),
            stores: self.stores.read(),
            refused: self.refused.read(),
            store_errors: self.store_errors.read(),
            evictions: usage.evictions,
            entries: usage.entries,
            bytes: usage.bytes,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counter(AtomicU64);

impl Counter {
    pub(crate) fn add_one(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    fn read(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}
