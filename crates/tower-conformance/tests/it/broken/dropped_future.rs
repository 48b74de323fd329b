use std::{
    future::poll_fn,
    pin::Pin,
    task::{Context, Poll, ready},
    time::Duration,
};

use tokio::{task::JoinHandle, time::sleep};
use tower::ServiceExt;
use tower_conformance::{Failure, Law, Probe};
use tower_service::Service;

use crate::subject::{Boxed, Gauge, Raised, broken_laws, stack, stack_with_gauge};

/// Runs the inner future in a task that nobody ends.
#[derive(Clone)]
struct Detaches(Probe<()>);

struct Detached(JoinHandle<Result<(), Failure>>);

impl Future for Detached {
    type Output = Result<(), Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match ready!(Pin::new(&mut self.0).poll(cx)) {
            Ok(output) => Poll::Ready(output),
            Err(panicked) => std::panic::resume_unwind(panicked.into_panic()),
        }
    }
}

impl Service<()> for Detaches {
    type Response = ();
    type Error = Failure;
    type Future = Detached;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, (): ()) -> Detached {
        Detached(tokio::spawn(self.0.call(())))
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_whose_work_outlives_it_is_caught() {
    let broken = broken_laws(&stack(Detaches)).await;
    assert_eq!(broken, [Law::DroppedFuture]);
}

/// Counts calls in flight, and forgets to count down those in `forgotten` endings.
#[derive(Clone)]
struct Miscounts {
    inner: Probe<()>,
    gauge: Gauge,
    forgotten: Ending,
}

#[derive(Clone, Copy, PartialEq)]
enum Ending {
    Response,
    Failure,
    Drop,
}

struct Miscounted {
    inner: Boxed,
    gauge: Option<Raised>,
    forgotten: Ending,
}

impl Miscounted {
    fn end(&mut self, ending: Ending) {
        if let Some(gauge) = self.gauge.take()
            && ending == self.forgotten
        {
            std::mem::forget(gauge);
        }
    }
}

impl Future for Miscounted {
    type Output = Result<(), Failure>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let output = ready!(self.inner.as_mut().poll(cx));
        self.end(if output.is_ok() {
            Ending::Response
        } else {
            Ending::Failure
        });
        Poll::Ready(output)
    }
}

impl Drop for Miscounted {
    fn drop(&mut self) {
        // A dropped future, but not one that unwinds: that is another law.
        if !std::thread::panicking() {
            self.end(Ending::Drop);
        }
    }
}

impl Service<()> for Miscounts {
    type Response = ();
    type Error = Failure;
    type Future = Miscounted;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, (): ()) -> Miscounted {
        let gauge = Some(self.gauge.raised());
        Miscounted {
            inner: Box::pin(self.inner.call(())),
            gauge,
            forgotten: self.forgotten,
        }
    }
}

async fn caught_when_it_forgets(forgotten: Ending) -> Vec<Law> {
    broken_laws(&stack_with_gauge(move |inner, gauge| Miscounts {
        inner,
        gauge,
        forgotten,
    }))
    .await
}

#[tokio::test(start_paused = true)]
async fn a_count_that_forgets_failures_is_caught() {
    assert_eq!(
        caught_when_it_forgets(Ending::Failure).await,
        [Law::DroppedFuture]
    );
}

#[tokio::test(start_paused = true)]
async fn a_count_that_forgets_dropped_futures_is_caught() {
    assert!(
        caught_when_it_forgets(Ending::Drop)
            .await
            .contains(&Law::DroppedFuture)
    );
}

#[tokio::test(start_paused = true)]
async fn a_count_that_forgets_responses_is_caught() {
    assert!(
        caught_when_it_forgets(Ending::Response)
            .await
            .contains(&Law::DroppedFuture)
    );
}

/// Counts those of its futures that wait, without a guard.
#[derive(Clone)]
struct CountsWaiting {
    inner: Probe<()>,
    gauge: Gauge,
    waits_for: WaitsFor,
}

#[derive(Clone, Copy, PartialEq)]
enum WaitsFor {
    Readiness,
    SecondAttempt,
}

impl Service<()> for CountsWaiting {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Boxed {
        let Self {
            mut inner,
            gauge,
            waits_for,
        } = self.clone();
        Box::pin(async move {
            let mut waits = false;
            poll_fn(|cx| {
                let ready = Service::<()>::poll_ready(&mut inner, cx);
                if ready.is_pending() && waits_for == WaitsFor::Readiness && !waits {
                    gauge.raise();
                    waits = true;
                }
                ready
            })
            .await?;
            if waits {
                gauge.lower();
            }
            let result = inner.call(()).await;
            if result.is_err() && waits_for == WaitsFor::SecondAttempt {
                gauge.raise();
                sleep(Duration::from_secs(1)).await;
                gauge.lower();
                return inner.oneshot(()).await;
            }
            result
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_count_of_waiting_futures_that_forgets_dropped_ones_is_caught() {
    for waits_for in [WaitsFor::Readiness, WaitsFor::SecondAttempt] {
        let broken = broken_laws(&stack_with_gauge(move |inner, gauge| CountsWaiting {
            inner,
            gauge,
            waits_for,
        }))
        .await;
        assert_eq!(broken, [Law::DroppedFuture]);
    }
}
