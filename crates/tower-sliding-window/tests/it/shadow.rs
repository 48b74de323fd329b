use std::{convert::Infallible, time::Duration};

use tower::{Layer, Service, ServiceExt, service_fn};
use tower_sliding_window::{RateLimitLayer, Refusal};

use crate::{oracle::quota, remote::Remote};

const SECOND: Duration = Duration::from_secs(1);

async fn echo(request: u32) -> Result<u32, Infallible> {
    Ok(request)
}

fn odd_ones_have_none(request: &u32) -> Option<u32> {
    request.is_multiple_of(2).then_some(1)
}

#[tokio::test(start_paused = true)]
async fn a_shadow_refuses_nothing_and_counts_what_it_would_have() {
    let layer = RateLimitLayer::new(odd_ones_have_none, quota(2, SECOND))
        .cost(|request: &u32| if *request == 8 { 9 } else { 1 })
        .respond(|_: &Refusal| 429)
        .shadow();
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(echo));
    // The third is over the limit, 1 has no key and 8 costs more than there is.
    for request in [2, 2, 2, 1, 8] {
        let answer = service.ready().await.unwrap().call(request).await.unwrap();
        assert_eq!(answer, request);
    }
    let statistics = handle.statistics();
    assert_eq!((statistics.admitted, statistics.denied), (2, 0));
    assert_eq!(statistics.shadowed, 3);
    assert_eq!(handle.usage(&1).unwrap().current, 2);
}

#[tokio::test(start_paused = true)]
async fn a_shadow_over_a_slow_store_refuses_nothing_either() {
    let layer = RateLimitLayer::new(odd_ones_have_none, quota(1, SECOND))
        .store(Remote::new())
        .shadow();
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(echo));
    for _ in 0..3 {
        service.ready().await.unwrap().call(2).await.unwrap();
    }
    assert_eq!(handle.statistics().shadowed, 2);
}
