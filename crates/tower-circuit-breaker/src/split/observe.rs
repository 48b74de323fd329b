use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tower_layer::Layer;
use tower_service::Service;

use super::Admitted;
use crate::{
    Classify,
    error::Error,
    future::ResponseFuture,
    pass::{Link, Pass},
};

/// Puts an [`Observe`] in front of a service. Made by
/// [`CircuitBreakerLayer::split`](crate::CircuitBreakerLayer::split).
pub struct ObserveLayer<C> {
    link: Link<C>,
}

impl<C> ObserveLayer<C> {
    pub(crate) fn new(link: Link<C>) -> Self {
        Self { link }
    }
}

impl<S, C> Layer<S> for ObserveLayer<C> {
    type Service = Observe<S, C>;

    fn layer(&self, inner: S) -> Observe<S, C> {
        Observe {
            inner,
            link: Arc::new(self.link.clone()),
        }
    }
}

// By hand: the classifier is shared, not cloned.
impl<C> Clone for ObserveLayer<C> {
    fn clone(&self) -> Self {
        Self::new(self.link.clone())
    }
}

// By hand: a closure has no `Debug`.
impl<C> fmt::Debug for ObserveLayer<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ObserveLayer")
            .field("circuit", &self.link.circuit)
            .finish_non_exhaustive()
    }
}

/// The half of a breaker that judges results. See
/// [`CircuitBreakerLayer::split`](crate::CircuitBreakerLayer::split).
///
/// It refuses what the gate let pass if the circuit has opened since.
pub struct Observe<S, C> {
    inner: S,
    link: Arc<Link<C>>,
}

impl<S, C, Request> Service<Admitted<Request>> for Observe<S, C>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(Error::Inner)
    }

    fn call(&mut self, admitted: Admitted<Request>) -> Self::Future {
        let (request, permit) = admitted.redeem(&self.link.circuit);
        match permit {
            Ok(permit) => {
                let mut pass = Pass::new(permit, Arc::clone(&self.link));
                let inner = pass.watch(|| self.inner.call(request));
                ResponseFuture::admitted(inner, pass)
            }
            Err(refusal) => ResponseFuture::refused(refusal),
        }
    }
}

// By hand: the classifier is shared, and calls of a clone count their references apart.
impl<S: Clone, C> Clone for Observe<S, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            link: Arc::new(Link::clone(&self.link)),
        }
    }
}

// By hand: a closure has no `Debug`.
impl<S: fmt::Debug, C> fmt::Debug for Observe<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Observe")
            .field("inner", &self.inner)
            .field("circuit", &self.link.circuit)
            .finish_non_exhaustive()
    }
}
