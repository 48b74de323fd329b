use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::{KeyProvider, ResponseFuture, Secrets, VerifiedBody, policy::Policy};

/// Calls the inner service with the requests whose signature is right, and answers the others.
///
/// See the [crate](crate) documentation.
///
/// # Clone
///
/// The inner service has to be `Clone`: it is readied per request, after the body is verified.
/// The crate documentation says why under "Readiness".
#[derive(Debug, Clone)]
pub struct VerifyWebhook<S, K = Secrets> {
    inner: S,
    policy: Arc<Policy>,
    keys: K,
}

impl<S, K> VerifyWebhook<S, K> {
    pub(crate) fn new(inner: S, policy: Arc<Policy>, keys: K) -> Self {
        Self {
            inner,
            policy,
            keys,
        }
    }
}

impl<S, K, ReqB, ResB> Service<Request<ReqB>> for VerifyWebhook<S, K>
where
    K: KeyProvider,
    S: Service<Request<VerifiedBody>, Response = Response<ResB>> + Clone,
    ReqB: Body<Data = Bytes>,
    ResB: Default,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = ResponseFuture<S, S::Future, ReqB, K::Future>;

    /// Always ready: `self.inner` is never called, only its clones, which the future readies.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let policy = Arc::clone(&self.policy);
        match policy.admit(&request) {
            Ok(claim) => {
                let version = request.version();
                let (head, body) = request.into_parts();
                let keys = self.keys.keys(&head);
                let inner = self.inner.clone();
                ResponseFuture::look_up(policy, version, keys, claim, head, body, inner)
            }
            Err(rejection) => ResponseFuture::refuse(policy, request.version(), rejection),
        }
    }
}
