use std::{
    fmt,
    num::NonZeroU8,
    task::{Context, Poll},
};

use tower_service::Service;

use super::{Repeat, future::ResponseFuture};
use crate::{Balance, Classify, Policy, Release, error::Error};

/// Sends a request that failed to another endpoint.
///
/// What failed is what [`Classify`] says failed: an error, or a response that is one. When that
/// happens, the copy that [`Repeat`] made goes to an endpoint that has not had it, of the same or a
/// later priority. There is no wait in between, since the other endpoint has nothing to do with it.
/// When there is no other endpoint, or the last attempt failed, the caller gets what it said.
///
/// A request whose endpoint was never [ready](Service::poll_ready) was not sent: it goes to another
/// endpoint in any case, without a copy.
pub struct Failover<K, S, P, C, R, Y> {
    balance: Balance<K, S, P, C, R>,
    repeat: Y,
    attempts: NonZeroU8,
}

impl<K, S, P, C, R, Y> Failover<K, S, P, C, R, Y> {
    pub(crate) const fn new(balance: Balance<K, S, P, C, R>, repeat: Y) -> Self {
        Self {
            balance,
            repeat,
            attempts: NonZeroU8::MIN.saturating_add(2),
        }
    }

    /// How many endpoints have the request at most, the first one included. The default is 3: with
    /// more, a request that breaks whoever gets it breaks them all.
    #[must_use]
    pub fn attempts(mut self, attempts: NonZeroU8) -> Self {
        self.attempts = attempts;
        self
    }
}

impl<K, S, P, C, R, Y, Request> Service<Request> for Failover<K, S, P, C, R, Y>
where
    S: Service<Request> + Clone,
    P: Policy<Request>,
    C: Classify<S::Response, S::Error> + Clone,
    R: Release<S::Response> + Clone,
    Y: Repeat<Request> + Clone,
{
    type Response = R::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<K, S, P, C, R, Y, Request>;

    /// Always ready, as [`Balance`] is.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let left = self.attempts.get() - 1;
        ResponseFuture::new(self.balance.clone(), self.repeat.clone(), left, request)
    }
}

impl<K, S, P, C: Clone, R: Clone, Y: Clone> Clone for Failover<K, S, P, C, R, Y> {
    // Not derived: the set and the policy are shared, whatever they are.
    fn clone(&self) -> Self {
        Self {
            balance: self.balance.clone(),
            repeat: self.repeat.clone(),
            attempts: self.attempts,
        }
    }
}

impl<K, S, P: fmt::Debug, C, R, Y> fmt::Debug for Failover<K, S, P, C, R, Y> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Failover")
            .field("balance", &self.balance)
            .field("attempts", &self.attempts)
            .finish_non_exhaustive()
    }
}
