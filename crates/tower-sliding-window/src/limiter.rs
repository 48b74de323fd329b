use crate::{Charge, CostAboveLimit, KeyExtractor, OnMissingKey, Quota, statistics::Counts};

/// What every service of one layer shares.
#[derive(Clone)]
pub(crate) struct Limiter<K, X, Q, M, St, B> {
    pub(crate) key: X,
    pub(crate) on_missing_key: OnMissingKey<K>,
    pub(crate) quotas: Q,
    pub(crate) store: St,
    pub(crate) mode: M,
    pub(crate) billing: B,
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

impl<K, X, Q, M, St, B> Limiter<K, X, Q, M, St, B> {
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
}

/// What the store is to be asked; nothing for a key without quotas.
pub(crate) fn charge<'a, K>(
    key: &'a K,
    tiers: &'a [Quota],
    cost: u32,
) -> Result<Option<Charge<'a, K>>, CostAboveLimit> {
    let Some((&quota, further)) = tiers.split_first() else {
        return Ok(None);
    };
    match tiers.iter().find(|tier| cost > tier.limit()) {
        Some(&quota) => Err(CostAboveLimit { cost, quota }),
        None => Ok(Some(Charge::new(key, quota).further(further).cost(cost))),
    }
}
