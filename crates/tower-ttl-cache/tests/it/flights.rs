//! One call for any number of equal misses.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    task::{Context, Poll},
    time::Duration,
};

use http::{Request, Response, StatusCode};
use http_body_util::BodyExt;
use tokio::time::{Instant, sleep};
use tokio_test::{assert_pending, assert_ready, task::spawn};
use tower::{Layer, Service, ServiceExt};
use tower_conformance::ProbeBody;
use tower_ttl_cache::{CacheOutcome, HttpCache, HttpCacheLayer};

use crate::origin::{get, ok, private};

const LATENCY: Duration = Duration::from_millis(200);

/// Answers each call after a while. The answer of a closure that panics is a panic.
#[derive(Clone)]
struct Slow<A> {
    answer: A,
    calls: Arc<AtomicU64>,
}

impl<A> Service<Request<()>> for Slow<A>
where
    A: Fn(u64) -> Result<Response<ProbeBody>, Broken> + Clone + Send + 'static,
{
    type Response = Response<ProbeBody>;
    type Error = Broken;
    type Future = std::pin::Pin<Box<dyn Future<Output = Result<Self::Response, Broken>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Broken>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _: Request<()>) -> Self::Future {
        let (calls, answer) = (Arc::clone(&self.calls), self.answer.clone());
        let call = calls.fetch_add(1, Ordering::Relaxed);
        Box::pin(async move {
            sleep(LATENCY).await;
            answer(call)
        })
    }
}

#[derive(Debug, PartialEq)]
struct Broken;

struct Flight<A> {
    service: HttpCache<Slow<A>>,
    calls: Arc<AtomicU64>,
}

type Outcome = Result<(CacheOutcome, String), Broken>;

impl<A> Flight<A>
where
    A: Fn(u64) -> Result<Response<ProbeBody>, Broken> + Clone + Send + Sync + 'static,
{
    fn new(layer: &HttpCacheLayer, answer: A) -> Self {
        let calls = Arc::default();
        let slow = Slow {
            answer,
            calls: Arc::clone(&calls),
        };
        Self {
            service: layer.layer(slow),
            calls,
        }
    }

    fn calls(&self) -> u64 {
        self.calls.load(Ordering::Relaxed)
    }

    fn ask(&self, request: Request<()>) -> impl Future<Output = Outcome> + Send + 'static {
        let mut service = self.service.clone();
        async move {
            let response = service.ready().await?.call(request).await?;
            let outcome = *response.extensions().get().unwrap();
            let body = response.into_body().collect().await.unwrap().to_bytes();
            Ok((outcome, String::from_utf8(body.to_vec()).unwrap()))
        }
    }

    /// So many equal requests at once.
    async fn herd(&self, size: usize) -> Vec<Outcome> {
        let asked: Vec<_> = (0..size)
            .map(|_| tokio::spawn(self.ask(get("/", &[]))))
            .collect();
        let mut outcomes = Vec::new();
        for one in asked {
            outcomes.push(one.await.unwrap());
        }
        outcomes
    }
}

fn fresh(call: u64) -> Result<Response<ProbeBody>, Broken> {
    Ok(ok(call, &[("cache-control", "max-age=60")]))
}

fn private_to_one(call: u64) -> Result<Response<ProbeBody>, Broken> {
    Ok(ok(
        call,
        &[
            ("cache-control", "max-age=60"),
            ("set-cookie", &format!("id={call}")),
        ],
    ))
}

fn count(outcomes: &[Outcome], wanted: CacheOutcome) -> usize {
    let is = |outcome: &&Outcome| matches!(outcome, Ok((outcome, _)) if *outcome == wanted);
    outcomes.iter().filter(is).count()
}

#[tokio::test(start_paused = true)]
async fn a_thousand_equal_misses_are_one_call() {
    let layer = private();
    let flight = Flight::new(&layer, fresh);
    let begin = Instant::now();
    let outcomes = flight.herd(1_000).await;
    assert_eq!(begin.elapsed(), LATENCY);
    assert_eq!(flight.calls(), 1);
    assert_eq!(count(&outcomes, CacheOutcome::Miss), 1);
    assert_eq!(count(&outcomes, CacheOutcome::Coalesced), 999);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.as_ref().unwrap().1 == "body 0")
    );
    let stats = layer.handle().stats();
    assert_eq!((stats.hits, stats.misses, stats.coalesced), (0, 1, 999));
}

#[tokio::test(start_paused = true)]
async fn different_requests_do_not_wait_for_each_other() {
    let flight = Flight::new(&private(), fresh);
    let begin = Instant::now();
    let (one, other, reload, authorized) = tokio::join!(
        flight.ask(get("/a", &[])),
        flight.ask(get("/b", &[])),
        flight.ask(get("/a", &[("cache-control", "no-cache")])),
        flight.ask(get("/a", &[("authorization", "x")])),
    );
    assert_eq!(begin.elapsed(), LATENCY);
    assert_eq!(flight.calls(), 4);
    for outcome in [one, other, reload, authorized] {
        assert_eq!(outcome.unwrap().0, CacheOutcome::Miss);
    }
}

/// Followers of a response that varies wait once more, each for its own variant.
#[tokio::test(start_paused = true)]
async fn variants_are_one_call_each() {
    let flight = Flight::new(&private(), |call| {
        Ok(ok(
            call,
            &[("cache-control", "max-age=60"), ("vary", "accept-language")],
        ))
    });
    let asked: Vec<_> = (0..30)
        .map(|n| {
            tokio::spawn(flight.ask(get("/", &[("accept-language", ["en", "de", "fr"][n % 3])])))
        })
        .collect();
    for (n, one) in asked.into_iter().enumerate() {
        let (_, body) = one.await.unwrap().unwrap();
        // One call for the first language, then one for each other.
        assert!(n % 3 > 0 || body == "body 0");
    }
    assert_eq!(flight.calls(), 3);
}

/// Pitfall: two to N received the session of the first.
#[tokio::test(start_paused = true)]
async fn what_is_meant_for_one_goes_to_one() {
    let flight = Flight::new(&private(), private_to_one);
    let mut bodies: Vec<_> = flight
        .herd(20)
        .await
        .into_iter()
        .map(|outcome| outcome.unwrap().1)
        .collect();
    bodies.sort();
    bodies.dedup();
    assert_eq!(bodies.len(), 20);
}

/// Pitfall: waiters of an uncacheable response queue up one behind the other.
#[tokio::test(start_paused = true)]
async fn what_cannot_be_shared_is_waited_for_once() {
    let flight = Flight::new(&private(), private_to_one);
    let begin = Instant::now();
    flight.herd(100).await;
    assert_eq!(begin.elapsed(), 2 * LATENCY);
    assert_eq!(flight.calls(), 100);
    let begin = Instant::now();
    flight.herd(100).await;
    assert_eq!(begin.elapsed(), LATENCY);
    // Every such answer renews the memory.
    for _ in 0..20 {
        sleep(Duration::from_secs(5)).await;
        let begin = Instant::now();
        flight.herd(2).await;
        assert_eq!(begin.elapsed(), LATENCY);
    }
    sleep(Duration::from_secs(60)).await;
    let begin = Instant::now();
    flight.herd(2).await;
    assert_eq!(begin.elapsed(), 2 * LATENCY);
}

#[tokio::test(start_paused = true)]
async fn errors_are_not_shared_and_those_who_waited_call_at_once() {
    let flight = Flight::new(&private(), |call| {
        if call == 0 { Err(Broken) } else { fresh(call) }
    });
    let begin = Instant::now();
    let outcomes = flight.herd(10).await;
    assert_eq!(begin.elapsed(), 2 * LATENCY);
    assert_eq!(
        outcomes.iter().filter(|outcome| outcome.is_err()).count(),
        1
    );
    assert_eq!(flight.calls(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_is_cancelled_hands_on_to_one_waiter() {
    for cancelled_after in [0, 100] {
        let flight = Flight::new(&private(), fresh);
        let leader = tokio::spawn(flight.ask(get("/", &[])));
        tokio::task::yield_now().await;
        let herd: Vec<_> = (0..20)
            .map(|_| tokio::spawn(flight.ask(get("/", &[]))))
            .collect();
        sleep(Duration::from_millis(cancelled_after)).await;
        leader.abort();
        for one in herd {
            assert_eq!(one.await.unwrap().unwrap().1, "body 1");
        }
        assert_eq!(flight.calls(), 2);
    }
}

#[tokio::test(start_paused = true)]
async fn a_leader_dropped_before_its_first_poll_leads_nobody() {
    let mut flight = Flight::new(&private(), fresh);
    let unpolled = flight.service.ready().await.unwrap().call(get("/", &[]));
    let mut follower = spawn(flight.ask(get("/", &[])));
    assert_pending!(follower.poll());
    assert_eq!(flight.calls(), 1);
    drop(unpolled);
    assert_eq!(follower.await.unwrap().1, "body 0");
}

#[tokio::test(start_paused = true)]
async fn a_leader_dropped_with_its_body_unread_hands_on() {
    let mut flight = Flight::new(&private(), fresh);
    let response = flight
        .service
        .ready()
        .await
        .unwrap()
        .call(get("/", &[]))
        .await
        .unwrap();
    let mut followers: Vec<_> = (0..5).map(|_| spawn(flight.ask(get("/", &[])))).collect();
    for follower in &mut followers {
        assert_pending!(follower.poll());
    }
    drop(response);
    assert_eq!(
        followers
            .iter()
            .filter(|follower| follower.is_woken())
            .count(),
        1
    );
    // One leads, goes away too, and the next takes over: nobody is left behind.
    drop(followers.remove(0));
    for follower in followers {
        assert_eq!(follower.await.unwrap().1, "body 1");
    }
    assert_eq!(flight.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_leader_that_panics_hands_on() {
    let flight = Flight::new(&private(), |call| {
        assert!(call > 0, "the first call panics");
        fresh(call)
    });
    let leader = tokio::spawn(flight.ask(get("/", &[])));
    tokio::task::yield_now().await;
    let outcomes = flight.herd(10).await;
    assert!(leader.await.unwrap_err().is_panic());
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.as_ref().unwrap().1 == "body 1")
    );
    assert_eq!(flight.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn waiting_has_a_limit() {
    let layer = private().coalesce(Duration::from_millis(50));
    let flight = Flight::new(&layer, fresh);
    let begin = Instant::now();
    let outcomes = flight.herd(3).await;
    assert_eq!(begin.elapsed(), LATENCY + Duration::from_millis(50));
    assert_eq!(count(&outcomes, CacheOutcome::Miss), 3);
    // Who comes when a flight is already late does not begin to wait for it.
    let mut stuck = spawn(flight.ask(get("/x", &[])));
    assert_pending!(stuck.poll());
    sleep(Duration::from_millis(60)).await;
    let begin = Instant::now();
    flight.ask(get("/x", &[])).await.unwrap();
    assert_eq!(begin.elapsed(), LATENCY);
}

#[tokio::test(start_paused = true)]
async fn waiting_can_be_switched_off() {
    let flight = Flight::new(&private().coalesce(Duration::ZERO), fresh);
    let begin = Instant::now();
    flight.herd(10).await;
    assert_eq!(begin.elapsed(), LATENCY);
    assert_eq!(flight.calls(), 10);
}

#[tokio::test(start_paused = true)]
async fn a_validation_is_one_call_too() {
    let flight = Flight::new(&private(), |call| {
        let mut response = ok(call, &[("cache-control", "max-age=60"), ("etag", "\"a\"")]);
        if call > 0 {
            *response.status_mut() = StatusCode::NOT_MODIFIED;
            *response.body_mut() = ProbeBody::new();
        }
        Ok(response)
    });
    flight.herd(1).await;
    sleep(Duration::from_secs(60)).await;
    let outcomes = flight.herd(50).await;
    assert_eq!(flight.calls(), 2);
    assert_eq!(count(&outcomes, CacheOutcome::Revalidated), 1);
    assert_eq!(count(&outcomes, CacheOutcome::Coalesced), 49);
}

#[tokio::test(start_paused = true)]
async fn those_who_wait_answer_from_what_is_stale_when_the_call_fails() {
    let flight = Flight::new(&private(), |call| match call {
        0 => Ok(ok(0, &[("cache-control", "max-age=60, stale-if-error=60")])),
        _ => Err(Broken),
    });
    flight.herd(1).await;
    sleep(Duration::from_secs(60)).await;
    let begin = Instant::now();
    let outcomes = flight.herd(50).await;
    assert_eq!(begin.elapsed(), LATENCY);
    assert_eq!(flight.calls(), 2);
    assert!(
        outcomes
            .iter()
            .all(|outcome| outcome.as_ref().unwrap().1 == "body 0")
    );
}

#[tokio::test(start_paused = true)]
async fn a_purge_does_not_leave_those_who_wait_behind() {
    let layer = private();
    let flight = Flight::new(&layer, fresh);
    let herd: Vec<_> = (0..5)
        .map(|_| tokio::spawn(flight.ask(get("/", &[]))))
        .collect();
    sleep(LATENCY / 2).await;
    layer.handle().clear().await.unwrap();
    for one in herd {
        one.await.unwrap().unwrap();
    }
    // Refused after the purge; those who waited went on alone.
    assert_eq!(flight.calls(), 5);
}

#[tokio::test(start_paused = true)]
async fn a_waiter_that_goes_is_forgotten() {
    let flight = Flight::new(&private(), fresh);
    let mut leader = spawn(flight.ask(get("/", &[])));
    assert_pending!(leader.poll());
    for _ in 0..1_000 {
        let mut waiter = spawn(flight.ask(get("/", &[])));
        assert_pending!(waiter.poll());
    }
    sleep(LATENCY).await;
    assert!(leader.is_woken());
    assert_ready!(leader.poll()).unwrap();
}
