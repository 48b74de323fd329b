use std::hash::Hash;

use crate::{Algorithm, MemoryStore, Statistics, Usage, statistics::Counts};

/// Looks into a limiter while its services run; see
/// [`RateLimitLayer::handle`](crate::RateLimitLayer::handle).
///
/// A clone is another handle on the same limiter.
#[derive(Debug, Clone)]
pub struct RateLimitHandle<St> {
    pub(crate) store: St,
    pub(crate) counts: Counts,
}

impl<St> RateLimitHandle<St> {
    /// What has been decided so far.
    #[must_use]
    pub fn statistics(&self) -> Statistics {
        self.counts.read()
    }

    /// The store behind the limiter.
    #[must_use]
    pub const fn store(&self) -> &St {
        &self.store
    }
}

impl<K: Hash + Eq + Clone, A: Algorithm> RateLimitHandle<MemoryStore<K, A>> {
    /// How full the quota of `key` is; see [`MemoryStore::usage`].
    #[must_use]
    pub fn usage(&self, key: &K) -> Option<Usage> {
        self.store.usage(key)
    }

    /// Forgets what `key` has used, and says whether it was held. A call already waiting for the
    /// key goes on waiting for the time it was told.
    pub fn reset(&self, key: &K) -> bool {
        self.store.reset(key)
    }

    /// Charges `key` beyond its requests; see [`MemoryStore::charge`].
    pub fn charge(&self, key: &K, cost: u32) -> bool {
        self.store.charge(key, cost)
    }

    /// Gives back what `key` has used; see [`MemoryStore::refund`]. A call already waiting for the
    /// key goes on waiting for the time it was told.
    pub fn refund(&self, key: &K, cost: u32) -> bool {
        self.store.refund(key, cost)
    }

    /// How many keys are held; see [`MemoryStore::len`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.store.len()
    }

    /// Whether no key is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.store.is_empty()
    }
}
