use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use foldhash::quality::RandomState;
use tokio::time::Instant;

use super::script::Question;
use crate::{Admission, Charge, Quota};

/// Keys with a lease at once; beyond, the server is asked for each request.
const MAX_KEYS: usize = 65_536;

/// What one key has prepaid.
#[derive(Debug, Default)]
pub(super) struct Lease {
    granted: Mutex<Option<Granted>>,
    /// Held while the server is asked for more, so that requests of the same key which come
    /// meanwhile are one question.
    pub(super) filling: tokio::sync::Mutex<()>,
}

#[derive(Debug)]
struct Granted {
    left: u32,
    until: Instant,
    /// What was charged: a lease under other quotas is worth nothing.
    quota: Quota,
    further: Vec<Quota>,
    admission: Admission,
}

impl Lease {
    /// Pays from the lease, if there is enough in it.
    pub(super) fn pay<K>(&self, charge: &Charge<'_, K>) -> Option<Admission> {
        let mut granted = self.lock();
        let granted = granted.as_mut()?;
        let same = granted.quota == charge.quota && granted.further == charge.further;
        let enough = granted.left >= charge.cost.max(1);
        if !same || !enough || Instant::now() >= granted.until {
            return None;
        }
        granted.left -= charge.cost;
        let Admission { quota, .. } = granted.admission;
        Some(Admission::new(quota, granted.left).stamped(granted.admission.stamp()))
    }

    pub(super) fn fill(
        &self,
        question: &Question,
        left: u32,
        until: Instant,
        admission: Admission,
    ) {
        *self.lock() = Some(Granted {
            left,
            until,
            quota: question.quota,
            further: question.further.clone(),
            admission,
        });
    }

    /// Poison is ignored: nothing under this lock can leave it half changed.
    fn lock(&self) -> MutexGuard<'_, Option<Granted>> {
        self.granted.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_live(&self) -> bool {
        let now = Instant::now();
        self.lock()
            .as_ref()
            .is_some_and(|granted| granted.until > now)
    }
}

pub(super) struct Leases<K> {
    keys: Mutex<HashMap<K, Arc<Lease>, RandomState>>,
}

impl<K: Hash + Eq + Clone> Leases<K> {
    /// The lease of `key`; `None` when there are too many.
    pub(super) fn of(&self, key: &K) -> Option<Arc<Lease>> {
        // Poison is ignored: only a key's own `Hash`, `Eq` or `Clone` can panic under the lock.
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lease) = keys.get(key) {
            return Some(Arc::clone(lease));
        }
        if keys.len() >= MAX_KEYS {
            // One that somebody else has is in use.
            keys.retain(|_, lease| Arc::strong_count(lease) > 1 || lease.is_live());
        }
        if keys.len() >= MAX_KEYS {
            return None;
        }
        Some(Arc::clone(keys.entry(key.clone()).or_default()))
    }
}

impl<K> Default for Leases<K> {
    fn default() -> Self {
        Self {
            keys: Mutex::default(),
        }
    }
}
