use std::{
    pin::Pin,
    sync::{Arc, Mutex},
    task::{Context, Poll},
};

use tower_conformance::{Failure, Law, Probe};
use tower_service::Service;

use crate::subject::{Boxed, Gauge, broken_laws, stack, stack_with_gauge};

/// Counts up before the inner call, and makes the guard that counts down after it.
#[derive(Clone)]
struct LateGuard {
    inner: Probe<()>,
    gauge: Gauge,
}

impl Service<()> for LateGuard {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, (): ()) -> Boxed {
        self.gauge.raise();
        let future = self.inner.call(());
        let guard = self.gauge.raised();
        self.gauge.lower();
        Box::pin(async move {
            let _guard = guard;
            future.await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_guard_made_after_the_inner_call_is_caught() {
    let broken = broken_laws(&stack_with_gauge(|inner, gauge| LateGuard { inner, gauge })).await;
    assert_eq!(broken, [Law::InnerPanic]);
}

/// Calls the inner service under a lock, and takes poison for a reason to panic.
#[derive(Clone)]
struct Poisoned {
    inner: Probe<()>,
    calls: Arc<Mutex<u64>>,
}

impl Service<()> for Poisoned {
    type Response = ();
    type Error = Failure;
    type Future = <Probe<()> as Service<()>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, (): ()) -> Self::Future {
        let mut calls = self.calls.lock().expect("never poisoned, it thinks");
        *calls += 1;
        self.inner.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_lock_that_stays_poisoned_is_caught() {
    let broken = broken_laws(&stack(|inner| Poisoned {
        inner,
        calls: Arc::default(),
    }))
    .await;
    assert_eq!(broken, [Law::InnerPanic]);
}

/// Counts up while it polls the inner service, without a guard.
#[derive(Clone)]
struct CountsPolls {
    inner: Probe<()>,
    gauge: Gauge,
    which: Which,
}

#[derive(Clone, Copy, PartialEq)]
enum Which {
    PollReady,
    Poll,
}

struct CountedPoll {
    inner: Boxed,
    gauge: Option<Gauge>,
}

impl Future for CountedPoll {
    type Output = Result<(), Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let Self { inner, gauge } = &mut *self;
        counted(gauge.as_ref(), || inner.as_mut().poll(cx))
    }
}

fn counted<T>(gauge: Option<&Gauge>, poll: impl FnOnce() -> T) -> T {
    gauge.inspect(|gauge| gauge.raise());
    let output = poll();
    gauge.inspect(|gauge| gauge.lower());
    output
}

impl Service<()> for CountsPolls {
    type Response = ();
    type Error = Failure;
    type Future = CountedPoll;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let gauge = (self.which == Which::PollReady).then_some(&self.gauge);
        counted(gauge, || Service::<()>::poll_ready(&mut self.inner, cx))
    }

    fn call(&mut self, (): ()) -> CountedPoll {
        CountedPoll {
            inner: Box::pin(self.inner.call(())),
            gauge: (self.which == Which::Poll).then(|| self.gauge.clone()),
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_count_that_a_panic_of_the_readiness_or_the_future_skips_is_caught() {
    for which in [Which::PollReady, Which::Poll] {
        let broken = broken_laws(&stack_with_gauge(move |inner, gauge| CountsPolls {
            inner,
            gauge,
            which,
        }))
        .await;
        assert_eq!(broken, [Law::InnerPanic]);
    }
}
