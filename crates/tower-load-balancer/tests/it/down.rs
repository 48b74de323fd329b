use std::{
    num::NonZeroU32,
    pin::Pin,
    task::{Context, Poll},
};

use tokio_test::{assert_pending, assert_ready, task};
use tower::{Service, ServiceExt};
use tower_load_balancer::{Balance, Change, Endpoint, Endpoints, Error, InOrder, RoundRobin};

use crate::backend::{Backend, Broken, answers, backends, set};

#[tokio::test(start_paused = true)]
async fn without_an_endpoint_a_request_fails_at_once() {
    let mut balance = Balance::new(Endpoints::<u32, Backend>::new(), RoundRobin::new());
    let answer = balance.ready().await.expect("ready").call(0).await;
    assert_eq!(answer, Err(Error::Empty));
    assert!(!balance.endpoints().is_panicking());
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_that_comes_later_is_seen_by_all_clones() {
    let mut balance = Balance::new(Endpoints::new(), RoundRobin::new());
    let mut clone = balance.clone();
    balance.endpoints().insert(Backend::new(7).endpoint());
    assert_eq!(answers(&mut balance, 1).await, [7]);
    assert_eq!(answers(&mut clone, 1).await, [7]);
}

#[tokio::test(start_paused = true)]
async fn the_only_endpoint_is_asked_even_when_it_fails() {
    let backends = backends(1);
    backends[0].set_failing(true);
    let mut balance = Balance::new(set(&backends), RoundRobin::new());
    for _ in 0..20 {
        let answer = balance.ready().await.expect("ready").call(0).await;
        assert_eq!(answer, Err(Error::Inner(Broken(0))));
    }
    assert_eq!(backends[0].calls(), 20);
    assert!(balance.endpoints().is_panicking());
    backends[0].set_failing(false);
    assert_eq!(answers(&mut balance, 2).await, [0, 0]);
}

#[tokio::test(start_paused = true)]
async fn when_all_are_down_all_are_asked() {
    let backends = backends(4);
    for backend in &backends {
        backend.set_failing(true);
    }
    let mut balance = Balance::new(set(&backends), RoundRobin::new());
    for _ in 0..100 {
        let answer = balance.ready().await.expect("ready").call(0).await;
        assert!(matches!(answer, Err(Error::Inner(Broken(_)))));
    }
    for backend in &backends {
        assert!(backend.calls() >= 5, "{backend:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_endpoint_has_no_more_requests_than_it_may_have() {
    let backends = backends(2);
    for backend in &backends {
        backend.set_latency(1_000);
    }
    let one = NonZeroU32::MIN;
    let endpoints: Endpoints<_, _> = backends
        .iter()
        .map(|backend| backend.endpoint().max_in_flight(one))
        .collect();
    let mut balance = Balance::new(endpoints, InOrder);
    let mut first = task::spawn(balance.ready().await.expect("ready").call(0));
    let mut second = task::spawn(balance.ready().await.expect("ready").call(0));
    assert_pending!(first.poll());
    assert_pending!(second.poll());
    let third = balance.ready().await.expect("ready").call(0).await;
    assert_eq!(third, Err(Error::Full));

    drop(first);
    let mut fourth = task::spawn(balance.ready().await.expect("ready").call(0));
    assert_pending!(fourth.poll());
    tokio::time::advance(std::time::Duration::from_secs(2)).await;
    assert_eq!(assert_ready!(second.poll()), Ok(1));
    assert_eq!(assert_ready!(fourth.poll()), Ok(0));
}

#[tokio::test(start_paused = true)]
async fn a_tier_serves_when_those_before_it_are_full_or_down() {
    let backends = backends(3);
    backends[0].set_latency(1_000);
    let endpoints: Endpoints<_, _> = backends
        .iter()
        .zip(0..)
        .map(|(backend, priority)| {
            let endpoint = backend.endpoint().priority(priority);
            endpoint.max_in_flight(NonZeroU32::MIN)
        })
        .collect();
    let mut balance = Balance::new(endpoints, RoundRobin::new());
    let mut first = task::spawn(balance.ready().await.expect("ready").call(0));
    assert_pending!(first.poll());
    assert_eq!(answers(&mut balance, 3).await, [1, 1, 1]);

    backends[1].set_failing(true);
    for _ in 0..5 {
        let failed = balance.ready().await.expect("ready").call(0).await;
        assert_eq!(failed, Err(Error::Inner(Broken(1))));
    }
    assert_eq!(answers(&mut balance, 2).await, [2, 2]);
}

#[tokio::test(start_paused = true)]
async fn a_new_service_under_an_old_key_takes_over() {
    let endpoints = set(&backends(2));
    let mut balance = Balance::new(endpoints.clone(), RoundRobin::new());
    assert!(endpoints.insert(Endpoint::new(0, Backend::new(7))));
    assert_eq!(answers(&mut balance, 4).await, [7, 1, 7, 1]);
    assert!(endpoints.remove(&0));
    assert!(!endpoints.remove(&0));
    endpoints.replace_all([Backend::new(1).endpoint(), Backend::new(5).endpoint()]);
    let mut all = answers(&mut balance, 2).await;
    all.sort_unstable();
    assert_eq!(all, [1, 5]);
}

/// A stream of what is given.
struct Found(std::vec::IntoIter<Change<u32, Backend>>);

impl futures_core::Stream for Found {
    type Item = Change<u32, Backend>;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        Poll::Ready(self.0.next())
    }
}

#[tokio::test(start_paused = true)]
async fn a_set_follows_a_stream_to_its_end() {
    let endpoints = set(&backends(1));
    let insert = |name| Change::Insert(Backend::new(name).endpoint());
    let found = vec![insert(5), insert(6), Change::Remove(0), Change::Remove(5)];
    endpoints.follow(Found(found.into_iter())).await;
    let keys: Vec<_> = endpoints.status().iter().map(|status| status.key).collect();
    assert_eq!(keys, [6]);
}
