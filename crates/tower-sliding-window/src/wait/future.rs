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
    Bill, Billing, Charge, Denied, KeyExtractor, Quotas, Store,
    error::Error,
    limiter::{Limiter, Subject, charge},
};

pin_project! {
    /// The future of a [`RateLimit`](crate::RateLimit) that waits; see [`Wait`].
    pub struct WaitFuture<S, Req, K, X, Q, St, B>
    where
        S: Service<Req>,
        St: Store<K>,
        K: Hash,
        K: Eq,
        B: Billing<K, St, S::Response, S::Error>,
    {
        limiter: Arc<Limiter<K, X, Q, Wait<K>, St, B>>,
        // The inner service, not readied, and the request; gone once called.
        call: Option<(S, Req)>,
        #[pin]
        state: State<K, St::Admit, S::Future, B::Bill>,
    }
}

pin_project! {
    #[project = StateProj]
    enum State<K, A, F, P>
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
            cost: u32,
            // Whether it counts among those that waited.
            counted: bool,
        },
        // Polls the inner service's readiness.
        Readying { bill: Option<P> },
        // Polls the inner service's future.
        Calling { #[pin] future: F, bill: Option<P> },
        Done,
    }
}

impl<S, Req, K, X, Q, St, B> WaitFuture<S, Req, K, X, Q, St, B>
where
    S: Service<Req>,
    St: Store<K>,
    K: Hash + Eq,
    B: Billing<K, St, S::Response, S::Error>,
{
    pub(crate) const fn new(
        inner: S,
        request: Req,
        limiter: Arc<Limiter<K, X, Q, Wait<K>, St, B>>,
    ) -> Self {
        Self {
            limiter,
            call: Some((inner, request)),
            state: State::Arriving,
        }
    }
}

impl<S, Req, K, X, Q, St, B> Future for WaitFuture<S, Req, K, X, Q, St, B>
where
    S: Service<Req>,
    St: Store<K>,
    K: Hash + Eq + Clone,
    X: KeyExtractor<Req, Key = K>,
    Q: Quotas<K>,
    B: Billing<K, St, S::Response, S::Error>,
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
                    cost,
                    counted,
                } => {
                    if let Some(running) = timer.as_mut().as_pin_mut() {
                        ready!(running.poll(cx));
                        timer.set(None);
                    }
                    if admit.is_none() && !ticket.poll_head(cx.waker()) {
                        return Poll::Pending;
                    }
                    // The quota may have changed while it waited, or gone.
                    let tiers = this.limiter.quotas.quotas(ticket.key());
                    let decision = match charge(ticket.key(), tiers.as_ref(), *cost) {
                        Ok(Some(charge)) => {
                            let asked =
                                admit.get_or_insert_with(|| this.limiter.store.admit(charge));
                            let decision = ready!(Pin::new(asked).poll(cx));
                            decision.map(|admission| Some((charge, admission)))
                        }
                        Ok(None) => Ok(None),
                        Err(never) => {
                            this.limiter.counts.denied();
                            this.call.take();
                            this.state.set(State::Done);
                            return Poll::Ready(Err(Error::CostAboveLimit(never)));
                        }
                    };
                    *admit = None;
                    match decision {
                        Ok(admitted) => {
                            this.limiter.counts.admitted();
                            let bill = admitted.map(|(charge, admission)| {
                                note(this.limiter, &charge, admission.stamp())
                            });
                            // Leaves the line, which wakes the next.
                            this.state.set(State::Readying { bill });
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
                StateProj::Readying { bill } => {
                    let Some((inner, _)) = this.call else {
                        return Poll::Pending;
                    };
                    match ready!(inner.poll_ready(cx)) {
                        Ok(()) => {
                            let Some((mut inner, request)) = this.call.take() else {
                                return Poll::Pending;
                            };
                            let bill = bill.take();
                            let future = inner.call(request);
                            this.state.set(State::Calling { future, bill });
                            continue;
                        }
                        Err(inner) => Err(Error::Inner(inner)),
                    }
                }
                StateProj::Calling { future, bill } => {
                    let outcome = ready!(future.poll(cx));
                    if let Some(bill) = bill {
                        bill.settle(outcome.as_ref());
                    }
                    outcome.map_err(Error::Inner)
                }
                StateProj::Done => return Poll::Pending,
            };
            this.call.take();
            this.state.set(State::Done);
            return Poll::Ready(outcome);
        }
    }
}

/// What is kept of an admission until the outcome is known.
fn note<K, X, Q, St, B, Res, E>(
    limiter: &Limiter<K, X, Q, Wait<K>, St, B>,
    charge: &Charge<'_, K>,
    stamp: u64,
) -> B::Bill
where
    B: Billing<K, St, Res, E>,
{
    let mut bill = limiter.billing.note(&limiter.store, charge);
    bill.admitted(stamp);
    bill
}

/// What a call meets on its first poll.
type Arrived<K, A, F, P, E> = Result<State<K, A, F, P>, Error<E>>;

fn arrive<Req, K, X, Q, St, B, Res, F, E>(
    limiter: &Limiter<K, X, Q, Wait<K>, St, B>,
    request: &Req,
    cx: &mut Context<'_>,
) -> Arrived<K, St::Admit, F, B::Bill, E>
where
    K: Hash + Eq + Clone,
    X: KeyExtractor<Req, Key = K>,
    Q: Quotas<K>,
    St: Store<K>,
    B: Billing<K, St, Res, E>,
{
    let key = match limiter.subject(request) {
        Subject::Own(key) => key,
        Subject::Shared(key) => key.clone(),
        Subject::Exempt => return Ok(State::Readying { bill: None }),
        Subject::Missing => return Err(Error::MissingKey),
    };
    let cost = limiter.key.cost(request);
    let tiers = limiter.quotas.quotas(&key);
    let charge = match charge(&key, tiers.as_ref(), cost) {
        Ok(Some(charge)) => charge,
        Ok(None) => return Ok(State::Readying { bill: None }),
        Err(never) => {
            limiter.counts.denied();
            return Err(Error::CostAboveLimit(never));
        }
    };
    let Wait {
        max_wait,
        max_waiters,
        queues,
    } = &limiter.mode;
    let ask = || {
        let mut admit = limiter.store.admit(charge);
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
            cost,
            counted,
        }
    };
    match queues.arrive(&charge, (*max_wait, *max_waiters), ask) {
        Arrival::Admitted(admission) => {
            limiter.counts.admitted();
            let bill = Some(note(limiter, &charge, admission.stamp()));
            Ok(State::Readying { bill })
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

impl<S, Req, K, X, Q, St, B> fmt::Debug for WaitFuture<S, Req, K, X, Q, St, B>
where
    S: Service<Req>,
    St: Store<K>,
    K: Hash + Eq,
    B: Billing<K, St, S::Response, S::Error>,
{
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WaitFuture").finish_non_exhaustive()
    }
}
