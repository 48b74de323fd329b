use crate::{Charge, KeyExtractor, OnMissingKey, Quotas, Store, statistics::Counts};

/// What every service of one layer shares.
#[derive(Clone)]
pub(crate) struct Limiter<K, X, Q, M, St> {
    pub(crate) key: X,
    pub(crate) on_missing_key: OnMissingKey<K>,
    pub(crate) quotas: Q,
    pub(crate) store: St,
    pub(crate) mode: M,
    pub(crate) counts: Counts,
}

/// Whom a request is counted for.
pub(crate) enum Subject<'a, K> {
    /// A key of its own.
    Own(K),
    /// The key of all requests without one.
    Shared(&'a K),
    /// Nobody: it passes uncounted.
    Exempt,
    /// Nobody, and so it is refused.
    Missing,
}

impl<K, X, Q, M, St> Limiter<K, X, Q, M, St> {
    pub(crate) fn subject<Req>(&self, request: &Req) -> Subject<'_, K>
    where
        X: KeyExtractor<Req, Key = K>,
    {
        match (self.key.key(request), &self.on_missing_key) {
            (Some(key), _) => Subject::Own(key),
            (None, OnMissingKey::Share(key)) => Subject::Shared(key),
            (None, OnMissingKey::Admit) => Subject::Exempt,
            (None, OnMissingKey::Reject) => Subject::Missing,
        }
    }

    /// Asks the store, unless the key has no quota.
    pub(crate) fn admit(&self, key: &K) -> Option<St::Admit>
    where
        Q: Quotas<K>,
        St: Store<K>,
    {
        let tiers = self.quotas.quotas(key);
        let (&quota, further) = tiers.as_ref().split_first()?;
        Some(self.store.admit(Charge::new(key, quota).further(further)))
    }
}
