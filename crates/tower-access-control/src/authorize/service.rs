use std::{
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{future::AuthorizeFuture, policy::Policy};

/// Calls the inner service with requests that its policy allows, and answers the others.
///
/// See the [crate](crate) documentation.
#[derive(Debug)]
pub struct Authorize<S, P> {
    inner: S,
    policy: Arc<P>,
}

impl<S, P> Authorize<S, P> {
    pub(super) const fn new(inner: S, policy: Arc<P>) -> Self {
        Self { inner, policy }
    }
}

impl<S, P, ReqB, ResB> Service<Request<ReqB>> for Authorize<S, P>
where
    S: Service<Request<ReqB>, Response = Response<ResB>>,
    P: Policy<ReqB>,
    ResB: Default,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = AuthorizeFuture<S::Future>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqB>) -> Self::Future {
        match self.policy.check(&mut request) {
            Ok(()) => AuthorizeFuture::call(self.inner.call(request)),
            Err(rejection) => AuthorizeFuture::refuse(rejection),
        }
    }
}

/// By hand, since sharing needs no `Clone` of the policy.
impl<S: Clone, P> Clone for Authorize<S, P> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            policy: Arc::clone(&self.policy),
        }
    }
}
