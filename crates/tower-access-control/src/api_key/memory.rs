use std::{
    collections::HashMap,
    convert::Infallible,
    fmt,
    future::{Ready, ready},
    sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard},
    time::SystemTime,
};

use super::{
    key::{ApiKey, KeyId},
    store::{KeyStore, StoredKey},
};

/// Keys in memory: for tests, and for a handful from a configuration. Clones share them.
///
/// One lock, shared by readers; about 150 bytes for each key, besides its principal.
pub struct MemoryKeyStore<P> {
    keys: Arc<RwLock<HashMap<KeyId, StoredKey<P>>>>,
}

impl<P> MemoryKeyStore<P> {
    /// Without keys.
    #[must_use]
    pub fn new() -> Self {
        Self {
            keys: Arc::default(),
        }
    }

    /// Takes in a key. One with the same id is replaced.
    pub fn insert(&self, key: &ApiKey, principal: P, expires_at: Option<SystemTime>) {
        let stored = StoredKey {
            digest: key.digest(),
            principal,
            expires_at,
        };
        self.write().insert(key.id(), stored);
    }

    /// Takes in a key in the place of `old`, which stays good until `overlap_ends`, or its own end
    /// if that is sooner; the new one until `expires_at`. Whether there was such a key; when not, nothing is done, and the new key
    /// isn't good.
    #[must_use]
    pub fn rotate(
        &self,
        old: KeyId,
        overlap_ends: SystemTime,
        new: &ApiKey,
        expires_at: Option<SystemTime>,
    ) -> bool
    where
        P: Clone,
    {
        let mut keys = self.write();
        let Some(replaced) = keys.get_mut(&old) else {
            return false;
        };
        let successor = StoredKey {
            digest: new.digest(),
            principal: replaced.principal.clone(),
            expires_at,
        };
        let end = replaced.expires_at;
        replaced.expires_at = Some(end.map_or(overlap_ends, |end| end.min(overlap_ends)));
        keys.insert(new.id(), successor);
        true
    }

    /// Ends a key at once, if there is one.
    pub fn revoke(&self, id: KeyId) {
        self.write().remove(&id);
    }

    // Poisoned or not, the map is whole: nothing between two of its operations can panic but the
    // product's `Clone` of a principal, which comes before anything is changed.
    fn write(&self) -> RwLockWriteGuard<'_, HashMap<KeyId, StoredKey<P>>> {
        self.keys.write().unwrap_or_else(PoisonError::into_inner)
    }

    fn read(&self) -> RwLockReadGuard<'_, HashMap<KeyId, StoredKey<P>>> {
        self.keys.read().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<P: Clone> KeyStore for MemoryKeyStore<P> {
    type Principal = P;
    type Error = Infallible;
    type Future = Ready<Result<Option<StoredKey<P>>, Infallible>>;

    fn find(&self, id: KeyId) -> Self::Future {
        ready(Ok(self.read().get(&id).cloned()))
    }
}

impl<P> Default for MemoryKeyStore<P> {
    fn default() -> Self {
        Self::new()
    }
}

/// By hand, since sharing needs no `Clone` of principals.
impl<P> Clone for MemoryKeyStore<P> {
    fn clone(&self) -> Self {
        Self {
            keys: Arc::clone(&self.keys),
        }
    }
}

impl<P> fmt::Debug for MemoryKeyStore<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryKeyStore").finish_non_exhaustive()
    }
}
