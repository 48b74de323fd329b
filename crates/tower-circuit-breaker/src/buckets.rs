use crate::{
    atomic::{AtomicU64, Ordering, fence},
    tagged::Tagged,
    tally::Tally,
};

/// The results of the last so many milliseconds, counted in ten intervals.
///
/// Lock-free and O(1): a result is one exchange of the word of its interval, a sum is ten loads.
/// At most the tenth part of the window is forgotten too early.
///
/// A word is number of the interval 24 bits | bad 20 | all 20. Numbers only grow, and each
/// generation begins more than a window above the last, so nothing that a delayed result writes is
/// ever in the window of a later generation.
#[derive(Debug)]
pub(crate) struct Buckets {
    words: [AtomicU64; BUCKETS as usize],
    /// Added to the number of an interval.
    offset: Tagged,
    /// In milliseconds.
    interval: u64,
}

const BUCKETS: u64 = 10;
const COUNT_BITS: u32 = 20;
/// More results of one interval are not counted: a million are sample enough.
const COUNT_MAX: u64 = (1 << COUNT_BITS) - 1;
const NUMBER_SHIFT: u32 = 2 * COUNT_BITS;
const NUMBER_MAX: u64 = (1 << 24) - 1;
/// How far a number may be ahead of one's own and still be taken for a later one. Farther means
/// that the word was not written since the numbers came round.
const AHEAD: u64 = 1 << 10;

/// One word, unpacked.
#[derive(Clone, Copy)]
struct Bucket {
    number: u64,
    bad: u64,
    all: u64,
}

impl Buckets {
    /// `window` is in milliseconds.
    pub(crate) fn new(window: u32) -> Self {
        Self {
            words: Default::default(),
            offset: Tagged::default(),
            interval: u64::from(window).div_ceil(BUCKETS).max(1),
        }
    }

    /// Not to be called for a generation that may be recording.
    pub(crate) fn clear(&self, generation: u32) {
        self.offset
            .hand_over(generation, |offset| offset + BUCKETS + 1);
    }

    /// Records a result and sums up if it is a bad one, or returns `None` when the generation is
    /// over.
    pub(crate) fn push(&self, generation: u32, bad: bool, now: u64) -> Option<Tally> {
        let number = self.offset.get(generation)? + now / self.interval;
        let word = self.words.get((number % BUCKETS) as usize)?;
        let mut seen = word.load(Ordering::Acquire);
        while let Some(next) = Bucket::from(seen).plus(number & NUMBER_MAX, bad) {
            match word.compare_exchange_weak(seen, next.into(), Ordering::AcqRel, Ordering::Acquire)
            {
                Ok(_) => break,
                Err(changed) => seen = changed,
            }
        }
        Some(if bad {
            self.sum(number & NUMBER_MAX)
        } else {
            Tally::default()
        })
    }

    fn sum(&self, number: u64) -> Tally {
        // Of two bad results, recorded in different intervals at the same time, at least one is
        // followed by a sum with both.
        fence(Ordering::SeqCst);
        let (mut bad, mut all) = (0, 0);
        for word in &self.words {
            let bucket = Bucket::from(word.load(Ordering::Acquire));
            if distance(bucket.number, number) < BUCKETS || distance(number, bucket.number) < AHEAD
            {
                bad += bucket.bad;
                all += bucket.all;
            }
        }
        Tally {
            bad: bad as u32,
            seen: all as u32,
            calls: all,
        }
    }
}

impl Bucket {
    /// With one result more in the interval `number`; `None` if that leaves it as it is.
    fn plus(self, number: u64, bad: bool) -> Option<Self> {
        let (seen_bad, all) = match self.number {
            own if own == number => (self.bad, self.all),
            later if distance(number, later) < AHEAD => return None,
            _ => (0, 0),
        };
        (all < COUNT_MAX).then_some(Self {
            number,
            bad: seen_bad + u64::from(bad),
            all: all + 1,
        })
    }
}

impl From<u64> for Bucket {
    fn from(word: u64) -> Self {
        Self {
            number: word >> NUMBER_SHIFT,
            bad: word >> COUNT_BITS & COUNT_MAX,
            all: word & COUNT_MAX,
        }
    }
}

impl From<Bucket> for u64 {
    fn from(bucket: Bucket) -> Self {
        bucket.number << NUMBER_SHIFT | bucket.bad << COUNT_BITS | bucket.all
    }
}

/// How many intervals `to` is after `from`.
fn distance(from: u64, to: u64) -> u64 {
    to.wrapping_sub(from) & NUMBER_MAX
}

#[cfg(test)]
mod tests {
    use std::thread;

    use proptest::prelude::*;

    use super::*;

    fn tally(bad: u32, seen: u32) -> Option<Tally> {
        Some(Tally {
            bad,
            seen,
            calls: seen.into(),
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(256))]

        #[test]
        fn buckets_count_as_a_list_of_all_results_does(
            window in 1_u32..300,
            results in prop::collection::vec((any::<bool>(), 0..60_u64, 0..50_u8), 0..200),
        ) {
            let buckets = Buckets::new(window);
            let interval = u64::from(window).div_ceil(10);
            let (mut now, mut generation, mut list) = (0_u64, 0, Vec::new());
            for (bad, pause, dice) in results {
                now += match dice {
                    0 => 100_000,
                    1 => 12_345_678_901,
                    2 => { generation += 1; buckets.clear(generation); list.clear(); 0 }
                    _ => pause,
                };
                list.push((now / interval, bad));
                let tally = buckets.push(generation, bad, now).unwrap();
                let recent = |(at, _): &&(u64, bool)| at + 10 > now / interval;
                let counted = list.iter().filter(recent).count();
                let counted_bad = list.iter().filter(recent).filter(|(_, bad)| *bad).count();
                if bad {
                    prop_assert_eq!((tally.bad, tally.seen), (counted_bad as u32, counted as u32));
                }
            }
        }
    }

    #[test]
    fn a_result_is_forgotten_between_nine_tenths_of_the_window_and_the_whole() {
        let buckets = Buckets::new(1_000);
        buckets.push(0, true, 99);
        assert_eq!(buckets.push(0, true, 999), tally(2, 2));
        assert_eq!(buckets.push(0, true, 1_000), tally(2, 2));
        assert_eq!(buckets.push(0, true, 1_899), tally(3, 3));
        assert_eq!(buckets.push(0, true, 1_999), tally(3, 3));
    }

    #[test]
    fn an_old_generation_can_neither_read_nor_write() {
        let buckets = Buckets::new(1_000);
        buckets.push(0, true, 5);
        buckets.clear(7);
        assert_eq!(buckets.push(0, true, 5), None);
        assert_eq!(buckets.push(7, true, 5), tally(1, 1));
    }

    #[test]
    fn a_result_that_was_delayed_for_long_takes_nothing_away() {
        let buckets = Buckets::new(10);
        buckets.push(0, true, 100);
        assert_eq!(buckets.push(0, true, 90), tally(1, 1));
        assert_eq!(buckets.push(0, true, 100), tally(2, 2));
    }

    #[test]
    fn a_full_interval_counts_no_further_and_spills_nowhere() {
        let buckets = Buckets::new(1_000);
        let full = Bucket {
            number: 0,
            bad: COUNT_MAX,
            all: COUNT_MAX,
        };
        buckets.words[0].store(full.into(), Ordering::Release);
        assert_eq!(
            buckets.push(0, true, 0),
            tally(COUNT_MAX as u32, COUNT_MAX as u32)
        );
    }

    #[test]
    fn threads_lose_no_result() {
        let buckets = Buckets::new(1_000);
        thread::scope(|scope| {
            for _ in 0..4 {
                scope.spawn(|| {
                    for at in 0..5_000 {
                        buckets.push(0, at % 5 == 0, at / 50);
                    }
                });
            }
        });
        assert_eq!(buckets.push(0, true, 100), tally(4_001, 20_001));
    }
}
