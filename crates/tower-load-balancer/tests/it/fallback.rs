use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::time::Instant;
use tower::{Service, ServiceExt};
use tower_conformance::{Probe, Subject, Violations, check};
use tower_load_balancer::fallback::{Error, Fallback, Provider, Served};

use crate::backend::{Backend, Broken, backends};

/// Even requests may be repeated.
fn even(request: &u64) -> Option<u64> {
    request.is_multiple_of(2).then_some(*request)
}

type Plain = Fallback<u32, Backend, fn(&u64) -> Option<u64>>;

fn fallback(providers: impl IntoIterator<Item = Provider<u32, Backend>>) -> Plain {
    Fallback::new(providers, even)
}

fn plain(backends: &[Backend]) -> Vec<Provider<u32, Backend>> {
    let provider = |backend: &Backend| Provider::new(backend.name, backend.clone());
    backends.iter().map(provider).collect()
}

async fn ask(service: &mut Plain, request: u64) -> Result<u32, Error<Broken>> {
    let answer = service.ready().await?.call(request).await;
    answer.map(
        |Served {
             provider, response, ..
         }| {
            assert_eq!(provider, response, "who served it is said");
            provider
        },
    )
}

#[tokio::test(start_paused = true)]
async fn the_first_that_works_answers_and_the_answer_says_who_it_was() {
    let backends = backends(3);
    let mut service = fallback(plain(&backends));
    assert_eq!(ask(&mut service, 2).await, Ok(0));
    backends[0].set_failing(true);
    assert_eq!(ask(&mut service, 2).await, Ok(1));
    backends[1].set_failing(true);
    assert_eq!(ask(&mut service, 2).await, Ok(2));
    backends[2].set_failing(true);
    assert_eq!(ask(&mut service, 2).await, Err(Error::Inner(Broken(2))));
}

#[tokio::test(start_paused = true)]
async fn one_that_may_not_be_repeated_is_sent_once_unless_it_never_was() {
    let backends = backends(2);
    let mut service = fallback(plain(&backends));
    backends[0].set_failing(true);
    assert_eq!(ask(&mut service, 1).await, Err(Error::Inner(Broken(0))));
    assert_eq!(backends[1].calls(), 0);
    backends[0].set_unready(true);
    assert_eq!(ask(&mut service, 1).await, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn one_that_is_skipped_is_not_asked_whether_it_is_ready() {
    let backends = backends(2);
    backends[0].set_failing(true);
    let open = Arc::new(AtomicBool::new(true));
    let circuit = open.clone();
    let mut providers = plain(&backends);
    let first = providers
        .remove(0)
        .skip_when(move || circuit.load(Ordering::Relaxed));
    providers.insert(0, first);
    let mut service = fallback(providers);
    assert_eq!(ask(&mut service, 1).await, Ok(1));
    assert_eq!(backends[0].calls(), 0);
    open.store(false, Ordering::Relaxed);
    assert_eq!(ask(&mut service, 2).await, Ok(1));
    assert_eq!(backends[0].calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn nobody_to_ask_is_said_so() {
    assert_eq!(ask(&mut fallback([]), 2).await, Err(Error::NoProvider));
    let skipped = Provider::new(0, Backend::new(0)).skip_when(|| true);
    assert_eq!(
        ask(&mut fallback([skipped]), 2).await,
        Err(Error::NoProvider)
    );
}

#[tokio::test(start_paused = true)]
async fn one_that_takes_too_long_is_followed_by_the_next() {
    let backends = backends(2);
    backends[0].set_latency(60_000);
    backends[1].set_latency(1_000);
    let mut providers = plain(&backends);
    let first = providers.remove(0).at_most(Duration::from_secs(5));
    providers.insert(0, first);
    let mut service = fallback(providers);
    let start = Instant::now();
    assert_eq!(ask(&mut service, 2).await, Ok(1));
    assert_eq!(start.elapsed(), Duration::from_secs(6));
    assert_eq!(ask(&mut service, 1).await, Err(Error::TimedOut));
}

#[tokio::test(start_paused = true)]
async fn each_has_the_time_that_those_before_it_have_left() {
    let backends = backends(3);
    for backend in &backends {
        backend.set_latency(4_000);
        backend.set_failing(true);
    }
    let mut service = fallback(plain(&backends)).deadline(Duration::from_secs(10));
    let start = Instant::now();
    assert_eq!(ask(&mut service, 2).await, Err(Error::DeadlineExceeded));
    assert_eq!(start.elapsed(), Duration::from_secs(10));
    let mut service = service.deadline(Duration::from_secs(13));
    assert_eq!(ask(&mut service, 2).await, Err(Error::Inner(Broken(2))));
    let mut service = service.deadline(Duration::MAX);
    assert_eq!(ask(&mut service, 2).await, Err(Error::Inner(Broken(2))));
}

struct Providers;

impl Subject for Providers {
    type Request = ();
    type Response = ();
    type Service = Fallback<u8, Probe<()>, fn(&()) -> Option<()>>;

    fn service(&self, inner: Probe<()>) -> Self::Service {
        let providers = [Provider::new(0, inner.clone()), Provider::new(1, inner)];
        let minute = Duration::from_secs(60);
        Fallback::new(providers, (|()| Some(())) as fn(&()) -> _).deadline(1_000 * minute)
    }

    fn request(&self) {}

    fn response() {}
}

#[tokio::test(start_paused = true)]
async fn fallback_keeps_the_laws_of_service() -> Result<(), Violations> {
    check(&Providers).await
}
