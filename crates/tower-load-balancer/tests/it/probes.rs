use std::time::Duration;

use tokio::time::{advance, sleep};
use tower_load_balancer::{Balance, Endpoints, Health, HealthCheck, RoundRobin};

use crate::backend::{Backend, answers, backends, set};

const SECOND: Duration = Duration::from_secs(1);

/// Passes when the backend is asked for its calls, unless it fails.
async fn works(_: u32, mut backend: Backend) -> bool {
    tower::Service::call(&mut backend, 0).await.is_ok()
}

fn health(endpoints: &Endpoints<u32, Backend>) -> Vec<Health> {
    endpoints
        .status()
        .iter()
        .map(|status| status.health)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_whose_probes_fail_is_down_and_comes_up_again() {
    let backends = backends(3);
    let endpoints = set(&backends);
    tokio::spawn(HealthCheck::new(&endpoints, works).run());
    sleep(30 * SECOND).await;
    assert_eq!(health(&endpoints), [Health::Up; 3]);

    backends[1].set_failing(true);
    sleep(40 * SECOND).await;
    assert_eq!(health(&endpoints), [Health::Up, Health::Down, Health::Up]);
    let mut balance = Balance::new(endpoints.clone(), RoundRobin::new());
    assert_eq!(answers(&mut balance, 4).await, [0, 2, 0, 2]);

    backends[1].set_failing(false);
    // Less than the shortest time between two.
    sleep(Duration::from_millis(7_900)).await;
    assert_eq!(
        health(&endpoints)[1],
        Health::Down,
        "one probe is not enough"
    );
    sleep(20 * SECOND).await;
    assert_eq!(health(&endpoints), [Health::Up; 3]);
}

#[tokio::test(start_paused = true)]
async fn a_probe_that_takes_too_long_has_failed() {
    let backends = backends(2);
    let endpoints = set(&backends);
    backends[0].set_latency(2_001);
    backends[1].set_latency(1_999);
    tokio::spawn(HealthCheck::new(&endpoints, works).run());
    sleep(60 * SECOND).await;
    assert_eq!(health(&endpoints), [Health::Down, Health::Up]);
}

#[tokio::test(start_paused = true)]
async fn each_is_asked_as_often_as_said_and_not_all_at_once() {
    let backends = backends(20);
    let endpoints = set(&backends);
    tokio::spawn(HealthCheck::new(&endpoints, works).run());
    sleep(5 * SECOND).await;
    let asked = backends
        .iter()
        .filter(|backend| backend.calls() > 0)
        .count();
    assert!((1..20).contains(&asked), "{asked}");
    sleep(995 * SECOND).await;
    for backend in &backends {
        assert!((90..=112).contains(&backend.calls()), "{}", backend.calls());
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_came_later_is_asked_and_one_that_left_is_not() {
    let backends = backends(2);
    let endpoints = set(&backends[..1]);
    tokio::spawn(HealthCheck::new(&endpoints, works).run());
    sleep(SECOND).await;
    endpoints.insert(backends[1].endpoint());
    sleep(11 * SECOND).await;
    assert!(backends[1].calls() >= 1);
    endpoints.remove(&0);
    let before = backends[0].calls();
    sleep(60 * SECOND).await;
    assert_eq!(backends[0].calls(), before);
}

#[tokio::test(start_paused = true)]
async fn it_ends_with_the_set() {
    let endpoints = set(&backends(2));
    let check = tokio::spawn(HealthCheck::new(&endpoints, works).run());
    advance(SECOND).await;
    drop(endpoints);
    sleep(20 * SECOND).await;
    assert!(check.is_finished());
}
