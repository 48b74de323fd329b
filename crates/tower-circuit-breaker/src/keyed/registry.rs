use std::{
    fmt,
    hash::Hash,
    num::NonZeroUsize,
    sync::{Arc, PoisonError, RwLock},
    time::Duration,
};

use super::slots::{Slots, Worth};
use crate::{State, circuit::Circuit, clock::Clock, pass::Link, settings::Settings};

/// The circuits of all keys. Its lock is read by every call and written by the first of a key.
pub(super) struct Registry<K, C> {
    slots: RwLock<Slots<K, Arc<Link<C>>>>,
    settings: Settings,
    classifier: Arc<C>,
    /// In milliseconds.
    idle: u64,
    clock: Clock,
}

impl<K: Hash + Eq + Clone, C> Registry<K, C> {
    pub(super) fn new(
        settings: Settings,
        classifier: Arc<C>,
        max: NonZeroUsize,
        idle: Duration,
    ) -> Self {
        Self {
            slots: RwLock::new(Slots::new(max)),
            settings,
            classifier,
            idle: u64::try_from(idle.as_millis()).unwrap_or(u64::MAX),
            clock: Clock::new(),
        }
    }

    pub(super) fn link(&self, key: K) -> Arc<Link<C>> {
        let now = self.clock.millis();
        // The locks: what panics under them is the key's `Hash` or `Eq`, or the lack of memory.
        // The worst it leaves behind is a key that is not found and takes a place until it is idle.
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = slots.get(&key, now) {
            return Arc::clone(link);
        }
        drop(slots);

        let mut slots = self.slots.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(link) = slots.get(&key, now) {
            return Arc::clone(link);
        }
        let link = Arc::new(Link {
            circuit: Arc::new(Circuit::new(self.settings)),
            classifier: Arc::clone(&self.classifier),
        });
        slots.insert(key, Arc::clone(&link), now, self.idle, |link| {
            match link.circuit.state() {
                State::Closed => Worth::Little,
                State::Open | State::HalfOpen => Worth::Much,
                State::Isolated | State::Disabled => Worth::Most,
            }
        });
        link
    }

    pub(super) fn peek(&self, key: &K) -> Option<Arc<Circuit>> {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.peek(key).map(|link| Arc::clone(&link.circuit))
    }

    pub(super) fn len(&self) -> usize {
        let slots = self.slots.read().unwrap_or_else(PoisonError::into_inner);
        slots.len()
    }
}

// By hand: keys may be secrets, and a closure has no `Debug`.
impl<K, C> fmt::Debug for Registry<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Registry")
            .field("settings", &self.settings)
            .finish_non_exhaustive()
    }
}
