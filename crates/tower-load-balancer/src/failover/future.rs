use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tower_service::Service;

use super::Repeat;
use crate::{
    Balance, Classify, InFlight, Policy, Release, Verdict,
    attempt::{Attempt, Outcome},
    error::Error,
};

pin_project! {
    /// The future of [`Failover`](crate::Failover).
    pub struct ResponseFuture<K, S, P, C, R, Y, Request>
    where
        S: Service<Request>,
    {
        balance: Balance<K, S, P, C, R>,
        repeat: Y,
        left: u8,
        // Empty, and so not allocated, until the first attempt has failed.
        tried: Vec<u64>,
        copy: Option<Request>,
        in_flight: Option<InFlight>,
        #[pin]
        attempt: Option<Attempt<S, Request>>,
        refused: Option<Error<S::Error>>,
    }
}

impl<K, S, P, C, R, Y, Request> ResponseFuture<K, S, P, C, R, Y, Request>
where
    S: Service<Request> + Clone,
    P: Policy<Request>,
    Y: Repeat<Request>,
{
    pub(super) fn new(
        balance: Balance<K, S, P, C, R>,
        repeat: Y,
        left: u8,
        request: Request,
    ) -> Self {
        let copy = if left > 0 {
            repeat.copy(&request)
        } else {
            None
        };
        let (attempt, in_flight, refused) = match balance.start(request, &[]) {
            Ok((attempt, in_flight)) => (Some(attempt), Some(in_flight), None),
            Err((error, _)) => {
                balance.refused(&error);
                (None, None, Some(error))
            }
        };
        Self {
            balance,
            repeat,
            left,
            tried: Vec::new(),
            copy,
            in_flight,
            attempt,
            refused,
        }
    }
}

impl<K, S, P, C, R, Y, Request> Future for ResponseFuture<K, S, P, C, R, Y, Request>
where
    S: Service<Request> + Clone,
    P: Policy<Request>,
    C: Classify<S::Response, S::Error>,
    R: Release<S::Response>,
    Y: Repeat<Request>,
{
    type Output = Result<R::Response, Error<S::Error>>;

    // Whoever polls a future after its end, which nobody may, waits for ever.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let Some(attempt) = this.attempt.as_mut().as_pin_mut() else {
                return match this.refused.take() {
                    Some(error) => Poll::Ready(Err(error)),
                    None => Poll::Pending,
                };
            };
            let (result, unsent) = match ready!(attempt.poll(cx)) {
                Outcome::Answered(result) => (result, None),
                Outcome::Unsent(error, request) => (Err(error), request),
            };
            let verdict = this.balance.classify.classify(result.as_ref());
            let Some(mut in_flight) = this.in_flight.take() else {
                return Poll::Pending;
            };
            in_flight.judge(verdict);

            let again = if verdict == Verdict::Success || *this.left == 0 {
                None
            } else {
                unsent.or_else(|| this.copy.take())
            };
            if let Some(request) = again {
                this.tried.push(in_flight.endpoint());
                *this.left -= 1;
                *this.copy = if *this.left > 0 {
                    this.repeat.copy(&request)
                } else {
                    None
                };
                if let Ok((attempt, in_flight)) = this.balance.start(request, this.tried) {
                    this.balance
                        .endpoints()
                        .pool()
                        .settings()
                        .metrics
                        .failed_over();
                    *this.in_flight = Some(in_flight);
                    this.attempt.set(Some(attempt));
                    continue;
                }
            }
            return Poll::Ready(match result {
                Ok(response) => Ok(this.balance.release.release(response, in_flight)),
                Err(error) => Err(Error::Inner(error)),
            });
        }
    }
}

impl<K, S, P, C, R, Y, Request> fmt::Debug for ResponseFuture<K, S, P, C, R, Y, Request>
where
    S: Service<Request>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("attempt", &self.attempt)
            .field("left", &self.left)
            .finish_non_exhaustive()
    }
}
