//! Adversarial traces, and what each rule makes of them: most in any window in hundredths of the
//! limit, and how many were admitted.

use std::time::Duration;

use tower_sliding_window::{Algorithm, ApproxWindow, Gcra, Quota, SlidingLog, SlidingWindow};

use crate::oracle::{ExactLog, most_in_any_window, quota};

const MILLI: u64 = 1_000_000;
const SECOND: u64 = 1000 * MILLI;

/// Ten times the limit for half a second, silence for half a second.
fn on_and_off() -> Vec<u64> {
    (0..10)
        .flat_map(|i| (0..500).map(move |j| i * SECOND + j * MILLI))
        .collect()
}

/// A full limit before each third edge of the clock's seconds, then as fast as possible.
fn burst_before_the_edge() -> Vec<u64> {
    (1..5)
        .flat_map(|i| {
            let edge = 3 * i * SECOND;
            let burst = (0..100).map(move |j| edge - 5 * MILLI + j * 50_000);
            burst.chain((0..2990).map(move |j| edge + j * MILLI))
        })
        .collect()
}

/// Half a limit before and after each edge.
fn both_sides_of_the_edge() -> Vec<u64> {
    (1..10)
        .flat_map(|i| (0..200).map(move |j| i * SECOND - 100 * MILLI + j * MILLI))
        .collect()
}

fn flood() -> Vec<u64> {
    (0..10_000).map(|i| i * MILLI / 2).collect()
}

fn steady(per_second: u64) -> Vec<u64> {
    (0..5 * per_second)
        .map(|i| i * SECOND / per_second)
        .collect()
}

fn run<A: Algorithm>(trace: &[u64], quota: Quota) -> (usize, usize) {
    let mut rule = A::default();
    let mut admitted = trace.to_vec();
    admitted.retain(|&now| rule.admit(now, 1, quota).is_ok());
    (
        most_in_any_window(&admitted, quota.window()),
        admitted.len(),
    )
}

#[test]
fn the_traces_come_out_as_they_always_did() {
    let hundred = quota(100, Duration::from_secs(1));
    let golden = [
        ("on and off", on_and_off(), GOLDEN[0]),
        ("burst before the edge", burst_before_the_edge(), GOLDEN[1]),
        ("both sides", both_sides_of_the_edge(), GOLDEN[2]),
        ("flood", flood(), GOLDEN[3]),
        ("steady, 0.9", steady(90), GOLDEN[4]),
        ("steady, 2.0", steady(200), GOLDEN[5]),
    ];
    for (name, trace, expected) in golden {
        let outcome = [
            run::<SlidingLog>(&trace, hundred),
            run::<SlidingWindow>(&trace, hundred),
            run::<ApproxWindow>(&trace, hundred),
            run::<Gcra>(&trace, hundred),
        ];
        assert_eq!(outcome, expected, "{name}");

        let mut exact = ExactLog::default();
        let exactly = trace
            .iter()
            .filter(|&&now| exact.admit(now, hundred))
            .count();
        let [(_, log), (most, _), ..] = outcome;
        assert_eq!(log, exactly, "{name}");
        assert!(most <= 100, "{name}");
    }
}

/// By trace; exact, default, two counters, generic cell rate.
const GOLDEN: [[(usize, usize); 4]; 6] = [
    [(100, 1000), (100, 1000), (100, 684), (149, 1049)],
    [(100, 1200), (100, 1200), (199, 1287), (199, 1299)],
    [(100, 900), (100, 880), (109, 902), (119, 919)],
    [(100, 500), (100, 500), (100, 496), (199, 599)],
    [(90, 450), (90, 450), (90, 450), (90, 450)],
    [(100, 500), (100, 500), (100, 496), (199, 599)],
];

#[test]
fn a_clock_that_stands_still_admits_the_limit_and_no_more() {
    let hundred = quota(100, Duration::from_secs(1));
    let frozen = vec![7 * SECOND; 1000];
    assert_eq!(run::<SlidingLog>(&frozen, hundred), (100, 100));
    assert_eq!(run::<SlidingWindow>(&frozen, hundred), (100, 100));
    assert_eq!(run::<ApproxWindow>(&frozen, hundred), (100, 100));
    assert_eq!(run::<Gcra>(&frozen, hundred), (100, 100));
}

#[test]
fn one_reading_that_went_back_admits_nothing_more() {
    fn admitted<A: Algorithm>(quota: Quota) -> usize {
        let mut rule = A::default();
        let before = (0..1000).map(|_| 10 * SECOND);
        let back = (0..1000).map(|_| 10 * SECOND - 250 * MILLI);
        let after = (0..1000).map(|_| 10 * SECOND);
        before
            .chain(back)
            .chain(after)
            .filter(|&now| rule.admit(now, 1, quota).is_ok())
            .count()
    }
    let hundred = quota(100, Duration::from_secs(1));
    assert_eq!(admitted::<SlidingLog>(hundred), 100);
    assert_eq!(admitted::<SlidingWindow>(hundred), 100);
    assert_eq!(admitted::<ApproxWindow>(hundred), 100);
    assert_eq!(admitted::<Gcra>(hundred), 100);
}

#[test]
fn a_clock_that_jumps_hours_ahead_starts_anew() {
    fn admitted<A: Algorithm>(quota: Quota) -> usize {
        let mut rule = A::default();
        [SECOND, 7200 * SECOND]
            .into_iter()
            .flat_map(|now| std::iter::repeat_n(now, 500))
            .filter(|&now| rule.admit(now, 1, quota).is_ok())
            .count()
    }
    let hundred = quota(100, Duration::from_secs(1));
    assert_eq!(admitted::<SlidingLog>(hundred), 200);
    assert_eq!(admitted::<SlidingWindow>(hundred), 200);
    assert_eq!(admitted::<ApproxWindow>(hundred), 200);
    assert_eq!(admitted::<Gcra>(hundred), 200);
}
