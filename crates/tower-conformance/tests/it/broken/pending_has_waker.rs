use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll, Waker, ready},
};

use tower_conformance::{Failure, Law, Probe};
use tower_service::Service;

use crate::subject::{Boxed, Gauge, Raised, broken_laws, stack, stack_with_gauge};

/// Polls the inner service with a waker that wakes nobody.
#[derive(Clone)]
struct Deaf(Probe<()>);

impl Service<()> for Deaf {
    type Response = ();
    type Error = Failure;
    type Future = <Probe<()> as Service<()>>::Future;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.0, &mut Context::from_waker(Waker::noop()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.0.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_poll_ready_that_drops_the_waker_is_caught() {
    let broken = broken_laws(&stack(Deaf)).await;
    assert_eq!(broken, [Law::PendingHasWaker]);
}

/// Its future keeps the waker of the first poll.
#[derive(Clone)]
struct Faithful(Probe<()>);

struct FaithfulFuture {
    inner: Boxed,
    first: Option<Waker>,
}

impl Future for FaithfulFuture {
    type Output = Result<(), Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { inner, first } = &mut *self;
        let first = first.get_or_insert_with(|| cx.waker().clone());
        inner.as_mut().poll(&mut Context::from_waker(first))
    }
}

impl Service<()> for Faithful {
    type Response = ();
    type Error = Failure;
    type Future = FaithfulFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, (): ()) -> FaithfulFuture {
        FaithfulFuture {
            inner: Box::pin(self.0.call(())),
            first: None,
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_wakes_only_its_first_waker_is_caught() {
    let broken = broken_laws(&stack(Faithful)).await;
    assert_eq!(broken, [Law::PendingHasWaker]);
}

/// Lets one through at a time and does not tell the next when it is its turn.
struct OneAtATime {
    inner: Probe<()>,
    gauge: Gauge,
    turn: Option<Raised>,
}

impl Clone for OneAtATime {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gauge: self.gauge.clone(),
            turn: None,
        }
    }
}

impl Service<()> for OneAtATime {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if self.turn.is_none() {
            if self.gauge.value() > 0 {
                return Poll::Pending;
            }
            self.turn = Some(self.gauge.raised());
        }
        ready!(Service::<()>::poll_ready(&mut self.inner, cx))?;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Boxed {
        let turn = self.turn.take();
        let future = self.inner.call(());
        Box::pin(async move {
            let _turn = turn;
            future.await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_limit_that_does_not_wake_the_next_in_line_is_caught() {
    let broken = broken_laws(&stack_with_gauge(|inner, gauge| OneAtATime {
        inner,
        gauge,
        turn: None,
    }))
    .await;
    assert_eq!(broken, [Law::PendingHasWaker]);
}

/// As above, but it does tell the next one when a ready service is dropped, not when a future is.
struct HalfATurn {
    service: OneAtATime,
    next: Arc<Mutex<Option<Waker>>>,
}

impl Clone for HalfATurn {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            next: Arc::clone(&self.next),
        }
    }
}

impl Drop for HalfATurn {
    fn drop(&mut self) {
        if self.service.turn.take().is_some()
            && let Some(next) = self.next.lock().expect("not poisoned").take()
        {
            next.wake();
        }
    }
}

impl Service<()> for HalfATurn {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        *self.next.lock().expect("not poisoned") = Some(cx.waker().clone());
        self.service.poll_ready(cx)
    }

    fn call(&mut self, (): ()) -> Boxed {
        self.service.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_dropped_future_that_does_not_wake_the_next_in_line_is_caught() {
    let broken = broken_laws(&stack_with_gauge(|inner, gauge| HalfATurn {
        service: OneAtATime {
            inner,
            gauge,
            turn: None,
        },
        next: Arc::default(),
    }))
    .await;
    assert_eq!(broken, [Law::PendingHasWaker]);
}
