use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use super::{PassFuture, PassingBody};
use crate::{KeyProvider, policy::Policy};

/// Calls the inner service with bodies that are verified as they are read.
///
/// See the [module](super) documentation.
///
/// # Clone
///
/// The inner service has to be `Clone`: it is readied once the secrets are found.
#[derive(Debug, Clone)]
pub struct PassWebhook<S, K> {
    inner: S,
    policy: Arc<Policy>,
    keys: K,
}

impl<S, K> PassWebhook<S, K> {
    pub(super) fn new(inner: S, policy: Arc<Policy>, keys: K) -> Self {
        Self {
            inner,
            policy,
            keys,
        }
    }
}

impl<S, K, B, ResB> Service<Request<B>> for PassWebhook<S, K>
where
    K: KeyProvider,
    S: Service<Request<PassingBody<B>>, Response = Response<ResB>> + Clone,
    B: Body<Data = Bytes>,
    ResB: Default,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = PassFuture<S, S::Future, B, K::Future>;

    /// Always ready: `self.inner` is never called, only its clones, which the future readies.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let policy = Arc::clone(&self.policy);
        let version = request.version();
        match policy.admit(&request) {
            Ok(claim) => {
                let (head, body) = request.into_parts();
                let keys = self.keys.keys(&head);
                let inner = self.inner.clone();
                PassFuture::look_up(policy, version, keys, (claim, head, body, inner))
            }
            Err(rejection) => PassFuture::refuse(policy, version, rejection),
        }
    }
}
