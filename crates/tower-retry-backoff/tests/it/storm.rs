//! Many clients and one server in virtual time, the same in every run.

use std::{
    cell::{Cell, RefCell},
    pin::Pin,
    rc::Rc,
    task::{Context, Poll},
    time::Duration,
};

use fastrand::Rng;
use tokio::{
    task::LocalSet,
    time::{Instant, sleep_until, timeout},
};
use tower::{Layer, Service};
use tower_retry_backoff::{Backoff, Budget, RetryLayer, Verdict};

use crate::upstream::{Failure, attempts, judge, ms, secs, send};

type Judge = fn(Result<&(), &Failure>) -> Verdict;

fn layer(budget: Option<Budget>) -> RetryLayer<Judge> {
    let layer = RetryLayer::new(judge as Judge)
        .max_attempts(attempts(4))
        .backoff(Backoff::exponential(ms(50), ms(400)))
        .seed(1);
    match budget {
        Some(budget) => layer.budget(budget),
        None => layer,
    }
}

/// Serves one request after the other, in the order they come.
#[derive(Clone)]
struct Server(Rc<State>);

struct State {
    began: Instant,
    service_time: Duration,
    /// The share of requests that fail.
    failing: f64,
    /// The longest queue, as a time; a request beyond it is refused at once.
    queue: Duration,
    /// How long clients wait. The server works on without them.
    patience: Duration,
    free_at: Cell<Instant>,
    dice: RefCell<Rng>,
    arrivals: RefCell<Vec<Duration>>,
}

impl Server {
    fn new(service_time: Duration, failing: f64) -> Self {
        Self(Rc::new(State {
            began: Instant::now(),
            service_time,
            failing,
            queue: secs(1),
            patience: ms(500),
            free_at: Cell::new(Instant::now()),
            dice: RefCell::new(Rng::with_seed(7)),
            arrivals: RefCell::default(),
        }))
    }

    /// Does nothing for this time.
    fn stall(&self, time: Duration) {
        let from = self.0.free_at.get().max(Instant::now());
        self.0.free_at.set(from + time);
    }

    fn attempts(&self) -> usize {
        self.0.arrivals.borrow().len()
    }

    async fn serve(self) -> Result<(), Failure> {
        let (state, now) = (&self.0, Instant::now());
        state.arrivals.borrow_mut().push(now - state.began);
        let starts = state.free_at.get().max(now);
        if starts - now > state.queue {
            return Err(Failure::Passing);
        }
        let done = starts + state.service_time;
        state.free_at.set(done);
        let fails = state.dice.borrow_mut().f64() < state.failing;
        match timeout(state.patience, sleep_until(done)).await {
            Ok(()) if !fails => Ok(()),
            _ => Err(Failure::Passing),
        }
    }
}

impl Service<()> for Server {
    type Response = ();
    type Error = Failure;
    type Future = Pin<Box<dyn Future<Output = Result<(), Failure>>>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Failure>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, (): ()) -> Self::Future {
        Box::pin(self.clone().serve())
    }
}

/// Makes a call every `pause`; says of each whether it succeeded.
async fn traffic(
    server: &Server,
    layer: &RetryLayer<Judge>,
    pause: Duration,
    calls: u32,
) -> Vec<bool> {
    let clients = LocalSet::new();
    let service = layer.layer(server.clone());
    let began = Instant::now();
    let calls: Vec<_> = (0..calls)
        .map(|call| {
            let mut service = service.clone();
            clients.spawn_local(async move {
                sleep_until(began + pause * call).await;
                send(&mut service, ()).await.is_ok()
            })
        })
        .collect();
    clients.await;
    let mut succeeded = Vec::new();
    for call in calls {
        succeeded.push(call.await.unwrap());
    }
    succeeded
}

#[tokio::test(start_paused = true)]
async fn a_budget_bounds_the_attempts_for_a_call_whatever_share_fails() {
    const CALLS: u32 = 5_000;
    for failing in [0.1, 0.5, 0.9, 1.0] {
        for (share, reserve) in [(0.2, 10), (0.05, 0), (0.2, 100), (1.0, 10)] {
            let server = Server::new(Duration::ZERO, failing);
            let layer = layer(Some(Budget::new(share).reserve(reserve)));
            traffic(&server, &layer, ms(1), CALLS).await;

            let (attempts, calls) = (server.attempts() as f64, f64::from(CALLS));
            let bound = 1.0 + share + f64::from(reserve) / calls;
            assert!(
                attempts / calls <= bound,
                "{failing} failing, {share} and {reserve}: {}",
                attempts / calls
            );
        }
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_budget_attempts_multiply() {
    for (failing, at_least) in [(0.5, 1.8), (1.0, 4.0)] {
        let server = Server::new(Duration::ZERO, failing);
        traffic(&server, &layer(None), ms(1), 1_000).await;
        assert!(server.attempts() as f64 / 1_000.0 >= at_least);
    }
}

#[tokio::test(start_paused = true)]
async fn with_few_failures_a_budget_refuses_no_retry() {
    let server = Server::new(Duration::ZERO, 0.05);
    let layer = layer(Some(Budget::default()));
    let succeeded = traffic(&server, &layer, ms(1), 5_000).await;

    assert_eq!(layer.stats().out_of_budget(), 0);
    assert!(succeeded.iter().filter(|ok| !**ok).count() <= 1);
}

/// 200 calls a second to a server that can serve 250, and stands still for 3 s after 5 s. How many
/// calls of each second succeeded.
async fn outage(budget: Option<Budget>) -> Vec<u32> {
    let server = Server::new(ms(4), 0.0);
    let clients = LocalSet::new();
    let stalled = server.clone();
    clients.spawn_local(async move {
        tokio::time::sleep(secs(5)).await;
        stalled.stall(secs(3));
    });
    let succeeded = clients
        .run_until(traffic(&server, &layer(budget), ms(5), 200 * 40))
        .await;
    let seconds = succeeded.chunks(200);
    seconds
        .map(|second| second.iter().map(|ok| u32::from(*ok)).sum())
        .collect()
}

#[tokio::test(start_paused = true)]
async fn with_a_budget_service_is_back_soon_after_an_outage() {
    let served = outage(Some(Budget::default())).await;

    assert!(
        served[..4].iter().all(|served| *served == 200),
        "{served:?}"
    );
    assert!(served[6..8].iter().all(|served| *served < 20), "{served:?}");
    // Over at 8 s; the queue is as long as it gets, and shrinks by 50 of 250 a second.
    assert!(
        served[13..].iter().all(|served| *served == 200),
        "{served:?}"
    );
}

/// That the outage above is one that retries can make last for ever.
#[tokio::test(start_paused = true)]
async fn without_a_budget_retries_keep_the_server_down_after_the_outage() {
    let served = outage(None).await;
    assert!(
        served[30..].iter().all(|served| *served < 100),
        "{served:?}"
    );
}

/// Arrivals of the retries of calls that all failed at once, in tenths of the longest delay.
async fn wave(failure: Failure, backoff: Backoff, longest: Duration) -> [usize; 10] {
    let upstream = crate::upstream::Upstream::<(), ()>::new(
        (0..1_000)
            .map(|_| Err(failure))
            .chain((0..1_000).map(|_| Ok(()))),
    );
    let layer = layer(None).backoff(backoff);
    let clients = LocalSet::new();
    for _ in 0..1_000 {
        let mut service = layer.layer(upstream.clone());
        clients.spawn_local(async move { send(&mut service, ()).await.unwrap() });
    }
    clients.await;
    let mut tenths = [0; 10];
    for at in &upstream.times()[1_000..] {
        let nanos = at.as_nanos() * 10 / (longest.as_nanos() + 1);
        tenths[(nanos as usize).min(9)] += 1;
    }
    tenths
}

#[tokio::test(start_paused = true)]
async fn calls_that_failed_together_come_back_apart() {
    let waves = [
        wave(Failure::Passing, Backoff::fixed(secs(10)), secs(10)).await,
        wave(
            Failure::Passing,
            Backoff::exponential(secs(10), secs(60)),
            secs(10),
        )
        .await,
    ];
    // Evenly it would be 100 in each; five standard deviations are 47.
    for wave in waves {
        assert!(
            wave.iter().all(|calls| (53..148).contains(calls)),
            "{wave:?}"
        );
    }
    let halves = wave(
        Failure::Passing,
        Backoff::fixed(secs(10)).equal_jitter(),
        secs(10),
    )
    .await;
    assert!(halves[..5].iter().all(|calls| *calls == 0), "{halves:?}");
    assert!(
        halves[5..].iter().all(|calls| (137..264).contains(calls)),
        "{halves:?}"
    );
}

#[tokio::test(start_paused = true)]
async fn calls_that_were_told_the_same_time_come_back_apart() {
    let told = Failure::Hinted(secs(100));
    // A hint is never cut short, and spread over a tenth: 100 s to 110 s.
    let wave = wave(told, Backoff::default(), secs(110)).await;
    assert!(wave[..9].iter().all(|calls| *calls == 0), "{wave:?}");
}
