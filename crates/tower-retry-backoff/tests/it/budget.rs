use std::num::NonZeroU32;

use tokio::time::advance;
use tower::{Layer, Service, ServiceExt};
use tower_retry_backoff::{Backoff, Budget, RetryLayer, Verdict};

use crate::upstream::{Failure, Upstream, attempts, judge, ms, secs, send};

type Plain = Upstream<&'static str, &'static str>;

type Judge = fn(Result<&&'static str, &Failure>) -> Verdict;

fn layer(budget: &Budget) -> RetryLayer<Judge> {
    RetryLayer::new(judge as Judge)
        .backoff(Backoff::fixed(ms(0)))
        .budget(budget.clone())
}

async fn succeed(budget: &Budget, times: u32) {
    let upstream = Plain::new((0..times).map(|_| Ok("done")));
    let mut service = layer(budget).layer(upstream);
    for _ in 0..times {
        send(&mut service, "ping").await.unwrap();
    }
}

#[tokio::test(start_paused = true)]
async fn without_budget_left_the_result_is_returned_at_once() {
    let budget = Budget::new(0.5).reserve(1);
    let upstream = Plain::new([
        Err(Failure::Passing),
        Err(Failure::Hinted(secs(1))),
        Ok("one attempt too late"),
    ]);
    let layer = layer(&budget);
    let stats = layer.stats();

    let result = send(&mut layer.layer(upstream.clone()), "ping").await;

    assert_eq!(result, Err(Failure::Hinted(secs(1))));
    assert_eq!(upstream.times().len(), 2);
    assert_eq!((stats.gave_up(), stats.out_of_budget()), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_call_that_succeeds_at_once_earns_its_share() {
    let budget = Budget::new(0.25).reserve(0);
    succeed(&budget, 3).await;
    assert_eq!(budget.retries(), 0);
    succeed(&budget, 1).await;
    assert_eq!(budget.retries(), 1);
    succeed(&budget, 9).await;
    assert_eq!(budget.retries(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_retry_that_succeeds_and_a_call_that_fails_earn_nothing() {
    let budget = Budget::new(1.0).reserve(1);
    let upstream = Plain::new([Err(Failure::Passing), Ok("done"), Err(Failure::Lasting)]);
    let mut service = layer(&budget).layer(upstream);

    assert_eq!(send(&mut service, "ping").await, Ok("done"));
    assert_eq!(budget.retries(), 0);
    assert_eq!(send(&mut service, "ping").await, Err(Failure::Lasting));
    assert_eq!(budget.retries(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_retry_is_paid_for_before_its_delay_and_not_paid_back_when_dropped() {
    let budget = Budget::new(0.1).reserve(2);
    let upstream = Plain::new([Err(Failure::Hinted(secs(5)))]);
    let mut service = layer(&budget).layer(upstream);
    let call = service.ready().await.unwrap().call("ping");

    assert!(tokio::time::timeout(secs(1), call).await.is_err());
    assert_eq!(budget.retries(), 1);
}

#[tokio::test(start_paused = true)]
async fn what_is_not_retried_is_not_paid_for() {
    let budget = Budget::new(0.1).reserve(5);
    for (failure, deadline, most) in [
        (Failure::Lasting, secs(9), 3),
        (Failure::Passing, secs(9), 1),
        (Failure::Hinted(secs(10)), secs(9), 3),
        (Failure::Hinted(secs(61)), secs(99), 3),
    ] {
        let upstream = Plain::new([Err(failure)]);
        let layer = layer(&budget).deadline(deadline);
        let mut service = layer.max_attempts(attempts(most)).layer(upstream);
        assert_eq!(send(&mut service, "ping").await, Err(failure));
        assert_eq!(budget.retries(), 5, "{failure:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_dear_failure_costs_more() {
    let budget = Budget::new(0.1).reserve(5);
    let dear = |result: Result<&&str, &Failure>| match result {
        Ok(_) => Verdict::Done,
        Err(_) => Verdict::retry().cost(NonZeroU32::new(2).unwrap()),
    };
    let upstream = Plain::new((0..3).map(|_| Err(Failure::Passing)));
    let layer = RetryLayer::new(dear).budget(budget.clone());
    let mut service = layer.max_attempts(attempts(9)).layer(upstream.clone());

    assert!(send(&mut service, "ping").await.is_err());
    assert_eq!(upstream.times().len(), 3);
    assert_eq!(budget.retries(), 1);
}

#[tokio::test(start_paused = true)]
async fn layers_with_one_budget_pay_from_one_account() {
    let budget = Budget::new(0.1).reserve(1);
    for made in [2, 1] {
        let upstream = Plain::new([Err(Failure::Passing), Ok("done")]);
        let _ = send(&mut layer(&budget).layer(upstream.clone()), "ping").await;
        assert_eq!(upstream.times().len(), made);
    }
}

#[tokio::test(start_paused = true)]
async fn the_reserve_grows_and_shrinks_with_the_traffic() {
    let budget = Budget::new(0.2).reserve(10);
    let traffic = async |per_second: u32, seconds: u32| {
        for _ in 0..seconds {
            succeed(&budget, per_second).await;
            advance(secs(1)).await;
            let _ = budget.retries();
        }
        budget.retries()
    };

    let much = traffic(500, 60).await;
    // 10 in reserve, and the 1000 that ten seconds of this earn.
    assert!((900..=1_010).contains(&much), "{much}");
    let little = traffic(5, 120).await;
    assert!((18..=20).contains(&little), "{little}");
    advance(secs(3_600)).await;
    assert_eq!(budget.retries(), 10);
}

#[tokio::test(start_paused = true)]
async fn traffic_is_measured_also_when_nothing_fails_for_a_long_time() {
    let budget = Budget::new(0.2).reserve(10);
    // 10 a second for a quarter of an hour, without anybody looking.
    for _ in 0..900 {
        succeed(&budget, 10).await;
        advance(secs(1)).await;
    }
    let left = budget.retries();
    assert!((28..=30).contains(&left), "{left}");
}

#[tokio::test(start_paused = true)]
async fn time_alone_earns_nothing() {
    let budget = Budget::new(0.5).reserve(1);
    let upstream = Plain::new((0..3).map(|_| Err(Failure::Passing)));
    let mut service = layer(&budget).layer(upstream.clone());

    assert!(send(&mut service, "ping").await.is_err());
    advance(secs(3_600)).await;
    assert!(send(&mut service, "ping").await.is_err());
    assert_eq!(upstream.times().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn a_share_outside_of_zero_to_one_counts_as_the_nearer() {
    for (share, earned) in [(f64::NAN, 0), (-1.0, 0), (0.0, 0), (7.0, 10), (1e300, 10)] {
        let budget = Budget::new(share).reserve(0);
        succeed(&budget, 10).await;
        assert_eq!(budget.retries(), earned, "{share}");
    }
    assert!(Budget::new(1.0).reserve(u32::MAX).retries() > 4_000_000);
}
