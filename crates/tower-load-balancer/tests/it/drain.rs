use std::time::Duration;

use tokio_test::{assert_pending, assert_ready, task};
use tower::{Service, ServiceExt};
use tower_load_balancer::{Balance, Health, RoundRobin};

use crate::backend::{answers, backends, set};

#[tokio::test(start_paused = true)]
async fn a_draining_endpoint_finishes_what_it_has_and_gets_nothing_new() {
    let backends = backends(2);
    backends[0].set_latency(1_000);
    let endpoints = set(&backends);
    let mut balance = Balance::new(endpoints.clone(), RoundRobin::new());
    let mut running = task::spawn(balance.ready().await.expect("ready").call(0));
    assert_pending!(running.poll());

    let draining = endpoints.drain(&0).expect("in the set");
    let mut idle = task::spawn(draining.idle());
    assert_pending!(idle.poll());
    assert_eq!(answers(&mut balance, 3).await, [1, 1, 1]);
    assert_eq!(endpoints.status()[0].health, Health::Draining);

    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(assert_ready!(running.poll()), Ok(0));
    assert!(idle.is_woken());
    assert_ready!(idle.poll());

    endpoints.insert(backends[0].endpoint());
    assert_eq!(endpoints.status()[0].health, Health::Up);
}

#[tokio::test(start_paused = true)]
async fn one_that_has_nothing_is_idle_at_once() {
    let endpoints = set(&backends(1));
    endpoints.drain(&0).expect("in the set").idle().await;
    assert!(endpoints.drain(&1).is_none());
}

#[tokio::test(start_paused = true)]
async fn removing_an_endpoint_does_not_end_its_requests() {
    let backends = backends(1);
    backends[0].set_latency(1_000);
    let endpoints = set(&backends);
    let mut balance = Balance::new(endpoints.clone(), RoundRobin::new());
    let mut running = task::spawn(balance.ready().await.expect("ready").call(0));
    assert_pending!(running.poll());
    endpoints.remove(&0);
    tokio::time::advance(Duration::from_secs(2)).await;
    assert_eq!(assert_ready!(running.poll()), Ok(0));
}
