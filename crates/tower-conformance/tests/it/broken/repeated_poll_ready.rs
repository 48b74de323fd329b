use std::{
    mem,
    task::{Context, Poll, ready},
};

use tower_conformance::{Failure, Law, Probe};
use tower_service::Service;

use crate::subject::{broken_laws, stack};

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
