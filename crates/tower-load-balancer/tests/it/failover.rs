use std::num::NonZeroU8;

use tower::{Service, ServiceExt};
use tower_load_balancer::{Balance, Endpoints, Error, InOrder, RoundRobin};

use crate::backend::{Broken, backends, set};

/// Even requests may be repeated.
fn even(request: &u64) -> Option<u64> {
    request.is_multiple_of(2).then_some(*request)
}

#[tokio::test(start_paused = true)]
async fn a_request_that_may_be_repeated_goes_to_another_endpoint() {
    let backends = backends(3);
    backends[0].set_failing(true);
    let mut service = Balance::new(set(&backends), RoundRobin::new()).failover(even);
    for _ in 0..30 {
        assert!(service.ready().await.expect("ready").call(2).await.is_ok());
    }
    assert_eq!(backends[0].calls(), 5, "then it was ejected");
}

#[tokio::test(start_paused = true)]
async fn one_that_may_not_is_sent_once() {
    let backends = backends(2);
    backends[0].set_failing(true);
    let mut service = Balance::new(set(&backends), InOrder).failover(even);
    let answer = service.ready().await.expect("ready").call(1).await;
    assert_eq!(answer, Err(Error::Inner(Broken(0))));
    assert_eq!(backends[1].calls(), 0);
}

#[tokio::test(start_paused = true)]
async fn one_that_was_not_sent_goes_elsewhere_in_any_case() {
    let backends = backends(2);
    backends[0].set_unready(true);
    let mut service = Balance::new(set(&backends), InOrder).failover(even);
    let answer = service.ready().await.expect("ready").call(1).await;
    assert_eq!(answer, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn no_endpoint_has_a_request_twice() {
    let backends = backends(2);
    for backend in &backends {
        backend.set_failing(true);
    }
    let attempts = NonZeroU8::MAX;
    let mut service = Balance::new(set(&backends), RoundRobin::new())
        .failover(even)
        .attempts(attempts);
    let answer = service.ready().await.expect("ready").call(2).await;
    assert_eq!(answer, Err(Error::Inner(Broken(1))));
    assert_eq!(backends.each_calls(), [1, 1]);
}

#[tokio::test(start_paused = true)]
async fn three_endpoints_have_it_at_most() {
    let backends = backends(5);
    for backend in &backends {
        backend.set_failing(true);
    }
    let mut service = Balance::new(set(&backends), InOrder).failover(even);
    let answer = service.ready().await.expect("ready").call(2).await;
    assert_eq!(answer, Err(Error::Inner(Broken(2))));
    assert_eq!(backends.each_calls(), [1, 1, 1, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn a_later_tier_takes_over_when_the_first_has_nobody_else() {
    let backends = backends(2);
    backends[0].set_failing(true);
    let endpoints = Endpoints::new();
    endpoints.insert(backends[0].endpoint());
    endpoints.insert(backends[1].endpoint().priority(9));
    let mut service = Balance::new(endpoints, RoundRobin::new()).failover(even);
    let answer = service.ready().await.expect("ready").call(2).await;
    assert_eq!(answer, Ok(1));
}

#[tokio::test(start_paused = true)]
async fn nobody_at_all_is_said_so() {
    let mut service = Balance::new(set(&[]), RoundRobin::new()).failover(even);
    let answer = service.ready().await.expect("ready").call(2).await;
    assert_eq!(answer, Err(Error::Empty));
}

trait EachCalls {
    fn each_calls(&self) -> Vec<usize>;
}

impl EachCalls for Vec<crate::backend::Backend> {
    fn each_calls(&self) -> Vec<usize> {
        self.iter().map(crate::backend::Backend::calls).collect()
    }
}
