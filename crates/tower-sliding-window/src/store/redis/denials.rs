use std::{
    collections::HashMap,
    hash::Hash,
    sync::{Mutex, MutexGuard, PoisonError},
};

use foldhash::quality::RandomState;
use tokio::time::Instant;

use crate::{Charge, Denied, Quota};

/// Keys remembered at once. A flood comes from few keys that are refused often, or from many that
/// are refused seldom; only the former need remembering.
const MAX_KEYS: usize = 65_536;

/// What the server refused, until it would no longer: until then there is no need to ask.
pub(super) struct Denials<K> {
    keys: Mutex<HashMap<K, Denial, RandomState>>,
}

struct Denial {
    until: Instant,
    quota: Quota,
    /// Anything cheaper may pass.
    cost: u32,
}

impl<K: Hash + Eq + Clone> Denials<K> {
    /// The refusal of this charge, if it is known without asking.
    pub(super) fn known(&self, charge: &Charge<'_, K>) -> Option<Denied> {
        let mut keys = self.lock();
        let denial = keys.get(charge.key)?;
        let wait = denial.until.saturating_duration_since(Instant::now());
        if wait.is_zero() {
            keys.remove(charge.key);
            return None;
        }
        let held = denial.quota == charge.quota || charge.further.contains(&denial.quota);
        (held && charge.cost.max(1) >= denial.cost).then(|| Denied::new(denial.quota, wait))
    }

    /// Remembers a refusal of a question asked at `asked`. Counted from then, it may end a little
    /// early, when the server is asked once more, but never late.
    pub(super) fn remember(&self, charge: &Charge<'_, K>, asked: Instant, denied: Denied) {
        let Some(until) = asked.checked_add(denied.retry_after) else {
            return;
        };
        let mut keys = self.lock();
        if keys.len() >= MAX_KEYS {
            let now = Instant::now();
            keys.retain(|_, denial| denial.until > now);
        }
        if keys.len() < MAX_KEYS {
            let denial = Denial {
                until,
                quota: denied.quota,
                cost: charge.cost.max(1),
            };
            keys.insert(charge.key.clone(), denial);
        }
    }

    pub(super) fn forget(&self, key: &K) {
        self.lock().remove(key);
    }

    /// Poison is ignored: only a key's own `Hash`, `Eq` or `Clone` can panic under the lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<K, Denial, RandomState>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K> Default for Denials<K> {
    fn default() -> Self {
        Self {
            keys: Mutex::default(),
        }
    }
}
