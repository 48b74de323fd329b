use std::{fmt, hash::Hash, sync::Arc};

use super::registry::Registry;
use crate::Handle;

/// Looks at the circuits of a [`KeyedCircuitBreakerLayer`](crate::KeyedCircuitBreakerLayer) from
/// outside.
pub struct KeyedHandle<K, C> {
    registry: Arc<Registry<K, C>>,
}

impl<K: Hash + Eq + Clone, C> KeyedHandle<K, C> {
    pub(super) fn new(registry: Arc<Registry<K, C>>) -> Self {
        Self { registry }
    }

    /// The circuit of a key, if the key is remembered. Does not count as a use of it.
    ///
    /// A key that is forgotten and comes back has a new circuit, which this handle does not show.
    #[must_use]
    pub fn get(&self, key: &K) -> Option<Handle> {
        self.registry.peek(key).map(Handle::new)
    }

    /// The circuit of a key, made if there is none. Counts as a use of it.
    #[must_use]
    pub fn get_or_make(&self, key: K) -> Handle {
        Handle::new(Arc::clone(&self.registry.link(key).circuit))
    }

    /// How many keys are remembered.
    #[must_use]
    pub fn keys(&self) -> usize {
        self.registry.len()
    }
}

// By hand: keys and classifier are shared, not cloned.
impl<K, C> Clone for KeyedHandle<K, C> {
    fn clone(&self) -> Self {
        Self {
            registry: Arc::clone(&self.registry),
        }
    }
}

impl<K, C> fmt::Debug for KeyedHandle<K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("KeyedHandle").field(&self.registry).finish()
    }
}
