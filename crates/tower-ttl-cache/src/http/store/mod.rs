//! Where entries are kept: the trait, a store in memory, and with feature `redis` one on a server.

mod envelope;
mod memory;
#[cfg(feature = "redis")]
mod redis;

pub use self::memory::MemoryStore;
#[cfg(feature = "redis")]
pub use self::redis::{RedisFuture, RedisStore, RedisStoreError};
pub use super::{
    entry::Entry,
    key::{Key, Resource},
};

/// Keeps entries by key, and forgets them by resource.
///
/// A store does not judge what it holds: lifetimes, variants and credentials are the cache's
/// business and part of the entry or the key. The store must not mix up keys, and must not give
/// back or take in what an invalidation was meant to remove. An [`Entry`] is kept as it is, or as
/// [bytes](Entry::to_bytes), and handed back; it cannot be taken apart.
///
/// # Failure
///
/// A failed [`get`](Self::get) makes the request a miss whose response is not stored; a failed
/// [`invalidate`](Self::invalidate) does not fail the request that caused it. Both are counted as
/// [`Stats::store_errors`](crate::Stats::store_errors). The cache sets no deadline: a store that
/// may hang must set its own.
pub trait Store {
    /// Why an operation failed.
    type Error: std::error::Error;

    /// The future of [`get`](Self::get). It owns what it needs; one that is ready at once costs
    /// no allocation.
    type Get: Future<Output = Result<Lookup, Self::Error>>;

    /// The future of [`invalidate`](Self::invalidate) and its kin.
    type Done: Future<Output = Result<(), Self::Error>>;

    /// Looks up a key and reads the epoch of its resource, the epoch not later than the entry.
    fn get(&self, key: &Key) -> Self::Get;

    /// Takes an entry over, in place of one with the same key, unless the epoch of the resource
    /// has changed since `epoch` was read or the entry is too large. Returns whether it was taken.
    ///
    /// This is called when the last frame of a body passes, and nobody waits for it: a store
    /// behind a network takes the entry, returns `true` and writes on its own.
    fn put(&self, key: Key, entry: Entry, epoch: u64) -> bool;

    /// Removes every entry of a resource and changes its epoch.
    fn invalidate(&self, resource: &Resource) -> Self::Done;

    /// Removes every entry whose resource [starts with](Resource::starts_with) this one, and
    /// changes the epochs of such resources.
    fn invalidate_prefix(&self, prefix: &Resource) -> Self::Done;

    /// Removes every entry that bears a [tag](Entry::tags), and changes the epochs of all
    /// resources that may come to bear it.
    fn invalidate_tag(&self, tag: &str) -> Self::Done;

    /// Removes every entry and changes all epochs.
    fn clear(&self) -> Self::Done;

    /// What the store holds, as far as it knows without asking anybody.
    fn usage(&self) -> Usage;
}

/// What [`Store::get`] found.
#[derive(Clone, Debug)]
pub struct Lookup {
    /// The entry stored under the key.
    pub entry: Option<Entry>,
    /// Counts the invalidations of the key's resource, or of a group of resources with it. A
    /// response fetched after this lookup comes back with it in [`Store::put`], so that a response
    /// that left before an invalidation is not stored after it.
    pub epoch: u64,
}

/// What a [`Store`] holds.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Usage {
    /// Entries held.
    pub entries: u64,
    /// The sum of their [sizes](Entry::size).
    pub bytes: u64,
    /// Entries pushed out so far to keep the bounds; not those replaced or invalidated.
    pub evictions: u64,
}
