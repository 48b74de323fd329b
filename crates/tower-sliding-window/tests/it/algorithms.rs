//! What holds for every rule, and what each claims of itself.

use std::time::Duration;

use proptest::prelude::*;
use tower_sliding_window::{Algorithm, ApproxWindow, Gcra, Quota, SlidingLog, SlidingWindow};

use crate::oracle::{most_in_any_window, nanos, quota};

const SECOND: u64 = 1_000_000_000;

#[derive(Debug, Clone)]
struct Request {
    now: u64,
    cost: u32,
}

fn requests() -> impl Strategy<Value = Vec<Request>> {
    let request = (prop_oneof![40 => 0_u64..6, 1 => 100_u64..3000], 0_u32..5);
    prop::collection::vec(request, 1..400).prop_map(|steps| {
        steps
            .into_iter()
            .scan(0, |now, (gap, cost)| {
                *now += gap;
                Some(Request { now: *now, cost })
            })
            .collect()
    })
}

fn quotas() -> impl Strategy<Value = Quota> {
    (1_u32..120, 1_u64..2000).prop_map(|(limit, window)| quota(limit, Duration::from_nanos(window)))
}

/// The units of cost admitted, one time each.
fn admitted<A: Algorithm>(requests: &[Request], quota: Quota) -> Vec<u64> {
    let mut rule = A::default();
    let mut units = Vec::new();
    for &Request { now, cost } in requests {
        if rule.admit(now, cost, quota).is_ok() {
            units.extend((0..cost).map(|_| now));
        }
    }
    units
}

/// Refused with `d`: refused at one tick less, admitted at `d`.
fn keeps_the_retry_law<A: Algorithm + Clone>(
    requests: &[Request],
    quota: Quota,
) -> Result<(), TestCaseError> {
    let mut rule = A::default();
    for &Request { now, cost } in requests {
        let usage = rule.usage(now, quota);
        let Err(denied) = rule.admit(now, cost, quota) else {
            prop_assert_eq!(usage.next_admission, Duration::ZERO);
            continue;
        };
        if cost > quota.limit() {
            prop_assert_eq!(denied.retry_after, Duration::MAX);
            continue;
        }
        let wait = nanos(denied.retry_after);
        prop_assert!(wait > 0);
        prop_assert!(rule.check(now + wait - 1, cost, quota).is_err());
        prop_assert!(rule.check(now + wait, cost, quota).is_ok());
        if cost <= 1 {
            prop_assert_eq!(usage.next_admission, denied.retry_after);
        }
    }
    Ok(())
}

/// `remaining` further requests of cost 1 pass at the same time, and no more.
fn tells_truly_what_remains<A: Algorithm + Clone>(
    requests: &[Request],
    quota: Quota,
) -> Result<(), TestCaseError> {
    let mut rule = A::default();
    for &Request { now, cost } in requests {
        let Ok(admission) = rule.admit(now, cost, quota) else {
            continue;
        };
        let mut probe = rule.clone();
        for _ in 0..admission.remaining {
            prop_assert!(probe.admit(now, 1, quota).is_ok());
        }
        prop_assert!(probe.admit(now, 1, quota).is_err());
    }
    Ok(())
}

/// Whatever is forgotten when it says so changes no decision.
fn is_spent_only_when_nothing_counts<A: Algorithm + Clone>(
    requests: &[Request],
    quota: Quota,
) -> Result<(), TestCaseError> {
    let mut rule = A::default();
    for &Request { now, cost } in requests {
        if rule.is_spent(now, quota) {
            prop_assert_eq!(rule.usage(now, quota).current, 0);
            let afresh = A::default().check(now, cost, quota).is_ok();
            prop_assert_eq!(rule.check(now, cost, quota).is_ok(), afresh);
        }
        let _ = rule.admit(now, cost, quota);
    }
    let last = requests.last().map_or(0, |request| request.now);
    prop_assert!(rule.is_spent(last + 3 * nanos(quota.window()) + 200, quota));
    Ok(())
}

/// Tried again and again on a clock that jumps back and stands still.
fn survives_any_clock<A: Algorithm>(times: &[u64], quota: Quota) {
    let mut rule = A::default();
    for &now in times {
        let _ = rule.usage(now, quota);
        if let Ok(admission) = rule.admit(now, 1, quota) {
            rule.refund(now, Some(admission.stamp()), now as u32 % 2, quota);
        }
        let _ = rule.is_spent(now, quota);
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(128))]

    #[test]
    fn no_cost_brings_a_log_over_its_limit(requests in requests(), quota in quotas()) {
        for units in [
            admitted::<SlidingWindow>(&requests, quota),
            admitted::<SlidingLog>(&requests, quota),
        ] {
            prop_assert!(most_in_any_window(&units, quota.window()) <= quota.limit() as usize);
        }
    }

    #[test]
    fn the_smaller_rules_stay_below_twice_the_limit(requests in requests(), quota in quotas()) {
        for units in [
            admitted::<ApproxWindow>(&requests, quota),
            admitted::<Gcra>(&requests, quota),
        ] {
            prop_assert!(most_in_any_window(&units, quota.window()) < 2 * quota.limit() as usize);
        }
    }

    #[test]
    fn a_refusal_is_true_to_the_tick(requests in requests(), quota in quotas()) {
        keeps_the_retry_law::<SlidingWindow>(&requests, quota)?;
        keeps_the_retry_law::<SlidingLog>(&requests, quota)?;
        keeps_the_retry_law::<ApproxWindow>(&requests, quota)?;
        keeps_the_retry_law::<Gcra>(&requests, quota)?;
    }

    #[test]
    fn what_remains_passes_and_no_more(requests in requests(), quota in quotas()) {
        tells_truly_what_remains::<SlidingWindow>(&requests, quota)?;
        tells_truly_what_remains::<SlidingLog>(&requests, quota)?;
        tells_truly_what_remains::<ApproxWindow>(&requests, quota)?;
        tells_truly_what_remains::<Gcra>(&requests, quota)?;
    }

    #[test]
    fn a_spent_state_may_be_forgotten(requests in requests(), quota in quotas()) {
        is_spent_only_when_nothing_counts::<SlidingWindow>(&requests, quota)?;
        is_spent_only_when_nothing_counts::<SlidingLog>(&requests, quota)?;
        is_spent_only_when_nothing_counts::<ApproxWindow>(&requests, quota)?;
        is_spent_only_when_nothing_counts::<Gcra>(&requests, quota)?;
    }

    #[test]
    fn no_clock_makes_a_rule_panic(
        times in prop::collection::vec(
            prop_oneof![any::<u64>(), 0_u64..5000, (u64::MAX - 5000)..=u64::MAX], 1..100),
        quota in quotas(),
    ) {
        survives_any_clock::<SlidingWindow>(&times, quota);
        survives_any_clock::<SlidingLog>(&times, quota);
        survives_any_clock::<ApproxWindow>(&times, quota);
        survives_any_clock::<Gcra>(&times, quota);
    }
}

#[test]
fn two_counters_reach_nineteen_tenths_of_the_limit() {
    let hundred = quota(100, Duration::from_secs(1));
    // A full limit just before an edge, then as often as possible.
    let burst = (0..100).map(|_| SECOND - 1);
    let hammer = (0..1000).map(|i| SECOND + i * SECOND / 1000);
    let requests: Vec<Request> = burst
        .chain(hammer)
        .map(|now| Request { now, cost: 1 })
        .collect();
    let most = most_in_any_window(
        &admitted::<ApproxWindow>(&requests, hundred),
        hundred.window(),
    );
    assert!((190..200).contains(&most), "{most}");
}

#[test]
fn gcra_lets_a_burst_through_and_then_an_even_flow() {
    let three = quota(3, Duration::from_secs(3));
    let every_tenth: Vec<Request> = (0..50)
        .map(|i| Request {
            now: i * SECOND / 10,
            cost: 1,
        })
        .collect();
    let expected = [
        0,
        SECOND / 10,
        SECOND / 5,
        SECOND,
        2 * SECOND,
        3 * SECOND,
        4 * SECOND,
    ];
    assert_eq!(admitted::<Gcra>(&every_tenth, three), expected);
}

#[test]
fn two_counters_survive_long_idleness_and_the_wrap_of_their_number() {
    let five = quota(5, Duration::from_nanos(10));
    for idle in [
        2_u64,
        3,
        65_534,
        65_535,
        65_536,
        65_537,
        131_071,
        u64::MAX / 20,
    ] {
        let mut rule = ApproxWindow::default();
        for _ in 0..5 {
            rule.admit(100, 1, five).unwrap();
        }
        let now = 100 + idle * 10;
        // At worst it is taken for the window after it.
        let waited = (0..=30).find(|more| rule.check(now + more, 1, five).is_ok());
        assert!(waited.is_some(), "{idle}");
    }
}

#[test]
fn two_counters_hold_limits_up_to_their_width() {
    let wide = quota(u32::MAX, Duration::from_secs(1));
    let mut rule = ApproxWindow::default();
    rule.charge(5, u32::MAX, wide);
    assert_eq!(rule.usage(5, wide).current, 16_777_215);
    assert!(rule.admit(5, 1, wide).is_err());
    assert!(rule.admit(5, 16_777_216, wide).is_err());
}

#[test]
fn a_changed_quota_finds_what_was_used() {
    fn used_after_change<A: Algorithm>(from: Quota, to: Quota) -> u32 {
        let mut rule = A::default();
        for _ in 0..6 {
            rule.admit(7, 1, from).unwrap();
        }
        rule.change_quota(7, from, to);
        rule.usage(7, to).current
    }
    let second = Duration::from_secs(1);
    let from = quota(10, second);
    for to in [quota(4, second), quota(100, second), quota(10, 60 * second)] {
        assert_eq!(used_after_change::<SlidingWindow>(from, to), 6);
        assert_eq!(used_after_change::<SlidingLog>(from, to), 6);
        assert_eq!(used_after_change::<ApproxWindow>(from, to), 6);
        assert_eq!(used_after_change::<Gcra>(from, to), 6);
    }
}
