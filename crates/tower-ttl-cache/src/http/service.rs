use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{
    ask::Ask,
    body::CacheBody,
    future::{Purpose, ResponseFuture},
    key::{Key, Resource},
    policy::{Plan, Policy},
    shared::Shared,
    store::{MemoryStore, Store},
};

/// Answers requests from a store where it may, and fills the store where it may not.
///
/// Made by [`HttpCacheLayer`](crate::HttpCacheLayer). See the [crate documentation](crate).
///
/// # Readiness
///
/// Always ready: an answer from the store needs nothing of the inner service, so a saturated one
/// does not hold up hits. A miss waits for the readiness of the inner service in its future, and
/// an error of that readiness is an error of the call.
///
/// # Clone
///
/// The inner service is cloned for every call, because a miss is known only after the call has
/// returned its future and the future then needs a service of its own to drive. The clone is the
/// instance that is polled and called; the original is never polled. Clones of the cache share
/// the store.
#[derive(Debug)]
pub struct HttpCache<S, St = MemoryStore> {
    inner: S,
    shared: Arc<Shared<St>>,
    policy: Policy,
}

impl<S, St> HttpCache<S, St> {
    pub(crate) const fn new(inner: S, shared: Arc<Shared<St>>, policy: Policy) -> Self {
        Self {
            inner,
            shared,
            policy,
        }
    }
}

// Not derived: the store itself need not be `Clone`.
impl<S: Clone, St> Clone for HttpCache<S, St> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.shared), self.policy)
    }
}

impl<S, St, B, ResB> Service<Request<B>> for HttpCache<S, St>
where
    S: Service<Request<B>, Response = Response<ResB>> + Clone,
    St: Store,
    ResB: Body,
{
    type Response = Response<CacheBody<ResB, St>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, St>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let Self {
            inner,
            shared,
            policy,
        } = self;
        let purpose = match policy.plan(&request) {
            Plan::Bypass(reason) => Purpose::Forward(reason),
            Plan::Invalidate => Purpose::Invalidate(Resource::of(&request)),
            Plan::Lookup(wants) => {
                let key = Key::of(&request, policy.mode, &shared.seed);
                Purpose::Answer(Ask::new(key, wants, *policy))
            }
        };
        ResponseFuture::new(inner.clone(), Arc::clone(shared), request, purpose)
    }
}
