use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
};

use tower_service::Service;

use crate::{
    AtResponse, Classify, Endpoints, FailOnError, Failover, InFlight, Policy, Release,
    attempt::Attempt, error::Error, future::ResponseFuture,
};

/// Sends each request to one endpoint of a set. See the [crate](crate) documentation.
pub struct Balance<K, S, P, C = FailOnError, R = AtResponse> {
    endpoints: Endpoints<K, S>,
    policy: Arc<P>,
    pub(crate) classify: C,
    pub(crate) release: R,
}

impl<K, S, P> Balance<K, S, P> {
    /// Picks by `policy`. Every error of an endpoint is a failure of it, and a request is in flight
    /// until there is a response.
    #[must_use]
    pub fn new(endpoints: Endpoints<K, S>, policy: P) -> Self {
        Self {
            endpoints,
            policy: Arc::new(policy),
            classify: FailOnError,
            release: AtResponse,
        }
    }
}

impl<K, S, P, C, R> Balance<K, S, P, C, R> {
    /// Says what is a failure of an endpoint.
    #[must_use]
    pub fn classify<D>(self, classify: D) -> Balance<K, S, P, D, R> {
        Balance {
            endpoints: self.endpoints,
            policy: self.policy,
            classify,
            release: self.release,
        }
    }

    /// Says until when a request is in flight.
    #[must_use]
    pub fn release<T>(self, release: T) -> Balance<K, S, P, C, T> {
        Balance {
            endpoints: self.endpoints,
            policy: self.policy,
            classify: self.classify,
            release,
        }
    }

    /// Sends a request that failed to another endpoint, when it may be repeated: see [`Failover`].
    #[must_use]
    pub fn failover<Y>(self, repeat: Y) -> Failover<K, S, P, C, R, Y> {
        Failover::new(self, repeat)
    }

    /// The set that requests go to.
    #[must_use]
    pub fn endpoints(&self) -> &Endpoints<K, S> {
        &self.endpoints
    }

    /// Picks an endpoint that is not in `tried`, and starts the request there. The request comes
    /// back when there is none.
    #[expect(clippy::type_complexity, reason = "two pairs, each used once")]
    pub(crate) fn start<Request>(
        &self,
        request: Request,
        tried: &[u64],
    ) -> Result<(Attempt<S, Request>, InFlight), (Error<S::Error>, Request)>
    where
        S: Service<Request> + Clone,
        P: Policy<Request>,
    {
        let snapshot = self.endpoints.snapshot();
        match snapshot.pick(self.endpoints.pool(), &*self.policy, &request, tried) {
            Ok((service, in_flight)) => Ok((Attempt::new(service.clone(), request), in_flight)),
            Err(error) => Err((error, request)),
        }
    }

    /// The request goes to nobody.
    pub(crate) fn refused<E>(&self, error: &Error<E>) {
        let cause = match error {
            Error::Empty => "empty",
            Error::Full => "full",
            Error::Inner(_) => return,
        };
        let metrics = self.endpoints.pool().settings().metrics;
        metrics.refused(cause);
    }
}

impl<K, S, P, C, R, Request> Service<Request> for Balance<K, S, P, C, R>
where
    S: Service<Request> + Clone,
    P: Policy<Request>,
    C: Classify<S::Response, S::Error> + Clone,
    R: Release<S::Response> + Clone,
{
    type Response = R::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S, Request, C, R>;

    /// Always ready: which endpoint is asked, and whether it is ready, turns out with the request.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        match self.start(request, &[]) {
            Ok((attempt, in_flight)) => {
                let (classify, release) = (self.classify.clone(), self.release.clone());
                ResponseFuture::sent(attempt, in_flight, classify, release)
            }
            Err((error, _)) => {
                self.refused(&error);
                ResponseFuture::refused(error)
            }
        }
    }
}

impl<K, S, P, C: Clone, R: Clone> Clone for Balance<K, S, P, C, R> {
    // Not derived: the set and the policy are shared, whatever they are.
    fn clone(&self) -> Self {
        Self {
            endpoints: self.endpoints.clone(),
            policy: self.policy.clone(),
            classify: self.classify.clone(),
            release: self.release.clone(),
        }
    }
}

impl<K, S, P: fmt::Debug, C, R> fmt::Debug for Balance<K, S, P, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Balance")
            .field("endpoints", &self.endpoints)
            .field("policy", &self.policy)
            .finish_non_exhaustive()
    }
}
