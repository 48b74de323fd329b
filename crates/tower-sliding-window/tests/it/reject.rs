use std::{
    convert::Infallible,
    io,
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::time::{Instant, advance};
use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimit, service_fn};
use tower_sliding_window::{Error, OnMissingKey, Quota, RateLimitLayer, Refusal, Wait};

use crate::{oracle::quota, remote::Remote};

const SECOND: Duration = Duration::from_secs(1);

fn by_user(user: &Option<u32>) -> Option<u32> {
    *user
}

/// Answers how many calls reached it.
fn counting()
-> impl Service<Option<u32>, Response = u64, Error = Infallible, Future: Send + Unpin> + Clone {
    let calls = Arc::new(AtomicU64::new(0));
    service_fn(move |_| std::future::ready(Ok(calls.fetch_add(1, Ordering::Relaxed) + 1)))
}

async fn call<S, Req>(service: &mut S, request: Req) -> Result<S::Response, S::Error>
where
    S: Service<Req>,
{
    service.ready().await?.call(request).await
}

#[tokio::test(start_paused = true)]
async fn a_full_window_rejects_until_the_oldest_slot_frees() {
    let mut service = RateLimitLayer::new(by_user, quota(2, SECOND)).layer(counting());
    call(&mut service, Some(1)).await.unwrap();
    advance(SECOND / 2).await;
    call(&mut service, Some(1)).await.unwrap();

    let Err(Error::Denied(denied)) = call(&mut service, Some(1)).await else {
        panic!("the window is full");
    };
    assert_eq!(denied.retry_after, SECOND / 2);
    advance(denied.retry_after - Duration::from_millis(1)).await;
    assert!(call(&mut service, Some(1)).await.is_err());
    advance(Duration::from_millis(1)).await;
    assert_eq!(call(&mut service, Some(1)).await.unwrap(), 3);
}

#[tokio::test(start_paused = true)]
async fn each_key_has_its_own_quota() {
    let free_or_paid = |user: &u32| quota(if *user < 10 { 1 } else { 3 }, SECOND);
    let mut service = RateLimitLayer::new(by_user, free_or_paid).layer(counting());
    let mut admitted = [0; 2];
    for (count, user) in admitted.iter_mut().zip([1, 11]) {
        for _ in 0..5 {
            *count += u32::from(call(&mut service, Some(user)).await.is_ok());
        }
    }
    assert_eq!(admitted, [1, 3]);
}

#[tokio::test(start_paused = true)]
async fn a_key_without_quotas_is_not_limited() {
    let nobody = |_: &u32| Vec::<Quota>::new();
    let layer = RateLimitLayer::new(by_user, nobody);
    let handle = layer.handle();
    let mut service = layer.layer(counting());
    for _ in 0..100 {
        call(&mut service, Some(1)).await.unwrap();
    }
    assert!(handle.is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_request_without_key_is_rejected_or_admitted_or_shares_one() {
    let layer = RateLimitLayer::new(by_user, quota(1, SECOND));
    let mut rejecting = layer.clone().layer(counting());
    assert!(matches!(
        call(&mut rejecting, None).await,
        Err(Error::MissingKey)
    ));

    let mut admitting = layer
        .clone()
        .on_missing_key(OnMissingKey::Admit)
        .layer(counting());
    for _ in 0..3 {
        call(&mut admitting, None).await.unwrap();
    }

    let mut sharing = layer
        .on_missing_key(OnMissingKey::Share(0))
        .layer(counting());
    call(&mut sharing, None).await.unwrap();
    assert!(matches!(
        call(&mut sharing, None).await,
        Err(Error::Denied(_))
    ));
    call(&mut sharing, Some(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn clones_and_services_of_one_layer_share_the_quota() {
    let layer = RateLimitLayer::new(by_user, quota(2, SECOND));
    let mut first = layer.layer(counting());
    let mut second = first.clone();
    let mut third = layer.clone().layer(counting());
    call(&mut first, Some(1)).await.unwrap();
    call(&mut second, Some(1)).await.unwrap();
    assert!(call(&mut third, Some(1)).await.is_err());
}

#[tokio::test(start_paused = true)]
async fn readiness_hoarded_by_clones_lets_nobody_through() {
    let service = RateLimitLayer::new(by_user, quota(5, SECOND / 10)).layer(counting());
    let mut hoard = Vec::new();
    for _ in 0..50 {
        let mut clone = service.clone();
        clone.ready().await.unwrap();
        hoard.push(clone);
        advance(SECOND / 10).await;
    }
    let mut admitted = 0;
    for mut clone in hoard {
        admitted += u32::from(clone.call(Some(1)).await.is_ok());
    }
    assert_eq!(admitted, 5);
}

#[tokio::test(start_paused = true)]
async fn services_readied_and_dropped_use_no_quota() {
    let service = RateLimitLayer::new(by_user, quota(1, SECOND)).layer(counting());
    for _ in 0..5 {
        service.clone().ready().await.unwrap();
    }
    call(&mut service.clone(), Some(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_response_may_stand_for_a_refusal_and_the_error_stays_the_inner_ones() {
    let inner = service_fn(|_: Option<u32>| async { Err::<String, _>(io::Error::other("down")) });
    let mut service = RateLimitLayer::new(by_user, quota(1, SECOND))
        .respond(|refusal: &Refusal| format!("{refusal:?}"))
        .layer(inner);
    let failed: io::Error = call(&mut service, Some(1)).await.unwrap_err();
    assert_eq!(failed.to_string(), "down");
    assert!(
        call(&mut service, Some(1))
            .await
            .unwrap()
            .contains("Denied")
    );
    assert_eq!(call(&mut service, None).await.unwrap(), "MissingKey");
}

#[tokio::test(start_paused = true)]
async fn an_inner_error_is_the_source_and_not_repeated() {
    let inner = service_fn(|_: Option<u32>| async { Err::<(), _>(io::Error::other("down")) });
    let mut service = RateLimitLayer::new(by_user, quota(1, SECOND)).layer(inner);
    let error = call(&mut service, Some(1)).await.unwrap_err();
    assert!(!error.to_string().contains("down"));
    assert_eq!(
        std::error::Error::source(&error).unwrap().to_string(),
        "down"
    );
    assert_eq!(error.retry_after(), None);
    let error = call(&mut service, Some(1)).await.unwrap_err();
    assert_eq!(error.retry_after(), Some(SECOND));
    assert_eq!(
        error.to_string(),
        "rate limit of 1 in 1s reached, next in 1s"
    );
}

#[tokio::test(start_paused = true)]
async fn the_handle_counts_and_looks_and_resets() {
    let layer = RateLimitLayer::new(by_user, quota(1, SECOND));
    let handle = layer.handle();
    let mut service = layer.layer(counting());
    call(&mut service, Some(1)).await.unwrap();
    assert!(call(&mut service, Some(1)).await.is_err());

    let statistics = handle.statistics();
    assert_eq!(
        (statistics.admitted, statistics.denied, statistics.waited),
        (1, 1, 0)
    );
    assert_eq!(handle.usage(&1).unwrap().next_admission, SECOND);
    assert_eq!(handle.len(), 1);
    assert!(handle.reset(&1));
    call(&mut service, Some(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_store_may_take_its_time() {
    let layer = RateLimitLayer::new(by_user, quota(1, SECOND)).store(Remote::new());
    let handle = layer.handle();
    let mut service = layer.layer(ConcurrencyLimit::new(counting(), 1));
    assert_eq!(call(&mut service, Some(1)).await.unwrap(), 1);
    assert!(matches!(
        call(&mut service, Some(1)).await,
        Err(Error::Denied(_))
    ));
    let statistics = handle.statistics();
    assert_eq!((statistics.admitted, statistics.denied), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_while_the_store_decides_gives_the_inner_permit_back() {
    let mut service = RateLimitLayer::new(by_user, quota(5, SECOND))
        .store(Remote::new())
        .layer(ConcurrencyLimit::new(counting(), 1));
    let mut pending = tokio_test::task::spawn(service.ready().await.unwrap().call(Some(1)));
    assert!(pending.poll().is_pending());
    drop(pending);
    call(&mut service, Some(1)).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn calls_wait_on_a_slow_store_too() {
    let mut service = RateLimitLayer::new(by_user, quota(1, SECOND))
        .store(Remote::new())
        .wait(Wait::new(10 * SECOND))
        .layer(counting());
    let start = Instant::now();
    for _ in 0..3 {
        call(&mut service, Some(1)).await.unwrap();
    }
    assert!(start.elapsed() >= 2 * SECOND);
}
