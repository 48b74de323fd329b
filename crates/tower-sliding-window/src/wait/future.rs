use std::{
    fmt,
    future::Future,
    hash::Hash,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll, ready},
    time::Duration,
};

use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep};
use tower_service::Service;

use super::{
    Wait,
    queue::{Arrival, Ticket},
};
use crate::{
    Charge, Denied, KeyExtractor, Quotas, Store,
    error::Error,
    limiter::{Limiter, Subject},
};

pin_project! {
    /// The future of a [`RateLimit`](crate::RateLimit) that waits; see [`Wait`].
    pub struct WaitFuture<S, Req, K, X, Q, St>
    where
        S: Service<Req>,
        St: Store<K>,
        K: Hash,
        K: Eq,
    {
        limiter: Arc<Limiter<K, X, Q, Wait<K>, St>>,
        // The inner service, not readied, and the request; gone once called.
        call: Option<(S, Req)>,
        #[pin]
        state: State<K, St::Admit, S::Future>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<K, A, F>
    where
        K: Hash,
        K: Eq,
    {
        // Not polled yet.
        Arriving,
        // Polls the timer, or its place in line, or the store's decision.
        Waiting {
            arrived: Instant,
            ticket: Ticket<K>,
            #[pin]
            timer: Option<Sleep>,
            admit: Option<A>,
            // Whether it counts among those that waited.
            counted: bool,
        },
        // Polls the inner service's readiness.
        Readying,
        // Polls the inner service's future.
        Calling { #[pin] future: F },
        Done,
    }
}

impl<S, Req, K, X, Q, St> WaitFuture<S, Req, K, X, Q, St>
where
    S: Service<Req>,
    St: Store<K>,
    K: Hash + Eq,
{
    pub(crate) const fn new(
        inner: S,
        request: Req,
        limiter: Arc<Limiter<K, X, Q, Wait<K>, St>>,
    ) -> Self {
        Self {
            limiter,
            call: Some((inner, request)),
            state: State::Arriving,
        }
    }
}

impl<S, Req, K, X, Q, St> Future for WaitFuture<S, Req, K, X, Q, St>
where
    S: Service<Req>,
    St: Store<K>,
    K: Hash + Eq + Clone,
    X: KeyExtractor<Req, Key = K>,
    Q: Quotas<K>,
{
    type Output = Result<S::Response, Error<S::Error>>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        loop {
            let outcome = match this.state.as_mut().project() {
                StateProj::Arriving => {
                    let Some((_, request)) = this.call else {
                        return Poll::Pending;
                    };
                    match arrive(this.limiter, request, cx) {
                        Ok(next) => {
                            this.state.set(next);
                            continue;
                        }
                        Err(error) => Err(error),
                    }
                }
                StateProj::Waiting {
                    arrived,
                    ticket,
                    mut timer,
                    admit,
                    counted,
                } => {
                    if let Some(running) = timer.as_mut().as_pin_mut() {
                        ready!(running.poll(cx));
                        timer.set(None);
                    }
                    if admit.is_none() {
                        if !ticket.poll_head(cx.waker()) {
                            return Poll::Pending;
                        }
                        *admit = this.limiter.admit(ticket.key());
                    }
                    let decision = match admit {
                        Some(admit) => ready!(Pin::new(admit).poll(cx)).map(|_| ()),
                        // Its quota was taken away while it waited.
                        None => Ok(()),
                    };
                    *admit = None;
                    match decision {
                        Ok(()) => {
                            this.limiter.counts.admitted();
                            // Leaves the line, which wakes the next.
                            this.state.set(State::Readying);
                            continue;
                        }
                        Err(denied) if too_late(*arrived, denied, this.limiter.mode.max_wait) => {
                            this.limiter.counts.denied();
                            Err(Error::Denied(denied))
                        }
                        Err(denied) => {
                            if !*counted {
                                this.limiter.counts.waited();
                                *counted = true;
                            }
                            ticket.told(denied.retry_after);
                            timer.set(Some(sleep(denied.retry_after)));
                            continue;
                        }
                    }
                }
                StateProj::Readying => {
                    let Some((inner, _)) = this.call else {
                        return Poll::Pending;
                    };
                    match ready!(inner.poll_ready(cx)) {
                        Ok(()) => {
                            let Some((mut inner, request)) = this.call.take() else {
                                return Poll::Pending;
                            };
                            let future = inner.call(request);
                            this.state.set(State::Calling { future });
                            continue;
                        }
                        Err(inner) => Err(Error::Inner(inner)),
                    }
                }
                StateProj::Calling { future } => ready!(future.poll(cx)).map_err(Error::Inner),
                StateProj::Done => return Poll::Pending,
            };
            this.call.take();
            this.state.set(State::Done);
            return Poll::Ready(outcome);
        }
    }
}

fn arrive<Req, K, X, Q, St, F, E>(
    limiter: &Limiter<K, X, Q, Wait<K>, St>,
    request: &Req,
    cx: &mut Context<'_>,
) -> Result<State<K, St::Admit, F>, Error<E>>
where
    K: Hash + Eq + Clone,
    X: KeyExtractor<Req, Key = K>,
    Q: Quotas<K>,
    St: Store<K>,
{
    let key = match limiter.subject(request) {
        Subject::Own(key) => key,
        Subject::Shared(key) => key.clone(),
        Subject::Exempt => return Ok(State::Readying),
        Subject::Missing => return Err(Error::MissingKey),
    };
    let tiers = limiter.quotas.quotas(&key);
    let Some((&quota, further)) = tiers.as_ref().split_first() else {
        return Ok(State::Readying);
    };
    let Wait {
        max_wait,
        max_waiters,
        queues,
    } = &limiter.mode;
    let ask = |key: &K| {
        let mut admit = limiter
            .store
            .admit(Charge::new(key, quota).further(further));
        let answer = Pin::new(&mut admit).poll(cx);
        (admit, answer)
    };
    let arrived = Instant::now();
    let waiting = |ticket, timer, admit, counted| {
        if counted {
            limiter.counts.waited();
        }
        State::Waiting {
            arrived,
            ticket,
            timer,
            admit,
            counted,
        }
    };
    match queues.arrive(key, tiers.as_ref(), (*max_wait, *max_waiters), ask) {
        Arrival::Admitted => {
            limiter.counts.admitted();
            Ok(State::Readying)
        }
        Arrival::Told(ticket, wait) => Ok(waiting(ticket, Some(sleep(wait)), None, true)),
        Arrival::Asking(ticket, admit) => Ok(waiting(ticket, None, Some(admit), false)),
        Arrival::Behind(ticket) => Ok(waiting(ticket, None, None, true)),
        Arrival::Denied(denied) => {
            limiter.counts.denied();
            Err(Error::Denied(denied))
        }
        Arrival::QueueFull => {
            limiter.counts.denied();
            Err(Error::QueueFull {
                max_waiters: *max_waiters,
            })
        }
    }
}

/// Whether a call that arrived at `arrived` would wait longer than it may.
fn too_late(arrived: Instant, denied: Denied, max_wait: Duration) -> bool {
    arrived.elapsed().saturating_add(denied.retry_after) > max_wait
}

impl<S, Req, K, X, Q, St> fmt::Debug for WaitFuture<S, Req, K, X, Q, St>
where
    S: Service<Req>,
    St: Store<K>,
    K: Hash + Eq,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFuture").finish_non_exhaustive()
    }
}
