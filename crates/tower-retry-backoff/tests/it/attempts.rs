use std::{
    cell::RefCell,
    pin::pin,
    rc::Rc,
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering::Relaxed},
    },
};

use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimitLayer};
use tower_retry_backoff::{Backoff, Policy, RetryLayer, Verdict};

use crate::upstream::{Failure, Upstream, attempts, judge, ms, secs, send};

type Plain = Upstream<&'static str, &'static str>;

#[tokio::test(start_paused = true)]
async fn a_failure_that_passes_is_not_seen_by_the_caller() {
    let upstream = Plain::new([Err(Failure::Passing), Err(Failure::Passing), Ok("done")]);
    let layer = RetryLayer::new(judge);
    let stats = layer.stats();
    let mut service = layer.layer(upstream.clone());

    assert_eq!(send(&mut service, "ping").await, Ok("done"));
    assert_eq!(upstream.requests(), ["ping"; 3]);
    assert_eq!((stats.retries(), stats.gave_up()), (2, 0));
}

#[tokio::test(start_paused = true)]
async fn the_last_result_is_returned_when_the_attempts_are_used_up() {
    let upstream = Plain::new([
        Err(Failure::Passing),
        Err(Failure::Hinted(ms(1))),
        Ok("one attempt too late"),
    ]);
    let layer = RetryLayer::new(judge).max_attempts(attempts(2));
    let stats = layer.stats();
    let mut service = layer.layer(upstream.clone());

    assert_eq!(
        send(&mut service, "ping").await,
        Err(Failure::Hinted(ms(1)))
    );
    assert_eq!(upstream.times().len(), 2);
    assert_eq!((stats.retries(), stats.gave_up()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_result_that_is_done_or_forbidden_is_returned_at_once() {
    for answer in [Ok("done"), Err(Failure::Lasting)] {
        let upstream = Plain::new([answer]);
        let layer = RetryLayer::new(judge);
        let stats = layer.stats();
        let mut service = layer.layer(upstream.clone());

        assert_eq!(send(&mut service, "ping").await, answer);
        assert_eq!((stats.retries(), stats.gave_up()), (0, 0));
    }
}

#[tokio::test(start_paused = true)]
async fn a_response_is_judged_like_an_error() {
    let upstream = Plain::new([Ok("busy"), Ok("done")]);
    let policy = |result: Result<&&str, &Failure>| match result {
        Ok(&"busy") => Verdict::retry(),
        _ => Verdict::Done,
    };
    let mut service = RetryLayer::new(policy).layer(upstream);

    assert_eq!(send(&mut service, "ping").await, Ok("done"));
}

/// Counts how often it is cloned.
#[derive(Debug, Default)]
struct Counted(Arc<AtomicUsize>);

impl Clone for Counted {
    fn clone(&self) -> Self {
        self.0.fetch_add(1, Relaxed);
        Self(Arc::clone(&self.0))
    }
}

#[tokio::test(start_paused = true)]
async fn the_last_permitted_attempt_takes_the_request_without_a_clone() {
    for permitted in 1..=5 {
        let failures = (0..permitted).map(|_| Err::<(), _>(Failure::Passing));
        let upstream = Upstream::<Counted, ()>::new(failures);
        let layer = RetryLayer::new(judge).max_attempts(attempts(permitted));
        let clones = Arc::new(AtomicUsize::new(0));

        let result = send(
            &mut layer.layer(upstream.clone()),
            Counted(Arc::clone(&clones)),
        )
        .await;

        assert_eq!(result, Err(Failure::Passing));
        assert_eq!(upstream.times().len(), permitted as usize);
        assert_eq!(clones.load(Relaxed), permitted as usize - 1);
    }
}

/// Lets no request be repeated, and would repeat every result.
struct Never;

impl<R, T> Policy<R, T, Failure> for Never {
    type Tag = ();

    fn tag(&self, _: &R) -> Option<()> {
        None
    }

    fn verdict(&self, (): &(), _: Result<&T, &Failure>) -> Verdict {
        Verdict::retry()
    }
}

impl Clone for Never {
    fn clone(&self) -> Self {
        Self
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_that_is_ruled_out_is_sent_once_and_nothing_is_cloned() {
    let upstream = Upstream::<Counted, ()>::new([Err(Failure::Passing)]);
    let mut service = RetryLayer::new(Never).layer(upstream.clone());
    let clones = Arc::new(AtomicUsize::new(0));

    let call = service
        .ready()
        .await
        .unwrap()
        .call(Counted(Arc::clone(&clones)));

    // This one, the one in the service, and the future of the attempt.
    assert_eq!(upstream.holders(), 3);
    assert_eq!(call.await, Err(Failure::Passing));
    assert_eq!(clones.load(Relaxed), 0);
}

#[tokio::test(start_paused = true)]
async fn readiness_is_asked_for_after_the_delay_and_not_before() {
    let upstream = Plain::new([Err(Failure::Hinted(secs(5))), Ok("done")]);
    let mut service = RetryLayer::new(judge).layer(upstream.clone());
    let mut call = pin!(service.ready().await.unwrap().call("ping"));

    assert!(
        tokio::time::timeout(ms(4_999), call.as_mut())
            .await
            .is_err()
    );
    assert_eq!(upstream.polls(), 1);
    assert_eq!(call.await, Ok("done"));
    assert_eq!(upstream.polls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_error_of_readiness_ends_the_call() {
    let upstream = Plain::new([Err(Failure::Hinted(secs(5))), Ok("never")]);
    let mut service = RetryLayer::new(judge).layer(upstream.clone());
    let call = service.ready().await.unwrap().call("ping");
    upstream.stop_being_ready();

    assert_eq!(call.await, Err(Failure::NotReady));
    assert_eq!(upstream.times().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_call_dropped_during_the_delay_leaves_nothing() {
    let upstream = Plain::new([Err(Failure::Hinted(secs(5))), Ok("never")]);
    let mut service = RetryLayer::new(judge).layer(upstream.clone());
    let at_rest = upstream.holders();

    let call = service.ready().await.unwrap().call("ping");
    assert!(tokio::time::timeout(secs(1), call).await.is_err());

    assert_eq!(upstream.holders(), at_rest);
    tokio::time::sleep(secs(60)).await;
    assert_eq!(upstream.times().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn the_result_of_a_failed_attempt_is_given_back_before_the_delay() {
    let body = Arc::new(());
    let upstream = Upstream::<&str, Arc<()>>::new([Ok(Arc::clone(&body))]);
    let policy = |_: Result<&Arc<()>, &Failure>| Verdict::retry_after(secs(5));
    let mut service = RetryLayer::new(policy).layer(upstream);
    let mut call = pin!(service.ready().await.unwrap().call("ping"));

    assert!(tokio::time::timeout(secs(1), call.as_mut()).await.is_err());
    assert_eq!(Arc::strong_count(&body), 1);
}

#[tokio::test(start_paused = true)]
async fn a_service_that_is_neither_send_nor_static_will_do() {
    let answers = RefCell::new(vec![Ok("done"), Err(Failure::Passing)]);
    let sent = Rc::new(RefCell::new(Vec::new()));
    let upstream = tower::service_fn(|request| {
        sent.borrow_mut().push(request);
        std::future::ready(answers.borrow_mut().pop().unwrap())
    });
    let request = String::from("ping");

    let mut service = RetryLayer::new(judge).layer(upstream);
    assert_eq!(send(&mut service, request.as_str()).await, Ok("done"));
    assert_eq!(*sent.borrow(), ["ping"; 2]);
}

#[test]
fn the_future_is_send_where_its_parts_are() {
    fn is_send<T: Send>(_: &T) {}
    let mut service = RetryLayer::new(judge).layer(tower::service_fn(async |request: &str| {
        if request.is_empty() {
            Err(Failure::Lasting)
        } else {
            Ok(())
        }
    }));
    is_send(&service);
    is_send(&service.call("ping"));
}

#[tokio::test(start_paused = true)]
async fn it_completes_over_a_single_permit() {
    let upstream = Plain::new([Err(Failure::Passing), Err(Failure::Passing), Ok("done")]);
    let limited = ConcurrencyLimitLayer::new(1).layer(upstream);
    let mut service = RetryLayer::new(judge).layer(limited);

    assert_eq!(send(&mut service, "ping").await, Ok("done"));
}

#[tokio::test(start_paused = true)]
async fn calls_draw_delays_of_their_own_and_a_seed_repeats_them() {
    async fn gaps(calls: usize) -> Vec<u128> {
        let layer = RetryLayer::new(judge)
            .backoff(Backoff::exponential(secs(1 << 20), secs(1 << 20)))
            .deadline(secs(1 << 30))
            .seed(7);
        let mut gaps = Vec::new();
        for _ in 0..calls {
            let upstream = Plain::new([Err(Failure::Passing), Ok("done")]);
            // A service for each call: they share the sequence of their layer.
            assert_eq!(
                send(&mut layer.clone().layer(upstream.clone()), "ping").await,
                Ok("done")
            );
            gaps.push(upstream.times()[1].as_millis());
        }
        gaps
    }
    let (first, second) = (gaps(50).await, gaps(50).await);

    assert_eq!(first, second);
    let mut distinct = first;
    distinct.sort_unstable();
    distinct.dedup();
    assert_eq!(distinct.len(), 50);
}
