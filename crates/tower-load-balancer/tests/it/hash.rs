use tokio_test::{assert_pending, task};
use tower::{Service, ServiceExt};
use tower_load_balancer::{Balance, ConsistentHash};

use crate::backend::{answers, backends, set};

const KEYS: u64 = 10_000;

#[tokio::test(start_paused = true)]
async fn a_key_stays_with_its_endpoint() {
    let by_key = || ConsistentHash::new(|request: &u64| *request);
    let mut one = Balance::new(set(&backends(10)), by_key());
    let mut reversed = backends(10);
    reversed.reverse();
    let mut other = Balance::new(set(&reversed), by_key());
    let homes = answers(&mut one, 1_000).await;
    assert_eq!(answers(&mut one, 1_000).await, homes);
    assert_eq!(answers(&mut other, 1_000).await, homes, "another process");
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_goes_takes_only_its_own_keys_along() {
    let endpoints = set(&backends(20));
    let mut balance = Balance::new(endpoints.clone(), ConsistentHash::new(|key: &u64| *key));
    let before = answers(&mut balance, KEYS).await;
    endpoints.remove(&7);
    let after = answers(&mut balance, KEYS).await;
    let others: Vec<_> = before
        .iter()
        .zip(&after)
        .filter(|(home, _)| **home != 7)
        .collect();
    let moved = others
        .iter()
        .filter(|(before, after)| before != after)
        .count();
    assert!(moved * 50 <= others.len(), "{moved} of {}", others.len());
}

#[tokio::test(start_paused = true)]
async fn while_an_endpoint_is_ejected_no_key_of_another_moves_and_then_its_own_come_back() {
    let backends = backends(10);
    let endpoints = set(&backends);
    let mut balance = Balance::new(endpoints.clone(), ConsistentHash::new(|key: &u64| *key));
    let before = answers(&mut balance, KEYS).await;
    backends[3].set_failing(true);
    let key = before.iter().position(|home| *home == 3).expect("a key") as u64;
    for _ in 0..5 {
        let failed = balance.ready().await.expect("ready").call(key).await;
        assert!(failed.is_err());
    }
    backends[3].set_failing(false);
    let during = answers(&mut balance, KEYS).await;
    let mut instead = std::collections::BTreeSet::new();
    for (before, during) in before.iter().zip(&during) {
        if *before == 3 {
            instead.insert(*during);
        } else {
            assert_eq!(before, during);
        }
    }
    assert_eq!(instead.len(), 9, "its keys are spread over all others");
    tokio::time::advance(std::time::Duration::from_secs(40)).await;
    assert_eq!(answers(&mut balance, KEYS).await, before);
}

#[tokio::test(start_paused = true)]
async fn a_popular_key_does_not_drown_its_endpoint() {
    let backends = backends(4);
    for backend in &backends {
        backend.set_latency(1_000);
    }
    let endpoints = set(&backends);
    let mut balance = Balance::new(endpoints.clone(), ConsistentHash::new(|_: &u64| "popular"));
    let mut running = Vec::new();
    for request in 0..100 {
        let mut future = task::spawn(balance.ready().await.expect("ready").call(request));
        assert_pending!(future.poll());
        running.push(future);
        let most = endpoints
            .status()
            .iter()
            .map(|status| status.in_flight)
            .max();
        let bound = (running.len() as f64 * 1.25 / 4.0).ceil() as u32;
        assert!(most <= Some(bound), "{most:?} of {}", running.len());
    }
    let home = backends.iter().map(crate::backend::Backend::calls).max();
    assert_eq!(home, Some(32), "as much as the bound lets");
}

#[tokio::test(start_paused = true)]
async fn without_the_bound_all_requests_of_a_key_stay_together() {
    let backends = backends(4);
    for backend in &backends {
        backend.set_latency(1_000);
    }
    let policy = ConsistentHash::new(|_: &u64| "popular").unbounded();
    let mut balance = Balance::new(set(&backends), policy);
    let mut running = Vec::new();
    for request in 0..100 {
        running.push(task::spawn(
            balance.ready().await.expect("ready").call(request),
        ));
    }
    let home = backends.iter().map(crate::backend::Backend::calls).max();
    assert_eq!(home, Some(0), "nothing is sent before it is polled");
    for future in &mut running {
        assert_pending!(future.poll());
    }
    let home = backends.iter().map(crate::backend::Backend::calls).max();
    assert_eq!(home, Some(100));
}
