use std::{
    sync::Arc,
    task::{Context, Poll, ready},
};

use tower_conformance::{Failure, Law, Probe};
use tower_service::Service;

use crate::subject::{Boxed, Gauge, Raised, broken_laws, stack, stack_with_gauge};

/// Remembers that it is ready, also in its clones.
#[derive(Clone)]
struct CopiesItsFlag {
    inner: Probe<()>,
    ready: bool,
    /// Polls the inner service all the same, which hides the mistake while that is ready.
    polls_on: bool,
}

impl Service<()> for CopiesItsFlag {
    type Response = ();
    type Error = Failure;
    type Future = <Probe<()> as Service<()>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if self.polls_on || !self.ready {
            let inner = Service::<()>::poll_ready(&mut self.inner, cx);
            if !self.ready {
                ready!(inner)?;
            }
            self.ready = true;
        }
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.ready = false;
        self.inner.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_ready_flag_that_is_cloned_is_caught() {
    for polls_on in [false, true] {
        let broken = broken_laws(&stack(move |inner| CopiesItsFlag {
            inner,
            ready: false,
            polls_on,
        }))
        .await;
        assert_eq!(broken, [Law::CloneStartsUnready]);
    }
}

/// Reserves once, and its clones use that too.
#[derive(Clone)]
struct SharesItsPermit {
    inner: Probe<()>,
    gauge: Gauge,
    permit: Option<Arc<Raised>>,
}

impl Service<()> for SharesItsPermit {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        let gauge = &self.gauge;
        self.permit.get_or_insert_with(|| Arc::new(gauge.raised()));
        Service::<()>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, (): ()) -> Boxed {
        let permit = self.permit.take();
        let future = self.inner.call(());
        Box::pin(async move {
            let _permit = permit;
            future.await
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_permit_that_is_cloned_is_caught() {
    let broken = broken_laws(&stack_with_gauge(|inner, gauge| SharesItsPermit {
        inner,
        gauge,
        permit: None,
    }))
    .await;
    assert_eq!(broken, [Law::CloneStartsUnready]);
}

/// Gives back on drop what the original has reserved, in the original and again in each clone.
#[derive(Clone)]
struct GivesBackTwice {
    inner: Probe<()>,
    gauge: Gauge,
    reserved: bool,
}

impl Service<()> for GivesBackTwice {
    type Response = ();
    type Error = Failure;
    type Future = <Probe<()> as Service<()>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        if !self.reserved {
            self.gauge.raise();
            self.reserved = true;
        }
        Service::<()>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.reserved = false;
        self.gauge.lower();
        self.inner.call(())
    }
}

impl Drop for GivesBackTwice {
    fn drop(&mut self) {
        if self.reserved {
            self.gauge.lower();
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_clone_that_gives_back_what_it_never_had_is_caught() {
    let broken = broken_laws(&stack_with_gauge(|inner, gauge| GivesBackTwice {
        inner,
        gauge,
        reserved: false,
    }))
    .await;
    assert_eq!(broken, [Law::CloneStartsUnready]);
}
