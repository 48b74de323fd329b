use std::{io, time::Duration};

use tokio::time::advance;
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_sliding_window::{RateLimitLayer, Wait};

use crate::{oracle::quota, remote::Remote};

const SECOND: Duration = Duration::from_secs(1);

/// What a call says it costs, or that it fails.
type Call = Option<u32>;

fn one_key(_: &Call) -> Option<u32> {
    Some(1)
}

async fn echo(call: Call) -> io::Result<u32> {
    call.ok_or_else(|| io::Error::other("down"))
}

fn as_answered(outcome: Result<&u32, &io::Error>, charged: u32) -> u32 {
    outcome.map_or(charged, |cost| *cost)
}

async fn call<S: Service<Call>>(service: &mut S, call: Call) -> Result<S::Response, S::Error> {
    service.ready().await?.call(call).await
}

#[tokio::test(start_paused = true)]
async fn the_response_says_what_a_call_cost() {
    let layer = RateLimitLayer::new(one_key, quota(10, SECOND)).cost_on_response(as_answered);
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(echo));
    let used = || handle.usage(&1).unwrap().current;

    call(&mut service, Some(0)).await.unwrap();
    assert_eq!(used(), 0);
    call(&mut service, Some(1)).await.unwrap();
    assert_eq!(used(), 1);
    call(&mut service, None).await.unwrap_err();
    assert_eq!(used(), 2);
    // Beyond the limit, which the next call finds.
    call(&mut service, Some(12)).await.unwrap();
    assert_eq!(used(), 14);
    let error = call(&mut service, Some(1)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(SECOND));
    advance(SECOND).await;
    call(&mut service, Some(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn what_is_given_back_was_never_taken() {
    let layer = RateLimitLayer::new(one_key, quota(3, SECOND)).cost_on_response(as_answered);
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(echo));
    for (wait, cost) in [(0, 1), (300, 0), (300, 1), (300, 0)] {
        advance(Duration::from_millis(wait)).await;
        call(&mut service, Some(cost)).await.unwrap();
    }
    // The first and the third are left, each with its own time.
    assert_eq!(handle.usage(&1).unwrap().current, 2);
    advance(Duration::from_millis(100)).await;
    assert_eq!(handle.usage(&1).unwrap().current, 1);
    advance(Duration::from_millis(600)).await;
    assert_eq!(handle.usage(&1).unwrap().current, 0);
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_is_corrected_too() {
    let layer = RateLimitLayer::new(one_key, quota(1, SECOND))
        .cost_on_response(as_answered)
        .wait(Wait::new(Duration::MAX));
    let handle = layer.handle();
    let mut service = layer.layer(service_fn(echo));
    let start = tokio::time::Instant::now();
    for _ in 0..5 {
        call(&mut service, Some(0)).await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    call(&mut service, Some(3)).await.unwrap();
    assert_eq!(handle.usage(&1).unwrap().current, 3);
    call(&mut service, Some(1)).await.unwrap();
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_before_its_outcome_stays_charged() {
    let inner = service_fn(|_: Call| std::future::pending::<io::Result<u32>>());
    let layer = RateLimitLayer::new(one_key, quota(3, SECOND)).cost_on_response(as_answered);
    let handle = layer.handle();
    let mut service = layer.layer(inner);
    let mut call = tokio_test::task::spawn(service.ready().await.unwrap().call(Some(0)));
    assert!(call.poll().is_pending());
    drop(call);
    assert_eq!(handle.usage(&1).unwrap().current, 1);
}

#[tokio::test(start_paused = true)]
async fn a_slow_store_is_corrected_once_it_has_decided() {
    let layer = RateLimitLayer::new(one_key, quota(3, SECOND))
        .store(Remote::new())
        .cost_on_response(as_answered);
    let store = layer.handle().store().clone();
    let mut service = layer.layer(service_fn(echo));
    advance(SECOND).await;
    call(&mut service, Some(0)).await.unwrap();
    assert_eq!(store.usage(&1).unwrap().current, 0);
    call(&mut service, Some(2)).await.unwrap();
    assert_eq!(store.usage(&1).unwrap().current, 2);
}

#[tokio::test(start_paused = true)]
async fn the_handle_charges_and_refunds() {
    let layer = RateLimitLayer::new(one_key, quota(5, SECOND));
    let handle = layer.handle();
    assert!(!handle.charge(&1, 1));
    assert!(!handle.refund(&1, 1));
    let mut service = layer.layer(service_fn(echo));
    call(&mut service, Some(1)).await.unwrap();
    assert!(handle.charge(&1, 4));
    call(&mut service, Some(1)).await.unwrap_err();
    assert!(handle.refund(&1, 2));
    assert_eq!(handle.usage(&1).unwrap().current, 3);
    call(&mut service, Some(1)).await.unwrap();
}
