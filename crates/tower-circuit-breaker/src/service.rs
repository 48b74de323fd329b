use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
};

use tower_service::Service;

use crate::{
    Classify, FailOnError,
    door::Door,
    error::Error,
    future::ResponseFuture,
    pass::{Link, Pass},
};

/// Refuses calls while its circuit is open. See the [crate documentation](crate).
///
/// Clones share the circuit. A clone allocates once; no call does.
pub struct CircuitBreaker<S, C = FailOnError> {
    inner: S,
    link: Arc<Link<C>>,
    door: Door,
}

impl<S, C> CircuitBreaker<S, C> {
    pub(crate) fn new(inner: S, link: Link<C>) -> Self {
        Self {
            inner,
            link: Arc::new(link),
            door: Door::default(),
        }
    }
}

impl<S, C, Request> Service<Request> for CircuitBreaker<S, C>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    /// While calls are refused, ready at once, whatever the inner service waits for, or not ready,
    /// as [`when_open`](crate::CircuitBreakerLayer::when_open) says. Errors of the inner service
    /// pass through and are not recorded.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if ready!(self.door.poll(&self.link.circuit, cx)) {
            ready!(self.inner.poll_ready(cx)).map_err(Error::Inner)?;
        }
        Poll::Ready(Ok(()))
    }

    #[inline]
    fn call(&mut self, request: Request) -> Self::Future {
        match self.door.admit(&self.link.circuit) {
            Ok(permit) => {
                let mut pass = Pass::new(permit, Arc::clone(&self.link));
                let inner = pass.watch(|| self.inner.call(request));
                ResponseFuture::admitted(inner, pass)
            }
            Err(refusal) => ResponseFuture::refused(refusal),
        }
    }
}

// By hand: the classifier is shared, and a clone starts without knowing its inner service ready.
impl<S: Clone, C> Clone for CircuitBreaker<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Link::clone(&self.link))
    }
}

// By hand: a closure has no `Debug`.
impl<S: fmt::Debug, C> fmt::Debug for CircuitBreaker<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("inner", &self.inner)
            .field("circuit", &self.link.circuit)
            .finish_non_exhaustive()
    }
}
