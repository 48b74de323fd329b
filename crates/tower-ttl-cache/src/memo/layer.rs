use std::{hash::Hash, sync::Arc, time::Duration};

use tower_layer::Layer;

use super::{handle::MemoHandle, service::Memo, store::Shared};

/// Keeps responses of any service under a key of the request: makes [`Memo`] services.
///
/// Clones, and every service they make, share what is kept. See [`memo`](crate::memo).
#[derive(Debug)]
pub struct MemoLayer<F, K: Hash + Eq + Clone, V> {
    key: F,
    terms: Terms<V>,
    max_entries: usize,
    max_weight: usize,
    shared: Arc<Shared<K, V>>,
}

/// For how long responses are kept, and what they weigh.
#[derive(Debug)]
pub(crate) struct Terms<V> {
    pub(crate) ttl: Duration,
    pub(crate) ttl_of: Option<fn(&V) -> Duration>,
    pub(crate) weigh: Option<fn(&V) -> usize>,
    pub(crate) coalesce: Duration,
}

impl<F, K: Hash + Eq + Clone, V> MemoLayer<F, K, V> {
    /// Keeps responses for `ttl`, under the key that `key` makes of the request. A request without
    /// a key goes to the inner service and leaves no trace. With a lifetime of zero nothing is
    /// kept.
    ///
    /// The key must hold all that a response depends on, the caller included.
    #[must_use]
    pub fn new<Request>(key: F, ttl: Duration) -> Self
    where
        F: Fn(&Request) -> Option<K>,
    {
        const MAX_ENTRIES: usize = 10_000;
        Self {
            key,
            terms: Terms {
                ttl,
                ttl_of: None,
                weigh: None,
                coalesce: Duration::from_secs(5),
            },
            max_entries: MAX_ENTRIES,
            max_weight: usize::MAX,
            shared: Arc::new(Shared::new(MAX_ENTRIES, usize::MAX)),
        }
    }

    /// A lifetime of its own for each response, in place of the common one. Zero keeps it from
    /// being kept.
    #[must_use]
    pub fn ttl_of(mut self, ttl: fn(&V) -> Duration) -> Self {
        self.terms.ttl_of = Some(ttl);
        self
    }

    /// The most responses held at once: 10 000 by default. With 0, none is kept.
    ///
    /// This empties the memo: call it before the layer makes services.
    #[must_use]
    pub fn max_entries(mut self, entries: usize) -> Self {
        self.max_entries = entries;
        self.shared = Arc::new(Shared::new(self.max_entries, self.max_weight));
        self
    }

    /// The most weight held at once, and how a response is weighed, in whatever unit. Unbounded by
    /// default. A response that is heavier is not kept.
    ///
    /// This empties the memo: call it before the layer makes services.
    #[must_use]
    pub fn max_weight(mut self, weight: usize, weigh: fn(&V) -> usize) -> Self {
        self.max_weight = weight;
        self.terms.weigh = Some(weigh);
        self.shared = Arc::new(Shared::new(self.max_entries, self.max_weight));
        self
    }

    /// How long a request waits for an equal one that is under way before it goes on its own: 5 s
    /// by default. [`Duration::ZERO`] has every miss call the inner service.
    #[must_use]
    pub fn coalesce(mut self, wait: Duration) -> Self {
        self.terms.coalesce = wait;
        self
    }

    /// Statistics and invalidation of what is kept.
    #[must_use]
    pub fn handle(&self) -> MemoHandle<K, V> {
        MemoHandle::new(Arc::clone(&self.shared))
    }
}

// Not derived: values need not be `Clone` for it.
impl<V> Clone for Terms<V> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<V> Copy for Terms<V> {}

// Not derived, for the same reason.
impl<F: Clone, K: Hash + Eq + Clone, V> Clone for MemoLayer<F, K, V> {
    fn clone(&self) -> Self {
        Self {
            key: self.key.clone(),
            terms: self.terms,
            max_entries: self.max_entries,
            max_weight: self.max_weight,
            shared: Arc::clone(&self.shared),
        }
    }
}

impl<S, F: Clone, K: Hash + Eq + Clone, V> Layer<S> for MemoLayer<F, K, V> {
    type Service = Memo<S, F, K, V>;

    fn layer(&self, inner: S) -> Self::Service {
        Memo::new(
            inner,
            self.key.clone(),
            self.terms,
            Arc::clone(&self.shared),
        )
    }
}
