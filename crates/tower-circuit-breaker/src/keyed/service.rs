use std::{
    fmt,
    hash::Hash,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use super::registry::Registry;
use crate::{Classify, error::Error, future::ResponseFuture, pass::Pass};

/// Refuses calls while the circuit of their key is open. See
/// [`CircuitBreakerLayer::per_key`](crate::CircuitBreakerLayer::per_key).
pub struct KeyedCircuitBreaker<S, F, K, C> {
    inner: S,
    key: Arc<F>,
    registry: Arc<Registry<K, C>>,
}

impl<S, F, K, C> KeyedCircuitBreaker<S, F, K, C> {
    pub(super) fn new(inner: S, key: Arc<F>, registry: Arc<Registry<K, C>>) -> Self {
        Self {
            inner,
            key,
            registry,
        }
    }
}

impl<S, F, K, C, Request> Service<Request> for KeyedCircuitBreaker<S, F, K, C>
where
    S: Service<Request>,
    F: Fn(&Request) -> K,
    K: Hash + Eq + Clone,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    /// That of the inner service: whose circuit matters is known with the request only.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let link = self.registry.link((self.key)(&request));
        match link.circuit.admit() {
            Ok(permit) => {
                let mut pass = Pass::new(permit, link);
                let inner = pass.watch(|| self.inner.call(request));
                ResponseFuture::admitted(inner, pass)
            }
            Err(refusal) => ResponseFuture::refused(refusal),
        }
    }
}

// By hand: key and circuits are shared.
impl<S: Clone, F, K, C> Clone for KeyedCircuitBreaker<S, F, K, C> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            Arc::clone(&self.key),
            Arc::clone(&self.registry),
        )
    }
}

// By hand: a closure has no `Debug`.
impl<S: fmt::Debug, F, K, C> fmt::Debug for KeyedCircuitBreaker<S, F, K, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KeyedCircuitBreaker")
            .field("inner", &self.inner)
            .field("registry", &self.registry)
            .finish_non_exhaustive()
    }
}
