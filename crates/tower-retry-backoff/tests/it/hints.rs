use tokio::time::Instant;
use tower::Layer;
use tower_retry_backoff::{Backoff, RetryLayer};

use crate::upstream::{Failure, Upstream, judge, ms, secs, send};

type Plain = Upstream<&'static str, &'static str>;

#[tokio::test(start_paused = true)]
async fn a_hint_is_waited_for_and_spread_by_up_to_a_tenth() {
    let mut times = Vec::new();
    for seed in 0..200 {
        let upstream = Plain::new([Err(Failure::Hinted(secs(10))), Ok("done")]);
        let layer = RetryLayer::new(judge).seed(seed);
        assert_eq!(
            send(&mut layer.layer(upstream.clone()), "ping").await,
            Ok("done")
        );
        times.push(upstream.times()[1]);
    }

    assert!(
        times
            .iter()
            .all(|time| (secs(10)..=ms(11_001)).contains(time))
    );
    assert!(times.iter().any(|time| *time < ms(10_100)));
    assert!(times.iter().any(|time| *time > ms(10_900)));
}

#[tokio::test(start_paused = true)]
async fn a_hint_over_its_cap_ends_the_call_at_once() {
    for (hint, retried) in [
        (ms(2_000), true),
        (ms(2_001), false),
        (secs(u64::MAX), false),
    ] {
        let upstream = Plain::new([Err(Failure::Hinted(hint)), Ok("done")]);
        let layer = RetryLayer::new(judge).hint_cap(secs(2));
        let stats = layer.stats();
        let began = Instant::now();
        let result = send(&mut layer.layer(upstream), "ping").await;

        assert_eq!(result.is_ok(), retried, "{hint:?}");
        assert_eq!(began.elapsed() >= secs(2), retried);
        assert_eq!(stats.gave_up(), u64::from(!retried));
    }
}

#[tokio::test(start_paused = true)]
async fn a_hint_of_zero_leaves_the_delay_to_the_backoff() {
    let mut longest = secs(0);
    for seed in 0..20 {
        let upstream = Plain::new([Err(Failure::Hinted(secs(0))), Ok("done")]);
        let layer = RetryLayer::new(judge)
            .backoff(Backoff::exponential(secs(20), secs(20)))
            .seed(seed);
        assert_eq!(
            send(&mut layer.layer(upstream.clone()), "ping").await,
            Ok("done")
        );
        longest = longest.max(upstream.times()[1]);
    }

    assert!(longest > secs(10));
}

#[tokio::test(start_paused = true)]
async fn a_hint_without_a_cap_is_no_overflow() {
    let upstream = Plain::new([Err(Failure::Hinted(secs(u64::MAX)))]);
    let layer = RetryLayer::new(judge)
        .hint_cap(secs(u64::MAX))
        .deadline(secs(u64::MAX));

    let result = send(&mut layer.layer(upstream), "ping").await;
    assert_eq!(result, Err(Failure::Hinted(secs(u64::MAX))));
}
