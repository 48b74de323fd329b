use std::{
    convert::Infallible,
    future::{Future, pending, ready},
    sync::{Arc, Mutex},
    time::Duration,
};

use tokio::time::{Instant, advance};
use tokio_test::{assert_pending, assert_ready, task::spawn};
use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimit, service_fn};
use tower_sliding_window::{
    Error, MemoryStore, OnMissingKey, Quota, RateLimit, RateLimitHandle, RateLimitLayer, Wait,
};

use crate::oracle::{most_in_any_window, quota};

const SECOND: Duration = Duration::from_secs(1);

/// A call is its own key; `?` has none.
type Key = char;

/// Answers when it was called.
fn stamping() -> impl Service<Key, Response = Instant, Error = Infallible, Future: Send> + Clone {
    service_fn(|_| ready(Ok(Instant::now())))
}

type Limited<S> = RateLimit<S, Key, fn(&Key) -> Option<Key>, Quota, Wait<Key>, MemoryStore<Key>>;

fn limited<S>(
    limit: u32,
    wait: Wait<Key>,
    inner: S,
) -> (Limited<S>, RateLimitHandle<MemoryStore<Key>>) {
    let by_itself: fn(&Key) -> Option<Key> = |key| Some(*key).filter(|key| *key != '?');
    let layer = RateLimitLayer::new(by_itself, quota(limit, SECOND)).wait(wait);
    let handle = layer.handle();
    (layer.layer(inner), handle)
}

fn wait() -> Wait<Key> {
    Wait::new(Duration::MAX)
}

async fn call<S: Service<Key>>(service: &mut S, key: Key) -> Result<S::Response, S::Error> {
    service.ready().await?.call(key).await
}

/// A call whose future has not been polled.
fn start<S: Service<Key> + Clone>(
    service: &S,
    key: Key,
) -> tokio_test::task::Spawn<impl Future<Output = Result<S::Response, S::Error>> + use<S>> {
    let service = service.clone();
    spawn(async move { service.oneshot(key).await })
}

#[tokio::test(start_paused = true)]
async fn a_call_waits_until_the_oldest_slot_frees() {
    let (mut service, handle) = limited(2, wait(), stamping());
    let start = Instant::now();
    let mut elapsed = Vec::new();
    for _ in 0..5 {
        elapsed.push((call(&mut service, 'a').await.unwrap() - start).as_millis());
    }
    assert_eq!(elapsed, [0, 0, 1000, 1000, 2000]);
    let statistics = handle.statistics();
    assert_eq!((statistics.admitted, statistics.denied), (5, 0));
    assert_eq!(statistics.waited, 2);
}

#[tokio::test(start_paused = true)]
async fn many_waiters_are_served_in_order_and_never_over_the_limit() {
    let served = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&served);
    let inner = service_fn(move |_: Key| {
        log.lock().unwrap().push(Instant::now());
        ready(Ok::<_, Infallible>(()))
    });
    let (service, handle) = limited(3, wait(), inner);
    let start_of_all = Instant::now();
    let order = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = tokio::task::JoinSet::new();
    for number in 0..20 {
        let order = Arc::clone(&order);
        let call = service.clone().oneshot('a');
        tasks.spawn(async move {
            call.await.unwrap();
            order.lock().unwrap().push(number);
        });
    }
    while let Some(joined) = tasks.join_next().await {
        joined.unwrap();
    }
    assert_eq!(*order.lock().unwrap(), (0..20).collect::<Vec<_>>());
    let nanos: Vec<u64> = served
        .lock()
        .unwrap()
        .iter()
        .map(|at| u64::try_from((*at - start_of_all).as_nanos()).unwrap())
        .collect();
    assert_eq!(nanos.len(), 20);
    assert!(most_in_any_window(&nanos, SECOND) <= 3);
    assert_eq!(handle.statistics().waited, 17);
}

#[tokio::test(start_paused = true)]
async fn keys_do_not_wait_for_each_other() {
    let (mut service, _) = limited(1, wait(), stamping());
    call(&mut service, 'a').await.unwrap();
    let mut behind = start(&service, 'a');
    assert_pending!(behind.poll());
    assert_ready!(start(&service, 'b').poll()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn only_the_head_of_a_line_has_a_timer() {
    let (mut service, _) = limited(1, wait(), stamping());
    call(&mut service, 'a').await.unwrap();
    let (mut head, mut tail) = (start(&service, 'a'), start(&service, 'a'));
    assert_pending!(head.poll());
    assert_pending!(tail.poll());

    advance(10 * SECOND).await;
    assert!(head.is_woken());
    assert!(!tail.is_woken());
    assert_ready!(head.poll()).unwrap();
    assert!(tail.is_woken());
    assert_pending!(tail.poll());
    advance(SECOND).await;
    assert!(tail.is_woken());
    assert_ready!(tail.poll()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_newcomer_does_not_overtake_a_head_that_was_not_polled_yet() {
    let (mut service, _) = limited(1, wait(), stamping());
    call(&mut service, 'a').await.unwrap();
    let mut head = start(&service, 'a');
    assert_pending!(head.poll());
    advance(SECOND).await;
    let mut newcomer = start(&service, 'a');
    assert_pending!(newcomer.poll());
    assert_ready!(head.poll()).unwrap();
    assert_pending!(newcomer.poll());
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_before_its_first_poll_was_not_charged() {
    let (service, handle) = limited(1, wait(), stamping());
    drop(start(&service, 'a'));
    assert!(handle.is_empty());
    assert_ready!(start(&service, 'a').poll()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_dropped_head_hands_over_to_the_next() {
    let (mut service, handle) = limited(1, wait(), stamping());
    call(&mut service, 'a').await.unwrap();
    let (mut head, mut next) = (start(&service, 'a'), start(&service, 'a'));
    assert_pending!(head.poll());
    assert_pending!(next.poll());
    drop(head);
    assert!(next.is_woken());
    assert_pending!(next.poll());
    advance(SECOND).await;
    assert!(next.is_woken());
    assert_ready!(next.poll()).unwrap();
    assert_eq!(handle.statistics().admitted, 2);
}

#[tokio::test(start_paused = true)]
async fn waiters_dropped_in_the_middle_and_at_the_tail_leave_no_gap() {
    let (mut service, handle) = limited(1, wait(), stamping());
    call(&mut service, 'a').await.unwrap();
    let mut line: Vec<_> = (0..5).map(|_| start(&service, 'a')).collect();
    for waiter in &mut line {
        assert_pending!(waiter.poll());
    }
    drop(line.remove(4));
    drop(line.remove(2));
    for mut waiter in line {
        advance(SECOND).await;
        assert!(waiter.is_woken());
        if waiter.poll().is_pending() {
            // Became head only now: its timer starts at the admission before it.
            advance(SECOND).await;
            assert_ready!(waiter.poll()).unwrap();
        }
    }
    assert_eq!(handle.statistics().admitted, 4);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_woken_but_dropped_unpolled_wakes_the_one_behind_it() {
    let (mut service, handle) = limited(1, wait(), stamping());
    call(&mut service, 'a').await.unwrap();
    let (mut head, mut next) = (start(&service, 'a'), start(&service, 'a'));
    let mut last = start(&service, 'a');
    for waiter in [&mut head, &mut next, &mut last] {
        assert_pending!(waiter.poll());
    }
    drop(head);
    assert!(next.is_woken());
    drop(next);
    assert!(last.is_woken());

    assert_pending!(last.poll());
    advance(SECOND).await;
    assert!(last.is_woken());
    drop(last);
    assert_ready!(start(&service, 'a').poll()).unwrap();
    assert_eq!(handle.statistics().admitted, 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_once_admitted_stays_charged_and_blocks_nobody() {
    let inner = service_fn(|_: Key| pending::<Result<(), Infallible>>());
    let (service, handle) = limited(1, wait(), inner);
    let mut admitted = start(&service, 'a');
    assert_pending!(admitted.poll());
    drop(admitted);
    assert_eq!(handle.usage(&'a').unwrap().current, 1);

    let mut next = start(&service, 'a');
    assert_pending!(next.poll());
    advance(SECOND).await;
    assert!(next.is_woken());
    assert_pending!(next.poll());
    assert_eq!(handle.statistics().admitted, 2);
}

#[tokio::test(start_paused = true)]
async fn a_call_that_would_wait_too_long_is_denied_at_once() {
    let (mut service, handle) = limited(1, Wait::new(SECOND), stamping());
    call(&mut service, 'a').await.unwrap();
    // The head may wait exactly as long as it must; the second would need a window more.
    let (mut head, mut second) = (start(&service, 'a'), start(&service, 'a'));
    assert_pending!(head.poll());
    let Err(Error::Denied(denied)) = assert_ready!(second.poll()) else {
        panic!("it cannot be admitted within a second");
    };
    assert_eq!(denied.retry_after, 2 * SECOND);
    advance(SECOND).await;
    assert_ready!(head.poll()).unwrap();

    let (mut service, _) = limited(1, Wait::new(SECOND - Duration::from_nanos(1)), stamping());
    call(&mut service, 'a').await.unwrap();
    let denied = call(&mut service, 'a').await.unwrap_err();
    assert_eq!(denied.retry_after(), Some(SECOND));
    assert_eq!(handle.statistics().denied, 1);
}

#[tokio::test(start_paused = true)]
async fn a_head_overtaken_through_the_store_gives_up_when_its_time_cannot_suffice() {
    let layer = RateLimitLayer::new(|key: &Key| Some(*key), quota(1, SECOND));
    let store = layer.handle().store().clone();
    let mut rejecting = layer.clone().layer(stamping());
    let mut waiting = layer
        .store(store)
        .wait(Wait::new(SECOND * 3 / 2))
        .layer(stamping());

    call(&mut waiting, 'a').await.unwrap();
    let mut head = start(&waiting, 'a');
    assert_pending!(head.poll());
    advance(SECOND).await;
    call(&mut rejecting, 'a').await.unwrap();
    assert!(matches!(assert_ready!(head.poll()), Err(Error::Denied(_))));
}

#[tokio::test(start_paused = true)]
async fn a_full_line_refuses_the_next() {
    let (mut service, _) = limited(1, wait().max_waiters(2), stamping());
    call(&mut service, 'a').await.unwrap();
    let mut line = [start(&service, 'a'), start(&service, 'a')];
    for waiter in &mut line {
        assert_pending!(waiter.poll());
    }
    let refused = call(&mut service, 'a').await;
    assert!(matches!(refused, Err(Error::QueueFull { max_waiters: 2 })));
    call(&mut service, 'b').await.unwrap();
    drop(line);
    assert_pending!(start(&service, 'a').poll());
}

#[tokio::test(start_paused = true)]
async fn with_no_waiters_allowed_a_call_is_denied() {
    let (mut service, _) = limited(1, wait().max_waiters(0), stamping());
    call(&mut service, 'a').await.unwrap();
    assert!(matches!(
        call(&mut service, 'a').await,
        Err(Error::Denied(_))
    ));
}

#[tokio::test(start_paused = true)]
async fn a_waiting_call_holds_no_permit_of_the_inner_service() {
    let (mut service, _) = limited(1, wait(), ConcurrencyLimit::new(stamping(), 1));
    call(&mut service, 'a').await.unwrap();
    let mut waiter = start(&service, 'a');
    assert_pending!(waiter.poll());
    service.ready().await.unwrap();
    assert_ready!(start(&service, 'b').poll()).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_request_without_key_does_not_wait() {
    let (mut service, _) = limited(1, wait(), stamping());
    assert!(matches!(
        call(&mut service, '?').await,
        Err(Error::MissingKey)
    ));

    let mut admitting = RateLimitLayer::new(|_: &Key| None::<Key>, quota(1, SECOND))
        .on_missing_key(OnMissingKey::Admit)
        .wait(wait())
        .layer(stamping());
    let mut sharing = RateLimitLayer::new(|_: &Key| None::<Key>, quota(1, SECOND))
        .on_missing_key(OnMissingKey::Share('*'))
        .wait(wait())
        .layer(stamping());
    let start = Instant::now();
    for _ in 0..3 {
        call(&mut admitting, '?').await.unwrap();
    }
    assert_eq!(start.elapsed(), Duration::ZERO);
    for _ in 0..2 {
        call(&mut sharing, '?').await.unwrap();
    }
    assert_eq!(start.elapsed(), SECOND);
}

#[tokio::test(start_paused = true)]
async fn a_quota_raised_while_calls_wait_counts_from_the_next_question() {
    let limit = Arc::new(Mutex::new(1));
    let known = Arc::clone(&limit);
    let mut service = RateLimitLayer::new(
        |key: &Key| Some(*key),
        move |_: &Key| quota(*known.lock().unwrap(), SECOND),
    )
    .wait(wait())
    .layer(stamping());
    call(&mut service, 'a').await.unwrap();
    let mut line: Vec<_> = (0..3).map(|_| start(&service, 'a')).collect();
    for waiter in &mut line {
        assert_pending!(waiter.poll());
    }
    *limit.lock().unwrap() = 10;
    advance(SECOND).await;
    for waiter in &mut line {
        assert!(waiter.is_woken());
        assert_ready!(waiter.poll()).unwrap();
    }
}
