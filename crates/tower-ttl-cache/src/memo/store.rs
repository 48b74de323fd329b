use std::{
    fmt,
    hash::{BuildHasher, Hash},
    mem,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use foldhash::quality::RandomState;
use tokio::time::Instant;

use super::stats::Counters;
use crate::{
    flight::Flights,
    sieve::{Grouped, Held, Sieve},
};

/// Epochs are kept for groups of keys, so that their memory is fixed. The price of a group is that
/// an invalidation keeps responses to its other keys, under way at that very moment, from being
/// kept.
const EPOCHS: usize = 1_024;

/// What all clones of a layer, its services and handles have in common.
pub(crate) struct Shared<K: Hash + Eq + Clone, V> {
    state: Mutex<State<K, V>>,
    hasher: RandomState,
    pub(crate) flights: Flights<Alone<K>>,
    pub(crate) counters: Counters,
}

struct State<K: Hash + Eq + Clone, V> {
    values: Sieve<Alone<K>, Kept<V>>,
    epochs: Box<[u32]>,
}

/// A key that is removed by itself.
#[derive(Clone, PartialEq, Eq, Hash)]
pub(crate) struct Alone<K>(pub(crate) K);

impl<K: Hash + Eq + Clone> Grouped for Alone<K> {
    type Group = ();

    fn group(&self) -> Option<()> {
        None
    }
}

struct Kept<V> {
    /// Shared, so that it is cloned without the lock.
    value: Arc<V>,
    until: Instant,
}

/// What a lookup found.
pub(crate) struct Lookup<V> {
    pub(crate) value: Option<Arc<V>>,
    pub(crate) epoch: u32,
}

impl<K: Hash + Eq + Clone, V> Shared<K, V> {
    pub(crate) fn new(max_entries: usize, max_weight: usize) -> Self {
        Self {
            state: Mutex::new(State {
                values: Sieve::new(max_entries, max_weight),
                epochs: vec![0; EPOCHS].into_boxed_slice(),
            }),
            hasher: RandomState::default(),
            flights: Flights::new(),
            counters: Counters::default(),
        }
    }

    pub(crate) fn get(&self, key: &Alone<K>, now: Instant) -> Lookup<V> {
        let group = self.group(key);
        let mut state = self.lock();
        let kept = state.values.get(key);
        let value = kept.filter(|kept| now < kept.until);
        Lookup {
            value: value.map(|kept| Arc::clone(&kept.value)),
            epoch: state.epochs[group],
        }
    }

    /// Whether it was taken.
    pub(crate) fn put(
        &self,
        key: Alone<K>,
        value: V,
        weight: usize,
        until: Instant,
        epoch: u32,
    ) -> bool {
        let group = self.group(&key);
        let value = Arc::new(value);
        let kept = Kept { value, until };
        let mut state = self.lock();
        state.epochs[group] == epoch && state.values.insert(key, kept, weight)
    }

    /// Whether there was one.
    pub(crate) fn remove(&self, key: &Alone<K>) -> bool {
        let group = self.group(key);
        let mut state = self.lock();
        state.epochs[group] = state.epochs[group].wrapping_add(1);
        state.values.remove_key(key)
    }

    pub(crate) fn clear(&self) {
        let mut state = self.lock();
        for epoch in &mut *state.epochs {
            *epoch = epoch.wrapping_add(1);
        }
        let empty = state.values.emptied();
        let full = mem::replace(&mut state.values, empty);
        drop(state);
        // Freed after the lock: a large memo takes its time.
        drop(full);
    }

    pub(crate) fn held(&self) -> Held {
        self.lock().values.held()
    }

    fn group(&self, key: &Alone<K>) -> usize {
        (self.hasher.hash_one(key) % EPOCHS as u64) as usize
    }

    /// Keys compare and hash under the lock, and a value may be dropped under it. Should one of
    /// them panic, the lists may have lost an entry's place but never point outside of the slab,
    /// and nothing is answered that was not kept under its key.
    fn lock(&self) -> MutexGuard<'_, State<K, V>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

// Keys and values may be secret.
impl<K: Hash + Eq + Clone, V> fmt::Debug for Shared<K, V> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Shared")
            .field("held", &self.held())
            .field("flights", &self.flights)
            .finish_non_exhaustive()
    }
}
