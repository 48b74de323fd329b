use std::{
    mem,
    task::{Context, Poll, ready},
};

use tower_conformance::{Failure, Law, Probe};
use tower_service::Service;

use crate::subject::{Gauge, Raised, broken_laws, stack, stack_with_gauge};

type InnerFuture = <Probe<()> as Service<()>>::Future;

/// Forgets after one poll that it was ready.
#[derive(Clone)]
struct Forgets {
    inner: Probe<()>,
    told: bool,
}

impl Service<()> for Forgets {
    type Response = ();
    type Error = Failure;
    type Future = InnerFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        ready!(Service::<()>::poll_ready(&mut self.inner, cx))?;
        self.told = !self.told;
        if self.told {
            return Poll::Ready(Ok(()));
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    }

    fn call(&mut self, (): ()) -> InnerFuture {
        self.told = false;
        self.inner.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_ready_only_once_is_caught() {
    let broken = broken_laws(&stack(|inner| Forgets { inner, told: false })).await;
    assert_eq!(broken, [Law::RepeatedPollReady]);
}

/// Reserves once more with every poll, and sorts it out in `call`.
struct Hoards {
    inner: Probe<()>,
    hoard: Vec<Probe<()>>,
}

impl Clone for Hoards {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            hoard: Vec::new(),
        }
    }
}

impl Service<()> for Hoards {
    type Response = ();
    type Error = Failure;
    type Future = InnerFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        ready!(Service::<()>::poll_ready(&mut self.inner, cx))?;
        let fresh = self.inner.clone();
        self.hoard.push(mem::replace(&mut self.inner, fresh));
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> InnerFuture {
        let mut ready = self.hoard.pop().expect("polled to readiness");
        self.hoard.clear();
        ready.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_reserves_with_every_poll_is_caught() {
    let broken = broken_laws(&stack(|inner| Hoards {
        inner,
        hoard: Vec::new(),
    }))
    .await;
    assert_eq!(broken, [Law::RepeatedPollReady]);
}

/// Gets in line with every poll that is pending, and leaves it altogether only in `call`.
struct QueuesTwice {
    inner: Probe<()>,
    gauge: Gauge,
    places: Vec<Raised>,
}

impl Clone for QueuesTwice {
    fn clone(&self) -> Self {
        Self {
            inner: self.inner.clone(),
            gauge: self.gauge.clone(),
            places: Vec::new(),
        }
    }
}

impl Service<()> for QueuesTwice {
    type Response = ();
    type Error = Failure;
    type Future = InnerFuture;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let ready = Service::<()>::poll_ready(&mut self.inner, cx);
        if ready.is_pending() {
            self.places.push(self.gauge.raised());
        }
        ready
    }

    fn call(&mut self, (): ()) -> InnerFuture {
        self.places.clear();
        self.inner.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_service_that_gets_in_line_with_every_poll_is_caught() {
    let broken = broken_laws(&stack_with_gauge(|inner, gauge| QueuesTwice {
        inner,
        gauge,
        places: Vec::new(),
    }))
    .await;
    assert_eq!(broken, [Law::RepeatedPollReady]);
}
