use tokio::time::Instant;
use tower::Layer;
use tower_retry_backoff::{Backoff, RetryLayer};

use crate::upstream::{Failure, Upstream, attempts, judge, ms, secs, send};

type Plain = Upstream<&'static str, &'static str>;

fn eager() -> Backoff {
    Backoff::exponential(ms(0), ms(0))
}

#[tokio::test(start_paused = true)]
async fn an_attempt_starts_up_to_the_deadline_and_not_at_it() {
    for (latency, made) in [(ms(1_999), 2), (ms(2_000), 1), (ms(2_001), 1)] {
        let upstream = Plain::new([Err(Failure::Passing), Ok("done")]).latency(latency);
        let layer = RetryLayer::new(judge).backoff(eager()).deadline(secs(2));
        let _ = send(&mut layer.layer(upstream.clone()), "ping").await;

        assert_eq!(upstream.times().len(), made, "{latency:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_delay_that_would_end_at_the_deadline_or_later_is_not_slept() {
    // 2 s are spent when the hint of 1 s is looked at.
    for (deadline, retried) in [(ms(2_999), false), (ms(3_000), false), (ms(3_001), true)] {
        let upstream = Plain::new([Err(Failure::Hinted(secs(1))), Ok("done")]).latency(secs(2));
        let layer = RetryLayer::new(judge).deadline(deadline);
        let stats = layer.stats();
        let began = Instant::now();
        let result = send(&mut layer.layer(upstream.clone()), "ping").await;

        if retried {
            assert_eq!(result, Ok("done"));
            assert_eq!(upstream.times(), [secs(0), secs(3)]);
        } else {
            assert_eq!(result, Err(Failure::Hinted(secs(1))));
            assert_eq!(began.elapsed(), secs(2), "returned at once");
            assert_eq!(stats.gave_up(), 1);
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_drawn_delay_that_does_not_fit_is_not_slept_either() {
    // The chance that one of these draws fits into the deadline is about one in 10^15.
    let years = Backoff::exponential(secs(1 << 33), secs(1 << 33));
    let upstream = Plain::new([Err(Failure::Passing)]);
    let layer = RetryLayer::new(judge)
        .backoff(years)
        .deadline(ms(1))
        .seed(1);
    let began = Instant::now();

    assert_eq!(
        send(&mut layer.layer(upstream), "ping").await,
        Err(Failure::Passing)
    );
    assert_eq!(began.elapsed(), secs(0));
}

#[tokio::test(start_paused = true)]
async fn a_deadline_without_end_and_endless_attempts_are_no_overflow() {
    let failures = (0..1_000)
        .map(|_| Err(Failure::Passing))
        .chain([Ok("done")]);
    let upstream = Plain::new(failures);
    let layer = RetryLayer::new(judge)
        .backoff(Backoff::exponential(ms(1), ms(10)).factor(f64::INFINITY))
        .max_attempts(attempts(u32::MAX))
        .deadline(secs(u64::MAX));

    assert_eq!(
        send(&mut layer.layer(upstream.clone()), "ping").await,
        Ok("done")
    );
    assert_eq!(upstream.times().len(), 1_001);
}

#[tokio::test(start_paused = true)]
async fn no_time_at_all_means_one_attempt() {
    let upstream = Plain::new([Err(Failure::Passing)]);
    let layer = RetryLayer::new(judge).backoff(eager()).deadline(secs(0));

    assert_eq!(
        send(&mut layer.layer(upstream), "ping").await,
        Err(Failure::Passing)
    );
}
