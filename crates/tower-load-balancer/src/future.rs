//! Futures of the services.

use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

pub use crate::failover::future::ResponseFuture as FailoverFuture;
use crate::{
    Classify, InFlight, Release,
    attempt::{Attempt, Outcome},
    error::Error,
};

pin_project! {
    /// The future of [`Balance`](crate::Balance).
    pub struct ResponseFuture<S, Request, C, R>
    where
        S: Service<Request>,
    {
        #[pin]
        stage: Stage<Attempt<S, Request>, S::Error, C, R>,
    }
}

pin_project! {
    #[project = StageProjection]
    enum Stage<A, E, C, R> {
        // The endpoint's answer.
        Sent {
            #[pin]
            attempt: A,
            in_flight: Option<InFlight>,
            classify: C,
            release: R,
        },
        // Nothing: no endpoint has the request.
        Refused { error: Option<Error<E>> },
    }
}

impl<S: Service<Request>, Request, C, R> ResponseFuture<S, Request, C, R> {
    pub(crate) fn sent(
        attempt: Attempt<S, Request>,
        in_flight: InFlight,
        classify: C,
        release: R,
    ) -> Self {
        let in_flight = Some(in_flight);
        Self {
            stage: Stage::Sent {
                attempt,
                in_flight,
                classify,
                release,
            },
        }
    }

    pub(crate) fn refused(error: Error<S::Error>) -> Self {
        Self {
            stage: Stage::Refused { error: Some(error) },
        }
    }
}

impl<S, Request, C, R> Future for ResponseFuture<S, Request, C, R>
where
    S: Service<Request>,
    C: Classify<S::Response, S::Error>,
    R: Release<S::Response>,
{
    type Output = Result<R::Response, Error<S::Error>>;

    // Whoever polls a future after its end, which nobody may, waits for ever.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().stage.project() {
            StageProjection::Sent {
                attempt,
                in_flight,
                classify,
                release,
            } => {
                let result = match ready!(attempt.poll(cx)) {
                    Outcome::Answered(result) => result,
                    Outcome::Unsent(error, _) => Err(error),
                };
                let verdict = classify.classify(result.as_ref());
                let Some(mut in_flight) = in_flight.take() else {
                    return Poll::Pending;
                };
                in_flight.judge(verdict);
                Poll::Ready(match result {
                    Ok(response) => Ok(release.release(response, in_flight)),
                    Err(error) => Err(Error::Inner(error)),
                })
            }
            StageProjection::Refused { error } => match error.take() {
                Some(error) => Poll::Ready(Err(error)),
                None => Poll::Pending,
            },
        }
    }
}

impl<S: Service<Request>, Request, C, R> fmt::Debug for ResponseFuture<S, Request, C, R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let stage = match self.stage {
            Stage::Sent { .. } => "sent",
            Stage::Refused { .. } => "refused",
        };
        f.debug_tuple("ResponseFuture").field(&stage).finish()
    }
}
