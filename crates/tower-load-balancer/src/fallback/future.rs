use std::{
    fmt,
    future::Future,
    pin::Pin,
    task::{Context, Poll},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};
use tower_service::Service;

use super::{Error, Fallback, Provider, Served};
use crate::{
    Classify, Repeat, Verdict,
    attempt::{Attempt, Outcome},
};

pin_project! {
    /// The future of [`Fallback`].
    pub struct ResponseFuture<N, S, Y, C, Request>
    where
        S: Service<Request>,
    {
        fallback: Fallback<N, S, Y, C>,
        // The provider that is asked next, or is being asked.
        turn: usize,
        // To be sent to it; once it is, its copy for another one.
        request: Option<Request>,
        #[pin]
        attempt: Option<Attempt<S, Request>>,
        #[pin]
        limit: Option<Sleep>,
        deadline: Option<Instant>,
        last: Option<Answer<N, S::Response, S::Error>>,
    }
}

type Answer<N, Response, E> = Result<Served<N, Response>, Error<E>>;

impl<N, S, Y, C, Request> ResponseFuture<N, S, Y, C, Request>
where
    S: Service<Request>,
{
    pub(super) fn new(
        fallback: Fallback<N, S, Y, C>,
        deadline: Option<Duration>,
        request: Request,
    ) -> Self {
        Self {
            fallback,
            turn: 0,
            request: Some(request),
            attempt: None,
            limit: None,
            // One that the clock cannot say is as good as none.
            deadline: deadline.and_then(|time| Instant::now().checked_add(time)),
            last: Some(Err(Error::NoProvider)),
        }
    }
}

impl<N, S, Y, C, Request> Future for ResponseFuture<N, S, Y, C, Request>
where
    N: Clone,
    S: Service<Request> + Clone,
    Y: Repeat<Request>,
    C: Classify<S::Response, S::Error>,
{
    type Output = Answer<N, S::Response, S::Error>;

    // Whoever polls a future after its end, which nobody may, waits for ever.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let Some(attempt) = this.attempt.as_mut().as_pin_mut() else {
                let providers = &this.fallback.providers;
                while providers.get(*this.turn).is_some_and(Provider::is_skipped) {
                    *this.turn += 1;
                }
                let next = providers.get(*this.turn);
                let (Some(provider), Some(request)) = (next, this.request.take()) else {
                    return this.last.take().map_or(Poll::Pending, Poll::Ready);
                };
                if *this.turn + 1 < providers.len() {
                    *this.request = this.fallback.repeat.copy(&request);
                }
                let at_most = provider
                    .at_most
                    .map(|time| Instant::now().checked_add(time));
                let limit = at_most.flatten().into_iter().chain(*this.deadline).min();
                this.limit.set(limit.map(sleep_until));
                this.attempt
                    .set(Some(Attempt::new(provider.service.clone(), request)));
                continue;
            };

            let result = match attempt.poll(cx) {
                Poll::Ready(Outcome::Answered(result)) => result,
                Poll::Ready(Outcome::Unsent(error, request)) => {
                    *this.request = request;
                    Err(error)
                }
                Poll::Pending => {
                    let limit = this.limit.as_mut().as_pin_mut();
                    if limit.is_none_or(|limit| limit.poll(cx).is_pending()) {
                        return Poll::Pending;
                    }
                    this.attempt.set(None);
                    *this.turn += 1;
                    *this.last = Some(Err(Error::TimedOut));
                    if this
                        .deadline
                        .is_some_and(|deadline| deadline <= Instant::now())
                    {
                        *this.request = None;
                        *this.last = Some(Err(Error::DeadlineExceeded));
                    }
                    continue;
                }
            };
            this.attempt.set(None);
            let verdict = this.fallback.classify.classify(result.as_ref());
            *this.last = Some(match result {
                Ok(response) => {
                    let provider = this.fallback.providers[*this.turn].name.clone();
                    Ok(Served { provider, response })
                }
                Err(error) => Err(Error::Inner(error)),
            });
            *this.turn += 1;
            if verdict == Verdict::Success {
                *this.request = None;
            }
        }
    }
}

impl<N, S, Y, C, Request> fmt::Debug for ResponseFuture<N, S, Y, C, Request>
where
    S: Service<Request>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture")
            .field("turn", &self.turn)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}
