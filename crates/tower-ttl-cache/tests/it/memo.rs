//! The memo for any service.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use proptest::prelude::*;
use tokio::time::{Instant, advance, sleep};
use tokio_test::{assert_pending, task::spawn};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_conformance::{Probe, Subject, check};
use tower_ttl_cache::memo::{Memo, MemoLayer};

const TTL: Duration = Duration::from_secs(60);

#[derive(Debug, PartialEq)]
struct Odd;

type Key = fn(&u64) -> Option<u64>;

fn layer() -> MemoLayer<Key, u64, (u64, u64)> {
    // 0 has no key.
    MemoLayer::new((|n: &u64| (*n > 0).then_some(*n)) as Key, TTL)
}

/// Answers with the request and the number of calls before it, after a while; 13 is an error.
#[derive(Clone, Default)]
struct Slow {
    calls: Arc<AtomicU64>,
}

impl Service<u64> for Slow {
    type Response = (u64, u64);
    type Error = Odd;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<(u64, u64), Odd>> + Send>>;

    fn poll_ready(&mut self, _: &mut std::task::Context<'_>) -> std::task::Poll<Result<(), Odd>> {
        std::task::Poll::Ready(Ok(()))
    }

    fn call(&mut self, n: u64) -> Self::Future {
        let call = self.calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            sleep(Duration::from_millis(200)).await;
            if n == 13 { Err(Odd) } else { Ok((n, call)) }
        })
    }
}

type Service_ = Memo<Slow, Key, u64, (u64, u64)>;

async fn ask(service: &Service_, n: u64) -> Result<(u64, u64), Odd> {
    let mut service = service.clone();
    service.ready().await?.call(n).await
}

#[tokio::test(start_paused = true)]
async fn a_response_answers_until_its_lifetime_ends() {
    let layer = layer();
    let service = layer.layer(Slow::default());
    assert_eq!(ask(&service, 1).await, Ok((1, 0)));
    advance(TTL - Duration::from_millis(1)).await;
    assert_eq!(ask(&service, 1).await, Ok((1, 0)));
    assert_eq!(ask(&service, 2).await, Ok((2, 1)));
    assert_eq!(ask(&service, 1).await, Ok((1, 2)));
    let stats = layer.handle().stats();
    assert_eq!(
        (stats.hits, stats.misses, stats.stores, stats.entries),
        (1, 3, 3, 2)
    );
    assert!((stats.hit_ratio() - 0.25).abs() < f64::EPSILON);
    assert!(
        stats
            .to_string()
            .starts_with("1 hits, 0 coalesced, 3 misses (25.0 % hits)")
    );
}

#[tokio::test(start_paused = true)]
async fn a_request_without_a_key_leaves_no_trace() {
    let layer = layer();
    let service = layer.layer(Slow::default());
    assert_eq!(ask(&service, 0).await, Ok((0, 0)));
    assert_eq!(ask(&service, 0).await, Ok((0, 1)));
    let stats = layer.handle().stats();
    assert_eq!((stats.bypassed, stats.misses, stats.entries), (2, 0, 0));
}

#[tokio::test(start_paused = true)]
async fn an_error_is_neither_kept_nor_shared() {
    let service = layer().layer(Slow::default());
    let begin = Instant::now();
    let herd: Vec<_> = (0..10)
        .map(|_| {
            let service = service.clone();
            tokio::spawn(async move { ask(&service, 13).await })
        })
        .collect();
    for one in herd {
        assert_eq!(one.await.unwrap(), Err(Odd));
    }
    assert_eq!(begin.elapsed(), Duration::from_millis(400));
    assert_eq!(service.clone().oneshot(13).await, Err(Odd));
}

#[tokio::test(start_paused = true)]
async fn equal_misses_are_one_call_and_two_when_the_first_goes_away() {
    for cancelled in [false, true] {
        let layer = layer();
        let slow = Slow::default();
        let service = layer.layer(slow.clone());
        let herd: Vec<_> = (0..1_000)
            .map(|_| {
                let service = service.clone();
                tokio::spawn(async move { ask(&service, 1).await })
            })
            .collect();
        sleep(Duration::from_millis(100)).await;
        if cancelled {
            herd[0].abort();
        }
        for one in herd.into_iter().skip(1) {
            assert_eq!(one.await.unwrap(), Ok((1, cancelled.into())));
        }
        assert_eq!(slow.calls.load(Ordering::Relaxed), 1 + u64::from(cancelled));
        assert_eq!(layer.handle().stats().coalesced, 999 - u64::from(cancelled));
    }
}

#[tokio::test(start_paused = true)]
async fn a_future_that_is_never_polled_holds_nobody_up() {
    let mut service = layer().layer(Slow::default());
    let unpolled = service.ready().await.unwrap().call(1);
    assert_eq!(ask(&service, 1).await, Ok((1, 0)));
    drop(unpolled);
}

#[tokio::test(start_paused = true)]
async fn what_was_invalidated_under_way_is_not_kept() {
    let layer = layer();
    let handle = layer.handle();
    let service = layer.layer(Slow::default());
    for clear in [false, true] {
        let mut under_way = spawn(ask(&service, 1));
        assert_pending!(under_way.poll());
        if clear {
            handle.clear();
        } else {
            assert!(!handle.invalidate(&1));
        }
        under_way.await.unwrap();
        assert_eq!(handle.stats().entries, 0);
    }
    assert_eq!(handle.stats().refused, 2);
    // For a while nobody waits for it, but it is kept again.
    ask(&service, 1).await.unwrap();
    assert!(handle.invalidate(&1));
    assert_eq!(handle.stats().entries, 0);
}

#[tokio::test(start_paused = true)]
async fn the_response_decides_how_long_it_is_kept_and_what_it_weighs() {
    let layer = layer()
        .ttl_of(|(n, _)| Duration::from_secs(*n - 1))
        .max_weight(10, |(n, _)| *n as usize);
    let handle = layer.handle();
    let service = layer.layer(Slow::default());
    for n in [1, 4, 6, 11] {
        ask(&service, n).await.unwrap();
    }
    // 1 has no lifetime, 11 is too heavy.
    let stats = handle.stats();
    assert_eq!((stats.entries, stats.weight, stats.refused), (2, 10, 1));
    advance(Duration::from_secs(3)).await;
    assert_eq!(ask(&service, 6).await, Ok((6, 2)));
    assert_eq!(ask(&service, 4).await, Ok((4, 4)));
}

#[tokio::test(start_paused = true)]
async fn the_longest_lifetime_does_not_overflow() {
    let layer = MemoLayer::new(|n: &u64| Some(*n), Duration::MAX);
    let mut service = layer.layer(service_fn(|n: u64| async move { Ok::<_, Odd>(n) }));
    for _ in 0..2 {
        assert_eq!(service.ready().await.unwrap().call(7).await, Ok(7));
    }
    assert_eq!(layer.handle().stats().hits, 1);
}

struct Cold(AtomicU64);

impl Subject for Cold {
    type Request = u64;
    type Response = u64;
    type Service = Memo<Probe<u64>, fn(&u64) -> Option<u64>, u64, u64>;

    fn service(&self, inner: Probe<u64>) -> Self::Service {
        MemoLayer::new((|n: &u64| Some(*n)) as fn(&u64) -> Option<u64>, TTL).layer(inner)
    }

    fn request(&self) -> u64 {
        self.0.fetch_add(1, Ordering::Relaxed)
    }

    fn response() -> u64 {
        7
    }
}

#[tokio::test(start_paused = true)]
async fn the_laws_hold() {
    check(&Cold(AtomicU64::new(0))).await.unwrap();
}

#[derive(Clone, Copy, Debug)]
enum Step {
    Ask(u64),
    Invalidate(u64),
    Clear,
    /// Milliseconds.
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        8 => (0..5_u64).prop_map(Step::Ask),
        1 => (0..5_u64).prop_map(Step::Invalidate),
        1 => Just(Step::Clear),
        2 => (0..40_000_u64).prop_map(Step::Wait),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn answers_are_those_of_a_map_that_forgets(steps in prop::collection::vec(step(), 1..60)) {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()
            .unwrap();
        runtime.block_on(async {
            let layer = layer();
            let slow = Slow::default();
            let service = layer.layer(slow.clone());
            let mut kept = std::collections::HashMap::new();
            for step in steps {
                match step {
                    Step::Ask(n) => {
                        let begin = Instant::now();
                        let calls = slow.calls.load(Ordering::Relaxed);
                        let (_, call) = ask(&service, n).await.unwrap();
                        let due = kept.get(&n).filter(|(until, _)| begin < *until);
                        match due {
                            Some((_, expected)) => assert_eq!(call, *expected),
                            None => assert_eq!(call, calls),
                        }
                        if due.is_none() && n > 0 {
                            kept.insert(n, (Instant::now() + TTL, call));
                        }
                    }
                    Step::Invalidate(n) => {
                        assert_eq!(layer.handle().invalidate(&n), kept.remove(&n).is_some());
                    }
                    Step::Clear => {
                        layer.handle().clear();
                        kept.clear();
                    }
                    Step::Wait(milliseconds) => advance(Duration::from_millis(milliseconds)).await,
                }
                assert_eq!(layer.handle().stats().entries, kept.len() as u64);
            }
        });
    }
}
