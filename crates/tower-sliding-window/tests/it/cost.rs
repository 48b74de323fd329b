use std::{convert::Infallible, future::ready, time::Duration};

use tokio::time::{Instant, advance};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_sliding_window::{Charge, Error, MemoryStore, Quota, RateLimitLayer, Store, Wait};

use crate::oracle::quota;

const SECOND: Duration = Duration::from_secs(1);

fn one_key(_: &u32) -> Option<()> {
    Some(())
}

fn cost(request: &u32) -> u32 {
    *request
}

async fn echo(request: u32) -> Result<u32, Infallible> {
    Ok(request)
}

async fn call<S: Service<u32>>(service: &mut S, request: u32) -> Result<S::Response, S::Error> {
    service.ready().await?.call(request).await
}

#[tokio::test(start_paused = true)]
async fn a_request_takes_as_much_as_it_costs() {
    let layer = RateLimitLayer::new(one_key, quota(10, SECOND)).cost(cost);
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(echo));
    call(&mut service, 7).await.unwrap();
    advance(SECOND / 4).await;
    call(&mut service, 2).await.unwrap();
    assert_eq!(handle.usage(&()).unwrap().current, 9);

    // One is free; two need the first seven to go.
    let error = call(&mut service, 2).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(SECOND * 3 / 4));
    assert_eq!(handle.usage(&()).unwrap().current, 9);
    call(&mut service, 1).await.unwrap();
    advance(SECOND * 3 / 4).await;
    call(&mut service, 7).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cost_above_any_limit_is_a_permanent_error() {
    let tiers = [quota(10, SECOND), quota(5, 60 * SECOND)];
    let layer = RateLimitLayer::new(one_key, tiers).cost(cost);
    let handle = layer.handle();
    let mut rejecting = layer.clone().layer(service_fn(echo));
    let Err(Error::CostAboveLimit(never)) = call(&mut rejecting, 6).await else {
        panic!("six never fit five");
    };
    assert_eq!((never.cost, never.quota), (6, tiers[1]));
    assert_eq!(
        never.to_string(),
        "a cost of 6 is above the rate limit of 5 in 60s"
    );

    // At once, and not after the longest wait allowed.
    let mut waiting = layer.wait(Wait::new(Duration::MAX)).layer(service_fn(echo));
    let error = call(&mut waiting, 6).await.unwrap_err();
    assert_eq!(error, Error::CostAboveLimit(never));
    assert_eq!(error.retry_after(), None);
    assert_eq!(handle.statistics().denied, 2);
    assert!(handle.is_empty());
}

#[tokio::test(start_paused = true)]
async fn the_store_alone_says_never_too() {
    let store = MemoryStore::<u32>::new();
    let denied = store
        .admit(Charge::new(&1, quota(5, SECOND)).cost(6))
        .into_inner()
        .unwrap_err();
    assert_eq!(denied.retry_after, Duration::MAX);
}

#[tokio::test(start_paused = true)]
async fn what_costs_nothing_passes_uncharged_while_there_is_room() {
    let layer = RateLimitLayer::new(one_key, quota(1, SECOND)).cost(cost);
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(echo));
    for _ in 0..5 {
        call(&mut service, 0).await.unwrap();
    }
    assert!(handle.is_empty());
    call(&mut service, 1).await.unwrap();
    assert!(call(&mut service, 0).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn waiting_calls_count_by_their_cost() {
    let mut service = RateLimitLayer::new(one_key, quota(4, SECOND))
        .cost(cost)
        .wait(Wait::new(Duration::from_millis(1500)))
        .layer(service_fn(|_: u32| {
            ready(Ok::<_, Infallible>(Instant::now()))
        }));
    let start = Instant::now();
    let first = call(&mut service, 4).await.unwrap();
    assert_eq!(first - start, Duration::ZERO);

    let mut line = [3, 1, 1].map(|cost| {
        let mut service = service.clone();
        tokio_test::task::spawn(async move { call(&mut service, cost).await })
    });
    assert!(line[0].poll().is_pending());
    assert!(line[1].poll().is_pending());
    // Four are ahead: it would have to wait for the window after the next.
    let std::task::Poll::Ready(Err(Error::Denied(denied))) = line[2].poll() else {
        panic!("it cannot be admitted in time");
    };
    assert_eq!(denied.retry_after, 2 * SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_quota_that_shrank_below_a_waiting_calls_cost_ends_its_wait() {
    let limit = std::sync::Arc::new(std::sync::Mutex::new(4));
    let known = std::sync::Arc::clone(&limit);
    let mut service = RateLimitLayer::new(one_key, move |_: &()| -> Quota {
        quota(*known.lock().unwrap(), SECOND)
    })
    .cost(cost)
    .wait(Wait::new(Duration::MAX))
    .layer(service_fn(echo));
    call(&mut service, 4).await.unwrap();
    let mut waiting = tokio_test::task::spawn(async move { call(&mut service, 3).await });
    assert!(waiting.poll().is_pending());
    *limit.lock().unwrap() = 2;
    advance(SECOND).await;
    let std::task::Poll::Ready(Err(Error::CostAboveLimit(_))) = waiting.poll() else {
        panic!("three never fit two");
    };
}
