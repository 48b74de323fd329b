use std::{
    future::poll_fn,
    pin::pin,
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
    key::Key,
    location::Target,
    outcome::CacheOutcome,
    policy::Plan,
    refresh::Refresh,
    shared::{Settings, Shared},
    spawn::{NoSpawn, Spawn},
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
pub struct HttpCache<S, St = MemoryStore, Sp = NoSpawn> {
    inner: S,
    shared: Arc<Shared<St>>,
    settings: Arc<Settings>,
    spawn: Sp,
}

impl<S, St, Sp> HttpCache<S, St, Sp> {
    pub(crate) const fn new(
        inner: S,
        shared: Arc<Shared<St>>,
        settings: Arc<Settings>,
        spawn: Sp,
    ) -> Self {
        Self {
            inner,
            shared,
            settings,
            spawn,
        }
    }
}

impl<S, St, Sp> HttpCache<S, St, Sp> {
    /// Has a request answered and reads the response to its end, so that it is stored for those
    /// who come. With `Cache-Control: no-cache`, what is stored is validated or replaced.
    ///
    /// # Errors
    ///
    /// Those of the inner service. A body that fails is not stored, and that is all.
    pub async fn warm<B, ResB>(&mut self, request: Request<B>) -> Result<CacheOutcome, S::Error>
    where
        S: Service<Request<B>, Response = Response<ResB>> + Clone,
        St: Store,
        Sp: Spawn<Refresh<S, B, ResB, St>> + Clone,
        ResB: Body,
    {
        // This service is always ready.
        let response = self.call(request).await?;
        let outcome = response.extensions().get().copied();
        let mut body = pin!(response.into_body());
        while let Some(Ok(_)) = poll_fn(|cx| body.as_mut().poll_frame(cx)).await {}
        // Every response has one.
        Ok(outcome.unwrap_or(CacheOutcome::Miss))
    }
}

// Not derived: the store itself need not be `Clone`.
impl<S: Clone, St, Sp: Clone> Clone for HttpCache<S, St, Sp> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            Arc::clone(&self.shared),
            Arc::clone(&self.settings),
            self.spawn.clone(),
        )
    }
}

impl<S, St, Sp, B, ResB> Service<Request<B>> for HttpCache<S, St, Sp>
where
    S: Service<Request<B>, Response = Response<ResB>> + Clone,
    St: Store,
    Sp: Spawn<Refresh<S, B, ResB, St>> + Clone,
    ResB: Body,
{
    type Response = Response<CacheBody<ResB, St>>;
    type Error = S::Error;
    type Future = ResponseFuture<S, B, St, Sp>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        let policy = &self.settings.policy;
        let purpose = match policy.plan(&request) {
            Plan::Bypass(reason) => Purpose::Forward(reason),
            Plan::Invalidate => Purpose::Invalidate(Target::of(&request)),
            Plan::Lookup(wants) => {
                let key = Key::of(&request, wants.credential, policy.mode, &self.settings.seed);
                let settings = Arc::clone(&self.settings);
                Purpose::Answer(Ask::new(key, wants, &request, settings))
            }
        };
        ResponseFuture::new(
            self.inner.clone(),
            Arc::clone(&self.shared),
            Arc::clone(&self.settings),
            self.spawn.clone(),
            request,
            purpose,
        )
    }
}
