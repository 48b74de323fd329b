use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tower_service::Service;

use super::{Error, Provider, ResponseFuture, Served};
use crate::{Classify, FailOnError, Repeat};

/// Asks providers in order until one answers well. See the [module](super) documentation.
///
/// A provider's readiness is asked for when its turn has come, not before. One that fails, by what
/// [`Classify`] says, or takes too long is followed by the next, if [`Repeat`] copied the request or
/// it was never sent. When nobody is left the caller gets what the last one said.
pub struct Fallback<N, S, Y, C = FailOnError> {
    pub(super) providers: Arc<[Provider<N, S>]>,
    pub(super) repeat: Y,
    pub(super) classify: C,
    deadline: Option<Duration>,
}

impl<N, S, Y> Fallback<N, S, Y> {
    /// Asks these, in this order; every error is a failure.
    #[must_use]
    pub fn new(providers: impl IntoIterator<Item = Provider<N, S>>, repeat: Y) -> Self {
        Self {
            providers: providers.into_iter().collect(),
            repeat,
            classify: FailOnError,
            deadline: None,
        }
    }
}

impl<N, S, Y, C> Fallback<N, S, Y, C> {
    /// Says what is a failure.
    #[must_use]
    pub fn classify<D>(self, classify: D) -> Fallback<N, S, Y, D> {
        Fallback {
            providers: self.providers,
            repeat: self.repeat,
            classify,
            deadline: self.deadline,
        }
    }

    /// How long all providers may take together: each has what those before it have left. By
    /// default they may take any time.
    #[must_use]
    pub fn deadline(mut self, time: Duration) -> Self {
        self.deadline = Some(time);
        self
    }
}

impl<N, S, Y, C, Request> Service<Request> for Fallback<N, S, Y, C>
where
    N: Clone,
    S: Service<Request> + Clone,
    Y: Repeat<Request> + Clone,
    C: Classify<S::Response, S::Error> + Clone,
{
    type Response = Served<N, S::Response>;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<N, S, Y, C, Request>;

    /// Always ready: who is asked turns out with the request.
    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        ResponseFuture::new(self.clone(), self.deadline, request)
    }
}

impl<N, S, Y: Clone, C: Clone> Clone for Fallback<N, S, Y, C> {
    // Not derived: the providers are shared, whatever they are.
    fn clone(&self) -> Self {
        Self {
            providers: self.providers.clone(),
            repeat: self.repeat.clone(),
            classify: self.classify.clone(),
            deadline: self.deadline,
        }
    }
}

impl<N: fmt::Debug, S, Y, C> fmt::Debug for Fallback<N, S, Y, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Fallback")
            .field("providers", &self.providers)
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
