use std::{
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    hash::BuildHasher,
    mem,
    sync::{Mutex, MutexGuard, PoisonError},
};

use foldhash::quality::RandomState;

use super::{Entry, Key, Lookup, Resource, Store, Usage};
use crate::sieve::{Grouped, Held, Sieve};

/// Epochs are kept for groups of resources, so that their memory is fixed. The price of a group is
/// that an invalidation keeps responses of its other resources, under way at that very moment,
/// from being stored.
const EPOCHS: usize = 16_384;

/// Keeps entries in memory, within a number of entries and of bytes, both exact.
///
/// What was not read for the longest time goes first, roughly (SIEVE: one flag for each entry in
/// place of an order of reads). A lookup takes one lock for a hash lookup and the copy of a
/// pointer; an insertion takes it for as many evictions as it causes.
///
/// Beside its entries it takes 64 KiB, which tell what was invalidated while a response was under
/// way.
///
/// Entries past their lifetime stay until they are replaced, invalidated or evicted; the bounds
/// count them.
pub struct MemoryStore {
    state: Mutex<State>,
    hasher: RandomState,
}

struct State {
    entries: Sieve<Key, Entry>,
    epochs: Box<[u32]>,
}

impl State {
    fn change_all_epochs(&mut self) {
        for epoch in &mut *self.epochs {
            *epoch = epoch.wrapping_add(1);
        }
    }
}

impl MemoryStore {
    /// Holds at most 10 000 entries and 64 MiB: small beside what a service uses anyway, and
    /// enough that most working sets fit.
    #[must_use]
    pub fn new() -> Self {
        Self::bounded(10_000, 64 * 1024 * 1024)
    }

    /// The most entries held at once. With 0, nothing is stored.
    #[must_use]
    pub fn max_entries(self, max_entries: usize) -> Self {
        let (_, max_bytes) = self.lock().entries.bounds();
        Self::bounded(max_entries, max_bytes)
    }

    /// The most bytes held at once: bodies, headers and keys with an allowance for what surrounds
    /// them, as [`Entry::size`] counts it. A response larger than this is not stored. Bodies in
    /// transit come on top.
    #[must_use]
    pub fn max_bytes(self, max_bytes: usize) -> Self {
        let (max_entries, _) = self.lock().entries.bounds();
        Self::bounded(max_entries, max_bytes)
    }

    fn bounded(max_entries: usize, max_bytes: usize) -> Self {
        Self {
            state: Mutex::new(State {
                entries: Sieve::new(max_entries, max_bytes),
                epochs: vec![0; EPOCHS].into_boxed_slice(),
            }),
            hasher: RandomState::default(),
        }
    }

    fn group(&self, resource: &[u8]) -> usize {
        (self.hasher.hash_one(resource) % EPOCHS as u64) as usize
    }

    /// No foreign code runs under the lock, so a poisoned one guards a valid state.
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl Store for MemoryStore {
    type Error = Infallible;
    type Get = Ready<Result<Lookup, Infallible>>;
    type Done = Ready<Result<(), Infallible>>;

    fn get(&self, key: &Key) -> Self::Get {
        let group = self.group(key.resource_bytes());
        let mut state = self.lock();
        ready(Ok(Lookup {
            entry: state.entries.get(key).cloned(),
            epoch: state.epochs[group].into(),
        }))
    }

    fn put(&self, key: Key, entry: Entry, epoch: u64) -> bool {
        let group = self.group(key.resource_bytes());
        let mut state = self.lock();
        if u64::from(state.epochs[group]) != epoch {
            return false;
        }
        let entry = entry.over(state.entries.peek(&key));
        // Twice the key: the index by resource may hold on to that of an earlier sibling.
        let size = entry.size().saturating_add(2 * key.as_bytes().len());
        state.entries.insert(key, entry, size)
    }

    fn invalidate(&self, resource: &Resource) -> Self::Done {
        let group = self.group(resource.as_bytes());
        let mut state = self.lock();
        state.epochs[group] = state.epochs[group].wrapping_add(1);
        state.entries.remove_group(resource);
        ready(Ok(()))
    }

    fn invalidate_prefix(&self, prefix: &Resource) -> Self::Done {
        let mut state = self.lock();
        state.change_all_epochs();
        let resource = |key: &Key| key.resource().starts_with(prefix);
        state.entries.remove_where(|key, _| resource(key));
        ready(Ok(()))
    }

    fn invalidate_tag(&self, tag: &str) -> Self::Done {
        let mut state = self.lock();
        state.change_all_epochs();
        let bears = |entry: &Entry| entry.tags().any(|borne| borne == tag);
        state.entries.remove_where(|_, entry| bears(entry));
        ready(Ok(()))
    }

    fn clear(&self) -> Self::Done {
        let mut state = self.lock();
        state.change_all_epochs();
        let empty = state.entries.emptied();
        let full = mem::replace(&mut state.entries, empty);
        drop(state);
        // Freed after the lock: a large cache takes its time.
        drop(full);
        ready(Ok(()))
    }

    fn usage(&self) -> Usage {
        usage(self.lock().entries.held())
    }
}

impl Grouped for Key {
    type Group = Resource;

    fn group(&self) -> Option<Resource> {
        Some(self.resource())
    }
}

const fn usage(held: Held) -> Usage {
    Usage {
        entries: held.entries as u64,
        bytes: held.size as u64,
        evictions: held.evictions,
    }
}

// The bounds and what is held; thousands of entries would tell nobody anything.
impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let state = self.lock();
        let (max_entries, max_bytes) = state.entries.bounds();
        f.debug_struct("MemoryStore")
            .field("max_entries", &max_entries)
            .field("max_bytes", &max_bytes)
            .field("usage", &usage(state.entries.held()))
            .finish_non_exhaustive()
    }
}
