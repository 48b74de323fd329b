use std::num::NonZeroU16;

use crate::{tagged::Tagged, tally::Tally};

/// The last `window` results, one bit each, set for a bad one.
///
/// Lock-free and O(1). `bad` follows the bits that really changed, so at rest it is the number
/// of bits set.
#[derive(Debug)]
pub(crate) struct Ring {
    words: Box<[Tagged]>,
    /// Results recorded in this generation. On its way to twice `enough` it falls back to `enough`,
    /// a multiple of `window`: the slot, `cursor % window`, goes on as if it had not.
    cursor: Tagged,
    /// Modulo 2^40: a good result that overtakes the bad result it replaces makes it -1 for a moment.
    bad: Tagged,
    window: u64,
    enough: u64,
}

const BITS: u64 = 32;
const HALF_RANGE: u64 = 1 << 39;

impl Ring {
    /// `min_calls` is up to which number the calls must be told apart.
    pub(crate) fn new(window: NonZeroU16, min_calls: u32) -> Self {
        let window = u64::from(window.get());
        let words = window.div_ceil(BITS);
        Self {
            words: (0..words).map(|_| Tagged::default()).collect(),
            cursor: Tagged::default(),
            bad: Tagged::default(),
            window,
            enough: u64::from(min_calls).next_multiple_of(window).max(window),
        }
    }

    /// Not to be called for a generation that may be recording.
    pub(crate) fn clear(&self, generation: u32) {
        self.cursor.clear(generation);
        self.bad.clear(generation);
        for word in &self.words {
            word.clear(generation);
        }
    }

    /// Whether one more good result would change nothing, so that the healthy path only reads.
    #[inline]
    pub(crate) fn is_full_of_good(&self, generation: u32) -> bool {
        self.bad.is_zero(generation)
            && (self.cursor.get(generation)).is_some_and(|calls| calls >= self.enough)
    }

    /// Records a result, or returns `None` when the generation is over.
    pub(crate) fn push(&self, generation: u32, is_bad: bool) -> Option<Tally> {
        if !is_bad && self.is_full_of_good(generation) {
            return Some(Tally::default());
        }
        let enough = self.enough;
        let calls = self.cursor.update(generation, |calls| match calls + 1 {
            next if next >= 2 * enough => enough,
            next => next,
        })?;
        let slot = calls % self.window;
        let bit = 1 << (slot % BITS);
        let word = self.words.get((slot / BITS) as usize)?;
        let before = word.update(
            generation,
            |bits| if is_bad { bits | bit } else { bits & !bit },
        )?;
        let change: u64 = match (before & bit != 0, is_bad) {
            (false, true) => 1,
            (true, false) => u64::MAX,
            _ => 0,
        };
        let bad = (self.bad)
            .update(generation, |bad| bad.wrapping_add(change))?
            .wrapping_add(change);
        Some(self.tally(positive(bad), calls + 1))
    }

    fn tally(&self, bad: u32, calls: u64) -> Tally {
        Tally {
            bad,
            seen: calls.min(self.window) as u32,
            calls,
        }
    }
}

fn positive(bad: u64) -> u32 {
    if bad < HALF_RANGE { bad as u32 } else { 0 }
}

#[cfg(test)]
mod tests {
    use std::{collections::VecDeque, thread};

    use proptest::prelude::*;

    use super::*;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn a_ring_counts_as_a_queue_of_the_last_results_does(
            window in 1_u16..=130,
            min_calls in 0_u32..300,
            results in prop::collection::vec(any::<bool>(), 0..700),
        ) {
            let ring = Ring::new(NonZeroU16::new(window).unwrap(), min_calls);
            let mut queue = VecDeque::new();
            for (index, is_bad) in results.into_iter().enumerate() {
                queue.push_back(is_bad);
                if queue.len() > usize::from(window) {
                    queue.pop_front();
                }
                let tally = ring.push(0, is_bad).unwrap();
                prop_assert_eq!(tally.bad as usize, queue.iter().filter(|bad| **bad).count());
                let calls = index as u64 + 1;
                let told_apart = u64::from(min_calls).max(window.into());
                if is_bad {
                    prop_assert_eq!(tally.calls.min(told_apart), calls.min(told_apart));
                }
            }
        }
    }

    #[test]
    fn threads_leave_as_many_bad_results_counted_as_bits_are_set() {
        for window in [1, 2, 7, 64] {
            let ring = Ring::new(NonZeroU16::new(window).unwrap(), 0);
            thread::scope(|scope| {
                for seed in 1..=4_u64 {
                    let ring = &ring;
                    scope.spawn(move || {
                        let mut random = seed;
                        for _ in 0..5_000 {
                            random = random.wrapping_mul(6_364_136_223_846_793_005) + 1;
                            ring.push(0, random >> 63 == 1);
                        }
                    });
                }
            });
            let set: u32 = ring
                .words
                .iter()
                .map(|word| word.get(0).unwrap().count_ones())
                .sum();
            assert_eq!(ring.bad.get(0), Some(set.into()), "window {window}");
        }
    }

    #[test]
    fn an_old_generation_can_neither_read_nor_write() {
        let ring = Ring::new(NonZeroU16::new(4).unwrap(), 0);
        ring.push(0, true);
        ring.clear(3);
        assert_eq!(ring.push(0, true), None);
        assert_eq!(
            ring.push(3, true),
            Some(Tally {
                bad: 1,
                seen: 1,
                calls: 1
            })
        );
    }
}
