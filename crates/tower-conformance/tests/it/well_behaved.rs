//! Layers that keep the laws, each in its own way, pass.

use std::{
    future::ready,
    sync::Arc,
    task::{Context, Poll},
    time::Duration,
};

use tokio::{sync::Semaphore, task::JoinSet};
use tower::{
    ServiceExt,
    limit::ConcurrencyLimit,
    load_shed::LoadShed,
    retry::{Policy, Retry},
    timeout::Timeout,
};
use tower_conformance::{Answer, Control, Failure, Probe, Subject, Violations, check};
use tower_service::Service;

use crate::subject::{Boxed, stack};

#[tokio::test(start_paused = true)]
async fn the_probe_alone() -> Result<(), Violations> {
    check(&stack(|inner| inner)).await
}

#[tokio::test(start_paused = true)]
async fn a_timeout() -> Result<(), Violations> {
    check(&stack(|inner| Timeout::new(inner, Duration::from_secs(1)))).await
}

#[tokio::test(start_paused = true)]
async fn a_load_shed() -> Result<(), Violations> {
    check(&stack(LoadShed::new)).await
}

/// At most so many at once.
struct AtMost(usize);

#[derive(Clone)]
struct Limited {
    service: ConcurrencyLimit<Probe<()>>,
    semaphore: Arc<Semaphore>,
}

impl Service<()> for Limited {
    type Response = ();
    type Error = Failure;
    type Future = <ConcurrencyLimit<Probe<()>> as Service<()>>::Future;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.service, cx)
    }

    fn call(&mut self, (): ()) -> Self::Future {
        self.service.call(())
    }
}

impl Subject for AtMost {
    type Request = ();
    type Response = ();
    type Service = Limited;

    fn service(&self, inner: Probe<()>) -> Limited {
        let semaphore = Arc::new(Semaphore::new(self.0));
        Limited {
            service: ConcurrencyLimit::with_semaphore(inner, Arc::clone(&semaphore)),
            semaphore,
        }
    }

    fn request(&self) {}

    fn response() {}

    fn held(&self, service: &Limited) -> usize {
        self.0 - service.semaphore.available_permits()
    }
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_of_one() -> Result<(), Violations> {
    check(&AtMost(1)).await
}

#[tokio::test(start_paused = true)]
async fn a_concurrency_limit_with_room() -> Result<(), Violations> {
    check(&AtMost(8)).await
}

/// Three times, with an hour in between.
#[derive(Clone)]
struct Patient(usize);

impl Policy<(), (), Failure> for Patient {
    type Future = tokio::time::Sleep;

    fn retry(&mut self, _: &mut (), result: &mut Result<(), Failure>) -> Option<Self::Future> {
        if result.is_ok() || self.0 == 0 {
            return None;
        }
        self.0 -= 1;
        Some(tokio::time::sleep(Duration::from_secs(3600)))
    }

    fn clone_request(&mut self, (): &()) -> Option<()> {
        Some(())
    }
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_sleeps() -> Result<(), Violations> {
    check(&stack(|inner| Retry::new(Patient(3), inner))).await
}

/// Always ready; polls its own clone of the inner service in the future.
#[derive(Clone)]
struct Lazy(Probe<()>);

impl Service<()> for Lazy {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Boxed {
        Box::pin(self.0.clone().oneshot(()))
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_polls_the_inner_service_in_its_future() -> Result<(), Violations> {
    check(&stack(Lazy)).await
}

/// Runs the inner future in a task that ends with its own future.
#[derive(Clone)]
struct Spawns(Probe<()>);

impl Service<()> for Spawns {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.0, cx)
    }

    fn call(&mut self, (): ()) -> Boxed {
        let mut task = JoinSet::new();
        task.spawn(self.0.call(()));
        Box::pin(async move {
            // A panic of the task is answered as a failure.
            task.join_next()
                .await
                .and_then(Result::ok)
                .unwrap_or(Ok(()))
        })
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_that_spawns_and_ends_what_it_spawned() -> Result<(), Violations> {
    check(&stack(Spawns)).await
}

/// Refuses after the first failure; ready all the same.
#[derive(Clone)]
struct Fuse {
    inner: Probe<()>,
    blown: Arc<std::sync::atomic::AtomicBool>,
}

impl Service<()> for Fuse {
    type Response = ();
    type Error = Failure;
    type Future = Boxed;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Service::<()>::poll_ready(&mut self.inner, cx)
    }

    fn call(&mut self, (): ()) -> Boxed {
        let blown = Arc::clone(&self.blown);
        if blown.load(std::sync::atomic::Ordering::SeqCst) {
            return Box::pin(ready(Ok(())));
        }
        let future = self.inner.call(());
        Box::pin(async move {
            let result = future.await;
            blown.fetch_or(result.is_err(), std::sync::atomic::Ordering::SeqCst);
            result
        })
    }
}

/// The fuse once it is blown.
struct Blown;

impl Subject for Blown {
    type Request = ();
    type Response = ();
    type Service = Fuse;

    const REACHES_INNER: bool = false;

    fn service(&self, inner: Probe<()>) -> Fuse {
        Fuse {
            inner,
            blown: Arc::default(),
        }
    }

    fn request(&self) {}

    fn response() {}

    async fn prepare(&self, service: &mut Fuse, inner: &Control) {
        inner.answer_once(Answer::Fails);
        let ready = ServiceExt::<()>::ready(service)
            .await
            .expect("the probe is ready");
        assert_eq!(ready.call(()).await, Err(Failure));
    }
}

#[tokio::test(start_paused = true)]
async fn a_layer_prepared_to_answer_by_itself() -> Result<(), Violations> {
    check(&Blown).await
}
