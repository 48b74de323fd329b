use std::{collections::HashSet, time::Duration};

use proptest::prelude::*;
use tower::Layer;
use tower_retry_backoff::{Backoff, RetryLayer};

use crate::upstream::{Failure, Upstream, attempts, judge, ms, send};

#[test]
fn the_mean_delay_is_half_the_ceiling() {
    let backoff = Backoff::exponential(ms(100), ms(1_000));
    for (retry, ceiling) in [
        (0, 100.0),
        (1, 200.0),
        (3, 800.0),
        (4, 1_000.0),
        (9, 1_000.0),
    ] {
        let draws = (0..4_000).map(|seed| delay_in_ms(backoff, seed, retry));
        let mean = draws.sum::<f64>() / 4_000.0;
        // Four standard errors of the mean of 4000 draws are under 2 % of the ceiling.
        assert!((mean / ceiling - 0.5).abs() < 0.02, "retry {retry}: {mean}");
    }
}

#[test]
fn requests_spread_also_where_the_delay_is_capped() {
    let backoff = Backoff::exponential(ms(100), ms(1_000));
    for retry in [0, 9] {
        let draws: HashSet<_> = (0..1_000)
            .map(|seed| backoff.delays(seed).nth(retry))
            .collect();
        assert!(
            draws.len() > 990,
            "retry {retry}: {} of 1000 differ",
            draws.len()
        );
    }
}

#[test]
fn the_factor_is_what_the_ceiling_grows_by_and_never_shrinks_it() {
    let ceilings = |factor| {
        let backoff = Backoff::exponential(ms(100), ms(1_000)).factor(factor);
        [0, 1, 2, 3].map(|retry| backoff.ceiling(retry).as_millis())
    };
    assert_eq!(ceilings(3.0), [100, 300, 900, 1_000]);
    assert_eq!(ceilings(1.5), [100, 150, 225, 337]);
    assert_eq!(ceilings(f64::INFINITY), [100, 1_000, 1_000, 1_000]);
    for factor in [1.0, 0.5, 0.0, -2.0, f64::NEG_INFINITY, f64::NAN] {
        assert_eq!(ceilings(factor), [100; 4], "{factor}");
    }
}

#[test]
fn no_delay_stays_no_delay() {
    let backoff = Backoff::exponential(ms(0), ms(1_000));
    assert!(
        [0, 1, 2_000, u32::MAX]
            .iter()
            .all(|retry| backoff.ceiling(*retry).is_zero())
    );
}

fn delay_in_ms(backoff: Backoff, seed: u64, retry: usize) -> f64 {
    backoff.delays(seed).nth(retry).unwrap().as_secs_f64() * 1e3
}

/// `base * 2^retry`, one step at a time, in whole nanoseconds.
fn doubled(base: Duration, cap: Duration, retry: u32) -> Duration {
    let mut ceiling = base.min(cap);
    for _ in 0..retry {
        ceiling = ceiling.saturating_mul(2).min(cap);
    }
    ceiling
}

#[test]
fn each_schedule_has_its_ceilings() {
    let ceilings = |backoff: Backoff| [0, 1, 2, 9].map(|retry| backoff.ceiling(retry).as_millis());
    let cap = ms(1_000);
    assert_eq!(ceilings(Backoff::fixed(ms(300))), [300; 4]);
    assert_eq!(
        ceilings(Backoff::linear(ms(300), cap)),
        [300, 600, 900, 1_000]
    );
    assert_eq!(
        ceilings(Backoff::decorrelated(ms(100), cap)),
        [300, 900, 1_000, 1_000]
    );
    let custom = Backoff::custom(|retry| ms(u64::from(9 - retry) * 100), cap);
    assert_eq!(ceilings(custom), [900, 800, 700, 0]);
    let too_long = Backoff::custom(|_| Duration::MAX, cap);
    assert_eq!(ceilings(too_long), [1_000; 4]);
    assert_eq!(ceilings(Backoff::fixed(ms(300)).factor(9.0)), [300; 4]);
}

#[test]
fn equal_jitter_draws_from_the_upper_half() {
    let backoff = Backoff::exponential(ms(100), ms(1_000)).equal_jitter();
    for (retry, ceiling) in [(0, 100.0), (1, 200.0), (9, 1_000.0)] {
        let draws: Vec<_> = (0..4_000)
            .map(|seed| delay_in_ms(backoff, seed, retry))
            .collect();
        assert!(
            draws
                .iter()
                .all(|delay| (ceiling / 2.0..=ceiling).contains(delay))
        );
        let mean = draws.iter().sum::<f64>() / 4_000.0;
        assert!(
            (mean / ceiling - 0.75).abs() < 0.01,
            "retry {retry}: {mean}"
        );
    }
}

#[test]
fn decorrelated_delays_lie_between_the_base_and_three_times_the_one_before() {
    let (base, cap) = (ms(100), ms(5_000));
    let mut means = [0.0; 5];
    for seed in 0..4_000 {
        let mut last = base;
        for (mean, delay) in means
            .iter_mut()
            .zip(Backoff::decorrelated(base, cap).delays(seed))
        {
            assert!(base <= delay && delay <= (last * 3).min(cap));
            last = delay;
            *mean += delay.as_secs_f64() * 1e3 / 4_000.0;
        }
    }
    // Half of base and three times the last: 200, 350, 575, until the cap is felt.
    for (mean, expected) in means.iter().zip([200.0, 350.0, 575.0]) {
        assert!((mean / expected - 1.0).abs() < 0.05, "{means:?}");
    }
    let flat = Backoff::decorrelated(ms(100), ms(10));
    assert!(flat.delays(1).take(9).all(|delay| delay == ms(10)));
}

fn any_duration() -> impl Strategy<Value = Duration> {
    prop_oneof![
        Just(Duration::ZERO),
        Just(Duration::MAX),
        any::<Duration>(),
        (0u64..100_000).prop_map(Duration::from_micros),
    ]
}

fn any_retry() -> impl Strategy<Value = u32> {
    prop_oneof![
        0u32..64,
        any::<u32>(),
        Just(i32::MAX as u32 + 1),
        Just(u32::MAX)
    ]
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn doubling_is_exact(
        base in 0u64..3_600_000_000_000,
        cap in 0u64..86_400_000_000_000,
        retry in 0u32..80,
    ) {
        let (base, cap) = (Duration::from_nanos(base), Duration::from_nanos(cap));
        let backoff = Backoff::exponential(base, cap);
        prop_assert_eq!(backoff.ceiling(retry), doubled(base, cap, retry));
    }

    #[test]
    fn the_ceiling_grows_up_to_the_cap(
        base in any_duration(),
        cap in any_duration(),
        factor in any::<f64>(),
        retry in any_retry(),
    ) {
        let backoff = Backoff::exponential(base, cap).factor(factor);
        prop_assert!(backoff.ceiling(retry) <= cap);
        prop_assert!(backoff.ceiling(retry) >= backoff.ceiling(retry / 2));
        prop_assert!(backoff.ceiling(retry) <= backoff.ceiling(retry.saturating_add(1)));
    }

    #[test]
    fn a_delay_is_never_over_its_ceiling(
        base in any_duration(),
        cap in any_duration(),
        factor in 0.0f64..10.0,
        schedule in 0usize..5,
        equal: bool,
        seed: u64,
    ) {
        let backoff = [
            Backoff::exponential(base, cap).factor(factor),
            Backoff::fixed(base),
            Backoff::linear(base, cap),
            Backoff::decorrelated(base, cap),
            Backoff::custom(|retry| Duration::MAX / retry.max(1), cap),
        ][schedule];
        let backoff = if equal { backoff.equal_jitter() } else { backoff };
        for (retry, delay) in (0..40).zip(backoff.delays(seed)) {
            prop_assert!(delay <= backoff.ceiling(retry));
        }
    }

    #[test]
    fn attempts_keep_to_the_limits_and_none_is_left_out(
        failures in prop::collection::vec(prop::option::of(0u64..3_000), 0..8),
        latency in 0u64..2_000,
        max_attempts in 1u32..8,
        deadline in 0u64..10_000,
        hint_cap in 0u64..3_000,
        seed: u64,
    ) {
        let (latency, deadline, hint_cap) = (ms(latency), ms(deadline), ms(hint_cap));
        let answers = failures
            .iter()
            .map(|hint| Err(hint.map_or(Failure::Passing, |hint| Failure::Hinted(ms(hint)))))
            .chain([Ok(())]);
        let layer = RetryLayer::new(judge)
            .backoff(Backoff::exponential(Duration::ZERO, Duration::ZERO))
            .max_attempts(attempts(max_attempts))
            .deadline(deadline)
            .hint_cap(hint_cap)
            .seed(seed);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_time()
            .start_paused(true)
            .build()?;
        let times = runtime.block_on(async {
            let upstream = Upstream::<(), ()>::new(answers).latency(latency);
            let _ = send(&mut layer.layer(upstream.clone()), ()).await;
            upstream.times()
        });

        prop_assert!(times.len() <= max_attempts as usize);
        for (pair, hint) in times.windows(2).zip(&failures) {
            let hint = ms(hint.unwrap_or(0));
            let slept = pair[1] - pair[0] - latency;
            // Timers of tokio may run up to 1 ms late.
            prop_assert!(hint <= hint_cap);
            prop_assert!(hint <= slept && slept <= hint + hint / 10 + ms(1));
            prop_assert!(pair[1] < deadline + ms(1));
        }
        if let Some(hint) = failures.get(times.len() - 1) {
            let hint = ms(hint.unwrap_or(0));
            let ended = times[times.len() - 1] + latency;
            prop_assert!(
                times.len() == max_attempts as usize || hint > hint_cap || ended + hint >= deadline
            );
        }
    }
}
