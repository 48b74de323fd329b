use std::{
    fmt,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use crate::{Delays, Policy, Retried, Verdict, layer::Settings};

pin_project! {
    /// Response future of [`Retry`](crate::Retry).
    pub struct ResponseFuture<S, P, R>
    where
        S: Service<R>,
        P: Policy<R, S::Response, S::Error>,
    {
        #[pin]
        call: Call<S::Future, Operation<S, P, R, P::Tag>>,
    }
}

pin_project! {
    #[project = CallProj]
    enum Call<F, O> {
        // The request must not be repeated: polls its one attempt.
        Once { #[pin] attempt: F },
        // Polls what `state` says.
        Repeated { #[pin] state: State<F>, operation: O },
    }
}

pin_project! {
    #[project = StateProj]
    enum State<F> {
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
                    let result = ready!(attempt.poll(cx));
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

/// A request that may be repeated, and how far it got.
pub(crate) struct Operation<S, P, R, T> {
    // Unready until polled; makes all attempts but the first.
    service: S,
    // Taken by the last permitted attempt.
    request: Option<R>,
    tag: T,
    settings: Arc<Settings<P>>,
    began: Instant,
    // Attempts made, and being made.
    attempts: u32,
    waited: Duration,
    // Drawn from since the first failure.
    delays: Option<Delays>,
}

impl<S, P, R, T> Operation<S, P, R, T> {
    pub(crate) fn new(service: S, request: R, tag: T, settings: Arc<Settings<P>>) -> Self {
        Self {
            service,
            request: Some(request),
            tag,
            settings,
            began: Instant::now(),
            attempts: 1,
            waited: Duration::ZERO,
            delays: None,
        }
    }
}

impl<S, P, R> Operation<S, P, R, P::Tag>
where
    S: Service<R>,
    P: Policy<R, S::Response, S::Error>,
    R: Clone,
{
    /// The delay before another attempt, or `None` if `result` is the last one.
    fn delay_after(&mut self, result: Result<&S::Response, &S::Error>) -> Option<Duration> {
        let settings = &*self.settings;
        let Verdict::Retry { after } = settings.policy.verdict(&self.tag, result) else {
            return None;
        };
        let delays = self
            .delays
            .get_or_insert_with(|| settings.backoff.delays(settings.seeds.draw()));
        let delay = settings
            .limits
            .delay(self.attempts, self.began.elapsed(), after, delays);
        match delay {
            Some(delay) => self.waited = self.waited.saturating_add(delay),
            None => settings.stats.call_gave_up(),
        }
        delay
    }

    fn start_attempt(&mut self) -> S::Future {
        self.attempts = self.attempts.saturating_add(1);
        let kept = match self.settings.limits.permit_after(self.attempts) {
            true => self.request.clone(),
            false => self.request.take(),
        };
        let Some(mut request) = kept else {
            unreachable!("`delay_after` permits no attempt after the one that takes the request");
        };
        self.settings.stats.retry_started();
        self.settings
            .policy
            .prepare(&self.tag, &mut request, self.attempts);
        self.service.call(request)
    }

    fn finish(&self, mut result: Result<S::Response, S::Error>) -> Result<S::Response, S::Error> {
        let retried = Retried {
            attempts: self.attempts,
            waited: self.waited,
        };
        self.settings.policy.finish(&self.tag, &mut result, retried);
        result
    }
}
