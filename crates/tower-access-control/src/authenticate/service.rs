use std::{
    mem,
    sync::Arc,
    task::{Context, Poll},
};

use http::{Request, Response};
use tower_service::Service;

use super::future::AuthenticateFuture;
use crate::{Authenticator, Clock, Flaw, Presented, Rejection, SystemClock, challenge::Challenges};

/// Calls the inner service with requests whose credential is good, and answers the others.
///
/// See the [crate](crate) documentation.
///
/// # Clone
///
/// The inner service has to be `Clone`: the instance that is ready waits for the decision in the
/// future, and a clone takes its place.
#[derive(Debug)]
pub struct Authenticate<S, A, C = SystemClock> {
    inner: S,
    gate: Gate<A, C>,
}

#[derive(Debug)]
pub(super) struct Gate<A, C> {
    pub(super) authenticator: Arc<A>,
    pub(super) challenges: Arc<Challenges>,
    pub(super) clock: C,
}

impl<S, A, C> Authenticate<S, A, C> {
    pub(super) const fn new(inner: S, gate: Gate<A, C>) -> Self {
        Self { inner, gate }
    }
}

impl<S, A, C, ReqB, ResB> Service<Request<ReqB>> for Authenticate<S, A, C>
where
    S: Service<Request<ReqB>, Response = Response<ResB>> + Clone,
    A: Authenticator,
    A::Principal: Clone + Send + Sync + 'static,
    C: Clock,
    ResB: Default,
{
    type Response = Response<ResB>;
    type Error = S::Error;
    type Future = AuthenticateFuture<S, S::Future, ReqB, A::Future, A::Principal>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<ReqB>) -> Self::Future {
        let challenges = Arc::clone(&self.gate.challenges);
        let rejection = match self.gate.authenticator.present(request.headers()) {
            Ok(Presented::Credential(credential)) => {
                let now = self.gate.clock.now();
                let decision = self.gate.authenticator.verify(credential, now);
                let unready = self.inner.clone();
                let ready = mem::replace(&mut self.inner, unready);
                return AuthenticateFuture::decide(decision, ready, request, challenges);
            }
            Ok(Presented::Nothing) => Rejection::MissingCredential,
            Ok(Presented::Foreign) => Rejection::InvalidCredential(Flaw::Unknown),
            Err(rejection) => rejection,
        };
        AuthenticateFuture::refuse(rejection, challenges)
    }
}

/// By hand, since sharing needs no `Clone` of the authenticator.
impl<S: Clone, A, C: Clone> Clone for Authenticate<S, A, C> {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gate: Gate {
                authenticator: Arc::clone(&self.gate.authenticator),
                challenges: Arc::clone(&self.gate.challenges),
                clock: self.gate.clock.clone(),
            },
        }
    }
}
