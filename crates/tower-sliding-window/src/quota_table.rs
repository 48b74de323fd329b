use std::{
    collections::HashMap,
    fmt,
    hash::Hash,
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
};

use foldhash::quality::RandomState;

use crate::{Quota, Quotas};

/// Quotas that can be set while services run: one for everybody, others for some keys.
///
/// A clone is another handle on the same table. What a key has used stays when its quota changes,
/// and is judged by the new one from the next request on. Costs a read lock per request.
///
/// ```
/// use std::time::Duration;
/// use tower_sliding_window::{Quota, QuotaTable, Quotas};
///
/// let ten = Quota::new(10, Duration::from_secs(1))?;
/// let hundred = Quota::new(100, Duration::from_secs(1))?;
/// let table = QuotaTable::new(ten);
/// // One clone goes to `RateLimitLayer::new`, the other stays here.
/// table.set("ada", hundred);
/// assert_eq!(table.clone().quotas(&"ada")[..], [hundred]);
/// assert_eq!(table.quotas(&"ben")[..], [ten]);
/// # Ok::<(), tower_sliding_window::QuotaError>(())
/// ```
pub struct QuotaTable<K> {
    shared: Arc<RwLock<Table<K>>>,
}

struct Table<K> {
    everybody: Arc<[Quota]>,
    own: HashMap<K, Arc<[Quota]>, RandomState>,
}

impl<K: Hash + Eq> QuotaTable<K> {
    /// The same quotas for every key.
    #[must_use]
    pub fn new(everybody: impl AsRef<[Quota]>) -> Self {
        let table = Table {
            everybody: everybody.as_ref().into(),
            own: HashMap::default(),
        };
        Self {
            shared: Arc::new(RwLock::new(table)),
        }
    }

    /// Gives `key` quotas of its own. None at all means it is not limited.
    pub fn set(&self, key: K, quotas: impl AsRef<[Quota]>) {
        let quotas = quotas.as_ref().into();
        self.write().own.insert(key, quotas);
    }

    /// Lets `key` have the quotas of everybody again; says whether it had its own.
    pub fn unset(&self, key: &K) -> bool {
        self.write().own.remove(key).is_some()
    }

    /// Sets the quotas of all keys without their own.
    pub fn set_everybody(&self, quotas: impl AsRef<[Quota]>) {
        let quotas = quotas.as_ref().into();
        self.write().everybody = quotas;
    }

    /// Poison is ignored: only a key's own `Hash` or `Eq` can panic under the lock, and they run
    /// before the table is changed.
    fn read(&self) -> RwLockReadGuard<'_, Table<K>> {
        self.shared.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table<K>> {
        self.shared.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<K: Hash + Eq> Quotas<K> for QuotaTable<K> {
    type Tiers = Arc<[Quota]>;

    fn quotas(&self, key: &K) -> Arc<[Quota]> {
        let table = self.read();
        Arc::clone(table.own.get(key).unwrap_or(&table.everybody))
    }
}

/// By hand, since sharing needs no `K: Clone`.
impl<K> Clone for QuotaTable<K> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
        }
    }
}

/// Without the keys: they name people.
impl<K> fmt::Debug for QuotaTable<K> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QuotaTable").finish_non_exhaustive()
    }
}
