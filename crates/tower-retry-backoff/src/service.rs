use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use crate::{Policy, ResponseFuture, layer::Settings, operation::Operation};

/// Repeats calls to `S` as the policy `P` says. Made by [`RetryLayer`](crate::RetryLayer); see the
/// [crate](crate) page.
pub struct Retry<S, P> {
    inner: S,
    settings: Arc<Settings<P>>,
}

impl<S, P> Retry<S, P> {
    pub(crate) fn new(inner: S, settings: Arc<Settings<P>>) -> Self {
        Self { inner, settings }
    }
}

impl<S, P, R> Service<R> for Retry<S, P>
where
    S: Service<R> + Clone,
    P: Policy<R, S::Response, S::Error>,
    R: Clone,
{
    type Response = S::Response;
    type Error = S::Error;
    type Future = ResponseFuture<S, P, R>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: R) -> Self::Future {
        let tag = match self.settings.limits.permit_after(1) {
            true => self.settings.policy.tag(&request),
            false => None,
        };
        let Some(tag) = tag else {
            return ResponseFuture::once(self.inner.call(request));
        };
        let (service, kept) = (self.inner.clone(), request.clone());
        self.settings.policy.prepare(&tag, &mut request, 1);
        let operation = Operation::new(service, kept, tag, 1, Arc::clone(&self.settings));
        // The instance that was polled makes the first attempt; the clone is polled before its own.
        ResponseFuture::repeated(self.inner.call(request), operation)
    }
}

// By hand: sharing a policy needs no `P: Clone`.
impl<S: Clone, P> Clone for Retry<S, P> {
    fn clone(&self) -> Self {
        Self::new(self.inner.clone(), Arc::clone(&self.settings))
    }
}

impl<S: fmt::Debug, P> fmt::Debug for Retry<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Retry")
            .field("inner", &self.inner)
            .field("settings", &self.settings)
            .finish()
    }
}
