use std::{
    fmt,
    pin::Pin,
    task::{Context, Poll, ready},
};

use pin_project_lite::pin_project;
use tokio::time::{Sleep, sleep};
use tower_service::Service;

use crate::{Policy, operation::Operation};

pin_project! {
    /// Response future of [`Retry`](crate::Retry).
    pub struct ResponseFuture<S, P, R>
    where
        S: Service<R>,
        P: Policy<R, S::Response, S::Error>,
    {
        #[pin]
        pub(crate) call: Call<S::Future, Operation<S, P, R, P::Tag>>,
    }
}

pin_project! {
    #[project = CallProj]
    pub(crate) enum Call<F, O> {
        // The request must not be repeated: polls its one attempt.
        Once { #[pin] attempt: F },
        // Polls what `state` says.
        Repeated { #[pin] state: State<F>, operation: O },
    }
}

pin_project! {
    #[project = StateProj]
    pub(crate) enum State<F> {
        // Polls the attempt.
        Attempt { #[pin] attempt: F },
        // Polls the timer.
        Delay { #[pin] sleep: Sleep },
        // Polls the operation's own service until it is ready for the next attempt.
        Ready,
    }
}

impl<S, P, R> ResponseFuture<S, P, R>
where
    S: Service<R>,
    P: Policy<R, S::Response, S::Error>,
{
    pub(crate) fn once(attempt: S::Future) -> Self {
        Self {
            call: Call::Once { attempt },
        }
    }

    pub(crate) fn repeated(attempt: S::Future, operation: Operation<S, P, R, P::Tag>) -> Self {
        Self {
            call: Call::Repeated {
                state: State::Attempt { attempt },
                operation,
            },
        }
    }
}

impl<S, P, R> Future for ResponseFuture<S, P, R>
where
    S: Service<R>,
    P: Policy<R, S::Response, S::Error>,
    R: Clone,
{
    type Output = Result<S::Response, S::Error>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let (mut state, operation) = match self.project().call.project() {
            CallProj::Once { attempt } => return attempt.poll(cx),
            CallProj::Repeated { state, operation } => (state, operation),
        };
        loop {
            let next = match state.as_mut().project() {
                StateProj::Attempt { attempt } => {
                    let Poll::Ready(result) = attempt.poll(cx) else {
                        operation.note_the_time();
                        return Poll::Pending;
                    };
                    match operation.delay_after(result.as_ref()) {
                        Some(delay) => State::Delay {
                            sleep: sleep(delay),
                        },
                        None => return Poll::Ready(operation.finish(result)),
                    }
                }
                StateProj::Delay { sleep } => {
                    ready!(sleep.poll(cx));
                    State::Ready
                }
                StateProj::Ready => match ready!(operation.service.poll_ready(cx)) {
                    Ok(()) => State::Attempt {
                        attempt: operation.start_attempt(),
                    },
                    Err(error) => return Poll::Ready(operation.finish(Err(error))),
                },
            };
            state.set(next);
        }
    }
}

impl<S, P, R> fmt::Debug for ResponseFuture<S, P, R>
where
    S: Service<R>,
    P: Policy<R, S::Response, S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ResponseFuture").finish_non_exhaustive()
    }
}
