use std::{hash::Hash, sync::Arc};

use super::{
    stats::MemoStats,
    store::{Alone, Shared},
};

/// Looks into a memo, and empties it, from outside the stack. Cheap to clone.
#[derive(Debug)]
pub struct MemoHandle<K: Hash + Eq + Clone, V> {
    shared: Arc<Shared<K, V>>,
}

impl<K: Hash + Eq + Clone, V> MemoHandle<K, V> {
    pub(crate) const fn new(shared: Arc<Shared<K, V>>) -> Self {
        Self { shared }
    }

    /// What the memo has done and what it holds.
    #[must_use]
    pub fn stats(&self) -> MemoStats {
        self.shared.counters.snapshot(self.shared.held())
    }

    /// Forgets the response kept under a key, and returns whether there was one. Responses to
    /// requests already under way are not kept any more.
    pub fn invalidate(&self, key: &K) -> bool {
        self.shared.remove(&Alone(key.clone()))
    }

    /// Forgets everything. Responses to requests already under way are not kept any more. The
    /// counters of [`stats`](Self::stats) go on.
    pub fn clear(&self) {
        self.shared.clear();
    }
}

// Not derived: keys and values need not be `Clone` for it.
impl<K: Hash + Eq + Clone, V> Clone for MemoHandle<K, V> {
    fn clone(&self) -> Self {
        Self::new(Arc::clone(&self.shared))
    }
}
