//! What the known retries do wrong, each as one test. `docs/compare.md` has rows for them. The storm
//! and the jitter of many requests have files of their own: `storm.rs` and `properties.rs`.

use tokio::time::Instant;
use tower::{Layer, limit::ConcurrencyLimitLayer};
use tower_retry_backoff::{Backoff, RetryLayer};

use crate::upstream::{Failure, Upstream, attempts, judge, ms, secs, send};

type Plain = Upstream<&'static str, &'static str>;

#[tokio::test(start_paused = true)]
async fn a_limit_of_300_ms_is_not_overrun_by_delays_of_200_and_400_ms() {
    let upstream = Plain::new((0..2).map(|_| Err(Failure::Passing)));
    let exactly = |retry| if retry == 0 { ms(200) } else { ms(400) };
    let layer = RetryLayer::new(judge)
        .backoff(Backoff::custom(exactly, secs(1)).equal_jitter())
        .deadline(ms(300));
    let began = Instant::now();
    let result = send(&mut layer.layer(upstream), "ping").await;

    assert_eq!(result, Err(Failure::Passing));
    assert!(began.elapsed() <= ms(201), "{:?}", began.elapsed());
}

#[tokio::test(start_paused = true)]
async fn slow_attempts_count_toward_the_limit_and_not_only_the_delays() {
    let upstream = Plain::new((0..9).map(|_| Err(Failure::Passing))).latency(ms(200));
    let layer = RetryLayer::new(judge)
        .backoff(Backoff::fixed(ms(0)))
        .max_attempts(attempts(9))
        .deadline(ms(300));
    let began = Instant::now();
    assert!(
        send(&mut layer.layer(upstream.clone()), "ping")
            .await
            .is_err()
    );

    // The second starts at 200 ms, within the limit, and is not cut.
    assert_eq!(upstream.times().len(), 2);
    assert!(began.elapsed() <= ms(402));
}

#[tokio::test(start_paused = true)]
async fn no_delay_is_longer_than_the_cap() {
    for seed in 0..200 {
        for backoff in [
            Backoff::exponential(ms(100), secs(1)),
            Backoff::exponential(ms(100), secs(1)).equal_jitter(),
            Backoff::decorrelated(ms(100), secs(1)),
        ] {
            assert!(backoff.delays(seed).take(12).all(|delay| delay <= secs(1)));
        }
    }
}

#[tokio::test(start_paused = true)]
async fn one_permit_is_enough_and_is_free_during_the_delay() {
    let upstream = Plain::new([Err(Failure::Hinted(secs(5))), Ok("other"), Ok("done")]);
    let limited = ConcurrencyLimitLayer::new(1).layer(upstream.clone());
    let layer = RetryLayer::new(judge);
    let (mut first, mut second) = (layer.layer(limited.clone()), layer.layer(limited));

    let (first, ()) = tokio::join!(send(&mut first, "first"), async {
        tokio::time::sleep(secs(1)).await;
        assert_eq!(send(&mut second, "second").await, Ok("other"));
    });
    assert_eq!(upstream.times()[1], secs(1));
    assert_eq!(first, Ok("done"));
}

#[cfg(feature = "http")]
mod http {
    use std::convert::Infallible;

    use bytes::Bytes;
    use http::{Request, Response};
    use http_body_util::{BodyExt, channel::Channel};
    use tower::{Layer, ServiceExt, service_fn};
    use tower_retry_backoff::{
        RetryLayer, Verdict,
        http::{HttpPolicy, ReplayBody, Replaying},
    };

    #[tokio::test(start_paused = true)]
    async fn a_streaming_put_reaches_a_healthy_server_while_it_streams() {
        let (mut sender, channel) = Channel::<Bytes, Infallible>::new(1);
        let upstream = service_fn(async |request: Request<ReplayBody<Channel<Bytes>>>| {
            let mut body = request.into_body();
            let mut read = Vec::new();
            while let Some(frame) = body.frame().await {
                read.extend(frame.unwrap().into_data().unwrap());
            }
            Ok::<_, Infallible>(Response::new(read))
        });
        let policy = Replaying::new(HttpPolicy::new(|_: &Infallible| Verdict::Forbid));
        let service = RetryLayer::new(policy).layer(upstream);
        // More than is kept, from a sender that waits for its reader.
        let request = Request::put("/")
            .body(ReplayBody::new(channel, 1_000))
            .unwrap();
        let sending = async move {
            for _ in 0..100 {
                sender.send_data(Bytes::from(vec![7; 100])).await.unwrap();
            }
        };
        let (response, ()) = tokio::join!(service.oneshot(request), sending);
        assert_eq!(response.unwrap().into_body().len(), 10_000);
    }
}
