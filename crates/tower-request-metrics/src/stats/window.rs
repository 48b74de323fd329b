//! A window that slides in steps: a ring of histograms, one for each sixth.

use std::{
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::histogram::{Histogram, Merged};

const STEPS: u64 = 6;

/// Time is an argument, counted from when the whole began.
pub(super) struct Window {
    step: Duration,
    slots: [Slot; STEPS as usize],
    /// Held by who clears a slot, so that nobody counts into it meanwhile.
    turning: Mutex<()>,
}

struct Slot {
    /// The number of the step whose requests are in here. It only grows.
    number: AtomicU64,
    histogram: Histogram,
}

impl Window {
    pub(super) fn new(window: Duration) -> Self {
        Self {
            step: step(window),
            slots: std::array::from_fn(|number| Slot {
                number: AtomicU64::new(number as u64),
                histogram: Histogram::new(),
            }),
            turning: Mutex::new(()),
        }
    }

    pub(super) fn record(&self, age: Duration, latency: Duration, is_error: bool) {
        let number = number(age, self.step);
        let slot = &self.slots[(number % STEPS) as usize];
        // A thread that slept since it read the clock finds a later number: its request is counted
        // there. So none is lost.
        if slot.number.load(Ordering::Acquire) < number {
            self.turn(slot, number);
        }
        slot.histogram.record(latency, is_error);
    }

    fn turn(&self, slot: &Slot, number: u64) {
        // It guards no data of its own.
        let _turning = self.turning.lock().unwrap_or_else(PoisonError::into_inner);
        if slot.number.load(Ordering::Acquire) < number {
            slot.histogram.clear();
            slot.number.store(number, Ordering::Release);
        }
    }

    /// What was recorded in the running step and the five before.
    pub(super) fn merged(&self, age: Duration) -> Merged {
        let last = number(age, self.step);
        let mut merged = Merged::default();
        for slot in &self.slots {
            // Later ones began since `age` was read.
            if slot.number.load(Ordering::Acquire) + STEPS > last {
                merged.add_live(&slot.histogram);
            }
        }
        merged
    }
}

/// How much time the steps cover of which [`Window::merged`] tells.
pub(super) fn covered(window: Duration, age: Duration) -> Duration {
    let step = step(window);
    let first = number(age, step).saturating_sub(STEPS - 1);
    let since = step.as_nanos().saturating_mul(u128::from(first));
    let covered = age.as_nanos().saturating_sub(since);
    Duration::from_nanos(u64::try_from(covered).unwrap_or(u64::MAX))
}

fn step(window: Duration) -> Duration {
    (window / STEPS as u32).max(Duration::from_nanos(1))
}

fn number(age: Duration, step: Duration) -> u64 {
    u64::try_from(age.as_nanos() / step.as_nanos()).unwrap_or(u64::MAX - STEPS)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn seconds(seconds: u64) -> Duration {
        Duration::from_secs(seconds)
    }

    #[test]
    fn a_request_is_seen_until_its_step_is_six_steps_old() {
        let window = Window::new(MINUTE);
        window.record(seconds(9), seconds(1), true);
        let seen = |age| window.merged(Duration::from_millis(age)).requests;
        assert_eq!(seen(9_000), 1);
        assert_eq!(seen(59_999), 1);
        assert_eq!(seen(60_000), 0);
    }

    #[test]
    fn the_covered_time_grows_to_a_window_and_stays() {
        for (age, expected) in [(0, 0), (7, 7), (59, 59), (60, 50), (65, 55), (70, 50)] {
            assert_eq!(covered(MINUTE, seconds(age)), seconds(expected));
        }
    }

    #[test]
    fn no_time_is_illegal() {
        for window in [Duration::ZERO, Duration::MAX] {
            let ring = Window::new(window);
            for age in [Duration::ZERO, MINUTE, Duration::MAX] {
                ring.record(age, Duration::ZERO, false);
                assert!(ring.merged(age).requests > 0);
                let _ = covered(window, age);
            }
        }
    }

    #[test]
    fn eight_threads_that_turn_the_ring_lose_nothing() {
        let window = Window::new(MINUTE);
        std::thread::scope(|scope| {
            for _ in 0..8 {
                scope.spawn(|| {
                    for request in 0..30_000 {
                        // Five turns, all within reach of the last snapshot.
                        window.record(seconds(600 + request / 600), seconds(1), request % 3 == 0);
                    }
                });
            }
        });
        let merged = window.merged(seconds(650));
        assert_eq!(merged.requests, 240_000);
        assert_eq!(merged.errors, 80_000);
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// The slow and obvious way: remember all of them.
        #[test]
        fn counts_are_those_of_a_list(
            pauses in prop::collection::vec(0_u64..25_000, 1..60),
        ) {
            let window = Window::new(MINUTE);
            let mut all = Vec::new();
            let mut age = 0;
            for pause in pauses {
                age += pause;
                window.record(Duration::from_millis(age), seconds(1), false);
                all.push(age);
                let now = age / 10_000;
                let expected = all.iter().filter(|at| **at / 10_000 + 6 > now).count();
                let merged = window.merged(Duration::from_millis(age));
                prop_assert_eq!(merged.requests, expected as u64);
            }
        }
    }
}
