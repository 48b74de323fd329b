use std::{
    sync::Arc,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::{ResponseFuture, VerifiedBody, policy::Policy};

/// Calls the inner service with the requests whose signature is right, and answers the others.
///
/// See the [crate](crate) documentation.
///
/// # Clone
///
/// The inner service has to be `Clone`: it is readied per request, after the body is verified.
/// The crate documentation says why under "Readiness".
#[derive(Debug, Clone)]
pub struct VerifyWebhook<S> {
    inner: S,
    policy: Arc<Policy>,
}

impl<S> VerifyWebhook<S> {
    pub(crate) fn new(inner: S, policy: Arc<Policy>) -> Self {
        Self { inner, policy }
    }
}

impl<S, ReqB, ResB> Service<Request<ReqB>> for VerifyWebhook<S>
where
    S: Service<Request<VerifiedBody>, Response = Response<ResB>> + Clone,
    ReqB: Body<Data = Bytes>,
    ResB: Default,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = ResponseFuture<S, S::Future, ReqB>;

    /// Always ready: `self.inner` is never called, only its clones, which the future readies.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let policy = Arc::clone(&self.policy);
        match policy.admit(request.headers(), &request.body().size_hint()) {
            Ok(intake) => ResponseFuture::read(policy, request, intake, self.inner.clone()),
            Err(rejection) => ResponseFuture::refuse(policy, request.version(), rejection),
        }
    }
}
