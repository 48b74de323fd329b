//! How well the policies spread requests, in virtual time. `cargo test -p tower-load-balancer spread
//! -- --nocapture` prints the figures.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::{task::JoinSet, time::Instant};
use tower::{Service, ServiceExt};
use tower_load_balancer::{
    Balance, Endpoints, InOrder, LeastPending, PeakEwma, Policy, Random, RoundRobin,
};

use crate::backend::{Backend, answers, backends, set, weight};

/// Sends requests from `callers` callers, each one after the other; how long they took.
async fn drive<P>(
    endpoints: &Endpoints<u32, Backend>,
    policy: P,
    callers: usize,
    requests: u64,
) -> Vec<Duration>
where
    P: Policy<u64> + Send + Sync + 'static,
{
    let balance = Balance::new(endpoints.clone(), policy);
    let left = Arc::new(AtomicU64::new(requests));
    let times = Arc::new(Mutex::new(Vec::new()));
    let mut tasks = JoinSet::new();
    for _ in 0..callers {
        let (mut balance, left, times) = (balance.clone(), left.clone(), times.clone());
        tasks.spawn(async move {
            let take = |left: u64| left.checked_sub(1);
            while left
                .fetch_update(Ordering::Relaxed, Ordering::Relaxed, take)
                .is_ok()
            {
                let start = Instant::now();
                let answer = balance.ready().await.expect("ready").call(0).await;
                times.lock().expect("not poisoned").push(start.elapsed());
                if answer.is_err() {
                    // A caller whose request failed does something else first.
                    tokio::time::sleep(Duration::from_millis(1)).await;
                }
            }
        });
    }
    while let Some(ended) = tasks.join_next().await {
        ended.expect("no panic");
    }
    let mut times = std::mem::take(&mut *times.lock().expect("not poisoned"));
    times.sort_unstable();
    times
}

fn calls(backends: &[Backend]) -> Vec<usize> {
    backends.iter().map(Backend::calls).collect()
}

/// The busiest has so many times the mean.
fn peak(calls: &[usize]) -> f64 {
    let most = calls.iter().max().copied().unwrap_or_default() as f64;
    most * calls.len() as f64 / calls.iter().sum::<usize>() as f64
}

#[tokio::test(start_paused = true)]
async fn round_robin_is_exact() {
    let backends = backends(10);
    let mut balance = Balance::new(set(&backends), RoundRobin::new());
    answers(&mut balance, 100_000).await;
    assert_eq!(calls(&backends), [10_000; 10]);
}

#[tokio::test(start_paused = true)]
async fn weights_are_exact_in_every_thousand_and_never_bunch() {
    let backends = backends(2);
    let endpoints = Endpoints::new();
    endpoints.insert(backends[0].endpoint().weight(weight(9)));
    endpoints.insert(backends[1].endpoint());
    let mut balance = Balance::new(endpoints, RoundRobin::new());
    for _ in 0..5 {
        let answers = answers(&mut balance, 1_000).await;
        assert_eq!(answers.iter().filter(|name| **name == 1).count(), 100);
        assert!(answers.windows(2).all(|pair| pair != [1, 1]));
    }
}

#[tokio::test(start_paused = true)]
async fn policies_that_draw_keep_to_the_weights() {
    async fn share<P: Policy<u64>>(policy: P) -> f64 {
        let backends = backends(20);
        let endpoints: Endpoints<_, _> = backends
            .iter()
            .map(|backend| {
                let heavy = if backend.name == 0 { 20 } else { 1 };
                backend.endpoint().weight(weight(heavy))
            })
            .collect();
        let mut balance = Balance::new(endpoints, policy);
        answers(&mut balance, 20_000).await;
        backends[0].calls() as f64 / 20_000.0
    }
    let fair = 20.0 / 39.0;
    let random = share(Random::seeded(1)).await;
    println!("random, weight 20 among 19 of weight 1: {random:.3}, fair {fair:.3}");
    assert!((random / fair - 1.0).abs() < 0.02);
    let pending = share(LeastPending::seeded(1)).await;
    println!("least pending, idle: {pending:.3}");
    assert!((pending / fair - 1.0).abs() < 0.02);
}

#[tokio::test(start_paused = true)]
async fn least_pending_evens_out_64_requests_in_flight() {
    for number in [10, 100] {
        let backends = backends(number);
        for backend in &backends {
            backend.set_latency(10);
        }
        drive(&set(&backends), LeastPending::seeded(7), 64, 50_000).await;
        let peak = peak(&calls(&backends));
        println!("least pending, {number} endpoints: busiest has {peak:.3} of the mean");
        assert!(peak <= 1.1, "{peak}");
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_fails_at_once_gets_less_than_a_percent_after_fifty_requests() {
    async fn share<P>(policy: P) -> f64
    where
        P: Policy<u64> + Send + Sync + 'static,
    {
        let backends = backends(10);
        for backend in &backends[1..] {
            backend.set_latency(10);
        }
        backends[0].set_failing(true);
        let endpoints = set(&backends);
        let balance = Arc::new(policy);
        // The first fifty, then the others, over ten minutes.
        drive(&endpoints, Shared(balance.clone()), 16, 50).await;
        let before = backends[0].calls();
        drive(&endpoints, Shared(balance), 16, 50_000).await;
        (backends[0].calls() - before) as f64 / 50_000.0
    }
    let shares = [
        ("round robin", share(RoundRobin::new()).await),
        ("least pending", share(LeastPending::seeded(3)).await),
        ("peak ewma", share(PeakEwma::new().seeded(3)).await),
        ("random", share(Random::seeded(3)).await),
        ("in order", share(InOrder).await),
    ];
    for (policy, share) in shares {
        println!("black hole under {policy}: {:.3} %", share * 100.0);
        assert!(share < 0.01, "{policy}: {share}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_latency_policy_avoids_a_black_hole_even_without_ejection() {
    let backends = backends(10);
    for backend in &backends[1..] {
        backend.set_latency(10);
    }
    backends[0].set_failing(true);
    let endpoints = set(&backends).without_ejection();
    drive(&endpoints, PeakEwma::new().seeded(3), 16, 20_000).await;
    let share = backends[0].calls() as f64 / 20_000.0;
    println!("black hole under peak ewma alone: {:.3} %", share * 100.0);
    assert!(share < 0.01, "{share}");
}

#[tokio::test(start_paused = true)]
async fn one_slow_endpoint_does_not_make_the_service_slow() {
    async fn p99<P>(policy: P) -> Duration
    where
        P: Policy<u64> + Send + Sync + 'static,
    {
        let backends = backends(10);
        for backend in &backends {
            backend.set_latency(if backend.name == 0 { 100 } else { 10 });
        }
        let times = drive(&set(&backends), policy, 32, 20_000).await;
        times[times.len() * 99 / 100]
    }
    let round_robin = p99(RoundRobin::new()).await;
    let ewma = p99(PeakEwma::new().seeded(5)).await;
    let pending = p99(LeastPending::seeded(5)).await;
    println!(
        "one of ten slow, p99: round robin {round_robin:?}, ewma {ewma:?}, least pending {pending:?}"
    );
    assert!(ewma * 2 <= round_robin, "{ewma:?}");
}

#[derive(Debug)]
struct Shared<P>(Arc<P>);

impl<P: Policy<u64>> Policy<u64> for Shared<P> {
    fn pick(
        &self,
        candidates: &tower_load_balancer::Candidates<'_>,
        request: &u64,
    ) -> Option<usize> {
        self.0.pick(candidates, request)
    }

    fn latency(&self) -> Option<tower_load_balancer::Latency> {
        self.0.latency()
    }
}
