use std::{
    fmt,
    future::Future,
    hash::Hash,
    mem,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, Waker},
};

use tower_service::Service;

use crate::{
    KeyExtractor, Quotas, Refusal, Refuse, Reject, ResponseFuture, Store, Wait, WaitFuture,
    error::Error,
    limiter::{Limiter, Subject},
};

/// A rate-limited service; made by [`RateLimitLayer`](crate::RateLimitLayer), described in the
/// [crate documentation](crate).
///
/// # Clone
///
/// A clone shares quotas, store and queue. The inner service must be `Clone` because a store may
/// take its time: the readied inner service then moves into the future, and a clone stays behind.
/// With a store that answers at once, as [`MemoryStore`](crate::MemoryStore) does, nothing is
/// cloned; in mode [`Wait`] every call clones it.
pub struct RateLimit<S, K, X, Q, M, St> {
    pub(crate) inner: S,
    pub(crate) limiter: Arc<Limiter<K, X, Q, M, St>>,
}

/// Refuses: the inner service's readiness is this one's, and `call` decides.
impl<S, Req, K, X, Q, R, St> Service<Req> for RateLimit<S, K, X, Q, Reject<R>, St>
where
    S: Service<Req> + Clone,
    X: KeyExtractor<Req, Key = K>,
    Q: Quotas<K>,
    R: Refuse<S::Response, S::Error> + Clone,
    St: Store<K>,
{
    type Response = S::Response;
    type Error = R::Error;
    type Future = ResponseFuture<S, Req, R, St::Admit>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(R::fail)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let Limiter {
            mode: Reject { refuse },
            counts,
            ..
        } = &*self.limiter;
        let admit = match self.limiter.subject(&request) {
            Subject::Own(key) => self.limiter.admit(&key),
            Subject::Shared(key) => self.limiter.admit(key),
            Subject::Exempt => None,
            Subject::Missing => return ResponseFuture::done(refuse.refuse(Refusal::MissingKey)),
        };
        let Some(mut admit) = admit else {
            return ResponseFuture::calling(self.inner.call(request));
        };
        // No waker yet: the future polls again, with one, before it gives up its first poll.
        match Pin::new(&mut admit).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(_)) => {
                counts.admitted();
                ResponseFuture::calling(self.inner.call(request))
            }
            Poll::Ready(Err(denied)) => {
                counts.denied();
                ResponseFuture::done(refuse.refuse(Refusal::Denied(denied)))
            }
            Poll::Pending => {
                let (refuse, counts) = (refuse.clone(), counts.clone());
                let unready = self.inner.clone();
                let ready = mem::replace(&mut self.inner, unready);
                ResponseFuture::deciding(admit, ready, request, refuse, counts)
            }
        }
    }
}

/// Waits: always ready, since the inner service is only readied once a call is admitted.
impl<S, Req, K, X, Q, St> Service<Req> for RateLimit<S, K, X, Q, Wait<K>, St>
where
    S: Service<Req> + Clone,
    K: Hash + Eq + Clone,
    X: KeyExtractor<Req, Key = K>,
    Q: Quotas<K>,
    St: Store<K>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = WaitFuture<S, Req, K, X, Q, St>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        WaitFuture::new(self.inner.clone(), request, Arc::clone(&self.limiter))
    }
}

/// By hand, since sharing needs no `Clone` of what is shared.
impl<S: Clone, K, X, Q, M, St> Clone for RateLimit<S, K, X, Q, M, St> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            limiter: Arc::clone(&self.limiter),
        }
    }
}

/// By hand, since closures are not `Debug`.
impl<S: fmt::Debug, K, X, Q, M, St> fmt::Debug for RateLimit<S, K, X, Q, M, St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
