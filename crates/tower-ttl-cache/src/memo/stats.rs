use std::{
    fmt,
    sync::atomic::{AtomicU64, Ordering},
};

use crate::sieve::Held;

/// What a memo has done since it was made, and what it holds now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[cfg_attr(feature = "serde", derive(serde::Serialize))]
#[non_exhaustive]
pub struct MemoStats {
    /// Requests answered with a kept response.
    pub hits: u64,
    /// Requests answered with the response to an equal one that was under way.
    pub coalesced: u64,
    /// Requests with a key that the inner service answered, or failed to.
    pub misses: u64,
    /// Requests without a key.
    pub bypassed: u64,
    /// Responses kept.
    pub stores: u64,
    /// Responses that were to be kept and were not: too heavy, or their key was invalidated while
    /// they were under way.
    pub refused: u64,
    /// Responses pushed out to keep the bounds.
    pub evictions: u64,
    /// Responses held, those past their lifetime included.
    pub entries: u64,
    /// Their weight.
    pub weight: u64,
}

impl MemoStats {
    /// Hits as a share of all requests with a key, from 0 to 1; 0 before the first.
    #[must_use]
    pub fn hit_ratio(&self) -> f64 {
        let asked = [self.coalesced, self.misses]
            .into_iter()
            .fold(self.hits, u64::saturating_add);
        if asked == 0 {
            0.0
        } else {
            self.hits as f64 / asked as f64
        }
    }
}

/// On one line: for a log or a status page.
impl fmt::Display for MemoStats {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} hits, {} coalesced, {} misses ({:.1} % hits), {} bypassed, {} refused; \
             {} entries, weight {}, {} evicted",
            self.hits,
            self.coalesced,
            self.misses,
            self.hit_ratio() * 100.0,
            self.bypassed,
            self.refused,
            self.entries,
            self.weight,
            self.evictions,
        )
    }
}

/// Counters only, nothing is ordered by them: relaxed.
#[derive(Debug, Default)]
pub(crate) struct Counters {
    pub(crate) hits: Counter,
    pub(crate) coalesced: Counter,
    pub(crate) misses: Counter,
    pub(crate) bypassed: Counter,
    pub(crate) stores: Counter,
    pub(crate) refused: Counter,
}

impl Counters {
    pub(crate) fn snapshot(&self, held: Held) -> MemoStats {
        MemoStats {
            hits: self.hits.read(),
            coalesced: self.coalesced.read(),
            misses: self.misses.read(),
            bypassed: self.bypassed.read(),
            stores: self.stores.read(),
            refused: self.refused.read(),
            evictions: held.evictions,
            entries: held.entries as u64,
            weight: held.size as u64,
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
