use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
};

use http::Response;
use http_body::Body;
use tower_service::Service;

use super::{BodyAwareFuture, ResponseBody};
use crate::{
    Classify,
    door::Door,
    error::Error,
    pass::{Link, Pass},
};

/// A [`CircuitBreaker`](crate::CircuitBreaker) whose calls end with the response's body. See
/// [`CircuitBreakerLayer::until_body_end`](crate::CircuitBreakerLayer::until_body_end).
pub struct BodyAware<S, C> {
    inner: S,
    link: Arc<Link<C>>,
    door: Door,
}

impl<S, C> BodyAware<S, C> {
    pub(super) fn new(inner: S, link: Link<C>) -> Self {
        Self {
            inner,
            link: Arc::new(link),
            door: Door::default(),
        }
    }
}

impl<S, C, Request, B> Service<Request> for BodyAware<S, C>
where
    S: Service<Request, Response = Response<B>>,
    B: Body,
    C: Classify<Response<B>, S::Error>,
{
    type Response = Response<ResponseBody<B, C>>;
    type Error = Error<S::Error>;
    type Future = BodyAwareFuture<S::Future, C>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        if ready!(self.door.poll(&self.link.circuit, cx)) {
            ready!(self.inner.poll_ready(cx)).map_err(Error::Inner)?;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.door.admit(&self.link.circuit) {
            Ok(permit) => {
                let mut pass = Pass::new(permit, Arc::clone(&self.link));
                let inner = pass.watch(|| self.inner.call(request));
                BodyAwareFuture::admitted(inner, pass)
            }
            Err(refusal) => BodyAwareFuture::refused(refusal),
        }
    }
}

// By hand: the classifier is shared, and a clone starts without knowing its inner service ready.
impl<S: Clone, C> Clone for BodyAware<S, C> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Link::clone(&self.link))
    }
}

// By hand: a closure has no `Debug`.
impl<S: fmt::Debug, C> fmt::Debug for BodyAware<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BodyAware")
            .field("inner", &self.inner)
            .field("circuit", &self.link.circuit)
            .finish_non_exhaustive()
    }
}
