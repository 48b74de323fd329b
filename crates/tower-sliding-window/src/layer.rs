use std::{fmt, hash::Hash, sync::Arc};

use tower_layer::Layer;

use crate::{
    AsResponse, MemoryStore, OnAdmission, OnMissingKey, OnResponse, Priced, RateLimit,
    RateLimitHandle, Reject, Wait, limiter::Limiter, statistics::Counts,
};

/// Limits how often each key may call a service; see the [crate documentation](crate).
///
/// `K` is the key, `X` the [`KeyExtractor`](crate::KeyExtractor), `Q` the
/// [`Quotas`](crate::Quotas), `M` the mode ([`Reject`] or [`Wait`]), `St` the
/// [`Store`](crate::Store), `B` when a call is charged ([`OnAdmission`] or [`OnResponse`]). All
/// services of one layer and of its clones share the store.
#[derive(Clone)]
pub struct RateLimitLayer<K, X, Q, M = Reject, St = MemoryStore<K>, B = OnAdmission> {
    limiter: Limiter<K, X, Q, M, St, B>,
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
                billing: OnAdmission,
                counts: Counts::default(),
            },
        }
    }
}

impl<K, X, Q, M, St, B> RateLimitLayer<K, X, Q, M, St, B> {
    /// What happens to requests without a key. Default: [`OnMissingKey::Reject`].
    #[must_use]
    pub fn on_missing_key(mut self, choice: OnMissingKey<K>) -> Self {
        self.limiter.on_missing_key = choice;
        self
    }

    /// How much of each quota a request takes, as a closure `Fn(&Req) -> u32`. Default: 1.
    ///
    /// A cost above a limit never passes, and is an error of its own. A request that costs nothing
    /// passes when one that costs 1 would, and is not charged: with
    /// [`cost_on_response`](Self::cost_on_response) it pays afterwards.
    #[must_use]
    pub fn cost<F>(self, cost: F) -> RateLimitLayer<K, Priced<X, F>, Q, M, St, B> {
        self.with(|key, mode, store, billing| (Priced::new(key, cost), mode, store, billing))
    }

    /// Corrects what a call was charged once its outcome is known: `settle` is a closure
    /// `Fn(Result<&Res, &E>, u32) -> u32` from the outcome and what was charged to the true cost
    /// (see [`Settle`](crate::Settle)). The difference is given back, or charged on top even if
    /// that goes beyond the limit, and later calls wait for it.
    ///
    /// What is given back frees its place from there on, as if it had never been taken. A call
    /// dropped before it has an outcome stays charged as it was. Costs a clone of the key per call.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower::{Layer, Service, ServiceExt, service_fn};
    /// use tower_sliding_window::{Quota, RateLimitLayer};
    ///
    /// # #[tokio::main(flavor = "current_thread")]
    /// # async fn main() -> Result<(), Box<dyn std::error::Error>> {
    /// // Five wrong passwords in a quarter of an hour; right ones don't count.
    /// let quota = Quota::new(5, Duration::from_secs(900))?;
    /// let limit = RateLimitLayer::new(|(user, _): &(u64, &str)| Some(*user), quota)
    ///     .cost_on_response(|login: Result<&bool, &std::io::Error>, charged: u32| match login {
    ///         Ok(true) => 0,
    ///         Ok(false) | Err(_) => charged,
    ///     });
    /// let handle = limit.handle();
    /// let mut login = limit.layer(service_fn(|(_, password): (u64, &str)| {
    ///     std::future::ready(Ok::<_, std::io::Error>(password == "right"))
    /// }));
    ///
    /// for password in ["right", "wrong", "right"] {
    ///     login.ready().await?.call((7, password)).await?;
    /// }
    /// assert_eq!(handle.usage(&7).map(|usage| usage.current), Some(1));
    /// # Ok(())
    /// # }
    /// ```
    #[must_use]
    pub fn cost_on_response<F>(self, settle: F) -> RateLimitLayer<K, X, Q, M, St, OnResponse<F>> {
        self.with(|key, mode, store, _| (key, mode, store, OnResponse(settle)))
    }

    /// Keeps the windows in `store`, which other layers may share.
    #[must_use]
    pub fn store<T>(self, store: T) -> RateLimitLayer<K, X, Q, M, T, B> {
        self.with(|key, mode, _, billing| (key, mode, store, billing))
    }

    /// Answers refused requests with a response, and keeps the inner service's error type.
    #[must_use]
    pub fn respond<R>(self, rejection: R) -> RateLimitLayer<K, X, Q, Reject<AsResponse<R>>, St, B> {
        let mode = Reject {
            refuse: AsResponse(rejection),
            shadow: false,
        };
        self.with(|key, _, store, billing| (key, mode, store, billing))
    }

    /// Lets calls wait for their turn instead of refusing them.
    #[must_use]
    pub fn wait(self, wait: Wait<K>) -> RateLimitLayer<K, X, Q, Wait<K>, St, B> {
        self.with(|key, _, store, billing| (key, wait, store, billing))
    }

    /// The value of the label `limiter` on this layer's metrics, which there are with feature
    /// `metrics`. Default: empty.
    #[must_use]
    pub fn named(mut self, name: &'static str) -> Self {
        self.limiter.counts.name(name);
        self
    }

    fn with<Y, N, T, C>(
        self,
        change: impl FnOnce(X, M, St, B) -> (Y, N, T, C),
    ) -> RateLimitLayer<K, Y, Q, N, T, C> {
        let Limiter {
            key,
            on_missing_key,
            quotas,
            store,
            mode,
            billing,
            counts,
        } = self.limiter;
        let (key, mode, store, billing) = change(key, mode, store, billing);
        let limiter = Limiter {
            key,
            on_missing_key,
            quotas,
            store,
            mode,
            billing,
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

impl<K, X, Q, R, St, B> RateLimitLayer<K, X, Q, Reject<R>, St, B> {
    /// Refuses nothing: what would have been refused passes uncharged, and is counted in
    /// [`Statistics::shadowed`](crate::Statistics::shadowed). For trying a limit out.
    #[must_use]
    pub fn shadow(mut self) -> Self {
        self.limiter.mode.shadow = true;
        self
    }
}

impl<S, K, X, Q, M, St, B> Layer<S> for RateLimitLayer<K, X, Q, M, St, B>
where
    K: Clone,
    X: Clone,
    Q: Clone,
    M: Clone,
    St: Clone,
    B: Clone,
{
    type Service = RateLimit<S, K, X, Q, M, St, B>;

    fn layer(&self, inner: S) -> Self::Service {
        RateLimit {
            inner,
            limiter: Arc::new(self.limiter.clone()),
        }
    }
}

/// By hand, since closures are not `Debug`.
impl<K, X, Q, M: fmt::Debug, St: fmt::Debug, B> fmt::Debug for RateLimitLayer<K, X, Q, M, St, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimitLayer")
            .field("mode", &self.limiter.mode)
            .field("store", &self.limiter.store)
            .finish_non_exhaustive()
    }
}
