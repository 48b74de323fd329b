//! Any sequence of requests, costs, refunds, later charges and changed limits, against the oracle.

use std::time::Duration;

use proptest::prelude::*;
use tower_sliding_window::{Algorithm, Quota, SlidingLog, SlidingWindow};

use crate::oracle::{ExactLog, most_in_any_window, quota};

const WINDOW: Duration = Duration::from_nanos(300);

#[derive(Debug, Clone)]
enum Operation {
    Request {
        cost: u32,
    },
    /// Takes back part of an earlier admission.
    Refund {
        which: prop::sample::Index,
        cost: u32,
    },
    Charge {
        cost: u32,
    },
    Limit(u32),
}

fn operations(most: u32) -> impl Strategy<Value = Vec<(u64, Operation)>> {
    let operation = prop_oneof![
        20 => (0_u32..4).prop_map(|cost| Operation::Request { cost }),
        4 => (any::<prop::sample::Index>(), 1_u32..4)
            .prop_map(|(which, cost)| Operation::Refund { which, cost }),
        1 => (1_u32..10).prop_map(|cost| Operation::Charge { cost }),
        1 => (1..most).prop_map(Operation::Limit),
    ];
    prop::collection::vec((0_u64..8, operation), 1..300)
}

/// What was admitted and not given back: its time and cost.
type Admitted = Vec<(u64, u32)>;

fn run<A: Algorithm>(
    operations: &[(u64, Operation)],
    limit: u32,
    mut each: impl FnMut(u64, u32, Quota, bool, &Operation, Option<u64>),
) -> Admitted {
    let (mut rule, mut admitted) = (A::default(), Admitted::new());
    let (mut now, mut quota) = (0, quota(limit, WINDOW));
    for (gap, operation) in operations {
        now += gap;
        let (mut passed, mut at, mut moved) = (false, None, 0);
        match operation {
            Operation::Request { cost } => {
                passed = rule.admit(now, *cost, quota).is_ok();
                if passed && *cost > 0 {
                    admitted.push((now, *cost));
                }
            }
            Operation::Refund { which, cost } if !admitted.is_empty() => {
                let (time, left) = which.get_mut(&mut admitted);
                moved = (*left).min(*cost);
                *left -= moved;
                at = Some(*time);
                rule.refund(now, at, moved, quota);
                admitted.retain(|&(_, left)| left > 0);
            }
            Operation::Refund { .. } => {}
            Operation::Charge { cost } => rule.charge(now, *cost, quota),
            Operation::Limit(limit) => {
                let to = Quota::new(*limit, WINDOW).unwrap();
                rule.change_quota(now, quota, to);
                quota = to;
            }
        }
        each(now, moved, quota, passed, operation, at);
    }
    admitted
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn an_exact_log_decides_as_the_oracle_does(
        operations in operations(60),
        limit in 1_u32..60,
    ) {
        let mut exact = ExactLog::default();
        let mut expected = Vec::new();
        let mut passed = [Vec::new(), Vec::new()];
        run::<SlidingLog>(&operations, limit, |now, moved, quota, decided, operation, at| {
            match operation {
                Operation::Request { cost } => {
                    expected.push(exact.admit_cost(now, *cost, quota));
                    passed[0].push(decided);
                }
                Operation::Refund { .. } => {
                    if let Some(at) = at {
                        exact.refund(at, moved);
                    }
                }
                Operation::Charge { cost } => exact.charge(now, *cost),
                Operation::Limit(_) => {}
            }
        });
        // Limits below 65 are not merged, so the default rule is exact as well.
        run::<SlidingWindow>(&operations, limit, |_, _, _, decided, operation, _| {
            if matches!(operation, Operation::Request { .. }) {
                passed[1].push(decided);
            }
        });
        prop_assert_eq!(&passed[0], &expected);
        prop_assert_eq!(&passed[1], &expected);
    }

    #[test]
    fn what_is_not_given_back_never_exceeds_the_limit(
        mut operations in operations(150),
        limit in 1_u32..150,
    ) {
        // Later charges may go beyond the limit, and a lowered limit finds more than it allows.
        operations.retain(|(_, operation)| {
            !matches!(operation, Operation::Charge { .. } | Operation::Limit(_))
        });
        let admitted = run::<SlidingWindow>(&operations, limit, |_, _, _, _, _, _| {});
        let units: Vec<u64> = admitted
            .iter()
            .flat_map(|&(at, cost)| (0..cost).map(move |_| at))
            .collect();
        prop_assert!(most_in_any_window(&units, WINDOW) <= limit as usize);
    }
}

#[test]
fn a_refund_without_a_time_takes_the_oldest() {
    let three = quota(3, WINDOW);
    let mut rule = SlidingWindow::default();
    for now in [0, 100, 200] {
        rule.admit(now, 1, three).unwrap();
    }
    rule.refund(200, None, 1, three);
    rule.admit(200, 1, three).unwrap();
    assert_eq!(
        rule.admit(200, 1, three).unwrap_err().retry_after,
        Duration::from_nanos(200)
    );
}

#[test]
fn a_refund_of_what_no_longer_counts_frees_nothing() {
    let one = quota(1, WINDOW);
    let mut rule = SlidingWindow::default();
    rule.admit(0, 1, one).unwrap();
    rule.admit(300, 1, one).unwrap();
    rule.refund(300, Some(0), 1, one);
    assert!(rule.admit(300, 1, one).is_err());
}
