use std::{
    fmt,
    future::{Ready, ready},
    hash::{BuildHasher, Hash},
    num::NonZeroUsize,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use super::{Adjust, Charge, Store, clock::Clock, shard::Shard};
use crate::{Admission, Algorithm, Denied, SlidingWindow, Usage};
use foldhash::quality::RandomState;

/// How many keys a [`MemoryStore`] holds unless told otherwise: 65 536. That is some 10 MiB when
/// every key has made one request, and below 150 MiB when every one of them is busy.
pub const DEFAULT_MAX_KEYS: NonZeroUsize = NonZeroUsize::MIN.saturating_add(65_535);

/// A shard is a lock; few keys do not need many, and a shard must hold enough keys for the cap,
/// which is shared out among the shards, to be used evenly.
const MIN_KEYS_PER_SHARD: usize = 1024;
const MAX_SHARDS: usize = 64;

/// The windows of this process, bounded in number.
///
/// A clone is another handle on the same windows. `A` is the [`Algorithm`] they count by.
///
/// # The cap
///
/// There are never more than `max_keys` keys, whoever chooses them. Each insertion of a new key
/// also looks at a few others and forgets those whose windows are spent; there is no background
/// task. When a new key meets a full store, a spent key goes, else the least used of a small
/// sample: what that one had used is forgotten. A key at its limit is never forgotten; where all
/// are at their limit the new key is denied, with a true `retry_after`. So the limit holds in any
/// window for each key as long as the keys of one window fit the cap: choose it for that.
///
/// # Cost
///
/// A decision hashes the key once, takes one of up to 64 locks for as long as a look-up lasts, and
/// allocates only when a key is new or its log grows. Memory per key: the key itself plus 64 bytes, times 1.2 to 3.5 for
/// the table's free places, and up to 2 KiB more for the log of a busy one.
pub struct MemoryStore<K, A = SlidingWindow> {
    inner: Arc<Inner<K, A>>,
}

struct Inner<K, A> {
    /// A power of two of them, chosen by the upper bits of the hash; the table within uses the
    /// lower and the topmost ones.
    shards: Box<[Mutex<Shard<K, A>>]>,
    max_keys: NonZeroUsize,
    /// Seeded at random: keys are often chosen by strangers.
    hasher: RandomState,
    clock: Clock,
}

impl<K: Hash + Eq + Clone> MemoryStore<K> {
    /// A store of up to [`DEFAULT_MAX_KEYS`].
    #[must_use]
    pub fn new() -> Self {
        Self::with_max_keys(DEFAULT_MAX_KEYS)
    }

    /// A store of up to `max_keys`. Memory is taken as keys come, not in advance.
    #[must_use]
    pub fn with_max_keys(max_keys: NonZeroUsize) -> Self {
        Self::empty(max_keys, Clock::tokio())
    }
}

impl<K: Hash + Eq + Clone, A: Algorithm> MemoryStore<K, A> {
    /// Counts by another rule. Call it first: windows are not taken over.
    #[must_use]
    pub fn algorithm<B: Algorithm>(self) -> MemoryStore<K, B> {
        MemoryStore::empty(self.inner.max_keys, self.inner.clock)
    }

    /// Reads the time from the kernel's last tick instead of the exact clock, at a tenth of the
    /// cost: on Linux, elsewhere nothing changes. Call it first: windows are not taken over.
    ///
    /// A tick is 1 to 10 milliseconds. So that the limit still holds, windows are that much
    /// longer, and so is `retry_after`: for windows of 100 milliseconds and more. Tokio's paused
    /// clock has no effect on it.
    #[cfg(feature = "coarse-clock")]
    #[must_use]
    pub fn coarse_clock(self) -> Self {
        Self::empty(self.inner.max_keys, Clock::coarse())
    }

    fn empty(max_keys: NonZeroUsize, clock: Clock) -> Self {
        let shards = (max_keys.get() / MIN_KEYS_PER_SHARD).clamp(1, MAX_SHARDS);
        // The largest power of two not above it.
        let shards = 1 << shards.ilog2();
        let per_shard = max_keys.get() / shards;
        let inner = Inner {
            shards: (0..shards)
                .map(|_| Mutex::new(Shard::new(per_shard)))
                .collect(),
            max_keys,
            hasher: RandomState::default(),
            clock,
        };
        Self {
            inner: Arc::new(inner),
        }
    }

    /// How full the quota of `key` is: of several tiers, the tightest. `None` for a key that is
    /// not held, which has used nothing.
    #[must_use]
    pub fn usage(&self, key: &K) -> Option<Usage> {
        let hashed = self.inner.hasher.hash_one(key);
        self.inner
            .shard(hashed)
            .usage(self.inner.clock.now(), hashed, key)
    }

    /// Forgets what `key` has used, and says whether it was held.
    pub fn reset(&self, key: &K) -> bool {
        let hashed = self.inner.hasher.hash_one(key);
        self.inner.shard(hashed).remove(hashed, key)
    }

    /// Charges `key`, full or not, under the quotas its latest request was held to; says whether
    /// it is held.
    pub fn charge(&self, key: &K, cost: u32) -> bool {
        let hashed = self.inner.hasher.hash_one(key);
        let mut shard = self.inner.shard(hashed);
        shard.charge_held(self.inner.clock.now(), hashed, key, cost)
    }

    /// Gives back up to `cost` of what `key` has used, the oldest first; says whether it is held.
    pub fn refund(&self, key: &K, cost: u32) -> bool {
        let hashed = self.inner.hasher.hash_one(key);
        let mut shard = self.inner.shard(hashed);
        shard.refund(self.inner.clock.now(), hashed, key, None, cost)
    }

    /// How many keys are held, those included whose windows are spent but not yet swept.
    #[must_use]
    pub fn len(&self) -> usize {
        self.inner
            .shards
            .iter()
            .map(|shard| lock(shard).len())
            .sum()
    }

    /// Whether no key is held.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl<K: Hash + Eq + Clone, A: Algorithm> Store<K> for MemoryStore<K, A> {
    type Admit = Ready<Result<Admission, Denied>>;

    fn admit(&self, charge: Charge<'_, K>) -> Self::Admit {
        let now = self.inner.clock.now();
        let hash = |key: &K| self.inner.hasher.hash_one(key);
        let hashed = hash(charge.key);
        ready(self.inner.shard(hashed).admit(now, hashed, &charge, hash))
    }
}

impl<K: Hash + Eq + Clone, A: Algorithm> Adjust<K> for MemoryStore<K, A> {
    fn charge(&self, charge: Charge<'_, K>) {
        let hash = |key: &K| self.inner.hasher.hash_one(key);
        let hashed = hash(charge.key);
        let mut shard = self.inner.shard(hashed);
        shard.charge(self.inner.clock.now(), hashed, &charge, hash);
    }

    fn refund(&self, charge: Charge<'_, K>, stamp: u64) {
        let hashed = self.inner.hasher.hash_one(charge.key);
        let mut shard = self.inner.shard(hashed);
        shard.refund(
            self.inner.clock.now(),
            hashed,
            charge.key,
            Some(stamp),
            charge.cost,
        );
    }
}

impl<K, A> Inner<K, A> {
    fn shard(&self, hashed: u64) -> MutexGuard<'_, Shard<K, A>> {
        let upper = usize::try_from((hashed >> 32) & 0xffff).unwrap_or(0);
        lock(&self.shards[upper & (self.shards.len() - 1)])
    }
}

/// A poisoned shard is used on: only a key's own `Hash`, `Eq` or `Clone` can panic under the
/// lock, and each of them runs before the shard is changed.
fn lock<K, A>(shard: &Mutex<Shard<K, A>>) -> MutexGuard<'_, Shard<K, A>> {
    shard.lock().unwrap_or_else(PoisonError::into_inner)
}

/// By hand, since sharing needs no `K: Clone`.
impl<K, A> Clone for MemoryStore<K, A> {
    fn clone(&self) -> Self {
        Self {
            inner: Arc::clone(&self.inner),
        }
    }
}

impl<K: Hash + Eq + Clone> Default for MemoryStore<K> {
    fn default() -> Self {
        Self::new()
    }
}

/// Without the keys: they name people.
impl<K, A> fmt::Debug for MemoryStore<K, A> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore")
            .field("shards", &self.inner.shards.len())
            .finish_non_exhaustive()
    }
}
