use std::{
    future::{Ready, ready},
    task::{Context, Poll},
};

use tower::ServiceExt;
use tower_conformance::{Failure, Law, Probe};
use tower_service::Service;

use crate::subject::{Boxed, broken_laws, stack};

/// Polls one instance and calls another.
#[derive(Clone)]
struct CallsTheClone(Probe<()>);

impl Service<()> for CallsTheClone {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, (): ()) -> Boxed {
        // What is left behind is fresh, so that readiness is not kept by accident.
        let fresh = self.0.clone();
        let _ready = std::mem::replace(&mut self.0, fresh);
        let mut clone = self.0.clone();
        Box::pin(async move { clone.call(()).await })
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_calls_a_clone_of_what_it_polled_is_caught() {
    let broken = broken_laws(&stack(CallsTheClone)).await;
    assert_eq!(broken, [Law::CalledOnlyWhenReady]);
}

/// Calls again after a failure, without polling again.
#[derive(Clone)]
struct RetriesAtOnce(Probe<()>);

impl Service<()> for RetriesAtOnce {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, (): ()) -> Boxed {
        let fresh = self.0.clone();
        let mut ready = std::mem::replace(&mut self.0, fresh);
        Box::pin(async move {
            match ready.call(()).await {
                Ok(()) => Ok(()),
                Err(_) => ready.call(()).await,
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_retries_without_polling_again_is_caught() {
    let broken = broken_laws(&stack(RetriesAtOnce)).await;
    assert_eq!(broken, [Law::CalledOnlyWhenReady]);
}

/// Polls again before its second attempt, but not before the third.
#[derive(Clone)]
struct TiresOfPolling(Probe<()>);

impl Service<()> for TiresOfPolling {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, (): ()) -> Boxed {
        let fresh = self.0.clone();
        let mut ready = std::mem::replace(&mut self.0, fresh);
        Box::pin(async move {
            if ready.call(()).await.is_ok() {
                return Ok(());
            }
            match ServiceExt::<()>::ready(&mut ready).await?.call(()).await {
                Ok(()) => Ok(()),
                Err(_) => ready.call(()).await,
            }
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_polls_before_some_of_its_attempts_is_caught() {
    let broken = broken_laws(&stack(TiresOfPolling)).await;
    assert_eq!(broken, [Law::CalledOnlyWhenReady]);
}

/// Calls although readiness failed.
#[derive(Clone)]
struct HidesFailedReadiness(Probe<()>);

impl Service<()> for HidesFailedReadiness {
    type Response = ();
    type Error = Failure;
    type Future = <Probe<()> as Service<()>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.0, cx).map(|_| Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.0.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_calls_after_readiness_failed_is_caught() {
    let broken = broken_laws(&stack(HidesFailedReadiness)).await;
    assert_eq!(broken, [Law::CalledOnlyWhenReady]);
}

/// Says that it is ready when the inner service is not.
#[derive(Clone)]
struct Impatient(Probe<()>);

impl Service<()> for Impatient {
    type Response = ();
    type Error = Failure;
    type Future = <Probe<()> as Service<()>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        match Service::<()>::poll_ready(&mut self.0, cx) {
            Poll::Ready(ready) => Poll::Ready(ready),
            Poll::Pending => Poll::Ready(Ok(())),
        }
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.0.call(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_does_not_wait_for_readiness_is_caught() {
    let broken = broken_laws(&stack(Impatient)).await;
    assert_eq!(broken, [Law::CalledOnlyWhenReady]);
}

/// Keeps every law, by never doing anything.
#[derive(Clone)]
struct Idle;

impl Service<()> for Idle {
    type Response = ();
    type Error = Failure;
    type Future = Ready<Result<(), Failure>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        ready(Ok(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_subject_whose_requests_never_reach_the_inner_service_is_refused() {
    let broken = broken_laws(&stack(|_| Idle)).await;
    assert_eq!(broken, [Law::CalledOnlyWhenReady]);
}
