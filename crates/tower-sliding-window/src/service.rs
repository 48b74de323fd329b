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
    Bill, Billing, KeyExtractor, OnAdmission, Quotas, Refusal, Refuse, Reject, ResponseFuture,
    Store, Wait, WaitFuture,
    error::Error,
    limiter::{self, Limiter, Subject},
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
pub struct RateLimit<S, K, X, Q, M, St, B = OnAdmission> {
    pub(crate) inner: S,
    pub(crate) limiter: Arc<Limiter<K, X, Q, M, St, B>>,
}

/// Refuses: the inner service's readiness is this one's, and `call` decides.
impl<S, Req, K, X, Q, R, St, B> Service<Req> for RateLimit<S, K, X, Q, Reject<R>, St, B>
where
    S: Service<Req> + Clone,
    X: KeyExtractor<Req, Key = K>,
    Q: Quotas<K>,
    R: Refuse<S::Response, S::Error> + Clone,
    St: Store<K>,
    B: Billing<K, St, S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = R::Error;
    type Future = ResponseFuture<S, Req, R, St::Admit, B::Bill>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx).map_err(R::fail)
    }

    fn call(&mut self, request: Req) -> Self::Future {
        let limiter = &*self.limiter;
        let Reject { refuse, shadow } = &limiter.mode;
        let own;
        let key = match limiter.subject(&request) {
            Subject::Own(key) => {
                own = key;
                &own
            }
            Subject::Shared(key) => key,
            Subject::Exempt => return ResponseFuture::unlimited(self.inner.call(request)),
            Subject::Missing if *shadow => {
                limiter.counts.shadowed();
                return ResponseFuture::unlimited(self.inner.call(request));
            }
            Subject::Missing => return ResponseFuture::done(refuse.refuse(Refusal::MissingKey)),
        };
        let tiers = limiter.quotas.quotas(key);
        let charge = match limiter::charge(key, tiers.as_ref(), limiter.key.cost(&request)) {
            Ok(Some(charge)) => charge,
            Ok(None) => return ResponseFuture::unlimited(self.inner.call(request)),
            Err(_) if *shadow => {
                limiter.counts.shadowed();
                return ResponseFuture::unlimited(self.inner.call(request));
            }
            Err(never) => {
                limiter.counts.denied();
                return ResponseFuture::done(refuse.refuse(Refusal::CostAboveLimit(never)));
            }
        };
        let mut admit = limiter.store.admit(charge);
        // No waker yet: the future polls again, with one, before it gives up its first poll.
        match Pin::new(&mut admit).poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(admission)) => {
                limiter.counts.admitted();
                let mut bill = limiter.billing.note(&limiter.store, &charge);
                bill.admitted(admission.stamp());
                let future = self.inner.call(request);
                ResponseFuture::calling(future, refuse.clone(), admission, bill)
            }
            Poll::Ready(Err(_)) if *shadow => {
                limiter.counts.shadowed();
                ResponseFuture::unlimited(self.inner.call(request))
            }
            Poll::Ready(Err(denied)) => {
                limiter.counts.denied();
                ResponseFuture::done(refuse.refuse(Refusal::Denied(denied)))
            }
            Poll::Pending => {
                let bill = limiter.billing.note(&limiter.store, &charge);
                let mode = limiter.mode.clone();
                let counts = limiter.counts.clone();
                let unready = self.inner.clone();
                let ready = mem::replace(&mut self.inner, unready);
                ResponseFuture::deciding(admit, (ready, request, bill), mode, counts)
            }
        }
    }
}

/// Waits: always ready, since the inner service is only readied once a call is admitted.
impl<S, Req, K, X, Q, St, B> Service<Req> for RateLimit<S, K, X, Q, Wait<K>, St, B>
where
    S: Service<Req> + Clone,
    K: Hash + Eq + Clone,
    X: KeyExtractor<Req, Key = K>,
    Q: Quotas<K>,
    St: Store<K>,
    B: Billing<K, St, S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = WaitFuture<S, Req, K, X, Q, St, B>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Req) -> Self::Future {
        WaitFuture::new(self.inner.clone(), request, Arc::clone(&self.limiter))
    }
}

/// By hand, since sharing needs no `Clone` of what is shared.
impl<S: Clone, K, X, Q, M, St, B> Clone for RateLimit<S, K, X, Q, M, St, B> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            limiter: Arc::clone(&self.limiter),
        }
    }
}

/// By hand, since closures are not `Debug`.
impl<S: fmt::Debug, K, X, Q, M, St, B> fmt::Debug for RateLimit<S, K, X, Q, M, St, B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RateLimit")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}
