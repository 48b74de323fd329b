use std::{sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{
    handle::CacheHandle,
    policy::{Mode, Policy},
    service::HttpCache,
    shared::Shared,
    store::MemoryStore,
};

/// Caches HTTP responses: makes [`HttpCache`] services.
///
/// Clones, and every service they make, share one store and its statistics. See the
/// [crate documentation](crate).
#[derive(Debug)]
pub struct HttpCacheLayer<St = MemoryStore> {
    shared: Arc<Shared<St>>,
    policy: Policy,
}

impl<St> HttpCacheLayer<St> {
    /// A private cache: every credential has entries of its own.
    ///
    /// The key contains a digest of `Authorization` and `Cookie`, so that no caller is ever
    /// answered with what was stored for another. Responses marked `private` are stored, and
    /// `s-maxage` is ignored (RFC 9111 section 5.2.2). This is the mode for a client, and for a
    /// server that caches per principal.
    #[must_use]
    pub fn private(store: St) -> Self {
        Self::new(store, Mode::Private)
    }

    /// A shared cache: one entry answers every caller.
    ///
    /// Responses marked `private` are not stored and `s-maxage` goes before `max-age`. A request
    /// with `Authorization` takes part only where the response says `public`, `s-maxage` or
    /// `must-revalidate` (RFC 9111 section 3.5); that holds here for being answered as well as
    /// for being stored. A request with `Cookie` takes part only where the response names its
    /// lifetime itself; the [default lifetime](Self::default_ttl) is not applied to it.
    #[must_use]
    pub fn shared(store: St) -> Self {
        Self::new(store, Mode::Shared)
    }

    fn new(store: St, mode: Mode) -> Self {
        Self {
            shared: Arc::new(Shared::new(store)),
            policy: Policy::new(mode),
        }
    }

    /// The lifetime of a 200 that names none itself, counted from its arrival.
    ///
    /// Unset by default: then only responses with `max-age`, `s-maxage` or `Expires` are stored.
    /// Whatever forbids storing still forbids it. [`Duration::ZERO`] is the same as unset.
    #[must_use]
    pub const fn default_ttl(mut self, ttl: Duration) -> Self {
        self.policy.default_ttl = Some(ttl);
        self
    }

    /// The longest body that is stored, in bytes. 1 MiB by default, which holds the usual answer
    /// of an interface and keeps one download from emptying the cache.
    ///
    /// It also bounds what a response in transit holds back: a body that grows past it streams
    /// on and what was kept of it is freed.
    #[must_use]
    pub const fn max_object_bytes(mut self, bytes: usize) -> Self {
        self.policy.max_object_bytes = bytes;
        self
    }

    /// Statistics and invalidation of the store behind this layer.
    #[must_use]
    pub fn handle(&self) -> CacheHandle<St> {
        CacheHandle::new(Arc::clone(&self.shared))
    }
}

// Not derived: the store itself need not be `Clone`.
impl<St> Clone for HttpCacheLayer<St> {
    fn clone(&self) -> Self {
        Self {
            shared: Arc::clone(&self.shared),
            policy: self.policy,
        }
    }
}

impl<S, St> Layer<S> for HttpCacheLayer<St> {
    type Service = HttpCache<S, St>;

    fn layer(&self, inner: S) -> Self::Service {
        HttpCache::new(inner, Arc::clone(&self.shared), self.policy)
    }
}
