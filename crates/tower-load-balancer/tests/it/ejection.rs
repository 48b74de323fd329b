use std::{num::NonZeroU32, time::Duration};

use tokio::time::advance;
use tower::{Service, ServiceExt};
use tower_load_balancer::{Balance, Ejection, Endpoints, Error, Health, RoundRobin, Verdict};

use crate::backend::{Backend, Broken, Plain, answers, backends, set};

const SECOND: Duration = Duration::from_secs(1);

async fn send(balance: &mut Plain<RoundRobin>, requests: u64) {
    for request in 0..requests {
        let _ = balance.ready().await.expect("ready").call(request).await;
    }
}

fn healths(endpoints: &Endpoints<u32, Backend>) -> Vec<bool> {
    let status = endpoints.status();
    status
        .iter()
        .map(|status| status.health == Health::Up)
        .collect()
}

#[tokio::test(start_paused = true)]
async fn five_failures_in_a_row_eject_and_four_do_not() {
    let backends = backends(3);
    backends[0].set_failing(true);
    let mut balance = Balance::new(set(&backends), RoundRobin::new());
    send(&mut balance, 12).await;
    assert_eq!(backends[0].calls(), 4);
    assert_eq!(healths(balance.endpoints()), [true, true, true]);
    send(&mut balance, 3).await;
    assert_eq!(backends[0].calls(), 5);
    assert_eq!(healths(balance.endpoints()), [false, true, true]);
    send(&mut balance, 30).await;
    assert_eq!(backends[0].calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_success_breaks_the_row() {
    let backends = backends(1);
    let mut balance = Balance::new(set(&backends), RoundRobin::new());
    for _ in 0..10 {
        backends[0].set_failing(true);
        send(&mut balance, 4).await;
        backends[0].set_failing(false);
        send(&mut balance, 1).await;
    }
    assert_eq!(healths(balance.endpoints()), [true]);
}

#[tokio::test(start_paused = true)]
async fn one_that_is_back_goes_again_with_its_first_failure_and_for_longer() {
    let backends = backends(2);
    backends[0].set_failing(true);
    let mut balance = Balance::new(set(&backends), RoundRobin::new());
    send(&mut balance, 20).await;
    assert_eq!(backends[0].calls(), 5);

    advance(29 * SECOND).await;
    send(&mut balance, 20).await;
    assert_eq!(backends[0].calls(), 5, "too early");

    advance(5 * SECOND).await;
    send(&mut balance, 20).await;
    assert_eq!(backends[0].calls(), 6);

    advance(59 * SECOND).await;
    send(&mut balance, 20).await;
    assert_eq!(backends[0].calls(), 6, "too early");

    advance(8 * SECOND).await;
    backends[0].set_failing(false);
    send(&mut balance, 20).await;
    assert_eq!(backends[0].calls(), 16);
    assert_eq!(healths(balance.endpoints()), [true, true]);
}

#[tokio::test(start_paused = true)]
async fn no_more_are_ejected_than_the_rule_allows() {
    let backends = backends(10);
    for backend in &backends[..8] {
        backend.set_failing(true);
    }
    let rule = Ejection::new().at_most(30);
    let endpoints = set(&backends).ejection(rule).panic_threshold(0);
    let mut balance = Balance::new(endpoints, RoundRobin::new());
    send(&mut balance, 200).await;
    let up = healths(balance.endpoints())
        .iter()
        .filter(|up| **up)
        .count();
    assert_eq!(up, 7);
}

#[tokio::test(start_paused = true)]
async fn without_the_rule_nobody_is_ejected() {
    let backends = backends(2);
    backends[0].set_failing(true);
    let mut balance = Balance::new(set(&backends).without_ejection(), RoundRobin::new());
    send(&mut balance, 100).await;
    assert_eq!(backends[0].calls(), 50);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_says_for_how_long_it_is_away_is_left_alone_for_that_long() {
    let backends = backends(2);
    backends[0].set_failing(true);
    let endpoints = set(&backends);
    let mut balance = Balance::new(endpoints.clone(), RoundRobin::new()).classify(
        |result: Result<&u32, &Broken>| match result {
            Ok(_) => Verdict::Success,
            Err(_) => Verdict::Unavailable(7 * SECOND),
        },
    );
    for _ in 0..10 {
        let _ = balance.ready().await.expect("ready").call(0).await;
    }
    assert_eq!(backends[0].calls(), 1);
    let Health::Ejected { for_another } = endpoints.status()[0].health else {
        panic!("not ejected");
    };
    assert!(
        for_another >= 7 * SECOND && for_another <= 8 * SECOND,
        "{for_another:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn less_than_half_healthy_means_that_health_is_not_believed() {
    let backends = backends(4);
    for backend in &backends[..3] {
        backend.set_failing(true);
    }
    let endpoints = set(&backends).ejection(Ejection::new().at_most(100));
    let mut balance = Balance::new(endpoints.clone(), RoundRobin::new());
    send(&mut balance, 100).await;
    assert!(endpoints.is_panicking());
    let before = backends[0].calls();
    send(&mut balance, 40).await;
    assert_eq!(backends[0].calls(), before + 10);
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_never_gets_ready_has_failed() {
    let backends = backends(2);
    backends[0].set_unready(true);
    let rule = Ejection::new().after(NonZeroU32::MIN);
    let mut balance = Balance::new(set(&backends).ejection(rule), RoundRobin::new());
    let first = balance.ready().await.expect("ready").call(0).await;
    assert_eq!(first, Err(Error::Inner(Broken(0))));
    assert_eq!(answers(&mut balance, 3).await, [1, 1, 1]);
}
