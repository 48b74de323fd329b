use std::time::Duration;

use tokio::time::advance;
use tower_load_balancer::{Balance, RoundRobin};

use crate::backend::{Backend, answers, backends, set};

#[tokio::test(start_paused = true)]
async fn a_new_endpoint_gets_its_share_bit_by_bit() {
    let endpoints = set(&backends(1)).slow_start(Duration::from_secs(10));
    let mut balance = Balance::new(endpoints.clone(), RoundRobin::new());
    advance(Duration::from_secs(20)).await;
    endpoints.insert(Backend::new(1).endpoint());

    let mut shares = Vec::new();
    for _ in 0..12 {
        let answers = answers(&mut balance, 1_100).await;
        shares.push(answers.iter().filter(|name| **name == 1).count());
        advance(Duration::from_secs(1)).await;
    }
    assert_eq!(shares[0], 100, "one part in eleven");
    assert!(
        shares[..10].is_sorted_by(|one, next| one < next),
        "{shares:?}"
    );
    assert_eq!(shares[10..], [550, 550]);
}
