use std::{
    mem,
    sync::{Arc, Weak},
    task::{Context, Poll, ready},
};

use tower_conformance::{Failure, Law, Probe};
use tower_service::Service;

use crate::subject::{Boxed, Gauge, broken_laws, stack, stack_with_gauge};

type InnerFuture = <Probe<()> as Service<()>>::Future;

/// Reserves in `poll_ready` and gives back in `call`, and only there.
struct WaitsForItsCall {
    inner: Probe<()>,
    gauge: Gauge,
    reserved: bool,
}

impl Clone for WaitsForItsCall {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gauge: self.gauge.clone(),
            reserved: false,
        }
    }
}

impl Service<()> for WaitsForItsCall {
    type Response = ();
    type Error = Failure;
    type Future = InnerFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        ready!(Service::<()>::poll_ready(&mut self.inner, cx))?;
        if !mem::replace(&mut self.reserved, true) {
            self.gauge.raise();
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> InnerFuture {
        self.reserved = false;
        self.gauge.lower();
        self.inner.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_gives_back_only_in_call_is_caught() {
    let broken = broken_laws(&stack_with_gauge(|inner, gauge| WaitsForItsCall {
        inner,
        gauge,
        reserved: false,
    }))
    .await;
    assert_eq!(broken, [Law::DroppedService]);
}

/// Leaves a clone of the inner service behind for ever.
#[tokio::test(start_paused = true)]
async fn an_inner_service_that_is_never_dropped_is_caught() {
    let broken = broken_laws(&stack(|inner: Probe<()>| {
        mem::forget(inner.clone());
        inner
    }))
    .await;
    assert_eq!(broken, [Law::DroppedService]);
}

/// Counts those who wait, and counts down only those who get ready.
struct WaitsInLine {
    inner: Probe<()>,
    gauge: Gauge,
    waits: bool,
}

impl Clone for WaitsInLine {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gauge: self.gauge.clone(),
            waits: false,
        }
    }
}

impl Service<()> for WaitsInLine {
    type Response = ();
    type Error = Failure;
    type Future = InnerFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let ready = Service::<()>::poll_ready(&mut self.inner, cx);
        match (
            mem::replace(&mut self.waits, ready.is_pending()),
            self.waits,
        ) {
            (false, true) => self.gauge.raise(),
            (true, false) => self.gauge.lower(),
            _ => {}
        }
        ready
    }

    fn call(&mut self, (): ()) -> InnerFuture {
        self.inner.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_stays_in_line_when_dropped_is_caught() {
    let broken = broken_laws(&stack_with_gauge(|inner, gauge| WaitsInLine {
        inner,
        gauge,
        waits: false,
    }))
    .await;
    assert_eq!(broken, [Law::DroppedService]);
}

/// Its futures give back only while the service that made them is there.
struct Attached {
    inner: Probe<()>,
    gauge: Gauge,
    alive: Arc<()>,
}

impl Clone for Attached {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gauge: self.gauge.clone(),
            alive: Arc::default(),
        }
    }
}

struct GivesBackTo {
    service: Weak<()>,
    gauge: Gauge,
}

impl Drop for GivesBackTo {
    fn drop(&mut self) {
        if self.service.upgrade().is_some() {
            self.gauge.lower();
        }
    }
}

impl Service<()> for Attached {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, (): ()) -> Boxed {
        self.gauge.raise();
        let guard = GivesBackTo {
            service: Arc::downgrade(&self.alive),
            gauge: self.gauge.clone(),
        };
        let future = self.inner.call(());
        Box::pin(async move {
            let _guard = guard;
            future.await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_needs_its_service_to_give_back_is_caught() {
    let broken = broken_laws(&stack_with_gauge(|inner, gauge| Attached {
        inner,
        gauge,
        alive: Arc::default(),
    }))
    .await;
    assert_eq!(broken, [Law::DroppedService]);
}
