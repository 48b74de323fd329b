use std::{
    fmt,
    future::Future,
    pin::Pin,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    task::{Context, Poll, ready},
    time::Duration,
};

use ::http::Response;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use super::{hint, service::PacingError, state::State};

pin_project! {
    /// The future of a [`ServerPacing`](super::ServerPacing).
    pub struct PacingFuture<S, Req>
    where
        S: Service<Req>,
    {
        shared: Arc<Mutex<State>>,
        max_wait: Duration,
        arrived: Option<Instant>,
        // The inner service, not readied, and the request; gone once called.
        call: Option<(S, Req)>,
        under_way: Option<UnderWay>,
        #[pin]
        step: Step<S::Future>,
    }
}

pin_project! {
    #[project = StepProj]
    enum Step<F> {
        // Asks whether it may start.
        Asking,
        // Polls the timer after which to ask again.
        Waiting { #[pin] timer: Sleep },
        // Polls the inner service's readiness.
        Readying,
        // Polls the inner service's future.
        Calling { #[pin] future: F },
        Done,
    }
}

/// A call that may start; dropped, it has ended.
struct UnderWay {
    shared: Arc<Mutex<State>>,
    called: bool,
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        let mut state = lock(&self.shared);
        if self.called {
            state.end();
        } else {
            state.give_back();
        }
    }
}

/// Poison is ignored: nothing under this lock can leave it half changed.
fn lock(state: &Mutex<State>) -> MutexGuard<'_, State> {
    state.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<S: Service<Req>, Req> PacingFuture<S, Req> {
    pub(super) const fn new(
        inner: S,
        request: Req,
        shared: Arc<Mutex<State>>,
        max_wait: Duration,
    ) -> Self {
        Self {
            shared,
            max_wait,
            arrived: None,
            call: Some((inner, request)),
            under_way: None,
            step: Step::Asking,
        }
    }
}

impl<S, Req, C> Future for PacingFuture<S, Req>
where
    S: Service<Req, Response = Response<C>>,
{
    type Output = Result<Response<C>, PacingError<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let outcome = loop {
            match this.step.as_mut().project() {
                StepProj::Asking => {
                    let now = Instant::now();
                    let arrived = *this.arrived.get_or_insert(now);
                    let asked = lock(this.shared).start(now);
                    match asked {
                        Ok(()) => {
                            *this.under_way = Some(UnderWay {
                                shared: Arc::clone(this.shared),
                                called: false,
                            });
                            this.step.set(Step::Readying);
                        }
                        Err(wait) if (now - arrived).saturating_add(wait) > *this.max_wait => {
                            break Err(PacingError::Held { retry_after: wait });
                        }
                        Err(wait) => this.step.set(Step::Waiting { timer: sleep(wait) }),
                    }
                }
                StepProj::Waiting { timer } => {
                    ready!(timer.poll(cx));
                    this.step.set(Step::Asking);
                }
                StepProj::Readying => {
                    let Some((inner, _)) = this.call else {
                        return Poll::Pending;
                    };
                    if let Err(error) = ready!(inner.poll_ready(cx)) {
                        break Err(PacingError::Inner(error));
                    }
                    let Some((mut inner, request)) = this.call.take() else {
                        return Poll::Pending;
                    };
                    let future = inner.call(request);
                    if let Some(under_way) = this.under_way {
                        under_way.called = true;
                    }
                    this.step.set(Step::Calling { future });
                }
                StepProj::Calling { future } => {
                    let outcome = ready!(future.poll(cx)).map_err(PacingError::Inner);
                    // In its own count no longer, and then what it was told.
                    *this.under_way = None;
                    if let Ok(response) = &outcome {
                        let hint = hint::read(response.status(), response.headers());
                        lock(this.shared).learn(Instant::now(), hint);
                    }
                    break outcome;
                }
                StepProj::Done => return Poll::Pending,
            }
        };
        *this.under_way = None;
        this.call.take();
        this.step.set(Step::Done);
        Poll::Ready(outcome)
    }
}

impl<S: Service<Req>, Req> fmt::Debug for PacingFuture<S, Req> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PacingFuture").finish_non_exhaustive()
    }
}
