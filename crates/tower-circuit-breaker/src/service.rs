use std::{
    fmt,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use tower_service::Service;

use crate::{
    Classify, FailOnError, circuit::Circuit, error::Error, future::ResponseFuture, pass::Pass,
};

/// Refuses calls while its circuit is open. See the [crate documentation](crate).
///
/// Clones share the circuit. A clone allocates once; no call does.
pub struct CircuitBreaker<S, C = FailOnError> {
    inner: S,
    link: Arc<Link<C>>,
    /// The last `poll_ready` did not ask the inner service, because the circuit was shut.
    skipped: bool,
}

/// One per clone of the service: its calls then count references here, where no other thread does,
/// instead of at the circuit all threads share.
#[derive(Debug)]
pub(crate) struct Link<C> {
    pub(crate) circuit: Arc<Circuit>,
    pub(crate) classifier: Arc<C>,
}

impl<S, C> CircuitBreaker<S, C> {
    pub(crate) fn new(inner: S, circuit: Arc<Circuit>, classifier: Arc<C>) -> Self {
        Self {
            inner,
            link: Arc::new(Link {
                circuit,
                classifier,
            }),
            skipped: false,
        }
    }
}

impl<S, C, Request> Service<Request> for CircuitBreaker<S, C>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error>,
{
    type Response = S::Response;
    type Error = Error<S::Error>;
    type Future = ResponseFuture<S::Future, C>;

    /// Ready at once while calls are refused, whatever the inner service waits for; it is asked
    /// again when they are not. Its errors pass through and are not recorded.
    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.skipped = self.link.circuit.is_shut();
        if !self.skipped {
            ready!(self.inner.poll_ready(cx)).map_err(Error::Inner)?;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request) -> Self::Future {
        let circuit = &self.link.circuit;
        let admitted = if self.skipped {
            // Even if a probe could pass by now: the inner service is not known to be ready.
            Err(circuit.refuse(circuit.retry_after().unwrap_or(Duration::ZERO)))
        } else {
            circuit.admit()
        };
        match admitted {
            Ok(permit) => {
                let mut pass = Pass::new(permit, Arc::clone(&self.link));
                let inner = pass.or_failure(|| self.inner.call(request));
                ResponseFuture::admitted(inner, pass)
            }
            Err(retry_after) => ResponseFuture::refused(retry_after),
        }
    }
}

// By hand: the classifier is shared, and a clone starts without knowing its inner service ready.
impl<S: Clone, C> Clone for CircuitBreaker<S, C> {
    fn clone(&self) -> Self {
        Self::new(
            self.inner.clone(),
            Arc::clone(&self.link.circuit),
            Arc::clone(&self.link.classifier),
        )
    }
}

// By hand: a closure has no `Debug`.
impl<S: fmt::Debug, C> fmt::Debug for CircuitBreaker<S, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CircuitBreaker")
            .field("inner", &self.inner)
            .field("circuit", &self.link.circuit)
            .finish_non_exhaustive()
    }
}
