use std::{
    hash::Hash,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{
    future::ResponseFuture,
    layer::Terms,
    store::{Alone, Shared},
};

/// Answers with the kept response to an equal request. Made by
/// [`MemoLayer`](super::MemoLayer); see [`memo`](crate::memo).
///
/// # Readiness
///
/// Always ready: a kept response needs nothing of the inner service. A miss waits for its
/// readiness in the future, and an error of that readiness is an error of the call.
///
/// # Clone
///
/// The inner service is cloned for every call, because a miss is known only after the call has
/// returned its future. The clone is the instance that is polled and called.
#[derive(Debug)]
pub struct Memo<S, F, K: Hash + Eq + Clone, V> {
    inner: S,
    key: F,
    terms: Terms<V>,
    shared: Arc<Shared<K, V>>,
}

impl<S, F, K: Hash + Eq + Clone, V> Memo<S, F, K, V> {
    pub(crate) const fn new(inner: S, key: F, terms: Terms<V>, shared: Arc<Shared<K, V>>) -> Self {
        Self {
            inner,
            key,
            terms,
            shared,
        }
    }
}

// Not derived: values need not be `Clone` for it.
impl<S: Clone, F: Clone, K: Hash + Eq + Clone, V> Clone for Memo<S, F, K, V> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            self.key.clone(),
            self.terms,
            Arc::clone(&self.shared),
        )
    }
}

impl<S, F, K, V, Request> Service<Request> for Memo<S, F, K, V>
where
    S: Service<Request, Response = V> + Clone,
    F: Fn(&Request) -> Option<K>,
    K: Hash + Eq + Clone,
    V: Clone,
{
    type Response = V;
    type Error = S::Error;
    type Future = ResponseFuture<S, Request, K, V>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let key = (self.key)(&request).map(Alone);
        let shared = Arc::clone(&self.shared);
        ResponseFuture::new(self.inner.clone(), request, key, self.terms, shared)
    }
}
