use std::{fmt, hash::Hash, sync::Arc};

use tower_layer::Layer;

use crate::{
    AsResponse, MemoryStore, OnMissingKey, RateLimit, RateLimitHandle, Reject, Wait,
    limiter::Limiter, statistics::Counts,
};

/// Limits how often each key may call a service; see the [crate documentation](crate).
///
/// `K` is the key, `X` the [`KeyExtractor`](crate::KeyExtractor), `Q` the
/// [`Quotas`](crate::Quotas), `M` the mode ([`Reject`] or [`Wait`]), `St` the
/// [`Store`](crate::Store). All services of one layer and of its clones share the store.
#[derive(Clone)]
pub struct RateLimitLayer<K, X, Q, M = Reject, St = MemoryStore<K>> {
    limiter: Limiter<K, X, Q, M, St>,
}

impl<K: Hash + Eq + Clone, X, Q> RateLimitLayer<K, X, Q> {
    /// Counts requests by `key`, holds each key to its `quotas`, and refuses with an error.
    ///
    /// Windows live in a [`MemoryStore`] of [`DEFAULT_MAX_KEYS`](crate::DEFAULT_MAX_KEYS);
    /// requests without a key are refused.
    #[must_use]
    pub fn new(key: X, quotas: Q) -> Self {
        Self {
            limiter: Limiter {
                key,
                on_missing_key: OnMissingKey::default(),
                quotas,
                store: MemoryStore::new(),
                mode: Reject::default(),
                counts: Counts::default(),
            },
        }
    }
}

impl<K, X, Q, M, St> RateLimitLayer<K, X, Q, M, St> {
    /// What happens to requests without a key. Default: [`OnMissingKey::Reject`].
    #[must_use]
    pub fn on_missing_key(mut self, choice: OnMissingKey<K>) -> Self {
        self.limiter.on_missing_key = choice;
        self
    }

    /// Keeps the windows in `store`, which other layers may share.
    #[must_use]
    pub fn store<T>(self, store: T) -> RateLimitLayer<K, X, Q, M, T> {
        let Limiter {
            key,
            on_missing_key,
            quotas,
            store: _,
            mode,
            counts,
        } = self.limiter;
        let limiter = Limiter {
            key,
            on_missing_key,
            quotas,
            store,
            mode,
            counts,
        };
        RateLimitLayer { limiter }
    }

    /// Answers refused requests with a response, and keeps the inner service's error type.
    #[must_use]
    pub fn respond<R>(self, rejection: R) -> RateLimitLayer<K, X, Q, Reject<AsResponse<R>>, St> {
        self.mode(Reject {
            refuse: AsResponse(rejection),
        })
    }

    /// Lets calls wait for their turn instead of refusing them.
    #[must_use]
    pub fn wait(self, wait: Wait<K>) -> RateLimitLayer<K, X, Q, Wait<K>, St> {
        self.mode(wait)
    }

    fn mode<N>(self, mode: N) -> RateLimitLayer<K, X, Q, N, St> {
        let Limiter {
            key,
            on_missing_key,
            quotas,
            store,
            mode: _,
            counts,
        } = self.limiter;
        let limiter = Limiter {
            key,
            on_missing_key,
            quotas,
            store,
            mode,
            counts,
        };
        RateLimitLayer { limiter }
    }

    /// A handle on the keys and statistics of all services of this layer. Take it last: a
    /// [`store`](Self::store) given afterwards is not the one it sees.
    #[must_use]
    pub fn handle(&self) -> RateLimitHandle<St>
    where
        St: Clone,
    {
        RateLimitHandle {
            store: self.limiter.store.clone(),
            counts: self.limiter.counts.clone(),
        }
    }
}

impl<S, K, X, Q, M, St> Layer<S> for RateLimitLayer<K, X, Q, M, St>
where
    K: Clone,
    X: Clone,
    Q: Clone,
    M: Clone,
    St: Clone,
{
    type Service = RateLimit<S, K, X, Q, M, St>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit {
            inner,
            limiter: Arc::new(self.limiter.clone()),
        }
    }
}

/// By hand, since closures are not `Debug`.
impl<K, X, Q, M: fmt::Debug, St: fmt::Debug> fmt::Debug for RateLimitLayer<K, X, Q, M, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("mode", &self.limiter.mode)
            .field("store", &self.limiter.store)
            .finish_non_exhaustive()
    }
}
