use std::{
    mem,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::{Replay, ReplayFuture, ReplayStore, layer::Terms};
use crate::Verified;

/// Calls the inner service once for each verified delivery, and answers the rest.
///
/// See the [crate](crate) documentation.
///
/// # Clone
///
/// The inner service and the store have to be `Clone`: the ready service waits in the future until
/// the store has answered.
#[derive(Debug, Clone)]
pub struct ReplayGuard<S, R> {
    inner: S,
    store: R,
    terms: Terms,
}

impl<S, R> ReplayGuard<S, R> {
    pub(super) fn new(inner: S, store: R, terms: Terms) -> Self {
        Self {
            inner,
            store,
            terms,
        }
    }
}

impl<S, R, B, ResB> Service<Request<B>> for ReplayGuard<S, R>
where
    S: Service<Request<B>, Response = Response<ResB>> + Clone,
    R: ReplayStore + Clone,
    ResB: Default,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = ReplayFuture<S, R, B>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let next = self.inner.clone();
        let inner = mem::replace(&mut self.inner, next);
        match request.extensions().get::<Verified>() {
            Some(verified) => {
                let key = verified.replay_key();
                ReplayFuture::claim(self.store.clone(), key, self.terms, inner, request)
            }
            None => ReplayFuture::answer(Replay::Unverified),
        }
    }
}
