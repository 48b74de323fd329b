//! How long a circuit stays open: doubles with every reopening up to a cap, with equal jitter.

use std::time::Duration;

/// Whole milliseconds, `1 <= base <= cap <= MAX`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct OpenTime {
    base: u32,
    cap: u32,
}

/// Half the range of a 32-bit millisecond clock (24.8 days), so that past and future stay apart.
const MAX: u32 = u32::MAX / 2;

impl OpenTime {
    pub(crate) fn new(base: Duration, cap: Duration) -> Self {
        let base = whole_millis(base);
        Self {
            base,
            cap: whole_millis(cap).max(base),
        }
    }

    pub(crate) fn base(self) -> u32 {
        self.base
    }

    pub(crate) fn cap(self) -> u32 {
        self.cap
    }

    /// The time for the `streak`-th reopening: half of it fixed, half of it drawn from `random`; at
    /// least the `hint` and up to a tenth more, so that clients told the same do not return in one
    /// wave. Never more than the cap.
    pub(crate) fn draw(self, streak: u8, hint: u64, random: u64) -> u32 {
        let doubled = u64::from(self.base) << streak.min(32);
        let full = u32::try_from(doubled).unwrap_or(u32::MAX).min(self.cap);
        let fixed = full.div_ceil(2);
        let hint = u32::try_from(hint).unwrap_or(u32::MAX).min(self.cap);
        let hinted = hint.saturating_add(below(hint / 10 + 1, random));
        let drawn = fixed + below(full - fixed + 1, random);
        drawn.max(hinted.min(self.cap))
    }
}

/// A number under `end`, taken from `random`.
fn below(end: u32, random: u64) -> u32 {
    ((u128::from(random) * u128::from(end)) >> 64) as u32
}

/// Rounded up, from 1 to [`MAX`].
pub(crate) fn whole_millis(time: Duration) -> u32 {
    let millis = time.as_nanos().div_ceil(1_000_000);
    u32::try_from(millis).unwrap_or(MAX).clamp(1, MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn an_open_time_lies_between_half_and_all_of_its_step_and_under_the_cap(
            base in any::<u64>(),
            cap in any::<u64>(),
            streak in any::<u8>(),
            random in any::<u64>(),
        ) {
            let time = OpenTime::new(Duration::from_micros(base), Duration::from_micros(cap));
            let step = u128::from(time.base)
                .saturating_mul(1_u128 << streak.min(64))
                .min(time.cap.into());
            let drawn = u128::from(time.draw(streak, 0, random));
            prop_assert!(drawn >= 1 && drawn <= step && drawn * 2 >= step);
            prop_assert!(time.base >= 1 && time.base <= time.cap && time.cap <= MAX);
        }
    }

    #[test]
    fn the_extreme_draws_reach_both_ends() {
        let time = OpenTime::new(Duration::from_secs(5), Duration::from_secs(120));
        let ends: Vec<_> = [0, 1, 4, 5, 63]
            .map(|streak| (time.draw(streak, 0, 0), time.draw(streak, 0, u64::MAX)))
            .into();
        assert_eq!(
            ends,
            [
                (2_500, 5_000),
                (5_000, 10_000),
                (40_000, 80_000),
                (60_000, 120_000),
                (60_000, 120_000)
            ]
        );
    }

    #[test]
    fn a_fraction_of_a_millisecond_counts_as_a_whole_one() {
        for (given, kept) in [(0, 1), (1, 1), (1_000, 1), (1_001, 2)] {
            assert_eq!(
                OpenTime::new(Duration::from_micros(given), Duration::ZERO).cap,
                kept
            );
        }
    }

    #[test]
    fn a_hint_lengthens_and_never_shortens_and_never_exceeds_the_cap() {
        let time = OpenTime::new(Duration::from_secs(5), Duration::from_secs(120));
        let ends: Vec<_> = [0, 1_000, 30_000, 115_000, 120_000, u64::MAX]
            .map(|hint| (time.draw(0, hint, 0), time.draw(0, hint, u64::MAX)))
            .into();
        assert_eq!(
            ends,
            [
                (2_500, 5_000),
                (2_500, 5_000),
                (30_000, 33_000),
                (115_000, 120_000),
                (120_000, 120_000),
                (120_000, 120_000)
            ]
        );
    }
}
