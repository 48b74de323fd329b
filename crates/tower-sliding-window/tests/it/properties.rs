use std::time::Duration;

use proptest::prelude::*;
use tower_sliding_window::{Algorithm, Denied, Quota, QuotaError, SlidingWindow};

use crate::oracle::{ExactLog, most_in_any_window, quota};

/// Times at which requests come: dense enough to fill the limits here, with a pause now and then.
fn arrivals() -> impl Strategy<Value = Vec<u64>> {
    (0_u64..12).prop_flat_map(|longest| {
        let gap = prop_oneof![60 => 0..=longest, 1 => 100_u64..3000];
        prop::collection::vec(gap, 1..1000).prop_map(|gaps| {
            gaps.into_iter()
                .scan(0, |now, gap| {
                    *now += gap;
                    Some(*now)
                })
                .collect()
        })
    })
}

fn quotas(limit: std::ops::RangeInclusive<u32>) -> impl Strategy<Value = Quota> {
    (limit, 1_u64..3000).prop_map(|(limit, window)| quota(limit, Duration::from_nanos(window)))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn no_window_ever_holds_more_than_the_limit(
        arrivals in arrivals(),
        quota in quotas(1..=200),
    ) {
        let (mut window, mut admitted) = (SlidingWindow::default(), arrivals);
        admitted.retain(|&now| window.admit(now, 1, quota).is_ok());
        prop_assert!(most_in_any_window(&admitted, quota.window()) <= quota.limit() as usize);
    }

    #[test]
    fn limits_up_to_64_decide_as_an_exact_log_does(
        arrivals in arrivals(),
        quota in quotas(1..=64),
    ) {
        let (mut window, mut exact) = (SlidingWindow::default(), ExactLog::default());
        for now in arrivals {
            prop_assert_eq!(window.admit(now, 1, quota).is_ok(), exact.admit(now, quota));
        }
    }

    #[test]
    fn a_refusal_holds_until_its_last_tick_and_no_longer(
        arrivals in arrivals(),
        quota in quotas(1..=200),
    ) {
        let mut window = SlidingWindow::default();
        for now in arrivals {
            let Err(denied) = window.admit(now, 1, quota) else { continue };
            check_retry_after(&window, now, quota, denied)?;
        }
    }

    #[test]
    fn a_refusal_stays_true_when_the_limit_was_lowered(
        arrivals in arrivals(),
        before in quotas(2..=200),
        lowered in 1_u32..200,
    ) {
        let mut window = SlidingWindow::default();
        let last = *arrivals.last().unwrap();
        for now in arrivals {
            let _ = window.admit(now, 1, before);
        }
        let after = quota(lowered.min(before.limit()), before.window());
        if let Err(denied) = window.clone().admit(last, 1, after) {
            check_retry_after(&window, last, after, denied)?;
        }
    }

    #[test]
    fn a_refused_request_leaves_no_trace(arrivals in arrivals(), quota in quotas(1..=200)) {
        let mut window = SlidingWindow::default();
        for now in arrivals {
            let before = window.clone();
            if window.admit(now, 1, quota).is_err() {
                prop_assert_eq!(format!("{before:?}"), format!("{window:?}"));
            }
        }
    }

    #[test]
    fn a_clock_that_jumps_back_lets_nothing_more_through(
        arrivals in prop::collection::vec(0_u64..5000, 1..400),
        quota in quotas(1..=200),
    ) {
        let mut window = SlidingWindow::default();
        let mut admitted = Vec::new();
        for now in arrivals {
            if window.admit(now, 1, quota).is_ok() {
                // Such time is taken as the latest admission's.
                admitted.push(admitted.last().map_or(now, |&last| now.max(last)));
            }
        }
        prop_assert!(most_in_any_window(&admitted, quota.window()) <= quota.limit() as usize);
    }

    #[test]
    fn usage_agrees_with_the_next_decision(arrivals in arrivals(), quota in quotas(1..=200)) {
        let mut window = SlidingWindow::default();
        for now in arrivals {
            let usage = window.usage(now, quota);
            match window.admit(now, 1, quota) {
                Ok(admission) => {
                    prop_assert_eq!(usage.next_admission, Duration::ZERO);
                    prop_assert_eq!(usage.current + admission.remaining + 1, usage.maximum);
                }
                Err(denied) => {
                    prop_assert_eq!(usage.next_admission, denied.retry_after);
                    prop_assert_eq!(usage.percentage(), 100.0);
                }
            }
        }
    }

    #[test]
    fn whole_seconds_to_retry_after_are_the_next_that_suffice(nanos in 0_u64..5_000_000_000) {
        let wait = Duration::from_nanos(nanos);
        let denied = Denied::new(quota(1, Duration::from_secs(1)), wait);
        let seconds = denied.retry_after_seconds();
        prop_assert!(seconds >= 1);
        prop_assert!(Duration::from_secs(seconds) >= wait);
        prop_assert!(seconds == 1 || Duration::from_secs(seconds - 1) < wait);
    }
}

fn check_retry_after(
    window: &SlidingWindow,
    now: u64,
    quota: Quota,
    denied: Denied,
) -> Result<(), TestCaseError> {
    let wait = u64::try_from(denied.retry_after.as_nanos()).unwrap();
    prop_assert!(wait > 0);
    prop_assert!(window.clone().admit(now + wait - 1, 1, quota).is_err());
    prop_assert!(window.clone().admit(now + wait, 1, quota).is_ok());
    Ok(())
}

/// Requests per limit and window, saturating: evenly spaced, and in bursts before and after the
/// edges of the clock's seconds.
#[test]
fn under_saturation_it_admits_at_least_98_of_100_that_an_exact_log_does() {
    const SECOND: u64 = 1_000_000_000;
    let quota = quota(100, Duration::from_secs(1));
    let even = |per_second: u64| (0..5 * per_second).map(move |i| i * SECOND / per_second);
    let edges = (1..20_u64).flat_map(|second| {
        let burst = (0..100).map(move |i| second * SECOND - 5_000_000 + i * 50_000);
        let hammer = (0..900).map(move |i| second * SECOND + i * 1_000_000);
        burst.chain(hammer)
    });
    let traces: [Vec<u64>; 5] = [
        even(200).collect(),
        even(317).collect(),
        even(1000).collect(),
        even(20_000).collect(),
        edges.collect(),
    ];
    for trace in traces {
        let (mut window, mut exact) = (SlidingWindow::default(), ExactLog::default());
        let mut admitted = trace.clone();
        admitted.retain(|&now| window.admit(now, 1, quota).is_ok());
        assert_eq!(most_in_any_window(&admitted, quota.window()), 100);
        let ours = admitted.len();
        let theirs = trace.iter().filter(|&&now| exact.admit(now, quota)).count();
        assert!(ours * 100 >= theirs * 98, "{ours} of {theirs}");
    }
}

#[test]
fn a_slot_frees_exactly_one_window_after_it_was_taken() {
    let quota = quota(1, Duration::from_nanos(100));
    let mut window = SlidingWindow::default();
    assert!(window.admit(7, 1, quota).is_ok());
    assert!(window.admit(106, 1, quota).is_err());
    assert!(window.admit(107, 1, quota).is_ok());
}

#[test]
fn the_ends_of_time_and_of_numbers_do_not_overflow() {
    let quota = quota(u32::MAX, Duration::from_nanos(u64::MAX));
    let mut window = SlidingWindow::default();
    for now in [0, u64::MAX, 0, u64::MAX - 1] {
        assert!(window.admit(now, 1, quota).is_ok());
    }
    let one = Quota::new(1, quota.window()).unwrap();
    assert!(window.admit(u64::MAX, 1, one).is_err());
}

#[test]
fn a_quota_without_limit_or_window_or_end_is_refused() {
    let second = Duration::from_secs(1);
    assert_eq!(Quota::new(0, second), Err(QuotaError::ZeroLimit));
    assert_eq!(Quota::new(1, Duration::ZERO), Err(QuotaError::ZeroWindow));
    let window = Duration::MAX;
    assert_eq!(
        Quota::new(1, window),
        Err(QuotaError::WindowTooLong { window })
    );
    assert!(Quota::new(1, Duration::from_nanos(u64::MAX)).is_ok());
}
